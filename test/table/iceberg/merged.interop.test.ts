import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PartitionField } from '../../../src/model/table.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { openIcebergTable } from '../../../src/table/iceberg/open.ts';
import { python, sparkJar } from '../../toolchain/tools.ts';
import { Readers } from './merged-readers.ts';
import { MergedTable, type Row } from './merged-tables.ts';
import { connect } from './tables.ts';

interface Read {
  readonly duckdb: unknown;
  readonly pyiceberg: unknown;
  readonly spark: unknown;
  readonly sparkCount: number;
  readonly pyicebergCount: number;
}

interface Counts {
  readonly spark: Record<'data_files' | 'delete_files', readonly [number, number, number]>;
  readonly pyiceberg: Record<'data_files' | 'delete_files', readonly [number, number, number]>;
  readonly operation: string;
  readonly summary: Record<string, string>;
}

const REGION: PartitionField = { column: 'region', transform: 'identity', name: 'region' };
const REGIONS = ['eu', 'us', null, "k='v"];
const rowsOf = (from: number, to: number, plus = 0): Row[] =>
  Array.from({ length: to - from }, (_, i) => [`p${from + i}`, from + i + plus, REGIONS[(from + i) % 4] ?? null]);
const keysOf = (from: number, to: number): string[] => rowsOf(from, to).map(([pk]) => pk);

describe.skipIf(python === undefined || sparkJar === undefined)('merges beside other readers and writers', () => {
  let root = '';
  let readers: Readers;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'tailrace-merged-'));
    readers = new Readers(root, join(root, 'wh'));
  });

  afterAll(async () => {
    readers.end();
    await rm(root, { recursive: true, force: true });
  });

  async function open(name: string, partition: readonly PartitionField[]): Promise<MergedTable> {
    return new MergedTable(openIcebergTable(localStorage(root), `wh/db/${name}`), await connect(), partition);
  }

  const spark = (sql: string): Promise<unknown> => readers.ask({ sql });

  /** Every reader sees the model, and their metadata tables agree with our summary. */
  async function agree(merged: MergedTable, step: string, ours = true): Promise<Counts> {
    const { location } = merged.table;
    const found = await readers.ask<Read>({ read: location });
    const byName = merged.rows().map(([pk, n, region]) => [n, pk, region]);
    const rows = byName.sort((a, b) => (pyJson(a) < pyJson(b) ? -1 : 1));
    for (const reader of ['duckdb', 'pyiceberg', 'spark'] as const)
      expect([step, reader, found[reader]]).toEqual([step, reader, rows]);
    expect([step, found.sparkCount, found.pyicebergCount]).toEqual([step, rows.length, rows.length]);
    expect([step, (await merged.table.load())?.rows]).toEqual([step, rows.length]);
    const counts = await readers.ask<Counts>({ counts: location });
    expect([step, counts.pyiceberg]).toEqual([step, counts.spark]);
    if (ours) {
      const { data_files: data, delete_files: deletes } = counts.spark;
      expect([step, counts.summary]).toEqual([
        step,
        expect.objectContaining({
          'total-data-files': String(data[0]),
          'total-records': String(data[1]),
          'total-delete-files': String(deletes[0]),
          'total-position-deletes': String(deletes[1]),
          'total-files-size': String(data[2] + deletes[2]),
        }),
      ]);
    }
    return counts;
  }

  test.each([
    ['plain', [], 'partition'],
    ['byregion', [REGION], 'file'],
  ] as const)(
    'fault 14: %s: chains of merges, with what Spark does in between',
    async (name, partition, granularity) => {
      const merged = await open(name, partition);
      const table = `local.db.\`${name}\``;
      await merged.create(rowsOf(0, 40));
      await merged.merge('c-1', rowsOf(5, 12, 100), keysOf(20, 23));
      const first = await agree(merged, 'a merge');
      expect(first.operation).toBe('overwrite');
      await merged.merge('c-2', rowsOf(8, 10, 200));
      await merged.merge('c-3', [], [...keysOf(0, 4), 'unknown']);
      expect((await agree(merged, 'only deletes')).operation).toBe('delete');
      await merged.merge('c-4', rowsOf(100, 104));
      expect((await agree(merged, 'only inserts')).operation).toBe('append');

      await spark(`ALTER TABLE ${table} SET TBLPROPERTIES ('write.delete.mode'='merge-on-read',
      'write.update.mode'='merge-on-read', 'write.delete.granularity'='${granularity}')`);
      await spark(`DELETE FROM ${table} WHERE n % 5 = 0`);
      for (const [pk, n] of merged.rows()) if (n % 5 === 0) merged.model.delete(pk);
      await agree(merged, 'DELETE by Spark', false);
      await merged.merge('c-5', rowsOf(10, 16, 1000), keysOf(30, 33));
      await agree(merged, 'a merge after DELETE');

      await spark(`INSERT INTO ${table} VALUES ('s1', 7001, 'eu'), ('s2', 7002, NULL)`);
      for (const row of [
        ['s1', 7001, 'eu'],
        ['s2', 7002, null],
      ] as const)
        merged.model.set(row[0], row);
      await merged.merge('c-6', [['s1', 8001, 'us']], ['s2', 'p100']);
      await agree(merged, 'a merge after INSERT');

      await spark(`CALL local.system.rewrite_data_files(table => 'db.${name}', options => map('rewrite-all', 'true'))`);
      await agree(merged, 'rewrite_data_files', false);
      await merged.merge('c-7', rowsOf(33, 37, 9000));
      await agree(merged, 'a merge after rewrite_data_files');
      await spark(`UPDATE ${table} SET n = n + 1 WHERE pk = 'p34'`);
      merged.model.set('p34', ['p34', 9035, REGIONS[34 % 4] ?? null]);
      await spark(
        `CALL local.system.rewrite_position_delete_files(table => 'db.${name}', options => map('rewrite-all', 'true'))`,
      );
      await spark(`CALL local.system.rewrite_manifests('db.${name}')`);
      await merged.merge('c-8', rowsOf(34, 35, 10_000), ['p35']);
      await agree(merged, 'a merge after rewrite_position_delete_files and rewrite_manifests');

      await merged.rewrite('r-1');
      const last = await agree(merged, 'our own compaction');
      expect([last.operation, last.spark.delete_files[0]]).toEqual(['replace', 0]);
      await merged.merge('c-9', rowsOf(0, 3, 5));
      await agree(merged, 'a merge after our compaction');
      await spark(
        `CALL local.system.expire_snapshots(table => 'db.${name}', older_than => TIMESTAMP '2100-01-01', retain_last => 1)`,
      );
      await merged.merge('c-10', rowsOf(0, 1, 6));
      await agree(merged, 'a merge after expire_snapshots');
      expect((await merged.table.load())?.ledger?.commitId).toBe('c-10');

      for (let n = 11; n < 14; n += 1) await merged.merge(`c-${n}`, rowsOf(n, n + 1, 77));
      const now = Date.now();
      const { upkeep } = merged.table;
      expect(await upkeep?.joinManifests({ commitId: 'm-1', timestampMs: now, minCount: 2 })).toMatchObject({
        kind: 'committed',
      });
      await agree(merged, 'our own joining of manifests');
      expect(await upkeep?.expireSnapshots({ olderThanMs: now + 60_000, minKeep: 1, timestampMs: now })).toMatchObject({
        outcome: 'expired',
      });
      expect((await upkeep?.sweepOrphans({ olderThanMs: now + 60_000 }))?.files).toBeGreaterThan(0);
      await agree(merged, 'our own expiry and sweep', false);
      await spark(`INSERT INTO ${table} VALUES ('s3', 1, 'eu')`);
      merged.model.set('s3', ['s3', 1, 'eu']);
      await merged.merge('c-14', rowsOf(0, 2, 3));
      await agree(merged, 'a merge after our upkeep');
    },
  );
});

/** As the Python side sorts: the text that json.dumps gives. */
function pyJson(row: readonly unknown[]): string {
  return `[${row.map((value) => JSON.stringify(value)).join(', ')}]`;
}
