import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { METHODS } from '../../../src/catalog/hive/api.ts';
import type { CommitOutcome } from '../../../src/model/table.ts';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import { item, PARTITIONS, Shop, shopItems } from '../../chain/parquet.ts';
import * as chains from '../../crash/chain.ts';
import type { DdbItem } from '../../data/ion.ts';
import { type LoadOptions, World } from '../../faults/load.ts';
import { compareRows } from '../../interop/agree.ts';
import { HIVE, PYTHON, SPARK_S3, serverOrSkip, VERSITYGW } from '../../servers/available.ts';
import { makeBucket, useCredentials } from '../../servers/buckets.ts';
import { startHive3 } from '../../servers/hive.ts';
import { type S3Server, startVersitygw } from '../../servers/versitygw.ts';
import { Readers } from '../../table/iceberg/merged-readers.ts';
import { stagedOf } from '../../table/iceberg/sample.ts';
import { sparkJar } from '../../toolchain/tools.ts';
import { PyIceberg } from '../beside.ts';
import { HiveWorld } from './world.ts';

// Spark and PyIceberg read and write tables of a Hive Metastore that compares nothing, between our commits and at the
// same time: only the lock keeps the three apart.

type Row = readonly [pk: string, n: number | null];

const NEEDS = [HIVE, PYTHON, SPARK_S3, VERSITYGW, sparkJar ?? "Iceberg's runtime for Spark"];

serverOrSkip('Hive 3.1.3 beside Spark and PyIceberg', NEEDS, () => {
  let hive: HiveWorld;
  let world: World;
  let py: PyIceberg;
  let readers: Readers;
  let s3: S3Server;
  let restore: () => void;
  const target = 'iceberg:lab.shop.orders';

  beforeAll(async () => {
    hive = await HiveWorld.start(await startHive3());
    world = await World.open();
    s3 = await startVersitygw();
    restore = useCredentials(s3);
    await makeBucket(s3, 'lake');
    const { uri } = hive.server;
    world.always = {
      catalogs: {
        lab: { type: 'hive', uri, warehouse: join(world.dir, 'lake') },
        s3: { type: 'hive', uri, warehouse: 's3://lake/hive' },
      },
      targetAws: { endpoint: s3.endpoint, region: 'us-east-1', forcePathStyle: true },
    };
    readers = new Readers(world.dir, world.dir, uri, s3);
    py = await new PyIceberg({ type: 'hive', uri: hive.server.uri }).ready();
  });
  afterAll(async () => {
    py.end();
    readers.end();
    await world[Symbol.asyncDispose]();
    await hive.stop();
    restore();
    await s3.stop();
  });

  const spark = (sql: string): Promise<unknown[][]> => readers.ask({ sql });
  const sorted = (rows: readonly Row[]): readonly Row[] =>
    [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

  test('fault 14: nothing that they insert, delete, change and compact between our loads is lost or doubled', async () => {
    const chain = await chains.smallChain(join(world.dir, 'chain'));
    const own = new Map<string, number | null>();
    const gone = new Set<string>();
    let model: ReadonlyMap<string, DdbItem> = new Map();

    const agree = async (step: string): Promise<void> => {
      const ours = [...model].filter(([pk]) => !gone.has(pk)).map(([pk, { n }]): Row => [pk, numberOf(n)]);
      const rows = sorted([...ours, ...own]);
      expect([step, await py.ask({ rows: 'shop.orders', columns: ['pk', 'n'] })]).toEqual([step, rows]);
      const found = await spark('SELECT pk, cast(n AS double) FROM hive.shop.orders');
      expect([step, sorted(found as unknown as Row[])]).toEqual([step, rows]);
      expect([step, (await world.table(target)).state?.rows]).toEqual([step, rows.length]);
    };
    const next = async (index: number): Promise<void> => {
      const write = index % 2 === 0 ? 'copy-on-write' : 'merge-on-read';
      const source = chain.exports[index]?.exportDir ?? '';
      chains.expectCountsClose(await world.load(source, target, { write, createNamespace: true }));
      model = chain.states[index] ?? new Map();
      await agree(`export ${index}`);
    };

    await next(0);
    own.set('s1', 7001).set('s2', null);
    await spark("INSERT INTO hive.shop.orders (pk, n) VALUES ('s1', 7001), ('s2', NULL)");
    await next(1);
    await spark(
      "ALTER TABLE hive.shop.orders SET TBLPROPERTIES ('write.delete.mode'='merge-on-read', 'team'='shop', 'gone'='soon')",
    );
    gone.add('a9');
    await spark("DELETE FROM hive.shop.orders WHERE pk = 'a9'");
    await spark("CALL hive.system.rewrite_data_files(table => 'shop.orders', options => map('rewrite-all', 'true'))");
    await next(2);
    await py.ask({ append: [{ pk: 'p1' }], to: 'shop.orders' });
    own.set('p1', null);
    await py.ask({ delete: 'shop.orders', where: "pk == 's1'" });
    own.delete('s1');
    await agree('PyIceberg');
    await next(3);
    await spark("ALTER TABLE hive.shop.orders UNSET TBLPROPERTIES ('gone')");
    await spark("CALL hive.system.rewrite_manifests('shop.orders')");
    await next(4);
    await next(5);
    expect((await world.sync(chain.dir, target)).outcome).toBe('unchanged');

    // Spark copies the table's properties into the entry, and so do we: ours of the ledger is the newest.
    const reply = await hive.client.ask(METHODS.table, { req: { dbName: 'shop', tblName: 'orders' } });
    expect(reply.table?.parameters).toMatchObject({ team: 'shop', table_type: 'ICEBERG' });
    expect(reply.table?.parameters?.['gone']).toBeUndefined();
    expect(JSON.parse(reply.table?.parameters?.['tailrace.ledger'] ?? '{}')).toMatchObject({
      entries: { length: chains.EXPORTS },
    });
  });

  /** One row in a file of its own, as a window writes it. */
  const insert = async (id: string): Promise<CommitOutcome> => {
    const name = { namespace: ['shop'], table: 'orders' };
    const there = await hive.catalog().open(name, { purpose: 'write' });
    const handle = icebergTable(there ?? expect.fail('no table'));
    const state = (await handle.load()) ?? expect.fail('no state');
    const path = handle.dataFilePath(id, [], [], 'rows.parquet');
    const field = state.schema.columns.find(({ name }) => name === 'pk')?.id;
    await mkdir(dirname(path), { recursive: true });
    const connection = await (await DuckDBInstance.create()).connect();
    await connection.run(`COPY (SELECT '${id}' AS pk) TO '${path}' (FORMAT parquet, FIELD_IDS {pk: ${field}})`);
    connection.closeSync();
    const file = { path, rows: 1, sizeBytes: (await stat(path)).size, partition: [], stats: {}, splitOffsets: [4] };
    const { schema, partition, sort } = state;
    const change = { schema, partition, sort, files: [file], timestampMs: Date.now() };
    return handle.commit(stagedOf(id, { ...change, operation: 'merge' }), state);
  };

  test('fault 15: all three commit at once, each as fast as it can: none is lost, none is there twice', async () => {
    const before = (await spark('SELECT count(*) FROM hive.shop.orders'))[0]?.[0];
    const count = 10;
    // Left alone, they give up after four attempts.
    const patient = "'commit.retry.num-retries' = '100', 'commit.retry.min-wait-ms' = '20'";
    await spark(`ALTER TABLE hive.shop.orders SET TBLPROPERTIES (${patient})`);
    const ours = async (): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        for (let outcome = ''; outcome !== 'committed'; outcome = (await insert(`ours-${n}`)).kind);
      }
    };
    const sparks = async (): Promise<void> => {
      for (let n = 0; n < count; n += 1) await spark(`INSERT INTO hive.shop.orders (pk) VALUES ('spark-${n}')`);
    };
    await Promise.all([ours(), sparks(), py.ask({ appends: 'python', count, to: 'shop.orders' })]);
    const added = await spark("SELECT pk FROM hive.shop.orders WHERE pk LIKE '%-%' ORDER BY pk");
    const expected = ['ours', 'python', 'spark'].flatMap((who) =>
      Array.from({ length: count }, (_, n) => `${who}-${n}`),
    );
    expect(added.flat()).toEqual(expected.sort());
    expect((await spark('SELECT count(*) FROM hive.shop.orders'))[0]?.[0]).toBe(Number(before) + 3 * count);
  });

  test('fault 17: Spark reads Parquet tables by their names, partitions too, after each window; on S3 as well', async () => {
    const items = shopItems(30).map((each, n) => ({
      ...each,
      address: { M: { city: { S: `city ${n % 3}` }, geo: { M: { lat: { N: `${n}.25` } } } } },
      tags: { SS: ['all', `t${n}`] },
      big: { N: '12345678901234567890123456789.5' },
      flag: { BOOL: n % 2 === 0 },
      blob: { B: Buffer.from(`bytes ${n}`).toString('base64') },
    }));
    const tables: readonly (readonly [name: string, options: LoadOptions])[] = [
      ['parquet:lab.shop.plain', {}],
      ['parquet:lab.shop.parted', { partition: PARTITIONS }],
      ['parquet:s3.on_s3.plain', {}],
      ['parquet:s3.on_s3.parted', { partition: PARTITIONS }],
    ];
    for (const [name, options] of tables) {
      const [catalog, database, table] = name.slice('parquet:'.length).split('.');
      const shop = new Shop(world, `parquet-${database}-${table}`);
      const agree = async (): Promise<void> => {
        const { state } = await world.table(name);
        const { schema, location } = state ?? expect.fail('no table');
        await spark(`REFRESH TABLE spark_catalog.${database}.${table}`);
        const rows = await readers.ask<Row[]>({ canonical: `SELECT * FROM spark_catalog.${database}.${table}` });
        const read = { name, location, format: 'parquet' as const, schema, items: shop.items, merged: true as const };
        expect(compareRows('spark', read, rows as unknown as Parameters<typeof compareRows>[2])).toEqual([]);
        expect(location.startsWith('s3://lake/hive/')).toBe(catalog === 's3');
      };
      await world.load(await shop.full(items), name, { ...options, createNamespace: true });
      await agree();
      await world.load(await shop.window({ k1: item('k1', 2, { fresh: { S: 'x' } }), k2: undefined }), name);
      await agree();
    }
    const pruned = "SELECT pk FROM spark_catalog.shop.parted WHERE region_part = 'us'";
    const plan = JSON.stringify(await spark(`EXPLAIN FORMATTED ${pruned}`));
    expect(plan).toMatch(/PartitionFilters[^\n]*region_part/);
    expect((await spark(pruned)).length).toBeGreaterThan(0);
  });

  test('tables that they made are ours, too', async () => {
    await spark('CREATE TABLE hive.shop.sparks (pk string, at timestamp) USING iceberg');
    await py.ask({ create: 'shop.pythons', at: join(world.dir, 'pythons') });
    for (const [table, columns] of Object.entries({ sparks: ['pk', 'at'], pythons: ['pk'] })) {
      const there = await hive.catalog().open({ namespace: ['shop'], table }, { purpose: 'read' });
      const state = await icebergTable(there ?? expect.fail('no table')).load();
      expect(state?.schema.columns.map(({ name }) => name)).toEqual(columns);
      expect(state?.ledger).toBeUndefined();
    }
  });
});

function numberOf(value: DdbItem[string] | undefined): number | null {
  return value?.['N'] === undefined ? null : Number(value['N']);
}
