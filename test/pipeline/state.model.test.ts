import { describe, expect, test } from 'vitest';
import { parsePartition } from '../../src/index.ts';
import type { DdbItem, DdbValue } from '../data/ion.ts';
import { writeExport } from '../data/make-export.ts';
import { writeWindow } from '../data/make-window.ts';
import { mulberry32, nastyItems } from '../data/nasty.ts';
import { canonical, FORMATS, type LoadOptions, World } from '../faults/load.ts';
import { SEED } from '../seed.ts';
import { type Run, stateRun } from './state-load.ts';

// What becomes of the rows of a table when items are read as they are now, without versions.

const item = (pk: number, more: DdbItem = {}): DdbItem => ({ pk: { S: `k${pk}` }, ...more });
const many = (from: number, to: number, more: DdbItem = {}): DdbItem[] =>
  Array.from({ length: to - from }, (_, i) => item(from + i, { n: { N: String(from + i) }, ...more }));
const FIRST = [...many(0, 50, { color: { S: 'red' } }), ...many(50, 100, { color: { S: 'blue' } })];
const byColor: LoadOptions = { partition: parsePartition('color') };

describe.each(FORMATS)('%s', (format) => {
  const begun = async (world: World, items: readonly DdbItem[], options: LoadOptions = {}): Promise<string> => {
    const target = world.target(format);
    await world.load(await world.export({ items, filesCount: 3 }), target, options);
    return target;
  };
  const duplicates = (world: World, target: string): Promise<string[][]> =>
    world.query(target, 'select pk from t group by pk having count(*) > 1');

  test('mirror: new and changed items become rows, equal ones are left, and rows without items go', async () => {
    await using world = await World.open();
    const target = await begun(world, FIRST);
    const now = [...FIRST.slice(5, 90), ...many(90, 100, { color: { S: 'green' } }), ...many(200, 203)];
    const came = await stateRun(world, target, {
      mode: 'mirror',
      pieces: [now.slice(0, 40), now.slice(40, 80), now.slice(80)],
    });
    expect(came).toMatchObject({ written: 13, unchanged: 85, removed: 5 });
    expect(await world.items(target)).toEqual(canonical(now));
    expect((await world.table(target)).state?.rows).toBe(now.length);
  });

  test('document 0: a run that is repeated changes no row, and no file', async () => {
    await using world = await World.open();
    const target = await begun(world, FIRST);
    const files = (await world.table(target)).files.map(({ sizeBytes, rows }) => [sizeBytes, rows]);
    const came = await stateRun(world, target, { mode: 'mirror', pieces: [FIRST.slice(0, 60), FIRST.slice(60)] });
    expect(came).toMatchObject({ written: 0, unchanged: 100, removed: 0, files: 0 });
    expect((await world.table(target)).files.map(({ sizeBytes, rows }) => [sizeBytes, rows])).toEqual(files);
    expect(await world.items(target)).toEqual(canonical(FIRST));
  });

  test.each<readonly [string, Partial<Run>, readonly DdbItem[], number]>([
    ['an empty source', {}, [], 100],
    ['a source that lost much', {}, FIRST.slice(0, 89), 11],
    ['a limit in rows', { maxDelete: { rows: 3 } }, FIRST.slice(0, 96), 4],
  ])('%s stops the run before it deletes, and the table is as it was', async (_, more, pieces, count) => {
    await using world = await World.open();
    const target = await begun(world, FIRST);
    const refused = await stateRun(world, target, { mode: 'mirror', pieces: [pieces], ...more }).catch(
      (thrown: unknown) => thrown,
    );
    expect(refused).toMatchObject({
      code: 'DELETES_REFUSED',
      exitCode: 4,
      message: `The run would delete ${count} of the 100 rows that the table had.`,
    });
    expect(await world.items(target)).toEqual(canonical(FIRST));
    const allowed = await stateRun(world, target, { mode: 'mirror', pieces: [pieces], maxDelete: { rows: count } });
    expect(allowed.removed).toBe(count);
    expect(await world.items(target)).toEqual(canonical(pieces));
  });

  test('no row goes before the last piece, nor where the run holds back', async () => {
    await using world = await World.open();
    const target = await begun(world, FIRST);
    const half = { mode: 'mirror', pieces: [FIRST.slice(0, 20), FIRST.slice(20, 60)] } as const;
    expect((await stateRun(world, target, { ...half, stops: true })).removed).toBe(0);
    expect((await stateRun(world, target, { ...half, keeps: true })).removed).toBe(0);
    expect(await world.items(target)).toEqual(canonical(FIRST));
  });

  test('a row that a change brought after the run began stays, whatever the run saw', async () => {
    await using world = await World.open();
    const source = `${world.dir}/source`;
    await writeExport(source, { items: FIRST, exportTime: '2026-03-01T12:00:00Z' });
    const target = world.target(format);
    await world.load(source, target);
    const at = Date.parse('2026-03-01T12:10:00Z');
    const change = (pk: number, seconds: number) => ({
      at: BigInt(at + seconds * 1000) * 1000n,
      keys: item(pk),
      new: item(pk, { late: { BOOL: true } }),
    });
    await writeWindow(source, {
      from: '2026-03-01T11:59:00Z',
      to: '2026-03-01T12:14:00Z',
      changes: [change(1, -1), change(2, 0), change(300, -1), change(301, 0)],
    });
    await world.load(source, target);
    // The scan began at `at`: it saw neither of the changes behind it, and the items of those before are gone by then.
    const now = FIRST.filter(({ pk }) => pk !== FIRST[1]?.['pk']);
    const came = await stateRun(world, target, { mode: 'mirror', fromMs: at, pieces: [now] });
    const rest = now.filter((each) => each['pk'] !== FIRST[2]?.['pk']);
    expect(await world.items(target)).toEqual(
      canonical([...rest, item(2, { late: { BOOL: true } }), item(301, { late: { BOOL: true } })]),
    );
    expect(came).toMatchObject({ removed: 2, written: 0, unchanged: 99 });
  });

  test('document 0: append adds rows beside those that are there, upsert puts them in their places', async () => {
    await using world = await World.open();
    const target = await begun(world, FIRST);
    const changed = many(95, 105, { color: { S: 'green' } });
    const upsert = await stateRun(world, target, { mode: 'upsert', pieces: [changed.slice(0, 5), changed.slice(5)] });
    expect(upsert).toMatchObject({ written: 10, unchanged: 0, removed: 0 });
    expect(await world.items(target)).toEqual(canonical([...FIRST.slice(0, 95), ...changed]));
    const again = await stateRun(world, target, { mode: 'upsert', pieces: [changed] });
    expect(again).toMatchObject({ written: 0, unchanged: 10, files: 0 });
    await stateRun(world, target, { mode: 'append', pieces: [changed] });
    expect(await world.items(target)).toEqual(canonical([...FIRST.slice(0, 95), ...changed, ...changed]));
  });

  test('document 0: a changed partition value moves the row, and the old copy goes', async () => {
    await using world = await World.open();
    const target = await begun(world, FIRST, byColor);
    const moved = many(45, 55, { color: { S: 'green' } });
    await stateRun(world, target, { mode: 'upsert', pieces: [moved] });
    expect(await world.items(target)).toEqual(canonical([...FIRST.slice(0, 45), ...FIRST.slice(55), ...moved]));
    expect(await duplicates(world, target)).toEqual([]);
    const colors = (await world.table(target)).files.map(({ partition }) => partition[0]);
    expect(new Set(colors)).toEqual(new Set(['red', 'blue', 'green']));
  });

  test('document 0: overwrite-partitions clears the partitions of the whole run, not of its first page, and no others', async () => {
    await using world = await World.open();
    const target = await begun(world, [...FIRST, ...many(100, 110, { color: { S: 'grey' } })], byColor);
    const red = many(0, 10, { color: { S: 'red' }, new: { BOOL: true } });
    const moved = many(60, 70, { color: { S: 'red' } });
    const grey = many(100, 110, { color: { S: 'pink' } });
    const pieces = [red.slice(0, 5), moved, [...red.slice(5), ...grey]];
    const came = await stateRun(world, target, { mode: 'overwrite-partitions', pieces });
    // Of blue and grey only those rows go whose items have another color now.
    const left = FIRST.slice(50).filter(
      (each) => !moved.some(({ pk }) => JSON.stringify(pk) === JSON.stringify(each['pk'])),
    );
    expect(await world.items(target)).toEqual(canonical([...left, ...red, ...moved, ...grey]));
    expect(came.removed).toBe(40);
    expect(await duplicates(world, target)).toEqual([]);
  });

  test('overwrite leaves only what the run read', async () => {
    await using world = await World.open();
    const target = await begun(world, FIRST);
    const now = many(500, 505);
    await stateRun(world, target, { mode: 'overwrite', pieces: [now.slice(0, 2), now.slice(2)] });
    expect(await world.items(target)).toEqual(canonical(now));
    const empty = await stateRun(world, target, { mode: 'overwrite', pieces: [[]] }).catch((thrown: unknown) => thrown);
    expect(empty).toMatchObject({ code: 'DELETES_REFUSED' });
  });

  test('soft: rows without items are marked, and are rows again when their items come back', async () => {
    await using world = await World.open();
    const target = await begun(world, FIRST, { mode: 'soft' });
    let fromMs = Date.parse('2026-03-02T00:00:00Z');
    const run = (now: readonly DdbItem[]) => {
      fromMs += 1000;
      return stateRun(world, target, { mode: 'mirror', pieces: [now], fromMs });
    };
    expect(await run(FIRST.slice(5))).toMatchObject({ removed: 5, written: 0, unchanged: 95 });
    expect(await world.items(target)).toEqual(canonical(FIRST.slice(5)));
    expect(await world.query(target, 'select count(*) from t where _deleted')).toEqual([['5']]);
    expect(await run(FIRST.slice(5))).toMatchObject({ removed: 0, unchanged: 95 });
    expect(await run(FIRST)).toMatchObject({ removed: 0, written: 5, unchanged: 95 });
    expect(await world.items(target)).toEqual(canonical(FIRST));
  });

  test.each(['S', 'N', 'B'] as const)(
    'any items and runs end as the model has them (keys of type %s)',
    { timeout: 120_000 },
    async (keyType) => {
      await using world = await World.open();
      const seed = SEED;
      const random = mulberry32(seed);
      const pool = nastyItems(seed, 50, { keyType, noHuge: true });
      const keyOf = (each: DdbItem): string => JSON.stringify(each['pk']);
      let model = new Map(pool.slice(0, 25).map((each) => [keyOf(each), each]));
      const target = await begun(world, [...model.values()]);
      for (let round = 0; round < 3; round += 1) {
        const now = new Map<string, DdbItem>();
        for (const each of pool) {
          const dice = random();
          const key: DdbItem = { pk: each['pk'] as DdbValue };
          const there = model.get(keyOf(each));
          if (there !== undefined && dice < 0.6) now.set(keyOf(each), there);
          else if (dice < 0.8) now.set(keyOf(each), { ...pool[Math.floor(random() * pool.length)], ...key });
        }
        const mode = (['mirror', 'upsert'] as const)[round % 2] ?? 'mirror';
        const all = [...now.values()];
        const cut = Math.floor(random() * all.length);
        const came = await stateRun(world, target, {
          mode,
          pieces: [all.slice(0, cut), all.slice(cut)],
          maxDelete: { share: 1 },
        });
        const equal = all.filter(
          (each) => canonical([each])[0] === canonical([model.get(keyOf(each)) ?? { pk: { S: '-' } }])[0],
        );
        // Items whose values have moved between columns and _rescued since then are written again, too.
        const changed = all.length - equal.length;
        expect([seed, came.written >= changed, came.unchanged > equal.length / 2]).toEqual([seed, true, true]);
        model = mode === 'mirror' ? now : new Map([...model, ...now]);
        expect([`seed ${seed}`, ...(await world.items(target))]).toEqual([
          `seed ${seed}`,
          ...canonical([...model.values()]),
        ]);
      }
    },
  );
});
