import type { StagedFile } from '../engine/duckdb/copy.ts';
import type { RunContext } from '../model/options.ts';
import type { DataFile, TableHandle } from '../model/table.ts';
import type { Storage } from '../storage/port.ts';
import type { WrittenBatch } from './batch.ts';
import type { Journal, KeptDeletes } from './journal.ts';

/** Where the files of a batch go, and what they are called there. */
export interface KeepInput {
  readonly table: TableHandle;
  readonly target: Storage;
  readonly journal: Journal;
  readonly commitId: string;
  readonly runId: string;
  readonly context: RunContext;
}

/** A batch's files where they are durable: rows beside the table's other files, deleted keys in the journal. */
export interface KeptFiles {
  readonly files: readonly DataFile[];
  readonly deletes: readonly KeptDeletes[];
}

/** Moves a batch's files to the table's storage; on a failure none is left there. */
export async function keepFiles(written: WrittenBatch, index: number, input: KeepInput): Promise<KeptFiles> {
  const { table, target, journal, commitId, runId, context } = input;
  const files: DataFile[] = [];
  const deletes: KeptDeletes[] = [];
  const { signal } = context;
  try {
    for (const [i, file] of written.files.entries()) {
      const name = `${runId}-${index}-${i}.parquet`;
      const path = table.dataFilePath(commitId, written.layout.partition, file.partition, name);
      const { sizeBytes } = await target.adopt(target.key(path), file.path, { signal });
      files.push(dataFile(file, path, sizeBytes));
    }
    for (const [i, { path, rows }] of written.deletes.entries()) {
      // Not named .parquet: who reads the table's folder by a pattern must not find it.
      const key = journal.fileKey(`deletes-${runId}-${index}-${i}.keys`);
      const { sizeBytes } = await target.adopt(key, path, { signal });
      deletes.push({ path: target.uri(key), rows, sizeBytes });
    }
  } catch (thrown) {
    // No record and no commit names these files.
    for (const file of [...files, ...deletes]) await target.delete(target.key(file.path)).catch(() => undefined);
    throw thrown;
  }
  return { files, deletes };
}

function dataFile(file: StagedFile, path: string, sizeBytes: number): DataFile {
  return {
    path,
    rows: file.rows,
    sizeBytes,
    partition: file.partition,
    stats: file.stats,
    splitOffsets: file.splitOffsets,
  };
}
