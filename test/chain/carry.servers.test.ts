/** A chain of windows into a Parquet table on S3: what stays is not copied for each of them. */
import { expect, test } from 'vitest';
import type { Storage } from '../../src/storage/port.ts';
import { Laboratory } from '../crash/faulty-storage.ts';
import { canonical, World } from '../faults/load.ts';
import { serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { startVersitygw } from '../servers/versitygw.ts';
import { item, Shop } from './parquet.ts';

const FILES = Number(process.env.TAILRACE_FILES ?? 60);
const WINDOWS = Number(process.env.TAILRACE_WINDOWS ?? 6);

serverOrSkip('Parquet on S3', [VERSITYGW], () => {
  test(`${WINDOWS} windows in one run copy ${FILES} files about once`, async () => {
    const server = await startVersitygw();
    const restore = useCredentials(server);
    await using world = await World.open();
    try {
      await makeBucket(server, 'lake');
      world.always = { targetAws: { endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true } };
      const shop = new Shop(world);
      const target = 'parquet:s3://lake/tables/carried';
      const partition = [{ transform: 'bucket', width: FILES, column: 'pk' }] as const;
      const all = Array.from({ length: FILES * 8 }, (_, index) => item(`k${index}`, index));
      await world.load(await shop.full(all), target, { partition });
      const files = (await world.table(target)).files.length;
      for (let index = 0; index < WINDOWS; index += 1)
        await shop.window({
          [`k${index}`]: item(`k${index}`, 1000 + index),
          [`new${index}`]: item(`new${index}`, index),
        });
      const lab = new Laboratory();
      const wrap = (storage: Storage, end: string): Storage => (end === 'target' ? lab.wrap(storage) : storage);
      const report = await world.load(shop.dir, target, { wrap, upkeep: false });
      const copies = lab.calls.filter(({ operation }) => operation === 'copy').length;
      console.log(JSON.stringify({ files, windows: WINDOWS, copies, calls: lab.calls.length, ...report.timings }));
      expect(report.applied).toBe(WINDOWS);
      expect(await world.items(target)).toEqual(canonical(shop.items));
      // Files of the windows themselves, but for the last one's, are copied, too.
      expect(copies).toBeLessThanOrEqual(files + 2 * WINDOWS);
      const now = await world.table(target);
      const folder = `/${now.state?.snapshot}/`;
      expect(now.files.every(({ path }) => path.includes(folder))).toBe(true);
    } finally {
      restore();
      await server.stop();
    }
  });
});
