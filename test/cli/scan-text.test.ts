import { describe, expect, test } from 'vitest';
import { progressText } from '../../src/cli/print/progress.ts';
import { scanLines } from '../../src/cli/print/scan-text.ts';
import type { SyncReport } from '../../src/model/report.ts';
import type { ScanReport } from '../../src/model/scan-report.ts';

const SCAN: ScanReport = {
  ...{ runId: 'nightly', from: '2026-03-01T10:00:00Z', to: '2026-03-01T10:05:00Z', complete: true, resumed: false },
  ...{ consistent: false, segments: 32, segmentsDone: 32, itemsInTable: 4_000, bytesInTable: 3_690_000 },
  ...{ readUnits: 451, rate: { unitsPerSecond: 50, why: 'as asked' }, throttled: 0, repeated: 0, rowsRemoved: 0 },
  expected: { readUnits: 451, seconds: 10, price: 0.25, currency: 'USD', why: 'on demand in us-east-1' },
};
const SINCE: NonNullable<ScanReport['since']> = {
  ...{ attribute: 'updatedAt', from: '2024-02-05T00:00:00Z', unit: 'auto' },
  ...{ formats: { 'epoch-ms': 3, iso: 1 }, missing: 'keep', untimed: 2 },
};

const text = (scan: Partial<ScanReport>, outcome: SyncReport['outcome'] = 'committed'): string =>
  scanLines({ scan: { ...SCAN, ...scan }, outcome } as SyncReport)
    .join('\n')
    .replaceAll(/ {2,}/g, ' ');

describe('of a scan', () => {
  test('a plan says pace, units, time and price, and which items it takes, whatever way the time was written', () => {
    const planned = text({ since: { ...SINCE, formats: {}, untimed: 0 } }, 'planned');
    expect(planned).toContain('pace at most 50/s read units (as asked); eventually consistent, 32 segments');
    expect(planned).toContain('takes 451 read units, 10.0 s at that pace, 0.25 USD (on demand in us-east-1)');
    expect(planned).toContain('since updatedAt from 2024-02-05T00:00:00Z on; items without a time taken, too');
    expect(planned).not.toContain('goes on');
  });

  test('a plan of one that goes on says which, and how far it is', () => {
    const planned = text({ resumed: true, complete: false, segmentsDone: 12 }, 'planned');
    expect(planned).toContain('goes on run nightly, begun at 2026-03-01T10:00:00Z: 12 of 32 segments are done');
    expect(planned).toContain('takes all in all 451 read units');
  });

  test('the report says that it is no snapshot, what it took, at which price, and what became of items without a time', () => {
    const done = text({ price: 0.25, since: SINCE, throttled: 3, repeated: 1, consistent: true });
    expect(done).toContain('each item as it was at some moment of it; consistent, 32 segments, run nightly');
    expect(done).toContain('451 read units, at most 50/s (as asked); 3 calls throttled; 1 call repeated');
    expect(done).toContain('price 0.25 USD (on demand in us-east-1)');
    expect(done).toContain('on, written as epoch-ms, iso; 2 items without a time taken, too');
    expect(text({ since: { ...SINCE, missing: 'drop', untimed: 0 } })).toContain('items without a time left out');
    expect(text({ rate: { unitsPerSecond: null, why: 'as asked' } })).toContain('as many as it gives');
    expect(text({ complete: false, segmentsDone: 7 })).toContain(
      '7 of 32 segments were read, and the same command goes',
    );
  });
});

describe('the progress of a scan', () => {
  const progress = { phase: 'load', filesDone: 0, filesTotal: 0, itemsDone: 12_345, itemsTotal: 20_000 } as const;
  const bytes = { bytesDone: 0, bytesTotal: 0 };
  const scan = { segmentsDone: 7, segments: 32, open: 8, unitsPerSecond: 480.4, limit: 500 };
  const shown = (more: object): string =>
    progressText({ ...progress, ...bytes, scan: { ...scan, ...more } }, undefined);

  test('has items, segments, read units a second and their limit, and the time that is left', () => {
    expect(shown({ secondsLeft: 42 })).toBe('reading  12.3k items  7/32 segments  480/500 RCU/s  0:42 left');
    expect(shown({ limit: Number.POSITIVE_INFINITY })).toBe('reading  12.3k items  7/32 segments  480 RCU/s');
  });

  test('says where all waits for one segment', () => {
    expect(shown({ segmentsDone: 31, open: 1 })).toContain('one segment left, which one worker reads');
    for (const more of [
      { segmentsDone: 30, open: 1 },
      { segmentsDone: 30, open: 2 },
      { segments: 1, open: 1, segmentsDone: 0 },
    ])
      expect(shown(more)).not.toContain('one segment left');
  });
});
