import { describe, expect, test } from 'vitest';
import { inspect, parsePartition, parseSort, sync } from '../../src/index.ts';
import type { Progress } from '../../src/model/options.ts';
import type { DdbItem } from '../data/ion.ts';
import { writeWindow } from '../data/make-window.ts';
import { canonicalItems, FORMATS, freshFolder, optionsWith, quiet } from './harness.ts';
import { itemsOf, Shop } from './scan-harness.ts';

describe.each(FORMATS)('a scan into %s', (format) => {
  test('makes the table, with the key that DynamoDB tells, once for each name of a run', async () => {
    await using shop = await Shop.open({}, format);
    const report = await shop.scan({ runId: 'first' });
    expect(report).toMatchObject({
      outcome: 'committed',
      key: ['pk'],
      counts: { read: 60, written: 60, rejected: 0 },
      scan: { runId: 'first', complete: true, resumed: false, segments: 4, segmentsDone: 4, throttled: 0 },
    });
    expect(report.scan?.readUnits).toBeGreaterThan(0);
    expect(await shop.rows()).toEqual(shop.expected);
    const { scans } = shop;
    const again = await shop.scan({ runId: 'first' });
    expect(again).toMatchObject({ outcome: 'unchanged', counts: { read: 0, written: 0 }, scan: { complete: true } });
    expect(shop.scans).toBe(scans);
  });

  test('of an empty table makes an empty one', async () => {
    await using shop = await Shop.open({ items: [] }, format);
    const report = await shop.scan();
    expect(report).toMatchObject({ outcome: 'committed', counts: { read: 0 }, scan: { complete: true } });
    expect(await shop.rows()).toEqual([]);
  });

  test('keeps partitions and order through all of its commits, and when it goes on', async () => {
    await using shop = await Shop.open({}, format);
    const change = { partition: parsePartition('bucket(3, pk)'), sort: parseSort('n desc') };
    let left = 12;
    shop.table.mishap = ({ operation }) =>
      operation === 'Scan' && left-- <= 0 ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined;
    expect((await shop.scan({ commitEveryMs: 0 }, change)).error?.code).toBe('ACCESS_DENIED');
    delete shop.table.mishap;
    expect((await shop.scan({ commitEveryMs: 0 })).error).toBeUndefined();
    const found = await inspect(shop.target, shop.options(), quiet());
    expect(found).toMatchObject({ rows: 60, partition: ['bucket(3, pk)'], sort: ['n desc nulls last'] });
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('commits what it has read as it comes, with columns that come and grow', async () => {
    const grown = itemsOf(60).map(
      (item, i): DdbItem => ({
        ...item,
        ...(i > 30 ? { late: { M: { x: { N: '1' } } } } : {}),
        price: { N: i > 45 ? `${i}.125` : String(i) },
      }),
    );
    await using shop = await Shop.open({ items: grown }, format);
    const report = await shop.scan({ commitEveryMs: 0 });
    expect(report.error).toBeUndefined();
    expect(report.applied).toBeGreaterThan(5);
    expect(report.counts).toMatchObject({ read: 60, written: 60 });
    expect(await shop.rows()).toEqual(shop.expected);
    expect(report.schema.find(({ name }) => name === 'price')?.type).toMatch(/^decimal/);
  });
});

describe('a scan', () => {
  test.each<[string, readonly string[], (i: number) => DdbItem]>([
    ['S', ['pk'], (i) => ({ pk: { S: `ключ "${i}"` } })],
    ['N', ['pk'], (i) => ({ pk: { N: i % 2 === 0 ? `${i}` : `-${i}.25` } })],
    ['B', ['pk'], (i) => ({ pk: { B: Buffer.from([i, 255 - i, 0]).toString('base64') } })],
    ['S and N', ['pk', 'sk'], (i) => ({ pk: { S: `k${i % 3}` }, sk: { N: String(i) } })],
    ['N and B', ['pk', 'sk'], (i) => ({ pk: { N: String(i % 3) }, sk: { B: Buffer.from([i]).toString('base64') } })],
    ['B and S', ['pk', 'sk'], (i) => ({ pk: { B: 'AAE=' }, sk: { S: `s${i}` } })],
  ])('reads tables with a key of %s', async (_, key, keyOf) => {
    const items = Array.from({ length: 20 }, (_item, i): DdbItem => ({ ...keyOf(i), text: { S: 'x'.repeat(30) } }));
    await using shop = await Shop.open({ key, items, pageBytes: 300 });
    const report = await shop.scan({ commitEveryMs: 1 });
    expect(report).toMatchObject({ outcome: 'committed', key, scan: { complete: true } });
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('fault 70: empty pages that go on, and pages of one item of 400 KB', async () => {
    const large = Array.from(
      { length: 6 },
      (_, i): DdbItem => ({ pk: { S: `k${i}` }, text: { S: `"${i}`.repeat(130_000) } }),
    );
    await using shop = await Shop.open({ items: [...large, ...itemsOf(20, 100)], emptyPages: true, pageBytes: 1 });
    const report = await shop.scan();
    expect(report).toMatchObject({ outcome: 'committed', counts: { read: 26, written: 26 } });
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('says where one partition key holds much of the table', async () => {
    const skewed = [
      ...itemsOf(200),
      ...itemsOf(2_000).map((item, i) => ({ ...item, pk: { S: 'hot' }, sk: { N: String(i) } })),
    ];
    const items = skewed.map((item) => ({ sk: { N: '0' }, ...item }));
    await using shop = await Shop.open({ key: ['pk', 'sk'], items, pageBytes: 20_000 });
    const seen: Progress[] = [];
    const report = await shop.scan({ segments: 32 }, {}, { ...quiet(), onProgress: (progress) => seen.push(progress) });
    expect(report.counts.written).toBe(2_200);
    expect(report.warnings.map(({ code }) => code)).toContain('hot-segment');
    expect(report.scan?.largestSegment?.items).toBeGreaterThan(2_000);
    expect(seen.at(-1)?.scan).toMatchObject({ segmentsDone: 32, segments: 32 });
    expect(seen.some(({ scan }) => scan?.open === 1 && scan.segmentsDone === 31)).toBe(true);
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('keeps its pace over all segments together, and a plan says which', async () => {
    await using shop = await Shop.open({
      items: itemsOf(400),
      description: { TableSizeBytes: 90_000, ItemCount: 400 },
    });
    const plan = await shop.scan({ rcu: { kind: 'units', units: 12 } }, { dryRun: true });
    expect(plan).toMatchObject({ outcome: 'planned', scan: { itemsInTable: 400, rate: { unitsPerSecond: 12 } } });
    expect(shop.scans).toBe(0);
    const seen: Progress[] = [];
    const context = { ...quiet(), onProgress: (progress: Progress) => void seen.push(progress) };
    const report = await shop.scan({ rcu: { kind: 'units', units: 12 } }, {}, context);
    expect(report.outcome).toBe('committed');
    // A guess is made after two seconds; at this pace the scan takes some more.
    const sure = seen.filter(({ scan }) => scan?.secondsLeft !== undefined);
    expect(sure.length).toBeGreaterThan(0);
    for (const { scan, itemsDone } of sure.filter((each) => each.itemsDone < 400)) {
      expect(scan).toMatchObject({ limit: 12, segments: 4 });
      expect(scan?.unitsPerSecond).toBeGreaterThan(0);
      expect(scan?.secondsLeft).toBeGreaterThan(0);
      // By the speed until then, of a scan that takes seconds, on a machine that may stand still.
      expect(scan?.secondsLeft).toBeLessThan((600 * (400 - itemsDone)) / itemsDone);
    }
    const { spent } = shop.server;
    const seconds = ((spent.at(-1)?.at ?? 0) - (spent[0]?.at ?? 0)) / 1000;
    const units = spent.reduce((sum, each) => sum + each.units, 0);
    expect(report.scan?.readUnits).toBe(units);
    // A second's units may come at once, and no more.
    expect(units).toBeLessThan(12 * seconds + 13);
  });

  test('reckons with the bytes where pages do not say what they took: twice as much when consistent', async () => {
    const items = Array.from(
      { length: 40 },
      (_, i): DdbItem => ({ pk: { S: `k${i}` }, text: { S: 'x'.repeat(8_000) } }),
    );
    await using shop = await Shop.open({ items, pageBytes: 60_000, silent: true });
    const plain = await shop.scan();
    expect(plain.scan).toMatchObject({ complete: true, consistent: false });
    expect(plain.scan?.readUnits).toBeGreaterThan(39);
    expect(plain.scan?.readUnits).toBeLessThan(41);
    const twice = await shop.scan({ consistent: true });
    expect(twice.scan?.consistent).toBe(true);
    expect(twice.scan?.readUnits).toBeCloseTo(2 * (plain.scan?.readUnits ?? 0));
    const asked = shop.server.calls.findLast(({ operation }) => operation === 'Scan');
    expect(asked?.request['ConsistentRead']).toBe(true);
  });

  test('is followed by windows of exports, whose changes go before its rows, once it is complete', async () => {
    const from = new Date(Date.now() - 900_000).toISOString().replace(/\.\d+Z/, 'Z');
    const to = new Date(Date.now() + 900_000).toISOString().replace(/\.\d+Z/, 'Z');
    await using shop = await Shop.open();
    const [first, second, third] = shop.table.items as [DdbItem, DdbItem, DdbItem];
    const at = BigInt(Date.now() - 600_000) * 1_000n;
    const { pk = {} } = first;
    const changes = [
      { at, keys: { pk }, old: first, new: { pk, n: { N: '-1' } } },
      { at, keys: { pk: second['pk'] ?? {} }, old: second },
    ];
    const tableArn = 'arn:aws:dynamodb:us-east-1:123456789012:table/orders';
    const written = await writeWindow(await freshFolder(), {
      changes,
      from,
      to,
      tableId: 'table-1',
      summary: { tableArn },
    });
    let left = 8;
    shop.table.mishap = ({ operation }) =>
      operation === 'Scan' && left-- <= 0 ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined;
    await shop.scan();
    delete shop.table.mishap;
    const window = (): ReturnType<typeof sync> => sync(written.exportDir, shop.target, optionsWith(), quiet());
    expect((await window()).error).toMatchObject({ code: 'LEDGER_REFUSED', found: expect.stringContaining('/scan/') });
    expect((await shop.scan()).outcome).toBe('committed');
    const applied = await window();
    expect(applied.error).toBeUndefined();
    expect(applied).toMatchObject({ outcome: 'committed', counts: { read: 2, written: 1, deleted: 1 } });
    const others = shop.table.items.filter((item) => item !== first && item !== second);
    expect(others).toContain(third);
    expect(await shop.rows()).toEqual(canonicalItems([{ pk, n: { N: '-1' } }, ...others]));
  });

  test('is no snapshot: report and ledger tell its times', async () => {
    await using shop = await Shop.open();
    const before = Date.now();
    const report = await shop.scan();
    const { from = '', to = '' } = report.scan ?? {};
    expect(Date.parse(from)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(to)).toBeGreaterThanOrEqual(Date.parse(from));
    expect(report.position).toMatchObject({ watermark: from, loads: 1 });
    const found = await inspect(shop.target, shop.options(), quiet());
    expect(found).toMatchObject({ kind: 'table', ledger: { entries: [{ kind: 'scan', from, to, items: 60 }] } });
  });
});
