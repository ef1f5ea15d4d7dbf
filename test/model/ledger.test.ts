import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GAPS_KEPT, LEDGER_BYTES_MAX, WINDOWS_KEPT, withFullExport, withWindow } from '../../src/model/ledger.ts';
import type { FullExportEntry, Ledger, TimeRange, WindowEntry } from '../../src/model/table.ts';

const table = { tableArn: 'arn:aws:dynamodb:eu-central-1:123456789012:table/Shop', tableId: 'id' };
const iso = (minute: number): string => new Date(Date.UTC(2026, 0, 1) + minute * 60_000).toISOString();
const minute = (time: string): number => (Date.parse(time) - Date.UTC(2026, 0, 1)) / 60_000;
const full: FullExportEntry = {
  kind: 'full-export',
  exportArn: `${table.tableArn}/export/01695097218000-d6299cbd`,
  exportTime: iso(0),
  items: 5,
  rejected: 0,
};

function window(from: number, to: number, more: Partial<WindowEntry> = {}): WindowEntry {
  const exportArn = `${table.tableArn}/export/${from}-${to}`;
  return { kind: 'window', exportArn, from: iso(from), to: iso(to), items: 7, rejected: 0, ...more };
}

/** The minutes of ranges, one by one. */
function minutes(ranges: readonly TimeRange[] = []): Set<number> {
  return new Set(
    ranges.flatMap(({ from, to }) => Array.from({ length: minute(to) - minute(from) }, (_, i) => minute(from) + i)),
  );
}

test('windows that meet become one range; the full export and the newest windows keep their entries', () => {
  let ledger = withFullExport({ ...table, mode: 'soft' }, full, 'c0');
  expect(ledger).toEqual({ version: 1, ...table, mode: 'soft', entries: [full], watermark: iso(0), commitId: 'c0' });
  for (let index = 0; index < 5_000; index += 1)
    ledger = withWindow(ledger, window(index * 15 - 1, index * 15 + 15), `c${index + 1}`);
  expect(ledger).toMatchObject({
    mode: 'soft',
    watermark: iso(75_000),
    commitId: 'c5000',
    covered: [{ from: iso(-1), to: iso(75_000), windows: 5_000 }],
  });
  expect(ledger.gaps).toBeUndefined();
  expect(ledger.entries[0]).toEqual(full);
  expect(ledger.entries.slice(1).map((entry) => (entry.kind === 'window' ? entry.to : ''))).toEqual(
    Array.from({ length: WINDOWS_KEPT }, (_, index) => iso(75_000 - (WINDOWS_KEPT - 1 - index) * 15)),
  );
});

test('a table may begin with a window', () => {
  expect(withWindow({ ...table, mode: 'history' }, window(0, 15), 'c')).toEqual({
    version: 1,
    ...table,
    mode: 'history',
    entries: [window(0, 15)],
    covered: [{ from: iso(0), to: iso(15), windows: 1 }],
    watermark: iso(15),
    commitId: 'c',
  });
});

test('a first window that is not proven to meet the full export keeps its entry', () => {
  let ledger = withWindow(withFullExport(table, full, 'c'), window(0, 15, { withinMinute: true }), 'c');
  for (let index = 1; index < 100; index += 1) ledger = withWindow(ledger, window(index * 15, index * 15 + 15), 'c');
  expect(ledger.entries[1]).toMatchObject({ withinMinute: true });
  expect(ledger.entries).toHaveLength(2 + WINDOWS_KEPT);
});

test('fault 11: the watermark never goes back', () => {
  const ledger = withWindow(withFullExport(table, full, 'c'), window(-1, 15), 'c');
  for (const stale of [window(-1, 15), window(0, 10), window(-30, 0)])
    expect(() => withWindow(ledger, stale, 'c')).toThrow(expect.objectContaining({ code: 'LEDGER_REFUSED' }) as Error);
});

test('a long window closes a gap that was accepted before', () => {
  const gap = { from: iso(15), to: iso(30) };
  let ledger = withWindow(withFullExport(table, full, 'c'), window(-1, 15), 'c');
  ledger = withWindow(ledger, window(30, 45), 'c', gap);
  expect(ledger).toMatchObject({ gaps: [gap], covered: [{ to: iso(15) }, { from: iso(30), to: iso(45), windows: 1 }] });
  expect(withWindow(ledger, window(20, 60), 'c')).toMatchObject({
    gaps: [{ from: iso(15), to: iso(20) }],
    covered: [{ windows: 1 }, { from: iso(20), to: iso(60), windows: 2 }],
  });
  const closed = withWindow(ledger, window(10, 60), 'c');
  expect(closed.gaps).toBeUndefined();
  expect(closed.covered).toEqual([{ from: iso(-1), to: iso(60), windows: 3 }]);
});

test('of an accepted gap only what is still open is recorded: another run may have closed it meanwhile', () => {
  const base = withWindow(withFullExport(table, full, 'c'), window(-1, 15), 'c');
  const gap = { from: iso(15), to: iso(45) };
  const partly = withWindow(base, window(15, 30), 'c');
  expect(withWindow(partly, window(45, 60), 'c', gap).gaps).toEqual([{ from: iso(30), to: iso(45) }]);
  const wholly = withWindow(base, window(15, 45), 'c');
  expect(withWindow(wholly, window(45, 60), 'c', gap).gaps).toBeUndefined();
});

test('however many windows and gaps, the ledger fits, counts every window and never tells a gap smaller than it is', () => {
  const steps = fc.array(
    fc.record({ gap: fc.integer({ min: -20, max: 6 }), length: fc.integer({ min: 1, max: 40 }) }),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 255 }), (list, nameLength) => {
      const arn = `arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/${'n'.repeat(nameLength)}`;
      const exportArn = `${arn}/export/01695097218000-d6299cbd`;
      let ledger: Ledger = withFullExport(
        { tableArn: arn, tableId: 'i'.repeat(36) },
        { ...full, exportArn },
        'c'.repeat(36),
      );
      const applied = new Set<number>();
      let at = 0;
      for (const { gap, length } of list) {
        const from = at + gap;
        const to = at + Math.max(0, gap) + length;
        const before = gap > 0 ? { from: iso(at), to: iso(from) } : undefined;
        ledger = withWindow(ledger, window(from, to, { exportArn, trustedManifest: true }), 'c'.repeat(36), before);
        for (let m = from; m < to; m += 1) applied.add(m);
        at = to;
        expect(Buffer.byteLength(JSON.stringify(ledger))).toBeLessThanOrEqual(LEDGER_BYTES_MAX);
      }
      expect(ledger.watermark).toBe(iso(at));
      expect((ledger.covered ?? []).reduce((sum, { windows }) => sum + windows, 0)).toBe(list.length);
      expect(ledger.entries.at(-1)).toMatchObject({ kind: list.length === 0 ? 'full-export' : 'window' });
      const covered = minutes(ledger.covered);
      const gaps = minutes(ledger.gaps);
      for (let m = 0; m < at; m += 1) {
        expect(covered.has(m)).toBe(!gaps.has(m));
        if (!applied.has(m)) expect(gaps.has(m)).toBe(true);
      }
      expect(ledger.gaps?.length ?? 0).toBeLessThanOrEqual(GAPS_KEPT);
    }),
    { numRuns: 100 },
  );
});

test('an ARN that no ledger can hold is refused', () => {
  const tableArn = `arn:aws:dynamodb:eu-central-1:123456789012:table/${'n'.repeat(5_000)}`;
  expect(() => withWindow({ tableArn, tableId: 'i' }, window(0, 1), 'c')).toThrow(/does not fit/);
});
