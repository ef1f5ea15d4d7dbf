/** `doctor` on tables in Glue: refusals as AWS words them, and nothing is changed by asking. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateDatabaseCommand, GetTableCommand, type Table } from '@aws-sdk/client-glue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { doctor } from '../../../src/index.ts';
import type { DoctorCheck, DoctorReport } from '../../../src/model/doctor.ts';
import type { WrittenExport } from '../../data/make-export.ts';
import { contextOf, type LoadOptions, World } from '../../faults/load.ts';
import { MOTO, serverOrSkip } from '../../servers/available.ts';
import type { GlueRule } from '../../servers/glue-proxy.ts';
import { type GlueWorld, startGlueWorld } from './world.ts';

const ROLE = 'arn:aws:sts::111122223333:assumed-role/loader/tailrace';
const BEGIN = 'arn:aws:glue:eu-central-1:111122223333';

serverOrSkip('doctor on Glue', [MOTO], () => {
  let world: World;
  let glue: GlueWorld;
  let source: WrittenExport;

  beforeAll(async () => {
    glue = await startGlueWorld();
    world = await World.open();
    source = await world.export({ items: [{ pk: { S: 'a' }, n: { N: '1' } }] });
    always(glue.proxy.endpoint);
    await glue.client.send(new CreateDatabaseCommand({ DatabaseInput: { Name: 'shop' } }));
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await glue.stop();
  });

  const always = (endpoint: string): void => {
    const aws = { region: 'us-east-1', endpoint };
    world.always = { catalogs: { lake: { type: 'glue', aws, warehouse: join(world.dir, 'lake') } } };
  };
  const examined = (target: string, options: LoadOptions & { readOnly?: boolean } = {}): Promise<DoctorReport> => {
    const { readOnly = false, ...rest } = options;
    return doctor(source.exportDir, target, { ...world.options(rest), readOnly }, contextOf());
  };
  const denying = (call: string, resource: string, reason = ''): GlueRule => {
    const message = `User: ${ROLE} is not authorized to perform: glue:${call} on resource: ${resource}${reason}`;
    return { call, action: { kind: 'answer', status: 400, code: 'AccessDeniedException', message }, times: 99 };
  };
  const entry = async (table: string): Promise<Table | undefined> =>
    (await glue.client.send(new GetTableCommand({ DatabaseName: 'shop', Name: table }))).Table;
  const targets = ({ checks }: DoctorReport): readonly DoctorCheck[] => checks.filter(({ end }) => end === 'target');
  const failed = (report: DoctorReport): readonly DoctorCheck[] =>
    report.checks.filter(({ state }) => state === 'failed');
  const calls = (): readonly string[] => glue.proxy.calls.map(({ call }) => call);

  test('a new table: ready, and what cannot be tried is told with what it takes', async () => {
    glue.proxy.play();
    const report = await examined('iceberg:lake.shop.orders');
    expect(report).toMatchObject({ outcome: 'ready', left: [] });
    expect(targets(report).map(({ what, state }) => `${state}: ${what}`)).toEqual([
      "passed: read the table's entry in Glue",
      'passed: find the place of a new table',
      "untried: create the table's entry in Glue",
      "passed: change the table's entry in Glue",
      `passed: list ${world.dir}/lake/shop.db/orders`,
      `passed: write to ${world.dir}/lake/shop.db/orders`,
      'passed: rely on conditional puts',
      `passed: read from ${world.dir}/lake/shop.db/orders`,
      `passed: remove from ${world.dir}/lake/shop.db/orders`,
    ]);
    expect(targets(report)[2]?.needs).toMatchObject([{ Action: ['glue:CreateTable'] }]);
    expect(calls()).not.toContain('CreateTable');
    await expect(entry('orders')).rejects.toMatchObject({ name: 'EntityNotFoundException' });
  });

  test('a database that is not there is refused, or would be made', async () => {
    glue.proxy.play();
    const refused = await examined('iceberg:lake.nowhere.orders');
    expect(failed(refused)).toMatchObject([
      { error: { code: 'CATALOG', hint: expect.stringMatching(/--create-namespace/) } },
    ]);
    const report = await examined('iceberg:lake.nowhere.orders', { createNamespace: true });
    expect(report.outcome).toBe('ready');
    expect(targets(report).map(({ what }) => what)).toContain('create the database');
    expect(calls()).not.toContain('CreateDatabase');
  });

  test('a table that is there: its entry and its version stay as they are', async () => {
    glue.proxy.play();
    const target = 'iceberg:lake.shop.there';
    await world.load(source, target);
    const before = await entry('there');
    const report = await examined(target);
    expect(report.outcome).toBe('ready');
    expect(targets(report)).toContainEqual({
      end: 'target',
      what: "change the table's entry in Glue",
      state: 'passed',
      found: 'permitted, and its version is compared; it was not changed',
    });
    expect(report.checks.at(-1)).toMatchObject({ found: 'the table holds all of it already' });
    const readOnly = await examined(target, { readOnly: true });
    expect(readOnly.outcome).toBe('ready');
    expect(await entry('there')).toEqual(before);
    glue.proxy.play();
    await examined(target, { readOnly: true });
    expect(new Set(calls())).toEqual(new Set(['GetTable']));
  });

  test('fault 5: a catalog that does not compare versions is refused', async () => {
    const before = await entry('there');
    glue.proxy.play();
    glue.proxy.compares(false);
    const report = await examined('iceberg:lake.shop.there').finally(() => glue.proxy.compares(true));
    expect(failed(report)).toMatchObject([
      { error: { code: 'CATALOG', message: expect.stringMatching(/another version/) } },
    ]);
    expect((await entry('there'))?.Parameters).toEqual(before?.Parameters);
  });

  test('fault 40: what AWS refuses is named, with the statement that would grant it', async () => {
    const reason = ' because no identity-based policy allows the glue:GetTable action';
    glue.proxy.play(denying('GetTable', `${BEGIN}:catalog`, reason));
    const read = await examined('iceberg:lake.shop.there');
    expect(failed(read)).toMatchObject([
      { denial: { principal: ROLE, action: 'glue:GetTable', why: 'not granted', policy: 'identity-based policy' } },
    ]);
    expect(read).toMatchObject({ outcome: 'failed', error: { code: 'ACCESS_DENIED' } });
    expect(read.policy).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['glue:GetTable'],
          Resource: ['catalog', 'database/shop', 'table/shop/there'].map((part) =>
            `${BEGIN}:${part}`.replace('eu-central-1', 'us-east-1'),
          ),
        },
      ],
    });

    glue.proxy.play(denying('UpdateTable', `${BEGIN}:table/shop/there`));
    const update = await examined('iceberg:lake.shop.there');
    expect(failed(update)).toMatchObject([{ what: "change the table's entry in Glue" }]);
    expect(update.policy?.Statement).toMatchObject([{ Action: ['glue:UpdateTable'] }]);
    glue.proxy.play(denying('UpdateTable', `${BEGIN}:table/shop/new`), denying('GetDatabase', `${BEGIN}:catalog`));
    expect((await examined('iceberg:lake.shop.new')).policy?.Statement).toMatchObject([
      { Action: ['glue:GetDatabase'] },
    ]);

    glue.proxy.play(denying('UpdateTable', `${BEGIN}:catalog`, ' with an explicit deny in a permissions boundary'));
    const boundary = await examined('iceberg:lake.shop.there');
    expect(failed(boundary)).toMatchObject([
      { error: { hint: expect.stringMatching(/permissions boundary denies glue:UpdateTable outright/) } },
    ]);
    expect(boundary.policy).toBeUndefined();
  });

  test('a refusal that says nothing of permissions is none', async () => {
    const action = { kind: 'answer', status: 400, code: 'InvalidInputException', message: 'no such version' } as const;
    glue.proxy.play({ call: 'UpdateTable', action });
    const report = await examined('iceberg:lake.shop.there');
    expect(report.outcome).toBe('ready');
    const update = targets(report).find(({ what }) => what === "change the table's entry in Glue");
    expect(update?.found).toContain('InvalidInputException');
  });

  test('what Lake Formation refuses is not granted by a policy of IAM', async () => {
    const message = 'Insufficient Lake Formation permission(s): Required Alter on there';
    const action = { kind: 'answer', status: 400, code: 'AccessDeniedException', message } as const;
    glue.proxy.play({ call: 'UpdateTable', action, times: 9 });
    const report = await examined('iceberg:lake.shop.there');
    expect(failed(report)).toMatchObject([
      { error: { code: 'ACCESS_DENIED', found: message, hint: expect.stringMatching(/Lake Formation/) } },
    ]);
    expect(report.policy).toBeUndefined();
  });

  test('Parquet tables: the partitions, too', async () => {
    glue.proxy.play();
    const target = 'parquet:lake.shop.files';
    await mkdir(join(world.dir, 'lake'), { recursive: true });
    expect((await examined(target)).outcome).toBe('ready');
    await world.load(source, target, { partition: [{ transform: 'identity', column: 'n' }] });
    glue.proxy.play(denying('GetPartitions', `${BEGIN}:catalog`));
    const report = await examined(target);
    expect(failed(report)).toMatchObject([{ what: 'list its partitions' }]);
    expect(report.policy?.Statement).toMatchObject([{ Action: ['glue:GetPartitions'] }]);
    const batches = targets(report).find(({ what }) => what === 'change its partitions');
    expect(batches?.needs?.[0]?.Action).toContain('glue:BatchUpdatePartition');
    expect(failed(await examined('iceberg:lake.shop.files'))).toMatchObject([{ error: { code: 'TARGET_BAD' } }]);
  });

  test('a Glue that does not answer', async () => {
    always('http://127.0.0.1:9');
    try {
      const report = await examined('iceberg:lake.shop.orders');
      expect(failed(report)).toMatchObject([{ end: 'target', error: { code: 'UNREACHABLE' } }]);
    } finally {
      always(glue.proxy.endpoint);
    }
  }, 60_000);
});
