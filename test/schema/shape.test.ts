import { describe, expect, test } from 'vitest';
import { projectionOf } from '../../src/schema/projection.ts';
import { isOpen } from '../../src/schema/reading.ts';
import { separable } from '../../src/schema/shape.ts';
import { learned, mapped } from './items.ts';

const one = { N: '1' };

describe('names that an engine’s struct can hold side by side', () => {
  test.each([
    [['a', 'b'], true],
    [['a', 'A'], false],
    [[''], false],
    [['a\u0000'], false],
    [[], true],
  ])('%j: %s', (names, able) => {
    expect(separable(names)).toBe(able);
  });
  test('items whose names it cannot hold are read as text', () => {
    expect(isOpen(learned([{ a: one, b: one }]))).toBe(false);
    expect(isOpen(learned([{ a: one }, { A: one }]))).toBe(true);
    expect(isOpen(learned([Object.fromEntries(Array.from({ length: 2_001 }, (_, i) => [`a${i}`, one]))]))).toBe(true);
  });
});

describe('the projection', () => {
  const items = [{ pk: { S: 'k' }, a: one, secret: { S: 'x' }, rare: { S: 'x' } }];
  const options = { key: ['pk'], exclude: ['secret'], include: ['pk', 'a'] };
  const projection = projectionOf(learned(items), mapped(items, options).schema, options.exclude);

  test('reads all that was seen, so that anything else is refused', () => {
    expect([...projection.reading.attrs.keys()].sort()).toEqual(['a', 'pk', 'rare', 'secret']);
  });
  test('rescues what no column takes, and drops what is excluded', () => {
    expect(projection.attrs.map(({ attr, columns }) => `${attr} ${columns.length}`).sort()).toEqual([
      'a 1',
      'pk 1',
      'rare 0',
    ]);
    expect(projection.excluded).toEqual(new Set(['secret']));
  });
  test('knows the key', () => {
    expect(projection.keyAttrs).toEqual(['pk']);
    expect(projection.attrs.filter(({ isKey }) => isKey).map(({ attr }) => attr)).toEqual(['pk']);
  });
});
