import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nastyItems } from '../data/nasty.ts';
import { PYTHON, serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { startVersitygw } from '../servers/versitygw.ts';
import { compareRows } from './agree.ts';
import { loadItems } from './load.ts';
import { readTables } from './readers.ts';

serverOrSkip('readers of the field, on S3', [VERSITYGW, PYTHON], () => {
  test('PyIceberg and PyArrow read tables on S3, and agree with the items', async () => {
    const server = await startVersitygw();
    const folder = await mkdtemp(join(tmpdir(), 'tailrace-interop-s3-'));
    const restore = useCredentials(server);
    try {
      await makeBucket(server, 'lake');
      const items = nastyItems(3, 300, { noHuge: true });
      const store = { endpoint: server.endpoint, key: server.accessKey, secret: server.secretKey };
      const change = { targetAws: { endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true } };
      for (const [format, reader] of [
        ['iceberg', 'pyiceberg'],
        ['parquet', 'pyarrow'],
      ] as const) {
        const loaded = await loadItems(folder, format, items, {
          key: ['pk'],

          root: 's3://lake',
          change,
        });
        const [rows] = await readTables(reader, [loaded], store);
        expect(compareRows(reader, { name: 'on S3', ...loaded, items }, rows ?? [])).toEqual([]);
      }
    } finally {
      restore();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
