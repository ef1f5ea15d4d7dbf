import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tagOfFormat, timeFormatOf } from '../../src/schema/times.ts';
import { typeOf } from './items.ts';

describe('the format of a text or number', () => {
  test.each([
    ['S', '2026-03-01T12:00:00Z', 'iso'],
    ['S', '2026-03-01T12:00:00.123Z', 'iso-ms'],
    ['S', '2026-03-01T12:00:00.123456Z', 'iso-us'],
    ['S', '2024-02-29T23:59:59Z', 'iso'],
    ['S', '0001-01-01T00:00:00Z', 'iso'],
    ['N', '1772366400', 'epoch-s'],
    ['N', '1772366400123', 'epoch-ms'],
    ['N', '1772366400123456', 'epoch-us'],
    ['N', '946684800', 'epoch-s'],
  ] as const)('%s %s is %s', (tag, text, format) => {
    expect(timeFormatOf(tag, text)).toBe(format);
    expect(tagOfFormat(format)).toBe(tag);
  });
  test.each([
    ['S', '2026-03-01'],
    ['S', '2026-03-01 12:00:00Z'],
    ['S', '2026-03-01T12:00:00+00:00'],
    ['S', '2026-03-01T12:00:00.1Z'],
    ['S', '2026-02-29T12:00:00Z'],
    ['S', '2026-13-01T12:00:00Z'],
    ['S', '2026-03-01T24:00:00Z'],
    ['S', '2026-03-01T12:00:60Z'],
    ['S', '0000-03-01T12:00:00Z'],
    ['S', '1772366400'],
    ['N', '946684799'],
    ['N', '-1772366400'],
    ['N', '1772366400.5'],
    ['N', '0'],
    ['N', '4102444800'],
  ] as const)('%s %s would not print back, or is more likely something else', (tag, text) => {
    expect(timeFormatOf(tag, text)).toBeUndefined();
  });
});

test('a text is a time just where the calendar has it', () => {
  const number = (digits: number, max: number) =>
    fc.oneof(fc.nat({ max }), fc.nat({ max: 10 ** digits - 1 })).map((n) => String(n).padStart(digits, '0'));
  const year = fc.oneof(fc.constantFrom('0000', '0001', '1900', '2000', '2023', '2024', '2100'), number(4, 2100));
  fc.assert(
    fc.property(
      fc.tuple(year, number(2, 13), number(2, 32)),
      fc.tuple(number(2, 25), number(2, 61), number(2, 61)),
      (date, time) => {
        const text = `${date.join('-')}T${time.join(':')}.000Z`;
        const at = new Date(text);
        const exists = !Number.isNaN(at.getTime()) && at.toISOString() === text && date[0] !== '0000';
        expect(timeFormatOf('S', text)).toBe(exists ? 'iso-ms' : undefined);
      },
    ),
    { numRuns: 2_000 },
  );
});

describe('a timestamp column', () => {
  const iso = { S: '2026-03-01T12:00:00Z' };
  test('only when asked for, and only when every value is a time of one format', () => {
    expect(typeOf([iso])).toBe('string');
    expect(typeOf([iso, { NULL: true }], { timestamps: 'auto' })).toBe('timestamptz');
    expect(typeOf([iso, { S: '2026-03-01T12:00:00.123Z' }], { timestamps: 'auto' })).toBe('string');
    expect(typeOf([iso, { S: 'soon' }], { timestamps: 'auto' })).toBe('string');
  });
  test('numbers need a name that says so', () => {
    expect(typeOf([{ N: '1772366400' }], { timestamps: 'auto' })).toBe('long');
    expect(
      typeOf([{ M: { created_at: { N: '1772366400' }, count: { N: '1772366400' } } }], { timestamps: 'auto' }),
    ).toBe('struct<count:long,created_at:timestamptz>');
  });
  test('never for a key', () => {
    expect(typeOf([iso], { timestamps: 'auto', key: ['a'] })).toBe('string');
  });
});
