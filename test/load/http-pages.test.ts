import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadOptions } from '../../src/index.ts';
import { type DynamoServer, startDynalite } from '../servers/dynamodb-local.ts';
import { api, json } from './api.ts';
import { itemsOf, makeTable } from './dynamo.ts';
import { loadInto, useFolder } from './run.ts';

// What servers do to their pages that the plain way from one to the next does not meet.

useFolder();
let server: DynamoServer;
beforeAll(async () => {
  server = await startDynalite();
});
afterAll(() => server?.stop());

const run = async (url: string, table: string, options: Partial<LoadOptions> = {}) =>
  loadInto(server.endpoint, url, table, { ...options, http: { retries: 1, timeoutMs: 2_000, ...options.http } });

const page = (at: number, next: unknown): object => ({ data: [{ id: `i${at}` }], next });

describe('pages that are packed', () => {
  test.each([
    ['application/octet-stream', true],
    ['application/json', true],
    ['application/json', false],
  ])('gzip as %s without a content-encoding (%s): the way to the next page is in it', async (type, packed) => {
    const source = await api((url, reply) => {
      const at = Number(url.searchParams.get('at') ?? 0);
      const body = JSON.stringify(page(at, at < 3 ? `?at=${at + 1}` : null));
      reply.writeHead(200, { 'content-type': type });
      reply.end(packed ? gzipSync(body) : body);
    });
    const table = await makeTable(server.endpoint, 'id:S');
    const report = await run(`${source.origin}/x`, table, { items: 'data', http: { nextPath: 'next' } });
    expect(report).toMatchObject({ outcome: 'loaded', pages: 4, counts: { written: 4 }, requests: { retried: 0 } });
  });

  test('fault 35: a page whose gzip ends too early is fetched again', async () => {
    const source = await api((_, reply, call) => {
      const body = gzipSync(JSON.stringify([{ id: 'a', text: 'x'.repeat(1_000) }]));
      reply.writeHead(200, { 'content-type': 'application/json' });
      reply.end(call === 1 ? body.subarray(0, -9) : body);
    });
    const table = await makeTable(server.endpoint, 'id:S');
    expect(await run(source.origin, table)).toMatchObject({ outcome: 'loaded', requests: { retried: 1 } });
    const broken = await api((_, reply) => {
      reply.writeHead(200, { 'content-type': 'application/json' });
      reply.end(gzipSync('[{"id":"a"}]').subarray(0, -9));
    });
    const told = await run(broken.origin, table);
    expect(told.error).toMatchObject({ code: 'INPUT_BAD', message: expect.stringContaining('gzip') });
  });
});

test('a page that is no items is told with its address', async () => {
  const source = await api((url, reply) => {
    if (url.pathname === '/csv') return void reply.writeHead(200, { 'content-type': 'text/csv' }).end('id,id\n1,2\n');
    reply.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>');
  });
  const table = await makeTable(server.endpoint, 'id:S');
  for (const path of ['/page', '/csv'])
    expect((await run(source.origin + path, table)).error).toMatchObject({
      code: 'INPUT_BAD',
      place: source.origin + path,
    });
});

describe('the next page', () => {
  test('that a page names and that is not there is an error, and the next run goes on with it', async () => {
    let there = false;
    const source = await api((url, reply) => {
      const at = Number(url.searchParams.get('at') ?? 0);
      if (at === 2 && !there) return void reply.writeHead(404).end();
      json(reply, page(at, at < 3 ? `?at=${at + 1}` : null));
    });
    const table = await makeTable(server.endpoint, 'id:S');
    const options = { items: 'data', http: { nextPath: 'next' } };
    const first = await run(source.origin, table, options);
    expect(first).toMatchObject({ outcome: 'failed', counts: { written: 2 }, error: { code: 'SOURCE_NOT_FOUND' } });
    there = true;
    // How patiently pages are asked for is no other load: the hint of a page that fails says to give it more.
    const patient = { ...options, http: { ...options.http, retries: 4, timeoutMs: 9_000, maxPageBytes: 1e6 } };
    const second = await run(source.origin, table, patient);
    expect(second).toMatchObject({ outcome: 'loaded', counts: { resumed: 2, written: 2 }, warnings: [] });
  });

  test('is relative to where the page came from, behind redirects', async () => {
    const source = await api((url, reply) => {
      const at = Number(url.searchParams.get('at') ?? 0);
      if (url.pathname === '/old/items') return void reply.writeHead(301, { location: '/new/items' }).end();
      if (url.pathname !== '/new/items') return void reply.writeHead(404).end();
      json(reply, [{ id: `i${at}` }], at < 2 ? { link: `<items?at=${at + 1}>; rel="next"` } : {});
    });
    const table = await makeTable(server.endpoint, 'id:S');
    expect((await run(`${source.origin}/old/items`, table)).counts.written).toBe(3);
    expect(source.calls.map(({ url }) => url.pathname + url.search)).toEqual([
      '/old/items',
      '/new/items',
      '/new/items?at=1',
      '/new/items?at=2',
    ]);
  });
});

test('CSV in pages: the first one decides the types of columns, also for a run that goes on with a later one', async () => {
  let sick = true;
  const pages = ['id,zip,n\na,00123,1\n', 'id,zip,n\nb,12345,x7\n', 'id,zip,n\nc,777,3\n'];
  const source = await api((url, reply) => {
    const at = Number(url.searchParams.get('at') ?? 0);
    if (at === 2 && sick) return void reply.writeHead(400).end();
    const link = at < 2 ? { link: `<?at=${at + 1}>; rel="next"` } : {};
    reply.writeHead(200, { 'content-type': 'text/csv', ...link });
    reply.end(pages[at]);
  });
  const table = await makeTable(server.endpoint, 'id:S');
  expect((await run(source.origin, table)).error?.code).toBe('INPUT_BAD');
  sick = false;
  const report = await run(source.origin, table);
  expect(report).toMatchObject({ outcome: 'loaded', counts: { resumed: 2, written: 1 } });
  expect(report.columns).toEqual({ id: 'string', zip: 'string', n: 'number' });
  expect(await itemsOf(server.endpoint, table)).toEqual([
    '{"id":{"S":"a"},"n":{"N":"1"},"zip":{"S":"00123"}}',
    '{"id":{"S":"b"},"n":{"S":"x7"},"zip":{"S":"12345"}}',
    '{"id":{"S":"c"},"n":{"N":"3"},"zip":{"S":"777"}}',
  ]);
});

describe('secrets', () => {
  test('a server cannot ask for variables: only those that the command names are completed, also by a later run', async () => {
    let sick = true;
    const source = await api((url, reply) => {
      const at = Number(url.searchParams.get('at') ?? 0);
      if (at === 3 && sick) return void reply.writeHead(400).end();
      json(reply, page(at, at < 4 ? `/${at}/\${OTHER_SECRET}?at=${at + 1}&x=\${OTHER_SECRET}&key=\${API_KEY}` : null));
    });
    const env = { API_KEY: 'own-key-1', OTHER_SECRET: 'private-2' };
    const table = await makeTable(server.endpoint, 'id:S');
    const options = { env, items: 'data', http: { nextPath: 'next' } };
    expect((await run(`${source.origin}/?key=\${API_KEY}`, table, options)).error?.code).toBe('INPUT_BAD');
    sick = false;
    const report = await run(`${source.origin}/?key=\${API_KEY}`, table, options);
    expect(report).toMatchObject({ outcome: 'loaded', counts: { resumed: 3, written: 2 } });
    for (const { url } of source.calls) expect(url.href).not.toContain('private-2');
    expect(source.calls[0]?.url.href).toContain('own-key-1');
  });

  test('of a login in the address go in a header, to the first host only, and stand in nothing that is told', async () => {
    const elsewhere = await api((_, reply) => json(reply, page(9, null)));
    const source = await api((url, reply) => {
      const at = Number(url.searchParams.get('at') ?? 0);
      if (at === 2) return void reply.writeHead(302, { location: elsewhere.origin }).end();
      json(reply, page(at, at === 0 ? `http://me:pass%2Fword-3@${url.host}/?at=1` : '?at=2'));
    });
    const table = await makeTable(server.endpoint, 'id:S');
    const address = source.origin.replace('//', '//me:${PASS}@');
    const options = { env: { PASS: 'pass/word-3' }, items: 'data', http: { nextPath: 'next' } };
    const report = await run(address, table, options);
    expect(report).toMatchObject({ outcome: 'loaded', counts: { written: 3 } });
    const login = `Basic ${Buffer.from('me:pass/word-3').toString('base64')}`;
    expect(source.calls.map(({ headers }) => headers.authorization)).toEqual([login, login, login]);
    expect(elsewhere.calls.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    expect(JSON.stringify(report)).not.toMatch(/word-3/);
  });

  test('are concealed however a server spells them', async () => {
    const { Secrets } = await import('../../src/load/http/secrets.ts');
    const secrets = new Secrets({ KEY: 'a/b c+ü.$&' }, ['${KEY}']);
    secrets.reveal('${KEY}', 'here');
    for (const spelling of [
      'a/b c+ü.$&',
      encodeURIComponent('a/b c+ü.$&'),
      'a%2fb%20c%2b%c3%bc.%24%26',
      'a/b+c%2B%C3%BC%2E$&',
    ])
      expect(secrets.conceal(`x=${spelling}&y`), spelling).toBe('x=${KEY}&y');
    expect(secrets.conceal('axb c+ü.$&')).toBe('axb c+ü.$&');
  });
});
