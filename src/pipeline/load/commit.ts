import { TailraceError } from '../../model/errors.ts';
import type { RunContext } from '../../model/options.ts';
import type { CommitOutcome, StagedCommit, TableState } from '../../model/table.ts';
import type { OpenTarget } from '../ends/open.ts';

export type Committed = Extract<CommitOutcome, { kind: 'committed' }>;

/** A run that was stopped before a commit; `applied` exports of a chain, or pieces of a scan, were committed before. */
export function interrupted(cause: unknown, applied = 0, scan = false): TailraceError {
  const [noun, whole] = scan ? ['piece', 'scan'] : ['export', 'chain'];
  const count = applied === 1 ? `one ${noun}` : `${applied} ${noun}s`;
  const left = applied === 0 ? 'as it was' : `as ${count} of the ${whole} left it`;
  return new TailraceError('INTERRUPTED', `The run was interrupted; the table is ${left}.`, {
    cause,
    hint: `Run the same command again; it goes on behind the last ${scan ? 'commit' : 'finished batch'}.`,
  });
}

/** Commits, or says why not: a conflict comes back, an unknown outcome is an error. */
export async function tryCommit(
  target: OpenTarget,
  staged: StagedCommit,
  base: TableState | undefined,
  context: RunContext,
  more = false,
): Promise<Exclude<CommitOutcome, { kind: 'unknown' }>> {
  if (context.signal.aborted) throw interrupted(context.signal.reason);
  const outcome = await target.table.commit(staged, base, { signal: context.signal, more });
  // What this run wrote for it may be what the other one committed, so nothing of it is deleted here.
  if (outcome.kind === 'committed' && outcome.elsewhere)
    throw conflict(target, 'another run has made this very commit');
  if (outcome.kind !== 'unknown') return outcome;
  throw new TailraceError('COMMIT_UNKNOWN', `It cannot be told whether the commit took place: ${outcome.reason}.`, {
    place: target.table.location,
    cause: outcome.cause,
    hint: 'Run the same command again: it finds its own commit if it took place, and makes it if not. Nothing was deleted.',
  });
}

/** Commits a change that cannot be staged again. */
export async function commit(
  target: OpenTarget,
  staged: StagedCommit,
  base: TableState | undefined,
  context: RunContext,
): Promise<Committed> {
  const outcome = await tryCommit(target, staged, base, context);
  if (outcome.kind === 'committed') return outcome;
  throw conflict(target, outcome.reason);
}

export function conflict(target: OpenTarget, reason: string): TailraceError {
  return new TailraceError('COMMIT_CONFLICT', `Another writer changed the table first: ${reason.replace(/\.$/, '')}.`, {
    place: target.table.location,
    hint: 'Run the command again; it looks at the table as it is now.',
  });
}
