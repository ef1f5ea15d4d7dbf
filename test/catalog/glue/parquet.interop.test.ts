import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GetPartitionsCommand, GetTableCommand } from '@aws-sdk/client-glue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inspect, maintain } from '../../../src/index.ts';
import { item, PARTITIONS, Shop, shopItems } from '../../chain/parquet.ts';
import type { DdbItem } from '../../data/ion.ts';
import { canonical, contextOf, World } from '../../faults/load.ts';
import { compareRows } from '../../interop/agree.ts';
import type { Row } from '../../interop/readers.ts';
import { MOTO, PYTHON, serverOrSkip, VERSITYGW } from '../../servers/available.ts';
import { makeBucket, useCredentials } from '../../servers/buckets.ts';
import { type S3Server, startVersitygw } from '../../servers/versitygw.ts';
import { type GlueWorld, startGlueWorld } from './world.ts';

// Parquet tables with an entry in Glue, through whole runs; awswrangler reads them by their names.

const ITEMS: readonly DdbItem[] = shopItems(40).map((each, n) => ({
  ...each,
  address: { M: { city: { S: `city ${n % 3}` }, geo: { M: { lat: { N: `${n}.25` } } } } },
  tags: { SS: ['all', `t${n}`] },
  big: { N: '12345678901234567890123456789.5' },
  flag: { BOOL: n % 2 === 0 },
  blob: { B: Buffer.from(`bytes ${n}`).toString('base64') },
}));

serverOrSkip('Parquet in Glue', [MOTO, VERSITYGW, PYTHON], () => {
  let world: World;
  let glue: GlueWorld;
  let s3: S3Server;
  let restore: () => void;

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
      createNamespace: true,
    };
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    restore();
    await s3.stop();
    await glue.stop();
  });

  const wrangled = async (database: string, table: string): Promise<readonly Row[]> => {
    const out = join(world.dir, `${database}.${table}.jsonl`);
    const endpoints = {
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ENDPOINT_URL_GLUE: glue.proxy.endpoint,
      AWS_DEFAULT_REGION: 'us-east-1',
    };
    const script = join(import.meta.dirname, 'wrangler.py');
    await promisify(execFile)(PYTHON, [script, database, table, out], { env: { ...process.env, ...endpoints } });
    const text = await readFile(out, 'utf8');
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Row]));
  };
  /** awswrangler reads the items, value by value; so does `cat`. */
  const agree = async (target: string, items: readonly DdbItem[]): Promise<void> => {
    const { state } = await world.table(target);
    if (state === undefined) throw new Error(`no table at ${target}`);
    const [database = '', table = ''] = target.split('.').slice(1);
    const rows = await wrangled(database, table);
    const read = { name: target, location: state.location, format: 'parquet' as const, schema: state.schema, items };
    expect(compareRows('pyarrow', { ...read, merged: true }, rows)).toEqual([]);
    expect(await world.items(target)).toEqual(canonical(items));
  };
  const entry = async (database: string, table: string) => {
    const { Table } = await glue.client.send(new GetTableCommand({ DatabaseName: database, Name: table }));
    return Table ?? expect.fail('no entry');
  };
  const partitions = async (database: string, table: string): Promise<readonly string[]> => {
    const input = { DatabaseName: database, TableName: table };
    const { Partitions = [] } = await glue.client.send(new GetPartitionsCommand(input));
    return Partitions.map(({ StorageDescriptor: at }) => at?.Location ?? '').sort();
  };

  test('a load and its windows move the entry, and awswrangler reads the items by the name', async () => {
    const target = 'parquet:lake.shop.orders';
    const shop = new Shop(world, 'plain');
    await world.load(await shop.full(ITEMS), target);
    const first = await entry('shop', 'orders');
    expect(first.StorageDescriptor?.Columns).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ Name: 'address', Type: 'struct<city:string,geo:struct<lat:decimal(18,4)>>' }),
        expect.objectContaining({ Name: 'tags', Type: 'array<string>', Comment: 'attribute tags, SS' }),
        expect.objectContaining({ Name: 'blob', Type: 'binary' }),
        expect.objectContaining({ Name: '_written_at', Type: 'timestamp' }),
      ]),
    );
    await world.load(await shop.window({ k1: item('k1', 2, { fresh: { S: 'x' } }), k2: undefined }), target);
    await agree(target, shop.items);
    const second = await entry('shop', 'orders');
    expect(second.StorageDescriptor?.Location).not.toBe(first.StorageDescriptor?.Location);
    expect(second.StorageDescriptor?.Columns?.map(({ Name }) => Name)).toContain('fresh');
    expect((await world.sync(shop.dir, target)).outcome).toBe('unchanged');
    expect(await inspect('iceberg:lake.shop', world.options(), contextOf())).toMatchObject({
      tables: [{ namespace: 'shop', name: 'orders', format: 'parquet' }],
    });
  });

  test('fault 17: partitions of text, time and key follow each window; maintenance moves them, too', async () => {
    const target = 'parquet:lake.shop.parted';
    const shop = new Shop(world, 'parted');
    await world.load(await shop.full(ITEMS), target, { partition: PARTITIONS });
    for (const window of [{ k1: item('k1', 2), k2: undefined }, { k9: item('k9', 1, { late: { N: '7' } }) }]) {
      await world.load(await shop.window(window), target);
      const { state } = await world.table(target);
      const there = await partitions('shop', 'parted');
      expect(there.length).toBeGreaterThan(5);
      expect(there.every((place) => place.startsWith(`s3://lake/shop.db/parted/${state?.snapshot}/region_part=`))).toBe(
        true,
      );
    }
    await agree(target, shop.items);
    await maintain(target, world.options(), contextOf());
    const { state } = await world.table(target);
    expect((await entry('shop', 'parted')).StorageDescriptor?.Location).toBe(
      `s3://lake/shop.db/parted/${state?.snapshot}/`,
    );
    await agree(target, shop.items);
  });

  test('projection is the table’s from then on', async () => {
    const target = 'parquet:lake.shop.projected';
    const shop = new Shop(world, 'projected');
    const options = { partition: PARTITIONS, partitionProjection: true };
    await world.load(await shop.full(ITEMS), target, options);
    await world.load(await shop.window({ k1: undefined }), target);
    const { state } = await world.table(target);
    const { Parameters } = await entry('shop', 'projected');
    const keys = 'region_part=${region_part}/at_ts_day=${at_ts_day}/pk_bucket=${pk_bucket}';
    expect(Parameters?.['storage.location.template']).toBe(`s3://lake/shop.db/projected/${state?.snapshot}/${keys}/`);
    expect(Parameters?.['projection.pk_bucket.values']).toBe('0,1');
    expect(await partitions('shop', 'projected')).toEqual([]);
    expect(await world.items(target)).toEqual(canonical(shop.items));
  });

  test('fault 17: when Glue fails behind the commit, the commit stands, the report says so, and the next run shows it', async () => {
    const target = 'parquet:lake.shop.behind';
    const shop = new Shop(world, 'behind');
    await world.load(await shop.full(ITEMS), target, { partition: PARTITIONS });
    const before = await entry('shop', 'behind');
    const window = await shop.window({ k1: undefined });
    const down = { kind: 'answer', status: 400, code: 'AccessDeniedException' } as const;
    glue.proxy.play({ call: 'UpdateTable', action: down, times: 100 });
    const report = await world.load(window, target);
    expect(report.warnings.map(({ code }) => code)).toContain('catalog-behind');
    expect((await entry('shop', 'behind')).StorageDescriptor).toEqual(before.StorageDescriptor);
    // The generation that readers are sent to must not go meanwhile.
    const swept = await maintain(target, { ...world.options(), sweepOrphansMs: 3_600_000 }, contextOf());
    expect(swept).toMatchObject({ outcome: 'failed', error: { code: 'CATALOG' } });
    glue.proxy.play();
    expect(await world.sync(window, target)).toMatchObject({ outcome: 'unchanged', warnings: [] });
    await agree(target, shop.items);
  });

  test('a table that lies there gets a name; other kinds of tables keep theirs', async () => {
    const shop = new Shop(world, 'there');
    await world.load(await shop.full(ITEMS), 'parquet:s3://lake/there');
    const window = await shop.window({ k1: undefined });
    const target = 'parquet:lake.shop.there';
    expect((await world.sync(window, target, { register: 's3://lake/nothing' })).error).toMatchObject({
      code: 'TARGET_NOT_FOUND',
    });
    await world.load(window, target, { register: 's3://lake/there' });
    expect((await entry('shop', 'there')).Parameters).toMatchObject({ 'tailrace.location': 's3://lake/there' });
    await agree(target, shop.items);
    await world.load(await world.export({ items: ITEMS }, 'ice'), 'iceberg:lake.shop.ice');
    expect((await world.sync(shop.dir, 'parquet:lake.shop.ice')).error).toMatchObject({
      code: 'TARGET_BAD',
      found: 'iceberg',
    });
    expect((await world.sync(shop.dir, 'iceberg:lake.shop.there')).error).toMatchObject({
      code: 'TARGET_BAD',
      found: 'parquet',
    });
  });
});
