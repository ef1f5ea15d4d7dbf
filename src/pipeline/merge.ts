/**
 * A window's changes against the table as it is: which rows they replace or delete, and the files that say so. Nothing
 * becomes visible here. It may run again on a newer state of the table with the same changes.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StagedFile } from '../engine/duckdb/copy.ts';
import type { Duck } from '../engine/duckdb/instance.ts';
import { writeDeletes } from '../engine/duckdb/merge/deletes.ts';
import { type Match, matchChanges } from '../engine/duckdb/merge/match.ts';
import { type RewriteJob, rewriteLive, writeSoftDeletes } from '../engine/duckdb/merge/rewrite.ts';
import type { ReadFile } from '../engine/duckdb/read.ts';
import { TailraceError } from '../model/errors.ts';
import type { RunContext, SyncOptions } from '../model/options.ts';
import type { DataFile, LiveFile, StagedCommit, TableState } from '../model/table.ts';
import { needsRewrite } from '../schema/drift.ts';
import { fateOf } from './fate.ts';
import { fetchFiles } from './fetched.ts';
import { type Layout, sameLayout } from './learner.ts';
import type { OpenTarget } from './open.ts';

export interface MergeInput {
  readonly duck: Duck;
  readonly target: OpenTarget;
  /** The state to merge into; undefined: a table that begins with this window. */
  readonly base: TableState | undefined;
  /** The table's layout behind the merge. */
  readonly layout: Layout;
  /** New rows, at the target already. */
  readonly puts: readonly DataFile[];
  /** Local paths of files with the keys of deleted items. */
  readonly deletes: readonly string[];
  /** Deleted items stay as rows that are marked. */
  readonly soft: boolean;
  readonly options: SyncOptions;
  readonly commitId: string;
  /** In the names of files: two attempts never write the same object. */
  readonly attemptId: string;
  /** An own folder for temporary files. */
  readonly workDir: string;
  readonly context: RunContext;
}

export interface Merged extends Required<Pick<StagedCommit, 'files' | 'removed' | 'removedDeletes' | 'deletes'>> {
  readonly counts: Match['counts'];
}

/** Finds what the changes do to the table's rows, and writes the files of the merge to the target. */
export async function mergeChanges(input: MergeInput): Promise<Merged> {
  const { duck, target, base, layout, puts, options } = input;
  await mkdir(input.workDir, { recursive: true });
  try {
    const live = base === undefined ? [] : await target.table.dataFiles();
    const everything = base !== undefined && mustRewriteAll(base, layout, target);
    if (everything) checkLimit(live, base, layout, options);
    const local = await localFiles(input, [...live, ...puts]);
    const withRows = (files: readonly DataFile[]): (ReadFile & { rows: number })[] =>
      files.map((file) => ({ ...readFile(local, file.path), rows: file.rows }));
    const match = await matchChanges(duck, {
      schema: layout.schema,
      ...(base === undefined ? {} : { liveSchema: base.schema }),
      keys: layout.schema.keys,
      live: withRows(live),
      puts: withRows(puts),
      deletes: input.deletes,
      signal: input.context.signal,
    });
    try {
      return await new Merge(input, match, live, local, everything).run();
    } finally {
      await match.close();
    }
  } finally {
    await rm(input.workDir, { recursive: true, force: true });
  }
}

/** Whether files of the table cannot stay: a column became another one, or readers take columns from any one file. */
function mustRewriteAll(base: TableState, { schema }: Layout, target: OpenTarget): boolean {
  if (target.table.format === 'parquet') return !sameLayout(base.schema, schema);
  return needsRewrite(base.schema, schema).length > 0;
}

function checkLimit(live: readonly DataFile[], base: TableState, { schema }: Layout, options: SyncOptions): void {
  const bytes = live.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (bytes <= options.rewriteLimitBytes) return;
  const ids = new Set(needsRewrite(base.schema, schema));
  const names = base.schema.columns.filter((column) => ids.has(column.id)).map(({ name }) => name);
  throw new TailraceError(
    'SCHEMA_DRIFT',
    'Columns must be written anew, and the table is larger than --rewrite-limit.',
    {
      place: base.location,
      expected: `at most ${options.rewriteLimitBytes} bytes`,
      found: `${bytes} bytes${names.length === 0 ? '' : `, for ${names.join(', ')}`}`,
      hint: 'Raise --rewrite-limit, or keep the columns as they are with --on-drift rescue.',
    },
  );
}

function localFiles(input: MergeInput, files: readonly LiveFile[]): Promise<ReadFile[]> {
  const { target, options, context, workDir } = input;
  return fetchFiles(target.storage, files, workDir, options.tempBudgetBytes, context.signal);
}

function readFile(files: readonly ReadFile[], uri: string): ReadFile {
  const found = files.find((file) => file.uri === uri);
  if (found === undefined) throw new TailraceError('INTERNAL', `A data file was not fetched: ${uri}`);
  return found;
}

/** One merge whose rows are matched. */
class Merge {
  readonly #in: MergeInput;
  readonly #match: Match;
  readonly #live: readonly LiveFile[];
  readonly #local: readonly ReadFile[];
  readonly #everything: boolean;
  #written = 0;

  constructor(
    input: MergeInput,
    match: Match,
    live: readonly LiveFile[],
    local: readonly ReadFile[],
    everything: boolean,
  ) {
    this.#in = input;
    this.#match = match;
    this.#live = live;
    this.#local = local;
    this.#everything = everything;
  }

  async run(): Promise<Merged> {
    const { puts, soft, options, target, base } = this.#in;
    const allowDeletes = target.table.format === 'iceberg' && base !== undefined;
    const fates = new Map(
      this.#match.perFile.map((file) => [file.uri, fateOf(file, options.write, allowDeletes)] as const),
    );
    if (this.#everything)
      for (const { path } of this.#live) if (fates.get(path) !== 'leave') fates.set(path, 'rewrite');
    const having = (fate: string): Set<string> =>
      new Set([...fates].filter(([, own]) => own === fate).map(([uri]) => uri));
    const [rewrite, leave] = [having('rewrite'), having('leave')];
    const files = [...puts.filter(({ path }) => !rewrite.has(path) && !leave.has(path))];
    files.push(...(await this.#rewrite(rewrite)));
    if (soft) files.push(...(await this.#markDeleted()));
    const deletes = await this.#positionDeletes(having('position-deletes'));
    const gone = this.#live.filter(({ path }) => rewrite.has(path) || leave.has(path));
    const replaced = new Set(deletes.map(({ dataFile }) => dataFile));
    return {
      files,
      removed: gone.map(({ path }) => path),
      removedDeletes: this.#live.flatMap((file) => (replaced.has(file.path) ? ownDeletes(file) : [])),
      deletes,
      counts: this.#match.counts,
    };
  }

  /** Live rows of some files, as the table has them behind the merge. */
  async #rewrite(uris: ReadonlySet<string>): Promise<DataFile[]> {
    const puts = new Set(this.#in.puts.map(({ path }) => path));
    const chosen = this.#local.filter(({ uri }) => uris.has(uri));
    // Rows of the table may be of an older schema; those of the window never are.
    const [fresh, old] = [chosen.filter(({ uri }) => puts.has(uri)), chosen.filter(({ uri }) => !puts.has(uri))];
    return [...(await this.#write('rewrite', old, rewriteLive)), ...(await this.#write('fresh', fresh, rewriteLive))];
  }

  async #markDeleted(): Promise<DataFile[]> {
    const live = new Set(this.#live.map(({ path }) => path));
    const touched = new Set(this.#match.perFile.map(({ uri }) => uri));
    const files = this.#local.filter(({ uri }) => live.has(uri) && touched.has(uri));
    return this.#write('soft', files, writeSoftDeletes);
  }

  async #write(
    name: string,
    files: readonly ReadFile[],
    write: (duck: Duck, job: RewriteJob & { readonly match: Match }) => Promise<StagedFile[]>,
  ): Promise<DataFile[]> {
    if (files.length === 0) return [];
    const { duck, base, layout, options, workDir, context } = this.#in;
    const outDir = join(workDir, name);
    await mkdir(outDir, { recursive: true });
    const staged = await write(duck, {
      schema: layout.schema,
      ...(name === 'fresh' || base === undefined ? {} : { from: base.schema }),
      partition: layout.partition,
      sort: layout.sort,
      outDir,
      targetFileSizeBytes: options.targetFileSizeBytes,
      signal: context.signal,
      files,
      match: this.#match,
    });
    const adopted: DataFile[] = [];
    for (const file of staged) {
      const path = this.#path(file.partition, 'm');
      const { sizeBytes } = await this.#adopt(path, file.path);
      const { rows, partition, stats, splitOffsets } = file;
      adopted.push({ path, rows, sizeBytes, partition, stats, splitOffsets });
    }
    return adopted;
  }

  async #positionDeletes(uris: ReadonlySet<string>): Promise<Merged['deletes']> {
    if (uris.size === 0) return [];
    const { duck, workDir, context, puts } = this.#in;
    const written = await writeDeletes(duck, this.#match, {
      outDir: join(workDir, 'deletes'),
      uris,
      signal: context.signal,
    });
    const partitions = new Map([...this.#live, ...puts].map((file) => [file.path, file.partition]));
    const deletes: Merged['deletes'][number][] = [];
    for (const { dataFile, path: local, rows } of written) {
      const path = this.#path(partitions.get(dataFile) ?? [], 'd');
      deletes.push({ path, dataFile, rows, sizeBytes: (await this.#adopt(path, local)).sizeBytes });
    }
    return deletes;
  }

  #path(partition: DataFile['partition'], kind: 'm' | 'd'): string {
    const { target, layout, commitId, attemptId } = this.#in;
    const name = `${attemptId}-${kind}${this.#written++}.parquet`;
    return target.table.dataFilePath(commitId, layout.partition, partition, name);
  }

  #adopt(uri: string, localPath: string): Promise<{ readonly sizeBytes: number }> {
    const { storage } = this.#in.target;
    return storage.adopt(storage.key(uri), localPath, { signal: this.#in.context.signal });
  }
}

/** The delete files that speak of this data file alone: their positions stand in the new one. */
function ownDeletes(file: LiveFile): string[] {
  return (file.deletes ?? []).filter(({ dataFile }) => dataFile === file.path).map(({ path }) => path);
}
