/** Files that nothing names any more: those that killed runs left behind, and metadata that fell off the log. */

import type { TableMetadata } from '../../catalog/metadata/wire.ts';
import { below, keyOf, plainUri } from '../../catalog/paths.ts';
import type { CatalogTable } from '../../catalog/port.ts';
import { heldFolders } from '../../model/scan-ledger.ts';
import type { Removed } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import { type Listed, removeKeys, removeListed } from '../../storage/remove.ts';
import { readLedger } from './metadata.ts';
import { filesIn, reachOf, refuseSharedFiles, statisticsOf } from './reachable.ts';

/** Deletes files by URI, as far as they lie below the table's location; gives how many. */
export async function deleteFiles(table: CatalogTable, uris: readonly string[]): Promise<number> {
  const keys = keysBelow(table, uris);
  await removeKeys(table.storage, keys);
  return keys.length;
}

/** The keys of those URIs that lie below the table's location. */
export function keysBelow({ storage, folder }: CatalogTable, uris: readonly string[]): readonly string[] {
  return uris.flatMap((uri) => {
    try {
      const key = keyOf(storage, uri);
      return key.startsWith(below(folder, '')) ? [key] : [];
    } catch {
      // A file of another bucket or folder, which some other writer brought in.
      return [];
    }
  });
}

/**
 * Deletes files in data/ and metadata/ that no snapshot reaches and that are older than a time, which must lie further
 * back than the longest load takes: a load's files are named by nothing before its commit. What a journal younger than
 * that time may name stays, whatever its age, and so does what an interrupted scan goes on from.
 */
export async function sweepOrphans(
  table: CatalogTable,
  { olderThanMs, dryRun }: { readonly olderThanMs: number; readonly dryRun?: boolean },
): Promise<Removed> {
  const { storage } = table;
  const journals = await readJournals(storage, table.folder, olderThanMs);
  const old: Listed[] = [];
  for (const folder of ['data/', 'metadata/']) {
    for await (const { key, sizeBytes, modifiedMs } of storage.list(below(table.folder, folder))) {
      const name = key.slice(key.lastIndexOf('/') + 1);
      const kept = name.endsWith('.metadata.json') || /^\.?version-hint\.text/.test(name);
      if (kept || modifiedMs === undefined || modifiedMs >= olderThanMs) continue;
      if (!journals.young.some((commitId) => name.includes(commitId))) old.push({ key, sizeBytes });
    }
  }
  // Read after the listing: whatever was committed meanwhile is named by it.
  const newest = await table.load();
  if (newest === undefined) return { files: 0, bytes: 0 };
  refuseSharedFiles(newest.metadata, newest.metadataLocation);
  const named = await namedKeys(storage, newest.metadata, newest.metadataLocation);
  const orphans = old.filter(({ key }) => !named.has(checkedKey(key)));
  const held = heldFolders(readLedger(newest.metadata, newest.metadataLocation));
  return removeListed(storage, [...journals.old.filter(({ load }) => !held.has(load)), ...orphans], dryRun);
}

interface JournalPart extends Listed {
  /** The folder below `.tailrace/`: a load, or a scan. */
  readonly load: string;
  readonly young: boolean;
}

/** Loads with a journal that is younger than a time, and the parts of all older journals. */
async function readJournals(
  storage: Storage,
  location: string,
  olderThanMs: number,
): Promise<{ readonly young: readonly string[]; readonly old: readonly JournalPart[] }> {
  const folder = below(location, '.tailrace/');
  const parts: JournalPart[] = [];
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
