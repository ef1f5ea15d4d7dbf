/** Files that nothing names any more: those that killed runs left behind, and metadata that fell off the log. */
import type { Removed } from '../../model/table.ts';
import type { ObjectInfo, Storage } from '../../storage/port.ts';
import { below, keyOf, plainUri } from './paths.ts';
import { filesIn, reachOf, statisticsOf } from './reachable.ts';
import { newestVersion, readHint } from './version.ts';
import type { TableMetadata } from './wire.ts';

/** Files that are deleted at a time. */
const PARALLEL = 8;
const VERSION = /^v(\d+)(?:\.gz)?\.metadata\.json$/;

/** Deletes files by URI, as far as they lie below the table's location; gives how many. */
export async function deleteFiles(storage: Storage, location: string, uris: readonly string[]): Promise<number> {
  const keys = keysBelow(storage, location, uris);
  for (let at = 0; at < keys.length; at += PARALLEL)
    await Promise.all(keys.slice(at, at + PARALLEL).map((key) => storage.delete(key)));
  return keys.length;
}

/** The keys of those URIs that lie below the table's location. */
export function keysBelow(storage: Storage, location: string, uris: readonly string[]): readonly string[] {
  return uris.flatMap((uri) => {
    try {
      const key = keyOf(storage, uri);
      return key.startsWith(below(location, '')) ? [key] : [];
    } catch {
      // A file of another bucket or folder, which some other writer brought in.
      return [];
    }
  });
}

/** Deletes what was listed, unless it is only to be counted. */
async function remove(storage: Storage, objects: readonly Listed[], dryRun: boolean | undefined): Promise<Removed> {
  for (let at = 0; dryRun !== true && at < objects.length; at += PARALLEL)
    await Promise.all(objects.slice(at, at + PARALLEL).map(({ key }) => storage.delete(key)));
  return { files: objects.length, bytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

type Listed = Pick<ObjectInfo, 'key' | 'sizeBytes'>;

/**
 * Deletes files in data/ and metadata/ that no snapshot reaches and that are older than a time, which must lie further
 * back than the longest load takes: a load's files are named by nothing before its commit. What a journal younger than
 * that time may name stays, whatever its age.
 */
export async function sweepOrphans(
  storage: Storage,
  location: string,
  { olderThanMs, dryRun }: { readonly olderThanMs: number; readonly dryRun?: boolean },
): Promise<Removed> {
  const journals = await readJournals(storage, location, olderThanMs);
  const old: Listed[] = [];
  for (const folder of ['data/', 'metadata/']) {
    for await (const { key, sizeBytes, modifiedMs } of storage.list(below(location, folder))) {
      const name = key.slice(key.lastIndexOf('/') + 1);
      const kept = name.endsWith('.metadata.json') || /^\.?version-hint\.text/.test(name);
      if (kept || modifiedMs === undefined || modifiedMs >= olderThanMs) continue;
      if (!journals.young.some((commitId) => name.includes(commitId))) old.push({ key, sizeBytes });
    }
  }
  // Read after the listing: whatever was committed meanwhile is named by it.
  const newest = await newestVersion(storage, location);
  if (newest === undefined) return { files: 0, bytes: 0 };
  const named = await namedKeys(storage, newest.metadata, storage.uri(newest.key));
  const orphans = old.filter(({ key }) => !named.has(checkedKey(key)));
  return remove(storage, [...journals.old, ...orphans], dryRun);
}

/**
 * Deletes metadata of versions below the newest `keep`, once the log no longer names any that is older than a time.
 * A writer that still wants to write such a version would not find it taken: see `publish`.
 */
export async function retireMetadata(
  storage: Storage,
  location: string,
  options: { readonly keep: number; readonly olderThanMs: number; readonly dryRun?: boolean },
): Promise<Removed> {
  const { keep, olderThanMs, dryRun } = options;
  const newest = await newestVersion(storage, location);
  const oldest = newest?.metadata['metadata-log']?.[0];
  if (newest === undefined || oldest === undefined || oldest['timestamp-ms'] >= olderThanMs)
    return { files: 0, bytes: 0 };
  // Readers begin at the hint and go up: what lies at or above it must stay.
  const hint = (await readHint(storage, location)) ?? newest.version;
  const logged = versionOf(oldest['metadata-file']) ?? 0;
  const last = Math.min(newest.version - keep, hint, logged);
  const retired: Listed[] = [];
  const folder = below(location, 'metadata/');
  for await (const { key, sizeBytes } of storage.list(`${folder}v`)) {
    const version = versionOf(key);
    if (version !== undefined && version < last) retired.push({ key, sizeBytes });
  }
  return remove(storage, retired, dryRun);
}

function versionOf(path: string): number | undefined {
  const match = VERSION.exec(path.slice(path.lastIndexOf('/') + 1));
  return match === null ? undefined : Number(match[1]);
}

/** Loads with a journal that is younger than a time, and the parts of all older journals. */
async function readJournals(
  storage: Storage,
  location: string,
  olderThanMs: number,
): Promise<{ readonly young: readonly string[]; readonly old: readonly Listed[] }> {
  const folder = below(location, '.tailrace/');
  const parts: (Listed & { readonly load: string; readonly young: boolean })[] = [];
  for await (const { key, sizeBytes, modifiedMs } of storage.list(folder)) {
    const load = key.slice(folder.length).split('/')[0] ?? '';
    parts.push({ load, key, sizeBytes, young: modifiedMs === undefined || modifiedMs >= olderThanMs });
  }
  const young = new Set(parts.filter((part) => part.young).map(({ load }) => load));
  return { young: [...young], old: parts.filter(({ load }) => !young.has(load)) };
}

async function namedKeys(storage: Storage, metadata: TableMetadata, place: string): Promise<ReadonlySet<string>> {
  const reach = await reachOf(storage, metadata.snapshots ?? []);
  const files = await filesIn(storage, metadata, reach.manifests.values(), place);
  const all = [...reach.lists, ...reach.manifests.keys(), ...files, ...statisticsOf(metadata, () => true)];
  const keys = new Set<string>();
  for (const uri of all) {
    try {
      keys.add(storage.key(plainUri(storage, uri)));
    } catch {
      // It lies elsewhere, so no listing of this table shows it.
    }
  }
  return keys;
}

/** Hadoop's checksum files live and die with the file that they are of. */
function checkedKey(key: string): string {
  return key.replace(/(^|\/)\.([^/]+)\.crc$/, '$1$2');
}
