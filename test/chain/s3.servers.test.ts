import { readdir, readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { expect, test } from 'vitest';
import { openStorage, parseLocation } from '../../src/storage/locate.ts';
import { writeChain } from '../data/chain-model.ts';
import { canonical, FORMATS, type LoadOptions, World } from '../faults/load.ts';
import { serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { startVersitygw } from '../servers/versitygw.ts';

serverOrSkip('chains on S3', [VERSITYGW], () => {
  test.each(FORMATS)('%s: exports and table on S3 end in the model, in several runs', async (format) => {
    const server = await startVersitygw();
    const restore = useCredentials(server);
    await using world = await World.open();
    try {
      await makeBucket(server, 'lake');
      const aws = { endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true };
      const chain = await writeChain(`${world.dir}/source`, { seed: 31, keys: 100, windows: 5, writes: 80 });
      const storage = await openStorage(parseLocation('s3://lake/exports'), { aws });
      for (const entry of await readdir(chain.dir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = `${entry.parentPath}/${entry.name}`;
        await storage.put(`exports/${relative(chain.dir, path)}`, await readFile(path));
      }
      await storage.close();
      const options: LoadOptions = { sourceAws: aws, targetAws: aws };
      const target = `${format}:s3://lake/tables/shop`;
      await world.load(`s3://lake/exports/dynamodb-export/AWSDynamoDB/${chain.full?.exportId ?? ''}`, target, options);
      await world.load('s3://lake/exports', target, options);
      expect(await world.items(target, options)).toEqual(canonical([...(chain.states.at(-1)?.values() ?? [])]));
      expect((await world.sync('s3://lake/exports', target, options)).outcome).toBe('unchanged');
    } finally {
      restore();
      await server.stop();
    }
  });
});
