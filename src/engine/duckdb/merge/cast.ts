import type { ColumnType, Field, OriginTag, Slot } from '../../../model/schema.ts';
import { leafFast, leafFits } from '../../sql/leaf.ts';
import { ident, str } from '../../sql/quote.ts';
import { valueSql } from '../../sql/render.ts';
import { scalarText } from '../../sql/render-scalar.ts';
import { duckType } from '../read.ts';

/** How an error begins that a value raises which is not the same in its new type. */
export const UNEQUAL_CAST = 'a value does not cast back equal: ';

/**
 * A column's value in another type, as an SQL expression. `x` is repeated, so it should be a plain column. Exact: a
 * value that would not be the same raises an error that begins with UNEQUAL_CAST.
 */
export function castColumnSql(x: string, from: Slot | Field, to: Slot | Field): string {
  const value = castSql(x, from.tag, from.type, to.tag, to.type, 0);
  return value === x && sameShape(from.type, to.type) ? x : `CAST(${value} AS ${duckType(to.type)})`;
}

function castSql(
  x: string,
  fromTag: OriginTag,
  from: ColumnType,
  toTag: OriginTag,
  to: ColumnType,
  depth: number,
): string {
  if (sameShape(from, to) && fromTag === toTag) return x;
  if (fromTag === 'NULL' && from.kind === 'string' && to.kind !== 'string')
    return `CASE WHEN ${x} IS NOT NULL THEN error(${str(UNEQUAL_CAST)} || ${x}) END`;
  if (to.kind === 'ddb-json' || to.kind === 'json')
    return `CASE WHEN ${x} IS NOT NULL THEN ${valueSql(x, fromTag, from, to.kind === 'json' ? 'plain' : 'typed', depth)} END`;
  const v = `x${depth}`;
  if (from.kind === 'list' && to.kind === 'list') {
    return `list_transform(${x}, lambda ${v}: ${slot(v, from.element, to.element, depth)})`;
  }
  if (from.kind === 'map' && to.kind === 'map') {
    const value = slot(`${v}.value`, from.value, to.value, depth);
    return `map_from_entries(list_transform(map_entries(${x}), lambda ${v}: {key: ${v}.key, value: ${value}}))`;
  }
  if (from.kind === 'struct' && to.kind === 'struct') return structSql(x, from.fields, to.fields, depth);
  return scalarSql(x, from, to);
}

function slot(x: string, from: Slot, to: Slot, depth: number): string {
  return castSql(x, from.tag, from.type, to.tag, to.type, depth + 1);
}

function structSql(x: string, from: readonly Field[], to: readonly Field[], depth: number): string {
  const fields = to.map((field) => {
    const before = from.find(({ attr, tag }) => attr === field.attr && tag === field.tag);
    const value =
      before === undefined
        ? 'NULL'
        : castSql(`struct_extract(${x}, ${str(before.name)})`, before.tag, before.type, field.tag, field.type, depth);
    return `${ident(field.name)}: ${value}`;
  });
  return `CASE WHEN ${x} IS NOT NULL THEN {${fields.join(', ')}} END`;
}

/** Through the text that DynamoDB has for the value, which either type stands for exactly or not at all. */
function scalarSql(x: string, from: ColumnType, to: ColumnType): string {
  if (isWider(from, to)) return x;
  const text = scalarText(x, from);
  const unequal = `error(${str(UNEQUAL_CAST)} || ${text})`;
  return `CASE WHEN ${x} IS NULL THEN NULL WHEN ${leafFits(text, to)} THEN ${leafFast(text, to)} ELSE ${unequal} END`;
}

/** Where the engine's own cast to the column's type loses nothing, and refuses what does not fit. */
function isWider(from: ColumnType, to: ColumnType): boolean {
  if (to.kind !== 'decimal') return false;
  return from.kind === 'long' || (from.kind === 'decimal' && from.scale <= to.scale);
}

function sameShape(a: ColumnType, b: ColumnType): boolean {
  return JSON.stringify(shapeOf(a)) === JSON.stringify(shapeOf(b));
}

/** What decides whether values must change: the types and names, not the ids. */
function shapeOf(type: ColumnType): unknown {
  switch (type.kind) {
    case 'list':
      return ['list', type.element.tag, shapeOf(type.element.type)];
    case 'map':
      return ['map', type.value.tag, shapeOf(type.value.type)];
    case 'struct':
      return ['struct', ...type.fields.map((field) => [field.name, field.attr, field.tag, shapeOf(field.type)])];
    default:
      return type;
  }
}
