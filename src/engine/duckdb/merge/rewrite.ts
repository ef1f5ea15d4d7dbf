import { TailraceError } from '../../../model/errors.ts';
import type { TableSchema } from '../../../model/schema.ts';
import { ident } from '../../sql/quote.ts';
import { prepareRender } from '../cat.ts';
import { type CopyJob, copyRows, type StagedFile } from '../copy.ts';
import type { Duck } from '../instance.ts';
import { deletedPositions, filesRelation, type ReadFile, tableColumns, withoutSql } from '../read.ts';
import { castColumnSql, UNEQUAL_CAST } from './cast.ts';
import { columnOf } from './changes.ts';
import { joinedAsWritten } from './joins.ts';
import type { Match } from './match.ts';

export interface RewriteJob extends CopyJob {
  /** Whole data files, with their position deletes. */
  readonly files: readonly ReadFile[];
  /** The schema that they were written by, where `schema` has columns of other types. */
  readonly from?: TableSchema;
  /** What a merge deletes of these files; absent: nothing. */
  readonly match?: Match;
}

/**
 * Writes the live rows of data files anew: for copy-on-write (less the rows that the match deletes), for compaction, and
 * for columns that change their type. Each row keeps its partition. A value that its new type cannot hold exactly is
 * SCHEMA_DRIFT, and nothing counts as written.
 */
export async function rewriteLive(duck: Duck, job: RewriteJob): Promise<StagedFile[]> {
  const { files, match } = job;
  if (files.length === 0) return [];
  const gone = [
    ...(files.some(({ deletes }) => deletes !== undefined && deletes.length > 0) ? [deletedPositions(files)] : []),
    ...(match === undefined ? [] : [`SELECT i AS file, p.pos FROM ${matchedRows(match, files)}`]),
  ];
  const condition = gone.length === 0 ? '' : withoutSql(gone.join(' UNION ALL '));
  return copyCast(duck, job, (columns) => `SELECT ${columns} FROM ${live(job)}${condition}`);
}

/** Writes the rows that deletes of the match struck once more, as deleted, with the time of the delete. */
export async function writeSoftDeletes(duck: Duck, job: RewriteJob & { readonly match: Match }): Promise<StagedFile[]> {
  if (job.files.length === 0) return [];
  const struck = `(SELECT i AS file, p.pos, p.deleted_at FROM ${matchedRows(job.match, job.files)} WHERE p.deleted_at IS NOT NULL)`;
  const replaced = new Map([
    ['_deleted', 'true'],
    ['_written_at', 'struck.deleted_at'],
  ]);
  const select = (columns: string): string =>
    `SELECT ${columns} FROM ${live(job)} JOIN ${struck} AS struck ON file_index = struck.file AND file_row_number = struck.pos`;
  return joinedAsWritten(duck, () => copyCast(duck, job, select, replaced));
}

function live({ from, schema, files }: RewriteJob): string {
  return filesRelation(from ?? schema, files);
}

/** Rows that the match deletes, `p`, with `i`, the index of their file among these. */
function matchedRows(match: Match, files: readonly ReadFile[]): string {
  const indexes = new Map(match.files.map(({ uri }, i) => [uri, i]));
  const pairs = files.map(({ uri }, i) => `{f: ${indexes.get(uri) ?? -1}, i: ${i}}`);
  return `${match.positions} AS p JOIN (SELECT unnest([${pairs.join(', ')}], recursive := true)) AS m ON p.file = m.f`;
}

async function copyCast(
  duck: Duck,
  job: RewriteJob,
  select: (columns: string) => string,
  replaced: ReadonlyMap<string, string> = new Map(),
): Promise<StagedFile[]> {
  // Values that become JSON are printed by functions that the engine must know.
  if (job.from !== undefined) await prepareRender(duck);
  const columns = tableColumns(job.schema).map(
    ({ name, type }) =>
      `${replaced.get(name) ?? castSql(name, type, job.from ?? job.schema, job.schema)} AS ${ident(name)}`,
  );
  try {
    return await copyRows(duck, select(columns.join(', ')), job);
  } catch (thrown) {
    throw unfit(thrown);
  }
}

/** A column of the new schema out of the old one, where it is found by name. */
function castSql(name: string, type: string, from: TableSchema, to: TableSchema): string {
  const after = to.columns.find((column) => column.name === name);
  const before = from.columns.find((column) => column.name === name);
  if (after !== undefined && before !== undefined) return castColumnSql(columnOf(from, name), before, after);
  return `CAST(${after === undefined ? columnOf(from, name) : 'NULL'} AS ${type})`;
}

function unfit(thrown: unknown): unknown {
  if (!(thrown instanceof TailraceError) || !(thrown.cause instanceof Error)) return thrown;
  const { message } = thrown.cause;
  const at = message.indexOf(UNEQUAL_CAST);
  if (at < 0 && !message.startsWith('Conversion Error')) return thrown;
  return new TailraceError('SCHEMA_DRIFT', 'A value does not fit the type that its column is to have.', {
    found: at < 0 ? (message.split('\n', 1)[0] ?? '') : message.slice(at + UNEQUAL_CAST.length),
    cause: thrown.cause,
    hint: 'Choose a wider type for the column; tailrace schema show tells what it holds.',
  });
}
