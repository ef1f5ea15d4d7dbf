import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inspect } from '../../src/index.ts';
import type { DdbItem } from '../data/ion.ts';
import { writeExport } from '../data/make-export.ts';
import { changeLine, type WindowChange, writeWindow } from '../data/make-window.ts';
import { canonical, contextOf, FORMATS, type LoadOptions, World } from './load.ts';

// Windows that share a time, and changes of windows that cannot be loaded.

const AT = Date.parse('2026-03-01T12:00:00Z');
const iso = (minute: number): string => `${new Date(AT + minute * 60_000).toISOString().slice(0, 19)}Z`;
const pk = (key: string): DdbItem => ({ pk: { S: key } });

function change(key: string, minute: number, image?: DdbItem, old?: DdbItem): WindowChange {
  return {
    at: BigInt(AT + minute * 60_000) * 1000n,
    keys: pk(key),
    ...(old === undefined ? {} : { old: { ...pk(key), ...old } }),
    ...(image === undefined ? {} : { new: { ...pk(key), ...image } }),
  };
}

const n = (value: number): DdbItem => ({ n: { N: `${value}` } });

/** A full export at 12:00, a window until 12:15, and one that begins at 12:05 and offers its last ten minutes again. */
async function overlapping(world: World): Promise<string> {
  const dir = join(world.dir, 'source');
  const items = ['a', 'b', 'c', 'd'].map((key) => ({ ...pk(key), ...n(0) }));
  await writeExport(dir, { items, exportTime: iso(0) });
  const again = [change('b', 6, n(2), n(0)), change('c', 7, undefined, n(0)), change('new', 8, n(3))];
  // What comes and goes within the second window is in none of its lines.
  const first = [change('a', 1, n(1), n(0)), change('early', 2, n(8)), ...again, change('d', 9, n(4), n(0))];
  first.push(change('gone', 10, n(9)));
  await writeWindow(dir, { changes: first, from: iso(-1), to: iso(15) });
  const second = [...again, change('d', 16, n(5), n(0)), change('later', 20, n(6))];
  await writeWindow(dir, { changes: second, from: iso(5), to: iso(30) });
  return dir;
}

const LAST = canonical([
  { ...pk('a'), ...n(1) },
  { ...pk('b'), ...n(2) },
  { ...pk('d'), ...n(5) },
  { ...pk('new'), ...n(3) },
  { ...pk('later'), ...n(6) },
  { ...pk('early'), ...n(8) },
]);

describe.each(FORMATS)('to %s', (format) => {
  test.each(['mirror', 'soft'] as const)(
    'fault 47: a window that overlaps the one before changes nothing of the common time, but for what is gone since: %s',
    async (mode) => {
      for (const options of [{ write: 'merge-on-read' }, { write: 'copy-on-write' }] as const) {
        await using world = await World.open();
        const target = world.target(format);
        const report = await world.load(await overlapping(world), target, { mode, ...options });
        expect(await world.items(target)).toEqual(LAST);
        expect(report.counts).toMatchObject({ read: 16, written: 12, deleted: 1, unchanged: 3 });
        expect(report.warnings).toMatchObject([{ code: 'window-overlap', text: expect.stringContaining('One row') }]);
        if (mode === 'mirror') continue;
        const gone =
          "select pk, n, strftime(_written_at at time zone 'UTC', '%H:%M:%S') from t where _deleted order by 1";
        expect(await world.query(target, gone)).toEqual([
          ['c', '0', '12:07:00'],
          ['gone', '9', '12:29:59'],
        ]);
      }
    },
  );

  test('fault 47: a window without changes that overlaps: what was written in its time is gone', async () => {
    await using world = await World.open();
    const target = world.target(format);
    const dir = join(world.dir, 'source');
    await writeExport(dir, { items: [{ ...pk('old'), ...n(0) }], exportTime: iso(0) });
    await writeWindow(dir, { changes: [change('a', 1, n(1)), change('b', 6, n(2))], from: iso(-1), to: iso(15) });
    await writeWindow(dir, { changes: [], from: iso(5), to: iso(30) });
    await world.load(dir, target, { write: 'merge-on-read' });
    expect(await world.items(target)).toEqual(
      canonical([
        { ...pk('old'), ...n(0) },
        { ...pk('a'), ...n(1) },
      ]),
    );
    expect((await world.sync(dir, target)).outcome).toBe('unchanged');
  });

  test('fault 47: where lines of an overlapping window cannot be loaded, no row goes without a line', async () => {
    await using world = await World.open();
    const target = world.target(format);
    const dir = join(world.dir, 'source');
    await writeExport(dir, { items: [{ ...pk('old'), ...n(0) }], exportTime: iso(0) });
    const line = (each: WindowChange): string => changeLine(each, 'NEW_AND_OLD_IMAGES', 'DYNAMODB_JSON');
    await writeWindow(dir, { changes: [change('a', 6, n(1))], from: iso(-1), to: iso(15) });
    const lines = [line(change('a', 20, { n: { N: 'no number' } })), line(change('b', 21, n(2)))];
    await writeWindow(dir, { lines, from: iso(5), to: iso(30) });
    const report = await world.load(dir, target);
    expect(await world.items(target)).toEqual(
      canonical([
        { ...pk('old'), ...n(0) },
        { ...pk('a'), ...n(1) },
        { ...pk('b'), ...n(2) },
      ]),
    );
    expect(report.warnings.map(({ code }) => code)).toEqual(['items-rejected', 'window-overlap', 'rows-stale']);
  });

  test.each([
    {},
    { write: 'copy-on-write' },
    { write: 'merge-on-read' },
    { partition: [{ transform: 'bucket', width: 3, column: 'pk' }] },
  ] as LoadOptions[])('fault 47: a history has each change of overlapping windows once: %j', async (options) => {
    await using world = await World.open();
    const target = world.target(format);
    const report = await world.load(await overlapping(world), target, { mode: 'history', ...options });
    expect(report.counts).toMatchObject({ read: 16, written: 13, deleted: 0, unchanged: 3 });
    const rows = await world.query(
      target,
      "select pk, _operation, strftime(_written_at at time zone 'UTC', '%H:%M'), n, count(*) from t where _operation <> 'baseline' group by all order by all",
    );
    expect(rows).toEqual([
      ['a', 'update', '12:01', '1', '1'],
      ['b', 'update', '12:06', '2', '1'],
      ['c', 'delete', '12:07', 'null', '1'],
      ['d', 'update', '12:09', '4', '1'],
      ['d', 'update', '12:16', '5', '1'],
      ['early', 'insert', '12:02', '8', '1'],
      ['gone', 'insert', '12:10', '9', '1'],
      ['later', 'insert', '12:20', '6', '1'],
      ['new', 'insert', '12:08', '3', '1'],
    ]);
    expect((await world.table(target)).state?.rows).toBe(13);
  });

  test('fault 47: a history takes the changes of an accepted gap when a longer window brings them', async () => {
    await using world = await World.open();
    const target = world.target(format);
    const dir = join(world.dir, 'source');
    const write = (changes: readonly WindowChange[], from: number, to: number) =>
      writeWindow(dir, { changes, from: iso(from), to: iso(to) });
    const options: LoadOptions = { mode: 'history', acceptGap: true };
    const [one, two, three] = [change('a', 1, n(1)), change('b', 20, n(2)), change('c', 31, n(3))];
    await world.load(await write([one], 0, 15), target, options);
    await world.load(await write([three], 30, 45), target, options);
    await world.load(await write([one, two, three, change('d', 50, n(4))], 0, 60), target, options);
    const rows = await world.query(target, 'select pk, count(*) from t group by 1 order by 1');
    expect(rows).toEqual(['a', 'b', 'c', 'd'].map((key) => [key, '1']));
  });
});

describe('changes that cannot be loaded', () => {
  const broken = (key: string, minute: number): string =>
    changeLine(change(key, minute, { n: { N: 'no number' } }, n(0)), 'NEW_AND_OLD_IMAGES', 'DYNAMODB_JSON');
  const good = (key: string, minute: number, value: number): string =>
    changeLine(change(key, minute, n(value), n(0)), 'NEW_AND_OLD_IMAGES', 'DYNAMODB_JSON');

  test.each(FORMATS)(
    'faults 87 and 88: leave their rows as they were, and the ledger counts them: %s',
    async (format) => {
      await using world = await World.open();
      const target = world.target(format);
      const dir = join(world.dir, 'source');
      const items = ['a', 'b', 'c'].map((key) => ({ ...pk(key), ...n(0) }));
      const full = await writeExport(dir, { items, exportTime: iso(0) });
      await world.load(full, target);
      const stale = async (): Promise<number | undefined> => {
        const report = await inspect(target, world.options(), contextOf());
        return report.kind === 'table' ? report.ledger?.stale : undefined;
      };
      expect(await stale()).toBe(0);
      const window = (lines: readonly string[], index: number) =>
        writeWindow(dir, { lines, from: iso(index * 15 - 1), to: iso(index * 15 + 14) });
      const first = await world.load(await window([broken('a', 1), broken('b', 2), good('c', 3, 1)], 0), target);
      expect(first.warnings).toContainEqual({
        code: 'rows-stale',
        text: expect.stringMatching(/^Each of 2 changes .* 2 changes in all/),
      });
      expect([first.position?.stale, await stale()]).toEqual([2, 2]);
      expect(await world.items(target)).toEqual(canonical([items[0] ?? {}, items[1] ?? {}, { ...pk('c'), ...n(1) }]));
      // More windows than the ledger has entries for, and one more change that is lost.
      for (let index = 1; index < 13; index += 1)
        await world.load(await window([good('c', index * 15, index)], index), target);
      const last = await world.load(await window([broken('c', 13 * 15)], 13), target);
      expect([last.position?.stale, await stale()]).toEqual([3, 3]);
      expect(last.warnings).toContainEqual({
        code: 'rows-stale',
        text: expect.stringMatching(/^Each of 1 change .* 3 changes in all/),
      });
      // A table whose columns change, and one that is looked after, remember it.
      await world.evolve(target, [{ column: 'n', type: 'string' }]);
      expect(await stale()).toBe(3);
      const anew = await writeExport(join(world.dir, 'anew'), { items, exportTime: iso(300) });
      const replaced = await world.load(anew, target, { replace: true });
      expect([replaced.position?.stale, await stale()]).toEqual([0, 0]);
    },
  );
});
