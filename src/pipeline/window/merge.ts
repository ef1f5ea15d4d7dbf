/**
 * A window's changes against the table as it is: which rows they replace or delete, and the files that say so. Nothing
 * becomes visible here. It may run again on a newer state of the table with the same changes.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StagedFile } from '../../engine/duckdb/copy.ts';
import type { Duck } from '../../engine/duckdb/instance.ts';
import { candidateFiles, changedKeys, filesWrittenWithin } from '../../engine/duckdb/merge/candidates.ts';
import { writeDeletes } from '../../engine/duckdb/merge/deletes.ts';
import { type Match, type MergeFile, matchChanges } from '../../engine/duckdb/merge/match.ts';
import { matchReoffered } from '../../engine/duckdb/merge/reoffered.ts';
import { type RewriteJob, rewriteLive, writeSoftDeletes } from '../../engine/duckdb/merge/rewrite.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { TableSchema } from '../../model/schema.ts';
import type { DataFile, LiveFile, StagedCommit, TableState, TimeRange } from '../../model/table.ts';
import { discard } from '../../storage/remove.ts';
import type { OpenTarget } from '../ends/open.ts';
import { fetchFiles, isRemote } from '../files/fetched.ts';
import { budgetGroups, checkEach } from '../files/groups.ts';
import { fetchColumns } from '../files/sparse.ts';
import type { Layout } from '../learn/learner.ts';
import { fateOf } from './fate.ts';
import { checkRewrite, outdatedColumns } from './outdated.ts';

export interface MergeInput {
  readonly duck: Duck;
  readonly target: OpenTarget;
  /** The state to merge into; undefined: a table that begins with this window. */
  readonly base: TableState | undefined;
  /** Its files. */
  readonly live: readonly LiveFile[];
  /** The table's layout behind the merge. */
  readonly layout: Pick<Layout, 'schema' | 'partition' | 'sort'>;
  /** Some deletes are of items that the filter leaves out. */
  readonly filters?: boolean;
  /** New rows, at the target already. */
  readonly puts: readonly DataFile[];
  /** Local paths of files with the keys of deleted items. */
  readonly deletes: readonly string[];
  /** The changes are so many rows of their own, and no row of the table is matched. */
  readonly appends?: number;
  /** With `appends`: times of windows before this one, whose changes it offers once more. */
  readonly seen?: readonly TimeRange[];
  /** A time of which the changes are all there are, and which an earlier window covers in part. */
  readonly lapsed?: TimeRange;
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
  /** Rows that went although no line says so. */
  readonly lapsed?: number;
  /** URIs of what this very attempt wrote; the window's new rows are not among it. */
  readonly own: readonly string[];
}

/** Finds what the changes do to the table's rows, and writes the files of the merge to the target. `find`: how. */
export async function mergeChanges(
  input: MergeInput,
  find: (input: MergeInput) => Promise<Match> = matchKeys,
): Promise<Merged> {
  const { target } = input;
  await mkdir(input.workDir, { recursive: true });
  try {
    const everything = mustRewriteAll(input);
    const match = input.appends === undefined ? await find(input) : await matchSeen(input);
    const merge = new Merge(input, match, everything);
    try {
      return await merge.run();
    } catch (thrown) {
      await discard(target.storage, merge.own);
      throw thrown;
    } finally {
      await match?.close();
    }
  } finally {
    await rm(input.workDir, { recursive: true, force: true });
  }
}

/** Matches by the key columns alone, in the files that may hold a changed key. */
async function matchKeys(input: MergeInput): Promise<Match> {
  const { duck, base, live, layout, deletes, lapsed, context } = input;
  const { schema } = layout;
  const { signal } = context;
  const puts = await keyColumns(input, input.puts, schema, 'puts');
  const changes = { schema, keys: schema.keys, puts, deletes };
  let candidates: readonly LiveFile[] = [];
  if (base !== undefined && live.length > 0 && input.puts.length + deletes.length > 0) {
    const table = { schema: base.schema, keys: schema.keys, partition: base.partition };
    const changed = await changedKeys(duck, changes, table, signal);
    candidates = candidateFiles(live, changed, table);
  }
  if (base !== undefined && lapsed !== undefined) {
    const some = new Set([...candidates, ...filesWrittenWithin(live, base.schema, lapsed)]);
    candidates = live.filter((file) => some.has(file));
  }
  const from = base?.schema ?? schema;
  const keyed = await keyColumns(input, candidates, from, 'live');
  return matchChanges(duck, {
    ...{ ...changes, live: keyed, liveSchema: from, signal },
    ...(lapsed === undefined ? {} : { lapsed }),
    filters: input.filters === true,
  });
}

/** Of changes that are rows of their own, those that the table has already. */
async function matchSeen(input: MergeInput): Promise<Match | undefined> {
  const { duck, seen = [], layout, context } = input;
  if (seen.length === 0 || input.puts.length === 0) return undefined;
  const puts = await keyColumns(input, input.puts, layout.schema, 'puts');
  return matchReoffered(duck, { schema: layout.schema, puts, seen, signal: context.signal });
}

/** What the match reads of files, where the engine can read it. */
export async function keyColumns(
  { target, duck, layout, workDir, options, context }: MergeInput,
  files: readonly LiveFile[],
  schema: TableSchema,
  name: string,
): Promise<readonly MergeFile[]> {
  const ids = [
    ...schema.columns.filter((column) => layout.schema.keys.includes(column.name)),
    ...schema.system.filter((column) => column.name === '_written_at' || column.name === '_deleted'),
  ].map(({ id }) => id);
  const fetched = await fetchColumns(target.storage, duck, files, {
    columns: new Set(ids),
    dir: join(workDir, name),
    budgetBytes: options.tempBudgetBytes,
    signal: context.signal,
  });
  return fetched.files;
}

/** Whether files of the table cannot stay, because columns of theirs became others; within the limit. */
function mustRewriteAll({ target: { table }, base, live, layout, options }: MergeInput): boolean {
  if (base === undefined) return false;
  const columns = outdatedColumns(base.schema, layout.schema, table.format);
  if (columns.length > 0) checkRewrite(columns, live, table, options.rewriteLimitBytes);
  return columns.length > 0;
}

/** One merge whose rows are matched, where they need be. */
class Merge {
  readonly #in: MergeInput;
  readonly #match: Match | undefined;
  readonly #everything: boolean;
  readonly own: string[] = [];

  constructor(input: MergeInput, match: Match | undefined, everything: boolean) {
    this.#in = input;
    this.#match = match;
    this.#everything = everything;
  }

  async run(): Promise<Merged> {
    const { puts, soft, options, target, base, appends = 0 } = this.#in;
    const allowDeletes = target.table.format === 'iceberg' && base !== undefined;
    const fates = new Map(
      (this.#match?.perFile ?? []).map((file) => [file.uri, fateOf(file, options.write, allowDeletes)] as const),
    );
    if (this.#everything)
      for (const { path } of this.#in.live) if (fates.get(path) !== 'leave') fates.set(path, 'rewrite');
    const having = (fate: string): Set<string> =>
      new Set([...fates].filter(([, own]) => own === fate).map(([uri]) => uri));
    const [rewrite, leave] = [having('rewrite'), having('leave')];
    const files = [...puts.filter(({ path }) => !rewrite.has(path) && !leave.has(path))];
    files.push(...(await this.#rewrite(rewrite)));
    if (soft) files.push(...(await this.#markDeleted()));
    const deletes = await this.#positionDeletes(having('position-deletes'));
    const replaced = new Set(deletes.map(({ dataFile }) => dataFile));
    const gone = this.#in.live.filter(({ path }) => rewrite.has(path) || leave.has(path));
    return {
      files,
      removed: gone.map(({ path }) => path),
      removedDeletes: this.#in.live.flatMap((file) => (replaced.has(file.path) ? ownDeletes(file) : [])),
      deletes,
      lapsed: this.#match?.lapsed ?? 0,
      counts: this.#match?.counts ?? { written: appends, deleted: 0, unchanged: 0 },
      own: this.own,
    };
  }

  /** Live rows of some files, as the table has them behind the merge. */
  async #rewrite(uris: ReadonlySet<string>): Promise<DataFile[]> {
    // Rows of the table may be of an older schema; those of the window never are.
    const fresh = this.#in.puts.filter(({ path }) => uris.has(path));
    const old = this.#in.live.filter(({ path }) => uris.has(path));
    return [...(await this.#write('rewrite', old, rewriteLive)), ...(await this.#write('fresh', fresh, rewriteLive))];
  }

  async #markDeleted(): Promise<DataFile[]> {
    const match = this.#match;
    if (match === undefined) return [];
    const touched = new Set(match.perFile.map(({ uri }) => uri));
    const files = this.#in.live.filter(({ path }) => touched.has(path));
    return this.#write('soft', files, (duck, job) => writeSoftDeletes(duck, { ...job, match }));
  }

  async #write(
    name: string,
    files: readonly LiveFile[],
    write: (duck: Duck, job: RewriteJob) => Promise<StagedFile[]>,
  ): Promise<DataFile[]> {
    const { target, layout, options, workDir } = this.#in;
    const { storage } = target;
    checkEach(storage, files, options.tempBudgetBytes);
    const far = files.some(({ path }) => isRemote(storage, path));
    const groups = far ? budgetGroups(files, options.tempBudgetBytes, layout.partition.length) : [files];
    const adopted: DataFile[] = [];
    for (const group of groups) {
      if (group.length === 0) continue;
      adopted.push(...(await this.#writeGroup(name, group, write)));
      await rm(join(workDir, name), { recursive: true, force: true });
    }
    return adopted;
  }

  async #writeGroup(
    name: string,
    files: readonly LiveFile[],
    write: (duck: Duck, job: RewriteJob) => Promise<StagedFile[]>,
  ): Promise<DataFile[]> {
    const { duck, target, base, layout, options, workDir, context } = this.#in;
    const outDir = join(workDir, name, 'out');
    await mkdir(outDir, { recursive: true });
    const { tempBudgetBytes } = options;
    const local = await fetchFiles(target.storage, files, join(workDir, name), tempBudgetBytes, context.signal);
    const staged = await write(duck, {
      schema: layout.schema,
      ...(name === 'fresh' || base === undefined ? {} : { from: base.schema }),
      partition: layout.partition,
      sort: layout.sort,
      outDir,
      targetFileSizeBytes: options.targetFileSizeBytes,
      signal: context.signal,
      files: local,
      ...(this.#match === undefined ? {} : { match: this.#match }),
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
    const match = this.#match;
    if (uris.size === 0 || match === undefined) return [];
    const { duck, workDir, context, puts } = this.#in;
    const written = await writeDeletes(duck, match, {
      outDir: join(workDir, 'deletes'),
      uris,
      replaced: this.#replacedPaths(match),
      signal: context.signal,
    });
    const partitions = new Map([...this.#in.live, ...puts].map((file) => [file.path, file.partition]));
    const deletes: Merged['deletes'][number][] = [];
    for (const { dataFile, path: local, rows } of written) {
      const path = this.#path(partitions.get(dataFile) ?? [], 'd');
      deletes.push({ path, dataFile, rows, sizeBytes: (await this.#adopt(path, local)).sizeBytes });
    }
    return deletes;
  }

  /** Where the delete files are whose positions the new ones take over, by data file. */
  #replacedPaths(match: Match): ReadonlyMap<string, readonly string[]> {
    const local = new Map(match.files.map((file) => [file.uri, file.deletes ?? []]));
    return new Map(
      this.#in.live.map((file) => {
        const paths = local.get(file.path) ?? [];
        return [file.path, paths.filter((_, i) => file.deletes?.[i]?.dataFile === file.path)];
      }),
    );
  }

  #path(partition: DataFile['partition'], kind: 'm' | 'd'): string {
    const { target, layout, commitId, attemptId } = this.#in;
    const name = `${attemptId}-${kind}${this.own.length}.parquet`;
    const path = target.table.dataFilePath(commitId, layout.partition, partition, name);
    this.own.push(path);
    return path;
  }

  #adopt(uri: string, localPath: string): Promise<{ readonly sizeBytes: number }> {
    const { storage } = this.#in.target;
    return storage.adopt(storage.key(uri), localPath, { signal: this.#in.context.signal });
  }
}

/** The delete files that speak of this data file alone; those of several data files stay, and speak on. */
function ownDeletes(file: LiveFile): string[] {
  return (file.deletes ?? []).filter(({ dataFile }) => dataFile === file.path).map(({ path }) => path);
}
