/**
 * Names of the folders that partition values make, such that Spark, PyArrow and DuckDB read the same text
 * from them. The values themselves stay in the files: a folder is only good for leaving files out.
 */
import { createHash } from 'node:crypto';
import type { PartitionField, PartitionValue } from '../../model/table.ts';
import { folderField } from '../../schema/partition.ts';

/** What Hive writes for null; Spark reads an empty text as an error, so '' goes here, too. */
export const NULL_FOLDER = '__HIVE_DEFAULT_PARTITION__';

/** Hive's list. Whatever else is escaped (as DuckDB does with UTF-8) Spark shows as it stands. */
const ESCAPED = new Set('"#%\'*/:=?\\\u007F{[]^');
/** File systems take 255 bytes a name; the field's name, of up to 128 characters and a suffix, stands before. */
const LABEL_BYTES_MAX = 100;

/** `region_part=eu/at_day=2024-01-01`, without slashes at the ends; '' for a table without partitions. */
export function partitionFolders(partition: readonly PartitionField[], values: readonly PartitionValue[]): string {
  return partition.map((field, index) => `${folderField(field)}=${valueLabel(field, values[index] ?? null)}`).join('/');
}

/**
 * A file's name with a digest of the exact values: null and '' share a folder, and so do `EU` and `eu`
 * on file systems that ignore case, but no two partitions may share a file.
 */
export function partitionFileName(fileName: string, values: readonly PartitionValue[]): string {
  if (values.length === 0) return fileName;
  const exact = JSON.stringify(values.map((value) => [typeof value, value === null ? null : String(value)]));
  const digest = createHash('sha256').update(exact).digest('hex').slice(0, 8);
  return fileName.replace(/(\.[a-z0-9.]+)?$/, (suffix) => `-${digest}${suffix}`);
}

/** The text after `=`: times print as dates, everything else as it is, escaped. */
export function valueLabel(field: Pick<PartitionField, 'transform'>, value: PartitionValue): string {
  if (value === null || value === '') return NULL_FOLDER;
  const text = typeof value === 'number' ? timeLabel(field.transform, value) : String(value);
  const label = escapeLabel(text);
  if (Buffer.byteLength(label) <= LABEL_BYTES_MAX) return label;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return `${cutLabel(text)}~${hash}`;
}

function timeLabel(transform: PartitionField['transform'], value: number): string {
  switch (transform) {
    case 'year':
      return String(1970 + value);
    case 'month':
      return dateText(Date.UTC(1970, value, 1)).slice(0, -3);
    case 'day':
      return dateText(value * 86_400_000);
    case 'hour': {
      const days = Math.floor(value / 24);
      return `${dateText(days * 86_400_000)}-${String(value - days * 24).padStart(2, '0')}`;
    }
    default:
      return String(value);
  }
}

/** ISO date; years of more than four digits keep their sign. */
function dateText(ms: number): string {
  return new Date(ms).toISOString().replace(/T.*$/, '');
}

function escapeLabel(text: string): string {
  // A storage key never holds `..`, not even within a name.
  return [...text]
    .map((c) => escapeCharacter(c))
    .join('')
    .replaceAll('..', '%2E%2E');
}

function escapeCharacter(c: string): string {
  const code = c.codePointAt(0) ?? 0;
  return code < 0x20 || ESCAPED.has(c) ? `%${code.toString(16).toUpperCase().padStart(2, '0')}` : c;
}

/** As many whole characters as fit with the hash. */
function cutLabel(text: string): string {
  let label = '';
  for (const c of text) {
    const next = label + escapeCharacter(c);
    if (Buffer.byteLength(next) > LABEL_BYTES_MAX - 17) break;
    label = next;
  }
  return label.replaceAll('..', '%2E');
}
