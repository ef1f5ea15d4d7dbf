import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CatalogTable } from '../../../src/catalog/port.ts';
import { restCatalog } from '../../../src/catalog/rest/catalog.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import { COMMIT_ID, snapshotIdOf } from '../../../src/table/iceberg/metadata.ts';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import type { Answer, Asked, RestProxy } from '../../servers/rest-proxy.ts';
import { ledgerOf, stagedOf } from '../../table/iceberg/sample.ts';
import { FakeCatalog, refused } from './fake.ts';

// A table that is known whole is asked for in brief. Whatever the catalog makes of that, what a look gives is whole.

const NAME = { namespace: ['shop'], table: 'orders' };
const MANY = 25;
const [ALL, REFS] = ['?snapshots=all', '?snapshots=refs'];
const storage = memoryStorage();
let fake: FakeCatalog;
let proxy: RestProxy;
let guard: (asked: Asked) => Answer | undefined;

beforeEach(async () => {
  fake = new FakeCatalog(storage.uri('lake'));
  fake.namespaces.add('shop');
  guard = () => undefined;
  proxy = await fake.start((asked) => guard(asked));
});
afterEach(() => fake.stop());

async function opened(): Promise<CatalogTable> {
  const limits = { callTimeoutMs: 2_000, callAttemptsMax: 2, commitAttemptsMax: 2, backoffMs: 1, backoffMsMax: 2 };
  const settings = { type: 'rest', uri: proxy.uri, auth: { kind: 'none' }, credentials: 'own' } as const;
  const catalog = restCatalog('lab', settings, async () => storage, limits);
  return (await catalog.open(NAME, { purpose: 'write' })) ?? expect.fail('no table');
}

/** Ledgers follow one another, as windows do. */
async function commit(table: CatalogTable, id: string): Promise<void> {
  const handle = icebergTable(table);
  const base = await handle.load();
  const staged = stagedOf(id, { operation: base === undefined ? 'create' : 'merge', ledger: ledgerOf(id) });
  expect(await handle.commit(staged, base)).toMatchObject({ kind: 'committed' });
}

/** A table of many snapshots, by the one that has committed the last of them. */
async function grown(): Promise<CatalogTable> {
  const table = await opened();
  for (let n = 1; n <= MANY; n += 1) await commit(table, `c-${n}`);
  proxy.asked.length = 0;
  return table;
}

const there = () => fake.tables.get('shop orders') ?? expect.fail('no table');
/** The queries of looks at the table. */
const looks = (): readonly string[] =>
  proxy.asked.flatMap(({ method, path }) => (method === 'GET' ? [new URL(path, 'http://x').search] : []));
const isWhole = async (table: CatalogTable): Promise<void> => {
  const seen = await table.load();
  expect(seen?.metadata).toEqual(there().metadata);
  expect(seen?.metadataLocation).toBe(there().location);
};

test('what we have committed is looked at in brief, and known whole', async () => {
  const table = await grown();
  await isWhole(table);
  await isWhole(table);
  expect(looks()).toEqual([REFS, REFS]);
});

test('faults 1, 14: after another’s commit all of it is read: our commit is found behind it, in the history', async () => {
  const [ours, other] = [await grown(), await opened()];
  await commit(other, 'theirs-1');
  await commit(other, 'theirs-2');
  proxy.asked.length = 0;
  await isWhole(ours);
  expect(looks()).toEqual([REFS, ALL]);
  const again = await icebergTable(ours).commit(stagedOf(`c-${MANY}`), await icebergTable(ours).load());
  expect(again).toMatchObject({ kind: 'committed', snapshot: snapshotIdOf(`c-${MANY}`).toString() });
  expect(there().metadata.snapshots?.filter((one) => one.summary[COMMIT_ID] === `c-${MANY}`).length).toBe(1);
});

test('a table that was rolled back is refused, although its last snapshot stands in no branch', async () => {
  const table = await grown();
  const { metadata } = there();
  const former = snapshotIdOf('c-3');
  const refs = { main: { 'snapshot-id': former, type: 'branch' as const } };
  const rolled = { ...metadata, 'current-snapshot-id': former, refs, 'last-updated-ms': Date.now() };
  fake.tables.set('shop orders', { metadata: rolled, location: `${metadata.location}/metadata/back.metadata.json` });
  await expect(icebergTable(table).load()).rejects.toMatchObject({
    code: 'TARGET_BAD',
    hint: expect.stringContaining(`Set the current snapshot to ${snapshotIdOf(`c-${MANY}`)} again`),
  });
});

test('another state under the same place is not taken for the one that is known', async () => {
  const table = await grown();
  const { metadata, location } = there();
  const rolled = { ...metadata, 'current-snapshot-id': snapshotIdOf('c-3') };
  fake.tables.set('shop orders', { metadata: rolled, location });
  await isWhole(table);
});

test('a catalog that does not know the parameter is asked so once', async () => {
  const table = await grown();
  fake.leavesOut = false;
  for (let n = 0; n < 3; n += 1) await isWhole(table);
  expect(looks()).toEqual([REFS, ALL, ALL]);
});

test('a catalog that refuses the parameter is asked so once', async () => {
  guard = ({ path }) => (path.includes('snapshots=refs') ? refused(400, 'BadRequest', 'unknown parameter') : undefined);
  const table = await grown();
  for (let n = 0; n < 3; n += 1) await isWhole(table);
  // Whoever has grown it has already learnt that.
  expect(looks()).toEqual([ALL, ALL, ALL]);
});

test('a table that is gone is gone', async () => {
  const table = await grown();
  fake.tables.clear();
  expect(await table.load()).toBeUndefined();
});

describe('an ETag', () => {
  const sent = (): readonly (string | undefined)[] => proxy.asked.map(({ headers }) => headers['if-none-match']);

  test('of a load or a commit goes before: one question, whatever the answer; also for the first look', async () => {
    fake.etags = 'all';
    const ours = await grown();
    const other = await opened();
    for (const table of [ours, other]) {
      proxy.asked.length = 0;
      await isWhole(table);
      expect([looks(), sent()]).toEqual([[ALL], [`"${there().location}"`]]);
    }
    await commit(other, 'theirs');
    proxy.asked.length = 0;
    await isWhole(ours);
    expect(looks()).toEqual([ALL]);
  });

  test('that loads alone have: what we have committed is looked at in brief', async () => {
    fake.etags = 'loads';
    await isWhole(await grown());
    expect(looks()).toEqual([REFS]);
  });

  test('that is another one for a commit is not heeded again', async () => {
    const table = await grown();
    fake.etags = 'own';
    await commit(table, 'next');
    proxy.asked.length = 0;
    for (let n = 0; n < 3; n += 1) await isWhole(table);
    expect(looks()).toEqual([ALL, REFS, REFS]);
  });
});
