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
  const hint = await readHint(storage, location);
  let found = hint === undefined ? undefined : await keyOfVersion(storage, location, hint);
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

/** One commit looks at the newest version several times; with thousands of snapshots it takes long to read. */
async function readLatest(storage: Storage, { version, key, etag }: Found): Promise<Version> {
  const known = latest.get(storage);
  if (known !== undefined && etag !== undefined && known.etag === etag && known.version.key === key)
    return known.version;
  const read = await readVersion(storage, version, key);
  if (etag !== undefined) latest.set(storage, { etag, version: read });
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
  for (const compressed of [false, true]) {
    const key = metadataKey(location, version, compressed);
    const info = await storage.head(key);
    if (info !== undefined) return { version, key, etag: info.etag };
  }
  return undefined;
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
