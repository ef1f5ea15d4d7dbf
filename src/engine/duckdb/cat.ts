import type { ColumnType, TableSchema } from '../../model/schema.ts';
import { PLAIN_TO_DDB, renderItemSql } from '../sql/render.ts';
import type { Duck } from './instance.ts';
import { ddbLineToPlain, plainToDdb } from './plain-json.ts';
import { tableRelation } from './read.ts';

export interface CatOptions {
  /** `ddb-json`: lines as in an export; `json`: plain JSON of the item with exact numbers. */
  readonly as: 'ddb-json' | 'json';
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** The table's items, a line each without its line end, in no promised order. */
export async function* catLines(
  duck: Duck, schema: TableSchema, localPaths: readonly string[], options: CatOptions,
): AsyncGenerator<string> {
  await prepareRender(duck, schema);
  const limit = options.limit === undefined ? '' : ` LIMIT ${Math.max(0, Math.trunc(options.limit))}`;
  const sql = `SELECT ${renderItemSql(schema)} FROM (${tableRelation(schema, localPaths)})${limit}`;
  for await (const [line] of duck.stream(sql, options.signal)) {
    yield options.as === 'json' ? ddbLineToPlain(String(line)) : String(line);
  }
}

const prepared = new WeakSet<Duck>();

/** Registers what renderItemSql may call; to be awaited before its SQL runs. */
export async function prepareRender(duck: Duck, schema: TableSchema): Promise<void> {
  if (prepared.has(duck) || !schema.columns.some(({ type }) => holdsJson(type))) return;
  prepared.add(duck);
  await duck.registerScalar({
    name: PLAIN_TO_DDB, parameters: ['VARCHAR'], returns: 'VARCHAR', call: (plain) => plainToDdb(String(plain)),
  });
}

function holdsJson(type: ColumnType): boolean {
  switch (type.kind) {
    case 'json': return true;
    case 'list': return holdsJson(type.element.type);
    case 'map': return holdsJson(type.value.type);
    case 'struct': return type.fields.some((field) => holdsJson(field.type));
    default: return false;
  }
}
