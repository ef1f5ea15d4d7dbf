import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CopyJob, copyRows } from '../../../src/engine/duckdb/copy.ts';
import { type Duck, openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import { inThreads, wideThreads } from '../../../src/engine/duckdb/wide-threads.ts';
import { TailraceError } from '../../../src/model/errors.ts';
import type { TableSchema } from '../../../src/model/schema.ts';
import { SMALL } from './small.ts';

function table(columns: number): TableSchema {
  return {
    columns: Array.from({ length: columns }, (_, i) => ({
      id: i + 1,
      attr: `c${i}`,
      name: `c${i}`,
      tag: 'N' as const,
      type: { kind: 'long' as const },
    })),
    derived: [],
    system: [],
    keys: [],
    lastFieldId: columns,
  };
}

describe('threads that write wide tables', () => {
  let duck: Duck;
  let dir: string;
  beforeAll(async () => {
    duck = await openDuckDb({ ...SMALL, threads: 2, memoryLimitBytes: 1e9 });
    dir = mkdtempSync(join(tmpdir(), 'tailrace-threads-'));
  });
  afterAll(() => {
    duck.close();
    rmSync(dir, { recursive: true });
  });

  test.each([
    // What the default memory limit is meant for: the process stays under 600 MB.
    [420e6, 8, 500, 1],
    [420e6, 8, 260, 1],
    [600e6, 8, 500, 2],
    [1e9, 8, 500, 4],
    [1e9, 2, 500, 2],
    [128e6, 8, 2_000, 1],
    // No wide table: memory was short, whatever it is.
    [1e9, 8, 100, 1],
  ])('a limit of %d bytes and at most %d threads: %d columns are written by %d', (memory, most, columns, threads) => {
    const limited: Duck = { ...duck, limits: { memoryLimitBytes: memory, threads: most } };
    expect(wideThreads(limited, table(columns))).toBe(threads);
  });

  /** The threads that each COPY had; the first `failures` of them lack memory. */
  async function written(job: Partial<CopyJob>, failures: number): Promise<{ threads: number[]; rows: number }> {
    const threads: number[] = [];
    const watched: Duck = {
      ...duck,
      rows: async (sql, signal) => {
        if (!sql.startsWith('COPY')) return duck.rows(sql, signal);
        const [row] = await duck.rows(`SELECT current_setting('threads') AS threads`);
        threads.push(Number(row?.['threads']));
        const result = await duck.rows(sql, signal);
        if (threads.length <= failures) throw new TailraceError('MEMORY_LIMIT', 'as if');
        return result;
      },
    };
    const schema = table(300);
    const select = `SELECT ${schema.columns.map(({ name }) => `range AS ${name}`).join(', ')} FROM range(10)`;
    const outDir = mkdtempSync(join(dir, 'out-'));
    const layout = { schema, partition: [], sort: [], outDir, targetFileSizeBytes: 1e6 };
    let rows = 0;
    for (let batch = 0; batch < 2; batch++)
      rows += (await copyRows(watched, select, { ...layout, ...job })).reduce((sum, file) => sum + file.rows, 0);
    return { threads, rows };
  }

  test('what memory allows, for wide tables; else all', async () => {
    expect(await written({ frugal: true }, 0)).toEqual({ threads: [2, 2], rows: 20 });
    expect(await written({}, 0)).toEqual({ threads: [2, 2], rows: 20 });
  });

  test('partitions are written by one thread where memory is short', async () => {
    const partition = [{ column: 'c0', transform: 'identity' as const, name: 'c0' }];
    expect(await written({ frugal: true, partition }, 0)).toEqual({ threads: [1, 1], rows: 20 });
  });

  test('memory that does not suffice after all: one thread, from then on always', async () => {
    expect(await written({ frugal: true }, 1)).toEqual({ threads: [2, 1, 1], rows: 20 });
    await expect(written({ frugal: true }, 2)).rejects.toMatchObject({ code: 'MEMORY_LIMIT' });
    await expect(written({}, 1)).rejects.toMatchObject({ code: 'MEMORY_LIMIT' });
  });

  test('other errors are no reason to try again', async () => {
    let times = 0;
    const failing = inThreads(duck, 2, async () => {
      times += 1;
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(times).toBe(1);
  });
});
