/** Metadata files by URI, plain or gzipped, as catalogs name them: `00003-<uuid>.metadata.json`. */
import { gunzipSync } from 'node:zlib';
import { TailraceError } from '../../model/errors.ts';
import type { Storage } from '../../storage/port.ts';
import { ObjectNotFound } from '../../storage/port.ts';
import { keyOf } from '../paths.ts';
import { parseMetadata } from './json.ts';
import type { TableMetadata } from './wire.ts';

const NAME = /^(\d+)-[^/]*\.metadata\.json(?:\.gz)?$|^(\d+)-[^/]*\.gz\.metadata\.json$/;

/** The metadata that a file holds. */
export async function readMetadataFile(storage: Storage, uri: string): Promise<TableMetadata> {
  let bytes: Uint8Array;
  try {
    bytes = await storage.get(keyOf(storage, uri));
  } catch (error) {
    if (!(error instanceof ObjectNotFound)) throw error;
    throw new TailraceError('TARGET_BAD', `${uri}, which the catalog names as the table's metadata, is missing.`, {
      place: uri,
      cause: error,
      hint: 'The table is damaged; restore the file from a backup or a replica, or drop the table in its catalog.',
    });
  }
  return parseMetadata(Buffer.from(isGzip(bytes) ? unzip(bytes, uri) : bytes).toString('utf8'), uri);
}

/** The number that a metadata file's name begins with; undefined where it has none. */
export function numberOf(uri: string): number | undefined {
  const match = NAME.exec(uri.slice(uri.lastIndexOf('/') + 1));
  return match === null ? undefined : Number(match[1] ?? match[2]);
}

/** A gzip member of metadata, whatever the file is called. */
export function unzip(bytes: Uint8Array, place: string): Uint8Array {
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw new TailraceError('TARGET_BAD', `${place} is not a readable gzip file.`, {
      place,
      cause: error,
      hint: 'The table is damaged; restore the file from a backup or a replica.',
    });
  }
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}
