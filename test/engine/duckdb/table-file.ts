import { join } from 'node:path';
import { fieldIdsSql } from '../../../src/engine/duckdb/field-ids.ts';
import type { Duck } from '../../../src/engine/duckdb/instance.ts';
import { type ReadFile, tableColumns } from '../../../src/engine/duckdb/read.ts';
import { ident, str } from '../../../src/engine/sql/quote.ts';
import type { TableSchema } from '../../../src/model/schema.ts';

let count = 0;

/** Writes a Parquet file whose rows are given as SQL expressions by column name; absent columns are NULL. */
export async function writeTable(
  duck: Duck,
  dir: string,
  schema: TableSchema,
  rows: readonly Readonly<Record<string, string>>[],
): Promise<string> {
  const path = join(dir, `table-${count++}.parquet`);
  const columns = tableColumns(schema);
  const selects = rows.map(
    (row) =>
      `SELECT ${columns.map(({ name, type }) => `CAST(${row[name] ?? 'NULL'} AS ${type}) AS ${ident(name)}`).join(', ')}`,
  );
  await duck.run(
    `COPY (${selects.join(' UNION ALL ')}) TO ${str(path)} (FORMAT parquet, FIELD_IDS ${fieldIdsSql(schema)})`,
  );
  return path;
}

/** A file that metadata names as it lies on this disk. */
export function asFile(path: string): ReadFile {
  return { uri: path, path };
}

/** Writes a position-delete file as another writer might: unsorted, and of several data files. */
export async function writePositions(
  duck: Duck,
  dir: string,
  positions: readonly (readonly [uri: string, position: number])[],
): Promise<string> {
  const path = join(dir, `deletes-${count++}.parquet`);
  const rows = positions.map(([uri, position]) => `(${str(uri)}, ${position}::BIGINT)`);
  await duck.run(
    `COPY (SELECT * FROM (VALUES ${rows.join(', ')}) AS t(file_path, pos))
     TO ${str(path)} (FORMAT parquet, FIELD_IDS {file_path: 2147483546, pos: 2147483545})`,
  );
  return path;
}
