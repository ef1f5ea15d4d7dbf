import { columnNames } from '../../model/type-text.ts';
import { type AttrPlan, dropsDeleted, type Projection } from '../../schema/projection.ts';
import { derivedSql, isText, okSql } from './attribute.ts';
import { type ChangeSql, changeSql, GONE, LEFT_OUT, systemValues } from './change.ts';
import { filterSql } from './filter.ts';
import { packSql, packsOf, rescueText } from './packs.ts';
import { pointer } from './place.ts';
import { ident, list, str } from './quote.ts';
import { readType } from './read-type.ts';
import { sinceSql } from './since.ts';
import { badLine, soundRescue, stripNulls } from './text.ts';
import { all, member, valueSql } from './values.ts';
import { isWide, projectWide } from './wide.ts';

/** Name of the column that tells the file of a row. */
const FILE = 'filename';
/** The same in the outer rows, where a column of the table may be called filename. */
const OUT = '_tailrace_file';
/** True in rows of changes whose item is left out by the filter. */
const LEFT = '_tailrace_left';
/** Up to so many attributes, values are computed blindly first and sorted out only where one does not fit. */
const FAST_ATTRS = 48;

/** An attribute on its way: SQL of its value, of its check, and of its columns. */
interface Source {
  readonly plan: AttrPlan;
  readonly x: string;
  readonly ok: string;
  readonly values: readonly string[];
}

/** What the attributes of a row come to. */
interface Row {
  /** Adds the columns that the rest speaks of to a relation. */
  readonly select: (relation: string) => string;
  readonly sources: readonly Source[];
  /** Conditions that every line must meet. */
  readonly sound: readonly string[];
  /** Conditions that together say that nothing is rescued. */
  readonly whole: readonly string[];
  /** Lists of texts: for each attribute that is not in its columns, its member of the rescue; in open items, for each
   * that is, the member of a patch which takes it out. */
  readonly members: readonly string[];
}

/**
 * A SELECT that turns lines into rows of the table. Values and checks come first; what does not fit its column is
 * then rescued, which costs nothing in rows where all fits. `relation` has the columns Item and filename, and of
 * changes Metadata, Keys, OldImage and NewImage, too. Where deleted items are to be told apart, a column GONE is last.
 */
export function projectSql(projection: Projection, lines: string): string {
  const relation = keptLines(projection, lines);
  if (isWide(projection)) return projectWide(projection, relation);
  const open = projection.reading.kind === 'open';
  const packs = packsOf(projection.attrs, true);
  const packed = new Set(packs.flat());
  const plans = [...packs.flat(), ...projection.attrs.filter((plan) => !packed.has(plan))];
  const change = projection.lines.shape === 'change' ? changeSql(projection) : undefined;
  const row = rowOf(projection, plans, packs, open, change);
  const byName = new Map<string, string>();
  for (const { plan, values } of row.sources)
    for (const [i, column] of plan.columns.entries()) byName.set(column.name, values[i] ?? 'NULL');
  for (const column of projection.derived) byName.set(column.name, derivedSql(column, row.sources));
  byName.set('_rescued', open ? rescueOpen(projection, row) : rescueStruct(row));
  for (const [name, sql] of systemValues(projection, change)) byName.set(name, sql);
  const names = columnNames(projection.schema);
  const columns = names.map((name) => `${byName.get(name) ?? 'NULL'} AS ${ident(name)}`);
  const sound = soundRescue('_rescued', OUT);
  const rescued = change?.left === undefined ? sound : `CASE WHEN ${LEFT} THEN ${str(LEFT_OUT)} ELSE ${sound} END`;
  const checked = names.map((name) =>
    name === '_rescued'
      ? `${rescued} AS ${name}`
      : name === '_old_image' && change !== undefined
        ? `${soundRescue(name, OUT)} AS ${name}`
        : ident(name),
  );
  if (change !== undefined && dropsDeleted(projection)) {
    columns.push(`${change.gone} AS ${GONE}`);
    if (change.left !== undefined) columns.push(`${change.left} AS ${LEFT}`);
    checked.push(GONE);
  }
  const from = row.select(open ? openRelation(plans, relation, change) : relation);
  return `SELECT ${checked.join(', ')} FROM (SELECT ${columns.join(', ')}, ${FILE} AS ${OUT} FROM ${from})`;
}

/** Items that the filter leaves out are looked at no further. Of changes they become deletes. */
function keptLines({ filter, since, reading, lines }: Projection, relation: string): string {
  if (lines.shape === 'change') return relation;
  const scope = { reading, column: 'Item', file: FILE };
  const conditions = [
    ...(filter === undefined ? [] : [filterSql(filter, scope)]),
    ...(since === undefined ? [] : [sinceSql(since, scope)]),
  ];
  return conditions.length === 0 ? relation : `(SELECT * FROM ${relation} WHERE ${conditions.join(' AND ')})`;
}

function rowOf(
  projection: Projection,
  plans: readonly AttrPlan[],
  packs: readonly (readonly AttrPlan[])[],
  open: boolean,
  change: ChangeSql | undefined,
): Row {
  const trust = projection.attrs.length <= FAST_ATTRS ? 'fast' : 'guarded';
  const part = (plan: AttrPlan): string => `list_extract(item_parts, ${plans.indexOf(plan) + 1})`;
  const place = (plan: AttrPlan): string => {
    if (open) return part(plan);
    // Of a delete, the key is all that there is; of a put, it is the image's.
    return member(change !== undefined && plan.isKey ? 'Keys' : 'Item', plan.attr);
  };
  const packed = new Set(packs.flat());
  const values: string[] =
    change === undefined ? [] : [`${change.writtenAt} AS change_at`, `${change.sound} AS change_ok`];
  const sound = change === undefined ? [] : ['change_ok'];
  const checks: string[] = [];
  const sources = plans
    .filter((plan) => !packed.has(plan))
    .map((plan, i): Source => {
      const parsed = open && plan.read.kind === 'typed';
      const x = parsed ? `from_json(${place(plan)}, ${str(JSON.stringify(readType(plan.read)))})` : place(plan);
      const mine = plan.columns.map((column, j) => {
        const [fast, guarded] = [valueSql(x, plan.read, column, trust), valueSql(x, plan.read, column, 'guarded')];
        values.push(`${fast} AS v_${i}_${j}`);
        return fast === guarded ? `v_${i}_${j}` : `CASE WHEN ok_${i} THEN v_${i}_${j} ELSE ${guarded} END`;
      });
      // Beside the values, checks share their parts with them; a check of a text needs the text first.
      (isText(plan) ? checks : values).push(
        `${okSql(plan, x, parsed ? place(plan) : undefined, `v_${i}_0`)} AS ok_${i}`,
      );
      return { plan, x, ok: `ok_${i}`, values: mine };
    });
  const inPacks = packs.map((plansOf, i) => {
    const first = plans.indexOf(plansOf[0] as AttrPlan) + 1;
    const xs = open
      ? `list_slice(item_parts, ${first}, ${first + plansOf.length - 1})`
      : `[${plansOf.map(place).join(', ')}]`;
    values.push(`${packSql(xs, plansOf[0] as AttrPlan, open)} AS pack_${i}`);
    return { alias: `pack_${i}`, plansOf };
  });
  const packedSources = inPacks.flatMap(({ alias, plansOf }) =>
    plansOf.map((plan, i): Source => {
      const element = `list_extract(${alias}, ${i + 1})`;
      return { plan, x: place(plan), ok: member(element, 'ok'), values: [member(element, 'v')] };
    }),
  );
  const name = (plan: AttrPlan): string => str(`${JSON.stringify(plan.attr)}:${open ? 'null' : ''}`);
  const direct1 = sources
    .filter(({ plan }) => open || !plan.isKey)
    .map(({ plan, x, ok }) =>
      open
        ? `CASE WHEN ${ok} AND ${place(plan)} IS NOT NULL THEN ${name(plan)} END`
        : `CASE WHEN NOT ${ok} THEN ${name(plan)} || ${rescueText(x, plan)} END`,
    );
  return {
    select: (from) => selectAll(checks, selectAll(values, from)),
    sources: [...sources, ...packedSources],
    sound,
    whole: [
      ...sound,
      ...sources.map(({ ok }) => ok),
      ...inPacks.map(({ alias }) => `list_bool_and(list_transform(${alias}, lambda e: e.ok))`),
    ],
    members: [
      `[${[...direct1, 'NULL'].join(', ')}]::VARCHAR[]`,
      ...inPacks.map(({ alias, plansOf }) => {
        const mine = `list_extract([${plansOf.map(name).join(', ')}], i)`;
        return `list_transform(${alias}, lambda e, i: ${open ? `CASE WHEN e.ok AND e.v IS NOT NULL THEN ${mine} END` : `${mine} || e.t`})`;
      }),
    ],
  };
}

function selectAll(columns: readonly string[], from: string): string {
  return columns.length === 0 ? from : `(SELECT *, ${columns.join(', ')} FROM ${from})`;
}

/** All members as one text. */
function object(members: readonly string[]): string {
  return `'{' || array_to_string(${members.reduce((sum, next) => `list_concat(${sum}, ${next})`)}, ',') || '}'`;
}

/** `_rescued` where attributes are struct members. A key is never rescued: a line whose key does not fit is refused. */
function rescueStruct({ sources, sound, whole, members }: Row): string {
  return `CASE WHEN ${all(whole)} THEN NULL WHEN ${all([...sound, keysHold(sources)])} THEN ${stripNulls(object(members))} ELSE ${badLine(FILE)} END`;
}

/** `_rescued` where Item is JSON text: every member that is in no column, or does not fit it. */
function rescueOpen(projection: Projection, { sources, sound: known, whole, members }: Row): string {
  const complete = `len(json_keys(Item)) = len(list_filter(item_parts, lambda p: p IS NOT NULL))`;
  const sound = all([
    ...known,
    `json_type(Item) = 'OBJECT'`,
    'len(json_keys(Item)) = len(list_distinct(json_keys(Item)))',
    keysHold(sources),
  ]);
  const dropped = [...projection.excluded].map((name) => str(`${JSON.stringify(name)}:null`));
  const patch = object([...members, `[${[...dropped, 'NULL'].join(', ')}]::VARCHAR[]`]);
  const rest = `nullif(json_merge_patch(Item, ${patch})::VARCHAR, '{}')`;
  return `CASE WHEN ${all([complete, ...whole])} THEN NULL WHEN coalesce(${sound}, false) THEN ${rest} ELSE ${badLine(FILE)} END`;
}

function keysHold(sources: readonly Source[]): string {
  return all(sources.filter(({ plan }) => plan.isKey).map(({ ok }) => ok));
}

/** Item as JSON text, with the attributes of all plans taken out of it in one parse. */
function openRelation(plans: readonly AttrPlan[], relation: string, change: ChangeSql | undefined): string {
  const parts =
    plans.length === 0 ? '[]::JSON[]' : `json_extract(Item, ${list(plans.map(({ attr }) => pointer(attr)))})`;
  if (change === undefined) return `(SELECT Item, ${FILE}, ${parts} AS item_parts FROM ${relation})`;
  const lines = `(SELECT * REPLACE (coalesce(NewImage, Keys) AS Item) FROM ${relation})`;
  return `(SELECT *, ${parts} AS item_parts FROM ${lines})`;
}
