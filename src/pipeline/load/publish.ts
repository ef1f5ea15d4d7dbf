/** Parquet tables whose newest state no folder holds: a run that commits several times leaves that to its last commit. */
import { randomUUID } from 'node:crypto';
import { MAX_CONFLICTS } from '../../maintain/compact.ts';
import { asTailraceError } from '../../model/errors.ts';
import type { RunContext } from '../../model/options.ts';
import type { CommitOutcome } from '../../model/table.ts';
import type { OpenTarget } from '../ends/target.ts';
import { tryCommit } from './commit.ts';
import type { RunParts } from './parts.ts';

/** Brings all files of the newest state together and sends readers there; undefined where they are already. */
export async function publish(target: OpenTarget, context: RunContext): Promise<CommitOutcome | undefined> {
  let outcome: CommitOutcome | undefined;
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const base = await target.table.load();
    if (base?.published === undefined || base.ledger === undefined) return undefined;
    const { schema, partition, sort, ledger } = base;
    const commitId = randomUUID();
    const common = { schema, partition, sort, ledger, commitId, files: [], timestampMs: Date.now() };
    outcome = await tryCommit(target, { operation: 'rewrite', ...common }, base, context);
    if (outcome.kind === 'committed') return outcome;
    await target.table.discard?.(commitId).catch(() => undefined);
  }
  return outcome;
}

/** The same at the end of a run, however that ends. What fails here, the next run does: the table is as it should be. */
export async function sendReaders({
  target,
  context,
  reporter,
}: Pick<RunParts, 'target' | 'context' | 'reporter'>): Promise<void> {
  if (target.table.format !== 'parquet' || context.signal.aborted) return;
  const behind = (reason: string): void =>
    reporter.warn('readers-behind', `${readersBehind(reason)} Run the same command again.`);
  try {
    const outcome = await reporter.timed('commit', () => publish(target, context));
    if (outcome?.kind === 'committed') reporter.readAt(outcome);
    if (outcome?.kind === 'conflict') behind(outcome.reason);
  } catch (thrown) {
    behind(asTailraceError(thrown).message);
  }
}

/** A warning's sentence. */
export function readersBehind(reason: string): string {
  return `The table holds the newest state, but readers of its folder see an older one: ${reason.replace(/\.?$/, '.')}`;
}
