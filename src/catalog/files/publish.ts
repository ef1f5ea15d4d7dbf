/**
 * The one step that makes a change visible: `v<N>.metadata.json`, put only if it is absent. Nothing that a change
 * refers to is deleted here: after an unknown outcome every file may be live.
 */
import type { Storage } from '../../storage/port.ts';
import { metadataBytes } from '../metadata/json.ts';
import type { TableMetadata } from '../metadata/wire.ts';
import type { CatalogOutcome } from '../port.ts';
import type { Version } from './version.ts';
import { metadataKey, newestVersion, readHint, readVersion, remember, writeHint } from './version.ts';

/** Puts the metadata as `version`. `holds`: whether a version that is there, this or a later one, has the change. */
export async function publish(
  storage: Storage,
  location: string,
  version: number,
  metadata: TableMetadata,
  holds: (there: Version) => boolean,
): Promise<CatalogOutcome> {
  const key = metadataKey(location, version);
  const put = await storage.putIf(key, metadataBytes(metadata), { ifAbsent: true });
  switch (put.kind) {
    case 'written':
      return settleWritten(storage, location, { version, key, metadata }, put.etag, holds);
    case 'exists':
      return settleExisting(storage, version, key, holds);
    case 'unknown':
      return settleUnknown(storage, location, put.cause, holds);
  }
}

/**
 * A writer that slept for long finds its version absent when old metadata has been retired meanwhile. Its metadata is
 * then no part of the table's history: it goes away before any reader is pointed to it.
 */
async function settleWritten(
  storage: Storage,
  location: string,
  written: Version,
  etag: string,
  holds: (there: Version) => boolean,
): Promise<CatalogOutcome> {
  const { version, key } = written;
  const hint = await readHint(storage, location).catch(() => undefined);
  if (hint !== undefined && hint > version) {
    const newest = await newestVersion(storage, location);
    if (newest !== undefined && newest.version > version && !holds(newest)) {
      await storage.delete(key);
      return { kind: 'conflict', reason: `The table has come to version ${newest.version} meanwhile.` };
    }
    return { kind: 'committed' };
  }
  remember(storage, written, etag);
  await writeHint(storage, location, version);
  return { kind: 'committed' };
}

/** The version is taken: by us, if a retry below met its own first try, else by another writer. */
async function settleExisting(
  storage: Storage,
  version: number,
  key: string,
  holds: (there: Version) => boolean,
): Promise<CatalogOutcome> {
  try {
    if (holds(await readVersion(storage, version, key))) return { kind: 'committed' };
    return { kind: 'conflict', reason: `Another writer has committed version ${version}.` };
  } catch (cause) {
    return { kind: 'unknown', reason: `Version ${version} of the metadata is there, but cannot be read.`, cause };
  }
}

/** Absent now may still arrive later, so "not found" stays unknown. */
async function settleUnknown(
  storage: Storage,
  location: string,
  cause: unknown,
  holds: (there: Version) => boolean,
): Promise<CatalogOutcome> {
  try {
    const newest = await newestVersion(storage, location);
    if (newest !== undefined && holds(newest)) {
      await writeHint(storage, location, newest.version);
      return { kind: 'committed' };
    }
  } catch {
    return { kind: 'unknown', reason: 'The reply to the commit was lost, and the table cannot be read.', cause };
  }
  return { kind: 'unknown', reason: 'The reply to the commit was lost, and the table does not show it yet.', cause };
}
