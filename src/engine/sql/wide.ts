import { columnNames } from '../../model/type-text.ts';
import type { AttrPlan, Projection } from '../../schema/projection.ts';
import { derivedSql, fitsAny, isText, okSql } from './attribute.ts';
import { systemValues } from './change.ts';
import { packSql, packsOf } from './packs.ts';
import { ident, str } from './quote.ts';
import { badLine, soundRescue, stripNulls } from './text.ts';
import { all, member, valueSql } from './values.ts';

/**
 * Wide tables, read as structs. Most items have few of the attributes, and most of those fit, so what counts is that
 * each attribute has few expressions, and that only rows which need it pay for a rescue. All is computed in one SELECT:
 * another one around it would hand on every attribute as it was read, which takes more memory than the columns do.
 * The engine must not take equal expressions out into a SELECT of their own either (see `isWide`'s callers).
 */

/** Up to so many attributes, equal parts of values and checks are shared, which is faster. */
const NARROW_ATTRS = 48;
/** Name of the column that tells the file of a row. */
const FILE = 'filename';
/** The same beside the table's columns, where one may be called filename. */
const OUT = '_tailrace_file';
const REST = '_tailrace_rest';
/** Between JSON objects; JSON text cannot hold it unescaped. */
const SEPARATOR = '\u0001';

/** Whether a projection has so many attributes that it is written by `projectWide`. */
export function isWide({ lines, reading, attrs }: Projection): boolean {
  return lines.shape === 'item' && reading.kind === 'struct' && attrs.length > NARROW_ATTRS;
}

/** A SELECT that turns lines into rows of a wide table. `relation` has the columns Item and filename. */
export function projectWide(projection: Projection, relation: string): string {
  const packs = packsOf(projection.attrs, false);
  const packed = new Set(packs.flat());
  const single = projection.attrs.filter((plan) => !packed.has(plan));
  const columns = new Map<string, string>();
  for (const plan of single) {
    for (const column of plan.columns) columns.set(column.name, valueSql(place(plan), plan.read, column, 'guarded'));
  }
  const places = projection.attrs.map((plan) => ({ plan, x: place(plan) }));
  for (const column of projection.derived) columns.set(column.name, derivedSql(column, places));
  for (const [name, sql] of systemValues(projection, undefined)) columns.set(name, sql);
  // Lists have a text computed once, though it is looked at several times.
  const rest = `list_transform([${restSql(single)}], lambda t: ${joinedSql('t')})`;
  const names = columnNames(projection.schema);
  if (packs.length === 0) {
    columns.set('_rescued', `list_extract(list_transform(${rest}, lambda t: ${soundRescue('t', FILE)}), 1)`);
    return `SELECT ${named(names, columns)} FROM ${relation}`;
  }
  const inner = names.filter((name) => columns.has(name)).map((name) => `${columns.get(name) ?? ''} AS ${ident(name)}`);
  const packColumns = packs.map(
    (plans, i) => `${packSql(`[${plans.map(place).join(', ')}]`, plans[0] as AttrPlan, false)} AS ${packName(i)}`,
  );
  const from = `(SELECT ${[...inner, ...packColumns, `list_extract(${rest}, 1) AS ${REST}`, `${FILE} AS ${OUT}`].join(', ')} FROM ${relation})`;
  const outer = new Map([...columns.keys()].map((name) => [name, ident(name)]));
  for (const [i, plans] of packs.entries())
    for (const [j, plan] of plans.entries())
      for (const column of plan.columns) outer.set(column.name, member(`list_extract(${packName(i)}, ${j + 1})`, 'v'));
  outer.set('_rescued', packedRescue(packs));
  return `SELECT ${named(names, outer)} FROM ${from}`;
}

function place(plan: AttrPlan): string {
  return member('Item', plan.attr);
}

function packName(index: number): string {
  return `_tailrace_pack_${index}`;
}

function named(names: readonly string[], columns: ReadonlyMap<string, string>): string {
  return names.map((name) => `${columns.get(name) ?? 'NULL'} AS ${ident(name)}`).join(', ');
}

/**
 * JSON objects of one attribute each, of those that are not in their columns; empty where there is none. A key is never
 * rescued: a line whose key does not fit is refused.
 *
 * Whether an attribute fits is computed for all rows, whatever other attributes do: a condition that is looked at only
 * for some rows has the engine slice all that it reads, attribute by attribute, which takes longer than to compute it.
 * So nothing stands around these conditions, and they compare instead of AND and OR, which stop at what they know.
 */
function restSql(plans: readonly AttrPlan[]): string {
  const keys = all(plans.filter(({ isKey }) => isKey).map((plan) => okSql(plan, place(plan), undefined, textOf(plan))));
  const members = plans.flatMap((plan) => {
    const x = place(plan);
    const fits = fitsAny(plan, x, undefined, textOf(plan));
    if (plan.isKey || fits === 'true') return [];
    const misfits = fits === 'false' ? `${x} IS NOT NULL` : `(${x} IS NOT NULL) IS DISTINCT FROM (${fits})`;
    return [`CASE WHEN ${misfits} THEN json_object(${str(plan.attr)}, ${x}) END`];
  });
  return `concat_ws(${str(SEPARATOR)}, ${[`CASE WHEN NOT ${keys} THEN ${badLine(FILE)} END`, ...members].join(', ')})`;
}

/** Such objects as one; NULL where there is none. */
function joinedSql(objects: string): string {
  return `CASE WHEN ${objects} <> '' THEN ${stripNulls(`replace(${objects}, ${str(`}${SEPARATOR}{`)}, ',')`)} END`;
}

/** Plain JSON of an attribute whose only column is that. */
function textOf(plan: AttrPlan): string {
  const [column] = plan.columns;
  return column === undefined || !isText(plan) ? '' : valueSql(place(plan), plan.read, column, 'guarded');
}

/** The rest, and what packs could not place, as one object. */
function packedRescue(packs: readonly (readonly AttrPlan[])[]): string {
  const whole = packs.map((_, i) => `list_bool_and(list_transform(${packName(i)}, lambda e: e.ok))`);
  const members = packs.map((plans, i) => {
    const names = plans.map(({ attr }) => str(`${JSON.stringify(attr)}:`));
    return `array_to_string(list_transform(${packName(i)}, lambda e, i: list_extract([${names.join(', ')}], i) || e.t), ',')`;
  });
  const texts = [`substring(${REST}, 2, length(${REST}) - 2)`, ...members].map((text) => `nullif(${text}, '')`);
  const object = stripNulls(`'{' || concat_ws(',', ${texts.join(', ')}) || '}'`);
  const rescue = `CASE WHEN ${all([`${REST} IS NULL`, ...whole])} THEN NULL ELSE ${object} END`;
  return `list_extract(list_transform([${rescue}], lambda t: ${soundRescue('t', OUT)}), 1)`;
}
