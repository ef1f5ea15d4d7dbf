import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ColumnType } from '../../src/model/schema.ts';
import { grownDecimal, mergeNumbers, type NumberFacts, numberFacts, numberType } from '../../src/schema/numbers.ts';
import { numberArbitrary } from '../data/nasty.ts';
import { mapped, typeOf } from './items.ts';

const typeFor = (...numbers: string[]): string => typeOf(numbers.map((N) => ({ N })));
const digits = (count: number): string => '9'.repeat(count);

describe('the column of a number', () => {
  test.each([
    ['whole numbers', ['0', '-1', '7'], 'long'],
    ['the edges of 64 bits', ['9223372036854775807', '-9223372036854775808'], 'long'],
    ['one beyond 64 bits', ['9223372036854775808'], 'decimal(38,4)'],
    ['one below 64 bits', ['-9223372036854775809'], 'decimal(38,4)'],
    ['two digits behind the point', ['9', '9.99'], 'decimal(18,4)'],
    ['four digits behind the point', ['9.9999'], 'decimal(18,4)'],
    ['five digits behind the point', ['9.99999'], 'decimal(18,8)'],
    ['a fraction without whole digits', ['0.5'], 'decimal(18,4)'],
    ['18 digits', [`${digits(14)}.5`], 'decimal(18,4)'],
    ['more than 18 digits', [`${digits(15)}.5`], 'decimal(38,4)'],
    ['38 digits with a scale in steps', [`${digits(34)}.5`], 'decimal(38,4)'],
    ['38 digits with the scale that there is', [`${digits(35)}.5`], 'decimal(38,1)'],
    ['38 digits, all whole', [digits(38)], 'decimal(38,0)'],
    ['38 digits behind the point', [`0.${digits(38)}`], 'decimal(38,38)'],
    ['39 digits in all over several numbers', [digits(38), '0.5'], 'string (number)'],
    ['the smallest', [`0.${'0'.repeat(129)}1`], 'string (number)'],
    ['the largest', [`${digits(38)}${'0'.repeat(88)}`], 'string (number)'],
  ])('%s', (_name, numbers, type) => {
    expect(typeFor(...numbers)).toBe(type);
  });

  test('double and string as asked; keys stay exact', () => {
    expect(typeOf([{ N: '9.99' }], { numbers: 'double' })).toBe('double');
    expect(typeOf([{ N: '9' }], { numbers: 'string' })).toBe('string (number)');
    expect(typeOf([{ N: '9.99' }], { numbers: 'double', key: ['a'] })).toBe('decimal(18,4)');
    expect(typeOf([{ NS: ['1', '0.5'] }], { numbers: 'double' })).toBe('list<double>');
  });

  test('a type recorded as double or text stays', () => {
    const before = mapped([{ a: { N: '1' } }], { numbers: 'string' }).schema;
    expect(mapped([{ a: { N: '1' } }], {}, before).schema.columns).toEqual(before.columns);
  });
});

test('a decimal column has room for every number that led to it', () => {
  fc.assert(
    fc.property(fc.array(numberArbitrary, { minLength: 1, maxLength: 5 }), (numbers) => {
      const facts = numbers.map(numberFacts).reduce((a, b) => mergeNumbers(a, b));
      const type = numberType(facts, 'exact');
      if (type.kind !== 'decimal') return;
      expect(type.precision).toBeLessThanOrEqual(38);
      for (const text of numbers) {
        const [whole = '', fraction = ''] = text.replace('-', '').split('.');
        expect(fraction.length).toBeLessThanOrEqual(type.scale);
        expect(whole.replace(/^0/, '').length).toBeLessThanOrEqual(type.precision - type.scale);
      }
    }),
  );
});

test('numbers that fit the column that led to it leave it as it is', () => {
  const fits = (facts: NumberFacts, type: ColumnType): boolean => {
    if (type.kind === 'long') return facts.long;
    if (type.kind !== 'decimal') return type.kind === 'number-text';
    return facts.scale <= type.scale && facts.intDigits <= type.precision - type.scale;
  };
  fc.assert(
    fc.property(numberArbitrary, numberArbitrary, (seen, later) => {
      const [a, b] = [numberFacts(seen), numberFacts(later)];
      const type = numberType(a, 'exact');
      fc.pre(fits(b, type));
      expect(numberType(mergeNumbers(a, b), 'exact')).toEqual(type);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['more digits before the point', [18, 4], '123456789012345.5', [38, 4]],
  ['as many as are quick', [10, 2], '123456789012.5', [18, 2]],
  ['as many as there can be', [18, 4], '9'.repeat(34), [38, 4]],
  ['one more than there can be', [18, 4], '9'.repeat(35), undefined],
  ['a larger scale', [18, 4], '0.00001', undefined],
  ['a number that fits', [18, 4], '12.5', undefined],
] as const)('a recorded decimal grows in place for %s', (_name, [precision, scale], text, grown) => {
  const recorded: ColumnType = { kind: 'decimal', precision, scale };
  expect(grownDecimal(recorded, numberFacts(text))).toEqual(
    grown === undefined ? undefined : { kind: 'decimal', precision: grown[0], scale: grown[1] },
  );
  expect(grownDecimal({ kind: 'long' }, numberFacts(text))).toBeUndefined();
});

test('merging does not mind the order', () => {
  const [a, b] = [numberFacts('12.5'), numberFacts('9223372036854775808')];
  expect(mergeNumbers(a, b)).toEqual(mergeNumbers(b, a));
  expect(mergeNumbers(undefined, a)).toEqual(a);
});
