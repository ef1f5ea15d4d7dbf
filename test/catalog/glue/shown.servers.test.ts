import {
  BatchDeletePartitionCommand,
  CreateTableCommand,
  GetPartitionsCommand,
  GetTableCommand,
  UpdateTableCommand,
} from '@aws-sdk/client-glue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OpenShownOptions } from '../../../src/catalog/port.ts';
import type { ShownState, ShownTable } from '../../../src/catalog/shown/port.ts';
import { MOTO, serverOrSkip } from '../../servers/available.ts';
import { type GlueWorld, startGlueWorld } from './world.ts';

serverOrSkip('Parquet tables in Glue', [MOTO], () => {
  let world: GlueWorld;
  let database: string;
  let tables = 0;

  beforeAll(async () => {
    world = await startGlueWorld();
    database = world.database();
  });
  afterAll(() => world.stop());

  const opened = async (table: string, options: Partial<OpenShownOptions> = {}): Promise<ShownTable> => {
    const name = { namespace: [database], table };
    return (
      (await world.catalog().openShown?.(name, { purpose: 'write', createNamespace: true, ...options })) ??
      expect.fail('no table')
    );
  };
  const next = (): string => {
    world.proxy.play();
    tables += 1;
    return `p${tables}`;
  };
  /** A state with partitions `region_part=<value>`, or none. */
  const stateOf = (table: ShownTable, generation: string, values?: readonly string[]): ShownState => {
    const folder = `${table.location}/${generation}`;
    return {
      generation,
      folder,
      columns: [
        { name: 'pk', type: 'string' },
        { name: 'Lines', type: 'array<struct<sku:string,qty:bigint>>', comment: 'attribute lines, L' },
      ],
      partitionKeys: values === undefined ? [] : ['region_part'],
      partitions: (values ?? []).map((value) => ({
        values: [value],
        labels: [value],
        folder: `${folder}/region_part=${value}`,
      })),
    };
  };
  const entry = async (table: string) => {
    const { Table } = await world.client.send(new GetTableCommand({ DatabaseName: database, Name: table }));
    return Table ?? expect.fail('no entry');
  };
  const partitions = async (table: string): Promise<Readonly<Record<string, string>>> => {
    const found: Record<string, string> = {};
    for (let NextToken: string | undefined, page = 0; page === 0 || NextToken !== undefined; page += 1) {
      const input = { DatabaseName: database, TableName: table, ...(NextToken === undefined ? {} : { NextToken }) };
      const reply = await world.client.send(new GetPartitionsCommand(input));
      for (const { Values, StorageDescriptor: at } of reply.Partitions ?? [])
        found[Values?.join('/') ?? ''] = at?.Location ?? '';
      NextToken = reply.NextToken;
    }
    return found;
  };
  const locations = (state: ShownState): Readonly<Record<string, string>> =>
    Object.fromEntries(state.partitions.map(({ values, folder }) => [values.join('/'), `${folder}/`]));
  const counts = (): Readonly<Record<string, number>> => {
    const all: Record<string, number> = {};
    for (const { call } of world.proxy.calls) all[call] = (all[call] ?? 0) + 1;
    return all;
  };
  const many = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => `r${from + n}`);

  test('fault 17: a table without partitions moves with one change of its entry', async () => {
    const table = next();
    const shown = await opened(table);
    await shown.show(stateOf(shown, 'g-1'));
    expect(await entry(table)).toMatchObject({
      TableType: 'EXTERNAL_TABLE',
      PartitionKeys: [],
      Parameters: { classification: 'parquet', EXTERNAL: 'TRUE', 'tailrace.generation': 'g-1' },
      StorageDescriptor: {
        Location: `${shown.location}/g-1/`,
        Columns: [
          { Name: 'pk', Type: 'string' },
          { Name: 'lines', Type: 'array<struct<sku:string,qty:bigint>>', Comment: 'attribute lines, L' },
        ],
        InputFormat: expect.stringContaining('Parquet'),
        SerdeInfo: { SerializationLibrary: expect.stringContaining('ParquetHiveSerDe') },
      },
    });
    world.proxy.play();
    await shown.show(stateOf(shown, 'g-2'));
    expect(counts()).toEqual({ GetTable: 1, UpdateTable: 1 });
    expect((await entry(table)).StorageDescriptor?.Location).toBe(`${shown.location}/g-2/`);
    world.proxy.play();
    await shown.show(stateOf(shown, 'g-2'));
    expect(counts()).toEqual({ GetTable: 1 });
    expect(world.proxy.archived()).toBe(0);
  });

  test('partitions come, move and go in batches, and only those that differ', async () => {
    const table = next();
    const shown = await opened(table);
    const first = stateOf(shown, 'g-1', many(0, 250));
    await shown.show(first);
    expect(counts()).toMatchObject({ BatchCreatePartition: 3, CreateTable: 1, UpdateTable: 1 });
    expect(await partitions(table)).toEqual(locations(first));
    expect((await entry(table)).PartitionKeys).toEqual([{ Name: 'region_part', Type: 'string' }]);
    world.proxy.play();
    const second = stateOf(shown, 'g-2', many(60, 300));
    await shown.show(second);
    expect(counts()).toMatchObject({ BatchUpdatePartition: 2, BatchCreatePartition: 1, BatchDeletePartition: 3 });
    expect(await partitions(table)).toEqual(locations(second));
    world.proxy.play();
    await shown.show(second);
    expect(counts()).toEqual({ GetTable: 1 });
  });

  test('fault 17: cut off among its partitions, the next run completes it, and touches only what is missing', async () => {
    const table = next();
    const shown = await opened(table);
    await shown.show(stateOf(shown, 'g-1', many(0, 250)));
    const denied = { kind: 'answer', status: 400, code: 'AccessDeniedException' } as const;
    world.proxy.play({ call: 'BatchUpdatePartition', action: denied, skip: 2 });
    const state = stateOf(shown, 'g-2', many(0, 250));
    await expect(shown.show(state)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    // Half is moved, and the entry does not claim to show either state.
    expect((await entry(table)).Parameters).not.toHaveProperty('tailrace.generation');
    world.proxy.play();
    await (await opened(table)).show(state);
    const moved = world.proxy.calls.flatMap(({ call, body }) =>
      call === 'BatchUpdatePartition' ? [(body['Entries'] as readonly unknown[]).length] : [],
    );
    expect(moved).toEqual([50]);
    expect(await partitions(table)).toEqual(locations(state));
    expect((await entry(table)).Parameters).toMatchObject({ 'tailrace.generation': 'g-2' });
    expect((await entry(table)).Parameters).not.toHaveProperty('tailrace.showing');
  });

  test('fault 17: errors within an answer of 200 are noticed, and mended where they can be', async () => {
    const table = next();
    const shown = await opened(table);
    await shown.show(stateOf(shown, 'g-1', ['a', 'b', 'c']));
    // Somebody takes one away, and makes another one, between our look and our change.
    const state = stateOf(shown, 'g-2', ['a', 'b', 'c', 'd']);
    world.proxy.play({
      call: 'BatchUpdatePartition',
      action: { kind: 'delay', ms: 0 },
      before: async () => {
        const at = { DatabaseName: database, TableName: table };
        await world.client.send(new BatchDeletePartitionCommand({ ...at, PartitionsToDelete: [{ Values: ['b'] }] }));
      },
    });
    await shown.show(state);
    expect(await partitions(table)).toEqual(locations(state));
    // One of them does not change, however often it is tried.
    world.proxy.edit((call, body) => {
      if (call === 'GetPartitions')
        for (const partition of (body['Partitions'] ?? []) as { Values: string[]; StorageDescriptor: object }[])
          if (partition.Values[0] === 'c') partition.StorageDescriptor = { Location: 'as it was' };
      if (call !== 'BatchUpdatePartition') return;
      const ErrorDetail = { ErrorCode: 'InternalServiceException', ErrorMessage: 'try later' };
      body['Errors'] = [{ PartitionValueList: ['c'], ErrorDetail }];
    });
    await expect(shown.show(stateOf(shown, 'g-3', ['a', 'b', 'c', 'd']))).rejects.toMatchObject({
      code: 'CATALOG',
      place: 'c',
      found: 'try later',
    });
    world.proxy.play();
    await shown.show(stateOf(shown, 'g-3', ['a', 'b', 'c', 'd']));
    expect(await partitions(table)).toEqual(locations(stateOf(shown, 'g-3', ['a', 'b', 'c', 'd'])));
  });

  test('faults 1, 3, 20: lost replies, throttles and refusals that echo a success end in the state', async () => {
    for (const call of [
      'CreateTable',
      'UpdateTable',
      'GetPartitions',
      'BatchCreatePartition',
      'BatchUpdatePartition',
    ]) {
      for (const action of [
        { kind: 'lose reply' },
        { kind: 'answer', status: 400, code: 'ThrottlingException' },
        { kind: 'apply and answer', status: 500, code: 'InternalServiceException' },
      ] as const) {
        const table = next();
        const shown = await opened(table);
        world.proxy.play({ call, action });
        for (const state of [stateOf(shown, 'g-1', ['a', 'b']), stateOf(shown, 'g-2', ['b', 'c'])]) {
          await shown.show(state);
          expect([call, action.kind, await partitions(table)]).toEqual([call, action.kind, locations(state)]);
        }
      }
    }
  });

  test('faults 11, 14: of two runs that show at once, the one that was cut off does not undo the other one', async () => {
    const table = next();
    const shown = await opened(table);
    await shown.show(stateOf(shown, 'g-1', ['a', 'b']));
    const older = stateOf(shown, 'g-2', ['a', 'b']);
    const newer = stateOf(shown, 'g-3', ['b', 'c']);
    world.proxy.play({
      call: 'BatchUpdatePartition',
      action: { kind: 'delay', ms: 0 },
      before: async () => (await opened(table)).show(newer),
    });
    // The slow one notices, and looks again: it ends whole, with its own state, and never in a mixture.
    await shown.show(older);
    expect(await partitions(table)).toEqual(locations(older));
    expect((await entry(table)).Parameters).toMatchObject({ 'tailrace.generation': 'g-2' });
  });

  test('projection: the partitions are in the entry, and move with it in one step; and back', async () => {
    const table = next();
    const shown = await opened(table);
    await shown.show(stateOf(shown, 'g-1', many(0, 120)));
    const projected = await opened(table, { projection: true });
    await projected.show(stateOf(shown, 'g-1', ['b', 'a%2Fb', '__HIVE_DEFAULT_PARTITION__']));
    expect(await partitions(table)).toEqual({});
    expect((await entry(table)).Parameters).toMatchObject({
      'projection.enabled': 'true',
      'projection.region_part.type': 'enum',
      'projection.region_part.values': '__HIVE_DEFAULT_PARTITION__,a%2Fb,b',
      'storage.location.template': `${shown.location}/g-1/region_part=\${region_part}/`,
    });
    world.proxy.play();
    // Whoever opens it later need not say so again.
    const later = await opened(table);
    await later.show(stateOf(shown, 'g-2', ['b']));
    expect(counts()).toEqual({ GetTable: 2, UpdateTable: 1 });
    expect((await entry(table)).Parameters).toMatchObject({ 'projection.region_part.values': 'b' });
    await expect(later.show(stateOf(shown, 'g-3', ['a,b']))).rejects.toMatchObject({ code: 'CATALOG', found: 'a,b' });
    const state = stateOf(shown, 'g-3', ['a,b', 'c']);
    await (await opened(table, { projection: false })).show(state);
    expect(await partitions(table)).toEqual(locations(state));
    expect(Object.keys((await entry(table)).Parameters ?? {}).filter((key) => key.startsWith('proj'))).toEqual([]);
  });

  test('a table that is partitioned otherwise, or no more, takes its former partitions along', async () => {
    const table = next();
    const shown = await opened(table);
    await shown.show(stateOf(shown, 'g-1', ['a', 'b']));
    const days = stateOf(shown, 'g-2', ['2026-03-01']);
    const other = { ...days, partitionKeys: ['at_day'] };
    await shown.show(other);
    expect(await partitions(table)).toEqual(locations(other));
    expect((await entry(table)).PartitionKeys).toEqual([{ Name: 'at_day', Type: 'string' }]);
    await shown.show(stateOf(shown, 'g-3'));
    expect(await partitions(table)).toEqual({});
    expect((await entry(table)).PartitionKeys).toEqual([]);
  });

  test('what others put into the entry stays', async () => {
    const table = next();
    const shown = await opened(table);
    await shown.show(stateOf(shown, 'g-1', ['a']));
    const { Name, Parameters, StorageDescriptor, PartitionKeys, TableType } = await entry(table);
    const Columns = StorageDescriptor?.Columns?.map((column) => ({ ...column, Comment: column.Comment ?? 'the key' }));
    const TableInput = {
      Name,
      TableType,
      PartitionKeys,
      Description: 'orders',
      Parameters: { ...Parameters, team: 'shop' },
      StorageDescriptor: { ...StorageDescriptor, Columns },
    };
    await world.client.send(new UpdateTableCommand({ DatabaseName: database, TableInput }));
    await shown.show(stateOf(shown, 'g-2', ['a', 'b']));
    expect(await entry(table)).toMatchObject({
      Description: 'orders',
      Parameters: { team: 'shop' },
      StorageDescriptor: { Columns: [{ Name: 'pk', Comment: 'the key' }, { Comment: 'attribute lines, L' }] },
    });
  });

  test("fault 19: somebody else's table under the name is refused, before and between", async () => {
    const table = next();
    const shown = await opened(table);
    const TableInput = { Name: table, Parameters: { classification: 'csv' } };
    await world.client.send(new CreateTableCommand({ DatabaseName: database, TableInput }));
    await expect(shown.show(stateOf(shown, 'g-1'))).rejects.toMatchObject({ code: 'TARGET_BAD', found: 'csv' });
    await expect(opened(table)).rejects.toMatchObject({ code: 'TARGET_BAD', found: 'csv' });
    const own = next();
    await (await opened(own)).show(stateOf(await opened(own), 'g-1'));
    const there = await opened(own);
    await world.client.send(
      new UpdateTableCommand({
        DatabaseName: database,
        TableInput: { Name: own, Parameters: { 'tailrace.location': world.storage.uri('elsewhere') } },
      }),
    );
    await expect(there.show(stateOf(there, 'g-2'))).rejects.toMatchObject({ code: 'TARGET_BAD' });
    expect(await world.catalog().openShown?.({ namespace: [database], table: 'none' }, { purpose: 'read' })).toBe(
      undefined,
    );
  });
});
