/**
 * Items as they are now against the rows of a table: what a scan saw, or a full export. Items have no version of their own.
 * A row gives way to its item if it was last written before the reading began; a row that is younger came by a change that
 * the reading may not have seen, and stays. Rows without a time are of a reading before this one, and give way.
 */
import type { TableSchema } from '../../../model/schema.ts';
import { ident, list, str } from '../../sql/quote.ts';
import { renderItemSql } from '../../sql/render.ts';
import { scalarText } from '../../sql/render-scalar.ts';
import { prepareRender } from '../cat.ts';
import type { Duck } from '../instance.ts';
import { deletedPositions, filesRelation, type ReadFile, readColumn, tableColumns } from '../read.ts';
import { CHANGE, columnOf, liveVersionSql } from './changes.ts';
import {
  countChanges,
  dropTables,
  findRows,
  lineCount,
  type Match,
  type MatchInput,
  makePositions,
  matchTables,
  newest,
  onlyDeletesOf,
  type Tables,
  touchedFiles,
} from './match.ts';

export interface StateInput extends Omit<MatchInput, 'deletes' | 'filters'> {
  /** Beginning of the reading, in µs since 1970. */
  readonly before: bigint;
  /** The same files with all their columns, of live ones the first: rows of those that are equal to their items are left
   * as they are. */
  readonly whole?: { readonly live: readonly ReadFile[]; readonly puts: readonly ReadFile[] };
  /** Rows that no item was seen of go away. */
  readonly unseen?: {
    /** Local paths of files with the keys that were seen, as `writeSeenKeys` writes them. */
    readonly seen: readonly string[];
    /** Of these live files, by index. */
    readonly files: readonly number[];
    /** They stay, marked as deleted. */
    readonly soft: boolean;
  };
}

export interface StateMatch extends Match {
  /** Rows that go away because no item was seen of them. */
  readonly removed: number;
}

/** Finds the rows that items replace, those that equal their items, and those that no item was seen of. */
export async function matchState(duck: Duck, input: StateInput): Promise<StateMatch> {
  const tables = matchTables();
  const unseen = `${tables.positions}_unseen`;
  const all = { ...input, deletes: [] };
  try {
    const hasPuts = input.puts.length > 0;
    const { winners, puts } = hasPuts ? await newest(duck, all, tables.winners) : await noItems(duck, all, tables);
    await findRows(duck, all, tables, winners, (version) => `${version} < ${2n * input.before}`);
    if (input.whole !== undefined && hasPuts) await leaveEqual(duck, input, input.whole, tables);
    const removed = await findUnseen(duck, input, unseen);
    const lines = await lineCount(duck, all);
    const gone = removed === 0 ? [] : [`SELECT file, pos, deleted_at FROM ${unseen}`];
    await makePositions(duck, all, tables, lines.puts > puts, gone);
    const counts = await countChanges(duck, tables.matched, { lines: lines.puts, winners, puts });
    await dropTables(duck, tables.winners, tables.matched, unseen);
    const perFile = await touchedFiles(duck, all, tables.positions);
    const files = [...input.live, ...input.puts];
    const close = (): Promise<void> => dropTables(duck, tables.positions);
    return { perFile, counts, removed, files, positions: tables.positions, close };
  } catch (thrown) {
    await dropTables(duck, ...Object.values(tables), unseen).catch(() => undefined);
    throw thrown;
  }
}

async function noItems(
  duck: Duck,
  { keys }: MatchInput,
  { winners }: Tables,
): Promise<{ readonly winners: number; readonly puts: number }> {
  const columns = keys.map((_, i) => `NULL AS k${i}`);
  await duck.run(`CREATE TABLE ${winners} AS SELECT ${[...columns, '0::HUGEINT AS v'].join(', ')} WHERE false`);
  return { winners: 0, puts: 0 };
}

/** A row whose item is the same stays (one of several, where a key has more), and the new row goes. Compared is the item
 * that each is rendered to, which is the same for the same item whatever columns there were. */
async function leaveEqual(
  duck: Duck,
  input: StateInput,
  { live, puts }: NonNullable<StateInput['whole']>,
  { matched }: Tables,
): Promise<void> {
  if (live.length === 0) return;
  await prepareRender(duck);
  const from = input.liveSchema ?? input.schema;
  const deleted = columnOf(from, '_deleted');
  const before = digests(from, live, `SELECT file, pos FROM ${matched} WHERE loses`, `${deleted} IS NOT TRUE`);
  const now = digests(
    input.schema,
    puts,
    `SELECT DISTINCT ${CHANGE.file} AS file, ${CHANGE.row} AS pos FROM ${matched}`,
  );
  const equal = `SELECT m.file, m.pos, m.v FROM ${matched} AS m
    JOIN (${before}) AS b ON m.file = b.file AND m.pos = b.pos
    JOIN (${now}) AS n ON ${CHANGE.file} = n.file AND ${CHANGE.row} = n.pos WHERE b.item = n.item
    QUALIFY row_number() OVER (PARTITION BY m.v ORDER BY m.file, m.pos) = 1`;
  await duck.run(
    `CREATE OR REPLACE TABLE ${matched} AS SELECT m.file, m.pos, m.v, m.loses AND e.file IS NULL AS loses
     FROM ${matched} AS m LEFT JOIN (${equal}) AS e ON m.file = e.file AND m.pos = e.pos AND m.v = e.v`,
    input.signal,
  );
}

/** Digests of the items that these rows of files are. */
function digests(schema: TableSchema, files: readonly ReadFile[], rows: string, condition = 'true'): string {
  const named = tableColumns(schema).map(({ name }, i) => `${readColumn(i)} AS ${ident(name)}`);
  const places = ['r.file AS _tailrace_file', 'r.pos AS _tailrace_pos'];
  const some = `SELECT ${[...named, ...places].join(', ')} FROM ${filesRelation(schema, files)} AS f
    JOIN (${rows}) AS r ON file_index = r.file AND file_row_number = r.pos WHERE ${condition}`;
  return `SELECT _tailrace_file AS file, _tailrace_pos AS pos, sha256(${renderItemSql(schema)}) AS item FROM (${some})`;
}

/** Live rows whose key was not seen, and which are old enough; gives their number. */
async function findUnseen(duck: Duck, input: StateInput, table: string): Promise<number> {
  const { unseen, live, signal } = input;
  if (unseen === undefined || unseen.files.length === 0) return 0;
  const from = input.liveSchema ?? input.schema;
  const keys = keyTexts(from, input.keys).map((text, i) => `${text} AS k${i}`);
  const at = unseen.soft ? `make_timestamp(${input.before})::TIMESTAMPTZ` : 'NULL::TIMESTAMPTZ';
  const old = `coalesce(${liveVersionSql(from)} < ${2n * input.before}, true)`;
  const wanted = `file_index IN (${unseen.files.join(', ')}) AND ${old} AND ${columnOf(from, '_deleted')} IS NOT TRUE`;
  const rows = `SELECT file_index::BIGINT AS file, file_row_number AS pos, ${at} AS deleted_at, ${keys.join(', ')} FROM ${filesRelation(from, live)} WHERE ${wanted}`;
  const on = input.keys.map((_, i) => `r.k${i} = s.k${i}`).join(' AND ');
  const known =
    unseen.seen.length === 0
      ? ''
      : ` ANTI JOIN read_parquet(${list(unseen.seen)}, hive_partitioning = false) AS s ON ${on}`;
  const whole = input.keys.map((_, i) => `r.k${i} IS NOT NULL`).join(' AND ');
  await duck.run(
    `CREATE TABLE ${table} AS SELECT r.file, r.pos, r.deleted_at FROM (${rows}) AS r${known} WHERE ${whole}`,
    signal,
  );
  const touched = await duck.rows(`SELECT DISTINCT file FROM ${table}`, signal);
  const former = onlyDeletesOf(live, new Set(touched.map(({ file }) => Number(file))));
  if (former.some(({ deletes }) => deletes !== undefined))
    await duck.run(
      `CREATE OR REPLACE TABLE ${table} AS SELECT u.* FROM ${table} AS u ANTI JOIN (${deletedPositions(former)}) AS gone
       ON u.file = gone.file AND u.pos = gone.pos`,
      signal,
    );
  const [row] = await duck.rows(`SELECT count(*) AS n FROM ${table}`, signal);
  return Number(row?.['n']);
}

/** Writes the keys of new rows, as the texts that DynamoDB has for them: a key's column may become another meanwhile. */
export async function writeSeenKeys(
  duck: Duck,
  schema: TableSchema,
  puts: readonly { readonly path: string }[],
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const columns = keyTexts(schema, schema.keys).map((text, i) => `${text} AS k${i}`);
  const rows = `SELECT ${columns.join(', ')} FROM ${filesRelation(schema, puts)}`;
  await duck.run(`COPY (${rows}) TO ${str(path)} (FORMAT parquet, COMPRESSION zstd)`, signal);
}

function keyTexts(schema: TableSchema, keys: readonly string[]): string[] {
  return keys.map((key) => {
    const type = schema.columns.find(({ name }) => name === key)?.type;
    return type === undefined ? 'NULL::VARCHAR' : scalarText(columnOf(schema, key), type);
  });
}
