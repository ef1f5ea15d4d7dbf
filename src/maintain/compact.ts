/**
 * Data files written anew, in commits that change no row. Another writer's commit in between is a conflict: what was
 * written is deleted, and the plan made again on what is there. After an unknown outcome nothing is deleted.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duck } from '../engine/duckdb/instance.ts';
import { rewriteLive } from '../engine/duckdb/merge/rewrite.ts';
import type { ReadFile } from '../engine/duckdb/read.ts';
import type { DataFile, JoinManifests, LiveFile, StagedCommit, TableHandle, TableState } from '../model/table.ts';
import type { Storage } from '../storage/port.ts';
import { discard } from '../storage/remove.ts';
import { planRewrites, type RewriteGroup, type RewriteLimits } from './policy.ts';

/** Conflicts in a row after which a table that is never still is left alone. */
export const MAX_CONFLICTS = 3;
/** Bytes of files that leave in one commit: a conflict costs at most the work on so many. */
const COMMIT_BYTES = 4_000_000_000;

export interface MaintainParts {
  readonly table: TableHandle;
  readonly storage: Storage;
  readonly duck: Duck;
  /** An own folder for temporary files. */
  readonly workDir: string;
  /** Where the engine can read these files; may fetch them into the folder. */
  readonly readable: (files: readonly LiveFile[], dir: string) => Promise<readonly ReadFile[]>;
  readonly signal: AbortSignal;
  /** This run commits again. */
  readonly more?: boolean;
  readonly now: () => number;
}

export interface CompactLimits extends RewriteLimits {
  readonly joinManifests: JoinManifests;
}

/** What came of it. */
export interface Compaction {
  readonly commits: number;
  readonly snapshot?: string;
  /** Parquet: where readers are sent meanwhile. */
  readonly published?: string;
  /** Data files that left, and those that came. */
  readonly before: FileSum;
  readonly after: FileSum;
  /** Delete files that left with them, and the rows that they struck. */
  readonly deletes: { readonly files: number; readonly rows: number };
  /** Files that are left as they are because they do not fit the limits. */
  readonly left: number;
  /** Why it ended before its plan did. */
  readonly stopped?: string;
}

export interface FileSum {
  readonly files: number;
  readonly bytes: number;
}

const NONE: FileSum = { files: 0, bytes: 0 };
/** Nothing was to be done, or nothing was wanted. */
export const NO_COMPACTION: Compaction = {
  commits: 0,
  before: NONE,
  after: NONE,
  deletes: { files: 0, rows: 0 },
  left: 0,
};

/** The newest state and its files, of one snapshot unless another writer commits in between: then a commit conflicts. */
export async function liveState(
  table: TableHandle,
): Promise<{ readonly base: TableState; readonly files: readonly LiveFile[] } | undefined> {
  const base = await table.load();
  return base === undefined ? undefined : { base, files: await table.dataFiles() };
}

/** Writes small files, and those with many deleted rows, anew, within the limits. */
export async function compact(parts: MaintainParts, limits: CompactLimits): Promise<Compaction> {
  let done = NO_COMPACTION;
  let budgetBytes = limits.budgetBytes;
  for (let conflicts = 0; ; ) {
    const now = await liveState(parts.table);
    if (now?.base.ledger === undefined) return done;
    const { groups, left } = planRewrites(now.files, { ...limits, budgetBytes });
    done = { ...done, left };
    const batch = firstBatch(groups);
    if (batch.length === 0) return done;
    const made = await rewriteBatch(parts, now.base, batch, limits);
    const outcome = await parts.table.commit(made.staged, now.base, { signal: parts.signal, more: parts.more });
    if (outcome.kind === 'unknown')
      return { ...done, stopped: `The outcome of a commit is unknown: ${outcome.reason}` };
    if (outcome.kind === 'conflict') {
      await discardStaged(parts, made.staged);
      conflicts += 1;
      if (conflicts === MAX_CONFLICTS) return { ...done, stopped: outcome.reason };
      continue;
    }
    conflicts = 0;
    budgetBytes -= batch.reduce((sum, { bytes }) => sum + bytes, 0);
    done = added(done, batch, made.staged, outcome);
    // Rows may come out in as many files as before, where the engine cuts them: the plan would be the same for ever.
    if (batch.every(({ why }) => why === 'small') && made.staged.files.length >= made.removed)
      return { ...done, stopped: 'Joined files come out as small as they were.' };
  }
}

/** What nothing will name any more. The commit's id was nobody else's. */
async function discardStaged({ table, storage }: MaintainParts, { files, commitId }: StagedCommit): Promise<void> {
  await discard(
    storage,
    files.map(({ path }) => path),
  );
  await table.discard?.(commitId).catch(() => undefined);
}

function firstBatch(groups: readonly RewriteGroup[]): readonly RewriteGroup[] {
  let bytes = 0;
  return groups.filter((group, i) => {
    bytes += group.bytes;
    return i === 0 || bytes <= COMMIT_BYTES;
  });
}

async function rewriteBatch(
  parts: MaintainParts,
  base: TableState,
  batch: readonly RewriteGroup[],
  { targetFileSizeBytes, joinManifests }: CompactLimits,
): Promise<{ readonly staged: StagedCommit; readonly removed: number }> {
  const commitId = randomUUID();
  const files: DataFile[] = [];
  for (const group of batch) {
    const dir = join(parts.workDir, `rewrite-${commitId}`);
    try {
      await rewriteGroup(parts, base, group, { dir, commitId, targetFileSizeBytes, adopted: files });
    } catch (thrown) {
      // No commit was tried.
      await discard(
        parts.storage,
        files.map(({ path }) => path),
      );
      throw thrown;
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
  const removed = batch.flatMap((group) => group.files);
  const { schema, partition, sort, ledger } = base;
  if (ledger === undefined) throw new Error('a table without a ledger is not rewritten');
  return {
    removed: removed.length,
    staged: {
      operation: 'rewrite',
      schema,
      partition,
      sort,
      files,
      removed: removed.map(({ path }) => path),
      // Deletes that no longer apply to any file leave by themselves.
      removedDeletes: [],
      deletes: [],
      joinManifests,
      ledger,
      commitId,
      timestampMs: parts.now(),
    },
  };
}

interface GroupJob {
  readonly dir: string;
  readonly commitId: string;
  readonly targetFileSizeBytes: number;
  /** Files at the target, to which this adds. */
  readonly adopted: DataFile[];
}

async function rewriteGroup(
  { duck, table, storage, readable, signal }: MaintainParts,
  { schema, partition, sort }: TableState,
  group: RewriteGroup,
  { dir, commitId, targetFileSizeBytes, adopted }: GroupJob,
): Promise<void> {
  signal.throwIfAborted();
  const outDir = join(dir, 'out');
  await mkdir(outDir, { recursive: true });
  const files = await readable(group.files, dir);
  const [bytes, rows] = [group.files.map((file) => file.sizeBytes), group.files.map((file) => file.rows)].map(total);
  const rowBytes = (bytes ?? 0) / Math.max(1, rows ?? 0);
  const job = { schema, partition, sort, outDir, targetFileSizeBytes, rowBytes, signal, files };
  const staged = await rewriteLive(duck, job);
  for (const { path: local, rows, partition: values, stats, splitOffsets } of staged) {
    const path = table.dataFilePath(commitId, partition, values, `c${adopted.length}.parquet`);
    const { sizeBytes } = await storage.adopt(storage.key(path), local, { signal });
    adopted.push({ path, rows, sizeBytes, partition: values, stats, splitOffsets });
  }
}

function added(
  { published: _, ...done }: Compaction,
  batch: readonly RewriteGroup[],
  staged: StagedCommit,
  { snapshot, published }: { readonly snapshot: string; readonly published?: string },
): Compaction {
  const old = batch.flatMap(({ files }) => files);
  const deletes = new Set(old.flatMap((file) => (file.deletes ?? []).map(({ path }) => path)));
  const rows = (some: readonly DataFile[]): number => some.reduce((sum, file) => sum + file.rows, 0);
  return {
    ...done,
    commits: done.commits + 1,
    snapshot,
    ...(published === undefined ? {} : { published }),
    before: sum(done.before, old),
    after: sum(done.after, staged.files),
    deletes: {
      files: done.deletes.files + deletes.size,
      rows: done.deletes.rows + rows(old) - rows(staged.files),
    },
  };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

function sum(before: FileSum, files: readonly DataFile[]): FileSum {
  return {
    files: before.files + files.length,
    bytes: before.bytes + total(files.map(({ sizeBytes }) => sizeBytes)),
  };
}
