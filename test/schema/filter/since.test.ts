import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inUnit, isoOf, parseSince } from '../../../src/schema/filter/since.ts';

describe('parseSince', () => {
  const day = String(Date.UTC(2024, 0, 15) * 1000);
  test.each([
    ['2024-01-15', day],
    ['15-01-2024', day],
    [' 2024-01-15T00:00 ', day],
    ['2024-01-15T00:00:00Z', day],
    ['2024-01-15 01:30:00+01:30', day],
    ['2024-01-14T19:00:00-0500', day],
    ['2024-01-15T00:00:00.25Z', String(Date.UTC(2024, 0, 15) * 1000 + 250_000)],
    ['2024-01-15T00:00:00.000001Z', String(Date.UTC(2024, 0, 15) * 1000 + 1)],
    ['1705276800', day],
    ['1705276800000', day],
    ['1705276800000000', day],
    // As times are written in items, so that one can be copied.
    ['2024-01-15T00:00:00.000000000Z', day],
    ['2024-01-15 00:00:00,25', String(Date.UTC(2024, 0, 15) * 1000 + 250_000)],
    ['15-01-2024 01:30:00+01:30', day],
    ['15-01-2024T00:00', day],
    ['1705276800.25', String(Date.UTC(2024, 0, 15) * 1000 + 250_000)],
    ['1705276800000.5', String(Date.UTC(2024, 0, 15) * 1000 + 500)],
    // The day comes first, whatever would fit as well.
    ['05-02-2024', String(Date.UTC(2024, 1, 5) * 1000)],
    ['last', 'last'],
    ['LAST', 'last'],
  ])('%s', (text, micros) => {
    expect(parseSince(text)).toBe(micros);
  });

  test.each([
    '',
    '15/01/2024',
    '2024-02-30',
    '31-02-2024',
    '2024-13-01',
    '2024-01-15T25:00',
    '12345',
    'yesterday',
    '01-15-2024',
    '0099-01-15',
    '2024-01-15T10:00:00+25:00',
    '2024-01-15T10:00:00+01:60',
    '15-01-24',
  ])('refuses %j', (text) => {
    expect(() => parseSince(text)).toThrow('The time cannot be read.');
  });
});

test('a time in any unit is exact', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }),
      fc.constantFrom(1, 1_000, 1_000_000),
      (micros, unit) => {
        const [whole = '', fraction = ''] = inUnit(micros, unit).split('.');
        const digits = String(unit).length - 1;
        expect(BigInt(`${whole}${fraction.padEnd(digits, '0')}`)).toBe(micros);
      },
    ),
  );
  expect(inUnit(-500_000n, 1_000_000)).toBe('-0.5');
});

test.each([
  [0n, '1970-01-01T00:00:00Z'],
  [1n, '1970-01-01T00:00:00.000001Z'],
  [1_705_276_800_250_000n, '2024-01-15T00:00:00.250000Z'.replace('250000', '250')],
])('%s is told as %s', (micros, text) => {
  expect(isoOf(micros)).toBe(text);
});
