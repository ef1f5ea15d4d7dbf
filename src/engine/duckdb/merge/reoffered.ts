import type { TableSchema } from '../../../model/schema.ts';
import type { TimeRange } from '../../../model/table.ts';
import type { Duck } from '../instance.ts';
import { filesRelation } from '../read.ts';
import { columnOf } from './changes.ts';
import type { Match, MergeFile } from './match.ts';

export interface Reoffered {
  readonly schema: TableSchema;
  /** A window's changes, a row each; only `_written_at` is read. */
  readonly puts: readonly MergeFile[];
  /** Times that windows before this one cover. */
  readonly seen: readonly TimeRange[];
  readonly signal?: AbortSignal;
}

let matches = 0;

/**
 * Finds the changes of a window that an earlier one has brought already, for tables that keep every change. A line tells
 * a key's last write within its window. Where that lies in a window before, which ends earlier, it was the key's last
 * write there, too: both lines tell of the same change. All others are new.
 */
export async function matchReoffered(duck: Duck, { schema, puts, seen, signal }: Reoffered): Promise<Match> {
  const positions = `reoffered_${++matches}`;
  const close = (): Promise<void> => duck.run(`DROP TABLE IF EXISTS ${positions}`);
  const at = `epoch_us(${columnOf(schema, '_written_at')}::TIMESTAMPTZ)`;
  const micros = (time: string): string => `${BigInt(Date.parse(time)) * 1000n}`;
  const within = seen.map(({ from, to }) => `(${at} >= ${micros(from)} AND ${at} < ${micros(to)})`);
  try {
    await duck.run(
      `CREATE TABLE ${positions} AS SELECT file_index::BIGINT AS file, file_row_number AS pos, NULL::TIMESTAMPTZ AS deleted_at
       FROM ${filesRelation(schema, puts)} WHERE ${within.length === 0 ? 'false' : within.join(' OR ')}`,
      signal,
    );
    const found = await duck.rows(`SELECT file, count(*) AS n FROM ${positions} GROUP BY file ORDER BY file`, signal);
    const perFile = found.flatMap(({ file, n }) => {
      const touched = puts[Number(file)];
      if (touched === undefined) return [];
      return [{ uri: touched.uri, rows: touched.rows, formerlyDeleted: 0, newlyDeleted: Number(n) }];
    });
    const unchanged = perFile.reduce((sum, { newlyDeleted }) => sum + newlyDeleted, 0);
    const rows = puts.reduce((sum, file) => sum + file.rows, 0);
    return { perFile, counts: { written: rows - unchanged, deleted: 0, unchanged }, files: puts, positions, close };
  } catch (thrown) {
    await close().catch(() => undefined);
    throw thrown;
  }
}
