import { TailraceError } from '../../model/errors.ts';
import type { SystemColumnName, TableSchema } from '../../model/schema.ts';
import { ident } from '../sql/quote.ts';
import { DDB_TO_PLAIN, PLAIN_TO_DDB, renderItemSql, renderPlainSql } from '../sql/render.ts';
import { renderChangeSql } from '../sql/render-change.ts';
import type { Duck } from './instance.ts';
import { ddbToPlain, plainToDdb } from './plain-json.ts';
import { type ReadFile, tableRelation } from './read.ts';

export interface CatOptions {
  /** `ddb-json`: lines as in an export; `json`: plain JSON of the item with exact numbers. */
  readonly as: 'ddb-json' | 'json';
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/**
 * The table's items, a line each without its line end, in no promised order. Rows marked as deleted are no items. A
 * table that holds one row for each change gives the changes, as lines of an incremental export.
 */
export async function* catLines(
  duck: Duck,
  schema: TableSchema,
  files: readonly ReadFile[],
  options: CatOptions,
): AsyncGenerator<string> {
  await prepareRender(duck);
  const has = (name: SystemColumnName): boolean => schema.system.some((column) => column.name === name);
  if (has('_operation') && options.as === 'json') throw noItems();
  const line = has('_operation')
    ? renderChangeSql(schema)
    : options.as === 'json'
      ? renderPlainSql(schema)
      : renderItemSql(schema);
  const where = has('_deleted') ? ` WHERE ${ident('_deleted')} IS NOT TRUE` : '';
  const limit = options.limit === undefined ? '' : ` LIMIT ${Math.max(0, Math.trunc(options.limit))}`;
  const sql = `SELECT ${line} FROM (${tableRelation(schema, files)})${where}${limit}`;
  for await (const [text] of duck.stream(sql, options.signal)) yield String(text);
}

function noItems(): TailraceError {
  return new TailraceError('USAGE', 'The table holds changes, not items: plain JSON cannot say what was done.', {
    hint: 'Print them with --as ddb-json, or SELECT what you need with tailrace query.',
  });
}

const prepared = new WeakMap<Duck, Promise<void>>();

/** Registers what the SQL of render.ts may call for JSON columns and rescued rows; to be awaited before it runs. */
export async function prepareRender(duck: Duck): Promise<void> {
  const registering = prepared.get(duck) ?? register(duck);
  prepared.set(duck, registering);
  await registering;
}

async function register(duck: Duck): Promise<void> {
  const texts = { parameters: ['VARCHAR'], returns: 'VARCHAR' } as const;
  await duck.registerScalar({ ...texts, name: PLAIN_TO_DDB, call: (plain) => plainToDdb(String(plain)) });
  await duck.registerScalar({ ...texts, name: DDB_TO_PLAIN, call: (typed) => ddbToPlain(String(typed)) });
}
