import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Catalog, CatalogTable, FileAccess, OpenTableOptions, TableName } from '../../../src/catalog/port.ts';
import { restCatalog } from '../../../src/catalog/rest/catalog.ts';
import type { RestSettings } from '../../../src/model/catalog.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import type { Answer, Asked, RestProxy } from '../../servers/rest-proxy.ts';
import { ledgerOf, stagedOf } from '../../table/iceberg/sample.ts';
import { FakeCatalog, refused } from './fake.ts';

const NAME: TableName = { namespace: ['shop'], table: 'orders' };
const QUICK = { callTimeoutMs: 2_000, callAttemptsMax: 2, commitAttemptsMax: 2, backoffMs: 1, backoffMsMax: 2 };

let fake: FakeCatalog;
let proxy: RestProxy;
let guard: (asked: Asked) => Answer | undefined;
const storage = memoryStorage();
let accesses: (FileAccess | undefined)[] = [];

beforeEach(async () => {
  fake = new FakeCatalog(storage.uri('lake'));
  fake.namespaces.add('shop');
  guard = () => undefined;
  accesses = [];
  proxy = await fake.start((asked) => guard(asked));
});
afterEach(() => fake.stop());

function connect(settings: Partial<RestSettings> = {}): Catalog {
  const all: RestSettings = {
    type: 'rest',
    uri: proxy.uri,
    auth: { kind: 'none' },
    credentials: 'vended',
    ...settings,
  };
  const files = async (_uri: string, access?: FileAccess) => {
    accesses.push(access);
    return storage;
  };
  return restCatalog('lab', all, files, QUICK);
}

async function opened(
  catalog = connect(),
  name = NAME,
  options: Partial<OpenTableOptions> = {},
): Promise<CatalogTable> {
  return (await catalog.open(name, { purpose: 'write', ...options })) ?? expect.fail('no table');
}

const commit = async (table: CatalogTable, id = 'c-1') => {
  const handle = icebergTable(table);
  const base = await handle.load();
  return handle.commit(stagedOf(id, { operation: base === undefined ? 'create' : 'merge' }), base);
};
const callsTo = (pattern: RegExp): readonly Asked[] => proxy.asked.filter(({ path }) => pattern.test(path));

describe('addresses', () => {
  test('prefix, separator and another address come from the catalog; names are encoded', async () => {
    const other = await fake.start();
    fake.prefix = 'v1/catalogs/a b';
    fake.separator = '.';
    const overrides = { prefix: 'catalogs/a b', uri: `${other.uri}/`, 'namespace-separator': '%2E' };
    fake.config = { defaults: { prefix: 'nowhere' }, overrides };
    fake.namespaces.add('shop.eu');
    const table = await opened(connect({ warehouse: 'w/1' }), { namespace: ['shop', 'eu'], table: 'a/b é' });
    expect(await commit(table)).toMatchObject({ kind: 'committed' });
    expect([...fake.tables.keys()]).toEqual(['shop.eu a/b é']);
    expect(proxy.asked.map(({ path }) => path)).toEqual(['/v1/config?warehouse=w%2F1']);
    expect(other.asked[0]?.path).toBe('/v1/catalogs/a%20b/namespaces/shop.eu/tables/a%2Fb%20%C3%A9?snapshots=all');
    await other.stop();
  });

  test('headers of the settings go with every request', async () => {
    await opened(connect({ headers: { 'Polaris-Realm': 'r' } }));
    expect(new Set(proxy.asked.map(({ headers }) => headers['polaris-realm']))).toEqual(new Set(['r']));
  });

  test('lists all namespaces, nested ones too, and the tables of all pages', async () => {
    for (const name of ['shop\u001feu', 'shop\u001feu\u001fde', 'other']) fake.namespaces.add(name);
    const catalog = connect();
    expect((await catalog.namespaces()).map((parts) => parts.join('.')).sort()).toEqual([
      'other',
      'shop',
      'shop.eu',
      'shop.eu.de',
    ]);
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const table of names) await commit(await opened(catalog, { namespace: ['shop'], table }), `c-${table}`);
    expect((await catalog.tables(['shop'])).map(({ name }) => name.table)).toEqual(names);
  });
});

describe('numbers', () => {
  test('of 64 bits are exact, both ways', async () => {
    const table = await opened();
    for (const id of ['c-1', 'c-2', 'c-3']) expect(await commit(table, id)).toMatchObject({ kind: 'committed' });
    const there = fake.tables.get('shop orders')?.metadata;
    const seen = (await table.load())?.metadata;
    expect(there?.snapshots?.length).toBe(3);
    expect(seen?.snapshots).toEqual(there?.snapshots);
    expect(there?.snapshots?.map((one) => one['snapshot-id'] > 2n ** 53n)).toEqual([true, true, true]);
  });
});

describe('a catalog that cannot prepare a table', () => {
  beforeEach(() => {
    fake.staging = false;
  });

  test('holds its place by an empty one, which is no table until its first commit', async () => {
    const table = await opened();
    const made = fake.tables.get('shop orders')?.metadata ?? expect.fail('no table');
    expect(made.properties).toMatchObject({ 'tailrace.pending': 'true' });
    expect(await table.load()).toBeUndefined();
    expect(await connect().open(NAME, { purpose: 'read' })).toBeUndefined();
    expect(await commit(table)).toMatchObject({ kind: 'committed' });
    const now = fake.tables.get('shop orders')?.metadata ?? expect.fail('no table');
    expect(now['table-uuid']).toBe(made['table-uuid']);
    expect(now.location).toBe(made.location);
    expect(now.properties?.['tailrace.pending']).toBeUndefined();
    expect((await icebergTable(table).load())?.schema).toEqual(stagedOf('c-1').schema);
    expect((await icebergTable(table).load())?.ledger).toEqual(ledgerOf('c-1'));
  });

  test('fault 8: a run that died before its first commit left it, and the next one takes it over', async () => {
    await opened();
    const second = await opened();
    expect(await commit(second)).toMatchObject({ kind: 'committed' });
    expect(callsTo(/\/tables$/).filter(({ method }) => method === 'POST').length).toBe(2);
  });

  test('one that another writer has put rows into is a table, whatever it is marked as', async () => {
    await opened();
    const made = fake.tables.get('shop orders') ?? expect.fail('no table');
    await commit(await opened());
    const { metadata, location } = fake.tables.get('shop orders') ?? expect.fail('no table');
    const properties = { ...metadata.properties, ...made.metadata.properties };
    fake.tables.set('shop orders', { metadata: { ...metadata, properties }, location });
    expect(await (await opened()).load()).toBeDefined();
    expect(await connect().open(NAME, { purpose: 'read' })).toBeDefined();
  });

  test('fault 11: of two first loads on it one wins', async () => {
    const [a, b] = [await opened(), await opened(connect())];
    expect(await commit(a, 'a')).toMatchObject({ kind: 'committed' });
    expect(await icebergTable(b).commit(stagedOf('b'), undefined)).toMatchObject({ kind: 'conflict' });
    expect((await icebergTable(b).load())?.ledger?.commitId).toBe('a');
  });

  test('fault 3: one that another run has created at the same moment is taken over', async () => {
    let first = true;
    guard = (asked) => {
      if (asked.method !== 'POST' || !asked.path.endsWith('/tables') || asked.body.includes('"stage-create":true'))
        return undefined;
      if (!first) return undefined;
      first = false;
      fake.answer(asked);
      return undefined;
    };
    expect(await commit(await opened())).toMatchObject({ kind: 'committed' });
  });
});

test('a catalog that numbers the columns of a new table anew is caught at once', async () => {
  fake.renumbers = true;
  await expect(commit(await opened())).rejects.toMatchObject({
    code: 'CATALOG',
    hint: expect.stringContaining('Drop'),
  });
});

test('tables of other format versions are refused with the remedy', async () => {
  await commit(await opened());
  const there = fake.tables.get('shop orders') ?? expect.fail('no table');
  fake.tables.set('shop orders', { ...there, metadata: { ...there.metadata, 'format-version': 1 } });
  await expect(opened()).rejects.toMatchObject({ code: 'TARGET_BAD', hint: expect.stringContaining('Upgrade') });
});

describe('namespaces', () => {
  const name: TableName = { namespace: ['new', 'one'], table: 't' };

  test('are made on request alone', async () => {
    await expect(opened(connect(), name)).rejects.toMatchObject({
      code: 'CATALOG',
      hint: expect.stringContaining('--create-namespace'),
    });
    await opened(connect(), name, { createNamespace: true });
    expect([...fake.namespaces]).toContain('new\u001fone');
    expect(fake.tables.size).toBe(0);
  });

  test('that may not be looked at may still be written to', async () => {
    guard = ({ method, path }) =>
      method === 'GET' && path.endsWith('/shop') ? refused(403, 'Forbidden', 'no') : undefined;
    await opened();
  });
});

test('a location of the user’s goes to the catalog, and is where the table lies', async () => {
  const table = await opened(connect(), NAME, { location: storage.uri('mine/orders') });
  expect(table.folder).toBe('mine/orders');
  expect(table.assigned).toBe(false);
  expect(await commit(table)).toMatchObject({ kind: 'committed' });
  expect(fake.tables.get('shop orders')?.metadata.location).toBe(storage.uri('mine/orders'));
});

test('a catalog that does not heed the location when it prepares a table is told again; one that creates it is refused', async () => {
  const wanted = storage.uri('mine/orders');
  guard = (asked) => {
    if (!asked.path.endsWith('/tables') || !asked.body.includes('"location"')) return undefined;
    return fake.answer({ ...asked, body: asked.body.replace(/"location":"[^"]*",/, '') });
  };
  const table = await opened(connect(), NAME, { location: wanted });
  expect(table.folder).toBe('mine/orders');
  await commit(table);
  expect(fake.tables.get('shop orders')?.metadata.location).toBe(wanted);
  fake.tables.clear();
  fake.staging = false;
  await expect(opened(connect(), NAME, { location: wanted })).rejects.toMatchObject({
    code: 'CATALOG',
    expected: wanted,
  });
});

describe('access to files', () => {
  const keys = (id: string, endsAtMs?: number) => ({
    's3.access-key-id': id,
    's3.secret-access-key': `secret of ${id}`,
    's3.session-token': `token of ${id}`,
    ...(endsAtMs === undefined ? {} : { 's3.session-token-expires-at-ms': String(endsAtMs) }),
  });

  test('is asked for, and taken from the credentials with the longest fitting prefix', async () => {
    fake.vends = () => ({
      config: { 'client.region': 'eu-west-1', 's3.endpoint': 'http://store:9000', 's3.path-style-access': 'true' },
      'storage-credentials': [
        { prefix: 's3', config: keys('wide') },
        { prefix: storage.uri('lake/shop'), config: keys('narrow') },
        { prefix: storage.uri('lake'), config: keys('middle') },
        { prefix: storage.uri('elsewhere'), config: keys('other') },
      ],
    });
    await opened();
    const [access] = accesses;
    expect(access).toMatchObject({ region: 'eu-west-1', endpoint: 'http://store:9000', forcePathStyle: true });
    expect(await access?.credentials?.()).toEqual({
      accessKeyId: 'narrow',
      secretAccessKey: 'secret of narrow',
      sessionToken: 'token of narrow',
    });
    expect(callsTo(/tables/)[0]?.headers['x-iceberg-access-delegation']).toBe('vended-credentials');
  });

  test.each([
    ['prepared', false],
    ['there', true],
  ])('fault 20: credentials of a table that is %s are renewed before they end', async (_name, there) => {
    if (there) await commit(await opened());
    accesses = [];
    let given = 0;
    fake.vends = () => {
      given += 1;
      return { config: keys(`k${given}`, Date.now() + (given < 3 ? 60_000 : 3_600_000)) };
    };
    await opened();
    const credentials = accesses[0]?.credentials ?? expect.fail('no credentials');
    const both = await Promise.all([credentials(), credentials()]);
    expect(both.map(({ accessKeyId }) => accessKeyId)).toEqual(['k2', 'k2']);
    expect((await credentials()).accessKeyId).toBe('k3');
    expect((await credentials()).accessKeyId).toBe('k3');
    expect(given).toBe(3);
  });

  test('that the catalog would sign itself is refused, unless the user has his own', async () => {
    fake.vends = () => ({ config: { 's3.remote-signing-enabled': 'true' } });
    await expect(opened()).rejects.toMatchObject({
      code: 'CATALOG',
      found: 's3.remote-signing-enabled=true',
      hint: expect.stringContaining('credentials: own'),
    });
    await opened(connect({ credentials: 'own' }));
    expect(accesses).toEqual([{}]);
    expect(callsTo(/tables/).at(-1)?.headers['x-iceberg-access-delegation']).toBeUndefined();
  });

  test('is not asked for with every look at the table', async () => {
    const table = await opened();
    proxy.asked.length = 0;
    await commit(table);
    expect(proxy.asked.map(({ headers }) => headers['x-iceberg-access-delegation'])).not.toContain(
      'vended-credentials',
    );
  });
});

describe('outcomes', () => {
  test('fault 2: a refusal proves nothing while an earlier attempt might still take effect', async () => {
    const table = await opened();
    await commit(table);
    const replies = [503, 409];
    let held: Asked | undefined;
    guard = (asked) => {
      const status = asked.method === 'POST' ? replies.shift() : undefined;
      if (status === undefined) return undefined;
      held ??= asked;
      return refused(status, 'CommitFailed', 'another commit of this table is under way');
    };
    expect(await commit(table, 'c-2')).toMatchObject({ kind: 'unknown' });
    expect(replies).toEqual([]);
    fake.answer(held ?? expect.fail('nothing was sent'));
    expect(await commit(table, 'c-2')).toMatchObject({ kind: 'committed' });
  });

  test('a refusal of the only attempt is a conflict', async () => {
    const table = await opened();
    await commit(table);
    guard = ({ method }) => (method === 'POST' ? refused(409, 'CommitFailed', 'another was first') : undefined);
    expect(await commit(table, 'c-2')).toMatchObject({ kind: 'conflict' });
  });
});

describe('taking in a table', () => {
  test('a retry that met its own success is no error, another table is', async () => {
    let sent = 0;
    const there = await opened();
    await commit(there);
    const { location } = fake.tables.get('shop orders') ?? expect.fail('no table');
    guard = ({ path }) => {
      if (!path.endsWith('/register')) return undefined;
      sent += 1;
      return refused(409, 'AlreadyExists', 'orders');
    };
    const catalog = connect();
    await catalog.register(NAME, location);
    await expect(catalog.register(NAME, `${location}x`)).rejects.toMatchObject({ code: 'CATALOG' });
    expect(sent).toBe(2);
  });
});
