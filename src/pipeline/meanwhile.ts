/** Several runs may bring the same exports to the same table at once. Each export is applied by one of them. */
import { TailraceError } from '../model/errors.ts';
import type { TableState } from '../model/table.ts';
import type { ChainStep } from './chain.ts';
import { conflict } from './commit.ts';
import type { RunParts } from './parts.ts';
import type { Reporter } from './reporter.ts';

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
 * Does a step. When it fails and the table holds the export by now, another run was faster, and has taken away what
 * both of them had in the journal: the step is done all the same.
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
    // Of a commit that may be our own, its own error says more.
    const own = thrown instanceof TailraceError && thrown.code === 'COMMIT_UNKNOWN';
    if (own || context.signal.aborted || holds(base, step)) throw thrown;
    const now = await target.table.load().catch(() => undefined);
    if (now === undefined || !holds(now, step)) throw thrown;
    context.log('debug', 'the step failed beside another run', { error: String(thrown) });
    told(reporter, step, now);
  }
}
