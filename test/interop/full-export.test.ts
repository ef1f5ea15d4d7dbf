import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DdbItem } from '../data/ion.ts';
import { nastyItems } from '../data/nasty.ts';
import { sharedExport, sharedTables } from '../data/shared-items.ts';
import { expectReadersAgree, type ReadTable } from './agree.ts';
import { type Loaded, loadExport, loadItems } from './load.ts';
import { readersOf } from './readers.ts';
import { regionItems } from './region-items.ts';

// Readers of other projects read what tailrace wrote, and agree with the items, value by value. Tables are collected
// first and read together, so that each reader starts once.

/** Items of every kind; all 10,000 by command (docs/internals/testing.md). */
const NASTY_ITEMS = Number(process.env.TAILRACE_NASTY ?? 3_000);
const NASTY_NAMES = Math.max(20_000, 3 * NASTY_ITEMS);
const FORMATS = ['iceberg', 'parquet'] as const;
let folder = '';
const tables: ReadTable[] = [];

function add(name: string, loaded: Loaded, items: readonly DdbItem[], more: Partial<ReadTable> = {}): void {
  tables.push({ name: `${name} as ${loaded.format}`, ...loaded, items, ...more });
}

describe.skipIf(readersOf('iceberg').length === 0)('readers of the field', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tailrace-interop-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.skipIf(sharedTables().length === 0)(
    'real tables of sample projects load (skipped: no shared data)',
    async () => {
      for (const { name, key, items } of sharedTables()) {
        // A Parquet table without rows has no file that could tell a reader its columns.
        for (const format of items.length === 0 ? (['iceberg'] as const) : FORMATS) {
          add(name, await loadItems(join(folder, name), format, items, { key }), items);
        }
      }
    },
  );

  test.skipIf(sharedExport() === undefined)('a real export loads (skipped: no shared data)', async () => {
    const real = sharedExport();
    if (real === undefined) throw new Error('no shared data');
    for (const format of FORMATS) {
      add('real export', await loadExport(real.folder, join(folder, 'real'), format, { key: ['id'] }), real.items);
    }
  });

  test.each(['S', 'N', 'B'] as const)('nasty items with a key of type %s load', async (keyType) => {
    const options = { keyType, distinctNames: keyType === 'S' ? NASTY_NAMES : 0, noHuge: keyType !== 'S' };
    const items = nastyItems(7, keyType === 'S' ? NASTY_ITEMS : 300, options);
    for (const format of FORMATS) {
      const loaded = await loadItems(join(folder, `nasty-${keyType}`), format, items, { key: ['pk'] });
      add(`nasty ${keyType}`, loaded, items);
    }
  });

  test('partitioned and sorted tables load', async () => {
    const items = regionItems(600);
    const keeps = (item: DdbItem): boolean => item.region?.S === 'eu/west=1 é%';
    const filter = { sql: "region = 'eu/west=1 é%'", keeps };
    for (const format of FORMATS) {
      const layout = { key: ['pk'], partition: 'day(created_at), bucket(16, pk), region', sort: 'total desc, pk' };
      const loaded = await loadItems(join(folder, 'partitioned'), format, items, layout);
      add('partitioned', loaded, items);
      add('partitioned, filtered', loaded, items, { filter });
      const sorted = await loadItems(join(folder, 'sorted'), format, items, {
        key: ['pk'],
        sort: 'created_at desc, pk',
      });
      add('sorted', sorted, items);
      add('sorted, filtered', sorted, items, { filter });
    }
  });

  test.each([
    'truncate(3, pk)',
    'month(created_at)',
    'year(created_at)',
    'hour(created_at)',
    'truncate(10, qty)',
    'bucket(4, qty)',
    'qty',
  ])('a table partitioned by %s loads', async (partition) => {
    const items = regionItems(200);
    for (const format of FORMATS) {
      const loaded = await loadItems(join(folder, partition), format, items, { key: ['pk'], partition });
      add(partition, loaded, items);
      const keeps = (item: DdbItem): boolean => item.region?.S === 'us';
      add(`${partition}, filtered`, loaded, items, { filter: { sql: "region = 'us'", keeps } });
    }
  });

  test('Spark, PyIceberg, DuckDB and PyArrow agree with the items, value by value', async () => {
    expect(tables.length).toBeGreaterThan(0);
    await expectReadersAgree(tables);
  }, 1_200_000);
});
