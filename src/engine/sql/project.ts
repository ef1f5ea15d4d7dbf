import { columnNames } from '../../model/type-text.ts';
import type { Field } from '../../model/schema.ts';
import type { AttrPlan, Projection } from '../../schema/projection.ts';
import { tagOfFormat } from '../../schema/times.ts';
import { readType } from './read-type.ts';
import { leafGuarded } from './leaf.ts';
import { ident, list, str } from './quote.ts';
import { badLine, isSound, isSoundFlat, stripNulls } from './text.ts';
import { all, fitsSql, member, textSql, valueSql } from './values.ts';

/** Name of the column that tells the file of a row. */
const FILE = 'filename';
/** The same in the outer rows, where a column of the table may be called filename. */
const OUT = '_tailrace_file';
const FILE_OUT = `${FILE} AS ${OUT}`;

interface Source {
  /** SQL of the attribute's value in the innermost relation. */
  readonly x: string;
  /** SQL of its JSON text, where `x` was parsed from it and may have lost something. */
  readonly text: string | undefined;
  readonly plan: AttrPlan;
  /** Names of its check and its values between the two levels. */
  readonly ok: string;
  readonly values: readonly string[];
}

/**
 * A SELECT that turns lines into rows of the table: first the values by the fast way and, for each attribute, whether
 * it fits; then what does not fit is sorted out and rescued, which costs nothing in rows where all fits.
 * `relation` has the columns Item and filename.
 */
export function projectSql(projection: Projection, relation: string): string {
  const open = projection.reading.kind === 'open';
  const sources = projection.attrs.map((plan, i): Source => ({
    x: open ? (plan.read.kind === 'raw' ? `item_parts[${i + 1}]` : `x_${i}`) : member('Item', plan.attr),
    text: open && plan.read.kind === 'typed' ? `item_parts[${i + 1}]` : undefined,
    plan, ok: `ok_${i}`, values: plan.columns.map((_, j) => `v_${i}_${j}`),
  }));
  const inner = sources.flatMap((source) => innerColumns(source));
  const keep = open ? ['Item', 'item_parts', FILE, ...sources.filter((s) => s.text !== undefined).map((s) => s.x)] : ['Item', FILE];
  const first = `SELECT ${[...keep, ...inner].join(', ')} FROM ${open ? openRelation(sources, relation) : relation}`;
  const byName = new Map<string, string>();
  for (const source of sources) for (const [i, column] of source.plan.columns.entries()) byName.set(column.name, outerColumn(source, column, i));
  for (const column of projection.derived) byName.set(column.name, derivedColumn(column, sources));
  byName.set('_rescued', open ? rescueOpen(projection, sources) : rescueStruct(sources));
  byName.set('_written_at', 'NULL::TIMESTAMPTZ');
  const names = columnNames(projection.schema);
  const columns = names.map((name) => `${byName.get(name) ?? 'NULL'} AS ${ident(name)}`);
  const checked = names.map((name) => (name === '_rescued' ? `${soundRescue('_rescued')} AS _rescued` : ident(name)));
  return `SELECT ${checked.join(', ')} FROM (SELECT ${[...columns, FILE_OUT].join(', ')} FROM (${first}))`;
}

/** A rescue is kept as it is when it is sound; a line that is not goes the slow way. Few need the deep look. */
function soundRescue(text: string): string {
  return `CASE WHEN ${text} IS NULL THEN NULL WHEN ${isSoundFlat(text)} THEN ${text} WHEN ${isSound(text)} THEN ${text} ELSE ${badLine(OUT)} END`;
}

function innerColumns({ x, text, plan, ok, values }: Source): string[] {
  const checks = plan.columns.map((column) => fitsSql(x, plan.read, column));
  const typed = checks.length === 0 ? 'false' : checks.length === 1 ? (checks[0] ?? 'false') : `(${checks.join(' OR ')})`;
  // Written out again, a value that was parsed whole is as long as its text, in whatever order its names come.
  const fits = text === undefined ? typed
    : `CASE WHEN ${x} IS NOT NULL AND ${typed} THEN length(${textSql(x, plan.read)}) = length(${text}::VARCHAR) ELSE false END`;
  const whole = plan.isKey ? `(${all([`${x} IS NOT NULL`, fits])})` : `(${text ?? x} IS NULL OR ${fits})`;
  return [
    ...plan.columns.map((column, i) => `${valueSql(x, plan.read, column, 'fast')} AS ${values[i]}`),
    `coalesce(${whole}, false) AS ${ok}`,
  ];
}

/** A cast that nothing vouches for is done again, guarded, in the rows where its attribute does not fit. */
function outerColumn({ x, plan, ok, values }: Source, column: Field, i: number): string {
  const fast = values[i] ?? 'NULL';
  const guarded = valueSql(x, plan.read, column, 'guarded');
  return guarded === valueSql(x, plan.read, column, 'fast') ? fast : `CASE WHEN ${ok} THEN ${fast} ELSE ${guarded} END`;
}

function derivedColumn(column: Projection['derived'][number], sources: readonly Source[]): string {
  const source = sources.find(({ plan }) => plan.columns.some((candidate) => candidate.name === column.from));
  if (source === undefined) return 'NULL::TIMESTAMPTZ';
  const tag = tagOfFormat(column.format);
  const { read } = source.plan;
  if (read.kind === 'typed' && !read.tags.has(tag)) return 'NULL::TIMESTAMPTZ';
  const text = read.kind === 'raw' ? `json_extract_string(${source.x}, ${str(`/${tag}`)})` : member(source.x, tag);
  return leafGuarded(text, { kind: 'timestamp', format: column.format });
}

/** `_rescued` where attributes are struct members. A key is never rescued: a line whose key does not fit is refused. */
function rescueStruct(sources: readonly Source[]): string {
  const members = sources.filter(({ plan }) => !plan.isKey).map(({ x, plan, ok }) => `${ident(plan.attr)} := CASE WHEN NOT ${ok} THEN ${x} END`);
  const keys = sources.filter(({ plan }) => plan.isKey).map(({ ok }) => ok);
  const body = members.length === 0 ? 'NULL::VARCHAR' : stripNulls(`to_json(struct_pack(${members.join(', ')}))::VARCHAR`);
  const rescued = keys.length === 0 ? body : `CASE WHEN ${all(keys)} THEN ${body} ELSE ${badLine(FILE)} END`;
  return `CASE WHEN ${all(sources.map(({ ok }) => ok))} THEN NULL ELSE ${rescued} END`;
}

/** Item as JSON text, with the mapped attributes taken out of it in one parse, and nested ones parsed into their types. */
function openRelation(sources: readonly Source[], relation: string): string {
  const pointers = sources.map(({ plan }) => pointer(plan.attr));
  const parts = pointers.length === 0 ? '[]::JSON[]' : `json_extract(Item, ${list(pointers)})`;
  const typed = sources.flatMap(({ x, text, plan }) => (text === undefined ? [] : [`from_json(${text}, ${str(JSON.stringify(readType(plan.read)))}) AS ${x}`]));
  return `(SELECT *${typed.map((column) => `, ${column}`).join('')} FROM (SELECT Item, ${FILE}, ${parts} AS item_parts FROM ${relation}))`;
}

/** JSON pointer (RFC 6901) to a member. */
function pointer(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** `_rescued` where Item is JSON text: every member that is in no column, or does not fit it. */
function rescueOpen(projection: Projection, sources: readonly Source[]): string {
  const dropped = [...projection.excluded];
  const present = sources.length === 0 ? '0' : sources.map(({ x }) => `(${x} IS NOT NULL)::INTEGER`).join(' + ');
  const complete = `len(json_keys(Item)) = ${present}`;
  const held = sources.map(({ plan, ok }) => `CASE WHEN ${ok} THEN ${str(plan.attr)} END`);
  const skip = `list_concat([${held.join(', ') || 'NULL'}]::VARCHAR[], ${list(dropped)}::VARCHAR[])`;
  const member = `to_json(e.key)::VARCHAR || ':' || e.value::VARCHAR`;
  const entries = `list_filter(map_entries(from_json(Item, '"MAP(VARCHAR,JSON)"')), lambda e: NOT list_contains(${skip}, e.key))`;
  const rescued = `nullif('{' || array_to_string(list_transform(${entries}, lambda e: ${member}), ',') || '}', '{}')`;
  const sound = all([`json_type(Item) = 'OBJECT'`, 'len(json_keys(Item)) = len(list_distinct(json_keys(Item)))', ...keysHold(sources)]);
  return `CASE WHEN ${all([complete, ...sources.map(({ ok }) => ok)])} THEN NULL WHEN NOT coalesce(${sound}, false) THEN ${badLine(FILE)} ELSE ${rescued} END`;
}

function keysHold(sources: readonly Source[]): string[] {
  return sources.filter(({ plan }) => plan.isKey).map(({ ok }) => ok);
}
