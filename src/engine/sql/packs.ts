import type { AttrPlan } from '../../schema/projection.ts';
import { str } from './quote.ts';
import { readType } from './read-type.ts';
import { fitsSql, textSql, valueSql } from './values.ts';

/**
 * Packs: attributes that are read alike into columns of one type go through one expression, as a list,
 * because the engine keeps vectors for every expression, and a thousand attributes would have a hundred thousand.
 */

/** Up to so many attributes, each has its own expressions, which is faster. */
const UNPACKED_ATTRS = 48;
/** Attributes in one pack: bounds the list that the engine holds for 2,048 rows. */
const PACK_ATTRS = 64;

/** Groups of attributes that are packed; the others go one by one. `all`: not only those of plain JSON. */
export function packsOf(plans: readonly AttrPlan[], all: boolean): AttrPlan[][] {
  const groups = new Map<string, AttrPlan[]>();
  for (const plan of plans) {
    const signature = signatureOf(plan);
    if (signature !== undefined) groups.set(signature, [...(groups.get(signature) ?? []), plan]);
  }
  const packs: AttrPlan[][] = [];
  for (const group of groups.values()) {
    const isText = group[0]?.columns[0]?.type.kind === 'json';
    if (group.length < 2 || !(isText || (all && plans.length > UNPACKED_ATTRS))) continue;
    for (let i = 0; i < group.length; i += PACK_ATTRS) packs.push(group.slice(i, i + PACK_ATTRS));
  }
  return packs;
}

/** Attributes with the same signature have the same expressions: read alike, into columns of one type. */
function signatureOf({ columns, isKey, read }: AttrPlan): string | undefined {
  const [column] = columns;
  if (isKey || columns.length > 1) return undefined;
  if (column === undefined) return read.kind === 'raw' ? 'no column' : undefined;
  if (read.kind === 'typed' && column.type.kind === 'ddb-json') return undefined;
  const withoutIds = (key: string, value: unknown): unknown => (key === 'id' || key === 'keyId' ? undefined : value);
  return JSON.stringify([readType(read), column.tag, column.type], withoutIds);
}

/** An attribute value as JSON text, with NULL members where a tag is absent. */
export function rescueText(x: string, plan: AttrPlan): string {
  return plan.read.kind === 'raw' ? `${x}::VARCHAR` : `to_json(${x})::VARCHAR`;
}

/**
 * A list of {v: the column's value, ok: whether it is whole, t: its JSON text where it is not} for a list of attribute
 * values that are read alike. `open`: the values are JSON texts, of which nested ones are parsed here, and no t is needed.
 */
export function packSql(xs: string, plan: AttrPlan, open: boolean): string {
  const [column] = plan.columns;
  if (column === undefined)
    return `list_transform(${xs}, lambda g: struct_pack(ok := g IS NULL${open ? '' : `, t := ${rescueText('g', plan)}`}))`;
  const parsed = open && plan.read.kind === 'typed';
  const text = open ? '' : `, t := CASE WHEN NOT g.ok THEN ${rescueText('g.x', plan)} END`;
  if (!parsed && column.type.kind !== 'json') {
    // One step where one is enough: the engine holds the lists of every step.
    const ok = `coalesce(g IS NULL OR ${fitsSql('g', plan.read, column)}, false)`;
    const value = valueSql('g', plan.read, column, 'guarded');
    if (open) return `list_transform(${xs}, lambda g: struct_pack(v := ${value}, ok := ${ok}))`;
    const checked = `list_transform(${xs}, lambda g: struct_pack(x := g, v := ${value}, ok := ${ok}))`;
    return `list_transform(${checked}, lambda g: struct_pack(v := g.v, ok := g.ok${text}))`;
  }
  const x = parsed ? `from_json(g, ${str(JSON.stringify(readType(plan.read)))})` : 'g';
  const placed = `list_transform(${xs}, lambda g: struct_pack(x := ${x}${parsed ? ', r := g' : ''}))`;
  const value = valueSql('g.x', plan.read, column, 'guarded');
  const valued = `list_transform(${placed}, lambda g: struct_pack(x := g.x${parsed ? ', r := g.r' : ''}, v := ${value}))`;
  const fits = column.type.kind === 'json' ? 'g.v IS NOT NULL' : fitsSql('g.x', plan.read, column);
  const whole = parsed
    ? `CASE WHEN g.x IS NOT NULL AND ${fits} THEN length(${textSql('g.x', plan.read)}) = length(g.r::VARCHAR) ELSE false END`
    : fits;
  const ok = `coalesce(g.${parsed ? 'r' : 'x'} IS NULL OR ${whole}, false)`;
  const checked = `list_transform(${valued}, lambda g: struct_pack(x := g.x, v := g.v, ok := ${ok}))`;
  return `list_transform(${checked}, lambda g: struct_pack(v := g.v, ok := g.ok${text}))`;
}
