/** Snapshot summaries: Iceberg's own counts, and the position that the snapshot brings the table to. */
import type { StagedCommit } from '../../model/table.ts';
import type { TableChange } from './change.ts';
import { COMMIT_ID, LIVE_RECORDS, STAGED_MS } from './metadata.ts';
import type { SummaryTotals, Totals } from './totals.ts';
import { countsOf, totalsAfter } from './totals.ts';

/** The summary of a commit's snapshot. `baseRows`: the rows that readers saw before it. */
export function summaryOf(staged: StagedCommit, change: TableChange, baseRows: number): Record<string, string> {
  const [added, removed] = [countsOf(change.added), countsOf(change.removed)];
  const totals = totalsAfter(change.before, added, removed);
  const live =
    BigInt(baseRows) +
    added.records -
    removed.records -
    added.positionDeletes +
    countsOf(change.lifted).positionDeletes;
  return {
    operation: operationOf(staged, added, removed),
    [COMMIT_ID]: staged.commitId,
    ...(staged.operation === 'rewrite' ? {} : { [STAGED_MS]: String(staged.timestampMs), ...position(staged) }),
    ...addedCounts(added),
    ...removedCounts(removed),
    ...totalCounts(totals),
    ...(totals.deleteFiles === 0n ? {} : { [LIVE_RECORDS]: String(live < 0n ? 0n : live) }),
  };
}

/** The specification's word for the change, by which incremental readers choose the snapshots that they read. */
function operationOf(staged: StagedCommit, added: Totals, removed: Totals): string {
  if (staged.operation === 'create') return 'append';
  if (staged.operation === 'rewrite') return 'replace';
  if (staged.operation === 'replace') return 'overwrite';
  const deletes = added.positionDeleteFiles > 0n || removed.positionDeleteFiles > 0n || removed.dataFiles > 0n;
  if (!deletes) return 'append';
  return added.dataFiles > 0n ? 'overwrite' : 'delete';
}

function position({ ledger }: StagedCommit): Record<string, string> {
  const last = ledger.entries.at(-1);
  return {
    'tailrace.watermark': ledger.watermark,
    'tailrace.table-arn': ledger.tableArn,
    'tailrace.table-id': ledger.tableId,
    ...(last === undefined
      ? {}
      : {
          'tailrace.export-arn': last.exportArn,
          'tailrace.export-time': last.kind === 'full-export' ? last.exportTime : last.to,
        }),
  };
}

function addedCounts(added: Totals): Record<string, string> {
  return {
    'added-data-files': String(added.dataFiles),
    'added-records': String(added.records),
    'added-files-size': String(added.bytes),
    ...(added.positionDeleteFiles === 0n
      ? {}
      : {
          'added-delete-files': String(added.positionDeleteFiles),
          'added-position-delete-files': String(added.positionDeleteFiles),
          'added-position-deletes': String(added.positionDeletes),
        }),
  };
}

function removedCounts(removed: Totals): Record<string, string> {
  const counts: readonly (readonly [string, bigint])[] = [
    ['deleted-data-files', removed.dataFiles],
    ['deleted-records', removed.records],
    ['removed-delete-files', removed.positionDeleteFiles + removed.equalityDeleteFiles],
    ['removed-position-delete-files', removed.positionDeleteFiles],
    ['removed-position-deletes', removed.positionDeletes],
    ['removed-equality-delete-files', removed.equalityDeleteFiles],
    ['removed-equality-deletes', removed.equalityDeletes],
    ['removed-files-size', removed.bytes],
  ];
  return Object.fromEntries(counts.filter(([, count]) => count > 0n).map(([name, count]) => [name, String(count)]));
}

function totalCounts(totals: SummaryTotals): Record<string, string> {
  return {
    'total-data-files': String(totals.dataFiles),
    'total-records': String(totals.records),
    'total-files-size': String(totals.bytes),
    'total-delete-files': String(totals.deleteFiles),
    'total-position-deletes': String(totals.positionDeletes),
    'total-equality-deletes': String(totals.equalityDeletes),
  };
}
