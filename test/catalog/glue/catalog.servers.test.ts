import { CreateDatabaseCommand, CreateTableCommand, GetDatabaseCommand, GetTableCommand } from '@aws-sdk/client-glue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Catalog, CatalogTable, OpenTableOptions } from '../../../src/catalog/port.ts';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import { MOTO, serverOrSkip } from '../../servers/available.ts';
import { stagedOf } from '../../table/iceberg/sample.ts';
import { type GlueWorld, startGlueWorld } from './world.ts';

serverOrSkip('Glue as a catalog', [MOTO], () => {
  let world: GlueWorld;

  beforeAll(async () => {
    world = await startGlueWorld();
  });
  afterAll(() => world.stop());

  const open = async (
    catalog: Catalog,
    database: string,
    table: string,
    options: Partial<OpenTableOptions> = {},
  ): Promise<CatalogTable> =>
    (await catalog.open({ namespace: [database], table }, { purpose: 'write', createNamespace: true, ...options })) ??
    expect.fail('no table');
  const create = async (
    database: string,
    table: string,
    options: Partial<OpenTableOptions> = {},
  ): Promise<CatalogTable> => {
    const there = await open(world.catalog(), database, table, options);
    expect(await icebergTable(there).commit(stagedOf(`c-${table}`), undefined)).toMatchObject({ kind: 'committed' });
    return there;
  };

  test('a database that is not there is made only when asked, and only for a table that is written', async () => {
    const database = world.database();
    const name = { namespace: [database], table: 't' };
    const catalog = world.catalog();
    expect(await catalog.open(name, { purpose: 'read' })).toBeUndefined();
    await expect(catalog.open(name, { purpose: 'write' })).rejects.toMatchObject({
      code: 'CATALOG',
      hint: expect.stringContaining('--create-namespace'),
    });
    expect(await catalog.namespaces()).not.toContainEqual([database]);
    const there = await open(catalog, database, 't');
    expect(await catalog.namespaces()).toContainEqual([database]);
    const { Database } = await world.client.send(new GetDatabaseCommand({ Name: database }));
    expect(Database?.LocationUri).toBe(`${world.warehouse}/${database}.db`);
    expect(there.storage.uri(there.folder)).toBe(`${world.warehouse}/${database}.db/t`);
    expect(there.name).toBe(`lake.${database}.t`);
    // Two runs that both make it.
    world.proxy.play({
      call: 'CreateDatabase',
      action: { kind: 'answer', status: 400, code: 'AlreadyExistsException' },
    });
    await open(world.catalog(), world.database(), 't');
  });

  test("a new table goes where it is told, below its database's location, or nowhere", async () => {
    const [given, located, bare] = [world.database(), world.database(), world.database()];
    const uri = (path: string): string => world.storage.uri(path);
    await world.client.send(
      new CreateDatabaseCommand({ DatabaseInput: { Name: located, LocationUri: `${uri('own')}/` } }),
    );
    await world.client.send(new CreateDatabaseCommand({ DatabaseInput: { Name: bare } }));
    expect((await create(given, 'orders', { location: uri('else/where/') })).folder).toBe('else/where');
    expect((await create(located, 'orders')).folder).toBe('own/orders');
    const homeless = world.catalog({}, { warehouse: undefined });
    await expect(open(homeless, bare, 'orders')).rejects.toMatchObject({
      code: 'CATALOG',
      hint: expect.stringContaining('--location'),
    });
    expect((await open(homeless, bare, 'orders', { location: uri('told') })).folder).toBe('told');
    // A table that is there lies where its metadata says.
    expect((await open(homeless, given, 'orders')).folder).toBe('else/where');
  });

  test('names are those that Athena can use, in lower case', async () => {
    const database = world.database();
    expect((await create(database.toUpperCase(), 'Orders')).name).toBe(`lake.${database}.orders`);
    expect((await world.catalog().open({ namespace: [database], table: 'ORDERS' }, { purpose: 'read' }))?.name).toBe(
      `lake.${database}.orders`,
    );
    for (const [namespace, table] of [
      [database, 'a-b'],
      [database, 'é'],
      [database, 'x'.repeat(256)],
      ['new-database', 't'],
    ] as const)
      await expect(open(world.catalog(), namespace, table)).rejects.toMatchObject({ code: 'CATALOG' });
    await expect(
      world.catalog().open({ namespace: ['a', 'b'], table: 't' }, { purpose: 'read' }),
    ).rejects.toMatchObject({ code: 'CATALOG', expected: 'lake.<database>.<table>' });
  });

  test('lists what is there, however many pages it has, and says what is no Iceberg table', async () => {
    const database = world.database();
    await create(database, 'orders');
    for (let n = 0; n < 205; n += 1)
      await world.client.send(
        new CreateTableCommand({
          DatabaseName: database,
          TableInput: { Name: `p${n}`, Parameters: { classification: 'parquet' } },
        }),
      );
    const listed = await world.catalog().tables([database]);
    expect(listed.length).toBe(206);
    expect(listed.filter(({ format }) => format === undefined)).toEqual([
      { name: { namespace: [database], table: 'orders' } },
    ]);
    expect(listed.filter(({ format }) => format === 'parquet').length).toBe(205);
    await expect(world.catalog().tables(['nowhere'])).rejects.toMatchObject({ code: 'CATALOG' });
    await expect(open(world.catalog(), database, 'p7')).rejects.toMatchObject({
      code: 'TARGET_BAD',
      place: `lake.${database}.p7`,
      found: 'parquet',
    });
  });

  test('takes in a table that lies somewhere, as it is; a taken name stays as it is', async () => {
    const database = world.database();
    const there = await create(database, 'orders', { location: world.storage.uri('x/orders') });
    const state = (await there.load()) ?? expect.fail('no state');
    const name = { namespace: [database], table: 'again' };
    // Its reply is lost, and the second try meets the first one's success.
    world.proxy.play({ call: 'CreateTable', action: { kind: 'lose reply' } });
    await world.catalog().register(name, state.metadataLocation);
    const taken = (await world.catalog().open(name, { purpose: 'read' })) ?? expect.fail('no table');
    expect((await taken.load())?.metadataLocation).toBe(state.metadataLocation);
    expect(taken.folder).toBe('x/orders');
    const { Table } = await world.client.send(new GetTableCommand({ DatabaseName: database, Name: 'again' }));
    expect(Table).toMatchObject({ TableType: 'EXTERNAL_TABLE', Parameters: { table_type: 'ICEBERG' } });
    expect(Table?.StorageDescriptor?.Columns?.length).toBeGreaterThan(10);
    const other = (await (await create(database, 'other')).load()) ?? expect.fail('no state');
    await expect(world.catalog().register(name, other.metadataLocation)).rejects.toMatchObject({ code: 'CATALOG' });
    expect((await taken.load())?.metadataLocation).toBe(state.metadataLocation);
    await expect(
      world.catalog().register({ namespace: ['nowhere'], table: 't' }, state.metadataLocation),
    ).rejects.toMatchObject({ code: 'CATALOG' });
  });

  test("each call names the other account's catalog", async () => {
    const database = world.database();
    world.proxy.play();
    const catalog = world.catalog({}, { catalogId: '210987654321' });
    const there = await open(catalog, database, 'orders');
    expect(await icebergTable(there).commit(stagedOf('c-1'), undefined)).toMatchObject({ kind: 'committed' });
    const state = (await there.load()) ?? expect.fail('no state');
    await there.commit(state, state.metadata, () => false);
    await catalog.tables([database]);
    await catalog.namespaces();
    const calls = new Map(world.proxy.calls.map(({ call, body }) => [call, body['CatalogId']]));
    expect([...calls.keys()].sort()).toEqual(
      'CreateDatabase CreateTable GetDatabase GetDatabases GetTable GetTables UpdateTable'.split(' '),
    );
    expect([...new Set(calls.values())]).toEqual(['210987654321']);
  });

  test('a database that only shows another catalog is no place for tables of this one', async () => {
    const link = world.database();
    const shown = { Name: link, TargetDatabase: { CatalogId: '1', DatabaseName: 'sales' } };
    await world.client.send(new CreateDatabaseCommand({ DatabaseInput: shown }));
    await expect(open(world.catalog(), link, 't')).rejects.toMatchObject({
      code: 'CATALOG',
      found: 'a resource link to 1.sales',
    });
    const federated = world.database();
    await world.client.send(new CreateDatabaseCommand({ DatabaseInput: { Name: federated } }));
    world.proxy.edit((_call, body) => {
      const shownAs = { Identifier: 'x', ConnectionName: 'aws:s3tables' };
      Object.assign(body['Database'] ?? {}, { FederatedDatabase: shownAs });
    });
    await expect(open(world.catalog(), federated, 't')).rejects.toMatchObject({
      code: 'CATALOG',
      found: 'a database of aws:s3tables',
    });
    world.proxy.play();
  });

  test('fault 5: a catalog that does not tell versions is refused before anything is changed', async () => {
    const database = world.database();
    const there = await create(database, 'orders');
    world.proxy.edit((call, body) => {
      const table = body['Table'] as Record<string, unknown> | undefined;
      if (call === 'GetTable' && table !== undefined) delete table['VersionId'];
    });
    const state = (await there.load()) ?? expect.fail('no state');
    await expect(there.commit(state, state.metadata, () => false)).rejects.toMatchObject({
      code: 'CATALOG',
      expected: 'VersionId in the reply to GetTable',
    });
    expect((await there.load())?.metadataLocation).toBe(state.metadataLocation);
    world.proxy.play();
  });

  test('an endpoint that does not answer is UNREACHABLE', async () => {
    const database = world.database();
    const catalog = world.catalog({ callAttemptsMax: 2 });
    world.proxy.play({ action: { kind: 'reset' }, times: 10 });
    await expect(open(catalog, database, 't')).rejects.toMatchObject({ code: 'UNREACHABLE' });
    const denied = { kind: 'answer', status: 400, code: 'UnrecognizedClientException' } as const;
    world.proxy.play({ action: denied, times: 10 });
    await expect(catalog.namespaces()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    world.proxy.play();
  });
});
