import { GetTableCommand, UpdateTableCommand } from '@aws-sdk/client-glue';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GlueLimits } from '../../../src/catalog/glue/limits.ts';
import type { CatalogTable } from '../../../src/catalog/port.ts';
import type { CommitOutcome } from '../../../src/model/table.ts';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import { seeded } from '../../crash/scripts.ts';
import { SEED } from '../../seed.ts';
import { MOTO, serverOrSkip } from '../../servers/available.ts';
import type { GlueAction } from '../../servers/glue-proxy.ts';
import { fileOf, stagedOf } from '../../table/iceberg/sample.ts';
import { type GlueWorld, startGlueWorld } from './world.ts';

// A Glue that lies: the proxy loses replies, delays and refuses; what it says of versions is true, as AWS's is.

serverOrSkip('Glue under faults', [MOTO], () => {
  let world: GlueWorld;
  let database: string;
  let tables = 0;

  beforeAll(async () => {
    world = await startGlueWorld();
    database = world.database();
  });
  afterAll(() => world.stop());

  const opened = async (table: string, limits: Partial<GlueLimits> = {}): Promise<CatalogTable> => {
    const name = { namespace: [database], table };
    return (
      (await world.catalog(limits).open(name, { purpose: 'write', createNamespace: true })) ?? expect.fail('no table')
    );
  };
  const commit = async (table: string, id: string, limits: Partial<GlueLimits> = {}): Promise<CommitOutcome> => {
    const there = await opened(table, limits);
    const handle = icebergTable(there);
    const base = await handle.load();
    const files = [fileOf(there.storage.uri(`${there.folder}/data/${id}.parquet`))];
    return handle.commit(stagedOf(id, { operation: base === undefined ? 'create' : 'merge', files }), base);
  };
  const created = async (): Promise<string> => {
    world.proxy.play();
    tables += 1;
    const table = `t${tables}`;
    expect(await commit(table, `${table}-1`)).toMatchObject({ kind: 'committed' });
    return table;
  };
  const commits = async (table: string): Promise<readonly string[]> => {
    const files = await icebergTable(await opened(table)).dataFiles();
    return files.map(({ path }) => /([^/]*)\.parquet$/.exec(path)?.[1] ?? '').sort();
  };
  const metadataFiles = async (table: string): Promise<number> => {
    const { storage, folder } = await opened(table);
    let count = 0;
    for await (const { key } of storage.list(`${folder}/metadata/`)) if (key.endsWith('.metadata.json')) count += 1;
    return count;
  };
  const entry = async (table: string) => {
    const { Table } = await world.client.send(new GetTableCommand({ DatabaseName: database, Name: table }));
    return Table ?? expect.fail('no entry');
  };

  const LOST: readonly (readonly [string, GlueAction])[] = [
    ['the connection ends', { kind: 'lose reply' }],
    ['a 500 of Glue', { kind: 'apply and answer', status: 500, code: 'InternalServiceException' }],
    ['a time-out that Glue tells of', { kind: 'apply and answer', status: 400, code: 'OperationTimeoutException' }],
    ['silence', { kind: 'apply and say nothing' }],
  ];
  test.each(LOST)('fault 1: a commit took place, and its reply is lost: %s', async (_name, action) => {
    const table = await created();
    world.proxy.play({ call: 'UpdateTable', action });
    expect(await commit(table, 'mine', { replyTimeoutMs: 1_000 })).toMatchObject({ kind: 'committed' });
    expect(world.proxy.calls.filter(({ call }) => call === 'UpdateTable').length).toBe(1);
    expect(await commits(table)).toEqual(['mine', `${table}-1`]);
  });

  test('fault 1: so does the creation of a table', async () => {
    for (const action of [{ kind: 'lose reply' }, { kind: 'reset' }] as const) {
      tables += 1;
      world.proxy.play({ call: 'CreateTable', action });
      expect(await commit(`t${tables}`, 'first')).toMatchObject({ kind: 'committed' });
      expect(await commits(`t${tables}`)).toEqual(['first']);
    }
  });

  test('fault 1: a page of HTML in place of an answer tells nothing: the table does', async () => {
    const table = await created();
    world.proxy.play({ call: 'UpdateTable', action: { kind: 'answer', status: 502 } });
    expect(await commit(table, 'mine')).toMatchObject({ kind: 'committed' });
    world.proxy.play({ call: 'UpdateTable', action: { kind: 'answer', status: 403 }, times: 100 });
    expect(await commit(table, 'second')).toMatchObject({ kind: 'unknown' });
    world.proxy.play();
    expect(await commits(table)).toEqual(['mine', `${table}-1`]);
  });

  test('fault 2: a commit that arrives late is sent again meanwhile, and takes place once', async () => {
    const table = await created();
    world.proxy.play({ call: 'UpdateTable', action: { kind: 'apply late', ms: 300 } });
    expect(await commit(table, 'mine')).toMatchObject({ kind: 'committed' });
    await expect
      .poll(() => world.proxy.calls.filter(({ call }) => call === 'UpdateTable').map(({ status }) => status))
      .toEqual([400, 200]);
    expect(await commits(table)).toEqual(['mine', `${table}-1`]);
  });

  test('faults 2, 7: what has not arrived is unknown, and no file goes; when it arrives, the next run finds it', async () => {
    const table = await created();
    world.proxy.play({ call: 'UpdateTable', action: { kind: 'apply late', ms: 400 } });
    expect(await commit(table, 'mine', { swapAttemptsMax: 1 })).toMatchObject({ kind: 'unknown' });
    expect(await metadataFiles(table)).toBe(2);
    await expect.poll(() => commits(table)).toEqual(['mine', `${table}-1`]);
    expect(await commit(table, 'mine')).toMatchObject({ kind: 'committed' });
    expect(await commits(table)).toEqual(['mine', `${table}-1`]);
  });

  test('fault 2: when another writer was first, the late one is refused', async () => {
    const table = await created();
    const late = { kind: 'apply late', ms: 500 } as const;
    world.proxy.play({ call: 'UpdateTable', action: late });
    expect(await commit(table, 'late', { swapAttemptsMax: 1 })).toMatchObject({ kind: 'unknown' });
    expect(await commit(table, 'other')).toMatchObject({ kind: 'committed' });
    await expect.poll(() => world.proxy.calls.find(({ action }) => action === late)?.status).toBe(400);
    expect(await commits(table)).toEqual(['other', `${table}-1`]);
  });

  test('fault 3: a retry that meets its own success is no conflict', async () => {
    const table = await created();
    const code = 'ConcurrentModificationException';
    world.proxy.play({ call: 'UpdateTable', action: { kind: 'apply and answer', status: 400, code } });
    expect(await commit(table, 'mine')).toMatchObject({ kind: 'committed' });
    expect(await commits(table)).toEqual(['mine', `${table}-1`]);
  });

  test('fault 5: of two writers that saw the same table one loses; each update names the version it changes', async () => {
    const table = await created();
    world.proxy.play({
      call: 'UpdateTable',
      action: { kind: 'delay', ms: 0 },
      before: async () => expect(await commit(table, 'first')).toMatchObject({ kind: 'committed' }),
    });
    expect(await commit(table, 'held')).toMatchObject({ kind: 'conflict' });
    const updates = world.proxy.calls.filter(({ call }) => call === 'UpdateTable');
    expect(updates.map(({ status }) => status).sort()).toEqual([200, 400]);
    for (const { body } of updates) expect(body).toMatchObject({ VersionId: '1', SkipArchive: true });
    expect(await commits(table)).toEqual(['first', `${table}-1`]);
    expect(await commit(table, 'held')).toMatchObject({ kind: 'committed' });
    expect(await commits(table)).toEqual(['first', 'held', `${table}-1`]);
  });

  test('fault 6: no commit leaves an old version behind', async () => {
    const table = await created();
    for (const id of ['a', 'b', 'c']) await commit(table, id);
    expect(world.proxy.archived()).toBe(0);
  });

  test('fault 14: what others change of the entry alone is no conflict, and stays', async () => {
    const table = await created();
    const annotate = async (): Promise<void> => {
      const { Name, Parameters, StorageDescriptor, TableType } = await entry(table);
      const TableInput = {
        Name,
        Parameters: { ...Parameters, team: 'shop' },
        StorageDescriptor,
        TableType,
        Description: 'x',
      };
      await world.client.send(new UpdateTableCommand({ DatabaseName: database, TableInput }));
    };
    world.proxy.play({ call: 'UpdateTable', action: { kind: 'delay', ms: 0 }, before: annotate });
    expect(await commit(table, 'mine')).toMatchObject({ kind: 'committed' });
    expect(await entry(table)).toMatchObject({ Description: 'x', Parameters: { team: 'shop' } });
    expect(await commits(table)).toEqual(['mine', `${table}-1`]);
  });

  test('fault 20: a throttled commit waits and tries again; when it never gets through, nothing has happened', async () => {
    const table = await created();
    const throttled = { kind: 'answer', status: 400, code: 'ThrottlingException', message: 'Rate exceeded' } as const;
    world.proxy.play({ call: 'UpdateTable', action: throttled, times: 4 }, { call: 'GetTable', action: throttled });
    expect(await commit(table, 'mine')).toMatchObject({ kind: 'committed' });
    world.proxy.play({ call: 'UpdateTable', action: throttled, times: 100 });
    await expect(commit(table, 'never')).rejects.toMatchObject({
      code: 'UNREACHABLE',
      place: `lake.${database}.${table}`,
    });
    world.proxy.play();
    expect(await commits(table)).toEqual(['mine', `${table}-1`]);
  });

  test('fault 20: credentials that end in the middle of a commit are asked for again', async () => {
    const table = await created();
    const ended = { kind: 'answer', status: 400, code: 'ExpiredTokenException' } as const;
    world.proxy.play({ call: 'UpdateTable', action: ended });
    expect(await commit(table, 'mine')).toMatchObject({ kind: 'committed' });
    world.proxy.play({ call: 'UpdateTable', action: ended, times: 100 });
    await expect(commit(table, 'never')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    world.proxy.play();
    expect(await commits(table)).toEqual(['mine', `${table}-1`]);
  });

  test('a commit that is not allowed says which permission is missing, and leaves the table as it is', async () => {
    const table = await created();
    const message = `User: arn:aws:iam::1:user/x is not authorized to perform: glue:UpdateTable on resource: ${table}`;
    const denied = { kind: 'answer', status: 400, code: 'AccessDeniedException', message } as const;
    world.proxy.play({ call: 'UpdateTable', action: denied });
    await expect(commit(table, 'mine')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      found: expect.stringContaining('glue:UpdateTable'),
    });
    expect(await commits(table)).toEqual([`${table}-1`]);
    // After a reply that was lost, a refusal no longer tells that nothing happened.
    world.proxy.play({ call: 'UpdateTable', action: { kind: 'reset' } }, { call: 'UpdateTable', action: denied });
    expect(await commit(table, 'mine')).toMatchObject({ kind: 'unknown' });
  });

  test('when the table cannot be read after a lost reply, the outcome is unknown', async () => {
    const table = await created();
    const down = { kind: 'answer', status: 503, code: 'InternalServiceException' } as const;
    world.proxy.play(
      { call: 'UpdateTable', action: { kind: 'lose reply' } },
      { call: 'GetTable', action: down, skip: 2, times: 100 },
    );
    expect(await commit(table, 'mine', { callAttemptsMax: 1 })).toMatchObject({ kind: 'unknown' });
    world.proxy.play();
    expect(await commit(table, 'mine')).toMatchObject({ kind: 'committed' });
    expect(await commits(table)).toEqual(['mine', `${table}-1`]);
  });

  describe('a Glue that lies by chance', () => {
    const SEEDS = Number(process.env.TAILRACE_SEEDS ?? 3);
    const LIES: readonly GlueAction[] = [
      { kind: 'reset' },
      { kind: 'lose reply' },
      { kind: 'apply late', ms: 40 },
      { kind: 'delay', ms: 20 },
      { kind: 'answer', status: 502 },
      { kind: 'answer', status: 429 },
      { kind: 'answer', status: 400, code: 'ThrottlingException' },
      { kind: 'answer', status: 400, code: 'ConcurrentModificationException' },
      { kind: 'answer', status: 500, code: 'InternalServiceException' },
      { kind: 'apply and answer', status: 400, code: 'ConcurrentModificationException' },
      { kind: 'apply and answer', status: 504, code: 'InternalServiceException' },
    ];

    test.each(Array.from({ length: SEEDS }, (_, n) => SEED + n))(
      'faults 1, 2, 3, 7, 20: two writers, seed %i: each commit that is said to be there is there once, no other is',
      async (seed) => {
        const table = await created();
        const random = seeded(seed);
        const said = new Map<string, CommitOutcome['kind']>();
        world.proxy.lie((call) =>
          random() < (call === 'UpdateTable' ? 0.5 : 0.1) ? LIES[Math.floor(random() * LIES.length)] : undefined,
        );
        const writer = async (name: string): Promise<void> => {
          for (let n = 0; n < 8; n += 1) {
            const id = `${name}-${n}`;
            // Few attempts, so that outcomes stay unknown, too; then the next run makes the commit again.
            for (let tries = 0; tries < 60 && said.get(id) !== 'committed'; tries += 1) {
              const outcome = await commit(table, id, { swapAttemptsMax: 2 }).catch(() => undefined);
              said.set(id, outcome?.kind ?? 'conflict');
            }
          }
        };
        await Promise.all([writer('a'), writer('b')]);
        world.proxy.play();
        await new Promise((done) => setTimeout(done, 100));
        expect([...said.values()].every((kind) => kind === 'committed')).toBe(true);
        expect(await commits(table)).toEqual([...said.keys(), `${table}-1`].sort());
      },
    );
  });
});
