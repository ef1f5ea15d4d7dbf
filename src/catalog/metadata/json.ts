/** Table metadata and its JSON, with 64-bit numbers exact. */
import { TailraceError } from '../../model/errors.ts';
import { parseWithSnapshots } from './known-snapshots.ts';
import { printWide } from './wide-json.ts';
import type { TableMetadata } from './wire.ts';

/** Members of metadata that hold 64-bit integers. */
export const WIDE_KEYS: ReadonlySet<string> = new Set([
  'snapshot-id',
  'parent-snapshot-id',
  'current-snapshot-id',
  'sequence-number',
  'last-sequence-number',
]);

/** Metadata from its JSON, with 64-bit numbers exact. `place` is its URI, for errors. */
export function parseMetadata(text: string, place: string): TableMetadata {
  return checkMetadata(parseJson(text, place), place);
}

/** Metadata that was parsed as part of something else. */
export function checkMetadata(value: unknown, place: string): TableMetadata {
  const metadata = value as TableMetadata | undefined;
  const version = metadata?.['format-version'];
  if (version !== 2 || !Array.isArray(metadata?.schemas) || !Array.isArray(metadata['partition-specs'])) {
    throw new TailraceError('TARGET_BAD', `${place} is not the metadata of an Iceberg table of format version 2.`, {
      place,
      expected: 'format-version 2',
      found: `format-version ${String(version)}`,
      hint:
        version === 1 ? "Upgrade the table ('format-version'='2') or choose another target." : 'Choose another target.',
    });
  }
  return metadata;
}

/** The metadata's JSON. */
export function printMetadata(metadata: TableMetadata): string {
  return metadataBytes(metadata).toString('utf8');
}

/** The same as a file holds it. The bytes of a snapshot are kept as long as it is: each commit adds one to the others. */
export function metadataBytes(metadata: TableMetadata): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(metadata)) {
    if (value === undefined) continue;
    const before = `${parts.length === 0 ? '{' : ','}${JSON.stringify(name)}:`;
    if (LISTS.has(name) && Array.isArray(value)) parts.push(Buffer.from(before), ...listBytes(value));
    else parts.push(Buffer.from(before + printWide(value)));
  }
  return Buffer.concat([...parts, Buffer.from('}')]);
}

/** What grows with each commit. */
const LISTS: ReadonlySet<string> = new Set(['snapshots', 'snapshot-log', 'metadata-log']);
const [OPEN, COMMA, CLOSE] = ['[', ',', ']'].map((mark) => Buffer.from(mark)) as [Buffer, Buffer, Buffer];

const printed = new WeakMap<object, Buffer>();

function listBytes(list: readonly object[]): readonly Buffer[] {
  return [OPEN, ...list.flatMap((part, at) => (at === 0 ? [bytesOf(part)] : [COMMA, bytesOf(part)])), CLOSE];
}

function bytesOf(part: object): Buffer {
  const known = printed.get(part);
  if (known !== undefined) return known;
  const bytes = Buffer.from(printWide(part));
  printed.set(part, bytes);
  return bytes;
}

function parseJson(text: string, place: string): unknown {
  try {
    return parseWithSnapshots(text, WIDE_KEYS);
  } catch (error) {
    throw new TailraceError('TARGET_BAD', `${place} is not JSON.`, {
      place,
      cause: error,
      hint: 'The table is damaged; restore the file from a backup or a replica.',
    });
  }
}
