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
  for (const batchBytes of files.length > 1 ? [1, 1e9] : [1])
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

describe('times: infer and sync agree, whatever the first lines show', () => {
  const auto: Change = { schema: { timestamps: 'auto' } };
  const day = (index: number): string => `2024-02-${String((index % 28) + 1).padStart(2, '0')}T01:02:03.456Z`;
  const epoch = (index: number): string => String(1_700_000_000 + index);

  test.each([
    ['always', day, undefined, 'timestamp(iso-ms)'],
    ['but for a late text', day, { S: 'soon' }, 'string'],
    ['but for another format late', day, { S: '2024-02-01T01:02:03Z' }, 'string'],
    ['but for a late value of another type', day, { N: '7' }, 'timestamp(iso-ms)'],
    ['but for a late NULL', day, { NULL: true as const }, 'timestamp(iso-ms)'],
    ['as numbers', epoch, undefined, 'timestamp(epoch-s)'],
    ['as numbers, but for a small one late', epoch, { N: '5' }, 'long'],
    ['as numbers, but for a large one late', epoch, { N: '9999999999' }, 'long'],
    ['as numbers, but for a fraction late', epoch, { N: '1700000000.5' }, 'decimal(18,4)'],
  ] as const)('%s', async (_name, usual, late, type) => {
    const tag = usual === day ? 'S' : 'N';
    const make = (index: number, last: number): DdbItem => {
      const value = late !== undefined && index === last ? late : ({ [tag]: usual(index) } as DdbItem[string]);
      const inner = late !== undefined && 'NULL' in late ? ({ [tag]: usual(index) } as DdbItem[string]) : value;
      return { created_at: value, m: { M: { l: { L: [{ M: { sent_at: inner } }] } } } };
    };
    const told = await expectAgreed([items(MANY, (index) => make(index, MANY - 3))], auto);
    expect(told).toContain(`"created_at":"${type}`);
    const two = [items(30, (index) => make(index, -1)), items(600, (index) => make(index, 590))];
    await expectAgreed(two, auto, FORMATS);
  });

  test('a partition by a time that most values are, in a load that counts all items', async () => {
    const files = [
      items(30, (index) => ({ at: { S: day(index) }, n: { N: '1' } })),
      items(900, (index) => ({
        at: { S: index === 800 ? 'soon' : day(index) },
        n: { N: index === 890 ? '0.5' : '1' },
      })),
    ];
    const { exportDir, dir } = await exportOf(files);
    const options = optionsWith({ batchBytes: 1, partition: [{ transform: 'month', column: 'at' }] });
    const target = `parquet:${join(dir, 'table')}`;
    await load(exportDir, target, options);
    expect(await catItems(target, options)).toEqual(canonicalItems(files.flat()));
  });
});

describe('more attributes than columns: infer and sync choose the same', () => {
  const crowded: Change = { schema: { maxColumns: 8 } };
  /** Attributes `a0` … of which later files have others more often. */
  const skewed = (file: number, name: (n: number) => string): DdbItem[] =>
    items(60, (index) => {
      const entries = Array.from({ length: 24 }, (_, n) => n)
        .filter((n) => (index + n) % ((Math.abs(n - 6 * file) % 7) + 1) === 0)
        .map((n) => [name(n), n % 3 === 0 ? { N: `${index}.5` } : { S: `${index}` }] as const);
      return Object.fromEntries(entries) as DdbItem;
    });

  test.each([
    ['names that a struct holds', (n: number) => `a${n}`],
    ['names that differ by case', (n: number) => (n % 2 === 0 ? `a${n}` : `A${n - 1}`)],
  ])('%s', async (_name, name) => {
    const files = [0, 1, 2, 3].map((file) => skewed(file, name));
    await expectAgreed(files, crowded, FORMATS);
    // The first file alone knows as many as there are columns, and no more.
    const few = items(600, (index) =>
      Object.fromEntries([1, 3, 5, 7, 9, 11, 13].map((n) => [name(n), { S: `${index}` }])),
    );
    await expectAgreed([few, ...files, ...files], crowded);
  });

  test('attributes that only the end of a long file has', async () => {
    const long = items(MANY, (index) => {
      const names = index < 5_050 ? [0, 1, 2, 3, 4, 5, 6, 7] : [20, 21, 22, 23, 24, 25];
      return Object.fromEntries(names.map((n) => [`a${n}`, { S: `${index + n}` }]));
    });
    const more = items(900, (index) => ({ [`a${20 + (index % 6)}`]: { S: 'x' } }));
    const told = await expectAgreed([long, more, more], crowded, FORMATS);
    expect(told).toContain('a0');
  });

  test('400 attributes of several types: infer stays within the least memory, and agrees', async () => {
    const wide = items(300, (index) =>
      Object.fromEntries(
        Array.from({ length: 40 }, (_, n) => `attr_${(index * 40 + n * 7) % 400}`).map((name, n) => [
          name,
          (index + n) % 50 === 0 ? { L: [{ S: 'x' }] } : { N: `${index}.25` },
        ]),
      ),
    );
    await expectAgreed([wide.slice(0, 20), wide.slice(20)], {
      memoryLimitBytes: 256e6,
      schema: { timestamps: 'auto' },
    });
  });
});
