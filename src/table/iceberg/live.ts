/** The live entries of a snapshot, by manifest. */

import type { Snapshot, TableMetadata } from '../../catalog/metadata/wire.ts';
import { keyOf } from '../../catalog/paths.ts';
import { TailraceError } from '../../model/errors.ts';
import type { Storage } from '../../storage/port.ts';
import { ObjectNotFound } from '../../storage/port.ts';
import type { SpecEntry } from './delete-file.ts';
import type { ManifestEntry } from './manifest.ts';
import type { ManifestFile } from './manifest-list.ts';
import { isLive, readManifestList } from './manifest-list.ts';
import { readManifest } from './manifest-read.ts';
import { specOf } from './metadata.ts';
import { tupleFields } from './partition.ts';

/** Compressed bytes of the manifests that are kept parsed, for each storage: about 10,000 files. */
const CACHE_BYTES = 4 * 1024 * 1024;
/** Manifests that are fetched at a time. */
const PARALLEL = 8;

export interface LiveManifest {
  readonly line: ManifestFile;
  /** Without the deleted ones. */
  readonly entries: readonly ManifestEntry[];
}

/** The manifests of a snapshot, live or not. */
export async function manifestsOf(storage: Storage, snapshot: Snapshot | undefined): Promise<readonly ManifestFile[]> {
  if (snapshot === undefined) return [];
  const path = snapshot['manifest-list'];
  return readManifestList(await getPart(storage, path), path);
}

/** The live entries of these manifests, in their order; manifests without any are left out. */
export async function liveManifests(
  storage: Storage,
  metadata: TableMetadata,
  lines: readonly ManifestFile[],
  place: string,
): Promise<readonly LiveManifest[]> {
  const live = lines.filter(isLive);
  const found: LiveManifest[] = [];
  for (let at = 0; at < live.length; at += PARALLEL) {
    const read = live.slice(at, at + PARALLEL).map(async (line) => {
      const entries = await cachedEntries(storage, metadata, line, place);
      return { line, entries: entries.filter((entry) => entry.status !== 'deleted') };
    });
    found.push(...(await Promise.all(read)));
  }
  return found;
}

/** Entries with the spec of their manifest, of data files or of delete files. */
export function specEntries(manifests: readonly LiveManifest[], content: 'data' | 'deletes'): readonly SpecEntry[] {
  return manifests
    .filter(({ line }) => (line.content === 0) === (content === 'data'))
    .flatMap(({ line, entries }) => entries.map((entry) => ({ specId: line.partition_spec_id, entry })));
}

/** A file that the metadata names must be there. */
export async function getPart(storage: Storage, uri: string): Promise<Uint8Array> {
  try {
    return await storage.get(keyOf(storage, uri));
  } catch (error) {
    if (!(error instanceof ObjectNotFound)) throw error;
    throw new TailraceError('TARGET_BAD', `${uri}, which the table's metadata names, is missing.`, {
      place: uri,
      cause: error,
      hint: 'The table is damaged; restore the file from a backup or a replica.',
    });
  }
}

interface Cached {
  readonly entries: readonly ManifestEntry[];
  readonly bytes: number;
}

const caches = new WeakMap<Storage, Map<string, Cached>>();

/** Manifests that a table names never change, so a chain of commits reads each of them once. */
async function cachedEntries(
  storage: Storage,
  metadata: TableMetadata,
  line: ManifestFile,
  place: string,
): Promise<readonly ManifestEntry[]> {
  const cache = caches.get(storage) ?? new Map<string, Cached>();
  caches.set(storage, cache);
  const key = `${metadata['table-uuid']} ${line.manifest_path} ${line.sequence_number}`;
  const known = cache.get(key);
  cache.delete(key);
  const entries = known?.entries ?? (await freshEntries(storage, metadata, line, place));
  cache.set(key, { entries, bytes: Number(line.manifest_length) });
  let total = [...cache.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  for (const [oldest, { bytes }] of cache) {
    if (total <= CACHE_BYTES) break;
    cache.delete(oldest);
    total -= bytes;
  }
  return entries;
}

async function freshEntries(
  storage: Storage,
  metadata: TableMetadata,
  line: ManifestFile,
  place: string,
): Promise<readonly ManifestEntry[]> {
  const tuple = tupleFields(specOf(metadata, line.partition_spec_id, place), metadata.schemas);
  return readManifest(await getPart(storage, line.manifest_path), line, tuple);
}
