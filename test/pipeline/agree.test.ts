import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DdbItem } from '../data/ion.ts';
import { bothSchemas, type Change, canonicalItems, catItems, exportOf, FORMATS, load, optionsWith } from './harness.ts';

/** Loads files of items in batches of one file each, and in one; both tables must have the schema that infer tells. */
async function expectAgreed(
  files: readonly (readonly DdbItem[])[],
  change: Change = {},
  formats: readonly string[] = ['iceberg'],
): Promise<string> {
  const { exportDir, dir } = await exportOf(files);
  let told = '';
  for (const batchBytes of [1, 1e9])
    for (const format of formats) {
      const options = optionsWith({ ...change, batchBytes });
      const target = `${format}:${join(dir, `${format}-${batchBytes}`)}`;
      await load(exportDir, target, options);
      const { inferred, loaded } = await bothSchemas(exportDir, target, optionsWith(change));
      expect(loaded, target).toEqual(inferred);
      expect(await catItems(target, options), target).toEqual(canonicalItems(files.flat()));
      told = JSON.stringify(loaded);
    }
  return told;
}

/** More lines than either looks at before it reads all. */
const MANY = 5_200;
const items = (count: number, make: (index: number) => DdbItem): DdbItem[] =>
  Array.from({ length: count }, (_, index) => ({ pk: { S: `${index}` }, ...make(index) }));

describe('decimals: infer and sync agree, whatever the first lines show', () => {
  test.each([
    ['more decimals late, within the column', '1.5', '1.2345', 'decimal(18,4)'],
    ['more decimals late, beyond the column', '1.5', '1.23456', 'decimal(18,8)'],
    ['more digits late, within the column', '1.5', '12345678901234.5', 'decimal(18,4)'],
    ['more digits late, beyond the column', '1.5', '123456789012345.5', 'decimal(38,4)'],
    ['decimals late among whole numbers', '7', '0.001', 'decimal(18,4)'],
    ['wide numbers late', '0.000000001', '12345678901234567890123456789.5', 'decimal(38,9)'],
    ['what no decimal holds late', '0.5', `0.${'0'.repeat(99)}1`, 'number-text'],
  ])('%s', async (_name, usual, late, type) => {
    const value = (index: number): string => (index === MANY - 3 ? late : usual);
    const one = items(MANY, (index) => ({ n: { N: value(index) }, m: { M: { x: { L: [{ N: value(index) }] } } } }));
    const two = [items(30, () => ({ n: { N: usual } })), items(600, (i) => ({ n: { N: i === 590 ? late : usual } }))];
    expect(await expectAgreed([one])).toContain(type);
    expect(await expectAgreed(two, {}, FORMATS)).toContain(type);
  });
});
