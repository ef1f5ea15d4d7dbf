import { afterEach, describe, expect, test, vi } from 'vitest';
import { inspect } from '../../src/index.ts';
import type { SinceOptions, SyncOptions } from '../../src/model/options.ts';
import type { SyncReport } from '../../src/model/report.ts';
import type { DdbItem } from '../data/ion.ts';
import { quiet } from './harness.ts';
import { Shop } from './scan-harness.ts';

// A scan that takes a part of the items, interrupted or behind another one: what was chosen is never changed silently.

const microsOf = (time: string): string => String(BigInt(Date.parse(time)) * 1000n);
const SINCE: SinceOptions = {
  ...{ attribute: 'at', start: microsOf('2026-03-01T10:00:00Z') },
  ...{ format: 'auto', overlapMs: 300_000, missing: 'keep' },
} as const;
const LAST = { ...SINCE, start: 'last' } as const;

const ITEMS = Array.from({ length: 60 }, (_, i): DdbItem => {
  const at = Date.parse('2026-03-01T10:00:00Z') + (i - 30) * 60_000;
  return { pk: { S: `k${i}` }, at: { N: String(at) }, other: { N: String(at) }, text: { S: 'x'.repeat(90) } };
});

function scan(
  shop: Shop,
  since: SinceOptions | undefined,
  change: Partial<Omit<SyncOptions, 'schema'>> = {},
): Promise<SyncReport> {
  return shop.scan({}, { state: { ...shop.options().state, since }, ...change });
}

/** A scan that stopped when some of it was in the table. */
async function interrupted(shop: Shop, since: SinceOptions | undefined): Promise<SyncReport> {
  let left = 8;
  shop.table.mishap = ({ operation }) =>
    operation === 'Scan' && left-- <= 0 ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined;
  const report = await shop.scan({}, { state: { ...shop.options().state, since } });
  delete shop.table.mishap;
  expect(report).toMatchObject({ outcome: 'failed', scan: { complete: false } });
  expect(report.applied).toBeGreaterThan(0);
  return report;
}

const codes = (report: SyncReport): string[] => report.warnings.map(({ code }) => code);
const taken = (items: readonly DdbItem[], from: string): number =>
  items.filter((item) => Number(item['at']?.['N']) >= Date.parse(from)).length;

afterEach(() => {
  vi.useRealTimers();
});

describe('an interrupted scan with --since', () => {
  test('goes on by the same command, also where that says last and the table is new', async () => {
    for (const since of [LAST, SINCE]) {
      await using shop = await Shop.open({ items: ITEMS, pageBytes: 900 });
      const { scan: first } = await interrupted(shop, since);
      const report = await scan(shop, since);
      expect(report.error).toBeUndefined();
      expect(report.scan).toMatchObject({ runId: first?.runId, resumed: true, complete: true });
      expect(codes(report)).not.toContain('since-goes-on');
      expect((await shop.rows()).length).toBe(since === LAST ? 60 : 30);
    }
  });

  test('goes on by the same command where last is a time, which has not moved', async () => {
    await using shop = await Shop.open({ items: ITEMS, pageBytes: 900 });
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-03-01T10:10:00Z') });
    await scan(shop, undefined);
    vi.setSystemTime(new Date('2026-03-01T10:40:00Z'));
    shop.table.items = ITEMS.map((item) => ({ ...item, more: { BOOL: true } }));
    shop.server.refresh();
    await interrupted(shop, LAST);
    vi.setSystemTime(new Date('2026-03-01T10:50:00Z'));
    const report = await scan(shop, LAST);
    expect(report.error).toBeUndefined();
    expect(report.scan).toMatchObject({ resumed: true, complete: true, since: { from: '2026-03-01T10:05:00Z' } });
    const rows = await shop.rows();
    expect(rows.filter((row) => row.includes('more')).length).toBe(taken(ITEMS, '2026-03-01T10:05:00Z'));
    expect(report.position?.watermark).toBe('2026-03-01T10:40:00.000Z');
  });

  test.each<[string, SinceOptions | undefined, Partial<SinceOptions>]>([
    ['another time', SINCE, { start: microsOf('2026-03-01T09:59:59Z') }],
    ['another attribute', SINCE, { attribute: 'other' }],
    ['another unit', SINCE, { format: 'epoch-ms' }],
    ['another answer for items without a time', SINCE, { missing: 'drop' }],
    ['last, where that is all', SINCE, { start: 'last' }],
    ['a time, where it began without one', undefined, {}],
    ['a time, where it began with last', LAST, {}],
  ])('is refused %s, in a plan, too, and nothing is read', async (_, began, change) => {
    await using shop = await Shop.open({ items: ITEMS, pageBytes: 900 });
    await interrupted(shop, began);
    const rows = await shop.rows();
    const { scans } = shop;
    for (const dryRun of [true, false]) {
      const report = await scan(shop, { ...SINCE, ...change }, { dryRun });
      expect(report).toMatchObject({ outcome: 'failed', error: { code: 'USAGE', place: '--since' } });
      expect(report.error?.expected).toMatch(began?.start === SINCE.start ? /^--since 2026-03-01T10:00:00Z/ : /^all/);
      expect(report.error?.found).not.toBe(report.error?.expected);
    }
    expect([shop.scans, await shop.rows()]).toEqual([scans, rows]);
    expect((await scan(shop, began)).scan).toMatchObject({ resumed: true, complete: true });
  });

  test('goes on without the options, as it began, and says so', async () => {
    await using shop = await Shop.open({ items: ITEMS, pageBytes: 900 });
    await interrupted(shop, SINCE);
    const report = await scan(shop, undefined);
    expect(report.scan).toMatchObject({ resumed: true, complete: true, since: { from: '2026-03-01T10:00:00Z' } });
    expect(report.warnings).toContainEqual({
      code: 'since-goes-on',
      text: expect.stringContaining('2026-03-01T10:00:00Z'),
    });
    expect((await shop.rows()).length).toBe(30);
    const whole = await scan(shop, undefined);
    expect([whole.scan?.since, codes(whole)]).toEqual([undefined, []]);
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('another --filter is refused, in a plan, too', async () => {
    await using shop = await Shop.open({ items: ITEMS, pageBytes: 900 });
    await interrupted(shop, undefined);
    const { scans } = shop;
    for (const dryRun of [true, false]) {
      const options = shop.options({}, { dryRun });
      const schema = { ...options.schema, filter: "pk = 'k7'" };
      const report = await shop.scan({}, { dryRun, schema } as object);
      expect(report).toMatchObject({ outcome: 'failed', error: { code: 'USAGE', expected: 'none' } });
      expect(report.error?.place).toMatch(/^--filter/);
    }
    expect(shop.scans).toBe(scans);
  });
});

test('document 4: a scan since a later time than the table holds is told, and last begins where it began before', async () => {
  await using shop = await Shop.open({ items: [], pageBytes: 900 });
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-03-01T09:45:00Z') });
  await scan(shop, undefined);
  shop.table.items = ITEMS;
  shop.server.refresh();
  vi.setSystemTime(new Date('2026-03-01T11:00:00Z'));
  const later = await scan(shop, SINCE);
  expect(later.warnings).toContainEqual({ code: 'since-gap', text: expect.stringContaining('2026-03-01T09:45:00') });
  expect(later.position?.watermark).toBe('2026-03-01T09:45:00.000Z');
  expect((await shop.rows()).length).toBe(30);
  vi.setSystemTime(new Date('2026-03-01T12:00:00Z'));
  const last = await scan(shop, LAST);
  expect(last.scan?.since?.from).toBe('2026-03-01T09:40:00Z');
  expect([codes(last).includes('since-gap'), last.position?.watermark]).toEqual([false, '2026-03-01T12:00:00.000Z']);
  expect((await shop.rows()).length).toBe(taken(ITEMS, '2026-03-01T09:40:00Z'));
  // An earlier time leaves nothing out, and a new table has nothing before it.
  const earlier = await scan(shop, { ...SINCE, start: microsOf('2026-03-01T08:00:00Z') });
  expect(codes(earlier)).not.toContain('since-gap');
  expect(await shop.rows()).toEqual(shop.expected);
  await using other = await Shop.open({ items: ITEMS, pageBytes: 900 });
  const first = await scan(other, SINCE);
  expect([codes(first), first.position?.watermark]).toEqual([[], '2026-03-01T12:00:00.000Z']);
});

test('options that a scan cannot follow are told, and those for exports that concern rows are refused', async () => {
  await using shop = await Shop.open({ items: ITEMS, pageBytes: 900 });
  await scan(shop, undefined);
  const partition = [{ transform: 'identity', column: 'pk' }] as const;
  const report = await scan(shop, undefined, { partition });
  expect(report.warnings).toContainEqual({ code: 'options-differ', text: expect.stringContaining('--partition') });
  expect(await inspect(shop.target, shop.options(), quiet())).toMatchObject({ rows: 60 });
  const { scans } = shop;
  for (const change of [{ replace: true }, { adopt: true }]) {
    const { error } = await scan(shop, undefined, change);
    expect([error?.code, error?.place]).toEqual(['USAGE', `--${Object.keys(change)[0]}`]);
  }
  expect(shop.scans).toBe(scans);
});
