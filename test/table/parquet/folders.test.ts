import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PartitionField } from '../../../src/model/table.ts';
import { NULL_FOLDER, partitionFileName, partitionFolders, valueLabel } from '../../../src/table/parquet/folders.ts';

const field = (transform: PartitionField['transform'], name = 'x'): PartitionField => ({
  column: name,
  transform,
  name,
});

describe('folders', () => {
  test.each([
    ['year', 54, '2024'],
    ['year', -1, '1969'],
    ['month', 648, '2024-01'],
    ['month', -1, '1969-12'],
    ['day', 19723, '2024-01-01'],
    ['day', -1, '1969-12-31'],
    ['hour', 473357, '2024-01-01-05'],
    ['hour', -1, '1969-12-31-23'],
    ['bucket', 7, '7'],
    ['truncate', 10n, '10'],
    ['identity', true, 'true'],
    ['identity', '1.50', '1.50'],
  ] as const)('%s %s prints as %s', (transform, value, label) => {
    expect(valueLabel(field(transform), value)).toBe(label);
  });

  test('fault 89: exactly the characters of Hive’s list are escaped', () => {
    expect(valueLabel(field('identity'), 'a=b/c:d%e f}é😀\n')).toBe('a%3Db%2Fc%3Ad%25e f}é😀%0A');
    expect([null, ''].map((value) => valueLabel(field('identity'), value))).toEqual([NULL_FOLDER, NULL_FOLDER]);
  });

  test('several fields make several folders, none hidden', () => {
    expect(partitionFolders([field('identity', '_r'), field('day', 'at_ts_day')], ['eu', 19723])).toBe(
      'p_r_part=eu/at_ts_day=2024-01-01',
    );
    expect(partitionFolders([], [])).toBe('');
  });

  test('property: a label is one short segment, and files of different values never meet', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.constantFrom(null, '', NULL_FOLDER, 'eu', 'EU', '..', '.', 1n, '1'),
    );
    fc.assert(
      fc.property(value, value, (a, b) => {
        const path = (v: typeof a) =>
          `${partitionFolders([field('identity')], [v])}/${partitionFileName('part-0.parquet', [v])}`;
        expect(path(a).split('/')).toHaveLength(2);
        expect(path(a)).not.toContain('..');
        expect(Buffer.byteLength(valueLabel(field('identity'), a))).toBeLessThanOrEqual(100);
        expect(path(a)).toMatch(/-[0-9a-f]{8}\.parquet$/);
        expect(path(a).toLowerCase() === path(b).toLowerCase()).toBe(a === b && typeof a === typeof b);
      }),
      { numRuns: 1000 },
    );
  });

  test('a file of an unpartitioned table keeps its name', () => {
    expect(partitionFileName('part-0.zstd.parquet', [])).toBe('part-0.zstd.parquet');
    expect(partitionFileName('part-0', ['a'])).toMatch(/^part-0-[0-9a-f]{8}$/);
  });
});
