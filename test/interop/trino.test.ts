/**
 * Trino, whose engine Athena's is, on tables that we wrote: every row, value by value, with position deletes and
 * evolved columns, by the name in a Hive Metastore 4.0.1 and in a REST catalog, and registered at their paths. And it
 * writes beside us. Parquet tables it reads by their names in the Metastore.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { METHODS } from '../../src/catalog/hive/api.ts';
import type { TableSchema } from '../../src/model/schema.ts';
import { parsePartition } from '../../src/schema/partition-text.ts';
import { HiveWorld } from '../catalog/hive/world.ts';
import * as chains from '../crash/chain.ts';
import { type ChainOptions, writeChain } from '../data/chain-model.ts';
import type { DdbItem } from '../data/ion.ts';
import { nastyItems } from '../data/nasty.ts';
import { type LoadOptions, World } from '../faults/load.ts';
import { HIVE, JAVA_21, REST_JARS, serverOrSkip, TRINO, VERSITYGW } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { startHive4 } from '../servers/hive.ts';
import { type CatalogServer, startRestCatalog } from '../servers/rest-catalog.ts';
import { startTrino, type Trino, trinoFiles } from '../servers/trino.ts';
import { type S3Server, startVersitygw } from '../servers/versitygw.ts';
import { compareRows } from './agree.ts';
import { regionItems } from './region-items.ts';
import { readByTrino } from './trino.ts';
import { tryParquet } from './trino-parquet.ts';

type Row = readonly [pk: string, n: number | null];

const PARTITION = 'day(created_at), bucket(16, pk), region';

serverOrSkip('Trino', [HIVE, REST_JARS, VERSITYGW, TRINO, JAVA_21], () => {
  let s3: S3Server;
  let hive: HiveWorld;
  let rest: CatalogServer;
  let trino: Trino;
  let world: World;
  let restore: () => void;

  beforeAll(async () => {
    s3 = await startVersitygw();
    restore = useCredentials(s3);
    await makeBucket(s3, 'lake');
    // All take a while.
    const [metastore, server, catalog] = await Promise.all([
      startHive4(),
      startTrino(),
      startRestCatalog('s3://lake/rest'),
    ]);
    [hive, trino, rest] = [await HiveWorld.start(metastore), server, catalog];
    await trino.catalog('rest', {
      ...trinoFiles(s3),
      'iceberg.catalog.type': 'rest',
      'iceberg.rest-catalog.uri': rest.uri,
    });
    await trino.catalog('parquet', { ...trinoFiles(s3), ...EXACT, 'hive.metastore.uri': metastore.uri }, 'hive');
    await trino.catalog('hive', {
      ...trinoFiles(s3),
      'iceberg.catalog.type': 'hive_metastore',
      'hive.metastore.uri': metastore.uri,
    });
    await trino.catalog('paths', {
      ...trinoFiles(s3),
      'iceberg.catalog.type': 'TESTING_FILE_METASTORE',
      'hive.metastore.catalog.dir': 's3://lake/paths-metastore',
      'iceberg.register-table-procedure.enabled': 'true',
    });
    await trino.query('CREATE SCHEMA paths.shop');
    world = await World.open();
    world.always = {
      catalogs: {
        lab: { type: 'hive', uri: hive.server.uri, warehouse: 's3://lake/hive' },
        rest: { type: 'rest', uri: rest.uri, auth: { kind: 'none' }, credentials: 'vended' },
      },
      targetAws: { endpoint: s3.endpoint, region: 'us-east-1', forcePathStyle: true },
      createNamespace: true,
    };
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await trino.stop();
    await hive.stop();
    await rest.stop();
    restore();
    await s3.stop();
  });

  interface Loaded {
    readonly target: string;
    /** As Trino knows it. */
    readonly name: string;
  }

  const inHive = (name: string): Loaded => ({ target: `iceberg:lab.shop.${name}`, name: `hive.shop.${name}` });
  const inRest = (name: string): Loaded => ({ target: `iceberg:rest.shop.${name}`, name: `rest.shop.${name}` });
  const atPath = (name: string): Loaded => ({ target: `iceberg:s3://lake/paths/${name}`, name: `paths.shop.${name}` });
  const schemaOf = async ({ target }: Loaded): Promise<TableSchema> =>
    (await world.table(target)).state?.schema ?? expect.fail('no table');
  /** Makes a table at a path known to Trino; of one in the Metastore it knows already. */
  const register = async ({ target, name }: Loaded): Promise<void> => {
    const [catalog, schema, table] = name.split('.');
    if (catalog !== 'paths') return;
    const at = target.slice('iceberg:'.length);
    await trino.query(`CALL paths.system.register_table('${schema}', '${table}', '${at}')`);
  };
  const faultsOf = async (table: Loaded, items: readonly DdbItem[], merged?: true): Promise<readonly string[]> => {
    const schema = await schemaOf(table);
    const rows = await readByTrino(trino, table.name, schema);
    const told = { name: table.name, location: '', format: 'iceberg' as const, schema, items };
    return compareRows('trino', { ...told, ...(merged && { merged }) }, rows).slice(0, 8);
  };

  test.each([
    ['in a Metastore', inHive],
    ['in a REST catalog', inRest],
    ['registered', atPath],
  ] as const)(
    'items of every kind, and partitions, %s: it agrees value by value, also behind filters',
    async (_, place) => {
      const items = nastyItems(7, 400, { keyType: 'S', noHuge: true });
      const nasty = place('nasty');
      await world.load(
        await world.export({ items, filesCount: 3, emptyFirst: true }, `nasty-${nasty.name}`),
        nasty.target,
      );
      await register(nasty);
      expect(await faultsOf(nasty, items)).toEqual([]);

      const parted = place('parted');
      const shop = regionItems(300);
      const options: LoadOptions = { partition: parsePartition(PARTITION), sort: [] };
      await world.load(await world.export({ items: shop }, `parted-${nasty.name}`), parted.target, options);
      await register(parted);
      expect(await faultsOf(parted, shop)).toEqual([]);
      const schema = await schemaOf(parted);
      for (const [filter, keeps] of FILTERS) {
        const rows = await readByTrino(trino, parted.name, schema, filter);
        const wanted = shop.filter(keeps).map(({ pk }) => pk?.['S']);
        expect([filter, rows.map(({ pk }) => pk).sort()]).toEqual([filter, wanted.sort()]);
      }
    },
  );

  const CHAINS: readonly (readonly [string, (name: string) => Loaded, ChainOptions, LoadOptions])[] = [
    ['evolving', inHive, { seed: 21, keys: 200, windows: 8, writes: 120 }, {}],
    ['nasty_windows', atPath, { seed: 22, keys: 100, windows: 3, writes: 60, nasty: true }, {}],
    [
      'by_bucket',
      inRest,
      { seed: 23, keys: 150, windows: 4, writes: 100 },
      { partition: [{ transform: 'bucket', width: 3, column: 'pk' }] },
    ],
  ];

  test.each(CHAINS)('windows with position deletes and new columns: %s', async (name, place, chainOptions, options) => {
    const chain = await writeChain(`${world.dir}/${name}`, chainOptions);
    const table = place(name);
    await world.load(chain.dir, table.target, { write: 'merge-on-read', upkeep: false, ...options });
    await register(table);
    const { files } = await world.table(table.target);
    expect(files.some(({ deletes = [] }) => deletes.length > 0)).toBe(true);
    expect(await faultsOf(table, [...(chain.states.at(-1)?.values() ?? [])], true)).toEqual([]);
  });

  test('columns that were changed on request', async () => {
    const chain = await writeChain(`${world.dir}/changed`, { seed: 31, keys: 100, windows: 2, writes: 60 });
    const table = inHive('changed');
    await world.load(chain.dir, table.target, { write: 'merge-on-read' });
    for (const change of [
      { column: 'qty', type: 'decimal(20,2)' },
      { column: 'address', type: 'ddb-json' },
      { column: 'name', type: 'json' },
    ]) {
      expect(await world.evolve(table.target, [change])).toMatchObject({ outcome: 'committed' });
      expect(await faultsOf(table, [...(chain.states.at(-1)?.values() ?? [])], true)).toEqual([]);
    }
  });

  test.each([
    ['in a Metastore', inHive],
    ['in a REST catalog', inRest],
  ] as const)(
    'fault 14: nothing that it inserts, deletes, changes and compacts between our loads is lost or doubled, %s',
    async (_, place) => {
      const table = place('orders');
      const chain = await chains.smallChain(`${world.dir}/small-${table.name}`);
      const own = new Map<string, number | null>();
      const gone = new Set<string>();
      let model: ReadonlyMap<string, DdbItem> = new Map();
      const agree = async (step: string): Promise<void> => {
        const ours = [...model].filter(([pk]) => !gone.has(pk)).map(([pk, { n }]): Row => [pk, numberOf(n)]);
        const rows = [...ours, ...own].sort(byKey);
        const { rows: found } = await trino.query(`SELECT pk, CAST(n AS double) FROM ${table.name}`);
        const read = found.map(([pk, n]): Row => [String(pk), n === null ? null : Number(n)]).sort(byKey);
        expect([step, read]).toEqual([step, rows]);
        expect([step, (await world.table(table.target)).state?.rows]).toEqual([step, rows.length]);
      };
      const next = async (index: number): Promise<void> => {
        const write = index % 2 === 0 ? 'copy-on-write' : 'merge-on-read';
        chains.expectCountsClose(await world.load(chain.exports[index]?.exportDir ?? '', table.target, { write }));
        model = chain.states[index] ?? new Map();
        await agree(`export ${index}`);
      };
      const trinos = async (sql: string): Promise<void> => {
        await trino.query(sql);
        await agree(sql);
      };

      await next(0);
      own.set('t1', 7001).set('t2', null);
      await trinos(`INSERT INTO ${table.name} (pk, n) VALUES ('t1', 7001), ('t2', NULL)`);
      await next(1);
      gone.add('a9');
      await trinos(`DELETE FROM ${table.name} WHERE pk = 'a9'`);
      await trinos(`ALTER TABLE ${table.name} EXECUTE optimize`);
      await next(2);
      own.set('t1', 7002);
      await trinos(`UPDATE ${table.name} SET n = 7002 WHERE pk = 't1'`);
      await next(3);
      await trinos(`ALTER TABLE ${table.name} EXECUTE optimize`);
      await trinos(`ALTER TABLE ${table.name} EXECUTE optimize_manifests`);
      await next(4);
      await trinos(`COMMENT ON TABLE ${table.name} IS 'orders of the shop'`);
      await next(5);
      await chains.expectDone(world, chain.dir, table.target);

      if (place === inHive) {
        const reply = await hive.client.ask(METHODS.table, { req: { dbName: 'shop', tblName: 'orders' } });
        expect(reply.table?.parameters).toMatchObject({ table_type: 'ICEBERG', comment: 'orders of the shop' });
      }
      expect((await world.table(table.target)).state?.ledger?.entries).toHaveLength(chains.EXPORTS);
    },
  );

  test('fault 14: it inserts while our windows are applied: none is lost, none is there twice', async () => {
    const chain = await chains.smallChain(`${world.dir}/at-once`);
    const table = inHive('at_once');
    await world.load(chain.exports[0]?.exportDir ?? '', table.target);
    const names = Array.from({ length: 8 }, (_, index) => `t${index}`);
    const inserts = async (): Promise<void> => {
      // It gives up after some tries of its own.
      for (const pk of names)
        for (let done = false; !done; )
          done = await trino.query(`INSERT INTO ${table.name} (pk) VALUES ('${pk}')`).then(
            () => true,
            (error: Error) => {
              if (!/ICEBERG_COMMIT_ERROR/.test(error.message)) throw error;
              return false;
            },
          );
    };
    const loads = async (): Promise<void> => {
      // A run gives up where others are faster again and again; what it has applied stays.
      for (let outcome = 'failed'; outcome === 'failed'; ) {
        const report = await world.sync(chain.dir, table.target);
        expect(['COMMIT_CONFLICT', undefined]).toContain(report.error?.code);
        outcome = report.outcome;
      }
    };
    await Promise.all([loads(), inserts()]);
    const keys = [...(chain.states.at(-1)?.keys() ?? []), ...names].sort();
    const { rows } = await trino.query(`SELECT pk FROM ${table.name}`);
    expect(rows.map(([pk]) => String(pk)).sort()).toEqual(keys);
    expect((await world.table(table.target)).state?.rows).toBe(keys.length);
    expect((await world.sync(chain.dir, table.target)).outcome).toBe('unchanged');
  });

  tryParquet(() => ({ world, trino }));
});

/** Times as exact as ours. */
const EXACT = { 'hive.timestamp-precision': 'MICROSECONDS' };

const FILTERS: readonly (readonly [sql: string, keeps: (item: DdbItem) => boolean])[] = [
  ["region = 'eu/west=1 é%'", ({ region }) => region?.['S'] === 'eu/west=1 é%'],
  ['region IS NULL', ({ region }) => region === undefined],
  ["pk = 'order#17'", ({ pk }) => pk?.['S'] === 'order#17'],
  [
    "created_at_ts >= TIMESTAMP '1970-01-01 00:00:00 UTC'",
    ({ created_at: at }) => at?.['S'] !== undefined && Date.parse(String(at['S'])) >= 0,
  ],
];

function numberOf(value: DdbItem[string] | undefined): number | null {
  return value?.['N'] === undefined ? null : Number(value['N']);
}

function byKey(a: Row, b: Row): number {
  return a[0] < b[0] ? -1 : 1;
}
