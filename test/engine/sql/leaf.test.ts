import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Duck, openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import { leafFast, leafFits, leafGuarded } from '../../../src/engine/sql/leaf.ts';
import { str } from '../../../src/engine/sql/quote.ts';
import type { ColumnType } from '../../../src/model/schema.ts';
import { SMALL } from '../duckdb/small.ts';

let duck: Duck;
beforeAll(async () => {
  duck = await openDuckDb(SMALL);
});
afterAll(() => duck.close());

/** What SQL makes of texts: whether each fits, its value blindly cast, and its value where it fits. */
async function cast(
  texts: readonly string[],
  type: ColumnType,
): Promise<{ fits: unknown; fast: string; kept: string }[]> {
  const rows = await duck.rows(
    `SELECT ${leafFits('x', type)} AS fits, ${leafFast('x', type)}::VARCHAR AS fast, ${leafGuarded('x', type)}::VARCHAR AS kept
     FROM (SELECT unnest([${texts.map(str).join(', ')}]) AS x)`,
  );
  return rows.map(({ fits, fast, kept }) => ({ fits, fast: String(fast), kept: String(kept) }));
}

/** The number behind plain decimal text, times ten to the scale; undefined for any other text. */
function scaled(text: string, scale: number): bigint | undefined {
  const match = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?$/.exec(text);
  const fraction = match?.[3] ?? '';
  if (match === null || fraction.length > scale) return undefined;
  return BigInt(`${match[1]}${match[2]}${fraction.padEnd(scale, '0')}`);
}

/** Texts that casts take although they are no number of DynamoDB's, or not this one. */
const TRAPS = [
  '',
  ' 1',
  '1 ',
  '+1',
  '01',
  '-01',
  '1.',
  '.5',
  '1e3',
  '1E2',
  '0x1F',
  '1_000',
  '1,5',
  '--1',
  'NaN',
  '-',
  '١',
];
const EDGES = ['0', '9223372036854775807', '-9223372036854775808', '9223372036854775808', '-9223372036854775809'];

const digits = (max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: max }).map((list) => list.join(''));
const number = fc
  .tuple(fc.constantFrom('', '-'), fc.integer({ min: 1, max: 9 }), digits(40), digits(40), fc.nat({ max: 3 }))
  .map(([sign, first, more, fraction, kind]) => {
    const integer = kind === 0 ? '0' : `${first}${more}`;
    return fraction === '' || kind === 1 ? `${sign}${integer}` : `${sign}${integer}.${fraction}`;
  });

test('a long fits where the text is the number, to the last of 64 bits', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(number, { minLength: 1, maxLength: 40 }), async (numbers) => {
      const texts = [...numbers, ...TRAPS, ...EDGES];
      for (const [i, { fits, kept }] of (await cast(texts, { kind: 'long' })).entries()) {
        const text = texts[i] ?? '';
        const value = text === '-0' ? undefined : scaled(text, 0);
        const expected = value !== undefined && BigInt.asIntN(64, value) === value;
        expect([text, fits, kept]).toEqual([text, expected, expected ? text : 'null']);
      }
    }),
    { numRuns: 30 },
  );
});

test('a decimal fits where no digit is lost before or behind the point', async () => {
  const type = fc
    .tuple(fc.integer({ min: 1, max: 38 }), fc.nat({ max: 38 }))
    .map(([precision, scale]): ColumnType => ({ kind: 'decimal', precision, scale: Math.min(scale, precision) }));
  await fc.assert(
    fc.asyncProperty(type, fc.array(number, { minLength: 1, maxLength: 40 }), async (decimal, numbers) => {
      if (decimal.kind !== 'decimal') throw new Error('no decimal');
      const { precision, scale } = decimal;
      const texts = [...numbers, ...TRAPS, ...EDGES, `${'9'.repeat(precision - scale)}.${'9'.repeat(scale)}`];
      for (const [i, { fits, fast, kept }] of (await cast(texts, decimal)).entries()) {
        const text = texts[i] ?? '';
        const value = scaled(text, scale);
        const expected = value !== undefined && value < 10n ** BigInt(precision) && value > -(10n ** BigInt(precision));
        expect([text, fits]).toEqual([text, expected]);
        expect(kept).toBe(expected ? fast : 'null');
        if (!expected) continue;
        // Without integer digits the engine prints `.05`.
        expect(scaled(kept.replace(/^(-?)\./, '$10.'), scale)).toBe(value);
      }
    }),
    { numRuns: 60 },
  );
});
