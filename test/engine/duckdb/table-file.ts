import { join } from 'node:path';
import { fieldIdsSql } from '../../../src/engine/duckdb/field-ids.ts';
import type { Duck } from '../../../src/engine/duckdb/instance.ts';
import { tableColumns } from '../../../src/engine/duckdb/read.ts';
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
