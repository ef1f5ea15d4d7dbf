import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyOf } from '../../../src/catalog/paths.ts';
import type { PartitionField, PartitionValue } from '../../../src/model/table.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { dataFileKey } from '../../../src/table/iceberg/paths.ts';

const by = (name: string, transform: PartitionField['transform']): PartitionField => ({
  column: name,
  name,
  transform,
});
const key = (fields: readonly PartitionField[], values: readonly PartitionValue[]): string =>
  dataFileKey('db/t', 'c1', fields, values, '0.parquet');

describe('data file keys', () => {
  test('fault 89: hostile values are escaped; times are readable', () => {
    const region = [by('region', 'identity')];
    expect(key([], [])).toBe('db/t/data/c1-0.parquet');
    expect(key(region, ['a/b=é%'])).toBe('db/t/data/region=a%2Fb%3D%C3%A9%25/c1-0.parquet');
    expect(key(region, [''])).toBe('db/t/data/region=/c1-0.parquet');
    expect([key(region, [null]), key(region, ['null'])]).toEqual([
      'db/t/data/region=null/c1-0.parquet',
      'db/t/data/region=%6Eull/c1-0.parquet',
    ]);
    expect(key([by('y', 'year'), by('m', 'month'), by('d', 'day'), by('h', 'hour')], [-1, -1, 19_727, 473_458])).toBe(
      'db/t/data/y=1969/m=1969-12/d=2024-01-05/h=2024-01-05-10/c1-0.parquet',
    );
    expect(dataFileKey('', 'c1', [], [], 'f')).toBe('data/c1-f');
  });

  test('different values have different folders, short enough for any file system', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom(null, 'null', '', '.', '..', 'x'.repeat(300), 'é'.repeat(100)),
    );
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [one, two] = [key([by('r', 'identity')], [a]), key([by('r', 'identity')], [b])];
        expect(one === two).toBe(a === b);
        expect(one.split('/').every((part) => part.length <= 120 && part !== '.' && part !== '..')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

test('paths of other writers are understood', () => {
  const storage = localStorage('/tmp');
  expect(['/tmp/t/f', 'file:/tmp/t/f', 'file:///tmp/t/f'].map((uri) => keyOf(storage, uri))).toEqual([
    't/f',
    't/f',
    't/f',
  ]);
});
