import { describe, expect, test } from 'vitest';
import { smallChain } from '../crash/chain.ts';
import { Laboratory } from '../crash/faulty-storage.ts';
import { writeExport } from '../data/make-export.ts';
import { writeWindow } from '../data/make-window.ts';
import { canonical, FORMATS, World } from '../faults/load.ts';

// What one window does to a table, call by call and case by case.

const TIMES = { from: '2026-03-01T11:59:00Z', to: '2026-03-01T12:14:00Z' };

describe.each(FORMATS)('a window on %s', (format) => {
  test('of which no line can be loaded is in the table all the same, and its lines are rejects', async () => {
    await using world = await World.open();
    const source = `${world.dir}/source`;
    const items = [{ pk: { S: 'a' } }, { pk: { S: 'b' } }];
    await writeExport(source, { items, exportTime: '2026-03-01T12:00:00Z' });
    const line = '{"Metadata":{"WriteTimestampMicros":{"N":"1"}},"Keys":{"pk":{"S":"a"}},"NewImage":{"pk":{"S":"b"}}}';
    const target = world.target(format);
    await world.load(source, target);
    await writeWindow(source, { ...TIMES, lines: [line] });
    const report = await world.load(source, target);
    expect(report.counts).toMatchObject({ read: 1, rejected: 1 });
    expect(await world.items(target)).toEqual(canonical(items));
    expect((await world.rejects()).map(({ text }) => text)).toEqual([line]);
    expect((await world.sync(source, target)).outcome).toBe('unchanged');
  });

  test.each([{ key: [] }, { key: ['pk'] }])(
    'that follows an export without items, the key given as $key',
    async ({ key }) => {
      await using world = await World.open();
      const source = `${world.dir}/source`;
      await writeExport(source, { items: [], exportTime: '2026-03-01T12:00:00Z' });
      const target = world.target(format);
      await world.load(source, target, { key });
      const [a, b] = [{ pk: { S: 'a' } }, { pk: { S: 'b' } }];
      const changes = [
        { at: 1n, keys: a, new: { ...a, n: { N: '1' } } },
        { at: 1n, keys: b },
      ];
      await writeWindow(source, { ...TIMES, changes });
      const report = await world.load(source, target, { key });
      expect(report.counts).toMatchObject({ read: 2, written: 1, unchanged: 1 });
      expect(await world.items(target)).toEqual(canonical([{ ...a, n: { N: '1' } }]));
      expect((await world.table(target)).state?.schema.keys).toEqual(['pk']);
    },
  );
});

test('reads the list of its files twice: for the match, and for the commit', async () => {
  await using world = await World.open();
  const target = world.target('iceberg');
  await smallChain(`${world.dir}/source`, 0).then((chain) => world.load(chain.dir, target));
  const { dir } = await smallChain(`${world.dir}/source`, 1);
  const lab = new Laboratory();
  const wrap = (storage: Parameters<typeof lab.wrap>[0]) => lab.wrap(storage);
  await world.load(dir, target, { wrap, upkeep: false });
  const lists = lab.calls.filter(({ operation, uri }) => operation === 'get' && uri.includes('/metadata/snap-'));
  expect(lists).toHaveLength(2);
});

test('Parquet: a key that a window settles does not write the table anew', async () => {
  await using world = await World.open();
  const source = `${world.dir}/source`;
  const items = Array.from({ length: 3 }, (_, i) => ({ a: { S: `x${i}` }, pk: { S: `k${i}` } }));
  await writeExport(source, { items, exportTime: '2026-03-01T12:00:00Z', filesCount: 3 });
  const target = world.target('parquet');
  await world.load(source, target, { key: [], batchBytes: 1 });
  const names = async (): Promise<string[]> =>
    (await world.table(target)).files.map(({ path }) => path.split('/').at(-1) ?? '');
  const before = await names();
  await writeWindow(source, { ...TIMES, changes: [{ at: 1n, keys: { pk: { S: 'k0' } } }] });
  await world.load(source, target, { key: [], rewriteLimitBytes: 1 });
  expect((await world.table(target)).state?.schema.keys).toEqual(['pk']);
  expect((await names()).filter((name) => before.includes(name))).toHaveLength(2);
  expect(await world.items(target)).toEqual(canonical(items.slice(1)));
});
