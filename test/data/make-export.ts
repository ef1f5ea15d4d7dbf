import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { marshall } from '@aws-sdk/util-dynamodb';
import { type DdbItem, type DdbValue, ionLine } from './ion.ts';

export interface ExportOptions {
  /** Items as DynamoDB JSON: `{ id: { S: 'x' } }`. */
  readonly items?: readonly DdbItem[];
  /** Items as plain JavaScript, encoded by AWS's own encoder (give numbers that must stay exact as NumberValue). */
  readonly plain?: readonly Readonly<Record<string, unknown>>[];
  /** Whole lines as they shall stand in the files, whatever they hold; `itemCount` counts the non-blank ones. */
  readonly lines?: readonly (string | Uint8Array)[];
  /** Lines per data file, in place of an even split. */
  readonly files?: readonly (readonly (string | Uint8Array)[])[];
  /** Data files to spread the lines over; default 2. */
  readonly filesCount?: number;
  /** Puts a file without items (a 20-byte gzip) first, as real exports do. */
  readonly emptyFirst?: boolean;
  readonly format?: 'DYNAMODB_JSON' | 'ION';
  readonly tableName?: string;
  readonly tableId?: string;
  readonly exportTime?: string;
  readonly exportId?: string;
  readonly bucket?: string;
  /** Default `dynamodb-export`; null: the export lies at the bucket's root. */
  readonly prefix?: string | null;
  readonly checksums?: 'md5' | 'checksum' | 'none';
  /** Ends each line; the last one, too, unless `lastNewline` is false. */
  readonly newline?: string;
  readonly lastNewline?: boolean;
  /** Fields to change in or add to manifest-summary.json (undefined removes one), before its checksum is taken. */
  readonly summary?: Readonly<Record<string, unknown>>;
  /** Changes manifest-files.json before its checksum is taken. */
  readonly entries?: (entries: ManifestEntry[]) => readonly object[];
}

export interface ManifestEntry {
  itemCount: number;
  md5Checksum: string;
  etag: string;
  dataFileS3Key: string;
}

export interface WrittenExport {
  /** The folder that was named: stands for the bucket's root. */
  readonly dir: string;
  /** The folder that holds manifest-summary.json. */
  readonly exportDir: string;
  readonly exportId: string;
  readonly tableArn: string;
  readonly tableId: string;
  readonly exportTime: string;
  readonly itemCount: number;
  /** Paths of the data files, in manifest order. */
  readonly dataPaths: readonly string[];
}

const gzipped = (bytes: Uint8Array): Buffer => gzipSync(bytes, { level: 6 });
const md5 = (bytes: Uint8Array): Buffer => createHash('md5').update(bytes).digest();

/** Writes a whole real-shaped full export below `dir`: data, both manifests and their checksum files. */
export async function writeExport(dir: string, options: ExportOptions = {}): Promise<WrittenExport> {
  const format = options.format ?? 'DYNAMODB_JSON';
  const exportTime = options.exportTime ?? '2026-03-01T12:00:00.123Z';
  const exportId = options.exportId ?? `0${Date.parse(exportTime)}-${hash(options.tableName ?? 'Shop').slice(0, 8)}`;
  const prefix = options.prefix === undefined ? 'dynamodb-export' : options.prefix;
  const base = `${prefix === null ? '' : `${prefix}/`}AWSDynamoDB/${exportId}`;
  const tableArn = `arn:aws:dynamodb:eu-central-1:123456789012:table/${options.tableName ?? 'Shop'}`;
  const tableId = options.tableId ?? '11991185-e7ab-4da5-8bab-03f0db0b7bfd';
  const exportDir = join(dir, base);
  await mkdir(join(exportDir, 'data'), { recursive: true });

  const entries: ManifestEntry[] = [];
  const dataPaths: string[] = [];
  for (const [index, lines] of fileLines(options, format).entries()) {
    const bytes = gzipped(joinLines(lines, options));
    const key = `${base}/data/${hash(`${exportId}/${index}`).slice(0, 26)}.${format === 'ION' ? 'ion' : 'json'}.gz`;
    await writeFile(join(dir, key), bytes);
    dataPaths.push(join(dir, key));
    entries.push({
      itemCount: lines.filter(isItem).length,
      md5Checksum: md5(bytes).toString('base64'),
      etag: `${createHash('md5').update(md5(bytes)).digest('hex')}-1`,
      dataFileS3Key: key,
    });
  }
  const itemCount = entries.reduce((sum, entry) => sum + entry.itemCount, 0);
  const summary = {
    version: '2020-06-30',
    exportArn: `${tableArn}/export/${exportId}`,
    startTime: exportTime,
    endTime: new Date(Date.parse(exportTime) + 306_000).toISOString(),
    tableArn,
    tableId,
    exportTime,
    s3Bucket: options.bucket ?? 'test-bucket',
    s3Prefix: prefix,
    s3SseAlgorithm: 'AES256',
    s3SseKmsKeyId: null,
    manifestFilesS3Key: `${base}/manifest-files.json`,
    billedSizeBytes: 19,
    itemCount,
    outputFormat: format,
    ...options.summary,
  };
  const listed = options.entries === undefined ? entries : options.entries(entries);
  await writeFile(join(exportDir, '_started'), '');
  await withChecksum(
    exportDir,
    'manifest-files',
    listed.map((entry) => `${JSON.stringify(entry)}\n`).join(''),
    options,
  );
  await withChecksum(exportDir, 'manifest-summary', JSON.stringify(summary), options);
  return { dir, exportDir, exportId, tableArn, tableId, exportTime, itemCount, dataPaths };
}

/** Writes a manifest, and beside it what its checksum file holds. */
async function withChecksum(exportDir: string, name: string, text: string, options: ExportOptions): Promise<void> {
  await writeFile(join(exportDir, `${name}.json`), text);
  const suffix = options.checksums ?? 'md5';
  if (suffix !== 'none')
    await writeFile(join(exportDir, `${name}.${suffix}`), md5(Buffer.from(text)).toString('base64'));
}

function fileLines(options: ExportOptions, format: 'DYNAMODB_JSON' | 'ION'): (readonly (string | Uint8Array)[])[] {
  const files =
    options.files === undefined ? spread(allLines(options, format), options.filesCount ?? 2) : [...options.files];
  return options.emptyFirst === true ? [[], ...files] : files;
}

function allLines(options: ExportOptions, format: 'DYNAMODB_JSON' | 'ION'): readonly (string | Uint8Array)[] {
  if (options.lines !== undefined) return options.lines;
  const items = [...(options.items ?? []), ...(options.plain ?? []).map(plainItem)];
  return items.map((item) => (format === 'ION' ? ionLine(item) : `{"Item":${JSON.stringify(item)}}`));
}

/** A plain object as DynamoDB JSON by AWS's own encoder; its byte arrays become base64 as in an export. */
export function plainItem(plain: Readonly<Record<string, unknown>>): DdbItem {
  const marshalled = marshall(plain, { convertClassInstanceToMap: true, removeUndefinedValues: true });
  return Object.fromEntries(
    Object.entries(marshalled).map(([name, value]) => [name, base64Bytes(value as unknown as DdbValue)]),
  );
}

function base64Bytes(value: DdbValue): DdbValue {
  const [tag, inner] = Object.entries(value)[0] ?? ['NULL', true];
  const encode = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString('base64');
  if (tag === 'B') return { B: encode(inner) };
  if (tag === 'BS') return { BS: (inner as unknown[]).map(encode) };
  if (tag === 'L') return { L: (inner as DdbValue[]).map(base64Bytes) };
  if (tag !== 'M') return value;
  return {
    M: Object.fromEntries(Object.entries(inner as DdbItem).map(([name, member]) => [name, base64Bytes(member)])),
  };
}

/** Consecutive runs of nearly equal length, so that an item's file follows from its place. */
function spread<T>(lines: readonly T[], count: number): T[][] {
  const size = Math.ceil(lines.length / count);
  return Array.from({ length: count }, (_, index) => lines.slice(index * size, (index + 1) * size));
}

function joinLines(lines: readonly (string | Uint8Array)[], options: ExportOptions): Buffer {
  const newline = Buffer.from(options.newline ?? '\n');
  const parts = lines.flatMap((line) => [Buffer.from(line as string), newline]);
  if (options.lastNewline === false) parts.pop();
  return Buffer.concat(parts);
}

const isItem = (line: string | Uint8Array): boolean =>
  Buffer.from(line as string)
    .toString('latin1')
    .trim() !== '';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
