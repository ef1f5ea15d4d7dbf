/** What a scan does with the table that is there: begins, goes on, or finds its work done. */
import { randomBytes } from 'node:crypto';
import type { DescribedTable } from '../../dynamodb/describe.ts';
import { TailraceError } from '../../model/errors.ts';
import type { LoadMode, SyncOptions } from '../../model/options.ts';
import { holdsRun, lastScan, runIdOf } from '../../model/scan-ledger.ts';
import type { ScanEntry, TableState } from '../../model/table.ts';
import type { Since } from '../../schema/filter/since.ts';
import { segmentsFor } from '../../source/scan/places.ts';
import { modeOf, sinceAgain, sinceOf } from './mode.ts';

export interface ScanPlan {
  readonly kind: 'begin' | 'resume' | 'held';
  readonly runId: string;
  readonly segments: number;
  /** What the table holds of it. */
  readonly entry?: ScanEntry;
  /** What it does with the rows of others; absent: there are none. */
  readonly mode?: LoadMode;
  /** Only items as young as that are taken. */
  readonly since?: Since;
}

const UNFINISHED = 'Let the run that began it come to its end first, or give it up with --new-scan.';
const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Refuses what cannot be gone on with: another table, another number of segments, another run's part. */
export function planScan(table: DescribedTable, base: TableState | undefined, options: SyncOptions): ScanPlan {
  const { scan, state } = options;
  if (scan.runId !== undefined && !RUN_ID.test(scan.runId))
    throw new TailraceError('USAGE', 'The name of the run cannot be one.', {
      place: '--run-id',
      found: scan.runId,
      expected: 'up to 64 letters, digits, _, - and dots, a letter or digit first',
    });
  const fresh = (mode?: LoadMode): ScanPlan => {
    const since = sinceOf(state, base);
    return {
      kind: 'begin',
      runId: scan.runId ?? newRunId(),
      segments: scan.segments ?? segmentsFor(table.bytes),
      ...(mode === undefined ? {} : { mode }),
      ...(since === undefined ? {} : { since }),
    };
  };
  const ledger = base?.ledger;
  if (base === undefined || ledger === undefined) return fresh();
  refuseOther(table, base);
  // A run that came to its end is done, also where another one was interrupted since.
  const held = ledger.entries.find((entry) => entry.kind === 'scan' && scan.runId === runIdOf(entry));
  if (held?.kind === 'scan' && held.rest === undefined)
    return { kind: 'held', runId: runIdOf(held), segments: held.segments, entry: held };
  if (scan.runId !== undefined && holdsRun(ledger, scan.runId)) return { ...fresh(), kind: 'held' };
  const part = lastScan(ledger);
  if (part?.rest !== undefined && !scan.newScan) return resumed(part, runIdOf(part), base, options);
  return fresh(modeOf(options, base));
}

function resumed(entry: ScanEntry, runId: string, base: TableState, { scan, state }: SyncOptions): ScanPlan {
  const { mode } = entry;
  if (mode !== undefined && state.mode !== undefined && state.mode !== mode)
    throw refused(base, `--write-mode ${mode}`, `--write-mode ${state.mode}`, UNFINISHED);
  if (scan.runId !== undefined && scan.runId !== runId)
    throw refused(base, `--run-id ${runId}`, `--run-id ${scan.runId}`, UNFINISHED);
  if (scan.segments !== undefined && scan.segments !== entry.segments)
    throw new TailraceError(
      'USAGE',
      'The interrupted scan has another number of segments, and its places are of those.',
      {
        place: '--segments',
        expected: String(entry.segments),
        found: String(scan.segments),
        hint: 'Leave --segments out: the scan goes on with its own. Or begin a new one with --new-scan.',
      },
    );
  const since = sinceAgain(entry, state, base);
  return {
    ...{ kind: 'resume', runId, segments: entry.segments, entry },
    ...(mode === undefined ? {} : { mode }),
    ...(since === undefined ? {} : { since }),
  };
}

/** Refuses rows of two tables in one. */
export function refuseOther({ arn, id }: DescribedTable, { ledger, location }: TableState): void {
  if (ledger === undefined || (ledger.tableArn === arn && ledger.tableId === id)) return;
  const message =
    ledger.tableArn === arn
      ? 'The DynamoDB table was deleted and made again since this table was loaded.'
      : 'The target holds another DynamoDB table.';
  throw new TailraceError('LEDGER_REFUSED', message, {
    place: location,
    expected: `${ledger.tableArn}, table id ${ledger.tableId}`,
    found: `${arn}, table id ${id}`,
    hint: 'Name another target.',
  });
}

/** Refuses to commit what was read of a table that is another one by now. */
export function refuseRemade(before: DescribedTable, now: DescribedTable): void {
  if (before.id === now.id) return;
  throw new TailraceError('LEDGER_REFUSED', 'The DynamoDB table was deleted and made again while it was read.', {
    place: before.arn,
    expected: `table id ${before.id}`,
    found: `table id ${now.id}`,
    hint: 'What was committed before is of the former table. Load the new one into another target.',
  });
}

function refused({ location }: TableState, expected: string, found: string, hint: string): TailraceError {
  return new TailraceError('LEDGER_REFUSED', 'The target holds something that this scan cannot be added to.', {
    place: location,
    expected,
    found,
    hint,
  });
}

/** Names sort by time. */
function newRunId(): string {
  return `${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z-${randomBytes(4).toString('hex')}`;
}
