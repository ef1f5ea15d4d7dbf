/** Several runs may bring the same exports to the same table at once. Each export is applied by one of them. */
import { TailraceError } from '../../model/errors.ts';
import type { TableState } from '../../model/table.ts';
import { ObjectNotFound, PreconditionFailed } from '../../storage/port.ts';
import type { ChainStep } from '../chain/chain.ts';
import { conflict } from '../load/commit.ts';
import { finishLast } from '../load/finish-last.ts';
import type { RunParts } from '../load/parts.ts';
import type { Reporter } from '../report/reporter.ts';

/** Whether the table has come to hold what a step of the plan was to bring. */
function holds(state: TableState | undefined, { export: { kind, exportArn, to } }: ChainStep): boolean {
  const { ledger } = state ?? {};
  if (ledger === undefined) return false;
  if (kind === 'full') return ledger.entries.some((entry) => entry.exportArn === exportArn);
  return Date.parse(to) <= Date.parse(ledger.watermark);
}

function told(reporter: Reporter, { export: { uri } }: ChainStep, now: TableState): void {
  reporter.base(now);
  reporter.warn('applied-elsewhere', `Another run has applied ${uri} at the same time: it is in the table once.`);
}

/** For a step behind the first: whether another run has applied it. Throws when it no longer fits the table. */
export function isApplied({ target, reporter }: RunParts, base: TableState | undefined, step: ChainStep): boolean {
  if (base !== undefined && holds(base, step)) {
    told(reporter, step, base);
    return true;
  }
  const { from } = step.export;
  const links = base?.ledger !== undefined && Date.parse(from) <= Date.parse(base.ledger.watermark);
  if (step.kind === 'full' || links || step.gapBefore !== undefined) return false;
  throw conflict(
    target,
    `it holds changes up to ${base?.ledger?.watermark ?? 'no time'}, and the next window begins at ${from}`,
  );
}

/**
 * Does a step. When it loses against another run, and the table holds the export by now, that run was faster, and may
 * have taken away what both of them had in the journal: the step is done all the same. Any other failure is the step's own.
 */
export async function unlessApplied(
  { target, context, reporter }: RunParts,
  base: TableState | undefined,
  step: ChainStep,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (context.signal.aborted || holds(base, step) || !isLost(thrown, target.table.location)) throw thrown;
    const now = await target.table.load().catch(() => undefined);
    if (now === undefined || !holds(now, step)) throw thrown;
    context.log('debug', 'the step failed beside another run', { error: String(thrown) });
    told(reporter, step, now);
    await finishLast(target, now, reporter);
  }
}

/** Whether another run's commit can be why: a conflict, or a file below the table's folder that is gone or another. */
function isLost(thrown: unknown, location: string): boolean {
  // Of a commit that may be our own, its own error says more.
  if (thrown instanceof TailraceError && thrown.code === 'COMMIT_UNKNOWN') return false;
  const isOurs = (uri: unknown): boolean => typeof uri === 'string' && uri.startsWith(`${location}/`);
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof TailraceError && error.code === 'COMMIT_CONFLICT') return true;
    if ((error instanceof ObjectNotFound || error instanceof PreconditionFailed) && isOurs(error.uri)) return true;
    // A folder of the journal may go between the call that makes it and the one that puts a file there.
    const { code, path, dest } = error as NodeJS.ErrnoException & { readonly dest?: string };
    if (code === 'ENOENT' && (isOurs(path) || isOurs(dest))) return true;
    // The engine reads local files in place, and has no code for one that is gone.
    if (ENGINE_MISSES.test(error.message) && error.message.includes(`${location}/`)) return true;
  }
  return false;
}

const ENGINE_MISSES = /^IO Error: (?:No files found that match|Cannot open file [\s\S]*No such file or directory)/;
