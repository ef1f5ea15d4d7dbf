import type { StagedFile } from '../../engine/duckdb/copy.ts';
import type { RunContext } from '../../model/options.ts';
import type { DataFile, TableHandle } from '../../model/table.ts';
import { eachLimited } from '../../source/export/locate.ts';
import type { Storage } from '../../storage/port.ts';
import type { WrittenBatch } from './batch.ts';
import type { Journal, KeptDeletes } from './journal.ts';

const SMALL_BYTES = 8 * 1024 * 1024;
const PARALLEL = 8;

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
  const files = new Map<number, DataFile>();
  const deletes: KeptDeletes[] = [];
  const { signal } = context;
  try {
    await eachLimited(written.files.length, parallel(written), async (i) => {
      const file = written.files[i];
      if (file === undefined) return;
      const name = `${runId}-${index}-${i}.parquet`;
      const path = table.dataFilePath(commitId, written.layout.partition, file.partition, name);
      const { sizeBytes } = await target.adopt(target.key(path), file.path, { signal });
      files.set(i, dataFile(file, path, sizeBytes));
    });
    for (const [i, { path, rows }] of written.deletes.entries()) {
      // Not named .parquet: who reads the table's folder by a pattern must not find it.
      const key = journal.fileKey(`deletes-${runId}-${index}-${i}.keys`);
      const { sizeBytes } = await target.adopt(key, path, { signal });
      deletes.push({ path: target.uri(key), rows, sizeBytes });
    }
  } catch (thrown) {
    // No record and no commit names these files.
    for (const file of [...files.values(), ...deletes])
      await target.delete(target.key(file.path)).catch(() => undefined);
    throw thrown;
  }
  return { files: written.files.flatMap((_, i) => files.get(i) ?? []), deletes };
}

/** A disk or a store takes its time to make one file durable, and no more for some; larger files go in parts side by side. */
function parallel({ files }: WrittenBatch): number {
  return files.every(({ sizeBytes }) => sizeBytes <= SMALL_BYTES) ? PARALLEL : 1;
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
