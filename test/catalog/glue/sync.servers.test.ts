import { join } from 'node:path';
import { GetTableCommand } from '@aws-sdk/client-glue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inspect, maintain } from '../../../src/index.ts';
import * as chains from '../../crash/chain.ts';
import type { DdbItem } from '../../data/ion.ts';
import { canonical, contextOf, World } from '../../faults/load.ts';
import { MOTO, PYTHON, serverOrSkip, VERSITYGW } from '../../servers/available.ts';
import { makeBucket, useCredentials } from '../../servers/buckets.ts';
import { type S3Server, startVersitygw } from '../../servers/versitygw.ts';
import { PyIceberg } from '../beside.ts';
import { type GlueWorld, glueProperties, startGlueWorld } from './world.ts';

// Whole runs on tables in Glue, their files on S3, with PyIceberg reading and writing beside us.

const numberOf = (value: DdbItem[string] | undefined): number | null =>
  value?.['N'] === undefined ? null : Number(value['N']);

serverOrSkip('a chain in Glue', [MOTO, VERSITYGW, PYTHON], () => {
  let world: World;
  let glue: GlueWorld;
  let s3: S3Server;
  let restore: () => void;
  let py: PyIceberg;

  beforeAll(async () => {
    glue = await startGlueWorld();
    s3 = await startVersitygw();
    restore = useCredentials(s3);
    await makeBucket(s3, 'lake');
    world = await World.open();
    const aws = { region: 'us-east-1', endpoint: glue.proxy.endpoint };
    world.always = {
      catalogs: { lake: { type: 'glue', aws, warehouse: 's3://lake' } },
      targetAws: { region: 'us-east-1', endpoint: s3.endpoint },
    };
    const access = { 's3.access-key-id': s3.accessKey, 's3.secret-access-key': s3.secretKey };
    py = await new PyIceberg({ ...glueProperties(glue), 's3.endpoint': s3.endpoint, ...access }).ready();
  });
  afterAll(async () => {
    py.end();
    await world[Symbol.asyncDispose]();
    restore();
    await s3.stop();
    await glue.stop();
  });

  test('fault 14: export and windows come to the model, beside the appends and deletes of PyIceberg', async () => {
    const target = 'iceberg:lake.shop.orders';
    const chain = await chains.smallChain(join(world.dir, 'chain'));
    const own = new Map<string, number | null>();
    const gone = new Set<string>();
    const source = (index: number): string => chain.exports[index]?.exportDir ?? '';
    const agree = async (index: number): Promise<void> => {
      const model = [...(chain.states[index]?.values() ?? [])].filter(({ pk }) => !gone.has(String(pk?.['S'])));
      const rows = [...model.map(({ pk, n }) => [pk?.['S'], numberOf(n)] as const), ...own];
      const sorted = rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
      expect([index, await py.ask({ rows: 'shop.orders', columns: ['pk', 'n'] })]).toEqual([index, sorted]);
      const { state } = await world.table(target);
      expect([index, state?.rows]).toEqual([index, rows.length]);
    };

    const refused = await world.sync(source(0), target);
    expect(refused.error).toMatchObject({ code: 'CATALOG', hint: expect.stringContaining('--create-namespace') });
    expect((await world.sync(source(0), target, { dryRun: true })).outcome).toBe('planned');
    chains.expectCountsClose(await world.load(source(0), target, { createNamespace: true }));
    await agree(0);
    expect(await world.items(target)).toEqual(canonical([...(chain.states[0]?.values() ?? [])]));
    expect((await world.sync(source(0), target)).outcome).toBe('unchanged');

    await py.ask({ append: [{ pk: 'p1' }, { pk: 'p2' }], to: 'shop.orders' });
    own.set('p1', null).set('p2', null);
    for (const index of [1, 2]) {
      await world.load(source(index), target, { write: index === 1 ? 'merge-on-read' : 'copy-on-write' });
      await agree(index);
    }
    await py.ask({ delete: 'shop.orders', where: "pk == 'a9'" });
    gone.add('a9');
    await world.load(chain.dir, target);
    await agree(chain.exports.length - 1);
    await chains.expectDone(world, chain.dir, target);

    const { Table } = await glue.client.send(new GetTableCommand({ DatabaseName: 'shop', Name: 'orders' }));
    expect(Table).toMatchObject({
      TableType: 'EXTERNAL_TABLE',
      StorageDescriptor: { Location: 's3://lake/shop.db/orders' },
    });
    expect(glue.proxy.archived()).toBe(0);
  });

  test('upkeep, query and inspect work as on a path', async () => {
    const target = 'iceberg:lake.shop.orders';
    const rows = await world.query(target, 'SELECT count(*) FROM t');
    const options = { ...world.options(), expireSnapshotsMs: 0, keepSnapshots: 1 };
    expect(await maintain(target, options, contextOf())).toMatchObject({ outcome: 'committed' });
    expect(await world.query(target, 'SELECT count(*) FROM t')).toEqual(rows);
    expect(await py.ask({ rows: 'shop.orders', columns: ['pk'] })).toHaveLength(Number(rows[0]?.[0]));
    expect(await inspect(target, world.options(), contextOf())).toMatchObject({ kind: 'table' });
    expect(await inspect('iceberg:lake', world.options(), contextOf())).toMatchObject({
      kind: 'catalog',
      type: 'glue',
      namespaces: ['shop'],
      tables: [{ namespace: 'shop', name: 'orders', format: 'iceberg' }],
    });
  });

  test('a table that lies on S3 is taken in, and goes on by its name', async () => {
    const chain = await chains.smallChain(join(world.dir, 'taken'));
    const [first, second] = chain.exports.map(({ exportDir }) => exportDir);
    await world.load(first ?? '', 'iceberg:s3://lake/taken');
    const report = await world.load(second ?? '', 'iceberg:lake.taken.orders', {
      register: 's3://lake/taken',
      createNamespace: true,
    });
    expect(report.position).toMatchObject({ loads: 2 });
    expect(await world.items('iceberg:lake.taken.orders')).toEqual(canonical([...(chain.states[1]?.values() ?? [])]));
    expect(await py.ask({ rows: 'taken.orders', columns: ['pk'] })).toHaveLength(chain.states[1]?.size ?? 0);
  });
});
