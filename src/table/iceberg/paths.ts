/** Where data files lie. */
import { createHash } from 'node:crypto';
import { below } from '../../catalog/paths.ts';
import type { PartitionField, PartitionValue } from '../../model/table.ts';

/** Characters of one partition folder; longer ones are cut and hashed, because file systems stop at 255. */
const FOLDER_LENGTH = 120;

/** The key of a new data file: `data/<field=value>/…/<commitId>-<fileName>`. Different tuples have different folders. */
export function dataFileKey(
  location: string,
  commitId: string,
  partition: readonly PartitionField[],
  values: readonly PartitionValue[],
  fileName: string,
): string {
  const folders = partition.map((field, index) => folder(field, values[index] ?? null));
  return below(location, ['data', ...folders, `${commitId}-${fileName}`].join('/'));
}

function folder(field: PartitionField, value: PartitionValue): string {
  const text = `${encode(field.name)}=${valueText(field, value)}`;
  if (text.length <= FOLDER_LENGTH) return text;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return `${text.slice(0, FOLDER_LENGTH - 17).replace(/%.?$/, '')}~${hash}`;
}

function valueText(field: PartitionField, value: PartitionValue): string {
  if (value === null) return 'null';
  // The text "null" must not share a folder with a null.
  if (value === 'null') return '%6Eull';
  if (typeof value !== 'number') return encode(String(value));
  switch (field.transform) {
    case 'year':
      return String(1970 + value);
    case 'month':
      return `${1970 + Math.floor(value / 12)}-${pad((((value % 12) + 12) % 12) + 1)}`;
    case 'day':
      return day(value);
    case 'hour':
      return `${day(Math.floor(value / 24))}-${pad(((value % 24) + 24) % 24)}`;
    default:
      return encode(String(value));
  }
}

function day(days: number): string {
  const date = new Date(days * 86_400_000);
  return Number.isNaN(date.getTime()) ? String(days) : date.toISOString().slice(0, -14);
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

/** Percent-encodes every UTF-8 byte but letters, digits, `-`, `_` and `.`. */
function encode(text: string): string {
  return [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9._-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
