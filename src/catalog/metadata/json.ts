/** Table metadata and its JSON, with 64-bit numbers exact. */
import { TailraceError } from '../../model/errors.ts';
import { parseWide, printWide } from './wide-json.ts';
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
  return printWide(metadata);
}

function parseJson(text: string, place: string): unknown {
  try {
    return parseWide(text, WIDE_KEYS);
  } catch (error) {
    throw new TailraceError('TARGET_BAD', `${place} is not JSON.`, {
      place,
      cause: error,
      hint: 'The table is damaged; restore the file from a backup or a replica.',
    });
  }
}
