/**
 * Expiring snapshots: one commit of metadata that forgets them, and only then the files that no other snapshot reaches
 * go. A run that dies in between leaves orphans, nothing else.
 */

import type { Snapshot, SnapshotLogEntry, TableMetadata } from '../../catalog/metadata/wire.ts';
import { plainUri } from '../../catalog/paths.ts';
import type { CatalogTable, Holds } from '../../catalog/port.ts';
import type { Expiry } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import { filesIn, reachOf, refuseSharedFiles, statisticsOf } from './reachable.ts';
import { type Doomed, doomed } from './retention.ts';
import { metadataLog, nextTime } from './stage.ts';
import { deleteFiles, keysBelow } from './sweep.ts';

/**
 * Forgets snapshots that are older than a time, but for the newest `minKeep` of each branch, those that its own retention
 * keeps, and those that a tag names; and branches and tags that have outlived their own age. `timestampMs` is the time of
 * the commit.
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
  const going: Doomed = current === undefined ? { snapshots: [], refs: [] } : doomed(current.metadata, options);
  const { snapshots: expired, refs } = going;
  if (current === undefined || expired.length + refs.length === 0)
    return { outcome: 'nothing', snapshots: 0, refs: [], files: 0 };
  const { metadata } = current;
  const place = current.metadataLocation;
  refuseSharedFiles(metadata, place);
  const ids = new Set(expired.map((snapshot) => snapshot['snapshot-id']));
  const kept = (metadata.snapshots ?? []).filter((snapshot) => !ids.has(snapshot['snapshot-id']));
  const unreachable = await unreachableFiles(storage, metadata, kept, expired, place);
  if (options.dryRun === true)
    return { outcome: 'expired', snapshots: expired.length, refs, files: keysBelow(table, unreachable).length };
  const next = without(metadata, going, kept, place, options.timestampMs);
  const published = await table.commit(current, next, hasForgotten(metadata, ids, refs));
  if (published.kind !== 'committed')
    return { outcome: published.kind, snapshots: 0, refs: [], files: 0, reason: published.reason };
  return { outcome: 'expired', snapshots: expired.length, refs, files: await deleteFiles(table, unreachable) };
}

/** Whether the same table no longer knows these snapshots and references. Who made it forget them does not matter. */
function hasForgotten(metadata: TableMetadata, ids: ReadonlySet<bigint>, refs: readonly string[]): Holds {
  return (there) =>
    there.metadata['table-uuid'] === metadata['table-uuid'] &&
    !(there.metadata.snapshots ?? []).some((snapshot) => ids.has(snapshot['snapshot-id'])) &&
    !refs.some((name) => there.metadata.refs?.[name] !== undefined);
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
  { snapshots: expired, refs: oldRefs }: Doomed,
  kept: readonly Snapshot[],
  place: string,
  timestampMs: number,
): TableMetadata {
  const ids = new Set(expired.map((snapshot) => snapshot['snapshot-id']));
  const refs = Object.entries(metadata.refs ?? {}).filter(([name]) => !oldRefs.includes(name));
  const stays = (one: { readonly 'snapshot-id': bigint }): boolean => !ids.has(one['snapshot-id']);
  const partitionStatistics = metadata['partition-statistics'];
  return {
    ...metadata,
    'last-updated-ms': nextTime(metadata, timestampMs),
    snapshots: kept,
    ...(metadata.refs === undefined ? {} : { refs: Object.fromEntries(refs) }),
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
