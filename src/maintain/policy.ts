/**
 * Which data files a table is better off with written anew. Pure.
 *
 * Small files are joined in tiers, each some times larger than the one below: a file that a join makes belongs to a
 * higher tier, so each byte is written anew once a tier, O(n log n) over n windows, and at most a handful of files of
 * each tier and partition wait for their join.
 */
import type { LiveFile, PartitionValue } from '../model/table.ts';

/** From this share of deleted rows on, a file is written anew: every reader fetches the deletes, and what they strike. A
 * file is then written once for each quarter of it that changed: at most four bytes for each byte that changed. */
export const DELETED_SHARE = 0.25;
/** Files of a tier that wait before they are joined, and how much larger the next tier's files are. With fewer, windows
 * are written anew more often; with more, readers open more files. */
export const TIER_FILES = 8;
/** Live bytes below which a file is in the lowest tier, whatever its size: opening it costs more than reading it. Its
 * deleted rows go when it is joined. */
export const LOWEST_TIER_BYTES = 1_000_000;
/** From this share of the size that is aimed at on, a file is large enough. Files come out of a join as large as aimed
 * at, more or less: those must not be joined again. */
export const LARGE_SHARE = 0.25;

export interface RewriteLimits {
  readonly targetFileSizeBytes: number;
  /** Most bytes of files that are written anew together: they may have to be fetched. */
  readonly groupBytes: number;
  /** Most bytes of all groups; what does not fit is left. */
  readonly budgetBytes: number;
}

/** Files of one partition that become new ones together. */
export interface RewriteGroup {
  readonly why: 'deletes' | 'small';
  readonly files: readonly LiveFile[];
  readonly bytes: number;
  /** Another writer's delete files speak of several of its files: they leave only with all of them. */
  readonly whole?: true;
}

export interface RewritePlan {
  readonly groups: readonly RewriteGroup[];
  /** Files that are left because they do not fit the limits. */
  readonly left: number;
}

/** The groups of files that are to be written anew, the cheapest first. */
export function planRewrites(files: readonly LiveFile[], limits: RewriteLimits): RewritePlan {
  const sized = withDeleted(files);
  const wanted = [...byPartition(sized).values()].flatMap((own) => groupsOf(own, limits.targetFileSizeBytes));
  const groups: RewriteGroup[] = [];
  let budget = limits.budgetBytes;
  const parts = wanted.flatMap((whole) => cut(whole, limits.groupBytes));
  for (const part of parts.sort((a, b) => a.bytes - b.bytes)) {
    const [fitting] = part.bytes <= budget ? [part] : cut(part, budget);
    if (fitting === undefined || !isWorth(fitting)) continue;
    groups.push(fitting);
    budget -= fitting.bytes;
  }
  const count = (some: readonly RewriteGroup[]): number => some.reduce((sum, one) => sum + one.files.length, 0);
  return { groups, left: count(wanted) - count(groups) };
}

interface Sized {
  readonly file: LiveFile;
  readonly deletedShare: number;
  readonly liveBytes: number;
}

/** Delete files of other writers may speak of several data files; each counts its part. */
function withDeleted(files: readonly LiveFile[]): readonly Sized[] {
  const spokenOf = new Map<string, number>();
  for (const { deletes } of files)
    for (const { path } of deletes ?? []) spokenOf.set(path, (spokenOf.get(path) ?? 0) + 1);
  return files.map((file) => {
    const deleted = (file.deletes ?? []).reduce((sum, { path, rows }) => sum + rows / (spokenOf.get(path) ?? 1), 0);
    const deletedShare = file.rows === 0 ? 1 : Math.min(1, deleted / file.rows);
    return { file, deletedShare, liveBytes: file.sizeBytes * (1 - deletedShare) };
  });
}

function byPartition(files: readonly Sized[]): ReadonlyMap<string, readonly Sized[]> {
  const partitions = new Map<string, Sized[]>();
  for (const one of files) {
    const key = JSON.stringify(one.file.partition.map(valueKey));
    const own = partitions.get(key);
    if (own === undefined) partitions.set(key, [one]);
    else own.push(one);
  }
  return partitions;
}

function valueKey(value: PartitionValue): readonly [string, string] {
  return [value === null ? 'null' : typeof value, String(value)];
}

function groupsOf(own: readonly Sized[], targetBytes: number): readonly RewriteGroup[] {
  const worn = own.filter(isWorn);
  const small = joinable(own, targetBytes);
  const all = withCompanions([...worn, ...small], own);
  if (all === undefined) return [...group('deletes', worn), ...group('small', small)];
  return group('deletes', all).map((one) => ({ ...one, whole: true as const }));
}

/**
 * These files with all that share a delete file with one of them; undefined where none of them shares any. A delete file
 * that stayed behind for some of its data files would count rows as deleted that are gone with the others.
 */
function withCompanions(chosen: readonly Sized[], own: readonly Sized[]): readonly Sized[] | undefined {
  const shared = ({ file }: Sized): readonly string[] =>
    (file.deletes ?? []).filter(({ dataFile }) => dataFile !== file.path).map(({ path }) => path);
  if (chosen.every((one) => shared(one).length === 0)) return undefined;
  const all = new Set(chosen);
  for (let before = 0; before < all.size; ) {
    before = all.size;
    const paths = new Set([...all].flatMap(shared));
    for (const one of own) if (shared(one).some((path) => paths.has(path))) all.add(one);
  }
  return [...all];
}

/** Files with many deleted rows; those of the lowest tier lose them when they are joined. */
function isWorn({ file, deletedShare }: Sized): boolean {
  return deletedShare >= DELETED_SHARE && file.sizeBytes >= LOWEST_TIER_BYTES;
}

/** All files of the tiers that are full, from the lowest one up; a join may fill the tier that it ends in. */
function joinable(files: readonly Sized[], targetBytes: number): readonly Sized[] {
  const tiers = new Map<number, Sized[]>();
  for (const one of files) {
    if (isWorn(one) || one.liveBytes >= targetBytes * LARGE_SHARE) continue;
    const tier = tierOf(one.liveBytes);
    tiers.set(tier, [...(tiers.get(tier) ?? []), one]);
  }
  const taken: Sized[] = [];
  let bytes = 0;
  for (const tier of [...tiers.keys()].sort((a, b) => a - b)) {
    const own = tiers.get(tier) ?? [];
    const made = taken.length > 0 && tierOf(bytes) >= tier ? 1 : 0;
    if (own.length + made < TIER_FILES) continue;
    taken.push(...own);
    bytes += own.reduce((sum, { liveBytes }) => sum + liveBytes, 0);
  }
  return taken;
}

function tierOf(bytes: number): number {
  if (bytes < LOWEST_TIER_BYTES) return 0;
  return 1 + Math.floor(Math.log(bytes / LOWEST_TIER_BYTES) / Math.log(TIER_FILES));
}

function group(why: RewriteGroup['why'], files: readonly Sized[]): readonly RewriteGroup[] {
  if (files.length === 0) return [];
  const ordered = [...files].sort((a, b) => a.liveBytes - b.liveBytes).map(({ file }) => file);
  return [{ why, files: ordered, bytes: bytesOf(ordered) }];
}

/** A group as several, none larger than so many bytes; files that are larger alone are left out. */
function cut(group: RewriteGroup, mostBytes: number): readonly RewriteGroup[] {
  const { why, files, whole } = group;
  if (whole === true) return group.bytes <= mostBytes ? [group] : [];
  const parts: LiveFile[][] = [[]];
  let bytes = 0;
  for (const file of files) {
    const size = fetchedBytes(file);
    if (bytes + size > mostBytes && bytes > 0) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(file);
    bytes += size;
  }
  return parts
    .map((own) => ({ why, files: own, bytes: bytesOf(own) }))
    .filter((part) => part.files.length > 0 && part.bytes <= mostBytes);
}

/** A few files less are not worth a commit; a part of a group may be too small. */
function isWorth({ why, files }: RewriteGroup): boolean {
  return why === 'deletes' || files.length >= TIER_FILES;
}

/** Of files and their delete files, each once. */
function bytesOf(files: readonly LiveFile[]): number {
  const deletes = new Map(
    files.flatMap((file) => (file.deletes ?? []).map((one) => [one.path, one.sizeBytes] as const)),
  );
  return [...files.map(({ sizeBytes }) => sizeBytes), ...deletes.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function fetchedBytes(file: LiveFile): number {
  return bytesOf([file]);
}
