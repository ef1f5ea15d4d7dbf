/**
 * What a staged commit does to the manifests of the current snapshot. Manifests in which nothing changes are carried
 * over as they are; those that lose a file are written anew, the files that stay with their snapshot and sequence
 * numbers. Manifests that are written at once and share spec and content become one.
 *
 * Files of a rewrite get the new snapshot's sequence number, not that of the snapshot they were made from, as other
 * compactors give: older numbers keep equality deletes of concurrent writers effective. Here any other writer's commit
 * is a conflict, equality deletes were refused on reading, and position deletes name the file that they speak of.
 */

import type { TableMetadata } from '../../catalog/metadata/wire.ts';
import { plainUri } from '../../catalog/paths.ts';
import type { CatalogState } from '../../catalog/port.ts';
import { TailraceError } from '../../model/errors.ts';
import type { StagedCommit } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import type { SpecEntry } from './delete-file.ts';
import { addedDeleteEntry, deleteIndex } from './delete-file.ts';
import { joinable, joinedManifest } from './join.ts';
import type { LiveManifest } from './live.ts';
import { liveManifests, manifestsOf, specEntries } from './live.ts';
import type { ManifestContext, ManifestEntry, WrittenManifest } from './manifest.ts';
import { addedEntry, deletedEntry, existingEntry } from './manifest.ts';
import type { ManifestFile } from './manifest-list.ts';
import { isCounted, isLive } from './manifest-list.ts';
import { currentSchema, currentSnapshot, specOf } from './metadata.ts';
import { tupleFields } from './partition.ts';
import { leaves } from './schema.ts';
import type { SummaryTotals } from './totals.ts';
import { liveTotals, totalsOf } from './totals.ts';

export interface TableChange {
  /** Manifests that stay as they are. */
  readonly carried: readonly ManifestFile[];
  readonly written: readonly WrittenManifest[];
  readonly added: readonly ManifestEntry[];
  readonly removed: readonly ManifestEntry[];
  /** Removed deletes that applied to a live file. */
  readonly lifted: readonly ManifestEntry[];
  /** Counts of the snapshot before. */
  readonly before: SummaryTotals;
}

/** The change of a staged commit on the current state; `metadata` is the next one's. */
export async function planChange(
  storage: Storage,
  staged: StagedCommit,
  current: CatalogState | undefined,
  metadata: TableMetadata,
  snapshotId: bigint,
  place: string,
): Promise<TableChange> {
  const former = current?.metadata;
  const snapshot = former === undefined ? undefined : currentSnapshot(former);
  const lines = await manifestsOf(storage, snapshot);
  const read = (some: readonly ManifestFile[]): Promise<readonly LiveManifest[]> =>
    liveManifests(storage, former ?? metadata, some, place);
  const live = await read(lines.filter((line) => !onlyAdds(staged) || !isCounted(line)));
  const before = onlyAdds(staged) ? await totalsOf(snapshot?.summary, () => read(lines)) : liveTotals(live);

  refuseTwice(storage, staged, live, place);
  const added = addedFiles(staged, metadata, snapshotId, place);
  const leaving = leavingEntries(storage, staged, live, place);
  const deletes = addedDeletes(storage, staged, live, leaving, added, snapshotId, metadata['default-spec-id']);
  const touched = live.filter(({ line, entries }) => !isCounted(line) || entries.some((entry) => leaving.has(entry)));
  const gone = new Set(touched.map(({ line }) => line.manifest_path));
  const groups = new Groups();
  groups.add(metadata['default-spec-id'], 'data', added);
  for (const { specId, entry } of deletes) groups.add(specId, 'deletes', [entry]);
  for (const { line, entries } of touched) {
    const next = entries.map((entry) => (leaving.has(entry) ? deletedEntry(entry, snapshotId) : existingEntry(entry)));
    groups.add(line.partition_spec_id, line.content === 0 ? 'data' : 'deletes', next);
  }
  const stays = lines.filter((line) => isLive(line) && !gone.has(line.manifest_path));
  const bins = staged.joinManifests === undefined ? [] : joinable(stays, staged.joinManifests);
  const joined = new Set(bins.flat());
  return {
    carried: stays.filter((line) => !joined.has(line)),
    written: [
      ...groups.all().flatMap((group) => readable(group, metadata, place)),
      ...(await Promise.all(bins.map(async (bin) => joinedManifest(await read(bin))))).flat(),
    ],
    added: [...added, ...deletes.map(({ entry }) => entry)],
    removed: [...leaving],
    lifted: appliedDeletes(live).filter((entry) => leaving.has(entry)),
    before,
  };
}

/** What the entries of a manifest share, by the current schema. */
export function contextOf(metadata: TableMetadata, specId: number, place: string): ManifestContext {
  const spec = specOf(metadata, specId, place);
  return { spec, tuple: tupleFields(spec, metadata.schemas), schema: currentSchema(metadata, place) };
}

/** A commit that only adds files needs no entry of a former one. */
function onlyAdds(staged: StagedCommit): boolean {
  const lists = [staged.removed, staged.removedDeletes, staged.deletes];
  return staged.operation !== 'replace' && lists.every((list) => list === undefined || list.length === 0);
}

function addedFiles(
  staged: StagedCommit,
  metadata: TableMetadata,
  snapshotId: bigint,
  place: string,
): readonly ManifestEntry[] {
  const context = contextOf(metadata, metadata['default-spec-id'], place);
  const columns = leaves(context.schema);
  return staged.files.map((file) => addedEntry(file, context, columns, snapshotId, metadata['default-sort-order-id']));
}

/** The live entries that leave the table: what is named, and deletes that no longer apply to any file that stays. */
function leavingEntries(
  storage: Storage,
  staged: StagedCommit,
  live: readonly LiveManifest[],
  place: string,
): ReadonlySet<ManifestEntry> {
  const data = specEntries(live, 'data');
  const deletes = specEntries(live, 'deletes');
  if (staged.operation === 'replace') return new Set([...data, ...deletes].map(({ entry }) => entry));
  const named = (entries: readonly SpecEntry[], uris: readonly string[]): ManifestEntry[] => {
    const byPath = new Map(entries.map(({ entry }) => [plainUri(storage, entry.file.file_path), entry]));
    return uris.map((uri) => byPath.get(plainUri(storage, uri)) ?? unknownFile(uri, place));
  };
  const leaving = new Set([...named(data, staged.removed ?? []), ...named(deletes, staged.removedDeletes ?? [])]);
  if ((staged.removed ?? []).length === 0) return leaving;
  const index = deleteIndex(deletes);
  const needed = new Set(data.flatMap((one) => (leaving.has(one.entry) ? [] : index.of(one))));
  for (const { entry } of deletes) if (!needed.has(entry)) leaving.add(entry);
  return leaving;
}

function appliedDeletes(live: readonly LiveManifest[]): readonly ManifestEntry[] {
  const index = deleteIndex(specEntries(live, 'deletes'));
  return [...new Set(specEntries(live, 'data').flatMap((data) => index.of(data)))];
}

/** Entries of new delete files, each in the partition of its data file. */
function addedDeletes(
  storage: Storage,
  staged: StagedCommit,
  live: readonly LiveManifest[],
  leaving: ReadonlySet<ManifestEntry>,
  added: readonly ManifestEntry[],
  snapshotId: bigint,
  specId: number,
): readonly SpecEntry[] {
  if (staged.deletes === undefined || staged.deletes.length === 0) return [];
  const stays = specEntries(live, 'data').filter(({ entry }) => !leaving.has(entry));
  const all = [...stays, ...added.map((entry) => ({ specId, entry }))];
  const byPath = new Map(all.map((one) => [plainUri(storage, one.entry.file.file_path), one]));
  return staged.deletes.map((file) => {
    const data = byPath.get(plainUri(storage, file.dataFile)) ?? unknownFile(file.dataFile, file.path);
    const { tuple, file: dataFile } = data.entry;
    return { specId: data.specId, entry: addedDeleteEntry(file, dataFile.file_path, tuple, snapshotId) };
  });
}

/** Manifests to write, by spec and content. */
class Groups {
  readonly #groups = new Map<string, { specId: number; content: 'data' | 'deletes'; entries: ManifestEntry[] }>();

  add(specId: number, content: 'data' | 'deletes', entries: readonly ManifestEntry[]): void {
    if (entries.length === 0) return;
    const key = `${specId} ${content}`;
    const group = this.#groups.get(key) ?? { specId, content, entries: [] };
    this.#groups.set(key, group);
    group.entries.push(...entries);
  }

  all(): readonly WrittenManifest[] {
    return [...this.#groups.values()];
  }
}

/**
 * DuckDB fails on every predicate when a manifest's spec names a column that was rewritten under a new id. The entries
 * of removed files, which only tell cleaners what to delete, are left out then, and those files are orphans once the
 * older snapshots expire.
 */
function readable(group: WrittenManifest, metadata: TableMetadata, place: string): readonly WrittenManifest[] {
  const columns = leaves(currentSchema(metadata, place));
  if (specOf(metadata, group.specId, place).fields.every((field) => columns.has(field['source-id']))) return [group];
  const entries = group.entries.filter((entry) => entry.status !== 'deleted');
  return entries.length === 0 ? [] : [{ ...group, entries }];
}

/** A file that is in the table twice has its rows twice. */
function refuseTwice(storage: Storage, staged: StagedCommit, live: readonly LiveManifest[], place: string): void {
  const seen = new Set(live.flatMap(({ entries }) => entries.map(({ file }) => plainUri(storage, file.file_path))));
  for (const { path } of [...staged.files, ...(staged.deletes ?? [])]) {
    if (seen.has(path)) throw new TailraceError('INTERNAL', `A commit adds ${path}, which the table holds.`, { place });
    seen.add(path);
  }
}

function unknownFile(uri: string, place: string): never {
  throw new TailraceError('INTERNAL', `A commit speaks of ${uri}, which the table does not hold.`, { place });
}
