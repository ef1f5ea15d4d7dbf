import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DdbItem, DdbValue } from '../data/ion.ts';
import { bothSchemas, canonicalItems, catItems, exportOf, load, optionsWith } from './harness.ts';

/** Three files of so many items hold more lines than are looked at before the first write. */
const PER_FILE = 2_000;
const ITEMS = 3 * PER_FILE;

type Make = (index: number) => Readonly<Record<string, DdbValue>>;

/** Three files: what `usual` makes, and from `from` on what `later` makes. */
function files(usual: Make, later: Make, from = ITEMS - 200): DdbItem[][] {
  const item = (index: number): DdbItem => ({ pk: { S: `k${index}` }, ...(index < from ? usual : later)(index) });
  return [0, 1, 2].map((file) => Array.from({ length: PER_FILE }, (_, row) => item(file * PER_FILE + row)));
}

const one = (): DdbValue => ({ N: '1' });

/** Ways in which the head of the files says something else than all of the data. */
const SURPRISES: Readonly<Record<string, DdbItem[][]>> = {
  'an attribute that only the last items have': files(
    () => ({ a: one() }),
    () => ({ a: one(), late: { S: 'x' } }),
  ),
  'another type tag later': files(
    () => ({ a: one() }),
    (i) => ({ a: i % 2 ? { S: 'x' } : one() }),
  ),
  'long becomes decimal': files(
    (i) => ({ a: { N: `${i}` } }),
    () => ({ a: { N: '9.99' } }),
  ),
  'a larger scale': files(
    () => ({ a: { N: '1.5' } }),
    () => ({ a: { N: '1.123456' } }),
  ),
  'more digits before the point': files(
    () => ({ a: { N: '1.5' } }),
    () => ({ a: { N: '12345678901234567.5' } }),
  ),
  '38 digits become text': files(
    () => ({ a: { N: '1.5' } }),
    () => ({ a: { N: `0.${'0'.repeat(100)}1` } }),
  ),
  'the majority flips': files(
    () => ({ a: one() }),
    () => ({ a: { S: 'x' } }),
    2_700,
  ),
  'the majority flips from NULL': files(
    () => ({ a: { NULL: true } }),
    () => ({ a: { S: 'x' } }),
    4_000,
  ),
  'only NULL, then numbers': files(
    () => ({ a: { NULL: true } }),
    (i) => ({ a: { N: `${i}` } }),
    ITEMS - 10,
  ),
  'a struct field that appears later': files(
    () => ({ m: { M: { x: one() } } }),
    () => ({ m: { M: { x: one(), y: { S: 'y' } } } }),
  ),
  'a struct becomes a dictionary': files(
    () => ({ m: { M: { x: one() } } }),
    (i) => ({ m: { M: { [`id${i}`]: one() } } }),
    4_000,
  ),
  'NULLs only later': files(
    () => ({ a: one(), m: { M: { x: one() } } }),
    () => ({ a: { NULL: true }, m: { M: { x: { NULL: true } } } }),
  ),
  'an empty map gets content': files(
    () => ({ m: { M: {} } }),
    () => ({ m: { M: { x: one() } } }),
  ),
  'an empty list gets numbers': files(
    () => ({ l: { L: [] } }),
    () => ({ l: { L: [one()] } }),
  ),
  'a list gets mixed': files(
    () => ({ l: { L: [one()] } }),
    () => ({ l: { L: [one(), { S: 'x' }] } }),
  ),
  'a list gets mixed with sets': files(
    () => ({ l: { L: [one()] } }),
    () => ({ l: { L: [one(), { SS: ['x'] }] } }),
  ),
  'a number in a list outgrows': files(
    () => ({ l: { L: [one()] } }),
    () => ({ l: { L: [{ N: '0.5' }] } }),
  ),
  'a number in a set outgrows': files(
    () => ({ l: { NS: ['1'] } }),
    () => ({ l: { NS: ['0.5', '7'] } }),
  ),
  'a number in a struct outgrows': files(
    () => ({ m: { M: { x: one() } } }),
    () => ({ m: { M: { x: { N: '0.5' } } } }),
  ),
  'names that differ only by case': files(
    () => ({ a: one() }),
    () => ({ A: one(), a: one() }),
  ),
  'fields that differ only by case': files(
    () => ({ m: { M: { x: one() } } }),
    () => ({ m: { M: { x: one(), X: one() } } }),
  ),
  'an empty name in a map': files(
    () => ({ m: { M: { x: one() } } }),
    () => ({ m: { M: { '': one() } } }),
  ),
  'deeper than before': files(
    () => ({ m: { M: { x: { M: {} } } } }),
    () => ({ m: { M: { x: { M: { y: { L: [{ M: { z: one() } }] } } } } } }),
  ),
  'lists, where most have text': files(
    () => ({ a: { L: [one()] } }),
    () => ({ a: { S: 'x' } }),
    2_700,
  ),
};

const CASES = [
  { format: 'iceberg', batches: 'in one batch', batchBytes: optionsWith().batchBytes },
  { format: 'iceberg', batches: 'in a batch for each file', batchBytes: 1 },
  { format: 'parquet', batches: 'in a batch for each file', batchBytes: 1 },
];

test('a first value of an attribute is learned where items are read as text, too', async () => {
  const data = [[{ pk: { S: '0' } }], [{ A: { S: '' }, pk: { S: '1' } }], [{ a: { BOOL: false }, pk: { S: '2' } }]];
  const { exportDir, dir } = await exportOf(data);
  for (const include of [[], ['a', 'pk']]) {
    const options = optionsWith({ batchBytes: 1, schema: { include } });
    const target = join(dir, `table-${include.length}`);
    await load(exportDir, target, options);
    const { inferred, loaded } = await bothSchemas(exportDir, target, options);
    expect(loaded).toEqual(inferred);
    expect(await catItems(target, options)).toEqual(canonicalItems(data.flat()));
  }
});

describe.each(CASES)('$format, $batches', ({ format, batchBytes }) => {
  test.each(Object.entries(SURPRISES))('%s: the table is as if all had been known', async (_name, data) => {
    const written = await exportOf(data);
    const target = `${format}:${join(written.dir, 'table')}`;
    const options = optionsWith({ batchBytes });
    const report = await load(written.exportDir, target, options);
    expect(report.counts).toMatchObject({ read: ITEMS, written: ITEMS, rejected: 0 });
    const { inferred, loaded } = await bothSchemas(written.exportDir, target, options);
    expect(loaded).toEqual(inferred);
    expect(await catItems(target, options)).toEqual(canonicalItems(data.flat()));
  });
});
