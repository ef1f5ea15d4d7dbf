/** What a change of columns would do to the rows of a table, counted before anything is written. */
import { TAGS, type TableSchema, type Tag, type TimestampFormat } from '../../../model/schema.ts';
import type { AttrChange } from '../../../schema/evolve/evolution.ts';
import { TIMESTAMP_FORMATS } from '../../../schema/files/user-schema.ts';
import { emptyValue, type ValueNode } from '../../../schema/structure.ts';
import { tagOfFormat } from '../../../schema/times.ts';
import { DIGITS, isTime, NOT_LONG, SCALE } from '../../sql/census.ts';
import { evolveSql } from '../../sql/evolve.ts';
import { ident } from '../../sql/quote.ts';
import { scalarText } from '../../sql/render-scalar.ts';
import { prepareRender } from '../cat.ts';
import type { Duck } from '../instance.ts';
import { deletedPositions, filesRelation, type ReadFile, withoutSql } from '../read.ts';
import { columnOf } from './changes.ts';

/** Counts of one file's live rows. */
export interface FileSurvey {
  readonly uri: string;
  /** Values that leave `_rescued`, that go there, and that stay there. */
  readonly moved: number;
  readonly misfits: number;
  readonly left: number;
  /** Rows in which a column that goes away, or changes, holds something. */
  readonly held: number;
}

/** A value that no column would hold. */
export interface Misfit {
  readonly attr: string;
  readonly count: number;
  /** One of them as DynamoDB JSON, and the key of its item, as names and values. */
  readonly example: string;
  readonly key: string;
}

export interface Survey {
  readonly files: readonly FileSurvey[];
  /** Attributes of which a value stands in `_rescued`. */
  readonly rescued: readonly string[];
  /** By attribute, only where there are any. */
  readonly misfits: readonly Misfit[];
}

/** The live rows of files, under the neutral names of `filesRelation`, with `file_index` and `file_row_number`. */
export function liveRelation(schema: TableSchema, files: readonly ReadFile[]): string {
  const some = files.some(({ deletes }) => deletes !== undefined && deletes.length > 0);
  const condition = some ? withoutSql(deletedPositions(files)) : '';
  return `(SELECT *, file_index, file_row_number FROM ${filesRelation(schema, files)}${condition})`;
}

/** Counts what these changes do to the live rows of files of this schema. */
export async function surveyRows(
  duck: Duck,
  schema: TableSchema,
  files: readonly ReadFile[],
  changes: readonly AttrChange[],
  signal?: AbortSignal,
): Promise<Survey> {
  if (files.length === 0) return { files: [], rescued: [], misfits: [] };
  await prepareRender(duck);
  const at = (name: string): string => columnOf(schema, name);
  const rows = evolveSql(changes, ({ name }) => at(name), at('_rescued'));
  const sum = (conditions: readonly string[]): string =>
    `sum(${conditions.map((condition) => `(${condition})::BIGINT`).join(' + ') || '0'})`;
  const keys = schema.keys.map((name) => {
    const column = schema.columns.find((each) => each.name === name);
    return column === undefined
      ? "'?'"
      : `'${name.replaceAll("'", "''")} ' || coalesce(${scalarText(at(name), column.type)}, '?')`;
  });
  const key = keys.length === 0 ? "''" : `concat_ws(', ', ${keys.join(', ')})`;
  const perAttr = rows.attrs.flatMap(({ moved, left, misfit, value }, i) => [
    `count(*) FILTER (WHERE ${moved} OR ${left}) AS r${i}`,
    ...(misfit === 'false'
      ? []
      : [
          `count(*) FILTER (WHERE ${misfit}) AS n${i}`,
          `first({v: ${value}, k: ${key}}) FILTER (WHERE ${misfit}) AS x${i}`,
        ]),
  ]);
  const selects = [
    'file_index AS f',
    `${sum(rows.attrs.map(({ moved }) => moved))} AS moved`,
    `${sum(rows.attrs.map(({ misfit }) => misfit))} AS misfits`,
    `${sum(rows.attrs.map(({ left }) => left))} AS left_there`,
    `count(*) FILTER (WHERE ${rows.attrs.map(({ held }) => held).join(' OR ') || 'false'}) AS held`,
    ...perAttr,
  ];
  const found = await duck.rows(
    `SELECT ${selects.join(', ')} FROM ${rows.select(liveRelation(schema, files))} GROUP BY file_index`,
    signal,
  );
  const byFile = new Map(found.map((row) => [Number(row['f']), row]));
  const misfits = new Map<string, Misfit>();
  for (const row of found) {
    for (const [i, { change }] of rows.attrs.entries()) {
      const count = Number(row[`n${i}`] ?? 0);
      if (count === 0) continue;
      const { v, k } = row[`x${i}`] as unknown as { readonly v: string; readonly k: string };
      const before = misfits.get(change.attr);
      misfits.set(change.attr, {
        attr: change.attr,
        count: count + (before?.count ?? 0),
        example: before?.example ?? v,
        key: before?.key ?? k,
      });
    }
  }
  return {
    files: files.map(({ uri }, i) => {
      const row = byFile.get(i) ?? {};
      const number = (name: string): number => Number(row[name] ?? 0);
      return {
        uri,
        moved: number('moved'),
        misfits: number('misfits'),
        left: number('left_there'),
        held: number('held'),
      };
    }),
    rescued: changes.filter((_, i) => found.some((row) => Number(row[`r${i}`] ?? 0) > 0)).map(({ attr }) => attr),
    misfits: [...misfits.values()],
  };
}

/** Values of lists and maps that the structure of a column is learned from. */
const SAMPLE_VALUES = 5_000;

/** What the values of one attribute are, wherever they stand: counts, digits and times of all, and some nested ones. */
export interface SeenValues {
  readonly node: ValueNode;
  /** DynamoDB JSON of some lists and maps. */
  readonly nested: readonly string[];
}

/** Looks at the values of an attribute in `_rescued`, and in these of its columns. */
export async function seeValues(
  duck: Duck,
  schema: TableSchema,
  files: readonly ReadFile[],
  attr: string,
  columns: readonly string[],
  signal?: AbortSignal,
): Promise<SeenValues> {
  const node = emptyValue();
  if (files.length === 0) return { node, nested: [] };
  await prepareRender(duck);
  const before = schema.columns.filter(({ name }) => columns.includes(name));
  const change = { attr, before, after: [], isKey: false };
  const rows = evolveSql([change], ({ name }) => columnOf(schema, name), columnOf(schema, '_rescued'));
  const value = rows.attrs[0]?.value ?? 'NULL';
  const values = `SELECT v, json_keys(v)[1] AS tag FROM (SELECT ${value} AS v FROM ${rows.select(liveRelation(schema, files))}) WHERE v IS NOT NULL`;
  const parts = `SELECT v, tag, json_extract_string(v, '/S') AS s, json_extract_string(v, '/N') AS n, json_extract_string(v, '$.NS[*]') AS ns FROM (${values})`;
  const times = TIMESTAMP_FORMATS.map((format) => {
    const text = tagOfFormat(format) === 'S' ? 's' : 'n';
    return `count(*) FILTER (WHERE ${isTime(text, format)}) AS ${ident(format)}`;
  });
  const most = (figure: (n: string) => string): string =>
    `greatest(max(${figure('n')}), max(list_max(list_transform(ns, lambda e: ${figure('e')}))))`;
  const found = await duck.rows(
    `SELECT tag, count(*) AS count, first(v) AS example, ${most(DIGITS)} AS digits, ${most(SCALE)} AS scale, ${most(NOT_LONG)} AS not_long, ${times.join(', ')} FROM (${parts}) GROUP BY tag`,
    signal,
  );
  for (const row of found) {
    const tag = String(row['tag']);
    if (!isTag(tag)) continue;
    node.counts.set(tag, Number(row['count']));
    node.examples.set(tag, String(row['example']));
    if ((tag === 'N' || tag === 'NS') && row['digits'] != null) {
      const own = {
        intDigits: Number(row['digits']),
        scale: Number(row['scale']),
        long: Number(row['not_long']) === 0,
      };
      const other = node.numbers ?? own;
      node.numbers = {
        intDigits: Math.max(own.intDigits, other.intDigits),
        scale: Math.max(own.scale, other.scale),
        long: own.long && other.long,
      };
    }
    for (const format of TIMESTAMP_FORMATS) addTimes(node, tag, format, Number(row[format] ?? 0));
  }
  const nested = await duck.rows(`SELECT v FROM (${values}) WHERE tag IN ('L', 'M') LIMIT ${SAMPLE_VALUES}`, signal);
  return { node, nested: nested.map((row) => String(row['v'])) };
}

function addTimes(node: ValueNode, tag: Tag, format: TimestampFormat, count: number): void {
  if (tag === tagOfFormat(format) && count > 0) node.times.set(format, count);
}

function isTag(text: string): text is Tag {
  return (TAGS as readonly string[]).includes(text);
}
