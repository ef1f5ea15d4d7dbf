import { TailraceError } from '../../model/errors.ts';
import type { ColumnType, OriginTag, Tag } from '../../model/schema.ts';
import type { ReadTag, ReadValue } from '../../schema/reading.ts';
import { leafFast, leafFits, leafGuarded } from './leaf.ts';
import { ident, str } from './quote.ts';
import { tagType } from './read-type.ts';
import { plainText, stripNulls } from './text.ts';

/** What a value goes into: a column, a list's element, a map's value. */
export interface Target {
  readonly tag: OriginTag;
  readonly type: ColumnType;
}

/** How far to trust casts: `fast` where a check of the whole value follows, `guarded` where what fits must be sorted out. */
export type Trust = 'fast' | 'guarded';

/** Member `name` of a struct. */
export function member(struct: string, name: string): string {
  return `struct_extract(${struct}, ${str(name)})`;
}

/** The typed column value of the attribute value `x`; NULL inside it where something does not fit. */
export function valueSql(x: string, read: ReadValue, into: Target, trust: Trust, depth = 0): string {
  // NULL is not absent: it is rescued, and its column holds nothing.
  if (into.tag === 'NULL' && into.type.kind === 'string') return 'NULL::VARCHAR';
  if (into.type.kind === 'ddb-json') return ofTag(x, into, textSql(x, read));
  if (into.type.kind === 'json') return ofTag(x, into, plainText(textSql(x, read)));
  if (read.kind === 'raw') return rawValue(x, into, trust);
  const tag = read.tags.get(into.tag as Tag);
  if (tag === undefined) throw new TailraceError('INTERNAL', `A value is not read for its tag ${into.tag}.`);
  return tagValue(member(x, into.tag), tag, into, trust, depth);
}

/** DynamoDB JSON of an attribute value. */
export function textSql(x: string, read: ReadValue): string {
  return read.kind === 'raw' ? `${x}::VARCHAR` : stripNulls(`to_json(${x})::VARCHAR`);
}

/** A column of one tag holds texts of that tag alone. */
function ofTag(x: string, into: Target, sql: string): string {
  return into.tag === '*' ? sql : `CASE WHEN ${hasTag(x, into)} THEN ${sql} END`;
}

function hasTag(x: string, into: Target): string {
  return into.tag === '*' ? 'true' : `coalesce(starts_with(${x}::VARCHAR, ${str(`{"${into.tag}":`)}), false)`;
}

/** A scalar out of JSON text (tables with too many names to read them as structs). */
function rawValue(x: string, into: Target, trust: Trust): string {
  const text = `json_extract_string(${x}, ${str(`/${into.tag}`)})`;
  if (into.tag === 'BOOL') return `try_cast(${text} AS BOOLEAN)`;
  return trust === 'fast' ? leafFast(text, into.type) : leafGuarded(text, into.type);
}

function tagValue(t: string, read: ReadTag, into: Target, trust: Trust, depth: number): string {
  const { type } = into;
  const v = `v${depth}`;
  if (read.kind === 'text')
    return parsedSql(t, into, read, `p${depth}`, tagValue(`p${depth}`, read.inner, into, trust, depth));
  if (type.kind === 'list') {
    if (type.element.type.kind === 'string' && into.tag === 'SS') return t;
    const element =
      read.kind === 'list'
        ? valueSql(v, read.element, type.element, trust, depth + 1)
        : trust === 'fast'
          ? leafFast(v, type.element.type)
          : leafGuarded(v, type.element.type);
    return `list_transform(${t}, lambda ${v}: ${element})`;
  }
  const map = mapSql(t, read);
  if (type.kind === 'map' && map !== undefined) {
    const value = valueSql(v, map.value, type.value, trust, depth + 1);
    return `CASE WHEN ${t} IS NOT NULL THEN map(map_keys(${map.sql}), list_transform(map_values(${map.sql}), lambda ${v}: ${value})) END`;
  }
  if (type.kind === 'struct' && read.kind === 'struct') {
    const fields = type.fields.map(
      (field) =>
        `${ident(field.name)} := ${valueSql(member(t, field.attr), read.fields.get(field.attr) ?? { kind: 'raw' }, field, trust, depth)}`,
    );
    return `CASE WHEN ${t} IS NOT NULL THEN struct_pack(${fields.join(', ')}) END`;
  }
  return trust === 'fast' ? leafFast(t, type) : leafGuarded(t, type);
}

/** A dictionary's entries and how their values are read: as the engine detected them, or out of its text. */
function mapSql(t: string, read: ReadTag): { readonly sql: string; readonly value: ReadValue } | undefined {
  if (read.kind === 'map') return { sql: t, value: read.value };
  return read.kind === 'raw' ? { sql: `from_json(${t}, '"MAP(VARCHAR,JSON)"')`, value: { kind: 'raw' } } : undefined;
}

/** An expression over a text that is parsed as far as it has a place. The text is parsed once: its type is long. */
function parsedSql(
  t: string,
  into: Target,
  { inner }: Extract<ReadTag, { kind: 'text' }>,
  name: string,
  sql: string,
): string {
  const parsed = `from_json(${t}, ${str(JSON.stringify(tagType(into.tag as Tag, inner)))})`;
  return `list_extract(list_transform([${parsed}], lambda ${name}: ${sql}), 1)`;
}

/** True when the attribute value `x` (not NULL) is wholly in its column. Never NULL. */
export function fitsSql(x: string, read: ReadValue, into: Target, depth = 0): string {
  if (into.tag === 'NULL' && into.type.kind === 'string') return 'false';
  if (into.type.kind === 'ddb-json') return hasTag(x, into);
  if (into.type.kind === 'json') return all([hasTag(x, into), `${plainText(textSql(x, read))} IS NOT NULL`]);
  if (read.kind === 'raw') return rawFits(x, into);
  const tag = read.tags.get(into.tag as Tag);
  if (tag === undefined) return 'false';
  const t = member(x, into.tag);
  const others = [...read.tags.keys()]
    .filter((other) => other !== into.tag)
    .map((other) => `${member(x, other)} IS NULL`);
  return all([`${t} IS NOT NULL`, ...others, tagFits(t, tag, into, depth)]);
}

/** JSON text fits a scalar when the value written out again is the same text. */
function rawFits(x: string, into: Target): string {
  const text = `json_extract_string(${x}, ${str(`/${into.tag}`)})`;
  const again = into.tag === 'BOOL' ? text : `to_json(${text})::VARCHAR`;
  const same = `coalesce(${x}::VARCHAR = ${str(`{"${into.tag}":`)} || ${again} || '}', false)`;
  return all([same, into.tag === 'BOOL' ? 'true' : `coalesce(${leafFits(text, into.type)}, false)`]);
}

function tagFits(t: string, read: ReadTag, into: Target, depth: number): string {
  const { type } = into;
  const v = `v${depth}`;
  if (read.kind === 'text') {
    const p = `p${depth}`;
    const again = `length(${stripNulls(`to_json(${p})::VARCHAR`)}) = length(${t}::VARCHAR)`;
    const fits = all([`${p} IS NOT NULL`, tagFits(p, read.inner, into, depth), again]);
    return `coalesce(${parsedSql(t, into, read, p, fits)}, false)`;
  }
  if (type.kind === 'list') {
    if (type.element.type.kind === 'string' && into.tag === 'SS') return `list_position(${t}, NULL) IS NULL`;
    if (
      read.kind === 'list' &&
      isOnlyText(read.element) &&
      type.element.tag === 'S' &&
      type.element.type.kind === 'string'
    )
      return `list_position(${tagValue(t, read, into, 'fast', depth)}, NULL) IS NULL`;
    const element =
      read.kind === 'list'
        ? all([`${v} IS NOT NULL`, fitsSql(v, read.element, type.element, depth + 1)])
        : `coalesce(${leafFits(v, type.element.type)}, false)`;
    return `coalesce(list_bool_and(list_transform(${t}, lambda ${v}: ${element})), true)`;
  }
  const map = mapSql(t, read);
  if (type.kind === 'map' && map !== undefined) {
    const value = all([`${v} IS NOT NULL`, fitsSql(v, map.value, type.value, depth + 1)]);
    return `coalesce(list_bool_and(list_transform(map_values(${map.sql}), lambda ${v}: ${value})), true)`;
  }
  if (type.kind === 'struct' && read.kind === 'struct') {
    const byAttr = new Map(type.fields.map((field) => [field.attr, field]));
    return all(
      [...read.fields].map(([attr, value]) => {
        const field = byAttr.get(attr);
        const x = member(t, attr);
        const fits = field === undefined ? 'false' : fitsSql(x, value, field, depth);
        return fits === 'true' ? 'true' : `(${x} IS NULL OR ${fits})`;
      }),
    );
  }
  return leafFits(t, type);
}

function isOnlyText(read: ReadValue): boolean {
  return read.kind === 'typed' && read.tags.size === 1 && read.tags.get('S')?.kind === 'scalar';
}

/** A conjunction without its trivial parts. */
export function all(conditions: readonly string[]): string {
  const parts = conditions.filter((condition) => condition !== 'true');
  return parts.length === 0 ? 'true' : parts.length === 1 ? (parts[0] ?? 'true') : `(${parts.join(' AND ')})`;
}
