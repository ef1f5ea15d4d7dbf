import { TailraceError } from '../../../model/errors.ts';
import type { TableSchema } from '../../../model/schema.ts';
import { filesRelation, type ReadFile, readColumn, tableColumns } from '../read.ts';

/**
 * Changes of a window as SQL rows: key columns `k0`, `k1` and `v`, a number that says which change it is and orders the
 * changes of a key. From the highest bit: the write time in µs (62 bits), whether it is a put, its file (22 bits) and
 * its row there (40 bits). The greatest of a key is its newest change; of two written in the same µs a put counts more
 * than a delete, whichever came first, because a delete that is repeated finds a row of its own time and leaves it.
 */
const FILE_BITS = 22;
const ROW_BITS = 40;

/** Data files that hold new rows, and files with the keys and times of deletes; both bear the schema's field ids. */
export interface Changes {
  readonly schema: TableSchema;
  /** Names of the key columns, partition key first. */
  readonly keys: readonly string[];
  readonly puts: readonly ReadFile[];
  /** Local paths of Parquet files with the key columns and `_written_at`. */
  readonly deletes: readonly string[];
}

/** All changes; a key may have several. At least one file. */
export function changesSql({ schema, keys, puts, deletes }: Changes): string {
  if (puts.length + deletes.length === 0) throw new TailraceError('INTERNAL', 'There are no changes to merge.');
  const side = (files: readonly { readonly path: string }[], put: 0 | 1): string => {
    const columns = keys.map((key, i) => `${columnOf(schema, key)} AS k${i}`).join(', ');
    return `SELECT ${columns}, ${orderSql(`${versionSql(schema)} + ${put}`)} AS v FROM ${filesRelation(schema, files)}`;
  };
  const deleted = deletes.map((path) => ({ path }));
  return [...(puts.length > 0 ? [side(puts, 1)] : []), ...(deletes.length > 0 ? [side(deleted, 0)] : [])].join(
    ' UNION ALL ',
  );
}

/** Twice the write time in µs. Without a time a change is older than any with one. */
function versionSql(schema: TableSchema): string {
  return `greatest(coalesce(epoch_us(${columnOf(schema, '_written_at')}::TIMESTAMPTZ), 0), 0)::HUGEINT * 2`;
}

function orderSql(version: string): string {
  const file = `file_index::HUGEINT * ${2n ** BigInt(ROW_BITS)}`;
  return `(${version}) * ${2n ** BigInt(FILE_BITS + ROW_BITS)} + ${file} + file_row_number`;
}

/** The parts of `v`: what a change weighs against a live row, and where its line stands. */
export const CHANGE = {
  version: `(v >> ${FILE_BITS + ROW_BITS})::BIGINT`,
  micros: `(v >> ${FILE_BITS + ROW_BITS + 1})::BIGINT`,
  isPut: `((v >> ${FILE_BITS + ROW_BITS}) & 1 = 1)`,
  file: `((v >> ${ROW_BITS}) & ${2n ** BigInt(FILE_BITS) - 1n})::BIGINT`,
  row: `(v & ${2n ** BigInt(ROW_BITS) - 1n})::BIGINT`,
} as const;

/** What a live row weighs against a change; NULL for rows of a baseline, which every change replaces. */
export function liveVersionSql(schema: TableSchema): string {
  const writtenAt = columnOf(schema, '_written_at');
  const deleted = columnOf(schema, '_deleted');
  return `(epoch_us(${writtenAt}::TIMESTAMPTZ) * 2 + CASE WHEN ${deleted} IS TRUE THEN 0 ELSE 1 END)`;
}

/** A column of `filesRelation` by its name in the table; NULL where the table has none. */
export function columnOf(schema: TableSchema, name: string): string {
  const at = tableColumns(schema).findIndex((column) => column.name === name);
  return at < 0 ? 'NULL' : readColumn(at);
}
