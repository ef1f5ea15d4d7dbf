import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCsv } from '../../src/load/input/csv.ts';

interface Read {
  readonly line: number;
  readonly raw: string;
  /** By name, or why not. */
  readonly cells: Readonly<Record<string, string>> | string;
}

async function read(
  text: string | Buffer,
  sizes: readonly number[] = [],
  delimiter = ',',
  columns?: readonly string[],
): Promise<Read[]> {
  const bytes = Buffer.from(text as string);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
      const size = sizes.length === 0 ? bytes.length : (sizes[turn % sizes.length] ?? 1);
      yield bytes.subarray(at, at + size);
      at += size;
    }
  }
  const found: Read[] = [];
  for await (const record of readCsv(chunks(), { delimiter, columns, place: 'x.csv' })) {
    let cells: Read['cells'];
    try {
      cells = Object.fromEntries(record.cells());
    } catch (thrown) {
      cells = (thrown as Error).message;
    }
    found.push({ line: record.line, raw: record.raw.toString(), cells });
  }
  return found;
}

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

describe('CSV', () => {
  test('whatever the cells, the delimiter, the line ends and the chunks', async () => {
    const cell = fc.string({
      unit: fc.constantFrom('a', '"', ',', ';', '|', '\n', '\r', ' ', 'é', '😀', '\\', "'", '\t', '0'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell, cell), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(',', ';', '|', '\t'),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        async (rows, sizes, delimiter, end, last) => {
          const lines = [['p', 'q', 'r'], ...rows].map((row) => row.map(quoted).join(delimiter));
          const records = await read(lines.join(end) + (last ? end : ''), sizes, delimiter);
          expect(records.map(({ cells }) => cells)).toEqual(rows.map(([p, q, r]) => ({ p, q, r })));
        },
      ),
    );
  });

  test('a record that is none is refused alone, with its own text; those behind it are whole', async () => {
    const text = 'a,b\n1,2\n"x" y,3\n4,"5\n6"\n7\n8,9,10\nm"n,o\n11,12\n';
    expect(await read(text)).toEqual([
      { line: 2, raw: '1,2', cells: { a: '1', b: '2' } },
      { line: 3, raw: '"x" y,3', cells: 'a quote within a cell' },
      { line: 5, raw: '4,"5\n6"', cells: { a: '4', b: '5\n6' } },
      { line: 6, raw: '7', cells: '1 cells, where there are 2 columns' },
      { line: 7, raw: '8,9,10', cells: '3 cells, where there are 2 columns' },
      { line: 8, raw: 'm"n,o', cells: 'a quote within a cell' },
      { line: 9, raw: '11,12', cells: { a: '11', b: '12' } },
    ]);
  });

  test('a quote that is never closed refuses what is left, and does not lose it', async () => {
    const records = await read('a,b\n1,2\n3,"4\n5,6\n');
    expect(records.map(({ cells }) => cells)).toEqual([{ a: '1', b: '2' }, 'quote not closed']);
    expect(records[1]?.raw).toContain('5,6');
  });

  test('names: in the first line, given, empty, twice', async () => {
    expect(await read('1,2', [], ',', ['a', 'b'])).toEqual([{ line: 1, raw: '1,2', cells: { a: '1', b: '2' } }]);
    await expect(read('a,,b\n1,2,3')).rejects.toMatchObject({ code: 'INPUT_BAD', found: 'a column without a name' });
    await expect(read('a,a\n1,2')).rejects.toMatchObject({ code: 'INPUT_BAD', found: 'the name a twice' });
    expect(await read('')).toEqual([]);
    expect(await read('a,b')).toEqual([]);
  });

  test('fault 85: a cell of 400 KB, with quotes, in a record of many lines', async () => {
    const cell = 'line "one"\n'.repeat(40_000);
    const records = await read(`a,b\n${quoted(cell)},1\n2,3`, [65_536]);
    expect(records.map(({ cells }) => cells)).toEqual([
      { a: cell, b: '1' },
      { a: '2', b: '3' },
    ]);
  });
});
