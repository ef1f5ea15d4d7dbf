import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { maintain } from '../../src/index.ts';
import * as chains from '../crash/chain.ts';
import type { DdbItem } from '../data/ion.ts';
import { canonical, contextOf, World } from '../faults/load.ts';
import { Readers } from '../table/iceberg/merged-readers.ts';
import { python, sparkJar } from '../toolchain/tools.ts';

// Spark and PyIceberg write to a table, compact it and roll it back, between runs of sync on it.

type Rows = readonly (readonly [pk: string, n: number | null])[];

describe.skipIf(python === undefined || sparkJar === undefined)('other writers between our runs', () => {
  let world: World;
  let readers: Readers;

  beforeAll(async () => {
    world = await World.open();
    await mkdir(join(world.dir, 'wh', 'db'), { recursive: true });
    readers = new Readers(world.dir, join(world.dir, 'wh'));
  });

  afterAll(async () => {
    readers.end();
    await world[Symbol.asyncDispose]();
  });

  const spark = (sql: string): Promise<unknown[][]> => readers.ask({ sql });

  test.each(['merge-on-read', 'copy-on-write'] as const)(
    'fault 14: %s: nothing that Spark and PyIceberg insert, delete and compact is lost or doubled; a rollback is noticed',
    async (write) => {
      const name = write.replaceAll('-', '_');
      const location = join(world.dir, 'wh', 'db', name);
      const [target, table] = [`iceberg:${location}`, `local.db.${name}`];
      const chain = await chains.smallChain(join(world.dir, `source-${name}`));
      const own = new Map<string, number | null>();
      const gone = new Set<string>();
      let model: ReadonlyMap<string, DdbItem> = new Map();

      const agree = async (step: string): Promise<void> => {
        const ours = [...model].filter(([pk]) => !gone.has(pk)).map(([pk, { n }]): Rows[number] => [pk, numberOf(n)]);
        const rows = [...ours, ...own].sort(([a], [b]) => (a < b ? -1 : 1));
        const found = await readers.ask<Record<string, Rows>>({ some: ['pk', 'n'], of: location });
        for (const reader of ['duckdb', 'pyiceberg', 'spark'])
          expect([step, reader, found[reader]]).toEqual([step, reader, rows]);
        expect([step, (await world.table(target)).state?.rows]).toEqual([step, rows.length]);
      };
      const next = async (index: number): Promise<void> => {
        const report = await world.load(chain.exports[index]?.exportDir ?? '', target, { write });
        chains.expectCountsClose(report);
        model = chain.states[index] ?? new Map();
        await agree(`export ${index}`);
      };
      const sparks = async (sql: string): Promise<void> => {
        await spark(sql);
        await agree(sql);
      };

      await next(0);
      own.set('s1', 7001).set('s2', null);
      await sparks(`INSERT INTO ${table} (pk, n) VALUES ('s1', 7001), ('s2', NULL)`);
      await next(1);
      await spark(`ALTER TABLE ${table} SET TBLPROPERTIES ('write.delete.mode'='merge-on-read')`);
      gone.add('a9');
      await sparks(`DELETE FROM ${table} WHERE pk = 'a9'`);
      await sparks(
        `CALL local.system.rewrite_data_files(table => 'db.${name}', options => map('rewrite-all', 'true'))`,
      );
      await next(2);
      const change = [{ column: 'n', type: 'decimal(20,3)' }] as const;
      expect(await world.evolve(target, change)).toMatchObject({ outcome: 'committed' });
      await agree('columns changed');
      own.set('s3', 1.5);
      await sparks(`INSERT INTO ${table} (pk, n) VALUES ('s3', 1.5)`);

      await readers.ask({ append: [{ pk: 'p1' }], to: location });
      own.set('p1', null);
      await agree('PyIceberg append');
      gone.add('a8');
      await sparks(`DELETE FROM ${table} WHERE pk = 'a8'`);
      await next(3);
      const rewriteDeletes = `CALL local.system.rewrite_position_delete_files(table => 'db.${name}', options => map('rewrite-all', 'true'))`;
      await sparks(rewriteDeletes);
      own.set('s1', null);
      await readers.ask({ append: [{ pk: 's1' }], to: location, over: "pk == 's1'" });
      await agree('PyIceberg overwrite');
      await next(4);
      await sparks(
        `CALL local.system.rewrite_data_files(table => 'db.${name}', options => map('rewrite-all', 'true'))`,
      );
      expect(await world.evolve(target, change)).toMatchObject({ outcome: 'unchanged' });
      await sparks(`CALL local.system.rewrite_manifests('db.${name}')`);
      await next(5);
      expect((await world.sync(chain.dir, target)).outcome).toBe('unchanged');

      const snapshots = await spark(
        `SELECT cast(snapshot_id AS string) FROM ${table}.history ORDER BY made_current_at`,
      );
      const [first, last] = [snapshots[1]?.[0], snapshots.at(-1)?.[0]];
      await spark(`CALL local.system.rollback_to_snapshot('db.${name}', ${String(first)})`);
      const rolledBack = {
        outcome: 'failed',
        error: {
          code: 'TARGET_BAD',
          message: expect.stringContaining('rolled back'),
          hint: expect.stringContaining('snapshot'),
        },
      };
      expect(await world.sync(chain.dir, target)).toMatchObject(rolledBack);
      await spark(`INSERT INTO ${table} (pk) VALUES ('after')`);
      expect(await world.sync(chain.dir, target)).toMatchObject(rolledBack);
      await spark(`CALL local.system.set_current_snapshot('db.${name}', ${String(last)})`);
      expect((await world.sync(chain.dir, target)).outcome).toBe('unchanged');
      await agree('set back');
    },
  );

  test('branches and tags that Spark and PyIceberg made outlive an expiry, with the snapshots that they keep', async () => {
    const location = join(world.dir, 'wh', 'db', 'refs');
    const [target, table] = [`iceberg:${location}`, 'local.db.refs'];
    const chain = await chains.smallChain(join(world.dir, 'source-refs'));
    for (const each of chain.exports) await world.load(each, target, { write: 'merge-on-read', upkeep: false });
    const commits = await spark(`SELECT cast(snapshot_id AS string) FROM ${table}.snapshots ORDER BY committed_at`);
    const ids = commits.map(([id]) => String(id));
    expect(ids).toHaveLength(6);
    const sizes = chain.states.map(({ size }) => size);
    await spark(`ALTER TABLE ${table} CREATE TAG audit AS OF VERSION ${ids[0]} RETAIN 365 DAYS`);
    await spark(
      `ALTER TABLE ${table} CREATE BRANCH theirs AS OF VERSION ${ids[2]} WITH SNAPSHOT RETENTION 2 SNAPSHOTS 1 DAYS`,
    );
    const make = (ref: string, kind: 'branch' | 'tag', at: number, retention: Record<string, number>) =>
      readers.ask({ ref, kind, of: location, at: ids[at], retention });
    await make('plain', 'branch', 3, {});
    await make('brief', 'tag', 4, { max_ref_age_ms: 1 });
    const before = await readers.ask<Record<string, unknown>>({ refs: location });
    expect(before).toMatchObject({
      audit: [ids[0], sizes[0], sizes[0]],
      theirs: [ids[2], sizes[2], sizes[2]],
      plain: [ids[3], sizes[3], sizes[3]],
      brief: [ids[4], sizes[4], sizes[4]],
    });
    const options = { ...world.options(), expireSnapshotsMs: 0, keepSnapshots: 1 };
    const report = await maintain(target, options, contextOf());
    expect(report.error).toBeUndefined();
    expect(report.expired).toMatchObject({ snapshots: 1, refs: ['brief'] });
    const { brief: _, ...left } = before;
    expect(await readers.ask({ refs: location })).toEqual(left);
    // The branch keeps a snapshot before its own: all of one day, and it is younger.
    const kept = await spark(`SELECT cast(snapshot_id AS string) FROM ${table}.snapshots ORDER BY committed_at`);
    expect(kept.map(([id]) => id)).toEqual(ids.filter((_id, index) => index !== 4));
    await spark(`INSERT INTO ${table}.branch_theirs (pk) VALUES ('on their branch')`);
    const swept = await maintain(target, { ...options, sweepOrphansMs: 3_600_000 }, contextOf());
    expect(swept.error).toBeUndefined();
    const now = await readers.ask<Record<string, readonly unknown[]>>({ refs: location });
    expect(now['theirs']?.slice(1)).toEqual([(sizes[2] ?? 0) + 1, (sizes[2] ?? 0) + 1]);
    expect((await world.sync(chain.dir, target)).outcome).toBe('unchanged');
    expect(await world.items(target)).toEqual(canonical([...(chain.states.at(-1)?.values() ?? [])]));
  });
});

function numberOf(value: DdbItem[string] | undefined): number | null {
  return value?.['N'] === undefined ? null : Number(value['N']);
}
