import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Catalog } from '../../../src/catalog/port.ts';
import { restCatalog } from '../../../src/catalog/rest/catalog.ts';
import type { RestAuth } from '../../../src/model/catalog.ts';
import { TailraceError } from '../../../src/model/errors.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import type { Answer, Asked, RestProxy } from '../../servers/rest-proxy.ts';
import { stagedOf } from '../../table/iceberg/sample.ts';
import { FakeCatalog, refused } from './fake.ts';

const NAME = { namespace: ['shop'], table: 'orders' };
const SECRET = 's3cr3t/of+the=client';
const storage = memoryStorage();

let fake: FakeCatalog;
let proxy: RestProxy;
/** Tokens that the catalog takes now. */
let valid: Set<string>;
let lifeSeconds: number | undefined;
let given: number;
let tokenAnswer: ((asked: Asked) => Answer | undefined) | undefined;

beforeEach(async () => {
  process.env['LAB_SECRET'] = SECRET;
  fake = new FakeCatalog(storage.uri('lake'));
  fake.namespaces.add('shop');
  [valid, lifeSeconds, given, tokenAnswer] = [new Set(), 3600, 0, undefined];
  proxy = await fake.start((asked) => {
    if (asked.path.endsWith('/tokens')) return tokenAnswer?.(asked) ?? fresh();
    const token = asked.headers['authorization']?.replace('Bearer ', '') ?? 'none';
    return valid.has(token) ? undefined : refused(419, 'AuthenticationTimeout', 'token ended');
  });
});
afterEach(async () => {
  delete process.env['LAB_SECRET'];
  await fake.stop();
});

function fresh(): Answer {
  given += 1;
  valid = new Set([`t${given}`]);
  const body = { access_token: `t${given}`, token_type: 'bearer', expires_in: lifeSeconds };
  return { status: 200, body: JSON.stringify(body) };
}

function connect(auth: RestAuth): Catalog {
  const limits = { callTimeoutMs: 2_000, callAttemptsMax: 2, backoffMs: 1, backoffMsMax: 2 };
  const settings = { type: 'rest', uri: proxy.uri, auth, credentials: 'vended' } as const;
  return restCatalog('lab', settings, async () => storage, limits);
}

const CLIENT = { kind: 'oauth2', clientId: 'tailrace', clientSecretEnv: 'LAB_SECRET' } as const;
const tokenCalls = (): readonly Asked[] => proxy.asked.filter(({ path }) => path.endsWith('/tokens'));
const open = async (catalog: Catalog) => (await catalog.open(NAME, { purpose: 'write' })) ?? expect.fail('no table');
const commit = async (catalog: Catalog, id: string) => {
  const handle = icebergTable(await open(catalog));
  const base = await handle.load();
  return handle.commit(stagedOf(id, { operation: base === undefined ? 'create' : 'merge' }), base);
};

describe('OAuth2 client credentials', () => {
  test('give one token for all requests, as long as it lives', async () => {
    const catalog = connect({ ...CLIENT, scope: 'a b', audience: 'lake', resource: 'urn:r' });
    await Promise.all([open(catalog), open(catalog)]);
    await commit(catalog, 'c-1');
    expect(tokenCalls().length).toBe(1);
    const [asked] = tokenCalls();
    expect(asked?.path).toBe('/v1/oauth/tokens');
    expect(Object.fromEntries(new URLSearchParams(asked?.body))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'tailrace',
      client_secret: SECRET,
      scope: 'a b',
      audience: 'lake',
      resource: 'urn:r',
    });
  });

  test('fault 20: a token is renewed before it ends', async () => {
    lifeSeconds = 0.05;
    const catalog = connect(CLIENT);
    await open(catalog);
    await new Promise((done) => setTimeout(done, 60));
    await open(catalog);
    expect(given).toBeGreaterThan(1);
    expect(proxy.asked.filter(({ headers }) => headers['authorization'] === undefined)).toEqual(tokenCalls());
  });

  test('fault 20: one that the catalog refuses is renewed, also in the middle of a commit, which is made once', async () => {
    const catalog = connect(CLIENT);
    const handle = icebergTable(await open(catalog));
    await handle.commit(stagedOf('c-1'), undefined);
    const base = await handle.load();
    proxy.lie = async (asked) => {
      if (asked.path.endsWith('/tokens')) return fresh();
      // The token ends between the last look and the commit.
      if (asked.method === 'POST' && given === 1) return refused(401, 'NotAuthorized', 'token ended');
      return fake.answer(asked);
    };
    const outcome = await handle.commit(stagedOf('c-2', { operation: 'merge' }), base);
    expect(outcome).toMatchObject({ kind: 'committed' });
    expect(given).toBe(2);
    expect(fake.tables.get('shop orders')?.metadata.snapshots?.length).toBe(2);
  });

  test('a token that is refused although it is fresh is told, and not asked for forever', async () => {
    tokenAnswer = () => ({ status: 200, body: JSON.stringify({ access_token: 'useless' }) });
    await expect(open(connect(CLIENT))).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(tokenCalls().length).toBe(2);
  });

  test('come from the server that is named', async () => {
    const other = await fake.start(() => fresh());
    await open(connect({ ...CLIENT, serverUri: `${other.uri}/realms/x/token` }));
    expect(other.asked.map(({ path }) => path)).toEqual(['/realms/x/token']);
    expect(tokenCalls()).toEqual([]);
    await other.stop();
  });

  test.each<[string, Answer, string, string]>([
    [
      'wrong credentials',
      { status: 401, body: '{"error":"invalid_client","error_description":"unknown client"}' },
      'ACCESS_DENIED',
      'invalid_client: unknown client',
    ],
    ['a page', { status: 404, body: '<html><title>Not here</title></html>' }, 'ACCESS_DENIED', 'Not here (HTTP 404)'],
    ['no token', { status: 200, body: `{"secret":"${SECRET}"}` }, 'ACCESS_DENIED', 'a reply without access_token'],
    ['its own fault', { status: 500, body: '' }, 'ACCESS_DENIED', 'no message (HTTP 500)'],
  ])('a server that answers with %s is told, and no secret with it', async (_name, answer, code, found) => {
    tokenAnswer = () => answer;
    const thrown: unknown = await open(connect(CLIENT)).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code, found });
    expect(thrown).toBeInstanceOf(TailraceError);
    expect(inspect(thrown, { depth: 10 })).not.toContain(SECRET);
  });

  test('fault 20: a server that fails for a moment is asked again', async () => {
    let left = 1;
    tokenAnswer = () => {
      left -= 1;
      return left >= 0 ? { status: 503, body: '' } : undefined;
    };
    await open(connect(CLIENT));
    expect(tokenCalls().length).toBe(2);
  });
});

describe('a bearer token', () => {
  test('is the variable’s value, and cannot be renewed', async () => {
    valid.add(SECRET);
    const catalog = connect({ kind: 'bearer', tokenEnv: 'LAB_SECRET' });
    await open(catalog);
    valid.clear();
    const thrown: unknown = await open(catalog).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: 'ACCESS_DENIED', hint: expect.stringContaining('token') });
    expect(inspect(thrown, { depth: 10 })).not.toContain(SECRET);
    expect(proxy.asked.at(-1)?.headers['authorization']).toBe(`Bearer ${SECRET}`);
  });

  test('whose variable is not set is a mistake in the configuration', () => {
    expect(() => connect({ kind: 'bearer', tokenEnv: 'NOT_SET_AT_ALL' })).toThrow(
      expect.objectContaining({ code: 'CONFIG', place: 'NOT_SET_AT_ALL' }),
    );
  });
});
