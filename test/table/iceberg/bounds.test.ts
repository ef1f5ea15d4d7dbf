import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BOUND_LENGTH, lowerBound, upperBound } from '../../../src/table/iceberg/bounds.ts';

const text = (bytes: Buffer | undefined): string | undefined => bytes?.toString('utf8');
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('a', '\u{d7ff}', '\u{10ffff}', '\u{e000}', '\u0000'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 40,
});

describe('bounds of long values', () => {
  test('fault 90: any string lies between its bounds, which have at most 16 code points', () => {
    fc.assert(
      fc.property(anyText, (value) => {
        const bytes = Buffer.from(value, 'utf8');
        const lower = lowerBound('string', value) ?? Buffer.alloc(0);
        expect(Buffer.compare(lower, bytes)).toBeLessThanOrEqual(0);
        expect([...lower.toString('utf8')].length).toBeLessThanOrEqual(BOUND_LENGTH);
        const upper = upperBound('string', value);
        if (upper === undefined) return;
        expect(Buffer.compare(upper, bytes)).toBeGreaterThanOrEqual(0);
        expect([...upper.toString('utf8')].length).toBeLessThanOrEqual(BOUND_LENGTH);
        // Valid UTF-8: no half surrogates.
        expect(Buffer.from(upper.toString('utf8'), 'utf8').equals(upper)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('any bytes lie between their bounds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (value) => {
        const printed = Buffer.from(value).toString('hex').toUpperCase();
        expect(Buffer.compare(lowerBound('binary', printed) ?? Buffer.from([0xff]), value)).toBeLessThanOrEqual(0);
        const upper = upperBound('binary', printed);
        if (upper !== undefined) expect(Buffer.compare(upper, value)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('a cut upper bound is incremented at the last character that can be', () => {
    expect(text(upperBound('string', 'a'.repeat(16)))).toBe('a'.repeat(16));
    expect(text(upperBound('string', 'a'.repeat(17)))).toBe(`${'a'.repeat(15)}b`);
    expect(text(upperBound('string', `${'a'.repeat(15)}\u{10ffff}z`))).toBe(`${'a'.repeat(14)}b`);
    expect(text(upperBound('string', `${'a'.repeat(15)}\u{d7ff}z`))).toBe(`${'a'.repeat(15)}\u{e000}`);
    expect(text(upperBound('string', '😀'.repeat(17)))).toBe(`${'😀'.repeat(15)}😁`);
    expect(upperBound('string', '\u{10ffff}'.repeat(17))).toBeUndefined();
    expect(upperBound('binary', 'FF'.repeat(17))).toBeUndefined();
    expect(upperBound('binary', `${'00'.repeat(15)}FFAA`)?.toString('hex')).toBe(`${'00'.repeat(14)}01`);
  });

  test('fault 76: no bound from what is not a number; zero covers both its signs', () => {
    expect(lowerBound('double', 'nan')).toBeUndefined();
    expect(upperBound('double', '-inf')).toBeUndefined();
    expect(Object.is(lowerBound('double', '0.0')?.readDoubleLE(), -0)).toBe(true);
    expect(Object.is(upperBound('double', '-0.0')?.readDoubleLE(), 0)).toBe(true);
    expect(lowerBound('long', undefined)).toBeUndefined();
  });
});
