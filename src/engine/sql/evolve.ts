/**
 * Rows of a table laid out by other columns: each value that changes is the attribute's own, out of its column or out of
 * `_rescued`, and goes into the new columns as a load would put it there. What fits none stays in, or goes to, `_rescued`.
 */
import { type ColumnType, type Field, physicalType, type Slot } from '../../model/schema.ts';
import type { AttrChange } from '../../schema/evolve/evolution.ts';
import { openValue } from '../../schema/reading.ts';
import { okSql } from './attribute.ts';
import { leafFast, leafFits } from './leaf.ts';
import { pointer } from './place.ts';
import { ident, str } from './quote.ts';
import { readType } from './read-type.ts';
import { valueSql as itemSql } from './render.ts';
import { scalarText } from './render-scalar.ts';
import { all, member, valueSql } from './values.ts';

/** What becomes of one attribute in each row; conditions are never NULL. */
export interface EvolvedAttr {
  readonly change: AttrChange;
  /** A value leaves `_rescued` for its columns. */
  readonly moved: string;
  /** A value that a column held, and that none holds now. */
  readonly misfit: string;
  /** A value stays in `_rescued`. */
  readonly left: string;
  /** A column that goes away, or changes, held something. */
  readonly held: string;
  /** The value as DynamoDB JSON; NULL where the item has none. */
  readonly value: string;
}

export interface EvolvedRows {
  /** Adds the columns that the rest speaks of to a relation with the table's columns, in as many steps as they need. */
  readonly select: (relation: string) => string;
  /** Values of the new columns, by field id. */
  readonly columns: ReadonlyMap<number, string>;
  readonly rescued: string;
  readonly attrs: readonly EvolvedAttr[];
}

/** `at`: the expression of a column of the table as it is; `rescued`: that of `_rescued`. */
export function evolveSql(changes: readonly AttrChange[], at: (field: Field) => string, rescued: string): EvolvedRows {
  const steps: string[][] = [[], [], [], []];
  const columns = new Map<number, string>();
  const attrs = changes.map((change, i) => attrSql(change, i, { at, rescued, steps, columns }));
  return {
    select: (relation) =>
      steps.reduce((from, own) => (own.length === 0 ? from : `(SELECT *, ${own.join(', ')} FROM ${from})`), relation),
    columns,
    rescued: rescueSql(rescued, attrs),
    attrs,
  };
}

interface Place {
  readonly at: (field: Field) => string;
  readonly rescued: string;
  /** What each step adds: the rescued value, the whole value, the value as it is parsed, then what comes of it. */
  readonly steps: readonly string[][];
  readonly columns: Map<number, string>;
}

function attrSql(change: AttrChange, i: number, { at, rescued, steps, columns }: Place): EvolvedAttr {
  const { attr, before, after } = change;
  const [r, v] = [`e_r${i}`, `e_v${i}`];
  steps[0]?.push(`json_extract(${rescued}, ${str(pointer(attr))})::VARCHAR AS ${r}`);
  const straight = straightSql(change, at);
  const whole = before.map((column) => itemSql(at(column), column.tag, column.type, 'typed', 0));
  const item = whole.length === 0 ? 'NULL' : `coalesce(${whole.join(', ')})`;
  // A value that goes straight from column to column need not become text.
  steps[1]?.push(`${straight === undefined ? `coalesce(${r}, ${item})` : r} AS ${v}`);
  const fits = after.map((column, j) => {
    const read = openValue(undefined, [column]);
    const [x, y, k] = [read.kind === 'raw' ? v : `e_x${i}_${j}`, `e_y${i}_${j}`, `e_k${i}_${j}`];
    if (read.kind === 'typed') steps[2]?.push(`from_json(${v}, ${str(JSON.stringify(readType(read)))}) AS ${x}`);
    const value = valueSql(x, read, column, 'guarded');
    const plan = { attr, read, columns: [column], isKey: false };
    steps[3]?.push(
      `${value} AS ${y}`,
      `${okSql(plan, x, read.kind === 'typed' ? v : undefined, `(${value})`)} AS ${k}`,
    );
    const own = straight?.columns.get(column.id) ?? 'NULL';
    columns.set(column.id, straight === undefined ? y : `CASE WHEN ${r} IS NULL THEN ${own} ELSE ${y} END`);
    return k;
  });
  const any = fits.length === 0 ? 'false' : `(${fits.join(' OR ')})`;
  const unrescued = straight === undefined ? `(${v} IS NULL OR ${any})` : straight.ok;
  return {
    change,
    moved: `(${r} IS NOT NULL AND ${any})`,
    left: `(${r} IS NOT NULL AND NOT ${any})`,
    misfit: unrescued === 'true' ? 'false' : `(${r} IS NULL AND NOT ${unrescued})`,
    held: heldSql(change, at),
    value: straight === undefined ? v : `coalesce(${r}, ${item})`,
  };
}

/** Whether a column that is gone, or holds other things now, is not NULL. */
function heldSql({ before, after }: AttrChange, at: (field: Field) => string): string {
  const gone = before.filter((old) => {
    const now = after.find(({ id }) => id === old.id);
    return now === undefined || !staysReadable(old.type, now.type);
  });
  return gone.length === 0 ? 'false' : `(${gone.map((column) => `${at(column)} IS NOT NULL`).join(' OR ')})`;
}

/** Whether files that hold the one can be read as the other: the same ids within, at most with more digits. */
export function staysReadable(before: ColumnType, after: ColumnType): boolean {
  const plain = (type: ColumnType): string =>
    JSON.stringify(type, (key, value: unknown) => (key === 'precision' ? undefined : value));
  return plain(before) === plain(after);
}

interface Straight {
  /** By the new column's id. */
  readonly columns: ReadonlyMap<number, string>;
  readonly ok: string;
}

/** Values from column to column; undefined where a value's type says nothing of where it goes, or it is laid out anew. */
function straightSql({ before, after }: AttrChange, at: (field: Field) => string): Straight | undefined {
  const columns = new Map<number, string>();
  const checks: string[] = [];
  for (const old of before) {
    const now = after.find(({ tag }) => tag === old.tag);
    const cast = now === undefined ? undefined : castSql(at(old), old.type, now.type);
    if (now === undefined || cast === undefined) return undefined;
    columns.set(now.id, cast.value);
    checks.push(cast.ok);
  }
  return { columns, ok: all(checks) };
}

/** Whether every value of the one type is one of the other, so that nobody need look. */
export function isCertain(change: AttrChange): boolean {
  return straightSql(change, () => 'x')?.ok === 'true';
}

interface Cast {
  readonly value: string;
  /** True where the value is all there; never NULL. */
  readonly ok: string;
}

/** From one type to another of the same kind, through the text that DynamoDB has for each scalar within. */
function castSql(x: string, from: ColumnType, to: ColumnType, depth = 0): Cast | undefined {
  if (shape(from) === shape(to) || isWider(from, to)) return { value: x, ok: 'true' };
  if (from.kind === 'list' && to.kind === 'list') return listCast(x, from.element, to.element, depth);
  if (from.kind === 'map' && to.kind === 'map') return mapCast(x, from.value, to.value, depth);
  if (from.kind === 'struct' && to.kind === 'struct') return structCast(x, from.fields, to.fields, depth);
  if (!isScalar(from) || !isScalar(to)) return undefined;
  const text = scalarText(x, from);
  const fits = leafFits(text, to);
  if (fits === 'true') return { value: leafFast(text, to), ok: 'true' };
  return {
    value: `CASE WHEN ${x} IS NOT NULL AND ${fits} THEN ${leafFast(text, to)} END`,
    ok: `(${x} IS NULL OR coalesce(${fits}, false))`,
  };
}

function slotCast(x: string, from: Slot, to: Slot, depth: number): Cast | undefined {
  return from.tag === to.tag ? castSql(x, from.type, to.type, depth + 1) : undefined;
}

function listCast(x: string, from: Slot, to: Slot, depth: number): Cast | undefined {
  const v = `s${depth}`;
  const inner = slotCast(v, from, to, depth);
  return (
    inner && {
      value: `list_transform(${x}, lambda ${v}: ${inner.value})`,
      ok: everyOk(x, v, inner),
    }
  );
}

function mapCast(x: string, from: Slot, to: Slot, depth: number): Cast | undefined {
  const v = `s${depth}`;
  const inner = slotCast(v, from, to, depth);
  return (
    inner && {
      value: `CASE WHEN ${x} IS NOT NULL THEN map(map_keys(${x}), list_transform(map_values(${x}), lambda ${v}: ${inner.value})) END`,
      ok: everyOk(`map_values(${x})`, v, inner),
    }
  );
}

function everyOk(values: string, v: string, { ok }: Cast): string {
  return ok === 'true' ? ok : `coalesce(list_bool_and(list_transform(${values}, lambda ${v}: ${ok})), true)`;
}

function structCast(x: string, from: readonly Field[], to: readonly Field[], depth: number): Cast | undefined {
  const checks: string[] = [];
  const values = new Map<Field, string>();
  for (const old of from) {
    const now = to.find(({ attr, tag }) => attr === old.attr && tag === old.tag);
    const cast = now && castSql(member(x, old.name), old.type, now.type, depth);
    if (now === undefined || cast === undefined) return undefined;
    values.set(now, cast.value);
    checks.push(cast.ok);
  }
  const fields = to.map((field) => `${ident(field.name)}: ${values.get(field) ?? 'NULL'}`);
  return { value: `CASE WHEN ${x} IS NOT NULL THEN {${fields.join(', ')}} END`, ok: all(checks) };
}

/** JSON is text of something else. */
function isScalar(type: ColumnType): boolean {
  return physicalType(type) !== undefined && type.kind !== 'json' && type.kind !== 'ddb-json';
}

/** Where the engine's own cast loses nothing and refuses nothing. */
function isWider(from: ColumnType, to: ColumnType): boolean {
  if (to.kind !== 'decimal') return false;
  if (from.kind === 'long') return to.precision - to.scale >= 19;
  return from.kind === 'decimal' && from.scale <= to.scale && from.precision - from.scale <= to.precision - to.scale;
}

/** A type without its field ids. */
function shape(type: ColumnType): string {
  return JSON.stringify(type, (key, value: unknown) => (key === 'id' || key === 'keyId' ? undefined : value));
}

/** `_rescued` without what has found a column, and with what has lost it. */
function rescueSql(rescued: string, attrs: readonly EvolvedAttr[]): string {
  const members = attrs.flatMap(({ change, moved, misfit, value }) => {
    const name = `${JSON.stringify(change.attr)}:`;
    return [
      ...(moved === 'false' ? [] : [`CASE WHEN ${moved} THEN ${str(`${name}null`)} END`]),
      ...(misfit === 'false' ? [] : [`CASE WHEN ${misfit} THEN ${str(name)} || ${value} END`]),
    ];
  });
  if (members.length === 0) return rescued;
  const list = `[${[...members, 'NULL'].join(', ')}]::VARCHAR[]`;
  const changed = attrs.flatMap(({ moved, misfit }) => [moved, misfit]).filter((each) => each !== 'false');
  const patch = `'{' || array_to_string(${list}, ',') || '}'`;
  const merged = `json_merge_patch(coalesce(${rescued}, '{}'), ${patch})::VARCHAR`;
  return `CASE WHEN ${changed.join(' OR ')} THEN nullif(${merged}, '{}') ELSE ${rescued} END`;
}
