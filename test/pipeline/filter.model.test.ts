import { describe, expect, test } from 'vitest';
import { normalFilter } from '../../src/index.ts';
import { parseFilter } from '../../src/schema/filter/parse.ts';
import { writeChain } from '../data/chain-model.ts';
import { meets } from '../data/filter-model.ts';
import type { DdbItem } from '../data/ion.ts';
import { writeExport } from '../data/make-export.ts';
import { writeWindow } from '../data/make-window.ts';
import { canonical, FORMATS, World } from '../faults/load.ts';

// A filter says which items have a row, from the first load of a table on and through all windows.

const FLOWERS: DdbItem[] = [
  { pk: { S: 'a' }, color: { S: 'red' }, quantity: { N: '9007199254740993' } },
  { pk: { S: 'b' }, color: { S: 'undefined' }, quantity: { N: '1' } },
  { pk: { S: 'c' }, color: { S: 'blue' }, quantity: { NULL: true } },
  { pk: { S: 'd' }, color: { S: 'blue' } },
  { pk: { S: 'e' }, quantity: { N: '2' } },
  { pk: { S: 'f' }, color: { N: '7' }, quantity: { S: 'many' } },
  { pk: { S: 'g' }, color: { S: 'red' }, quantity: { N: '0.5' }, fresh: { BOOL: false } },
];
const CONDITION = normalFilter("color <> 'undefined' and quantity is not null");

const kept = (items: readonly DdbItem[], filter: string): DdbItem[] =>
  items.filter((item) => meets(parseFilter(filter), item) === true);

describe.each(FORMATS)('a filter, to %s', (format) => {
  test.each([
    CONDITION,
    'quantity > 9007199254740992',
    'fresh = false',
    'nosuch is missing',
    "quantity is null or not begins_with(color, 'r')",
  ])('document 0: %s keeps what meets it, and counts the others', async (text) => {
    await using world = await World.open();
    const { dir } = await world.export({ items: FLOWERS, filesCount: 3, emptyFirst: true });
    const filter = normalFilter(text);
    const target = world.target(format);
    const report = await world.load(dir, target, { schema: { filter }, batchBytes: 1 });
    const expected = kept(FLOWERS, filter);
    const { read, written, filtered, rejected } = report.counts;
    expect([read, written, filtered, rejected]).toEqual([7, expected.length, 7 - expected.length, 0]);
    expect(report.filter).toBe(filter);
    expect(await world.items(target)).toEqual(canonical(expected));
    const again = await world.sync(dir, target);
    expect([again.outcome, again.filter]).toEqual(['unchanged', filter]);
  });

  test('document 0: pages and runs in which nothing meets it are fine', async () => {
    await using world = await World.open();
    const { dir } = await world.export({ items: FLOWERS, filesCount: 7 });
    const target = world.target(format);
    const only = await world.load(dir, target, { schema: { filter: "pk = 'g'" }, batchBytes: 1 });
    expect(only.counts).toMatchObject({ read: 7, written: 1, filtered: 6 });
    const none = await world.load(dir, world.target(format, 'none'), { schema: { filter: "pk = 'x'" }, batchBytes: 1 });
    expect(none.counts).toMatchObject({ read: 7, written: 0, filtered: 7 });
    expect(await world.items(world.target(format, 'none'))).toEqual([]);
  });

  test.each([1, 2, 3])('windows follow it: items enter and leave the table (seed %i)', async (seed) => {
    await using world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, { seed, keys: 40, windows: 4, writes: 30 });
    const filter = normalFilter("qty > 500 or note is not missing and not name like 'n1%'");
    const target = world.target(format);
    const report = await world.load(chain.dir, target, { schema: { filter } });
    const { read, written, deleted, unchanged, filtered, rejected } = report.counts;
    expect(written + deleted + unchanged + filtered + rejected).toBe(read);
    expect(filtered).toBeGreaterThan(0);
    const state = [...(chain.states.at(-1)?.values() ?? [])];
    expect(await world.items(target)).toEqual(canonical(kept(state, filter)));
  });

  test('a window counts what leaves, what was never there, and what is deleted', async () => {
    await using world = await World.open();
    const source = `${world.dir}/source`;
    const item = (pk: string, n: number): DdbItem => ({ pk: { S: pk }, n: { N: String(n) } });
    await writeExport(source, { items: [item('in', 5), item('out', 1), item('gone', 5), item('goneout', 1)] });
    const target = world.target(format);
    const first = await world.load(source, target, { schema: { filter: 'n > 2' } });
    expect(first.counts).toMatchObject({ read: 4, written: 2, filtered: 2 });
    const keys = (pk: string): DdbItem => ({ pk: { S: pk } });
    const change = (pk: string, n: number) => ({ at: 1772366400000000n, keys: keys(pk), new: item(pk, n) });
    await writeWindow(source, {
      from: '2026-03-01T11:59:00Z',
      to: '2026-03-01T12:14:00Z',
      changes: [
        change('in', 1),
        change('out', 2),
        change('new', 9),
        change('newout', 0),
        { at: 1772366400000000n, keys: keys('gone') },
        { at: 1772366400000000n, keys: keys('goneout') },
      ],
    });
    const second = await world.load(source, target);
    expect(second.filter).toBe('n > 2');
    expect(second.counts).toMatchObject({ read: 6, written: 1, deleted: 2, unchanged: 1, filtered: 2, rejected: 0 });
    expect(await world.items(target)).toEqual(canonical([item('new', 9)]));
  });

  test('another filter needs all rows to be made anew', async () => {
    await using world = await World.open();
    const source = `${world.dir}/source`;
    await writeExport(source, { items: FLOWERS });
    const target = world.target(format);
    await world.load(source, target, { schema: { filter: CONDITION } });
    const changed = await world.sync(source, target, { schema: { filter: "color = 'red'" } });
    expect(changed.outcome).toBe('unchanged');
    expect(changed.warnings.map(({ code }) => code)).toContain('options-differ');
    await writeWindow(source, { from: '2026-03-01T11:59:00Z', to: '2026-03-01T12:14:00Z', changes: [] });
    const refused = await world.sync(source, target, { schema: { filter: "color = 'red'" } });
    expect([refused.error?.code, refused.error?.place]).toEqual(['USAGE', expect.stringContaining('--filter')]);
    await world.load(source, target, { schema: { filter: "color = 'red'" }, replace: true });
    expect(await world.items(target)).toEqual(canonical(kept(FLOWERS, "color = 'red'")));
  });
});

test.each(['soft', 'history'] as const)('a table with --mode or --deletes %s has no filter', async (mode) => {
  await using world = await World.open();
  const { dir } = await world.export({ items: FLOWERS });
  const report = await world.sync(dir, world.target('iceberg'), { schema: { filter: CONDITION }, mode });
  expect([report.error?.code, report.error?.place]).toEqual(['USAGE', '--filter']);
});

test('an attribute that is excluded, has no column or is rescued may decide', async () => {
  await using world = await World.open();
  const { dir } = await world.export({ items: FLOWERS });
  const filter = "color = 7 or color = 'red' and quantity < 1";
  const target = world.target('iceberg');
  const report = await world.load(dir, target, { schema: { filter, exclude: ['quantity'], include: ['fresh'] } });
  expect(report.counts).toMatchObject({ read: 7, written: 2, filtered: 5 });
  const expected = kept(FLOWERS, filter).map(({ quantity: _, ...rest }) => rest);
  expect(await world.items(target)).toEqual(canonical(expected));
});

test('what cannot be loaded is rejected, whether or not it meets the filter', async () => {
  await using world = await World.open();
  const lines = [
    '{"Item":{"pk":{"S":"a"},"n":{"N":"1.50"}}}',
    '{"Item":{"pk":{"S":"b"},"n":{"N":"x"}}}',
    '{"Item":{"pk":{"S":"c"},"n":{"Q":"1.5"}}}',
    '{"Item":{"n":{"N":"1.5"}}}',
    '{"Item":{"pk":{"S":"d"},"n":{"N":"2"}}}',
  ];
  const { dir } = await world.export({ lines });
  const target = world.target('iceberg');
  const report = await world.load(dir, target, { schema: { filter: 'n = 1.5' } });
  expect(report.counts).toMatchObject({ read: 5, written: 1, filtered: 1, rejected: 3 });
  expect(await world.items(target)).toEqual(canonical([{ pk: { S: 'a' }, n: { N: '1.5' } }]));
});

test('a name that no item has is said', async () => {
  await using world = await World.open();
  const { dir } = await world.export({ items: FLOWERS });
  const report = await world.load(dir, world.target('iceberg'), { schema: { filter: "colour = 'red'" } });
  expect(report.warnings).toContainEqual({
    code: 'filter-unseen',
    text: '--filter names an attribute that no item has: colour.',
  });
});
