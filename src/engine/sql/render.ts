import type { ColumnType, Field, OriginTag, TableSchema } from '../../model/schema.ts';
import { ident, list, str } from './quote.ts';
import { numberText, timeText } from './render-scalar.ts';

/**
 * The inverse of the load: from a row of the table to the DynamoDB JSON of its item.
 * A NULL column is an absent attribute; `_rescued` holds whole top-level attributes and wins over their columns.
 */

/** Scalar function that columns of kind `json` need: plain JSON text → DynamoDB JSON text. */
export const PLAIN_TO_DDB = 'plain_to_ddb';

/** `{"Item":{…}}` as an SQL expression over a row whose columns are in scope under their names. */
export function renderItemSql(schema: TableSchema): string {
  return `('{"Item":' || ${renderAttributesSql(schema)} || '}')`;
}

/** The item's attributes as one DynamoDB JSON object. */
export function renderAttributesSql(schema: TableSchema): string {
  const attributes = byAttribute(schema);
  const members = attributes.map(([attr, columns]) => memberSql(attr, attributeSql(columns)));
  const plain = members.length === 0 ? `''` : `concat_ws(',', ${members.join(', ')})`;
  if (!schema.system.some(({ name }) => name === '_rescued')) return `('{' || ${plain} || '}')`;
  const rescued = ident('_rescued');
  const inner = `nullif(substring(${rescued}, 2, length(${rescued}) - 2), '')`;
  const kept = members.length === 0 ? 'NULL' : keptMembers(attributes.map(([attr]) => attr), members, rescued);
  return `('{' || CASE WHEN ${rescued} IS NULL THEN ${plain} ELSE concat_ws(',', ${kept}, ${inner}) END || '}')`;
}

/** Members whose attribute is not rescued. The keys are parsed once a row, not once a column. */
function keptMembers(attrs: readonly string[], members: readonly string[], rescued: string): string {
  const mask = `list_transform([json_keys(${rescued})], lambda ks: list_transform(${list(attrs)}, lambda a: NOT list_contains(ks, a)))[1]`;
  return `nullif(array_to_string(list_where([${members.join(', ')}], ${mask}), ','), '')`;
}

/** Columns by the attribute that they come from: several where one attribute was split by type. */
function byAttribute(schema: TableSchema): [string, Field[]][] {
  const columns = new Map<string, Field[]>();
  for (const column of schema.columns) columns.set(column.attr, [...(columns.get(column.attr) ?? []), column]);
  return [...columns];
}

function attributeSql(columns: readonly Field[]): string {
  const values = columns.map((column) => valueSql(ident(column.name), column.tag, column.type, 0));
  return values.length === 1 ? (values[0] ?? 'NULL') : `coalesce(${values.join(', ')})`;
}

function memberSql(attr: string, value: string): string {
  return `${str(`${JSON.stringify(attr)}:`)} || ${value}`;
}

/** The attribute value that `x` came from, as DynamoDB JSON text; NULL for NULL. */
function valueSql(x: string, tag: OriginTag, type: ColumnType, depth: number): string {
  switch (type.kind) {
    case 'ddb-json': return x;
    case 'json': return `${PLAIN_TO_DDB}(${x})`;
    case 'list': return tag === 'SS' || tag === 'NS' || tag === 'BS' ? setSql(x, tag, type.element.type, depth) : listSql(x, type, depth);
    case 'map': return mapSql(x, type, depth);
    case 'struct': return structSql(x, type.fields, depth);
    default: return `'{"${scalarTag(type)}":' || ${scalarJson(x, type)} || '}'`;
  }
}

function scalarTag(type: ColumnType): string {
  switch (type.kind) {
    case 'string': return 'S';
    case 'boolean': return 'BOOL';
    case 'binary': return 'B';
    case 'timestamp': return type.format.startsWith('iso') ? 'S' : 'N';
    default: return 'N';
  }
}

/** What stands behind the type tag. */
function scalarJson(x: string, type: ColumnType): string {
  switch (type.kind) {
    case 'string': return `to_json(${x})::VARCHAR`;
    case 'boolean': return `${x}::VARCHAR`;
    case 'binary': return `'"' || to_base64(${x}) || '"'`;
    case 'timestamp': return `'"' || ${timeText(x, type.format)} || '"'`;
    default: return `'"' || ${numberText(x, type)} || '"'`;
  }
}

function setSql(x: string, tag: 'SS' | 'NS' | 'BS', element: ColumnType, depth: number): string {
  if (element.kind === 'string') return `'{"${tag}":' || to_json(${x})::VARCHAR || '}'`;
  const v = `r${depth}`;
  return `'{"${tag}":[' || array_to_string(list_transform(${x}, lambda ${v}: ${scalarJson(v, element)}), ',') || ']}'`;
}

function listSql(x: string, type: Extract<ColumnType, { kind: 'list' }>, depth: number): string {
  const v = `r${depth}`;
  const element = valueSql(v, type.element.tag, type.element.type, depth + 1);
  return `'{"L":[' || array_to_string(list_transform(${x}, lambda ${v}: ${element}), ',') || ']}'`;
}

function mapSql(x: string, type: Extract<ColumnType, { kind: 'map' }>, depth: number): string {
  const v = `r${depth}`;
  const value = valueSql(`${v}.value`, type.value.tag, type.value.type, depth + 1);
  const entry = `to_json(${v}.key)::VARCHAR || ':' || ${value}`;
  return `'{"M":{' || array_to_string(list_transform(map_entries(${x}), lambda ${v}: ${entry}), ',') || '}}'`;
}

function structSql(x: string, fields: readonly Field[], depth: number): string {
  const members = fields.map((field) =>
    memberSql(field.attr, valueSql(`struct_extract(${x}, ${str(field.name)})`, field.tag, field.type, depth)));
  return `CASE WHEN ${x} IS NOT NULL THEN '{"M":{' || concat_ws(',', ${members.join(', ')}) || '}}' END`;
}
