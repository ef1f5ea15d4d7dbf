/** Which files the snapshots of a table reach: what may be deleted is only what none of them does. */

import type { Snapshot, TableMetadata } from '../../catalog/metadata/wire.ts';
import { plainUri } from '../../catalog/paths.ts';
import { TailraceError } from '../../model/errors.ts';
import type { Storage } from '../../storage/port.ts';
import { ObjectNotFound } from '../../storage/port.ts';
import { liveManifests, manifestsOf } from './live.ts';
import type { ManifestFile } from './manifest-list.ts';

/** Manifest lists that are fetched at a time. */
const PARALLEL = 8;

export interface Reach {
  /** URIs of manifest lists. */
  readonly lists: ReadonlySet<string>;
  /** By URI. */
  readonly manifests: ReadonlyMap<string, ManifestFile>;
}

/** Manifest lists and manifests of these snapshots. `gone`: what to do about a list that is missing. */
export async function reachOf(
  storage: Storage,
  snapshots: readonly Snapshot[],
  gone: 'refuse' | 'ignore' = 'refuse',
): Promise<Reach> {
  const lists = new Set<string>();
  const manifests = new Map<string, ManifestFile>();
  for (let at = 0; at < snapshots.length; at += PARALLEL) {
    const read = snapshots.slice(at, at + PARALLEL).map((one) => unlessGone(gone, [], () => manifestsOf(storage, one)));
    for (const lines of await Promise.all(read))
      for (const line of lines) manifests.set(plainUri(storage, line.manifest_path), line);
  }
  for (const snapshot of snapshots) lists.add(plainUri(storage, snapshot['manifest-list']));
  return { lists, manifests };
}

/** URIs of the files that are live in these manifests, data and deletes. */
export async function filesIn(
  storage: Storage,
  metadata: TableMetadata,
  manifests: Iterable<ManifestFile>,
  place: string,
  gone: 'refuse' | 'ignore' = 'refuse',
): Promise<ReadonlySet<string>> {
  const files = new Set<string>();
  const lines = [...manifests];
  for (let at = 0; at < lines.length; at += PARALLEL) {
    const some = lines
      .slice(at, at + PARALLEL)
      .map((line) => unlessGone(gone, [], () => liveManifests(storage, metadata, [line], place)));
    for (const found of await Promise.all(some))
      for (const { entries } of found) for (const { file } of entries) files.add(plainUri(storage, file.file_path));
  }
  return files;
}

/** Statistics files that the metadata names, by kind, for the snapshots that pass. */
export function statisticsOf(metadata: TableMetadata, passes: (snapshot: bigint) => boolean): readonly string[] {
  return [...(metadata.statistics ?? []), ...(metadata['partition-statistics'] ?? [])].flatMap((one) => {
    const path = one['statistics-path'];
    return path !== undefined && passes(one['snapshot-id']) ? [path] : [];
  });
}

async function unlessGone<T>(gone: 'refuse' | 'ignore', otherwise: T, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (gone === 'ignore' && error instanceof TailraceError && error.cause instanceof ObjectNotFound) return otherwise;
    throw error;
  }
}

/** Tables that borrowed files of others, or whose files other branches of a catalog name, say so by this property. */
export function refuseSharedFiles(metadata: TableMetadata, place: string): void {
  if (metadata.properties?.['gc.enabled'] !== 'false') return;
  throw new TailraceError('TARGET_BAD', "The table's property gc.enabled is false: its files may belong to others.", {
    place,
    expected: 'gc.enabled=true',
    found: 'gc.enabled=false',
    hint: 'Leave its snapshots as they are, or set the property to true if no other table uses its files.',
  });
}
