import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { generateExport } from '../../bench/full-export/generate.ts';
import { withExportOnS3 } from '../../bench/full-export/on-s3.ts';
import { serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { plainClient } from '../servers/buckets.ts';

serverOrSkip("the benchmark's export on S3", [VERSITYGW], () => {
  test('lies there whole, and is reached with what the contender is given', async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'tailrace-generate-'));
    try {
      const data = await generateExport({ scale: 1, items: 140, heterogeneous: false, ion: false, cacheDir });
      const keys = await withExportOnS3(data, async ({ source, flags, env }) => {
        expect(source).toBe('s3://tailrace-bench/AWSDynamoDB');
        const client = plainClient({
          endpoint: flags?.[flags.indexOf('--source-endpoint') + 1] ?? '',
          accessKey: env?.AWS_ACCESS_KEY_ID ?? '',
          secretKey: env?.AWS_SECRET_ACCESS_KEY ?? '',
        });
        const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'tailrace-bench' }));
        client.destroy();
        return Contents.map(({ Key = '' }) => Key);
      });
      expect(keys.filter((key) => key.includes('/data/'))).toHaveLength(14);
      expect(keys.filter((key) => key.endsWith('/manifest-summary.json'))).toHaveLength(1);
    } finally {
      await rm(cacheDir, { recursive: true, force: true });
    }
  });
});
