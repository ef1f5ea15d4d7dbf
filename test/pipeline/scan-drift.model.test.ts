import { describe, expect, test } from 'vitest';
import type { OnDrift } from '../../src/model/options.ts';
import type { DdbItem, DdbValue } from '../data/ion.ts';
import { World } from '../faults/load.ts';
import { canonicalItems, FORMATS } from './harness.ts';
import { Shop } from './scan-harness.ts';

// A value that does not fit its column, in a piece behind one that is in the table already: as a window's would be.

const many = (from: number, to: number, n: (i: number) => DdbValue): DdbItem[] =>
  Array.from({ length: to - from }, (_, i) => ({ pk: { S: `k${String(from + i).padStart(2, '0')}` }, n: n(from + i) }));
const WHOLE = many(0, 10, (i) => ({ N: String(i) }));
const PARTS = many(10, 20, (i) => ({ N: `${i}.99` }));
const TEXTS = many(20, 30, (i) => ({ S: `t${i}` }));

describe.each(FORMATS)('a type that changes between two pieces of a scan into %s', (format) => {
  const open = (items: readonly DdbItem[]): Promise<Shop> => Shop.open({ items, pageBytes: 250 }, format);
  const scan = (shop: Shop, onDrift: OnDrift, more: object = {}) =>
    shop.scan({ segments: 1, commitEveryMs: 0 }, { onDrift, ...more });
  const column = async (shop: Shop) => {
    await using world = await World.open();
    const { state } = await world.table(shop.target);
    const numbers = await world.query(shop.target, 'select count(n), sum(n)::VARCHAR from t');
    return { state, type: state?.schema.columns.find(({ attr }) => attr === 'n'), numbers: numbers[0] };
  };

  test.each(['mirror', 'append', 'upsert'] as const)(
    'rewrite: a number makes its column wider, all rows with it (%s)',
    async (mode) => {
      await using shop = await open(WHOLE);
      await scan(shop, 'rewrite');
      const before = await column(shop);
      expect(before.type?.type.kind).toBe('long');
      shop.table.items = [...WHOLE.slice(0, 5), ...PARTS];
      shop.server.refresh();
      const { state } = shop.options();
      const report = await scan(shop, 'rewrite', { state: { ...state, mode, maxDelete: { share: 1 } } });
      expect(report.error).toBeUndefined();
      const after = await column(shop);
      expect(after.type?.type.kind).toBe('decimal');
      expect(after.type?.id).not.toBe(before.type?.id);
      const rows = {
        mirror: shop.table.items,
        append: [...WHOLE, ...shop.table.items],
        upsert: [...WHOLE, ...PARTS],
      };
      expect(await shop.rows()).toEqual(canonicalItems(rows[mode]));
      expect(Number(after.numbers?.[0])).toBe(rows[mode].length);
    },
  );

  test('rewrite: a first scan whose later pieces outgrow a column; texts are rescued and counted', async () => {
    await using shop = await open([...WHOLE, ...PARTS, ...TEXTS]);
    const report = await scan(shop, 'rewrite');
    expect(report).toMatchObject({ outcome: 'committed' });
    expect(report.applied).toBeGreaterThan(3);
    expect(report.counts.rescued).toBe(TEXTS.length);
    expect(await shop.rows()).toEqual(shop.expected);
    const { type, numbers } = await column(shop);
    expect(type?.type.kind).toBe('decimal');
    expect(Number(numbers?.[0])).toBe(20);
    expect(Number(numbers?.[1])).toBeCloseTo(45 + 145 + 9.9, 6);
  });

  test.each(['rewrite', 'rescue', 'fail'] as const)(
    '%s: an attribute that was only NULL in the first pieces becomes what its first values are',
    async (onDrift) => {
      const nulls = many(0, 10, () => ({ NULL: true }));
      await using shop = await open([...nulls, ...PARTS, ...TEXTS]);
      const report = await scan(shop, onDrift);
      expect(report).toMatchObject({ outcome: 'committed' });
      expect(report.applied).toBeGreaterThan(3);
      const { type, numbers } = await column(shop);
      expect(type?.type.kind).toBe('decimal');
      expect(numbers?.[0]).toBe('10');
      expect(await shop.rows()).toEqual(shop.expected);
    },
  );

  test.each(['mirror', 'append', 'upsert'] as const)('first values in a scan behind another one (%s)', async (mode) => {
    const nulls = many(0, 10, () => ({ NULL: true }));
    await using shop = await open(nulls);
    await scan(shop, 'rewrite');
    shop.table.items = [...nulls.slice(0, 5), ...PARTS];
    shop.server.refresh();
    const { state } = shop.options();
    const report = await scan(shop, 'rewrite', { state: { ...state, mode, maxDelete: { share: 1 } } });
    expect(report).toMatchObject({ outcome: 'committed' });
    // Rows that are as they were are not written again.
    expect(report.counts.unchanged).toBe(mode === 'append' ? 0 : 5);
    expect((await column(shop)).type?.type.kind).toBe('decimal');
    const rows = { mirror: shop.table.items, append: [...nulls, ...shop.table.items], upsert: [...nulls, ...PARTS] };
    expect(await shop.rows()).toEqual(canonicalItems(rows[mode]));
  });

  test('rescue: the column stays, and what does not fit is in _rescued', async () => {
    await using shop = await open([...WHOLE, ...PARTS, ...TEXTS]);
    const report = await scan(shop, 'rescue');
    expect(report).toMatchObject({ outcome: 'committed' });
    expect(report.counts.rescued).toBe(PARTS.length + TEXTS.length);
    const { type, numbers } = await column(shop);
    expect([type?.type.kind, numbers]).toEqual(['long', ['10', '45']]);
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('fail: the scan stops before the number, keeps what it had, and goes on when it is told otherwise', async () => {
    await using shop = await open([...WHOLE, ...PARTS]);
    const report = await scan(shop, 'fail');
    expect(report.error).toMatchObject({ code: 'SCHEMA_DRIFT', place: 'attribute n' });
    expect(report.applied).toBeGreaterThan(0);
    const rows = await shop.rows();
    expect(canonicalItems(WHOLE)).toEqual(expect.arrayContaining(rows));
    expect(rows.length).toBeGreaterThan(3);
    expect((await scan(shop, 'rewrite')).outcome).toBe('committed');
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('above --rewrite-limit it stops, and what was committed stays', async () => {
    await using shop = await open([...WHOLE, ...PARTS]);
    const report = await scan(shop, 'rewrite', { rewriteLimitBytes: 1 });
    expect(report.error?.hint).toContain('--rewrite-limit');
    expect((await shop.rows()).length).toBeGreaterThan(3);
    expect((await scan(shop, 'rescue')).outcome).toBe('committed');
    expect(await shop.rows()).toEqual(shop.expected);
  });
});
