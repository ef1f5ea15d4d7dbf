import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bigEndian,
  compareValues,
  decimalSize,
  fixedBytes,
  fromBytes,
  parseText,
  printText,
  toBytes,
} from '../../../src/table/iceberg/value.ts';

const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex');

describe('single-value serialisation', () => {
  test.each([
    ['boolean', 'true', '01'],
    ['boolean', 'false', '00'],
    ['int', '34', '22000000'],
    ['date', '1969-12-31', 'ffffffff'],
    ['date', '2017-11-16', '4e440000'],
    ['long', '-1', 'ffffffffffffffff'],
    ['long', '9223372036854775807', 'ffffffffffffff7f'],
    ['double', '1.5', '000000000000f83f'],
    ['decimal(9, 2)', '14.20', '058c'],
    ['decimal(9,2)', '-0.01', 'ff'],
    ['decimal(9,2)', '1.28', '0080'],
    ['decimal(38, 9)', '12345678901234567890123456789.123456789', '0949b0f6f0023313c4499050e4d85f15'],
    ['timestamptz', '1970-01-01 00:00:00.000001+00', '0100000000000000'],
    ['timestamptz', '1969-12-31 23:59:59.5+00', 'e05ef8ffffffffff'],
    ['string', 'é😀', 'c3a9f09f9880'],
    ['binary', '00FF', '00ff'],
  ])('%s %s', (type, text, bytes) => {
    const value = parseText(type, text);
    expect(value).toBeDefined();
    if (value === undefined) return;
    expect(hex(toBytes(type, value))).toBe(bytes);
    const back = fromBytes(type, Buffer.from(bytes, 'hex'));
    expect(back === undefined ? undefined : compareValues(back, value)).toBe(0);
  });

  test('what is not certainly of the type has no value', () => {
    const doubtful: readonly (readonly [string, string])[] = [
      ['boolean', '1'],
      ['long', '1.0'],
      ['double', 'nan'],
      ['double', 'inf'],
      ['double', ''],
      ['binary', 'ABC'],
      ['binary', 'xyz1'],
      ['decimal(9, 2)', '1e3'],
      ['decimal(9, 2)', '1.239'],
      ['timestamptz', 'infinity'],
      ['timestamptz', '2024-01-01 00:00:00+01'],
      ['timestamptz', '0044-03-15 (BC) 00:00:00+00'],
      ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    ];
    for (const [type, text] of doubtful) expect([type, text, parseText(type, text)]).toEqual([type, text, undefined]);
  });

  test('any number comes back from its bytes and its text', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }),
        fc.integer({ min: 0, max: 38 }),
        (unscaled, scale) => {
          const type = `decimal(38, ${scale})`;
          expect(fromBytes(type, toBytes(type, unscaled) ?? Buffer.alloc(0))).toBe(unscaled);
          expect(parseText(type, printText(type, unscaled))).toBe(unscaled);
          expect(bigEndian(fixedBytes(unscaled, decimalSize(38)))).toBe(unscaled);
        },
      ),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n }), (micros) => {
        expect(parseText('timestamptz', printText('timestamptz', micros))).toBe(micros);
      }),
    );
  });

  test('a decimal takes the fewest bytes that its precision needs', () => {
    expect([1, 2, 3, 9, 10, 18, 19, 38].map(decimalSize)).toEqual([1, 1, 2, 4, 5, 8, 9, 16]);
  });

  test('strings compare by code points, not by UTF-16 units', () => {
    expect(compareValues('\u{ffff}', '\u{10000}')).toBeLessThan(0);
    expect(compareValues(Buffer.from([0x80]), Buffer.from([0x7f]))).toBeGreaterThan(0);
  });
});
