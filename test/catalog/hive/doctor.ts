import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { METHODS } from '../../../src/catalog/hive/api.ts';
import { doctor } from '../../../src/index.ts';
import type { DoctorCheck, DoctorReport } from '../../../src/model/doctor.ts';
import type { WrittenExport } from '../../data/make-export.ts';
import { contextOf, type LoadOptions, World } from '../../faults/load.ts';
import type { HiveWorld } from './world.ts';

/** `doctor` on tables of a Metastore: nothing is changed by asking. */
export function hiveDoctor(name: string, worldOf: () => HiveWorld): void {
  describe(`doctor: ${name}`, () => {
    let world: World;
    let source: WrittenExport;
    let database: string;

    beforeAll(async () => {
      world = await World.open();
      database = `${worldOf().database}_doctor`;
      source = await world.export({ items: [{ pk: { S: 'a' } }] });
      setUp(worldOf().server.uri);
    });
    afterAll(async () => {
      await world[Symbol.asyncDispose]();
    });

    const setUp = (uri: string): void => {
      world.always = { catalogs: { lab: { type: 'hive', uri, warehouse: join(world.dir, 'lake') } } };
    };
    const examined = (options: LoadOptions = {}, target = `iceberg:lab.${database}.orders`): Promise<DoctorReport> =>
      doctor(source.exportDir, target, world.options(options), contextOf());
    const failed = ({ checks }: DoctorReport): readonly DoctorCheck[] =>
      checks.filter(({ state }) => state === 'failed');
    const told = ({ checks }: DoctorReport): readonly string[] =>
      checks.filter(({ end }) => end === 'target').map(({ what, state }) => `${state}: ${what}`);

    test('a database that is not there is refused, or would be made', async () => {
      expect(failed(await examined())).toMatchObject([
        { error: { code: 'CATALOG', hint: expect.stringContaining('--create-namespace') } },
      ]);
      const report = await examined({ createNamespace: true });
      expect(report.outcome).toBe('ready');
      const folder = `${world.dir}/lake/${database}.db/orders`;
      expect(told(report)).toEqual([
        'passed: reach the Hive Metastore',
        "passed: read the table's entry",
        'passed: find the place of a new table',
        'untried: create the database',
        "untried: create the table's entry",
        `passed: list ${folder}`,
        `passed: write to ${folder}`,
        'passed: rely on conditional puts',
        `passed: read from ${folder}`,
        `passed: remove from ${folder}`,
      ]);
      expect(await worldOf().client.ask(METHODS.databases, {})).not.toContain(database);
    });

    test('a table that is there: its lock is taken and given back, or it is told who holds it', async () => {
      const { client } = worldOf();
      await world.load(source, `iceberg:lab.${database}.orders`, { createNamespace: true });
      const table = async () =>
        (await client.ask(METHODS.table, { req: { dbName: database, tblName: 'orders' } })).table;
      const before = await table();
      const locks = async () =>
        (await client.ask(METHODS.showLocks, { request: { dbname: database, tablename: 'orders' } })).locks ?? [];
      const report = await examined();
      expect(report.outcome).toBe('ready');
      expect(told(report)).toContain('passed: lock the table');
      expect(await locks()).toEqual([]);
      const component = [
        { type: 3, level: 2, operationType: 6, isTransactional: false, dbname: database, tablename: 'orders' },
      ];
      const request = { component, user: 'ghost', hostname: 'elsewhere', agentInfo: 'somebody' };
      const { lockid = 0n } = await client.change(METHODS.lock, { request });
      expect(failed(await examined())).toMatchObject([
        { what: 'lock the table', error: { code: 'COMMIT_CONFLICT', found: expect.stringContaining('ghost') } },
      ]);
      await client.ask(METHODS.unlock, { request: { lockid } });
      expect(await locks()).toEqual([]);
      expect(await table()).toEqual(before);
    });

    test('a Parquet table, before it is there and behind a load', async () => {
      const target = `parquet:lab.${database}.files`;
      const first = await examined({ createNamespace: true }, target);
      expect(failed(first)).toEqual([]);
      await world.load(source, target, { createNamespace: true });
      const there = await examined({}, target);
      expect(there.outcome).toBe('ready');
      expect(told(there)).toContain("untried: make and change the entry's partitions");
      expect(failed(await examined({}, `iceberg:lab.${database}.files`))).toMatchObject([
        { error: { code: 'TARGET_BAD' } },
      ]);
    });

    test('a Metastore that does not answer', async () => {
      setUp('thrift://127.0.0.1:9');
      const report = await examined().finally(() => setUp(worldOf().server.uri));
      expect(failed(report)).toMatchObject([{ what: 'reach the Hive Metastore', error: { code: 'UNREACHABLE' } }]);
    });
  });
}
