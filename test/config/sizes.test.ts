import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closest, editDistance } from '../../src/config/closest.ts';
import { parseDuration } from '../../src/config/durations.ts';
import { parseRate } from '../../src/config/rates.ts';
import { formatSize, parseSize } from '../../src/config/sizes.ts';
import { splitNames } from '../../src/config/values.ts';

describe('durations', () => {
  test.each([
    ['7d', 7 * 86_400_000],
    ['36h', 36 * 3_600_000],
    ['1.5 h', 5_400_000],
    ['90m', 5_400_000],
    ['0s', 0],
  ])('%s', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  test.each(['', '7', 'd', '-1d', '1w', '7D', '1e3s', '99999999999999d'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('sizes', () => {
  test.each([
    ['512MB', 512e6],
    ['1GiB', 2 ** 30],
    ['1.5 gib', 1.5 * 2 ** 30],
    ['1024', 1024],
    ['0', 0],
    ['4kB', 4000],
    ['2TiB', 2 ** 41],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(['', 'MB', '-1', '1M', '1e3', '1 PB', '99999999TB', '1,5GB', '0x10'])('%j is none', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [12_345_678, '12.3 MB'],
    [512e6, '512 MB'],
    [999_600, '1.00 MB'],
    [4e9, '4.00 GB'],
  ])('%d reads %s', (bytes, text) => expect(formatSize(bytes)).toBe(text));

  test('what is shown is within half a percent of the truth', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 49 }), (bytes) => {
        const shown = parseSize(formatSize(bytes));
        expect(Math.abs((shown ?? Number.NaN) - bytes)).toBeLessThanOrEqual(bytes * 0.00501);
      }),
    );
  });
});

describe('the closest word', () => {
  test.each([
    ['memory-limit', ['memoryLimit', 'maxDepth'], 'memoryLimit'],
    ['rescu', ['rescue', 'json'], 'rescue'],
    ['jsno', ['rescue', 'json'], 'json'],
    ['part', ['partition', 'sort'], 'partition'],
    ['xyzzy', ['rescue', 'json'], undefined],
    ['', ['a'], undefined],
  ])('of %s', (word, allowed, meant) => expect(closest(word, allowed)).toBe(meant));

  test('distance is symmetric, and zero only for the same word', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
      }),
    );
  });
});

test('names survive commas and backslashes', () => {
  const name = fc.string({ minLength: 1, maxLength: 6 }).filter((text) => text.trim() === text);
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
      expect(splitNames(names.map((text) => text.replaceAll(/[\\,]/g, '\\$&')).join(','))).toEqual(names);
    }),
  );
});

test('a rate is units a second, a share, or unlimited', () => {
  expect(parseRate('500')).toEqual({ kind: 'units', units: 500 });
  expect(parseRate(12.5)).toEqual({ kind: 'units', units: 12.5 });
  expect(parseRate(' 30 %')).toEqual({ kind: 'share', share: 0.3 });
  expect(parseRate('unlimited')).toEqual({ kind: 'unlimited' });
  for (const wrong of ['0', '-5', '0%', '101%', 'fast', '', '1e3', true]) expect(parseRate(wrong)).toBeUndefined();
});
