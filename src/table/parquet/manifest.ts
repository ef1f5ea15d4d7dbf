/**
 * The one object that says which generation of a Parquet table counts.
 * Its bytes are `{"tailraceParquet":1,"sha256":"…","table":{…}}` and a line's end, exactly: the frame is fixed
 * and the rest is hashed, so that no torn write, flipped bit or careless edit goes unnoticed.
 */
import { createHash } from 'node:crypto';
import { TailraceError } from '../../model/errors.ts';
import type { TableSchema } from '../../model/schema.ts';
import type { DataFile, Ledger, PartitionField, PartitionValue, SortField, TableOptions } from '../../model/table.ts';

export const MANIFEST_VERSION = 1;
/** Begins with an underscore, so that readers that list the folder pass over it. */
export const MANIFEST_NAME = '_tailrace.json';
/** How many former states a manifest remembers. */
export const PREVIOUS_MAX = 50;

export interface Manifest {
  /** Names the state, and the folder of its files. */
  readonly generation: string;
  /** Present while files lie in folders of several generations: the newest one whose folder holds all of its own. */
  readonly published?: string;
  readonly commitId: string;
  /** Milliseconds since 1970. */
  readonly committedMs: number;
  readonly schema: TableSchema;
  readonly partition: readonly PartitionField[];
  readonly sort: readonly SortField[];
  readonly ledger: Ledger;
  readonly options?: TableOptions;
  readonly rows: number;
  /** Paths are relative to the table's location: a copied table stays whole. */
  readonly files: readonly DataFile[];
  /** Generations that counted before, newest first. A lost reply is settled by looking here, too. */
  readonly previous: readonly PreviousGeneration[];
}

export interface PreviousGeneration {
  readonly generation: string;
  readonly commitId: string;
  readonly committedMs: number;
  /** Its files lay in folders of several generations, and no reader was sent to it. */
  readonly scattered?: boolean;
}

/** A manifest with the etag that a swap is compared with. */
export interface ReadManifest {
  readonly manifest: Manifest;
  readonly etag: string;
}

const FRAME = /^\{"tailraceParquet":1,"sha256":"([0-9a-f]{64})","table":(\{.*\})\}\n$/s;

/** The bytes of a manifest; the same manifest gives the same bytes. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const files = manifest.files.map((file) => ({ ...file, partition: file.partition.map(encodeValue) }));
  const body = JSON.stringify({ ...manifest, files });
  return Buffer.from(`{"tailraceParquet":${MANIFEST_VERSION},"sha256":"${sha256(body)}","table":${body}}\n`);
}

/** The manifest in these bytes, or TARGET_BAD: another version, torn, or edited. */
export function decodeManifest(bytes: Uint8Array, place: string): Manifest {
  const text = decodeText(bytes, place);
  const [, checksum, body] = FRAME.exec(text) ?? [];
  if (checksum === undefined || body === undefined) throw notReadable(text, place);
  if (sha256(body) !== checksum) throw damaged(place, `sha256 ${checksum}`, `sha256 ${sha256(body)}`);
  const table = JSON.parse(body) as Omit<Manifest, 'files'> & { readonly files: readonly EncodedFile[] };
  const files = table.files.map((file) => ({ ...file, partition: file.partition.map(decodeValue) }));
  return { ...table, files };
}

/** JSON has no 64-bit integers. */
type EncodedValue = Exclude<PartitionValue, bigint> | { readonly long: string };
type EncodedFile = Omit<DataFile, 'partition'> & { readonly partition: readonly EncodedValue[] };

function encodeValue(value: PartitionValue): EncodedValue {
  return typeof value === 'bigint' ? { long: String(value) } : value;
}

function decodeValue(value: EncodedValue): PartitionValue {
  return typeof value === 'object' && value !== null ? BigInt(value.long) : value;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function decodeText(bytes: Uint8Array, place: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw damaged(place, 'UTF-8 text', 'other bytes');
  }
}

function notReadable(text: string, place: string): TailraceError {
  const version = /^\{"tailraceParquet":([0-9]+),"sha256":"/.exec(text)?.[1];
  if (version === undefined || version === String(MANIFEST_VERSION)) {
    return damaged(
      place,
      'the manifest as tailrace wrote it',
      `${text.length} characters that begin with ${JSON.stringify(text.slice(0, 24))}`,
    );
  }
  return new TailraceError('TARGET_BAD', 'The table was written by another version of tailrace.', {
    place,
    expected: `manifest version ${MANIFEST_VERSION}`,
    found: `version ${version}`,
    hint: 'Use the version of tailrace that wrote the table, or a newer one.',
  });
}

function damaged(place: string, expected: string, found: string): TailraceError {
  return new TailraceError('TARGET_BAD', 'The manifest of the Parquet table is damaged or was edited.', {
    place,
    expected,
    found,
    hint:
      'Restore an older version of this object from the bucket’s versions or a backup, or move the folder away and load again; ' +
      'the data files in its generations are untouched.',
  });
}
