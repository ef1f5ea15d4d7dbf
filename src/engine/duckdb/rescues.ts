import type { TableSchema } from '../../model/schema.ts';
import { list, str } from '../sql/quote.ts';
import type { Duck } from './instance.ts';
import { type ReadFile, tableRelation } from './read.ts';

/** Rescued values of one attribute and type tag. */
export interface RescueCount {
  readonly attr: string;
  readonly tag: string;
  readonly count: number;
}

const ENTRIES = `from_json(_rescued, '"MAP(VARCHAR,JSON)"')`;

/** What stands in `_rescued` of the table's rows in these files, by attribute and tag, most frequent first. */
export async function tableRescues(
  duck: Duck,
  schema: TableSchema,
  files: readonly ReadFile[],
  limit: number,
  signal?: AbortSignal,
): Promise<RescueCount[]> {
  return files.length === 0 ? [] : counts(duck, `(${tableRelation(schema, files)})`, limit, signal);
}

/** What stands in `_rescued` of these Parquet files, by attribute and tag, most frequent first. */
export async function rescueCounts(
  duck: Duck,
  paths: readonly string[],
  limit: number,
  signal?: AbortSignal,
): Promise<RescueCount[]> {
  return paths.length === 0 ? [] : counts(duck, `read_parquet(${list(paths)}, hive_partitioning=false)`, limit, signal);
}

async function counts(duck: Duck, from: string, limit: number, signal?: AbortSignal): Promise<RescueCount[]> {
  const rows = await duck.rows(
    `SELECT e.key AS attr, json_keys(e.value)[1] AS tag, count(*) AS n FROM (
       SELECT unnest(map_entries(${ENTRIES})) AS e FROM ${from} WHERE _rescued IS NOT NULL)
     GROUP BY ALL ORDER BY n DESC, attr LIMIT ${limit}`,
    signal,
  );
  return rows.map((row) => ({ attr: String(row['attr']), tag: String(row['tag']), count: Number(row['n']) }));
}

/** The longest rescued values of one attribute and tag, as DynamoDB JSON: among numbers, those that need most room. */
export async function rescuedValues(
  duck: Duck,
  paths: readonly string[],
  attr: string,
  tag: string,
  limit: number,
  signal?: AbortSignal,
): Promise<string[]> {
  const value = `map_extract(${ENTRIES}, ${str(attr)})[1]`;
  const rows = await duck.rows(
    `SELECT v::VARCHAR AS v FROM (SELECT ${value} AS v FROM read_parquet(${list(paths)}, hive_partitioning=false) WHERE _rescued IS NOT NULL)
     WHERE v IS NOT NULL AND json_keys(v)[1] = ${str(tag)} ORDER BY length(v::VARCHAR) DESC LIMIT ${limit}`,
    signal,
  );
  return rows.map((row) => String(row['v']));
}
