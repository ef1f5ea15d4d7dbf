/**
 * The newest metadata of a filesystem table. Versions have no gaps, so from any version that is there the newest
 * is found by probing upwards; the hint only says where to begin, and may be missing or stale.
 */
import { TailraceError } from '../../model/errors.ts';
import type { Storage } from '../../storage/port.ts';
import { ObjectNotFound } from '../../storage/port.ts';
import { unzip } from '../metadata/file.ts';
import { parseMetadata } from '../metadata/json.ts';
import type { TableMetadata } from '../metadata/wire.ts';
import { below } from '../paths.ts';

export interface Version {
  readonly version: number;
  /** Key of the metadata file. */
  readonly key: string;
  readonly metadata: TableMetadata;
}

/** The key of a version's metadata. */
export function metadataKey(location: string, version: number, compressed = false): string {
  return below(location, `metadata/v${version}${compressed ? '.gz' : ''}.metadata.json`);
}

/** The newest version of the table; undefined when there is none. */
export async function newestVersion(storage: Storage, location: string): Promise<Version | undefined> {
  let found = await knownVersion(storage, location);
  if (found === undefined) {
    const hint = await readHint(storage, location);
    found = hint === undefined ? undefined : await keyOfVersion(storage, location, hint);
  }
  found ??= await listedVersion(storage, location);
  if (found === undefined) return undefined;
  for (;;) {
    const next = await keyOfVersion(storage, location, found.version + 1);
    if (next === undefined) return readLatest(storage, found);
    found = next;
  }
}

interface Latest {
  readonly etag: string;
  readonly version: Version;
}

const latest = new WeakMap<Storage, Latest>();

/** A version that was read or written: a run looks at the newest one several times, and with thousands of snapshots it
 * takes long to read. */
export function remember(storage: Storage, version: Version, etag: string): void {
  latest.set(storage, { etag, version });
}

/** The version that this process has seen last, if it is still there: the hint says nothing better. */
async function knownVersion(storage: Storage, location: string): Promise<Found | undefined> {
  const known = latest.get(storage)?.version;
  if (known === undefined || !known.key.startsWith(below(location, 'metadata/'))) return undefined;
  const info = await storage.head(known.key);
  return info && { version: known.version, key: known.key, etag: info.etag };
}

async function readLatest(storage: Storage, { version, key, etag }: Found): Promise<Version> {
  const known = latest.get(storage);
  if (known !== undefined && etag !== undefined && known.etag === etag && known.version.key === key)
    return known.version;
  const read = await readVersion(storage, version, key);
  if (etag !== undefined) remember(storage, read, etag);
  return read;
}

/** One version's metadata. Throws ObjectNotFound when it is not there. */
export async function readVersion(storage: Storage, version: number, key: string): Promise<Version> {
  const bytes = await storage.get(key);
  const place = storage.uri(key);
  const text = Buffer.from(key.includes('.gz.') ? unzip(bytes, place) : bytes).toString('utf8');
  return { version, key, metadata: parseMetadata(text, place) };
}

/** Says where readers may begin to look. Nothing depends on it, so a failure is no failure. */
export async function writeHint(storage: Storage, location: string, version: number): Promise<void> {
  try {
    // Hadoop's checksum of a hint that Spark wrote would no longer fit.
    if (storage.kind === 'local') await storage.delete(below(location, 'metadata/.version-hint.text.crc'));
    await storage.put(below(location, 'metadata/version-hint.text'), Buffer.from(String(version)));
  } catch {
    // Readers probe upwards from an older hint, and list without one.
  }
}

interface Found {
  readonly version: number;
  readonly key: string;
  /** Undefined: not asked for. */
  readonly etag?: string;
}

/** The version that the hint names, if there is a hint. */
export async function readHint(storage: Storage, location: string): Promise<number | undefined> {
  try {
    const text = Buffer.from(await storage.get(below(location, 'metadata/version-hint.text')))
      .toString('utf8')
      .trim();
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  } catch (error) {
    if (error instanceof ObjectNotFound) return undefined;
    throw error;
  }
}

async function keyOfVersion(storage: Storage, location: string, version: number): Promise<Found | undefined> {
  const keys = [false, true].map((compressed) => metadataKey(location, version, compressed));
  const there = await Promise.all(keys.map((key) => storage.head(key)));
  const info = there.find((one) => one !== undefined);
  return info && { version, key: info.key, etag: info.etag };
}

async function listedVersion(storage: Storage, location: string): Promise<Found | undefined> {
  const folder = below(location, 'metadata/');
  let newest: Found | undefined;
  let foreign: string | undefined;
  for await (const { key } of storage.list(folder)) {
    const name = key.slice(folder.length);
    const match = /^v(\d+)(?:\.gz)?\.metadata\.json$/.exec(name);
    if (match === null) foreign ??= /^[^/]*\.metadata\.json$/.test(name) ? key : undefined;
    else if (newest === undefined || Number(match[1]) > newest.version) newest = { version: Number(match[1]), key };
  }
  if (newest === undefined && foreign !== undefined) {
    throw new TailraceError('TARGET_BAD', 'The table there belongs to a catalog.', {
      place: storage.uri(foreign),
      expected: 'metadata/v<N>.metadata.json',
      found: foreign.slice(folder.length),
      hint: 'Choose another location: only the catalog may commit to this table.',
    });
  }
  return newest;
}
