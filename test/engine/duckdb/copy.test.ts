import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyRows } from '../../../src/engine/duckdb/copy.ts';
import { openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import { str } from '../../../src/engine/sql/quote.ts';
import type { TableSchema } from '../../../src/model/schema.ts';
import { SMALL } from './small.ts';

const schema: TableSchema = {
  columns: [{ id: 1, attr: 'a', name: 'a', tag: 'N', type: { kind: 'long' } }],
  derived: [],
  system: [],
  keys: [],
  lastFieldId: 1,
};

test('row groups end while their rows are still near the processor, and the offsets say where each begins', async () => {
  const duck = await openDuckDb(SMALL);
  try {
    const outDir = await mkdtemp(join(tmpdir(), 'copy-'));
    const job = { schema, partition: [], sort: [], outDir, targetFileSizeBytes: 512e6 };
    const [file, ...more] = await copyRows(duck, 'SELECT range AS a FROM range(150000)', job);
    expect(more).toEqual([]);
    expect(file?.rows).toBe(150_000);
    const groups = await duck.rows(
      `SELECT DISTINCT row_group_id, row_group_num_rows AS n FROM parquet_metadata(${str(file?.path ?? '')}) ORDER BY 1`,
    );
    expect(groups.map(({ n }) => Number(n))).toEqual([61_440, 61_440, 27_120]);
    expect(file?.splitOffsets).toHaveLength(3);
  } finally {
    duck.close();
  }
});

test('files of tables with very many columns carry no Bloom filters, others do', async () => {
  const duck = await openDuckDb(SMALL);
  try {
    const filters = async (frugal: boolean): Promise<number> => {
      const outDir = await mkdtemp(join(tmpdir(), 'copy-'));
      const job = { schema, partition: [], sort: [], outDir, targetFileSizeBytes: 512e6, frugal };
      const [file] = await copyRows(duck, 'SELECT range % 3 AS a FROM range(5000)', job);
      const [row] = await duck.rows(
        `SELECT count(bloom_filter_offset) AS n FROM parquet_metadata(${str(file?.path ?? '')})`,
      );
      return Number(row?.['n']);
    };
    expect(await filters(false)).toBe(1);
    expect(await filters(true)).toBe(0);
  } finally {
    duck.close();
  }
});

test('a binary value that stands in many rows is found by a filter', async () => {
  const duck = await openDuckDb(SMALL);
  try {
    const outDir = await mkdtemp(join(tmpdir(), 'copy-'));
    const binary: TableSchema = {
      ...schema,
      columns: [{ id: 1, attr: 'a', name: 'a', tag: 'B', type: { kind: 'binary' } }],
    };
    const job = { schema: binary, partition: [], sort: [], outDir, targetFileSizeBytes: 512e6 };
    const [file] = await copyRows(duck, `SELECT '\\xFF\\x00'::BLOB AS a FROM range(5000)`, job);
    const [row] = await duck.rows(
      `SELECT count(*) AS n FROM read_parquet(${str(file?.path ?? '')}) WHERE a = '\\xFF\\x00'::BLOB`,
    );
    expect(Number(row?.['n'])).toBe(5000);
  } finally {
    duck.close();
  }
});
