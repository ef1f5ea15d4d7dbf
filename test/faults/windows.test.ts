import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { expectDone, expectState, smallChain } from '../crash/chain.ts';
import { seeded } from '../crash/scripts.ts';
import type { DdbItem } from '../data/ion.ts';
import { writeExport } from '../data/make-export.ts';
import { type WindowChange, writeWindow } from '../data/make-window.ts';
import { canonical, FORMATS, folderOf, World } from './load.ts';

// Faults that concern windows, and those of the jobs that people merge windows with today (document 2).

const AT = Date.parse('2026-03-01T12:00:00Z');
const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const pk = (key: string): DdbItem => ({ pk: { S: key } });

function change(key: string, seconds: number, image?: DdbItem, old?: DdbItem): WindowChange {
  return {
    at: BigInt(AT + seconds * 1000) * 1000n,
    keys: pk(key),
    ...(old === undefined ? {} : { old: { ...pk(key), ...old } }),
    ...(image === undefined ? {} : { new: { ...pk(key), ...image } }),
  };
}

/** A full export at 12:00, and a window that begins so many seconds before it. */
async function fullAndWindow(
  world: World,
  items: readonly DdbItem[],
  changes: readonly WindowChange[],
  before = 60,
): Promise<string> {
  const dir = join(world.dir, 'source');
  await writeExport(dir, { items, exportTime: iso(AT) });
  await writeWindow(dir, { changes, from: iso(AT - before * 1000), to: iso(AT + 840_000) });
  return dir;
}

describe.each(FORMATS)('to %s', (format) => {
  test("a baseline's last minute: an image older than exportTime by 59 s, then a change 40 s before exportTime, ends with the change", async () => {
    for (const write of ['merge-on-read', 'copy-on-write'] as const) {
      await using world = await World.open();
      const old = { n: { N: '1' } };
      const dir = await fullAndWindow(
        world,
        [
          { ...pk('updated'), ...old },
          { ...pk('deleted'), ...old },
          { ...pk('same'), ...old },
        ],
        [
          change('updated', -40, { n: { N: '2' } }, old),
          change('deleted', -40, undefined, old),
          // The image that the baseline shows is that of this very change.
          change('same', -59, old, { n: { N: '0' } }),
        ],
      );
      const target = world.target(format);
      const report = await world.load(dir, target, { write });
      expect(await world.items(target)).toEqual(
        canonical([
          { ...pk('updated'), n: { N: '2' } },
          { ...pk('same'), ...old },
        ]),
      );
      expect(report.counts).toMatchObject({ read: 6, written: 5, deleted: 1 });
    }
  });

  test.each(['truncated', 'not JSON'])(
    'fault 35: a full export whose summary is %s is an error, and no table begins with the windows behind it',
    async (how) => {
      await using world = await World.open();
      const chain = await smallChain(join(world.dir, 'source'), 2);
      const summary = join(chain.exports[0]?.exportDir ?? '', 'manifest-summary.json');
      const whole = await readFile(summary);
      if (how === 'truncated') await truncate(summary, 40);
      else await writeFile(summary, 'no JSON');
      const target = world.target(format);
      const report = await world.sync(chain.dir, target);
      expect(report).toMatchObject({ outcome: 'failed', error: { code: 'MANIFEST_BAD', place: summary } });
      expect((await world.table(target)).state).toBeUndefined();
      await writeFile(summary, whole);
      await world.load(chain.dir, target);
      expect(await world.items(target)).toEqual(canonical([...(chain.states.at(-1)?.values() ?? [])]));
    },
  );

  describe('document 2', () => {
    const states = async (world: World): Promise<string[]> => world.items(world.target(format));
    const step = async (world: World, number: number, changes: readonly WindowChange[]) => {
      const from = AT - 60_000 + number * 900_000;
      const written = await writeWindow(join(world.dir, 'source'), {
        changes,
        from: iso(from),
        to: iso(from + 900_000),
      });
      return world.load(written, world.target(format));
    };
    const begin = (world: World, items: readonly DdbItem[]) =>
      writeExport(join(world.dir, 'source'), { items, exportTime: iso(AT) }).then((full) =>
        world.load(full, world.target(format)),
      );

    test('a delete for a key that is not there inserts no row, at no run', async () => {
      await using world = await World.open();
      await begin(world, [pk('a')]);
      for (const number of [0, 1]) {
        const { counts } = await step(world, number, [change('missing', 60 + number * 900)]);
        expect(counts).toMatchObject({ read: 1, written: 0, deleted: 0, unchanged: 1 });
        expect(await states(world)).toEqual(canonical([pk('a')]));
      }
    });

    test('an export of deletes alone does not crash, and an empty one moves the watermark', async () => {
      await using world = await World.open();
      await begin(world, [pk('a'), pk('b')]);
      expect((await step(world, 0, [change('a', 60, undefined, {})])).counts).toMatchObject({ read: 1, deleted: 1 });
      const { position, counts } = await step(world, 1, []);
      expect([position?.watermark, counts.read]).toEqual([iso(AT + 1_740_000), 0]);
      expect(await states(world)).toEqual(canonical([pk('b')]));
    });

    test('an attribute that was removed from an item leaves the table; a new one gets its column', async () => {
      await using world = await World.open();
      await begin(world, [{ ...pk('a'), gone: { S: 'x' }, stays: { N: '1' } }]);
      const { schema } = await step(world, 0, [
        change('a', 60, { stays: { N: '1' }, fresh: { BOOL: true } }, { gone: { S: 'x' }, stays: { N: '1' } }),
      ]);
      expect(schema.map(({ name }) => name)).toContain('fresh');
      expect(await states(world)).toEqual(canonical([{ ...pk('a'), stays: { N: '1' }, fresh: { BOOL: true } }]));
    });

    test('one NULL value, another type and a map of another shape in a window lose nothing, of old rows neither', async () => {
      await using world = await World.open();
      const a: DdbItem = { v: { N: '1' }, m: { M: { x: { N: '1' } } } };
      await begin(world, [
        { ...pk('a'), ...a },
        { ...pk('b'), ...a },
      ]);
      const images: DdbItem[] = [
        { v: { NULL: true }, m: { M: { y: { S: 'y' } } } },
        { v: { S: 'text' }, m: { S: 'no map' } },
        { v: { N: '1.5' }, m: { M: { x: { L: [] }, y: { N: '2' } } } },
      ];
      for (const [number, image] of images.entries()) {
        await step(world, number, [change('b', 60 + number * 900, image, images[number - 1] ?? a)]);
        expect(await states(world)).toEqual(
          canonical([
            { ...pk('a'), ...a },
            { ...pk('b'), ...image },
          ]),
        );
      }
    });

    test('faults 47 and 49: windows are not applied twice, out of order or over a gap', async () => {
      await using world = await World.open();
      const chain = await smallChain(join(world.dir, 'source'));
      const target = world.target(format);
      const [full, first, second, third] = chain.exports;
      await world.load(full?.exportDir ?? '', target);
      expect(await world.sync(third?.exportDir ?? '', target)).toMatchObject({
        outcome: 'failed',
        error: { code: 'LEDGER_REFUSED', hint: expect.any(String) },
      });
      for (const each of [first, first, second, first, second])
        expect((await world.sync(each?.exportDir ?? '', target)).error).toBeUndefined();
      expect(await states(world)).toEqual(canonical([...(chain.states[2]?.values() ?? [])]));
    });
  });

  test.each([1, 2])(
    'faults 47 to 49: every export offered twice, shuffled, in any number of runs, seed %i: each is applied once',
    async (seed) => {
      await using world = await World.open();
      const chain = await smallChain(join(world.dir, 'source'));
      const copies = await smallChain(join(world.dir, 'copy'));
      const target = world.target(format);
      const random = seeded(seed);
      const offers = [...chain.exports, ...copies.exports]
        .map(({ exportDir }) => ({ exportDir, at: random() }))
        .sort((a, b) => a.at - b.at);
      await world.load(chain.exports[0]?.exportDir ?? '', target);
      let reached = 1;
      for (let round = 0; round < chain.exports.length && reached < chain.exports.length; round += 1) {
        for (const { exportDir } of offers) {
          const report = await world.sync(exportDir, target);
          if (report.outcome === 'failed') expect(report.error?.code).toBe('LEDGER_REFUSED');
          const now = await expectState(world, target, chain);
          expect(now).toBeGreaterThanOrEqual(reached);
          reached = now;
        }
      }
      expect(reached).toBe(chain.exports.length);
      await expectDone(world, world.dir, target);
    },
  );

  test('fault 48: a window of a table that was made again is refused, and leaves the table as it was', async () => {
    await using world = await World.open();
    const chain = await smallChain(join(world.dir, 'source'), 1);
    const target = world.target(format);
    await world.load(chain.dir, target);
    const other = await writeWindow(join(world.dir, 'other'), {
      changes: [change('a2', 900)],
      from: iso(AT + 840_000),
      to: iso(AT + 1_740_000),
      tableId: 'aaaaaaaa-e7ab-4da5-8bab-03f0db0b7bfd',
    });
    const report = await world.sync(other, target);
    expect(report).toMatchObject({ outcome: 'failed', error: { code: 'LEDGER_REFUSED', hint: expect.any(String) } });
    expect(await expectState(world, target, chain)).toBe(2);
  });

  test('faults 74 and 75: numbers of 38 digits, tiny and huge ones arrive in windows with every digit; equal ones stay equal', async () => {
    await using world = await World.open();
    const numbers = ['12345678901234567890123456789012345678', '1E-130', '9.99E125', '-0', '1.0', '1e0'];
    const dir = await fullAndWindow(
      world,
      numbers.map((_, index) => ({ ...pk(`${index}`), n: { N: `${index}` } })),
      numbers.map((n, index) => change(`${index}`, index, { n: { N: n } }, { n: { N: `${index}` } })),
    );
    const target = world.target(format);
    await world.load(dir, target);
    expect(await world.items(target)).toEqual(
      canonical(numbers.map((n, index) => ({ ...pk(`${index}`), n: { N: n } }))),
    );
  });

  test('faults 77, 80, 81, 82 and 83: empty values and hard names arrive in windows, and leave again', async () => {
    await using world = await World.open();
    const hard: DdbItem = {
      ...Object.fromEntries([['__proto__', { L: [] }]]),
      constructor: { M: {} },
      Name: { S: 'a' },
      name: { N: '1' },
      _written_at: { S: 'ours?' },
      'a"b.c': { NULL: true },
      Keys: { BOOL: false },
    };
    const dir = await fullAndWindow(
      world,
      [pk('a'), { ...pk('b'), ...hard }],
      [change('a', 60, hard, {}), change('b', 60, {}, hard)],
    );
    const target = world.target(format);
    await world.load(dir, target);
    expect(await world.items(target)).toEqual(canonical([{ ...pk('a'), ...hard }, pk('b')]));
  });

  test('fault 13: several changes of one key in one window, in any files and order: the newest is the row', async () => {
    await using world = await World.open();
    const changes = [
      change('a', 5, { n: { N: '5' } }, {}),
      change('b', 9),
      change('a', 7, { n: { N: '7' } }, {}),
      change('b', 8, { n: { N: '8' } }, {}),
      change('c', 2),
      change('c', 3, { n: { N: '3' } }),
      change('a', 6),
    ];
    const dir = await fullAndWindow(world, [pk('a'), pk('b')], changes);
    const target = world.target(format);
    const { counts } = await world.load(dir, target);
    expect(await world.items(target)).toEqual(
      canonical([
        { ...pk('a'), n: { N: '7' } },
        { ...pk('c'), n: { N: '3' } },
      ]),
    );
    expect(counts).toMatchObject({ read: 9, written: 4, deleted: 1, unchanged: 4 });
  });

  test('fault 29: clocks that jump back or ahead between runs change nothing of what is applied', async () => {
    await using world = await World.open();
    const chain = await smallChain(join(world.dir, 'source'));
    const target = world.target(format);
    const now = Date.now();
    for (const [index, days] of [0, -2, 3, -400, 1, 0].entries()) {
      vi.spyOn(Date, 'now').mockReturnValue(now + days * 86_400_000);
      await world.load(chain.exports[index]?.exportDir ?? '', target).finally(() => vi.restoreAllMocks());
      expect(await expectState(world, target, chain)).toBe(index + 1);
    }
    await expectDone(world, chain.dir, target);
    if (format === 'parquet') return;
    const metadata = await readFile(join(folderOf(target), 'metadata', 'v6.metadata.json'), 'utf8');
    const { snapshots } = JSON.parse(metadata) as { snapshots: { 'timestamp-ms': number }[] };
    const times = snapshots.map((snapshot) => snapshot['timestamp-ms']);
    // Other engines refuse a table whose snapshots go back in time.
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
});
