import { expect, test } from 'vitest';
import { LEDGER_BYTES_MAX } from '../../src/model/ledger.ts';
import { holdsRun, RUNS_KEPT, withScan } from '../../src/model/scan-ledger.ts';
import type { Ledger, ScanEntry } from '../../src/model/table.ts';
import { holdsBack } from '../../src/pipeline/scan/mode.ts';

// What decides whether rows may go, and what a table is said to hold.

test('a mirror with items that could not be loaded keeps the rows of deleted ones, and says why', () => {
  const whole = { filter: '', since: undefined, rejected: 0 };
  expect(holdsBack('mirror', whole)).toBeUndefined();
  expect(holdsBack('mirror', { ...whole, rejected: 2 })).toContain('2 items could not be loaded');
  expect(holdsBack('mirror', { ...whole, filter: 'n > 1' })).toContain('--filter');
  expect(holdsBack('overwrite', { ...whole, rejected: 2 })).toBeUndefined();
});

test('a part of a scan moves no watermark, and its next piece takes the place of what was said of it', () => {
  const entry = (more: Partial<ScanEntry>): ScanEntry => ({
    ...{ kind: 'scan', exportArn: 'arn/scan/one', from: '2026-03-01T10:00:00Z', to: '2026-03-01T10:01:00Z' },
    ...{ items: 1, rejected: 0, segments: 4, pieces: 1 },
    ...more,
  });
  const rest = { segments: 4, next: 2, open: [] };
  const first = withScan({ tableArn: 'arn', tableId: 'id' }, entry({ rest }), 'c1');
  expect(Date.parse(first.watermark)).toBe(0);
  const second = withScan(first, entry({ rest, pieces: 2 }), 'c2');
  expect(second.entries).toEqual([entry({ rest, pieces: 2 })]);
  const whole = withScan(second, entry({ pieces: 3 }), 'c3');
  expect([whole.watermark, whole.entries]).toEqual(['2026-03-01T10:00:00Z', [entry({ pieces: 3 })]]);
  const next = entry({ exportArn: 'arn/scan/two', from: '2026-03-02T10:00:00Z', rest });
  expect(withScan(whole, next, 'c4')).toMatchObject({ watermark: '2026-03-01T10:00:00Z', entries: [{}, next] });
});

test('a run is known by its name long after its entry has left, and the ledger stays small', () => {
  const arn = 'arn:aws:dynamodb:eu-central-1:123456789012:table/Shop';
  const entry = (run: number): ScanEntry => ({
    ...{
      kind: 'scan',
      exportArn: `${arn}/scan/hourly-${run}`,
      from: '2026-03-01T10:00:00Z',
      to: '2026-03-01T10:01:00Z',
    },
    ...{ items: 123_456, rejected: 0, segments: 400, pieces: 1, mode: 'append' },
  });
  let ledger: Ledger | undefined;
  for (let run = 0; run < 200; run += 1) {
    ledger = withScan(ledger ?? { tableArn: arn, tableId: 'id' }, entry(run), `c${run}`);
    expect(Buffer.byteLength(JSON.stringify(ledger))).toBeLessThanOrEqual(LEDGER_BYTES_MAX);
  }
  const last = ledger as Ledger;
  const known = (run: number): boolean =>
    holdsRun(last, `hourly-${run}`) || last.entries.some(({ exportArn }) => exportArn === entry(run).exportArn);
  expect(Array.from({ length: 200 }, (_, run) => run).filter(known)).toEqual(
    Array.from({ length: RUNS_KEPT + 5 }, (_, i) => 200 - RUNS_KEPT - 5 + i),
  );
  expect(holdsRun(last, 'hourly-1000')).toBe(false);
});

test('changes that were rejected before stay counted, until a scan has seen all of the source', () => {
  const held: Ledger = {
    ...{ version: 1, tableArn: 'arn', tableId: 'id', entries: [], watermark: '2026-03-01T09:00:00Z', commitId: 'c' },
    stale: 3,
  };
  const entry: ScanEntry = {
    ...{ kind: 'scan', exportArn: 'arn/scan/one', from: '2026-03-01T10:00:00Z', to: '2026-03-01T10:01:00Z' },
    ...{ items: 1, rejected: 0, segments: 4, pieces: 1 },
  };
  expect(withScan(held, { ...entry, rest: { segments: 4, next: 2, open: [] } }, 'c1').stale).toBe(3);
  expect(withScan(held, { ...entry, partial: true }, 'c1').stale).toBe(3);
  expect(withScan(held, entry, 'c1').stale).toBeUndefined();
});
