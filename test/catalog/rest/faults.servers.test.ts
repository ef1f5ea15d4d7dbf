import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CatalogTable } from '../../../src/catalog/port.ts';
import { restCatalog } from '../../../src/catalog/rest/catalog.ts';
import type { RestLimits } from '../../../src/catalog/rest/limits.ts';
import type { CommitOutcome, TableState } from '../../../src/model/table.ts';
import { openAnywhere } from '../../../src/storage/anywhere.ts';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import { JAVA, REST_JARS, serverOrSkip } from '../../servers/available.ts';
import { startRestCatalog } from '../../servers/rest-catalog.ts';
import { type Answer, type Asked, type Lie, type RestProxy, startRestProxy } from '../../servers/rest-proxy.ts';
import { fileOf, stagedOf } from '../../table/iceberg/sample.ts';

// The reference REST catalog behind a proxy that loses, delays and forges what passes through it.

const QUICK: Partial<RestLimits> = {
  callTimeoutMs: 10_000,
  commitTimeoutMs: 10_000,
  callAttemptsMax: 3,
  commitAttemptsMax: 3,
  backoffMs: 10,
  backoffMsMax: 40,
};
const HTML: Answer = { status: 502, body: '<html><head><title>502 Bad Gateway</title></head><body>…</body></html>' };

const isCommit = ({ method, path }: Asked): boolean => method === 'POST' && /\/tables\/[^/]+$/.test(path);
/** A lie about the first `count` commits; whatever else is asked passes. */
const onCommit = (lie: Lie, count = 1): Lie => {
  let left = count;
  return async (asked, pass) => {
    if (!isCommit(asked) || left === 0) return pass();
    left -= 1;
    return lie(asked, pass);
  };
};
const saying =
  (answer: Answer | 'cut'): Lie =>
  async () =>
    answer;
const appliedBut =
  (answer: Answer | 'cut'): Lie =>
  async (_, pass) => {
    await pass();
    return answer;
  };

serverOrSkip('a REST catalog that lies', [JAVA, REST_JARS], () => {
  let server: Awaited<ReturnType<typeof startRestCatalog>>;
  let proxy: RestProxy;
  let table: CatalogTable;
  let honest: CatalogTable;
  let tables = 0;

  const open = async (uri: string, limits = QUICK): Promise<CatalogTable> => {
    const catalog = restCatalog(
      'lab',
      { type: 'rest', uri, auth: { kind: 'none' }, credentials: 'vended' },
      files,
      limits,
    );
    const name = { namespace: ['shop'], table: `t${tables}` };
    return (await catalog.open(name, { purpose: 'write', createNamespace: true })) ?? expect.fail('no table');
  };
  const files = (uri: string) => openAnywhere(uri, { aws: {} });
  const commit = async (id: string, base: TableState | undefined, on = table): Promise<CommitOutcome> => {
    const path = on.storage.uri(`${on.folder}/data/${id}.parquet`);
    const operation = base === undefined ? 'create' : 'merge';
    return icebergTable(on).commit(stagedOf(id, { operation, files: [fileOf(path)] }), base);
  };
  const state = async (): Promise<TableState> => (await icebergTable(honest).load()) ?? expect.fail('no table');
  const data = async (): Promise<readonly string[]> =>
    (await icebergTable(honest).dataFiles()).map(({ path }) => path.replace(/^.*\//, '')).sort();
  const written = async (): Promise<number> => {
    let count = 0;
    for await (const { key } of honest.storage.list(`${honest.folder}/metadata/`))
      if (key.endsWith('.avro')) count += 1;
    return count;
  };
  const commits = (): number => proxy.asked.filter(isCommit).length;

  beforeAll(async () => {
    server = await startRestCatalog();
    proxy = await startRestProxy(server.uri);
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });
  beforeEach(async () => {
    tables += 1;
    proxy.lie = (_, pass) => pass();
    table = await open(proxy.uri);
    honest = await open(server.uri);
    proxy.asked.length = 0;
  });

  describe.each([
    ['creating', false],
    ['merging', true],
  ] as const)('%s', (_, merging) => {
    let base: TableState | undefined;
    const before = merging ? ['c-0.parquet'] : [];

    beforeEach(async () => {
      base = undefined;
      if (!merging) return;
      await commit('c-0', undefined, honest);
      base = await state();
    });

    test.each<[string, Answer | 'cut']>([
      ['a cut connection', 'cut'],
      ['500', { status: 500, body: '{"error":{"message":"no","type":"CommitStateUnknownException","code":500}}' }],
      ['502 as HTML', HTML],
      ['503', { status: 503, body: '' }],
      ['504', { status: 504, body: 'upstream timed out' }],
      ['200 with a page of a proxy', { status: 200, body: '<html>Welcome</html>' }],
    ])('fault 1: applied, and answered by %s: found by reading, and not sent again', async (_name, answer) => {
      proxy.lie = onCommit(appliedBut(answer));
      expect(await commit('c-1', base)).toMatchObject({ kind: 'committed' });
      expect(commits()).toBe(1);
      expect(await data()).toEqual([...before, 'c-1.parquet']);
    });

    test('fault 1: applied, and the reply never comes', async () => {
      proxy.lie = onCommit(async (_asked, pass) => {
        const answer = await pass();
        await sleep(1_500);
        return answer;
      });
      const hasty = await open(proxy.uri, { ...QUICK, commitTimeoutMs: 500 });
      expect(await commit('c-1', base, hasty)).toMatchObject({ kind: 'committed' });
      expect(await data()).toEqual([...before, 'c-1.parquet']);
    });

    test.each<[string, Answer | 'cut']>([
      ['a cut connection', 'cut'],
      ['503', { status: 503, body: '' }],
      ['429', { status: 429, body: '{}', headers: { 'retry-after': '0' } }],
    ])(
      'fault 20: not applied, and answered by %s: the table is read, and the commit sent again',
      async (_n, answer) => {
        proxy.lie = onCommit(saying(answer));
        expect(await commit('c-1', base)).toMatchObject({ kind: 'committed' });
        expect(commits()).toBe(2);
        expect(await data()).toEqual([...before, 'c-1.parquet']);
      },
    );

    test('fault 3: 409 for what a retry on the way had committed itself', async () => {
      proxy.lie = onCommit(async (_asked, pass) => {
        await pass();
        return pass();
      });
      expect(await commit('c-1', base)).toMatchObject({ kind: 'committed' });
      expect(await data()).toEqual([...before, 'c-1.parquet']);
    });

    test('fault 2: applied after it was looked for: the same commit that is sent meanwhile takes effect once', async () => {
      const late: Promise<unknown>[] = [];
      proxy.lie = onCommit(async (_asked, pass) => {
        late.push(sleep(30).then(pass));
        return 'cut';
      });
      expect(await commit('c-1', base)).toMatchObject({ kind: 'committed' });
      await Promise.all(late);
      expect(await data()).toEqual([...before, 'c-1.parquet']);
      expect(await commit('c-1', base)).toMatchObject({ kind: 'committed' });
    });

    test('faults 2, 7: what never shows is unknown, no file goes, and applied late it is whole', async () => {
      const late: (() => Promise<Answer>)[] = [];
      proxy.lie = onCommit(async (_asked, pass) => {
        late.push(pass);
        return 'cut';
      }, 99);
      const outcome = await commit('c-1', base);
      expect(outcome).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('does not show it yet') });
      expect(commits()).toBe(3);
      const there = await written();
      expect(there).toBeGreaterThan(0);
      expect((await late[0]?.())?.status).toBe(200);
      expect((await late[1]?.())?.status).toBe(409);
      expect(await data()).toEqual([...before, 'c-1.parquet']);
      expect(await written()).toBe(there);
      proxy.lie = (_asked, pass) => pass();
      expect(await commit('c-1', base)).toMatchObject({ kind: 'committed' });
    });

    test('faults 1, 7: unknown, too, when the table cannot be read', async () => {
      proxy.lie = async (asked, pass) => {
        if (!isCommit(asked)) return commits() === 0 ? pass() : 'cut';
        await pass();
        return 'cut';
      };
      const outcome = await commit('c-1', base);
      expect(outcome).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('cannot be read') });
      expect(await data()).toEqual([...before, 'c-1.parquet']);
    });

    test('fault 14: unknown, but another writer came first: a conflict for certain, and its own files go', async () => {
      proxy.lie = onCommit(async () => {
        expect(await commit('other', base, honest)).toMatchObject({ kind: 'committed' });
        return 'cut';
      });
      const there = await written();
      expect(await commit('c-1', base)).toMatchObject({
        kind: 'conflict',
        reason: expect.stringContaining(merging ? 'Another writer has committed' : 'assert-create'),
      });
      expect(await data()).toEqual([...before, 'other.parquet']);
      expect(await written()).toBe(there + 2);
    });

    test('fault 20: a refusal for certain is told with the catalog’s own words', async () => {
      proxy.lie = onCommit(
        saying({ status: 403, body: '{"error":{"message":"not you","type":"Forbidden","code":403}}' }),
      );
      await expect(commit('c-1', base)).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
        found: 'Forbidden: not you (HTTP 403)',
      });
      proxy.lie = onCommit(saying({ status: 400, body: 'what?' }));
      await expect(commit('c-1', base)).rejects.toMatchObject({ code: 'CATALOG', found: 'what? (HTTP 400)' });
      expect(commits()).toBe(2);
    });
  });

  test('reading is tried again, and then given up', async () => {
    await commit('c-0', undefined, honest);
    let left = 2;
    proxy.lie = async (_asked, pass) => {
      left -= 1;
      return left >= 0 ? HTML : pass();
    };
    expect((await icebergTable(table).load())?.rows).toBe(3);
    proxy.lie = saying('cut');
    await expect(icebergTable(table).load()).rejects.toMatchObject({ code: 'UNREACHABLE' });
    proxy.lie = saying(HTML);
    await expect(icebergTable(table).load()).rejects.toMatchObject({
      code: 'UNREACHABLE',
      found: '502 Bad Gateway (HTTP 502)',
    });
  });

  test('fault 19: a table that is dropped in the middle of a commit is a conflict', async () => {
    await commit('c-0', undefined, honest);
    const base = await state();
    proxy.lie = onCommit(async (asked, pass) => {
      await fetch(`${server.uri}${asked.path}`, { method: 'DELETE' });
      return pass();
    });
    expect(await commit('c-1', base)).toMatchObject({ kind: 'conflict' });
  });

  test('a redirect is not followed, since the token would go with it', async () => {
    proxy.lie = saying({ status: 307, body: '', headers: { location: `${server.uri}/v1/config` } });
    await expect(open(proxy.uri)).rejects.toMatchObject({
      code: 'CATALOG',
      hint: expect.stringContaining('at another address'),
    });
  });
});
