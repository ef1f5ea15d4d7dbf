/** Real tables for readers: Parquet by DuckDB, grouped into files by their partition tuples, and one commit. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { DuckDBInstance } from '@duckdb/node-api';
import type { ColumnType, TableSchema } from '../../../src/model/schema.ts';
import type {
  DataFile,
  LeafStats,
  PartitionField,
  PartitionValue,
  SortField,
  TableHandle,
} from '../../../src/model/table.ts';
import { transformed } from './transforms.ts';

/** 60 rows of `everyType`: nulls everywhere, hostile texts, long strings, times before 1970. */
export const ROWS_SQL = `
  WITH texts(t, v) AS (VALUES (0, NULL), (1, ''), (2, 'a/b'), (3, 'k=v'), (4, 'é'), (5, '100%'), (6, 'null'),
    (7, 'x y'), (8, repeat('😀', 40)), (9, repeat('z', 300)), (10, 'naïve café'), (11, chr(1114111) || 'top'))
  SELECT 'p' || (i % 17) AS pk, (i * 7919 - 100000)::BIGINT AS sk,
    CASE WHEN i % 7 = 0 THEN NULL ELSE {'city': v, 'geo': CASE WHEN i % 5 = 0 THEN NULL ELSE
      {'lat': (i * 1.5 - 40)::DECIMAL(18,6), 'Lat_9f86d081': 'L' || i} END} END AS address,
    CASE WHEN i % 11 = 0 THEN NULL ELSE ((i - 30) * 12.34)::DECIMAL(18,2) END AS amount,
    (CASE WHEN i % 2 = 0 THEN '12345678901234567890123456789.123456789' ELSE '-1.5' END)::DECIMAL(38,9) AS big,
    CASE WHEN i % 9 = 0 THEN NULL ELSE unhex(repeat(lpad(hex(i), 2, '0'), 1 + i % 30)) END AS bin,
    CASE WHEN i % 13 = 0 THEN NULL ELSE strftime(TIMESTAMP '1969-12-30 22:15:01' + INTERVAL (i * 11) HOUR, '%Y-%m-%dT%H:%M:%SZ') END AS created,
    CASE WHEN i % 3 = 0 THEN NULL ELSE i % 3 = 1 END AS flag,
    CASE WHEN i % 4 = 0 THEN [] ELSE [{'sku': v, 'qty': i::BIGINT}, NULL] END AS lines,
    '{"n":' || i || '}' AS meta,
    CASE WHEN i % 6 = 0 THEN NULL ELSE MAP {'a': (i / 4)::DECIMAL(18,4), coalesce(v, 'none'): NULL} END AS prices,
    CASE WHEN i = 30 THEN -0.0 WHEN i % 10 = 0 THEN NULL ELSE (i - 30) * 1e-3 END::DOUBLE AS ratio,
    v AS region, CASE WHEN i % 8 = 0 THEN NULL ELSE ['t' || i, NULL, 'u'] END AS tags,
    repeat('9', i) AS wide, make_timestamptz((1700000000123 + i * 86400001) * 1000) AS seen,
    'odd' || i AS "a b/ü.x", try_cast(created AS TIMESTAMPTZ) AS created_ts,
    CASE WHEN i % 20 = 0 THEN '{}' END AS _rescued, NULL::TIMESTAMPTZ AS _written_at
  FROM range(60) r(i) JOIN texts ON t = i % 12`;

export async function connect(): Promise<DuckDBConnection> {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  await connection.run("SET TimeZone='UTC'");
  return connection;
}

export interface Layout {
  readonly schema: TableSchema;
  readonly rows: string;
  readonly partition: readonly PartitionField[];
  readonly sort: readonly SortField[];
}

/** Writes the rows as Parquet files, one for each partition tuple (two when unpartitioned), into the table's folders. */
export async function writeFiles(
  connection: DuckDBConnection,
  table: TableHandle,
  layout: Layout,
  commitId: string,
): Promise<readonly DataFile[]> {
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE source AS SELECT row_number() OVER () AS rn, * FROM (${layout.rows})`,
  );
  const groups = await tuples(connection, layout);
  const files: DataFile[] = [];
  for (const [index, { values, numbers }] of [...groups.values()].entries()) {
    const path = table.dataFilePath(commitId, layout.partition, values, `${index}.parquet`);
    await mkdir(dirname(path), { recursive: true });
    const order = layout.sort.map(
      (sort) => `"${sort.column}" ${sort.descending ? 'DESC' : 'ASC'} NULLS ${sort.nullsFirst ? 'FIRST' : 'LAST'}`,
    );
    files.push(await writeFile(connection, layout.schema, numbers, order, path, values));
  }
  return files;
}

async function tuples(
  connection: DuckDBConnection,
  layout: Layout,
): Promise<Map<string, { values: PartitionValue[]; numbers: number[] }>> {
  const columns = layout.partition.map((field) => `"${field.column}"`);
  const read = await connection.runAndReadAll(
    `SELECT rn, ${columns.map(asText).concat('1').join(', ')} FROM source ORDER BY rn`,
  );
  const groups = new Map<string, { values: PartitionValue[]; numbers: number[] }>();
  for (const row of read.getRows()) {
    const number = Number(row[0]);
    const values = layout.partition.map((field, index) => {
      const text = row[index + 1];
      return typeof text === 'string' ? transformed(field, typeOf(layout.schema, field.column), text) : null;
    });
    const key =
      layout.partition.length === 0
        ? String(number % 2)
        : values.map((value) => `${typeof value}:${String(value)}`).join('|');
    const group = groups.get(key) ?? { values, numbers: [] };
    group.numbers.push(number);
    groups.set(key, group);
  }
  return groups;
}

const asText = (column: string): string =>
  `CASE typeof(${column}) WHEN 'BLOB' THEN hex(${column}::BLOB::VARCHAR::BLOB) ELSE ${column}::VARCHAR END`;

interface ColumnStatistics {
  readonly key: string;
  readonly value: readonly { readonly key: string; readonly value: string }[];
}

async function writeFile(
  connection: DuckDBConnection,
  schema: TableSchema,
  numbers: readonly number[],
  order: readonly string[],
  path: string,
  partition: readonly PartitionValue[],
): Promise<DataFile> {
  const sql = `COPY (SELECT * EXCLUDE (rn) FROM source WHERE rn IN (${numbers.join(',')}) ORDER BY ${[...order, 'rn'].join(', ')})
    TO '${path.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd, FIELD_IDS ${fieldIds(schema)}, RETURN_STATS)`;
  const [row] = (await connection.runAndReadAll(sql)).getRowObjectsJson();
  const columns = (row?.['column_statistics'] ?? []) as unknown as readonly ColumnStatistics[];
  const found = new Map(columns.map(({ key, value }) => [key, new Map(value.map((pair) => [pair.key, pair.value]))]));
  const stats: Record<number, LeafStats> = {};
  for (const { path: name, id, type } of leafPaths(schema)) {
    const leaf = found.get(name);
    if (leaf === undefined) continue;
    const bound = (key: 'min' | 'max'): Partial<LeafStats> => {
      const text = leaf.get(key);
      if (text === undefined) return {};
      return { [key]: type === 'boolean' ? (text === '1' ? 'true' : 'false') : text };
    };
    stats[id] = {
      valueCount: Number(leaf.get('num_values')),
      nullCount: Number(leaf.get('null_count')),
      sizeBytes: Number(leaf.get('column_size_bytes')),
      ...bound('min'),
      ...bound('max'),
    };
  }
  return {
    path,
    rows: Number(row?.['count']),
    sizeBytes: Number(row?.['file_size_bytes']),
    partition,
    stats,
    splitOffsets: [4],
  };
}

function typeOf(schema: TableSchema, name: string): ColumnType['kind'] {
  const column = schema.columns.find((candidate) => candidate.name === name);
  return column?.type.kind ?? 'timestamp';
}

function fieldIds(schema: TableSchema): string {
  const leaves = [...schema.derived, ...schema.system].map((column) => `${quote(column.name)}: ${column.id}`);
  return `{${[...schema.columns.map((column) => `${quote(column.name)}: ${idsOf(column.id, column.type)}`), ...leaves].join(', ')}}`;
}

function idsOf(id: number, type: ColumnType): string {
  const own = `__duckdb_field_id: ${id}`;
  if (type.kind === 'struct')
    return `{${[own, ...type.fields.map((sub) => `${quote(sub.name)}: ${idsOf(sub.id, sub.type)}`)].join(', ')}}`;
  if (type.kind === 'list') return `{${own}, element: ${idsOf(type.element.id, type.element.type)}}`;
  if (type.kind === 'map') return `{${own}, key: ${type.keyId}, value: ${idsOf(type.value.id, type.value.type)}}`;
  return String(id);
}

interface LeafPath {
  readonly path: string;
  readonly id: number;
  readonly type: ColumnType['kind'];
}

function leafPaths(schema: TableSchema): readonly LeafPath[] {
  const walk = (path: string, id: number, type: ColumnType): readonly LeafPath[] => {
    if (type.kind === 'struct')
      return type.fields.flatMap((sub) => walk(`${path}.${quote(sub.name)}`, sub.id, sub.type));
    if (type.kind === 'list') return walk(`${path}."element"`, type.element.id, type.element.type);
    if (type.kind === 'map') return walk(`${path}."value"`, type.value.id, type.value.type);
    return [{ path, id, type: type.kind }];
  };
  const others = [...schema.derived, ...schema.system].map(
    (column): LeafPath => ({ path: quote(column.name), id: column.id, type: 'string' }),
  );
  return [...schema.columns.flatMap((column) => walk(quote(column.name), column.id, column.type)), ...others];
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
