import { expect, test } from 'vitest';
import { withScan } from '../../src/model/scan-ledger.ts';
import type { ScanEntry } from '../../src/model/table.ts';
import { holdsBack, sinceAgain } from '../../src/pipeline/scan/mode.ts';

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

test('a scan that began without --since does not go on with one', () => {
  const state = { since: { attribute: 'at', start: 'last', format: 'auto', overlapMs: 0, missing: 'keep' } } as const;
  const held = { exportArn: 'arn/scan/one' } as ScanEntry;
  expect(() =>
    sinceAgain(held, { ...state, mode: undefined, prices: undefined, maxDelete: { share: 1 }, yes: false }),
  ).toThrow(expect.objectContaining({ code: 'USAGE', place: '--since' }));
});
