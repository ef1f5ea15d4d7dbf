import { mkdtemp, readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDuckDb } from '../../src/engine/duckdb/instance.ts';
import { str } from '../../src/engine/sql/quote.ts';
import { parsePartition, parseSort } from '../../src/index.ts';
import type { DdbItem } from '../data/ion.ts';
import { type Change, exportOf, FORMATS, load, optionsWith } from './harness.ts';

const REGIONS = ['eu', 'us', 'ap', '日本', ''];

/** In no order; some without a number, many with the same. */
function items(count: number): DdbItem[] {
  return Array.from({ length: count }, (_, i): DdbItem => {
    const mixed = (i * 7_919) % count;
    return {
      pk: { S: `k${String(mixed).padStart(6, '0')} ${(mixed * 2_654_435_761) % 4_294_967_296}` },
      ...(i % 11 === 0 ? {} : { n: { N: String(mixed % 500) } }),
      region: { S: REGIONS[mixed % REGIONS.length] ?? '' },
      at: { S: `2026-03-0${1 + (mixed % 3)}T12:00:00Z` },
    };
  });
}

async function filesOf(dir: string): Promise<string[]> {
  const names = await readdir(dir, { recursive: true });
  return names.filter((name) => name.endsWith('.parquet')).map((name) => join(dir, name));
}

interface Row {
  readonly n: number | undefined;
  readonly pk: string;
}

/** The rows of each file as they lie in it. */
async function rowsOf(paths: readonly string[]): Promise<Row[][]> {
  const tempDir = await mkdtemp(join(tmpdir(), 'tailrace-order-'));
  const duck = await openDuckDb({ memoryLimitBytes: 500e6, threads: 1, tempDir, tempBudgetBytes: 1e9 });
  try {
    const files: Row[][] = [];
    for (const path of paths) {
      const rows = await duck.rows(
        `SELECT n::INTEGER AS n, pk FROM read_parquet(${str(path)}, file_row_number = true, hive_partitioning = false) ORDER BY file_row_number`,
      );
      files.push(rows.map(({ n, pk }) => ({ n: n === null ? undefined : Number(n), pk: String(pk) })));
    }
    return files;
  } finally {
    duck.close();
  }
}

/** `n desc nulls last, pk`. */
function inOrder(a: Row, b: Row): boolean {
  if (a.n !== b.n) return b.n === undefined || (a.n !== undefined && a.n > b.n);
  return Buffer.compare(Buffer.from(a.pk), Buffer.from(b.pk)) <= 0;
}

describe.each(FORMATS)('%s: the files of a load', (format) => {
  test.each<[string, number, Change]>([
    ['alone', 1, {}],
    ['in several files', 4, { targetFileSizeBytes: 60e3 }],
    ['within partitions', 15, { partition: parsePartition('day(at), region') }],
    [
      'within partitions, with little memory',
      15,
      { partition: parsePartition('day(at), region'), memoryLimitBytes: 90e6 },
    ],
  ])('hold their rows in the order of --sort: %s', async (_name, least, change) => {
    const all = items(30_000);
    const { exportDir, dir } = await exportOf([all.slice(0, 12_000), all.slice(12_000)]);
    const sort = parseSort('n desc nulls last, pk');
    await load(exportDir, `${format}:${join(dir, 'table')}`, optionsWith({ sort, ...change }));
    const files = await rowsOf(await filesOf(join(dir, 'table')));
    expect(files.length).toBeGreaterThanOrEqual(least);
    expect(files.reduce((sum, rows) => sum + rows.length, 0)).toBe(all.length);
    for (const rows of files) {
      const wrong = rows.findIndex((row, i) => i > 0 && !inOrder(rows[i - 1] ?? row, row));
      expect(wrong < 0 ? [] : rows.slice(wrong - 1, wrong + 1)).toEqual([]);
    }
  });

  test('are about as large as --target-file-size says, sorted or not', async () => {
    const all = items(60_000);
    const { exportDir, dir } = await exportOf([all.slice(0, 30_000), all.slice(30_000)]);
    for (const sort of ['', 'pk']) {
      for (const target of [100e3, 250e3]) {
        const table = join(dir, `table-${sort}-${target}`);
        const options = optionsWith({ sort: parseSort(sort), targetFileSizeBytes: target, threads: 1 });
        const report = await load(exportDir, `${format}:${table}`, options);
        const sizes = await Promise.all((await filesOf(table)).map(async (path) => (await stat(path)).size));
        expect(sizes.length).toBe(report.files.written);
        expect(Math.max(...sizes)).toBeLessThan(target * 1.5);
        // The last one has what is left.
        expect(sizes.filter((size) => size < target * 0.5).length).toBeLessThanOrEqual(1);
        expect(sizes.length).toBeGreaterThan(2);
      }
    }
  });
});
