import { describe, expect, test } from 'vitest';
import type { Progress } from '../../src/model/options.ts';
import type { CannedTable } from '../servers/canned-pages.ts';
import { FORMATS, quiet } from './harness.ts';
import { itemsOf, Shop } from './scan-harness.ts';

type Mishap = NonNullable<CannedTable['mishap']>;

/** The Scan with this number, and all behind it, are refused. */
function refusedFrom(number: number, code: string): Mishap {
  let scans = 0;
  return ({ operation }) => (operation === 'Scan' && scans++ >= number ? { kind: 'refuse', code } : undefined);
}

describe.each(FORMATS)('a scan into %s that is stopped', (format) => {
  test('fault 68: behind any page goes on behind it, and nothing is missing or doubled', async () => {
    for (const stop of [1, 6, 17]) {
      await using shop = await Shop.open({}, format);
      shop.table.mishap = refusedFrom(stop, 'AccessDeniedException');
      const stopped = await shop.scan({ commitEveryMs: 0 });
      expect(stopped).toMatchObject({ outcome: 'failed', error: { code: 'ACCESS_DENIED' } });
      const held = stopped.applied > 0 ? { runId: stopped.scan?.runId, resumed: true } : { resumed: false };
      delete shop.table.mishap;
      const { scans } = shop;
      const report = await shop.scan({ segments: undefined });
      expect(report.error, `stopped behind ${stop} pages`).toBeUndefined();
      expect(report.scan).toMatchObject({ ...held, complete: true, segments: 4 });
      expect(await shop.rows(), `stopped behind ${stop} pages`).toEqual(shop.expected);
      // What was read before is not read again.
      if (stop > 8) expect(shop.scans - scans).toBeLessThan(12);
    }
  });
});

describe('a scan that is stopped', () => {
  test('fault 72: keeps what it had read when its credentials ended', async () => {
    await using shop = await Shop.open();
    shop.table.mishap = refusedFrom(8, 'ExpiredTokenException');
    const stopped = await shop.scan();
    expect(stopped).toMatchObject({ outcome: 'failed', applied: 1, error: { code: 'ACCESS_DENIED' } });
    expect(stopped.scan).toMatchObject({ complete: false, resumed: false });
    expect((await shop.rows()).length).toBe(stopped.counts.written);
    expect(stopped.counts.written).toBeGreaterThan(0);
    delete shop.table.mishap;
    const report = await shop.scan();
    expect(report.counts.written).toBe(60 - stopped.counts.written);
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('fault 72: because its table was deleted, or deleted and made again, adds nothing of another table', async () => {
    await using shop = await Shop.open();
    shop.table.mishap = refusedFrom(8, 'ResourceNotFoundException');
    expect(await shop.scan()).toMatchObject({ error: { code: 'SOURCE_NOT_FOUND', place: 'dynamodb:orders' } });
    delete shop.table.mishap;
    const rows = await shop.rows();
    shop.table.id = 'table-2';
    expect(await shop.scan()).toMatchObject({ outcome: 'failed', error: { code: 'LEDGER_REFUSED' } });
    expect(await shop.rows()).toEqual(rows);
    await using other = await Shop.open();
    other.table.mishap = ({ operation }) => {
      if (operation === 'Scan') other.table.id = 'table-2';
      return undefined;
    };
    const remade = await other.scan();
    expect(remade).toMatchObject({ outcome: 'failed', applied: 0, error: { code: 'LEDGER_REFUSED' } });
  });

  test('fault 69: does not go on with another number of segments, or as another run', async () => {
    await using shop = await Shop.open();
    shop.table.mishap = refusedFrom(8, 'AccessDeniedException');
    await shop.scan({ runId: 'mine' });
    delete shop.table.mishap;
    expect(await shop.scan({ segments: 5 })).toMatchObject({ error: { code: 'USAGE', place: '--segments' } });
    expect(await shop.scan({ runId: 'yours' })).toMatchObject({ error: { code: 'LEDGER_REFUSED' } });
    expect(await shop.scan({ runId: 'mine' })).toMatchObject({ outcome: 'committed', scan: { complete: true } });
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('fault 23: by Ctrl-C leaves the table as its last commit left it, and goes on there', async () => {
    await using shop = await Shop.open();
    const abort = new AbortController();
    shop.table.mishap = ({ number }) => {
      if (number === 14) abort.abort(new Error('Ctrl-C'));
      return undefined;
    };
    const stopped = await shop.scan({ commitEveryMs: 0 }, {}, { ...quiet(), signal: abort.signal });
    expect(stopped).toMatchObject({ outcome: 'failed', error: { code: 'INTERRUPTED' } });
    const report = await shop.scan();
    expect(report).toMatchObject({ outcome: 'committed', scan: { complete: true } });
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('faults 68 and 70: behind an empty page goes on behind it', async () => {
    for (const stop of [5, 6, 7, 8]) {
      await using shop = await Shop.open({ emptyPages: true });
      shop.table.mishap = refusedFrom(stop, 'AccessDeniedException');
      const stopped = await shop.scan({ segments: 1 });
      expect(stopped.error?.code).toBe('ACCESS_DENIED');
      delete shop.table.mishap;
      const report = await shop.scan({ segments: undefined, consistent: true });
      expect(report, `stopped behind ${stop} pages`).toMatchObject({ outcome: 'committed', scan: { resumed: true } });
      expect(await shop.rows(), `stopped behind ${stop} pages`).toEqual(shop.expected);
      const asked = shop.server.calls.filter(({ operation }) => operation === 'Scan');
      expect(asked.slice(0, stop).every(({ request }) => !('ConsistentRead' in request))).toBe(true);
      expect(asked.at(-1)?.request).toMatchObject({ ConsistentRead: true });
    }
  });

  test('with places too long for a ledger keeps them beside the table', async () => {
    const items = itemsOf(60).map((item, i) => ({ ...item, pk: { S: `${'k'.repeat(1_500)}${i}` } }));
    await using shop = await Shop.open({ items, pageBytes: 4_000 });
    shop.table.mishap = refusedFrom(10, 'AccessDeniedException');
    expect((await shop.scan({ commitEveryMs: 0 })).error?.code).toBe('ACCESS_DENIED');
    delete shop.table.mishap;
    const report = await shop.scan();
    expect(report).toMatchObject({ outcome: 'committed', scan: { resumed: true, complete: true } });
    expect(await shop.rows()).toEqual(shop.expected);
  });
});

describe('a scan goes on', () => {
  test('faults 60 and 67: where it is throttled, as slowly as it must', async () => {
    await using shop = await Shop.open();
    shop.table.mishap = ({ number }) =>
      number % 3 === 1 ? { kind: 'refuse', code: 'ProvisionedThroughputExceededException' } : undefined;
    const limits: number[] = [];
    const onProgress = ({ scan }: Progress): void => void limits.push(scan?.limit ?? Number.POSITIVE_INFINITY);
    const report = await shop.scan({ rcu: { kind: 'units', units: 400 } }, {}, { ...quiet(), onProgress });
    expect(report.outcome).toBe('committed');
    expect(report.scan?.throttled).toBeGreaterThan(5);
    expect(await shop.rows()).toEqual(shop.expected);
    expect(Math.min(...limits)).toBeLessThan(290);
    expect(Math.min(...limits)).toBeGreaterThanOrEqual(20);
  });

  test('faults 60 and 67: where one segment alone is throttled, again and again', async () => {
    await using shop = await Shop.open({ items: itemsOf(200) });
    let asked = 0;
    shop.table.mishap = ({ operation, request }) =>
      operation === 'Scan' && request['Segment'] === 2 && asked++ % 3 < 2
        ? { kind: 'refuse', code: 'ProvisionedThroughputExceededException' }
        : undefined;
    const report = await shop.scan();
    expect(report).toMatchObject({ outcome: 'committed', counts: { written: 200 } });
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('fault 73: where replies are changed, cut, lost or refused by mistake', async () => {
    await using shop = await Shop.open();
    const mishaps = [
      { kind: 'flip' },
      { kind: 'cut' },
      { kind: 'reset' },
      { kind: 'refuse', code: 'x', status: 503 },
    ] as const;
    shop.table.mishap = ({ number }) => (number % 2 === 1 ? mishaps[(number >> 1) % 4] : undefined);
    const report = await shop.scan();
    expect(report).toMatchObject({ outcome: 'committed', counts: { written: 60 } });
    expect(report.scan?.repeated).toBeGreaterThan(5);
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('fault 71: while items change, and each item is there once, as it was at some moment', async () => {
    await using shop = await Shop.open({ segmentOf: (item, segments) => Number(item['n']?.['N']) % segments });
    const before = shop.table.items;
    const after = before.map((item) => ({ ...item, tags: { SS: ['changed'] } }));
    shop.table.mishap = ({ number }) => {
      if (number === 12) {
        shop.table.items = after;
        shop.server.refresh();
      }
      return undefined;
    };
    const report = await shop.scan();
    expect(report.counts.written).toBe(60);
    const rows = await shop.rows();
    const old = new Set(rows.filter((row) => !row.includes('changed')));
    expect(old.size).toBeGreaterThan(0);
    expect(old.size).toBeLessThan(60);
    const keys = new Set(rows.map((row) => /"k\d+"/.exec(row)?.[0]));
    expect(keys.size).toBe(60);
  });
});
