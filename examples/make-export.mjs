// Writes a small full export, laid out as DynamoDB lays it out on S3, so that the examples need no AWS.
// Usage: node make-export.mjs <folder> [items]
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const [folder = 'export', count = '500'] = process.argv.slice(2);
const id = '01767225600000-0a1b2c3d';
const base = `AWSDynamoDB/${id}`;
const tableArn = 'arn:aws:dynamodb:eu-central-1:123456789012:table/orders';
mkdirSync(join(folder, base, 'data'), { recursive: true });

const lines = Array.from({ length: Number(count) }, (_, index) => JSON.stringify({ Item: order(index) }));
const half = Math.ceil(lines.length / 2);
const files = [lines.slice(0, half), lines.slice(half)].map((part, index) => {
  const key = `${base}/data/part${index}.json.gz`;
  const bytes = gzipSync(part.map((line) => `${line}\n`).join(''));
  writeFileSync(join(folder, key), bytes);
  const md5 = createHash('md5').update(bytes).digest();
  const etag = `${createHash('md5').update(md5).digest('hex')}-1`;
  return { itemCount: part.length, md5Checksum: md5.toString('base64'), etag, dataFileS3Key: key };
});

write('manifest-files', files.map((file) => `${JSON.stringify(file)}\n`).join(''));
write(
  'manifest-summary',
  JSON.stringify({
    version: '2020-06-30',
    exportArn: `${tableArn}/export/${id}`,
    startTime: '2026-01-01T00:00:00.000Z',
    endTime: '2026-01-01T00:05:00.000Z',
    tableArn,
    tableId: '6d1c1f2e-1111-4222-8333-444455556666',
    exportTime: '2026-01-01T00:00:00.000Z',
    s3Bucket: 'example-exports',
    s3Prefix: null,
    s3SseAlgorithm: 'AES256',
    s3SseKmsKeyId: null,
    manifestFilesS3Key: `${base}/manifest-files.json`,
    billedSizeBytes: 0,
    itemCount: lines.length,
    outputFormat: 'DYNAMODB_JSON',
  }),
);

function order(index) {
  return {
    order_id: { S: `o-${String(index).padStart(6, '0')}` },
    created_at: { S: new Date(Date.UTC(2025, 11, 1 + (index % 28), 8, index % 60)).toISOString() },
    region: { S: ['eu', 'us', 'apac'][index % 3] },
    total: { N: `${((index * 37) % 1000) / 4}` },
    lines: { L: [{ M: { sku: { S: `sku-${index % 40}` }, quantity: { N: String(1 + (index % 5)) } } }] },
    // One order in a hundred has a text where the others have a number: it is rescued, not lost.
    discount: index % 100 === 7 ? { S: 'staff' } : { N: String(index % 4) },
    ...(index % 5 === 0 ? { tags: { SS: ['gift', 'express'] } } : {}),
  };
}

function write(name, text) {
  writeFileSync(join(folder, base, `${name}.json`), text);
  writeFileSync(join(folder, base, `${name}.md5`), createHash('md5').update(text).digest('base64'));
}
