import { afterEach, expect, test, vi } from 'vitest';
import { sync } from '../../src/index.ts';
import type { SinceOptions, SyncOptions } from '../../src/model/options.ts';
import type { SyncReport } from '../../src/model/report.ts';
import type { DdbItem } from '../data/ion.ts';
import { canonicalItems, exportOf, freshFolder, optionsWith, quiet } from './harness.ts';
import { Shop } from './scan-harness.ts';

// Increments without a stream: only items that an attribute says were written since then.

const SINCE: SinceOptions = { attribute: 'at', start: 'last', format: 'auto', overlapMs: 300_000, missing: 'keep' };
type State = Partial<SyncOptions['state']>;

const scan = (shop: Shop, state: State = {}): Promise<SyncReport> =>
  shop.scan({}, { state: { ...shop.options().state, ...state } });
const at = (time: string): void => void vi.useFakeTimers({ toFake: ['Date'], now: new Date(time) });
const item = (pk: string, time: string | undefined, more: DdbItem = {}): DdbItem => ({
  pk: { S: pk },
  ...(time === undefined ? {} : { at: { N: String(Date.parse(time)) } }),
  ...more,
});
function change(shop: Shop, items: readonly DdbItem[]): void {
  shop.table.items = items;
  shop.server.refresh();
}

afterEach(() => {
  vi.useRealTimers();
});

test('document 4: the hour’s edge: a row written at 10:59:59.9 and a run at 11:00:03; a late run; a repeated one', async () => {
  await using shop = await Shop.open({ items: [] });
  const old = Array.from({ length: 20 }, (_, i) => item(`old${i}`, '2026-03-01T08:00:00Z'));
  at('2026-03-01T10:00:03Z');
  change(shop, old);
  await scan(shop);
  at('2026-03-01T11:00:03Z');
  const edge = [item('edge', '2026-03-01T10:59:59.900Z'), item('start', '2026-03-01T10:00:03.500Z')];
  change(shop, [...old, ...edge]);
  const hour = await scan(shop, { since: SINCE });
  expect(hour.counts).toMatchObject({ read: 22, written: 2, filtered: 20, deleted: 0, unchanged: 0 });
  expect(hour.scan?.since).toMatchObject({
    attribute: 'at',
    from: '2026-03-01T09:55:03Z',
    formats: { 'epoch-ms': 22 },
    untimed: 0,
  });
  // Three hours late, and what was written a moment before the last run began, but could be read only later.
  at('2026-03-01T14:20:00Z');
  const late = [item('late', '2026-03-01T11:00:02.999Z'), item('noon', '2026-03-01T12:30:00Z')];
  change(shop, [...old, ...edge, ...late]);
  expect((await scan(shop, { since: SINCE })).counts).toMatchObject({ written: 2, unchanged: 1, filtered: 21 });
  expect(await shop.rows()).toEqual(shop.expected);
  const again = await scan(shop, { since: SINCE });
  expect(again.counts).toMatchObject({ read: 24, written: 0, unchanged: 0, filtered: 24 });
  expect(await shop.rows()).toEqual(shop.expected);
});

test('document 0: a changed item takes the place of its row; rows of deleted items stay, and that is said', async () => {
  await using shop = await Shop.open({ items: [] });
  const items = [
    item('a', '2026-03-01T08:00:00Z'),
    item('b', '2026-03-01T08:00:00Z'),
    item('c', '2026-03-01T08:00:00Z'),
  ];
  at('2026-03-01T10:00:00Z');
  change(shop, items);
  await scan(shop);
  at('2026-03-01T11:00:00Z');
  const changed = item('a', '2026-03-01T10:30:00Z', { color: { S: 'red' } });
  change(shop, [changed, items[1] as DdbItem]);
  const report = await scan(shop, { since: SINCE });
  expect(report.counts).toMatchObject({ read: 2, written: 1, filtered: 1 });
  expect(report.scan?.rowsRemoved).toBe(0);
  expect(report.warnings).toContainEqual({ code: 'rows-kept', text: expect.stringContaining('--since') });
  expect(await shop.rows()).toEqual(canonicalItems([changed, ...items.slice(1)]));
});

test('items without a time are kept and counted, unless told otherwise', async () => {
  await using shop = await Shop.open({ items: [] });
  const items = [
    item('a', '2026-03-01T10:30:00Z'),
    item('b', '2026-03-01T08:00:00Z'),
    item('c', undefined),
    item('d', undefined, { at: { NULL: true } }),
    item('e', undefined, { at: { S: 'soon' } }),
    item('f', undefined, { at: { S: '2026-03-01T10:00:00Z' } }),
  ];
  change(shop, items);
  const start = String(Date.parse('2026-03-01T10:00:00Z') * 1000);
  const report = await scan(shop, { since: { ...SINCE, start } });
  expect(report.counts).toMatchObject({ read: 6, written: 5, filtered: 1 });
  expect(report.scan?.since?.untimed).toBe(3);
  await using other = await Shop.open({ items });
  const dropped = await scan(other, { since: { ...SINCE, start, missing: 'drop' } });
  expect(dropped.counts).toMatchObject({ read: 6, written: 2, filtered: 4 });
});

test('exports have no use for --since and write modes, and say so', async () => {
  const { dir } = await exportOf([[item('a', undefined)]]);
  const state = optionsWith().state;
  for (const [change, place] of [
    [{ since: SINCE }, '--since'],
    [{ mode: 'append' }, '--write-mode append'],
  ] as const) {
    const report = await sync(dir, await freshFolder(), optionsWith({ state: { ...state, ...change } }), quiet());
    expect([report.error?.code, report.error?.place]).toEqual(['USAGE', place]);
  }
});

test('overwrite-partitions with --since would lose rows, and is refused', async () => {
  await using shop = await Shop.open({ items: [item('a', '2026-03-01T10:30:00Z')] });
  const options = shop.options();
  const partition = [{ transform: 'identity', column: 'pk' }] as const;
  await shop.scan({}, { partition });
  const report = await shop.scan({}, { state: { ...options.state, mode: 'overwrite-partitions', since: SINCE } });
  expect([report.error?.code, report.error?.hint]).toEqual(['USAGE', expect.stringContaining('upsert')]);
});
