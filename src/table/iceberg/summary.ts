/** Snapshot summaries: Iceberg's own counts, and the position that the snapshot brings the table to. */
import type { StagedCommit } from '../../model/table.ts';
import type { ManifestEntry } from './manifest.ts';
import { COMMIT_ID } from './metadata.ts';

/** The summary of a commit that adds the staged files and removes these entries, which are all that were live. */
export function summaryOf(
  staged: StagedCommit,
  removed: readonly ManifestEntry[],
  overwrites: boolean,
): Record<string, string> {
  const rows = sum(staged.files.map((file) => file.rows));
  const bytes = sum(staged.files.map((file) => file.sizeBytes));
  const last = staged.ledger.entries.at(-1);
  return {
    operation: overwrites ? 'overwrite' : 'append',
    [COMMIT_ID]: staged.commitId,
    'tailrace.watermark': staged.ledger.watermark,
    'tailrace.table-arn': staged.ledger.tableArn,
    'tailrace.table-id': staged.ledger.tableId,
    ...(last === undefined
      ? {}
      : {
          'tailrace.export-arn': last.exportArn,
          'tailrace.export-time': last.kind === 'full-export' ? last.exportTime : last.to,
        }),
    'added-data-files': String(staged.files.length),
    'added-records': String(rows),
    'added-files-size': String(bytes),
    ...(removed.length === 0
      ? {}
      : {
          'deleted-data-files': String(removed.length),
          'deleted-records': String(removed.reduce((total, { file }) => total + file.record_count, 0n)),
          'removed-files-size': String(removed.reduce((total, { file }) => total + file.file_size_in_bytes, 0n)),
        }),
    'total-data-files': String(staged.files.length),
    'total-records': String(rows),
    'total-files-size': String(bytes),
    'total-delete-files': '0',
    'total-position-deletes': '0',
    'total-equality-deletes': '0',
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
