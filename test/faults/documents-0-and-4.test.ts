import { describe, expect, test } from 'vitest';
import type { DdbItem } from '../data/ion.ts';
import { FORMATS } from '../pipeline/harness.ts';
import { Shop } from '../pipeline/scan-harness.ts';

// What goes wrong in a scan into a data frame, and in an hourly job that filters by the clock. More of it:
// scan-modes.test.ts (re-runs, deletes, partitions that rows move between), scan-since.test.ts (units of time, the hour's
// edge), filter.test.ts (pages of which nothing is left).

describe.each(FORMATS)('document 0, into %s', (format) => {
  test('a missing number is not 0, a missing boolean not true, and a whole number beyond 2^53 is not rounded', async () => {
    const items: DdbItem[] = [
      { pk: { S: 'a' }, n: { N: '9007199254740993' }, on: { BOOL: false }, price: { N: '0.1' } },
      { pk: { S: 'b' } },
      { pk: { S: 'c' }, n: { NULL: true }, on: { NULL: true } },
      { pk: { S: 'd' }, n: { N: '0' }, on: { BOOL: true }, price: { N: '12345678901234567890123456789012345678' } },
    ];
    await using shop = await Shop.open({ items }, format);
    await shop.scan();
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test.each([
    ['N', { N: '1' }, { N: '-2.5' }],
    ['B', { B: 'AAE=' }, { B: 'AAI=' }],
  ] as const)('keys of %s are keys, and are found again', async (_, first, second) => {
    const items = [
      { pk: first, v: { S: 'x' } },
      { pk: second, v: { S: 'y' } },
    ] as unknown as DdbItem[];
    await using shop = await Shop.open({ items }, format);
    await shop.scan();
    shop.table.items = [{ ...(items[0] as DdbItem), v: { S: 'z' } }, items[1] as DdbItem];
    shop.server.refresh();
    const report = await shop.scan();
    expect(report.counts).toMatchObject({ read: 2, written: 1, unchanged: 1 });
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('pages without items, before and behind a filter, end nothing', async () => {
    await using shop = await Shop.open({ emptyPages: true }, format);
    const options = shop.options();
    const schema = { ...options.schema, filter: "pk = 'k7'" };
    const report = await shop.scan({}, { schema } as object);
    expect(report.outcome).toBe('committed');
    expect((await shop.rows()).length).toBe(1);
  });
});
