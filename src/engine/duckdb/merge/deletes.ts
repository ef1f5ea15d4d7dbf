import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { POSITION_DELETE_COLUMNS } from '../../../model/table.ts';
import { str } from '../../sql/quote.ts';
import type { Duck } from '../instance.ts';
import { deletedPositions } from '../read.ts';
import { withSettings } from '../settings.ts';
import type { Match } from './match.ts';

export interface DeletesJob {
  /** A folder for the files. */
  readonly outDir: string;
  /** URIs of the data files to write deletes of; absent: all that the match touched. */
  readonly uris?: ReadonlySet<string>;
  /** By data file: local paths of the delete files that the new one replaces. Absent: all that apply. Positions of others,
   * which stay in the table, are not repeated: the table's row count is the data's less all deletes'. */
  readonly replaced?: ReadonlyMap<string, readonly string[]>;
  readonly signal?: AbortSignal;
}

/** A position-delete file of one data file, on this machine's disk. */
export interface WrittenDeletes {
  readonly dataFile: string;
  readonly path: string;
  readonly rows: number;
  readonly sizeBytes: number;
}

/** Statements that are sent to the engine at a time. */
const STATEMENTS = 256;

/**
 * Writes for each touched data file one position-delete file with its deleted rows, those of files that it replaces too,
 * ascending. One COPY a file: the engine's own partitioning mixes rows up where its chunks meet, and the format wants them in order.
 */
export async function writeDeletes(duck: Duck, match: Match, job: DeletesJob): Promise<WrittenDeletes[]> {
  const { files, positions, perFile } = match;
  const { outDir, uris, replaced, signal } = job;
  const chosen = perFile.filter(({ uri }) => uris?.has(uri) ?? true);
  const wanted = new Set(chosen.map(({ uri }) => uri));
  const indexes = files.flatMap(({ uri }, i) => (wanted.has(uri) ? [i] : []));
  if (indexes.length === 0) return [];
  await mkdir(outDir, { recursive: true });
  const ordered = `${positions}_ordered`;
  const former = files.map((file) => {
    const { uri, path, deletes = [] } = file;
    const old = replaced === undefined ? deletes : (replaced.get(uri) ?? []);
    return wanted.has(uri) && old.length > 0 ? { ...file, deletes: old } : { uri, path };
  });
  const pathOf = (i: number): string => join(outDir, `deletes_${i}.parquet`);
  const write = async (): Promise<void> => {
    await duck.run(
      `CREATE TABLE ${ordered} AS SELECT file, pos FROM (
         SELECT file, pos FROM ${positions} WHERE file IN (${indexes.join(', ')})
         UNION SELECT file, pos FROM (${deletedPositions(former)})) ORDER BY file, pos`,
      signal,
    );
    for (let at = 0; at < indexes.length; at += STATEMENTS) {
      const some = indexes.slice(at, at + STATEMENTS);
      const copies = some.map((i) => copySql(ordered, i, files[i]?.spelling ?? files[i]?.uri ?? '', pathOf(i)));
      await duck.run(copies.join(';\n'), signal);
    }
  };
  try {
    await withSettings(duck, { preserve_insertion_order: true }, write);
    const counts = await duck.rows(`SELECT file, count(*) AS n FROM ${ordered} GROUP BY file`, signal);
    const rowsOf = new Map(counts.map(({ file, n }) => [Number(file), Number(n)]));
    return await Promise.all(
      indexes.map(async (i) => {
        const uri = files[i]?.uri ?? '';
        return { dataFile: uri, path: pathOf(i), rows: rowsOf.get(i) ?? 0, sizeBytes: (await stat(pathOf(i))).size };
      }),
    );
  } finally {
    await duck.run(`DROP TABLE IF EXISTS ${ordered}`);
  }
}

function copySql(table: string, file: number, uri: string, path: string): string {
  const ids = Object.entries(POSITION_DELETE_COLUMNS).map(([name, id]) => `${name}: ${id}`);
  return `COPY (SELECT ${str(uri)} AS file_path, pos FROM ${table} WHERE file = ${file} ORDER BY pos)
    TO ${str(path)} (FORMAT parquet, COMPRESSION zstd, FIELD_IDS {${ids.join(', ')}})`;
}
