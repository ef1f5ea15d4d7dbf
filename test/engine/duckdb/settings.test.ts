import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CopyJob, copyRows } from '../../../src/engine/duckdb/copy.ts';
import { type Duck, openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import { withSettings } from '../../../src/engine/duckdb/settings.ts';
import type { TableSchema } from '../../../src/model/schema.ts';
import { SMALL } from './small.ts';

const SETTINGS = ['threads', 'preserve_insertion_order', 'partitioned_write_flush_threshold', 'disabled_optimizers'];

const schema: TableSchema = {
  columns: [{ id: 1, attr: 'a', name: 'a', tag: 'N', type: { kind: 'long' } }],
  derived: [],
  system: [],
  keys: [],
  lastFieldId: 1,
};

describe('settings of the engine', () => {
  let duck: Duck;
  let dir: string;
  beforeAll(async () => {
    duck = await openDuckDb({ ...SMALL, threads: 2 });
    dir = mkdtempSync(join(tmpdir(), 'tailrace-settings-'));
  });
  afterAll(() => {
    duck.close();
    rmSync(dir, { recursive: true });
  });

  const settings = async (): Promise<Record<string, string>> => {
    const [row] = await duck.rows(
      `SELECT ${SETTINGS.map((name) => `current_setting('${name}') AS ${name}`).join(', ')}`,
    );
    return Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, String(value)]));
  };
  const disabled = async (): Promise<readonly string[]> => ((await settings())['disabled_optimizers'] ?? '').split(',');
  const job = (more: Partial<CopyJob>): CopyJob => ({
    schema,
    partition: [],
    sort: [{ column: 'a', descending: false, nullsFirst: true }],
    outDir: mkdtempSync(join(dir, 'out-')),
    targetFileSizeBytes: 1e6,
    ...more,
  });

  test('end with the work, also where it fails', async () => {
    const before = await settings();
    const inside = await withSettings(duck, { threads: 1, preserve_insertion_order: true }, settings);
    expect(inside).toEqual({ ...before, threads: '1', preserve_insertion_order: 'true' });
    expect(await settings()).toEqual(before);
    const failing = withSettings(duck, { disabled_optimizers: ['join_order'] }, async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await expect(withSettings(duck, { disabled_optimizers: ['no such'] }, settings)).rejects.toThrow('no such');
    expect(await settings()).toEqual(before);
  });

  test('the inner one counts, and optimizers that are not wanted add up', async () => {
    const before = await settings();
    await withSettings(duck, { threads: 1, disabled_optimizers: ['join_order'] }, async () => {
      await withSettings(
        duck,
        { threads: 2, disabled_optimizers: ['common_subexpressions', 'join_order'] },
        async () => {
          expect((await settings())['threads']).toBe('2');
          expect((await disabled()).toSorted()).toEqual(['common_subexpressions', 'join_order']);
        },
      );
      expect((await settings())['threads']).toBe('1');
      expect(await disabled()).toEqual(['join_order']);
    });
    expect(await settings()).toEqual(before);
  });

  test('of work side by side each ends its own', async () => {
    const before = await settings();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = withSettings(duck, { disabled_optimizers: ['join_order'] }, () => held);
    await withSettings(duck, { disabled_optimizers: ['build_side_probe_side'] }, async () => {
      release();
      await first;
      expect(await disabled()).toEqual(['build_side_probe_side']);
    });
    expect(await settings()).toEqual(before);
  });

  test('writing leaves none behind, whatever the way', async () => {
    const before = await settings();
    await copyRows(duck, 'SELECT range AS a FROM range(10)', job({ frugal: true, unshared: true }));
    expect(await settings()).toEqual(before);
    const partition = [{ column: 'a', transform: 'identity' as const, name: 'a' }];
    await copyRows(duck, 'SELECT range AS a FROM range(10)', job({ partition }));
    expect(await settings()).toEqual(before);
    await expect(copyRows(duck, "SELECT error('no') AS a", job({ frugal: true, unshared: true }))).rejects.toThrow();
    expect(await settings()).toEqual(before);
  });
});
