import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalNumber } from '../../src/model/number.ts';

const digits = (max: number) =>
  fc.array(fc.constantFrom('0', '0', '1', '5', '9'), { maxLength: max }).map((list) => list.join(''));

test('the short way gives what the long way gives', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('', '-'),
      digits(20),
      fc.constantFrom('', '.'),
      digits(20),
      (sign, whole, point, rest) => {
        const text = sign + whole + point + rest;
        // With an exponent, only the long way takes it.
        expect(canonicalNumber(text)).toBe(canonicalNumber(`${text}e0`));
      },
    ),
    { numRuns: 5_000 },
  );
});

test.each([
  ['0', '0'],
  ['-0', '0'],
  ['0.0', '0'],
  ['007', '7'],
  ['1.50', '1.5'],
  ['-12.05', '-12.05'],
  ['0.05', '0.05'],
  ['.5', '0.5'],
  ['1e3', '1000'],
  ['1E-130', `0.${'0'.repeat(129)}1`],
  ['1E-131', undefined],
  ['1 ', undefined],
  ['', undefined],
])('%s is %s', (text, canonical) => {
  expect(canonicalNumber(text)).toBe(canonical);
});
