import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One data file of an export, as manifest-files.json lists it. */
export interface DataFileEntry {
  /** File name below the export's `data` folder. */
  readonly name: string;
  readonly itemCount: number;
  /** base64 of the MD5 of the file's bytes as they lie there. */
  readonly md5Base64: string;
}

/** What manifest-summary.json says of a full export. */
export interface ExportDescription {
  readonly tableName: string;
  readonly tableId: string;
  readonly exportId: string;
  /** ISO with milliseconds. */
  readonly exportTime: string;
  readonly outputFormat: 'DYNAMODB_JSON' | 'ION';
  readonly bucket: string;
  readonly prefix: string;
  readonly billedSizeBytes: number;
}

const ACCOUNT = 'arn:aws:dynamodb:eu-central-1:123456789012:table';

/** Folder of an export below a root, as S3 lays it out; the prefix itself is not repeated on disk. */
export function exportFolder(root: string, exportId: string): string {
  return join(root, 'AWSDynamoDB', exportId);
}

/** Writes `_started`, both manifests and their checksum files into an export's folder. */
export async function writeManifests(
  folder: string,
  description: ExportDescription,
  files: readonly DataFileEntry[],
): Promise<void> {
  const { bucket, prefix, exportId, exportTime, tableName } = description;
  const keyBase = `${prefix === '' ? '' : `${prefix}/`}AWSDynamoDB/${exportId}`;
  const lines = files.map((file) =>
    JSON.stringify({
      itemCount: file.itemCount,
      md5Checksum: file.md5Base64,
      etag: multipartEtag(file.md5Base64),
      dataFileS3Key: `${keyBase}/data/${file.name}`,
    }),
  );
  const summary = JSON.stringify({
    version: '2020-06-30',
    exportArn: `${ACCOUNT}/${tableName}/export/${exportId}`,
    startTime: exportTime,
    endTime: new Date(Date.parse(exportTime) + 306_000).toISOString(),
    tableArn: `${ACCOUNT}/${tableName}`,
    tableId: description.tableId,
    exportTime,
    s3Bucket: bucket,
    s3Prefix: prefix === '' ? null : prefix,
    s3SseAlgorithm: 'AES256',
    s3SseKmsKeyId: null,
    manifestFilesS3Key: `${keyBase}/manifest-files.json`,
    billedSizeBytes: description.billedSizeBytes,
    itemCount: files.reduce((sum, file) => sum + file.itemCount, 0),
    outputFormat: description.outputFormat,
  });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, '_started'), '');
  await writeWithMd5(folder, 'manifest-files', lines.map((line) => `${line}\n`).join(''));
  await writeWithMd5(folder, 'manifest-summary', summary);
}

/** base64 of the MD5 of some bytes, as manifests and checksum files hold it. */
export function md5Base64(bytes: Uint8Array | string): string {
  return createHash('md5').update(bytes).digest('base64');
}

/** S3's etag of an object uploaded as a multipart of one part. */
function multipartEtag(md5: string): string {
  return `${createHash('md5').update(Buffer.from(md5, 'base64')).digest('hex')}-1`;
}

async function writeWithMd5(folder: string, name: string, text: string): Promise<void> {
  await writeFile(join(folder, `${name}.json`), text);
  await writeFile(join(folder, `${name}.md5`), md5Base64(text));
}
