/** Files that nothing names any more: those that killed runs left behind, and metadata that fell off the log. */
import type { Storage } from '../../storage/port.ts';
import { below, keyOf, plainUri } from './paths.ts';
import { filesIn, reachOf, statisticsOf } from './reachable.ts';
import { newestVersion, readHint } from './version.ts';
import type { TableMetadata } from './wire.ts';

/** Files that are deleted at a time. */
const PARALLEL = 8;
const VERSION = /^v(\d+)(?:\.gz)?\.metadata\.json$/;

/** Deletes files by URI, as far as they lie below the table's location; gives how many. */
export async function deleteFiles(storage: Storage, location: string, uris: readonly string[]): Promise<number> {
  const keys = uris.flatMap((uri) => {
    try {
      const key = keyOf(storage, uri);
      return key.startsWith(below(location, '')) ? [key] : [];
    } catch {
      // A file of another bucket or folder, which some other writer brought in.
      return [];
    }
  });
  for (let at = 0; at < keys.length; at += PARALLEL)
    await Promise.all(keys.slice(at, at + PARALLEL).map((key) => storage.delete(key)));
  return keys.length;
}

/**
 * Deletes files in data/ and metadata/ that no snapshot reaches and that are older than a time, which must lie further
 * back than the longest load takes: a load's files are named by nothing before its commit. What a journal younger than
 * that time may name stays, whatever its age. Gives how many files went.
 */
export async function sweepOrphans(
  storage: Storage,
  location: string,
  { olderThanMs }: { readonly olderThanMs: number },
): Promise<number> {
  const journals = await readJournals(storage, location, olderThanMs);
  const old: string[] = [];
  for (const folder of ['data/', 'metadata/']) {
    for await (const { key, modifiedMs } of storage.list(below(location, folder))) {
      const name = key.slice(key.lastIndexOf('/') + 1);
      const kept = name.endsWith('.metadata.json') || /^\.?version-hint\.text/.test(name);
      if (kept || modifiedMs === undefined || modifiedMs >= olderThanMs) continue;
      if (!journals.young.some((commitId) => name.includes(commitId))) old.push(key);
    }
  }
  // Read after the listing: whatever was committed meanwhile is named by it.
  const newest = await newestVersion(storage, location);
  if (newest === undefined) return 0;
  const named = await namedKeys(storage, newest.metadata, storage.uri(newest.key));
  const orphans = old.filter((key) => !named.has(checkedKey(key)));
  return deleteFiles(
    storage,
    location,
    [...journals.old, ...orphans].map((key) => storage.uri(key)),
  );
}

/**
 * Deletes metadata of versions below the newest `keep`, once the log no longer names any that is older than a time.
 * A writer that still wants to write such a version would not find it taken: see `publish`. Gives how many files went.
 */
export async function retireMetadata(
  storage: Storage,
  location: string,
  { keep, olderThanMs }: { readonly keep: number; readonly olderThanMs: number },
): Promise<number> {
  const newest = await newestVersion(storage, location);
  const oldest = newest?.metadata['metadata-log']?.[0];
  if (newest === undefined || oldest === undefined || oldest['timestamp-ms'] >= olderThanMs) return 0;
  // Readers begin at the hint and go up: what lies at or above it must stay.
  const hint = (await readHint(storage, location)) ?? newest.version;
  const logged = versionOf(oldest['metadata-file']) ?? 0;
  const last = Math.min(newest.version - keep, hint, logged);
  const retired: string[] = [];
  const folder = below(location, 'metadata/');
  for await (const { key } of storage.list(`${folder}v`)) {
    const version = versionOf(key);
    if (version !== undefined && version < last) retired.push(storage.uri(key));
  }
  return deleteFiles(storage, location, retired);
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
): Promise<{ readonly young: readonly string[]; readonly old: readonly string[] }> {
  const folder = below(location, '.tailrace/');
  const parts: { readonly load: string; readonly key: string; readonly young: boolean }[] = [];
  for await (const { key, modifiedMs } of storage.list(folder)) {
    const load = key.slice(folder.length).split('/')[0] ?? '';
    parts.push({ load, key, young: modifiedMs === undefined || modifiedMs >= olderThanMs });
  }
  const young = new Set(parts.filter((part) => part.young).map(({ load }) => load));
  return { young: [...young], old: parts.filter(({ load }) => !young.has(load)).map(({ key }) => key) };
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
