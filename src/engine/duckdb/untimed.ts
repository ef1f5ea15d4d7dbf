import type { TableSchema } from '../../model/schema.ts';
import type { Since } from '../../schema/filter/since.ts';
import { pointer } from '../sql/place.ts';
import { str } from '../sql/quote.ts';
import { valueSql } from '../sql/render.ts';
import { isUntimed } from '../sql/since.ts';
import { prepareRender } from './cat.ts';
import type { Duck } from './instance.ts';
import { columnOf } from './merge/changes.ts';
import { filesRelation } from './read.ts';

/** Rows of these files whose item has no time in the attribute: they were kept whatever the time is since when. */
export async function countUntimed(
  duck: Duck,
  schema: TableSchema,
  files: readonly { readonly path: string }[],
  since: Since,
  signal?: AbortSignal,
): Promise<number> {
  if (files.length === 0) return 0;
  await prepareRender(duck);
  const columns = schema.columns.filter(({ attr }) => attr === since.attr);
  const values = columns.map((column) => valueSql(columnOf(schema, column.name), column.tag, column.type, 'typed', 0));
  const rescued = `json_extract(${columnOf(schema, '_rescued')}, ${str(pointer(since.attr))})::VARCHAR`;
  const value = `coalesce(${[rescued, ...values].join(', ')})::JSON`;
  const [row] = await duck.rows(
    `SELECT count(*) AS n FROM (SELECT ${value} AS x FROM ${filesRelation(schema, files)}) WHERE ${isUntimed(since, { kind: 'json', x: 'x' })}`,
    signal,
  );
  return Number(row?.['n']);
}
