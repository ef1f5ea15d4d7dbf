import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTarget } from '../../src/pipeline/ends/open.ts';
import { readPath } from '../../src/table/parquet/table.ts';
import { item, PARTITIONS, Shop, shopItems } from '../chain/parquet.ts';
import { type ChainOptions, writeChain } from '../data/chain-model.ts';
import type { DdbItem } from '../data/ion.ts';
import { type LoadOptions, World } from '../faults/load.ts';
import { PYTHON, serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { startVersitygw } from '../servers/versitygw.ts';
import { compareRows, expectReadersAgree, type ReadTable } from './agree.ts';
import { readersOf, readTables } from './readers.ts';

// Readers of other projects read the generation behind a chain of windows: files that were carried over, files that were
// written anew, and new ones, in one folder.

/** What readers of the generation that counts must find. */
async function readTable(
  world: World,
  target: string,
  items: readonly DdbItem[],
  options: LoadOptions = {},
): Promise<ReadTable> {
  const { table, storage } = await openTarget(target, world.options(options));
  const state = await table.load();
  await storage.close();
  if (state === undefined) throw new Error(`no table at ${target}`);
  return { name: target, location: readPath(state), format: 'parquet', schema: state.schema, items, merged: true };
}

describe.skipIf(readersOf('parquet').length === 0)('readers of Parquet folders, behind windows', () => {
  let world: World;
  const tables: ReadTable[] = [];
  beforeAll(async () => {
    world = await World.open();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test.each<readonly [string, Partial<ChainOptions>, LoadOptions]>([
    ['plain', {}, {}],
    ['nasty', { nasty: true, windows: 3 }, {}],
    ['partitioned', {}, { partition: [{ transform: 'identity', column: 'name' }] }],
    ['bucketed', { keyType: 'N' }, { partition: [{ transform: 'bucket', width: 4, column: 'pk' }] }],
  ])('a chain is merged: %s', async (name, chainOptions, options) => {
    const model = { seed: 31, keys: 60, windows: 5, writes: 50, ...chainOptions };
    const chain = await writeChain(`${world.dir}/${name}`, model);
    const target = world.target('parquet', name);
    await world.load(chain.dir, target, options);
    tables.push(await readTable(world, target, [...(chain.states.at(-1)?.values() ?? [])]));
  });

  test('partitions by time and by text, where rows move, columns come, and at last all rows go', async () => {
    const shop = new Shop(world);
    const options = { partition: PARTITIONS };
    const target = world.target('parquet', 'shop');
    await world.load(await shop.full(shopItems(40)), target, options);
    await world.load(
      await shop.window({ k1: item('k1', 2), k2: undefined, k3: item('k3', 3, { n: { N: '9' } }) }),
      target,
    );
    await world.load(await shop.window({ k4: item('k4', 4, { late: { SS: ['b', 'a'] } }) }), target);
    tables.push({ ...(await readTable(world, target, shop.items)), name: 'shop' });
    const before = [...tables];
    await expectReadersAgree(before);
    await world.load(
      await shop.window(Object.fromEntries([...shop.state.keys()].map((key) => [key, undefined]))),
      target,
    );
    const empty = { ...(await readTable(world, target, [])), name: 'all rows deleted' };
    // Who holds on to the former generation still reads it, whole.
    await expectReadersAgree([empty, ...before.filter(({ name }) => name === 'shop')]);
  });
});

serverOrSkip('windows into a Parquet table on S3', [VERSITYGW, PYTHON], () => {
  test('what stays is copied by the store, and PyArrow reads the generation', async () => {
    await using world = await World.open();
    const server = await startVersitygw();
    const restore = useCredentials(server);
    try {
      await makeBucket(server, 'lake');
      const targetAws = { endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true };
      const options: LoadOptions = { partition: PARTITIONS, targetAws };
      const shop = new Shop(world);
      const target = 'parquet:s3://lake/tables/shop';
      const first = await world.load(await shop.full(shopItems(60)), target, options);
      const second = await world.load(
        await shop.window({ k1: item('k1', 2), k2: undefined, new: item('new', 3) }),
        target,
        options,
      );
      // Little is written: the rest of the generation is the store's own copies.
      expect(second.files.written).toBeLessThan(first.files.written / 2);
      const store = { endpoint: server.endpoint, key: server.accessKey, secret: server.secretKey };
      const table = await readTable(world, target, shop.items, options);
      const { location } = table;
      const [rows] = await readTables('pyarrow', [{ location, format: 'parquet' }], store);
      expect(compareRows('pyarrow', table, rows ?? [])).toEqual([]);
      expect((await world.sync(shop.dir, target, options)).outcome).toBe('unchanged');
      await world.load(await shop.window({ gone: undefined }), target, options);
      expect((await readTable(world, target, [], options)).location).toBe(table.location);
    } finally {
      restore();
      await server.stop();
    }
  });
});
