import { TailraceError } from '../../../model/errors.ts';
import type { TableSchema } from '../../../model/schema.ts';
import type { TimeRange } from '../../../model/table.ts';
import { list } from '../../sql/quote.ts';
import type { Duck } from '../instance.ts';
import { deletedPositions, filesRelation, type ReadFile } from '../read.ts';
import { castColumnSql } from './cast.ts';
import { CHANGE, type Changes, changesSql, columnOf, liveVersionSql } from './changes.ts';
import { joinedAsWritten } from './joins.ts';
import { strikeLapsed } from './lapsed.ts';

/** A data file with the number of rows that it holds, deleted ones too. */
export interface MergeFile extends ReadFile {
  readonly rows: number;
}

export interface MatchInput extends Changes {
  /** Files that may hold a changed key; of columns, only the keys, `_written_at` and `_deleted` are read. */
  readonly live: readonly MergeFile[];
  /** The schema that the live files were written by, where a key's column is of another type in `schema`. */
  readonly liveSchema?: TableSchema;
  readonly puts: readonly MergeFile[];
  /** A time of which the changes are all there are, and which an earlier window covers in part: a live row that was
   * written then and has no change is gone. */
  readonly lapsed?: TimeRange;
  /** Some deletes are of items that a filter leaves out: they are counted by themselves. */
  readonly filters?: boolean;
  readonly signal?: AbortSignal;
}

/** A live or new data file of which rows are to be deleted. */
export interface TouchedFile {
  readonly uri: string;
  readonly rows: number;
  /** Rows that position deletes took out before. */
  readonly formerlyDeleted: number;
  readonly newlyDeleted: number;
}

/** Of change lines. `filtered`: the item is there, is left out by the filter, and had no row. */
export interface MatchCounts {
  readonly written: number;
  readonly deleted: number;
  readonly unchanged: number;
  /** Absent: nothing is filtered. */
  readonly filtered?: number;
}

/** What a window's changes do to a table. Counts are of change lines: together as many as there are. */
export interface Match {
  readonly perFile: readonly TouchedFile[];
  readonly counts: MatchCounts;
  /** Live files, then puts: `file` of the positions is an index into them. */
  readonly files: readonly MergeFile[];
  /** Table of the engine with rows to delete: `file`, `pos`, and `deleted_at` where a delete was the reason. */
  readonly positions: string;
  /** Rows that go although no line says so. */
  readonly lapsed?: number;
  /** Drops what the engine holds of it. */
  close(): Promise<void>;
}

let matches = 0;

/** Names of the engine's tables for one match. */
export function matchTables(): Tables {
  const name = `merge_${++matches}`;
  return { winners: `${name}_winners`, matched: `${name}_matched`, positions: `${name}_positions` };
}

export async function dropTables(duck: Duck, ...names: readonly string[]): Promise<void> {
  for (const table of names) await duck.run(`DROP TABLE IF EXISTS ${table}`);
}

/**
 * Finds which rows of the table a window's changes replace or delete, and which changes are stale. Of a key only its
 * newest change counts. A live row gives way if it has no time (a baseline) or is older; where a live row is as new as
 * the change (a replay) or newer, the row stays, the change is unchanged, and the row that it brought is deleted. A key
 * should have one live row; where it has several, each is weighed by itself.
 */
export async function matchChanges(duck: Duck, input: MatchInput): Promise<Match> {
  const tables = matchTables();
  const drop = (...names: readonly string[]): Promise<void> => dropTables(duck, ...names);
  if (input.puts.length + input.deletes.length === 0) return matchNothing(duck, input, tables.positions);
  try {
    const { winners, puts } = await newest(duck, input, tables.winners);
    await findRows(duck, input, tables, winners);
    const lines = await lineCount(duck, input);
    await makePositions(duck, input, tables, lines.puts > puts);
    const changed = await countChanges(duck, tables.matched, { lines: lines.puts + lines.deletes, winners, puts });
    const filtered = input.filters === true ? await leftOut(duck, input, tables) : undefined;
    const counts = filtered === undefined ? changed : { ...changed, unchanged: changed.unchanged - filtered, filtered };
    const changedKeys = { table: tables.winners, on: keysMeet(input) };
    const { lapsed: time } = input;
    const lapsed = time === undefined ? 0 : await strikeLapsed(duck, input, time, tables.positions, changedKeys);
    await drop(tables.winners, tables.matched);
    const perFile = await touchedFiles(duck, input, tables.positions);
    const files = [...input.live, ...input.puts];
    return { perFile, counts, files, positions: tables.positions, lapsed, close: () => drop(tables.positions) };
  } catch (thrown) {
    await drop(...Object.values(tables)).catch(() => undefined);
    throw thrown;
  }
}

/** A window without changes says something, too, of a time that an earlier one covers. */
async function matchNothing(duck: Duck, input: MatchInput, positions: string): Promise<Match> {
  const close = (): Promise<void> => duck.run(`DROP TABLE IF EXISTS ${positions}`);
  await duck.run(`CREATE TABLE ${positions} (file BIGINT, pos BIGINT, deleted_at TIMESTAMPTZ)`);
  const { lapsed: time } = input;
  const lapsed = time === undefined ? 0 : await strikeLapsed(duck, input, time, positions, undefined);
  const counts = { written: 0, deleted: 0, unchanged: 0 };
  return { perFile: await touchedFiles(duck, input, positions), counts, files: input.live, positions, lapsed, close };
}

export type Tables = { readonly winners: string; readonly matched: string; readonly positions: string };

/** Keeps the newest change of each key, and counts keys by what that is. */
export async function newest(
  duck: Duck,
  input: MatchInput,
  table: string,
): Promise<{ readonly winners: number; readonly puts: number }> {
  const keys = input.keys.map((_, i) => `k${i}`);
  await duck.run(
    `CREATE TABLE ${table} AS SELECT ${keys.join(', ')}, max(v) AS v FROM (${changesSql(input)}) GROUP BY ${keys.join(', ')}`,
    input.signal,
  );
  const [row] = await duck.rows(
    `SELECT count(*) AS winners, count_if(${CHANGE.isPut}) AS puts,
     count_if(${keys.map((key) => `${key} IS NULL`).join(' OR ')}) AS keyless FROM ${table}`,
    input.signal,
  );
  if (Number(row?.['keyless']) > 0) throw new TailraceError('INTERNAL', 'A change came without its key.');
  return { winners: Number(row?.['winners']), puts: Number(row?.['puts']) };
}

/** Live rows whose key was changed, with whether they give way. The smaller side is hashed; where that is the changes,
 * the engine prunes row groups by their least and greatest key. Former position deletes are read only of files with such rows. */
export async function findRows(
  duck: Duck,
  input: MatchInput,
  { winners, matched }: Tables,
  changes: number,
  givesWay = (version: string): string => `${version} < ${CHANGE.version}`,
): Promise<void> {
  const { live, schema, signal } = input;
  const from = input.liveSchema ?? schema;
  const version = liveVersionSql(from);
  const on = keysMeet(input);
  const table = filesRelation(from, live);
  const sides = liveRows(input) < changes ? `${winners} AS w JOIN ${table}` : `${table} JOIN ${winners} AS w`;
  const rows =
    live.length === 0
      ? 'SELECT 0::BIGINT AS file, 0::BIGINT AS pos, 0::HUGEINT AS v, false AS loses WHERE false'
      : `SELECT file_index::BIGINT AS file, file_row_number AS pos, v, coalesce(${givesWay(version)}, true) AS loses
         FROM ${sides} ON ${on}`;
  await joinedAsWritten(duck, () => duck.run(`CREATE TABLE ${matched} AS ${rows}`, signal));
  const found = await duck.rows(`SELECT DISTINCT file FROM ${matched}`, signal);
  const touched = new Set(found.map(({ file }) => Number(file)));
  const former = onlyDeletesOf(live, touched);
  if (former.every(({ deletes }) => deletes === undefined)) return;
  await duck.run(
    `CREATE OR REPLACE TABLE ${matched} AS SELECT m.* FROM ${matched} AS m ANTI JOIN (${deletedPositions(former)}) AS gone
     ON m.file = gone.file AND m.pos = gone.pos`,
    signal,
  );
}

/**
 * How a live row meets the newest change of its key, `w`. A binary column never stands alone: the engine would hand the
 * one value that is looked for to the file's Bloom filter as its printed text (DuckDB 1.5), and not find it.
 */
function keysMeet(input: MatchInput): string {
  const { keys, schema, liveSchema: from = schema } = input;
  // A table without rows may have no column for the key yet: it was loaded from an export without items.
  if (liveRows(input) === 0) return 'false';
  const side = (key: string): string => {
    const sql = keySql(key, from, schema);
    return schema.columns.find(({ name }) => name === key)?.type.kind === 'binary' ? `(${sql} || ''::BLOB)` : sql;
  };
  return keys.map((key, i) => `${side(key)} = w.k${i}`).join(' AND ');
}

function liveRows({ live }: MatchInput): number {
  return live.reduce((sum, { rows }) => sum + rows, 0);
}

/** A key column of live files as the schema behind the merge has it. */
function keySql(key: string, from: TableSchema, to: TableSchema): string {
  const before = from.columns.find(({ name }) => name === key);
  const after = to.columns.find(({ name }) => name === key);
  if (before === undefined || after === undefined)
    throw new TailraceError('INTERNAL', `The table has no key column ${JSON.stringify(key)}.`);
  return castColumnSql(columnOf(from, key), before, after);
}

/** The same files at the same index, with the deletes of some. */
export function onlyDeletesOf(files: readonly MergeFile[], some: ReadonlySet<number>): ReadFile[] {
  return files.map((file, i) => (some.has(i) && (file.deletes?.length ?? 0) > 0 ? file : withoutDeletes(file)));
}

function withoutDeletes({ uri, path }: ReadFile): ReadFile {
  return { uri, path };
}

/** Change lines, those that another of the same key outdoes too. */
export async function lineCount(
  duck: Duck,
  { puts, deletes, signal }: MatchInput,
): Promise<{ readonly puts: number; readonly deletes: number }> {
  const [row] =
    deletes.length === 0
      ? [{ n: 0 }]
      : await duck.rows(`SELECT count(*) AS n FROM read_parquet(${list(deletes)}, hive_partitioning = false)`, signal);
  return { puts: puts.reduce((sum, { rows }) => sum + rows, 0), deletes: Number(row?.['n']) };
}

/** Rows to delete: live ones that give way, new ones that are stale, and new ones that are not their key's newest. */
export async function makePositions(
  duck: Duck,
  input: MatchInput,
  tables: Tables,
  outdone: boolean,
  more: readonly string[] = [],
): Promise<void> {
  const { matched, winners, positions } = tables;
  const first = input.live.length;
  const never = 'NULL::TIMESTAMPTZ AS deleted_at';
  const parts = [
    ...more,
    `SELECT file, pos, CASE WHEN NOT ${CHANGE.isPut} THEN make_timestamp(${CHANGE.micros})::TIMESTAMPTZ END AS deleted_at
     FROM ${matched} WHERE loses`,
    `SELECT DISTINCT ${first} + ${CHANGE.file}, ${CHANGE.row}, ${never} FROM ${matched} WHERE NOT loses AND ${CHANGE.isPut}`,
  ];
  if (outdone) {
    parts.push(
      `SELECT ${first} + file_index, file_row_number, ${never} FROM ${filesRelation(input.schema, input.puts)}
       ANTI JOIN (SELECT ${CHANGE.file} AS file, ${CHANGE.row} AS pos FROM ${winners} WHERE ${CHANGE.isPut}) AS w
       ON file_index = w.file AND file_row_number = w.pos`,
    );
  }
  await duck.run(`CREATE TABLE ${positions} AS ${parts.join(' UNION ALL ')}`, input.signal);
}

export async function countChanges(
  duck: Duck,
  matched: string,
  { lines, winners, puts }: { readonly lines: number; readonly winners: number; readonly puts: number },
): Promise<Omit<MatchCounts, 'filtered'>> {
  // `v` is a change's own: one row here is one key of which a live row was found.
  const [row] = await duck.rows(
    `SELECT count_if(${CHANGE.isPut} AND NOT all_lose) AS stale, count_if(NOT ${CHANGE.isPut} AND all_lose) AS deleted
     FROM (SELECT v, bool_and(loses) AS all_lose FROM ${matched} GROUP BY v)`,
  );
  const written = puts - Number(row?.['stale']);
  const deleted = Number(row?.['deleted']);
  if (puts > winners || written < 0) throw new TailraceError('INTERNAL', 'The counts of a merge do not close.');
  return { written, deleted, unchanged: lines - written - deleted };
}

/** Changes whose item the filter leaves out, and of which no row goes away. */
async function leftOut(duck: Duck, { schema, deletes, signal }: MatchInput, tables: Tables): Promise<number> {
  if (deletes.length === 0) return 0;
  const lines = filesRelation(
    schema,
    deletes.map((path) => ({ path })),
  );
  const [row] = await duck.rows(
    `SELECT count(*) AS n FROM ${tables.winners} AS w JOIN ${lines} AS d
     ON ${CHANGE.file} = d.file_index AND ${CHANGE.row} = d.file_row_number
     WHERE NOT ${CHANGE.isPut} AND ${columnOf(schema, '_rescued')} IS NOT NULL AND w.v NOT IN (SELECT v FROM ${tables.matched})`,
    signal,
  );
  return Number(row?.['n']);
}

export async function touchedFiles(
  duck: Duck,
  { live, puts, signal }: MatchInput,
  positions: string,
): Promise<TouchedFile[]> {
  const files = [...live, ...puts];
  const news = await duck.rows(`SELECT file, count(*) AS n FROM ${positions} GROUP BY file ORDER BY file`, signal);
  const former = onlyDeletesOf(files, new Set(news.map(({ file }) => Number(file))));
  const olds = former.every(({ deletes }) => deletes === undefined)
    ? []
    : await duck.rows(
        `SELECT file, count(*) AS n FROM (SELECT DISTINCT file, pos FROM (${deletedPositions(former)})) GROUP BY file`,
        signal,
      );
  const before = new Map(olds.map(({ file, n }) => [Number(file), Number(n)]));
  return news.flatMap(({ file, n }) => {
    const touched = files[Number(file)];
    if (touched === undefined) return [];
    const formerlyDeleted = before.get(Number(file)) ?? 0;
    return [{ uri: touched.uri, rows: touched.rows, formerlyDeleted, newlyDeleted: Number(n) }];
  });
}
