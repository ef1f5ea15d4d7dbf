// Writes a small incremental export beside the full one that make-export.mjs wrote, as DynamoDB lays it out on S3.
// Usage: node make-window.mjs <folder> <number>   the window of the number-th quarter of an hour behind the full export
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const [folder = 'export', number = '0'] = process.argv.slice(2);
// A full export is exact only to within a minute, so the first window begins a minute before it.
const from = Date.UTC(2026, 0, 1) - 60_000 + Number(number) * 900_000;
const to = from + 900_000;
const iso = (ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const id = `0${to}-0a1b2c3d`;
const tableArn = 'arn:aws:dynamodb:eu-central-1:123456789012:table/orders';

// Of every window: ten orders paid, two deleted, three new ones, which have an attribute that no order had before.
const first = Number(number) * 20;
const changes = [
  ...Array.from({ length: 10 }, (_, index) => put(first + index, { paid: { BOOL: true } })),
  ...Array.from({ length: 2 }, (_, index) => ({ Keys: key(first + 10 + index) })),
  ...Array.from({ length: 3 }, (_, index) => put(900_000 + first + index, { channel: { S: 'app' } })),
];
const lines = changes.map((change, index) =>
  JSON.stringify({ Metadata: { WriteTimestampMicros: { N: `${(from + 120_000 + index) * 1000}` } }, ...change }),
);

mkdirSync(join(folder, 'AWSDynamoDB', id), { recursive: true });
// The data files of all windows lie in one folder; only the manifests tell which belong together.
mkdirSync(join(folder, 'AWSDynamoDB', 'data'), { recursive: true });
const dataFileS3Key = `AWSDynamoDB/data/window-${number}.json.gz`;
const bytes = gzipSync(lines.map((line) => `${line}\n`).join(''));
writeFileSync(join(folder, dataFileS3Key), bytes);
const md5 = createHash('md5').update(bytes).digest();
const etag = `${createHash('md5').update(md5).digest('hex')}-1`;
const file = { itemCount: lines.length, md5Checksum: md5.toString('base64'), etag, dataFileS3Key };
write('manifest-files', `${JSON.stringify(file)}\n`);
write(
  'manifest-summary',
  JSON.stringify({
    version: '2023-08-01',
    exportArn: `${tableArn}/export/${id}`,
    startTime: iso(to),
    endTime: iso(to + 300_000),
    tableArn,
    tableId: '6d1c1f2e-1111-4222-8333-444455556666',
    exportFromTime: iso(from),
    exportToTime: iso(to),
    s3Bucket: 'example-exports',
    s3Prefix: null,
    s3SseAlgorithm: 'AES256',
    s3SseKmsKeyId: null,
    manifestFilesS3Key: `AWSDynamoDB/${id}/manifest-files.json`,
    billedSizeBytes: 0,
    itemCount: lines.length,
    outputFormat: 'DYNAMODB_JSON',
    outputView: 'NEW_IMAGE',
    exportType: 'INCREMENTAL_EXPORT',
  }),
);

function key(index) {
  return { order_id: { S: `o-${String(index).padStart(6, '0')}` } };
}

function put(index, more) {
  return { Keys: key(index), NewImage: { ...key(index), region: { S: 'eu' }, total: { N: '10' }, ...more } };
}

function write(name, text) {
  const path = join(folder, 'AWSDynamoDB', id, name);
  writeFileSync(`${path}.json`, text);
  writeFileSync(`${path}.md5`, createHash('md5').update(text).digest('base64'));
}
