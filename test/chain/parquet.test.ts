/** What windows do to a Parquet table's files: what is written anew, what is only carried, and what its readers see. */
import { readFile, stat } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { maintain } from '../../src/index.ts';
import type { DataFile } from '../../src/model/table.ts';
import { openTarget } from '../../src/pipeline/ends/open.ts';
import type { Storage } from '../../src/storage/port.ts';
import { readPath } from '../../src/table/parquet/table.ts';
import { Laboratory } from '../crash/faulty-storage.ts';
import { canonical, contextOf, type LoadOptions, visibleData, World } from '../faults/load.ts';
import { item, PARTITIONS, Shop, shopItems } from './parquet.ts';

const OPTIONS: LoadOptions = { partition: PARTITIONS };

const inode = async (file: DataFile): Promise<number> => (await stat(file.path)).ino;
const wrapTarget = (wrap: (storage: Storage) => Storage) => (storage: Storage, end: string) =>
  end === 'target' ? wrap(storage) : storage;

async function begin(world: World, count = 48) {
  const shop = new Shop(world);
  const target = world.target('parquet');
  await world.load(await shop.full(shopItems(count)), target, OPTIONS);
  return { shop, target };
}

/** The generation that counts holds exactly the files that the manifest names, and the table is the model. */
async function expectTable(world: World, target: string, shop: Shop): Promise<void> {
  expect(await world.items(target)).toEqual(canonical(shop.items));
  const { state, files } = await world.table(target);
  expect(state?.rows).toBe(shop.items.length);
  const folder = `/${state?.snapshot}/`;
  const seen = (await visibleData(world, target)).filter((path) => path.includes(folder));
  expect(seen).toEqual(files.map(({ path }) => path).sort());
}

describe('what a window writes', () => {
  test('rows that change partitions, come and go; files without such rows are linked', async () => {
    await using world = await World.open();
    const { shop, target } = await begin(world);
    const before = await world.table(target);
    const lab = new Laboratory();
    const window = await shop.window({
      k1: item('k1', 2, { n: { N: '7' } }),
      k2: undefined,
      'new é': item('new é', 0),
      unknown: undefined,
    });
    const report = await world.load(window, target, { ...OPTIONS, wrap: wrapTarget((storage) => lab.wrap(storage)) });
    expect(report.counts).toMatchObject({ read: 4, written: 2, deleted: 1, unchanged: 1 });
    await expectTable(world, target, shop);
    const after = await world.table(target);
    expect(report.readPath).toBe(
      readPath({ location: target.replace('parquet:', ''), snapshot: after.state?.snapshot }),
    );
    const old = new Set(await Promise.all(before.files.map(inode)));
    const carried = (await Promise.all(after.files.map(inode))).filter((ino) => old.has(ino));
    // Two of the files held a touched row.
    expect(carried).toHaveLength(before.files.length - 2);
    // Readers of the former generation still have all of it.
    for (const file of before.files) expect((await stat(file.path)).size).toBe(file.sizeBytes);
    expect(lab.calls.filter(({ operation }) => operation === 'copy')).toHaveLength(carried.length);
  });

  test('fault 51: a window that changes nothing moves the ledger, and the generation stays', async () => {
    await using world = await World.open();
    const { shop, target } = await begin(world);
    const before = await world.table(target);
    const seen = await visibleData(world, target);
    for (const changes of [{}, { 'never there': undefined }]) {
      const report = await world.load(await shop.window(changes), target, OPTIONS);
      expect(report.snapshot).toBe(before.state?.snapshot);
      const after = await world.table(target);
      expect(after.files).toEqual(before.files);
      expect(after.state?.ledger?.entries.length).toBeGreaterThan(before.state?.ledger?.entries.length ?? 0);
      expect(await visibleData(world, target)).toEqual(seen);
    }
    expect((await world.sync(shop.dir, target, OPTIONS)).outcome).toBe('unchanged');
  });

  test('a table whose rows were all deleted keeps a file with its columns, until rows come again', async () => {
    await using world = await World.open();
    const { shop, target } = await begin(world, 6);
    await world.load(await shop.window(Object.fromEntries(shopItems(6).map((_, i) => [`k${i}`, undefined]))), target);
    await expectTable(world, target, shop);
    const [empty, ...others] = (await world.table(target)).files;
    expect(empty?.rows).toBe(0);
    expect(others).toEqual([]);
    expect(await world.query(target, 'SELECT count(*), count(region) FROM t')).toEqual([['0', '0']]);
    await world.load(await shop.window({ again: undefined }), target);
    expect((await world.table(target)).files).toEqual([empty]);
    // With another column the file without rows is another one, too.
    await world.load(await shop.window({ k1: item('k1', 1, { late: { BOOL: true } }) }), target);
    await expectTable(world, target, shop);
    expect((await world.table(target)).files.map(({ rows }) => rows)).toEqual([1]);
  });

  test.each([{}, { gone: undefined }])(
    'a table that begins with a window without rows has its columns: %o',
    async (changes) => {
      await using world = await World.open();
      const shop = new Shop(world);
      const target = world.target('parquet');
      await world.load(await shop.window(changes), target);
      expect((await world.table(target)).files.map(({ rows }) => rows)).toEqual([0]);
      await world.load(await shop.window({ k1: item('k1', 1) }), target);
      await expectTable(world, target, shop);
      expect((await world.table(target)).files.map(({ rows }) => rows)).toEqual([1]);
    },
  );
});

describe('upkeep', () => {
  test('within sync the files of many windows are joined, and the report names the generation that counts', async () => {
    await using world = await World.open();
    const shop = new Shop(world);
    const target = world.target('parquet');
    await world.load(await shop.full(shopItems(20)), target);
    let most = 0;
    for (let window = 0; window < 20; window += 1) {
      const report = await world.load(await shop.window({ [`w${window}`]: item(`w${window}`, window) }), target);
      const { state, files } = await world.table(target);
      expect(report.readPath).toBe(`${target.replace('parquet:', '')}/${state?.snapshot}`);
      most = Math.max(most, files.length);
    }
    // Eight files of a tier wait for their join.
    expect(most).toBeLessThan(10);
    await expectTable(world, target, shop);
    await world.load(await shop.window({}), target, { upkeep: false });
    await expectTable(world, target, shop);
  });

  test('the file of a table without rows stays', async () => {
    await using world = await World.open();
    const { shop, target } = await begin(world, 2);
    await world.load(await shop.window({ k0: undefined, k1: undefined }), target);
    const { files } = await world.table(target);
    await maintain(target, world.options(), contextOf());
    expect((await world.table(target)).files).toEqual(files);
    expect(files.map(({ rows }) => rows)).toEqual([0]);
  });
});

describe('columns', () => {
  /** Field ids by column, of each file that readers see. */
  async function columnsOfFiles(world: World, target: string): Promise<Set<string>> {
    const { files } = await world.table(target);
    const texts = files.map(async ({ path }) => {
      const bytes = await readFile(path);
      const footer = bytes.subarray(bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8));
      return ['late', 'n', 'region'].filter((name) => footer.includes(Buffer.from(name))).join();
    });
    return new Set(await Promise.all(texts));
  }

  test.each(['mirror', 'soft', 'history'] as const)('a new attribute is a column of every file: %s', async (mode) => {
    await using world = await World.open();
    const shop = new Shop(world);
    const target = world.target('parquet');
    const options = { ...OPTIONS, mode };
    await world.load(await shop.full(shopItems(24)), target, options);
    expect(await columnsOfFiles(world, target)).toEqual(new Set(['n,region']));
    const report = await world.load(
      await shop.window({
        k1: item('k1', 1, { late: { SS: ['b'] } }),
        k2: undefined,
        k3: item('k3', 3, { n: { N: '1e-9' } }),
      }),
      target,
      options,
    );
    expect(report.counts).toMatchObject({ read: 3, rejected: 0 });
    expect(await columnsOfFiles(world, target)).toEqual(new Set(['late,n,region']));
    const rows = await world.query(target, `SELECT count(*), sum(n)::VARCHAR FROM t`);
    const sum = (24 * 23) / 2;
    // A row of k3 has 0.000000001 in place of 3, or beside it; a deleted row stays in soft mode, and in a history.
    if (mode === 'mirror')
      expect(rows).toEqual([['23', expect.stringMatching(new RegExp(`^${sum - 2 - 3}\\.0*10*$`))]]);
    if (mode === 'soft') expect(rows).toEqual([['24', expect.stringMatching(new RegExp(`^${sum - 3}\\.0*10*$`))]]);
    if (mode === 'history') expect(rows).toEqual([['27', expect.stringMatching(new RegExp(`^${sum + 1}\\.0*10*$`))]]);
    if (mode !== 'history') expect(await world.items(target)).toEqual(canonical(shop.items));
  });

  test('--rewrite-limit holds, and says which columns', async () => {
    await using world = await World.open();
    const { shop, target } = await begin(world);
    const before = await world.table(target);
    const window = await shop.window({ k1: item('k1', 1, { late: { BOOL: true } }) });
    const report = await world.sync(window, target, { ...OPTIONS, rewriteLimitBytes: 1000 });
    expect(report.error).toMatchObject({
      code: 'SCHEMA_DRIFT',
      found: expect.stringContaining('for late'),
      hint: expect.stringContaining('--rewrite-limit'),
    });
    expect(await world.table(target)).toEqual(before);
    await world.load(window, target, OPTIONS);
    await expectTable(world, target, shop);
  });
});

describe('another writer', () => {
  /** Does something right before the manifest is swapped for the first time. */
  const beforeSwap = (work: () => Promise<unknown>) => {
    let done = false;
    return wrapTarget(
      (storage) =>
        new Proxy(storage, {
          get(inner, name) {
            const method: unknown = Reflect.get(inner, name);
            if (typeof method !== 'function') return method;
            if (name !== 'putIf') return method.bind(inner);
            return async (...args: unknown[]) => {
              if (!done) {
                done = true;
                await work();
              }
              return Reflect.apply(method, inner, args) as unknown;
            };
          },
        }),
    );
  };

  test('fault 14: a compaction that came first is kept, and the window is matched again', async () => {
    await using world = await World.open();
    const { shop, target } = await begin(world);
    const rewritten: string[] = [];
    const compact = async (): Promise<void> => {
      const { table, storage } = await openTarget(target, world.options());
      const base = await table.load();
      const [one] = await table.dataFiles();
      if (base?.ledger === undefined || one === undefined) throw new Error('no table');
      const path = table.dataFilePath('compaction', base.partition, one.partition, 'compacted.parquet');
      await storage.copy(storage.key(one.path), storage.key(path));
      const { schema, partition, sort, ledger } = base;
      const files = [{ ...one, path }];
      const staged = { schema, partition, sort, ledger, files, removed: [one.path], timestampMs: Date.now() };
      const outcome = await table.commit({ ...staged, operation: 'rewrite', commitId: 'compaction' }, base);
      expect(outcome.kind).toBe('committed');
      rewritten.push('compacted');
      await storage.close();
    };
    const window = await shop.window({ k1: item('k1', 5), k40: undefined, more: item('more', 1) });
    const report = await world.load(window, target, { ...OPTIONS, wrap: beforeSwap(compact) });
    expect(report.counts).toMatchObject({ read: 3, written: 2, deleted: 1 });
    expect(rewritten).toEqual(['compacted']);
    await expectTable(world, target, shop);
    expect((await world.table(target)).state?.ledger?.entries).toHaveLength(2);
  });

  test('fault 14: the same window by two runs at once is in the table once', async () => {
    await using world = await World.open();
    const { shop, target } = await begin(world);
    const window = await shop.window({ k1: item('k1', 5), k40: undefined, more: item('more', 1) });
    const report = await world.sync(window, target, {
      ...OPTIONS,
      wrap: beforeSwap(() => world.load(window, target, { ...OPTIONS, tempDir: `${world.dir}/other` })),
    });
    // The other run was first, and says that it committed.
    expect(report).toMatchObject({ outcome: 'unchanged', warnings: [{ code: 'applied-elsewhere' }] });
    await expectTable(world, target, shop);
    expect((await world.table(target)).state?.ledger?.entries).toHaveLength(2);
  });
});
