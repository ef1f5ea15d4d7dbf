import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseWide, printWide } from '../../../src/catalog/metadata/wide-json.ts';

const KEYS = new Set(['snapshot-id']);
const WIDE = 9_223_372_036_854_775_807n;

test.each([
  ['{"a":9223372036854775807}', { a: WIDE }],
  ['{"a" :\n -9223372036854775808 }', { a: -WIDE - 1n }],
  ['{"a":9007199254740991,"b":9007199254740993}', { a: 9_007_199_254_740_991, b: 9_007_199_254_740_993n }],
  [
    '{"snapshot-id":5,"x":{"snapshot-id":9007199254740991}}',
    { 'snapshot-id': 5n, x: { 'snapshot-id': 9007199254740991n } },
  ],
  ['[9223372036854775807,1]', [WIDE, 1]],
  ['{"a\\\\":9223372036854775807}', { 'a\\': WIDE }],
  ['{"a":"\\"b\\":9223372036854775807}"}', { a: '"b":9223372036854775807}' }],
  ['{"a":"@int64:12"}', { a: '@int64:12' }],
  ['{"a":0.12345678901234567,"b":1e300,"c":-0.5}', { a: 0.12345678901234566, b: 1e300, c: -0.5 }],
])('%s is read exactly', (text, value) => {
  expect(parseWide(text, KEYS)).toEqual(value);
  expect(parseWide(printWide(value), KEYS)).toEqual(value);
});

test('any value comes back from its JSON', () => {
  const hostile = fc.constantFrom(
    '@int64:',
    '"@int64:5"',
    '\\',
    '":',
    '":9223372036854775807,',
    '[9223372036854775807]',
    '@int64:77',
  );
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    hostile,
    fc.array(hostile).map((parts) => parts.join('')),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      texts,
      fc.maxSafeInteger().filter((number) => !Object.is(number, -0)),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).filter((wide) => !Number.isSafeInteger(Number(wide))),
      fc.constant(null),
      fc.array(tie('value')),
      fc.dictionary(
        texts.filter((key) => key !== '__proto__'),
        tie('value'),
        { noNullPrototype: true },
      ),
    ),
  }));
  fc.assert(
    fc.property(value, (one) => {
      expect(parseWide(printWide(one), new Set())).toEqual(one);
    }),
    { numRuns: 3000 },
  );
});

test('what is not JSON is refused', () => {
  for (const text of ['', '{"a":}', '{"a":9223372036854775807', '{"a":01}', '{"a\\\\":9223372036854775807,}'])
    expect(() => parseWide(text, KEYS)).toThrow(SyntaxError);
});

test('fault 21: metadata of a thousand snapshots is read as digit by digit', () => {
  const snapshots = Array.from({ length: 1000 }, (_, n) => ({
    'snapshot-id': WIDE - BigInt(n),
    summary: Object.fromEntries(Array.from({ length: 20 }, (_, k) => [`total-of-something-${k}`, String(n * k)])),
  }));
  expect(parseWide(printWide({ snapshots }), KEYS)).toEqual({ snapshots });
});
