import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type DdbItem, ionChangeLine } from './ion.ts';
import type { WrittenExport } from './make-export.ts';

/** The net change of one key within a window. */
export interface WindowChange {
  /** Microseconds since 1970. */
  readonly at: bigint;
  readonly keys: DdbItem;
  readonly old?: DdbItem;
  readonly new?: DdbItem;
}

export interface WindowOptions {
  readonly changes?: readonly WindowChange[];
  /** Whole lines as they shall stand in the files; in place of changes. */
  readonly lines?: readonly string[];
  /** ISO times without milliseconds, as real windows have. */
  readonly from: string;
  readonly to: string;
  readonly view?: 'NEW_AND_OLD_IMAGES' | 'NEW_IMAGE';
  readonly format?: 'DYNAMODB_JSON' | 'ION';
  readonly filesCount?: number;
  readonly tableName?: string;
  readonly tableId?: string;
  readonly exportId?: string;
  readonly prefix?: string | null;
  /** Fields to change in or add to manifest-summary.json, before its checksum is taken. */
  readonly summary?: Readonly<Record<string, unknown>>;
}

const md5 = (bytes: Uint8Array): Buffer => createHash('md5').update(bytes).digest();
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Writes a real-shaped incremental export below `dir`: its data lies in the folder that all windows share. */
export async function writeWindow(dir: string, options: WindowOptions): Promise<WrittenExport> {
  const { from, to, view = 'NEW_AND_OLD_IMAGES', format = 'DYNAMODB_JSON' } = options;
  const exportId =
    options.exportId ?? `0${Date.parse(to)}-${hash(`${from}/${to}/${options.tableId ?? ''}`).slice(0, 8)}`;
  const prefix = options.prefix === undefined ? 'dynamodb-export' : options.prefix;
  const root = `${prefix === null ? '' : `${prefix}/`}AWSDynamoDB`;
  const tableArn = `arn:aws:dynamodb:eu-central-1:123456789012:table/${options.tableName ?? 'Shop'}`;
  const tableId = options.tableId ?? '11991185-e7ab-4da5-8bab-03f0db0b7bfd';
  const exportDir = join(dir, root, exportId);
  await mkdir(exportDir, { recursive: true });
  await mkdir(join(dir, root, 'data'), { recursive: true });

  const lines = options.lines ?? (options.changes ?? []).map((change) => changeLine(change, view, format));
  const count = options.filesCount ?? 2;
  const size = Math.ceil(lines.length / count);
  const entries: object[] = [];
  const dataPaths: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const part = lines.slice(index * size, (index + 1) * size);
    const bytes = gzipSync(part.map((line) => `${line}\n`).join(''));
    const key = `${root}/data/${hash(`${exportId}/${index}`).slice(0, 26)}.${format === 'ION' ? 'ion' : 'json'}.gz`;
    await writeFile(join(dir, key), bytes);
    dataPaths.push(join(dir, key));
    const md5Checksum = md5(bytes).toString('base64');
    const etag = `${createHash('md5').update(md5(bytes)).digest('hex')}-1`;
    entries.push({ itemCount: part.length, md5Checksum, etag, dataFileS3Key: key });
  }
  const summary = {
    version: '2023-08-01',
    exportArn: `${tableArn}/export/${exportId}`,
    startTime: to,
    endTime: new Date(Date.parse(to) + 306_000).toISOString(),
    tableArn,
    tableId,
    exportFromTime: from,
    exportToTime: to,
    s3Bucket: 'test-bucket',
    s3Prefix: prefix,
    s3SseAlgorithm: 'AES256',
    s3SseKmsKeyId: null,
    manifestFilesS3Key: `${root}/${exportId}/manifest-files.json`,
    billedSizeBytes: 19,
    itemCount: lines.length,
    outputFormat: format,
    outputView: view,
    exportType: 'INCREMENTAL_EXPORT',
    ...options.summary,
  };
  await writeFile(join(exportDir, '_started'), '');
  await withChecksum(exportDir, 'manifest-files', entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  await withChecksum(exportDir, 'manifest-summary', JSON.stringify(summary));
  return { dir, exportDir, exportId, tableArn, tableId, exportTime: to, itemCount: lines.length, dataPaths };
}

async function withChecksum(exportDir: string, name: string, text: string): Promise<void> {
  await writeFile(join(exportDir, `${name}.json`), text);
  await writeFile(join(exportDir, `${name}.md5`), md5(Buffer.from(text)).toString('base64'));
}

/** One line of an incremental export: the time stamp is a typed N, as real ones are. */
export function changeLine(
  change: WindowChange,
  view: 'NEW_AND_OLD_IMAGES' | 'NEW_IMAGE',
  format: 'DYNAMODB_JSON' | 'ION' = 'DYNAMODB_JSON',
): string {
  const images = {
    ...(change.old === undefined || view === 'NEW_IMAGE' ? {} : { OldImage: change.old }),
    ...(change.new === undefined ? {} : { NewImage: change.new }),
  };
  if (format === 'ION') return ionChangeLine(String(change.at), { Keys: change.keys, ...images });
  return JSON.stringify({ Metadata: { WriteTimestampMicros: { N: String(change.at) } }, Keys: change.keys, ...images });
}
