import type { ColumnType, Field, OriginTag, TableSchema } from '../../model/schema.ts';
import { ident, list, str } from './quote.ts';
import { numberText, timeText } from './render-scalar.ts';

/**
 * The inverse of the load: from a row of the table to the DynamoDB JSON of its item.
 * A NULL column is an absent attribute; `_rescued` holds whole top-level attributes and wins over their columns.
 */

/** `typed`: DynamoDB JSON; `plain`: JSON without type tags, sets as arrays, binary as base64, numbers exact. */
type Form = 'typed' | 'plain';

/** Scalar functions that the SQL may call: plain JSON text → DynamoDB JSON text of a value, and the way back. */
export const PLAIN_TO_DDB = 'plain_to_ddb';
export const DDB_TO_PLAIN = 'ddb_to_plain';

/** `{"Item":{…}}` as an SQL expression over a row whose columns are in scope under their names. */
export function renderItemSql(schema: TableSchema): string {
  return `('{"Item":{' || ${attributesSql(schema, 'typed')} || '}}')`;
}

/** The item as plain JSON, as an SQL expression over such a row. */
export function renderPlainSql(schema: TableSchema): string {
  return `('{' || ${attributesSql(schema, 'plain')} || '}')`;
}

/** The members of the item's object, without its braces. */
export function attributesSql(schema: TableSchema, form: Form): string {
  const attributes = byAttribute(schema);
  const members = attributes.map(([attr, columns]) => memberSql(attr, attributeSql(columns, form)));
  const columnsOnly = members.length === 0 ? `''` : `concat_ws(',', ${members.join(', ')})`;
  if (!schema.system.some(({ name }) => name === '_rescued')) return columnsOnly;
  const rescued = ident('_rescued');
  const whole = form === 'typed' ? rescued : `${DDB_TO_PLAIN}('{"M":' || ${rescued} || '}')`;
  const inner = `nullif(substring(${whole}, 2, length(${whole}) - 2), '')`;
  const kept =
    members.length === 0
      ? 'NULL'
      : keptMembers(
          attributes.map(([attr]) => attr),
          members,
          rescued,
        );
  return `CASE WHEN ${rescued} IS NULL THEN ${columnsOnly} ELSE concat_ws(',', ${kept}, ${inner}) END`;
}

/** Members whose attribute is not rescued. The keys are parsed once a row, not once a column. */
function keptMembers(attrs: readonly string[], members: readonly string[], rescued: string): string {
  const free = `lambda ks: list_transform(${list(attrs)}, lambda a: NOT list_contains(ks, a))`;
  const mask = `list_transform([json_keys(${rescued})], ${free})[1]`;
  return `nullif(array_to_string(list_where([${members.join(', ')}], ${mask}), ','), '')`;
}

/** Columns by the attribute that they come from: several where one attribute was split by type. */
function byAttribute(schema: TableSchema): [string, Field[]][] {
  const columns = new Map<string, Field[]>();
  for (const column of schema.columns) columns.set(column.attr, [...(columns.get(column.attr) ?? []), column]);
  return [...columns];
}

function attributeSql(columns: readonly Field[], form: Form): string {
  const values = columns.map((column) => valueSql(ident(column.name), column.tag, column.type, form, 0));
  return values.length === 1 ? (values[0] ?? 'NULL') : `coalesce(${values.join(', ')})`;
}

function memberSql(attr: string, value: string): string {
  return `${str(`${JSON.stringify(attr)}:`)} || ${value}`;
}

/** The attribute value that `x` came from, as JSON text; NULL for NULL. */
export function valueSql(x: string, tag: OriginTag, type: ColumnType, form: Form, depth: number): string {
  switch (type.kind) {
    case 'ddb-json':
      return form === 'typed' ? x : `${DDB_TO_PLAIN}(${x})`;
    case 'json':
      return form === 'typed' ? `${PLAIN_TO_DDB}(${x})` : x;
    case 'list':
      return listSql(x, tag, type, form, depth);
    case 'map':
      return mapSql(x, type, form, depth);
    case 'struct':
      return structSql(x, type.fields, form, depth);
    default:
      return wrapped(form, scalarTag(type), '', scalarJson(x, type, form), '');
  }
}

/** JSON text behind its type tag, between brackets that are part of the same constants. */
function wrapped(form: Form, tag: string, open: string, inner: string, close: string): string {
  if (form === 'typed') return `'{"${tag}":${open}' || ${inner} || '${close}}'`;
  return open === '' ? inner : `'${open}' || ${inner} || '${close}'`;
}

function scalarTag(type: ColumnType): string {
  switch (type.kind) {
    case 'string':
      return 'S';
    case 'boolean':
      return 'BOOL';
    case 'binary':
      return 'B';
    case 'timestamp':
      return type.format.startsWith('iso') ? 'S' : 'N';
    default:
      return 'N';
  }
}

/** What stands behind the type tag. */
function scalarJson(x: string, type: ColumnType, form: Form): string {
  switch (type.kind) {
    case 'string':
      return `to_json(${x})::VARCHAR`;
    case 'boolean':
      return `${x}::VARCHAR`;
    case 'binary':
      return `'"' || to_base64(${x}) || '"'`;
    case 'timestamp': {
      const text = timeText(x, type.format);
      return form === 'plain' && scalarTag(type) === 'N' ? text : `'"' || ${text} || '"'`;
    }
    default:
      return form === 'plain' ? numberText(x, type) : `'"' || ${numberText(x, type)} || '"'`;
  }
}

function listSql(
  x: string,
  tag: OriginTag,
  type: Extract<ColumnType, { kind: 'list' }>,
  form: Form,
  depth: number,
): string {
  const { element } = type;
  const isSet = tag === 'SS' || tag === 'NS' || tag === 'BS';
  if (isSet && element.type.kind === 'string') return wrapped(form, tag, '', `to_json(${x})::VARCHAR`, '');
  const v = `r${depth}`;
  const part = isSet ? scalarJson(v, element.type, form) : valueSql(v, element.tag, element.type, form, depth + 1);
  return wrapped(form, isSet ? tag : 'L', '[', `array_to_string(list_transform(${x}, lambda ${v}: ${part}), ',')`, ']');
}

function mapSql(x: string, type: Extract<ColumnType, { kind: 'map' }>, form: Form, depth: number): string {
  const v = `r${depth}`;
  const value = valueSql(`${v}.value`, type.value.tag, type.value.type, form, depth + 1);
  const entry = `to_json(${v}.key)::VARCHAR || ':' || ${value}`;
  return wrapped(form, 'M', '{', `array_to_string(list_transform(map_entries(${x}), lambda ${v}: ${entry}), ',')`, '}');
}

function structSql(x: string, fields: readonly Field[], form: Form, depth: number): string {
  const members = fields.map((field) =>
    memberSql(field.attr, valueSql(`struct_extract(${x}, ${str(field.name)})`, field.tag, field.type, form, depth)),
  );
  return `CASE WHEN ${x} IS NOT NULL THEN ${wrapped(form, 'M', '{', `concat_ws(',', ${members.join(', ')})`, '}')} END`;
}
