/** Data files laid out by other columns, group by group, within the temporary budget. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CopyJob, StagedFile } from '../../engine/duckdb/copy.ts';
import type { Duck } from '../../engine/duckdb/instance.ts';
import { rewriteEvolved } from '../../engine/duckdb/merge/evolve.ts';
import { TailraceError } from '../../model/errors.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { DataFile, LiveFile, TableState } from '../../model/table.ts';
import type { Evolution } from '../../schema/evolve/evolution.ts';
import { discard } from '../../storage/remove.ts';
import type { OpenTarget } from '../ends/open.ts';
import { fetchFiles, isRemote } from '../files/fetched.ts';
import { budgetGroups, checkEach } from '../files/groups.ts';
import { fetchColumns } from '../files/sparse.ts';
import { isWide } from '../load/batch.ts';

/** What the steps of one change share. */
export interface EvolveParts {
  readonly target: OpenTarget;
  readonly options: SyncOptions;
  readonly context: RunContext;
  readonly duck: Duck;
  readonly workDir: string;
}

/** As many passes over one group are not worth the time: the partition is too fine. */
const MAX_PASSES = 64;

/** The files where the engine can read them, group by group; only flat columns, where those are all that is read. */
export async function* readIn(
  { target: { storage }, duck, options, context, workDir }: EvolveParts,
  base: TableState,
  files: readonly LiveFile[],
  columns: readonly number[] | undefined,
) {
  const { signal } = context;
  const dir = join(workDir, 'look');
  const remote = files.some(({ path }) => isRemote(storage, path));
  for (const group of remote ? budgetGroups(files, options.tempBudgetBytes, base.partition.length) : [files]) {
    if (group.length === 0) continue;
    signal.throwIfAborted();
    const budgetBytes = options.tempBudgetBytes;
    if (columns === undefined) yield await fetchFiles(storage, group, dir, budgetBytes, signal);
    else
      yield (await fetchColumns(storage, duck, group, { columns: new Set(columns), dir, budgetBytes, signal })).files;
  }
}

/** Writes the files anew, and puts them beside the table's own. */
export async function evolveFiles(
  parts: EvolveParts,
  base: TableState,
  files: readonly LiveFile[],
  evolution: Evolution,
  commitId: string,
): Promise<DataFile[]> {
  const { target, context, options, workDir } = parts;
  const written: DataFile[] = [];
  checkEach(target.storage, files, options.tempBudgetBytes);
  const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let [filesDone, itemsDone, bytesDone] = [0, 0, 0];
  for (const group of budgetGroups(files, options.tempBudgetBytes, base.partition.length)) {
    context.signal.throwIfAborted();
    const dir = join(workDir, 'group');
    try {
      const staged = await writeGroup(parts, base, group, evolution, dir);
      for (const file of staged) {
        const path = target.table.dataFilePath(commitId, base.partition, file.partition, `e${written.length}.parquet`);
        const { sizeBytes } = await target.storage.adopt(target.storage.key(path), file.path, {
          signal: context.signal,
        });
        const { rows, partition, stats, splitOffsets } = file;
        written.push({ path, rows, sizeBytes, partition, stats, splitOffsets });
      }
    } catch (thrown) {
      // No commit was tried.
      const uris = written.map(({ path }) => path);
      await discard(target.storage, uris);
      throw thrown;
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
    filesDone += group.length;
    itemsDone += group.reduce((sum, { rows }) => sum + rows, 0);
    bytesDone += group.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const done = {
      filesDone,
      filesTotal: files.length,
      itemsDone,
      itemsTotal: base.rows,
      bytesDone,
      bytesTotal: total,
    };
    context.onProgress({ phase: 'load', ...done });
  }
  return written;
}

/** One group on this machine's disk; where memory does not suffice, the frugal way, and partitions a few at a time. */
async function writeGroup(
  { duck, target, options, context }: EvolveParts,
  { schema: from, partition, sort }: TableState,
  group: readonly LiveFile[],
  { after: schema, changes }: Evolution,
  dir: string,
): Promise<StagedFile[]> {
  const { signal } = context;
  const bytes = group.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const rows = group.reduce((sum, file) => sum + file.rows, 0);
  let [frugal, passes] = [isWide({ schema }), 1];
  for (;;) {
    const outDir = join(dir, 'out');
    await mkdir(outDir, { recursive: true });
    const files = await fetchFiles(target.storage, group, dir, options.tempBudgetBytes, signal);
    const { targetFileSizeBytes } = options;
    const job: CopyJob = { schema, partition, sort, outDir, targetFileSizeBytes, signal, frugal, passes };
    try {
      return await rewriteEvolved(duck, { ...job, rowBytes: bytes / Math.max(1, rows), files, from, changes });
    } catch (thrown) {
      if (!(thrown instanceof TailraceError) || thrown.code !== 'MEMORY_LIMIT') throw thrown;
      if (frugal && (partition.length === 0 || passes >= MAX_PASSES)) throw thrown;
      if (frugal) passes *= 4;
      frugal = true;
      await rm(outDir, { recursive: true, force: true });
    }
  }
}
