import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createProgress } from '../../src/cli/print/progress.ts';
import { cutText, textWidth, visible } from '../../src/cli/print/text-width.ts';
import type { Progress } from '../../src/model/options.ts';

const at = (filesDone: number, bytesDone: number, phase: Progress['phase'] = 'load'): Progress => ({
  phase,
  filesDone,
  filesTotal: 48,
  itemsDone: filesDone * 25_000,
  itemsTotal: 1_200_000,
  bytesDone,
  bytesTotal: 1_000_000_000,
});

function line(isTerminal: boolean, columns = 80) {
  let clock = 0;
  const writes: string[] = [];
  const progress = createProgress({
    isTerminal,
    columns: () => columns,
    write: (text) => writes.push(text),
    now: () => clock,
  });
  return {
    progress,
    writes,
    tick: (milliseconds: number) => {
      clock += milliseconds;
    },
  };
}

describe('progress on a terminal', () => {
  test('is one line, rewritten by single writes, at most ten times a second', () => {
    const { progress, writes, tick } = line(true);
    for (let step = 0; step < 1000; step += 1) {
      progress.update(at(Math.floor(step / 100), step * 1_000_000));
      tick(10);
    }
    // Ten seconds of updates at a hundred a second.
    expect(writes.length).toBeLessThanOrEqual(101);
    expect(writes.length).toBeGreaterThanOrEqual(10);
    for (const text of writes) expect(text).toMatch(/^\r[^\r\n]*\u001b\[K$/);
    expect(writes.at(-1)).toContain('loading  9/48 files  225k/1.20M items  100 MB/s  0:01 left');
  });

  test('is never as wide as the terminal', () => {
    for (const columns of [1, 10, 20, 33, 200]) {
      const { progress, writes, tick } = line(true, columns);
      progress.update(at(1, 0));
      tick(1000);
      progress.update(at(2, 84_000_000));
      for (const text of writes) expect(textWidth(text.slice(1, -3))).toBeLessThan(columns);
    }
  });

  test('the same line is not written twice', () => {
    const { progress, writes, tick } = line(true);
    for (let step = 0; step < 5; step += 1) {
      progress.update(at(1, 0));
      tick(200);
    }
    expect(writes).toHaveLength(1);
  });

  test('lines between it end whole, and it comes back; clearing leaves nothing', () => {
    const { progress, writes } = line(true);
    progress.interject('before\n');
    progress.update(at(1, 0));
    progress.interject('log\n');
    progress.clear();
    progress.clear();
    const shown = 'loading  1/48 files  25.0k/1.20M items';
    expect(writes).toEqual(['before\n', `\r${shown}\u001b[K`, `\r\u001b[Klog\n${shown}\u001b[K`, '\r\u001b[K']);
  });

  test('a new phase starts its own rate', () => {
    const { progress, writes, tick } = line(true);
    progress.update(at(0, 0, 'learn'));
    tick(1000);
    progress.update(at(48, 1_000_000_000, 'learn'));
    tick(100);
    progress.update(at(0, 0, 'load'));
    expect(writes.at(-1)).not.toContain('/s');
  });
});

describe('progress without a terminal', () => {
  test('is a plain line at most every ten seconds', () => {
    const { progress, writes, tick } = line(false);
    for (let second = 0; second < 35; second += 1) {
      progress.update(at(second, second * 10_000_000));
      tick(1000);
    }
    expect(writes).toHaveLength(3);
    for (const text of writes) expect(text).toMatch(/^[^\r\u001b]*\n$/);
    expect(writes[0]).toBe('loading  10/48 files  250k/1.20M items  10.0 MB/s  1:30 left\n');
  });
});

describe('text on a terminal', () => {
  test('cut text fits and keeps whole characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 20 }), (text, columns) => {
        const cut = cutText(text, columns);
        expect(textWidth(cut)).toBeLessThanOrEqual(columns);
        if (cut !== text && columns > 0) expect(text.startsWith(cut.slice(0, -1))).toBe(true);
      }),
    );
    expect(cutText('日本語', 5)).toBe('日本…');
  });

  test('data cannot drive the terminal', () => {
    expect(visible('a\u001b[31mb\r\n\tc\u202e')).toBe('a\\u001b[31mb\\r\\n\\tc\\u202e');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(visible(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });
});
