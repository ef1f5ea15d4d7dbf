import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GetTableCommand } from '@aws-sdk/client-glue';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CommitOutcome, TableHandle } from '../../../src/model/table.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import type { DdbItem } from '../../data/ion.ts';
import { World } from '../../faults/load.ts';
import { MOTO, PYTHON, serverOrSkip } from '../../servers/available.ts';
import { stagedOf } from '../../table/iceberg/sample.ts';
import { PyIceberg } from '../beside.ts';
import { type GlueWorld, glueProperties, startGlueWorld } from './world.ts';

const ITEMS: readonly DdbItem[] = Array.from({ length: 40 }, (_, n) => ({
  pk: { S: `order ${n}` },
  qty: { N: `${n}.5` },
  address: { M: { city: { S: `city ${n % 3}` }, zip: { N: `${n}` } } },
  tags: { SS: [`t${n}`, 'all'] },
}));

serverOrSkip('Glue beside PyIceberg', [MOTO, PYTHON], () => {
  let glue: GlueWorld;
  let world: World;
  let python: PyIceberg;
  let database: string;
  let tables = 0;

  beforeAll(async () => {
    glue = await startGlueWorld(async () => localStorage('/'));
    world = await World.open();
    python = await new PyIceberg(glueProperties(glue)).ready();
    database = glue.database();
  });
  afterAll(async () => {
    python.end();
    await glue.stop();
    await world[Symbol.asyncDispose]();
  });

  const open = async (table: string): Promise<TableHandle> => {
    const options = { purpose: 'write', createNamespace: true, location: join(world.dir, table) } as const;
    return icebergTable(
      (await glue.catalog().open({ namespace: [database], table }, options)) ?? expect.fail('no table'),
    );
  };
  /** A loaded table of real files, taken into Glue. */
  const registered = async (): Promise<string> => {
    tables += 1;
    const table = `t${tables}`;
    const target = `iceberg:${join(world.dir, table)}`;
    await world.load(await world.export({ items: ITEMS }, `export-${table}`), target);
    await open(table);
    const metadata = join(world.dir, table, 'metadata', 'v1.metadata.json');
    await glue.catalog().register({ namespace: [database], table }, metadata);
    return table;
  };
  /** One row in a file of its own, as a window writes it. */
  const insert = async (table: string, id: string): Promise<CommitOutcome> => {
    const handle = await open(table);
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
  const rows = (table: string, ...columns: readonly string[]): Promise<readonly (readonly unknown[])[]> =>
    python.ask({ rows: `${database}.${table}`, columns });
  const keys = async (table: string): Promise<readonly unknown[]> => (await rows(table, 'pk')).flat().sort();

  test('reads a table of ours, before and after a commit, and sees the same state', async () => {
    const table = await registered();
    const read = await rows(table, 'pk', 'qty', 'address', 'tags');
    expect(read.length).toBe(ITEMS.length);
    expect(read).toContainEqual(['order 7', 7.5, { city: 'city 1', zip: 7 }, ['t7', 'all']]);
    expect(await insert(table, 'ours')).toMatchObject({ kind: 'committed' });
    expect((await keys(table)).length).toBe(ITEMS.length + 1);
    const state = await python.ask<Readonly<Record<string, unknown>>>({ state: `${database}.${table}` });
    const ours = await (await open(table)).load();
    expect(state['snapshot']).toBe(ours?.snapshot);
  });

  test('fault 14: it appends, deletes, compacts, adds columns and sets properties between our commits, and neither side loses', async () => {
    const table = await registered();
    const name = `${database}.${table}`;
    await insert(table, 'ours 1');
    await python.ask({ append: [{ pk: 'theirs 1' }, { pk: 'theirs 2' }], to: name });
    expect(await insert(table, 'ours 2')).toMatchObject({ kind: 'committed' });
    await python.ask({ delete: name, where: "pk in ('theirs 1', 'order 0')" });
    await python.ask({ compact: name });
    expect(await insert(table, 'ours 3')).toMatchObject({ kind: 'committed' });
    await python.ask({ set: { 'write.metadata.compression-codec': 'gzip' }, on: name });
    await python.ask({ set: { team: 'shop' }, on: name });
    expect(await insert(table, 'ours 4')).toMatchObject({ kind: 'committed' });
    const expected = ITEMS.map((item) => item['pk']?.S).filter((pk) => pk !== 'order 0');
    expect(await keys(table)).toEqual([...expected, 'ours 1', 'ours 2', 'ours 3', 'ours 4', 'theirs 2'].sort());
    // Their writer copies the table's properties into the entry; ours stay what they are, and current.
    const { Table } = await glue.client.send(new GetTableCommand({ DatabaseName: database, Name: table }));
    expect(Table?.Parameters).toMatchObject({ team: 'shop', table_type: 'ICEBERG' });
    expect(JSON.parse(Table?.Parameters?.['tailrace.ledger'] ?? '{}')).toMatchObject({ commitId: 'ours 4' });
    expect(Table?.Parameters?.['previous_metadata_location']).not.toBe(Table?.Parameters?.['metadata_location']);
  });

  test('fault 18: a column that it adds while we prepare a commit makes ours a conflict; it stays in the entry', async () => {
    const table = await registered();
    const handle = await open(table);
    const state = (await handle.load()) ?? expect.fail('no state');
    await python.ask({ add: 'later', to: `${database}.${table}` });
    const { schema, partition, sort } = state;
    expect(
      await handle.commit(stagedOf('blind', { schema, partition, sort, operation: 'merge' }), state),
    ).toMatchObject({ kind: 'conflict' });
    const { Table } = await glue.client.send(new GetTableCommand({ DatabaseName: database, Name: table }));
    expect(Table?.StorageDescriptor?.Columns?.map(({ Name }) => Name)).toContain('later');
  });

  test('a table that it made is one of ours, too', async () => {
    tables += 1;
    const table = `t${tables}`;
    await open(table);
    await python.ask({ create: `${database}.${table}`, at: join(world.dir, table) });
    const state = (await (await open(table)).load()) ?? expect.fail('no state');
    expect(state.schema.columns.map(({ name }) => name)).toEqual(['pk']);
    expect(state.ledger).toBeUndefined();
  });

  test('fault 15: it and we commit at once, each as fast as it can: none is lost, none is there twice', async () => {
    const table = await registered();
    const count = 20;
    const ours = async (): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        for (let outcome = ''; outcome !== 'committed'; outcome = (await insert(table, `ours-${n}`)).kind);
      }
    };
    await Promise.all([python.ask({ appends: 'theirs', count, to: `${database}.${table}` }), ours()]);
    const added = Array.from({ length: count }, (_, n) => [`ours-${n}`, `theirs-${n}`]).flat();
    expect(await keys(table)).toEqual([...ITEMS.map((item) => item['pk']?.S), ...added].sort());
  });
});
