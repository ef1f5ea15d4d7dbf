import { describe, expect, test } from 'vitest';
import { mapped, typeOf } from './items.ts';

const one = { N: '1' };
const dictionary = (names: number, maps: number) =>
  Array.from({ length: maps }, (_, i) => ({ M: { [`id${i % names}`]: one } }));

describe('one type each', () => {
  test.each([
    ['text', [{ S: '' }], 'string'],
    ['binary', [{ B: 'AA==' }], 'binary'],
    ['truth', [{ BOOL: false }], 'boolean'],
    ['a set of texts', [{ SS: ['x'] }], 'list<string>'],
    ['a set of numbers', [{ NS: ['1', '0.5'] }], 'list<decimal(18,4)>'],
    ['a set of binaries', [{ BS: ['AA=='] }], 'list<binary>'],
    ['a list of one type', [{ L: [one] }, { L: [] }], 'list<long>'],
    ['a list with NULLs', [{ L: [one, { NULL: true }] }], 'list<long>'],
    ['lists in lists', [{ L: [{ L: [one] }] }], 'list<list<long>>'],
    ['a map', [{ M: { b: one, a: { S: 'x' } } }], 'struct<a:string,b:long>'],
    ['only empty lists', [{ L: [] }], 'list<string>'],
    ['only empty maps', [{ M: {} }], 'string (DynamoDB JSON)'],
    ['an empty map beside others', [{ M: {} }, { M: { x: one } }], 'struct<x:long>'],
    ['a mixed list that plain JSON can hold', [{ L: [one, { S: 'x' }] }], 'string (json)'],
    ['a mixed list that it cannot', [{ L: [one, { SS: ['x'] }] }], 'string (DynamoDB JSON)'],
  ])('%s', (_name, values, type) => {
    expect(typeOf(values)).toBe(type);
  });
});

describe('structs and dictionaries', () => {
  test('many names, each in few maps, are data', () => {
    expect(typeOf(dictionary(30, 300))).toBe('map<string,long>');
    expect(mapped(dictionary(30, 300).map((a) => ({ a }))).decisions.at(-1)?.reason).toContain('30 names in 300 maps');
  });
  test('few names are structure, however sparse', () => {
    expect(typeOf(dictionary(20, 300))).toMatch(/^struct</);
  });
  test('names that most maps have are structure', () => {
    const full = { M: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, one])) };
    expect(typeOf([full, full])).toMatch(/^struct</);
  });
  test('a dictionary of several types is kept whole', () => {
    const values = dictionary(30, 300).map((value, i) => (i % 2 ? value : { M: { [`id${i % 30}`]: { S: 'x' } } }));
    expect(typeOf(values)).toBe('string (DynamoDB JSON)');
  });
  test.each([
    ['case', { x: one, X: one }],
    ['an empty name', { '': one }],
    ['NUL', { 'a\u0000': one }],
  ])('names that no struct holds side by side: %s', (_name, M) => {
    expect(typeOf([{ M }])).toBe('string (DynamoDB JSON)');
  });
});

test('nesting beyond the most levels is kept whole', () => {
  const nested = [{ M: { b: { M: { c: { M: { d: one } } } } } }];
  expect(typeOf(nested, { maxDepth: 3 })).toBe('struct<b:struct<c:struct<d:long>>>');
  expect(typeOf(nested, { maxDepth: 2 })).toBe('struct<b:struct<c:string (DynamoDB JSON)>>');
});
