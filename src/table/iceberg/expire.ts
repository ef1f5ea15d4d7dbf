/**
 * Expiring snapshots: one commit of metadata that forgets them, and only then the files that no other snapshot reaches
 * go. A run that dies in between leaves orphans, nothing else.
 */

import type { Snapshot, SnapshotLogEntry, TableMetadata } from '../../catalog/metadata/wire.ts';
import { plainUri } from '../../catalog/paths.ts';
import type { CatalogTable, Holds } from '../../catalog/port.ts';
import type { Expiry } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import { currentSnapshot } from './metadata.ts';
import { filesIn, reachOf, refuseSharedFiles, statisticsOf } from './reachable.ts';
import { metadataLog, nextTime } from './stage.ts';
import { deleteFiles, keysBelow } from './sweep.ts';

/**
 * Forgets snapshots that are older than a time, but for the newest `minKeep` of each branch and those that a tag names.
 * `timestampMs` is the time of the commit.
 */
export async function expireSnapshots(
  table: CatalogTable,
  options: {
    readonly olderThanMs: number;
    readonly minKeep: number;
    readonly timestampMs: number;
    readonly dryRun?: boolean;
  },
): Promise<Expiry> {
  const { storage } = table;
  const current = await table.load();
  const expired = current === undefined ? [] : expiredSnapshots(current.metadata, options);
  if (current === undefined || expired.length === 0) return { outcome: 'nothing', snapshots: 0, files: 0 };
  const { metadata } = current;
  const place = current.metadataLocation;
  refuseSharedFiles(metadata, place);
  const ids = new Set(expired.map((snapshot) => snapshot['snapshot-id']));
  const kept = (metadata.snapshots ?? []).filter((snapshot) => !ids.has(snapshot['snapshot-id']));
  const unreachable = await unreachableFiles(storage, metadata, kept, expired, place);
  if (options.dryRun === true)
    return { outcome: 'expired', snapshots: expired.length, files: keysBelow(table, unreachable).length };
  const next = without(metadata, ids, kept, place, options.timestampMs);
  const published = await table.commit(current, next, hasForgotten(metadata, ids));
  if (published.kind !== 'committed')
    return { outcome: published.kind, snapshots: 0, files: 0, reason: published.reason };
  return { outcome: 'expired', snapshots: expired.length, files: await deleteFiles(table, unreachable) };
}

/** Whether the same table no longer knows these snapshots. Who made it forget them does not matter. */
function hasForgotten(metadata: TableMetadata, ids: ReadonlySet<bigint>): Holds {
  return (there) =>
    there.metadata['table-uuid'] === metadata['table-uuid'] &&
    !(there.metadata.snapshots ?? []).some((snapshot) => ids.has(snapshot['snapshot-id']));
}

function expiredSnapshots(
  metadata: TableMetadata,
  { olderThanMs, minKeep }: { readonly olderThanMs: number; readonly minKeep: number },
): readonly Snapshot[] {
  const byId = new Map((metadata.snapshots ?? []).map((snapshot) => [snapshot['snapshot-id'], snapshot]));
  const current = currentSnapshot(metadata);
  const kept = new Set<Snapshot>();
  const keepBranch = (head: Snapshot | undefined): void => {
    let count = 0;
    for (let at = head; at !== undefined; ) {
      if (count < Math.max(minKeep, 1) || at['timestamp-ms'] >= olderThanMs) kept.add(at);
      count += 1;
      const parent: bigint | undefined = at['parent-snapshot-id'];
      at = parent === undefined ? undefined : byId.get(parent);
    }
  };
  keepBranch(current);
  for (const ref of Object.values(metadata.refs ?? {})) {
    const head = byId.get(ref['snapshot-id']);
    if (ref.type === 'branch') keepBranch(head);
    else if (head !== undefined) kept.add(head);
  }
  return [...byId.values()].filter((snapshot) => !kept.has(snapshot) && snapshot['timestamp-ms'] < olderThanMs);
}

async function unreachableFiles(
  storage: Storage,
  metadata: TableMetadata,
  kept: readonly Snapshot[],
  expired: readonly Snapshot[],
  place: string,
): Promise<readonly string[]> {
  const ids = new Set(expired.map((snapshot) => snapshot['snapshot-id']));
  const [stays, goes] = [await reachOf(storage, kept), await reachOf(storage, expired, 'ignore')];
  const manifests = [...goes.manifests].filter(([path]) => !stays.manifests.has(path));
  // A file that was live in an expired snapshot stands in one of these, or in a manifest that stays.
  const candidates = await filesIn(
    storage,
    metadata,
    manifests.map(([, line]) => line),
    place,
    'ignore',
  );
  const live = candidates.size === 0 ? candidates : await filesIn(storage, metadata, stays.manifests.values(), place);
  const statistics = new Set(statisticsOf(metadata, (id) => !ids.has(id)));
  return [
    ...[...candidates].filter((path) => !live.has(path)),
    ...manifests.map(([path]) => path),
    ...[...goes.lists].filter((path) => !stays.lists.has(path)),
    ...statisticsOf(metadata, (id) => ids.has(id)).filter((path) => !statistics.has(path)),
  ].map((uri) => plainUri(storage, uri));
}

function without(
  metadata: TableMetadata,
  ids: ReadonlySet<bigint>,
  kept: readonly Snapshot[],
  place: string,
  timestampMs: number,
): TableMetadata {
  const stays = (one: { readonly 'snapshot-id': bigint }): boolean => !ids.has(one['snapshot-id']);
  const partitionStatistics = metadata['partition-statistics'];
  return {
    ...metadata,
    'last-updated-ms': nextTime(metadata, timestampMs),
    snapshots: kept,
    'snapshot-log': connected(metadata['snapshot-log'] ?? [], new Set(kept.map((one) => one['snapshot-id']))),
    ...(metadata.statistics === undefined ? {} : { statistics: metadata.statistics.filter(stays) }),
    ...(partitionStatistics === undefined ? {} : { 'partition-statistics': partitionStatistics.filter(stays) }),
    'metadata-log': metadataLog(metadata, place),
  };
}

/** The log without expired snapshots, and without what came before them: readers travel in time by it. */
function connected(log: readonly SnapshotLogEntry[], kept: ReadonlySet<bigint>): readonly SnapshotLogEntry[] {
  const last = log.findLastIndex((entry) => !kept.has(entry['snapshot-id']));
  return log.slice(last + 1);
}
