import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadOptions } from '../../src/index.ts';
import { type DynamoServer, startDynalite } from '../servers/dynamodb-local.ts';
import { type Answer, api, json } from './api.ts';
import { itemsOf, makeTable } from './dynamo.ts';
import { loadInto, useFolder } from './run.ts';

const folder = useFolder();
let server: DynamoServer;
beforeAll(async () => {
  server = await startDynalite();
});
afterAll(() => server?.stop());

const ITEMS = Array.from({ length: 95 }, (_, n) => ({ id: `i${String(n).padStart(2, '0')}`, n }));
const page = (from: number, size = 10): (typeof ITEMS)[number][] => ITEMS.slice(from, from + size);
const IDS = ITEMS.map(({ id, n }) => `{"id":{"S":"${id}"},"n":{"N":"${n}"}}`);

const run = async (url: string, table: string, options: Partial<LoadOptions> = {}) =>
  loadInto(server.endpoint, url, table, { ...options, http: { retries: 3, timeoutMs: 2_000, ...options.http } });

describe('the next page', () => {
  test('by a Link header, an address in the page, a token, a page number, an offset', async () => {
    const source = await api((url, reply) => {
      const at = Number(url.searchParams.get('at') ?? url.searchParams.get('offset') ?? 0);
      const number = Number(url.searchParams.get('page') ?? -1);
      const next = at + 10 < ITEMS.length ? at + 10 : undefined;
      switch (url.pathname) {
        case '/link':
          return json(
            reply,
            page(at),
            next === undefined ? {} : { link: `<?at=0>; rel="first", </link?at=${next}>; rel="next"` },
          );
        case '/address':
          return json(reply, { data: page(at), links: { next: next === undefined ? null : `/address?at=${next}` } });
        case '/token':
          return json(reply, { data: page(at), ...(next === undefined ? {} : { cursor: next }) });
        case '/page':
          return number > 10 ? void reply.writeHead(404).end() : json(reply, page((number - 1) * 10));
        default:
          return json(reply, page(at));
      }
    });
    const ways: [string, Partial<LoadOptions>][] = [
      ['/link', {}],
      ['/address', { items: 'data', http: { nextPath: 'links.next' } }],
      ['/token', { items: 'data', http: { nextPath: 'cursor', nextParam: 'at' } }],
      ['/page', { http: { pageParam: 'page' } }],
      ['/offset', { http: { pageParam: 'offset', pageStart: 0, pageStep: 10 } }],
    ];
    for (const [path, options] of ways) {
      const table = await makeTable(server.endpoint, 'id:S');
      const report = await run(`${source.origin}${path}`, table, options);
      expect(report, path).toMatchObject({ outcome: 'loaded', format: 'json', counts: { read: 95, written: 95 } });
      expect(await itemsOf(server.endpoint, table), path).toEqual(IDS);
    }
  });

  test('limits: pages, items, bytes; a circle is noticed; an empty page with a next one is passed', async () => {
    const source = await api((url, reply) => {
      const at = Number(url.searchParams.get('at') ?? 0);
      if (url.pathname === '/circle') return json(reply, { data: page(at), next: `/circle?at=${at === 0 ? 10 : 0}` });
      const next = at + 10 < 40 ? `/x?at=${at + 10}` : null;
      return json(reply, { data: at === 10 || at === 20 ? [] : page(at), next });
    });
    const table = await makeTable(server.endpoint, 'id:S');
    const options = { items: 'data', http: { nextPath: 'next' } };
    const url = `${source.origin}/x`;
    expect((await run(url, table, options)).counts.read).toBe(20);
    expect(await run(url, table, { ...options, http: { ...options.http, maxPages: 1 } })).toMatchObject({
      pages: 1,
      counts: { read: 10 },
    });
    expect((await run(url, table, { ...options, limit: 13 })).counts.read).toBe(13);
    const large = await run(url, table, { ...options, http: { ...options.http, maxPageBytes: 50 } });
    expect(large.error).toMatchObject({ code: 'INPUT_BAD', hint: expect.stringContaining('--max-page-size') });
    const circle = await run(`${source.origin}/circle`, table, options);
    expect(circle.error?.message).toContain('circle');
  });

  test('CSV, JSON lines and gzip are known by their headers and names', async () => {
    const source = await api((url, reply) => {
      if (url.pathname === '/csv') {
        reply.writeHead(200, { 'content-type': 'text/csv; charset=utf-8' });
        reply.end(`id,n\n${ITEMS.map(({ id, n }) => `${id},${n}`).join('\n')}`);
      } else if (url.pathname === '/lines') {
        reply.writeHead(200, { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' });
        reply.end(gzipSync(ITEMS.map((item) => JSON.stringify(item)).join('\n')));
      } else {
        reply.writeHead(200, { 'content-type': 'application/octet-stream' });
        reply.end(gzipSync(ITEMS.map((item) => JSON.stringify(item)).join('\n')));
      }
    });
    for (const path of ['/csv', '/lines', '/items.jsonl.gz']) {
      const table = await makeTable(server.endpoint, 'id:S');
      await run(`${source.origin}${path}`, table);
      expect(await itemsOf(server.endpoint, table), path).toEqual(IDS);
    }
  });
});

describe('an API in trouble', () => {
  test('fault 33 and 35: 429, 503, connections that break, bodies cut short, silence: the page is fetched again, and is whole', async () => {
    const troubles: ((reply: Parameters<Answer>[1]) => void)[] = [
      (reply) => reply.writeHead(429, { 'retry-after': '1' }).end(),
      (reply) => reply.writeHead(503).end('<html>busy</html>'),
      (reply) => void reply.destroy(),
      (reply) => {
        reply.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
        reply.write('[{"id":"half","n":0},{"id"', () => reply.destroy());
      },
      // Without a length HTTP/1.0 cannot tell that it is cut; JSON can.
      (reply) => {
        reply.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
        reply.end('[{"id":"half","n":0},{"id"');
      },
      () => undefined,
    ];
    const tried = new Map<number, number>();
    const source = await api((url, reply) => {
      const at = Number(url.searchParams.get('at') ?? 0);
      const tries = (tried.get(at) ?? 0) + 1;
      tried.set(at, tries);
      const trouble = tries === 1 ? troubles[at / 10] : undefined;
      if (trouble !== undefined) return trouble(reply);
      const next = at + 10 < ITEMS.length ? { link: `<?at=${at + 10}>; rel=next` } : {};
      json(reply, page(at), next as Record<string, string>);
    });
    const table = await makeTable(server.endpoint, 'id:S');
    const started = Date.now();
    const report = await run(source.origin, table, { http: { timeoutMs: 700 } });
    expect(report).toMatchObject({
      outcome: 'loaded',
      counts: { read: 95, written: 95, rejected: 0 },
      requests: { retried: 6 },
    });
    expect(Date.now() - started).toBeGreaterThan(1_000);
    expect(await itemsOf(server.endpoint, table)).toEqual(IDS);
  });

  test('what does not pass is told: no answer, no key, no such page; what was read stays, and the next run goes on there', async () => {
    let sick = true;
    const source = await api((url, reply) => {
      const at = Number(url.searchParams.get('at') ?? 0);
      if (url.pathname === '/locked') return void reply.writeHead(401).end();
      if (url.pathname !== '/') return void reply.writeHead(404).end();
      if (at === 30 && sick) return void reply.writeHead(500).end();
      json(reply, page(at), at + 10 < ITEMS.length ? { link: `<?at=${at + 10}>; rel="next"` } : {});
    });
    const table = await makeTable(server.endpoint, 'id:S');
    const quick = { http: { retries: 1 } };
    expect((await run(`${source.origin}/locked`, table, quick)).error?.code).toBe('ACCESS_DENIED');
    expect((await run(`${source.origin}/nothing`, table, quick)).error?.code).toBe('SOURCE_NOT_FOUND');
    expect((await run('http://127.0.0.1:9/', table, quick)).error?.code).toBe('UNREACHABLE');
    const stopped = await run(source.origin, table, quick);
    expect(stopped).toMatchObject({
      outcome: 'failed',
      error: { code: 'UNREACHABLE', hint: expect.stringContaining('goes on') },
      counts: { read: 30 },
    });
    sick = false;
    const before = source.calls.length;
    const report = await run(source.origin, table, quick);
    expect(report).toMatchObject({ outcome: 'loaded', counts: { resumed: 30, read: 65 } });
    // The page that was read to its end is asked for again, for the way to the next one; those before it are not.
    expect(source.calls.slice(before).map(({ url }) => url.searchParams.get('at'))).toEqual([
      '20',
      '30',
      '40',
      '50',
      '60',
      '70',
      '80',
      '90',
    ]);
    expect(await itemsOf(server.endpoint, table)).toEqual(IDS);
  });
});

describe('secrets', () => {
  test('come from the environment, go to the first host only, and are neither told nor kept', async () => {
    const secret = 's3cr3t/with+signs';
    const elsewhere = await api((_, reply) => json(reply, page(90)));
    const source = await api((url, reply) => {
      const at = Number(url.searchParams.get('at') ?? 0);
      if (at === 20) return void reply.writeHead(302, { location: `${elsewhere.origin}/items` }).end();
      if (at === 40) return void reply.writeHead(400).end();
      const key = encodeURIComponent(url.searchParams.get('key') ?? '');
      const from = url.searchParams.get('from') ?? '';
      json(reply, page(at), { link: `<?key=${key}&from=${from}&at=${at + 10}>; rel="next"` });
    });
    const table = await makeTable(server.endpoint, 'id:S');
    const options = { env: { API_KEY: secret }, http: { headers: ['X-API-Key: ${API_KEY}'] } };
    const redirected = await run(`${source.origin}/?key=\${API_KEY}&from=a`, table, options);
    expect(redirected.outcome).toBe('loaded');
    expect(
      source.calls.every(
        ({ url, headers }) => url.searchParams.get('key') === secret && headers['x-api-key'] === secret,
      ),
    ).toBe(true);
    expect(elsewhere.calls.map(({ headers }) => headers['x-api-key'])).toEqual([undefined]);
    const refusing = await api((url, reply) => {
      if (url.searchParams.has('at')) return void reply.writeHead(400).end();
      json(reply, page(0), { link: `<?key=${encodeURIComponent(secret)}&at=1>; rel="next"` });
    });
    const refused = await run(`${refusing.origin}/?key=\${API_KEY}`, table, options);
    expect(refused.error?.code).toBe('INPUT_BAD');
    expect(refused.error?.place).toContain('${API_KEY}');
    const state = join(folder.path(), 'state', 'tailrace');
    const kept = await Promise.all(
      (await readdir(state)).map((name) => readFile(join(state, name, 'load.json'), 'utf8').catch(() => '')),
    );
    expect(kept.some((text) => text.includes('${API_KEY}'))).toBe(true);
    for (const text of [JSON.stringify([refused, redirected]), ...kept])
      for (const spelling of [secret, encodeURIComponent(secret)]) expect(text).not.toContain(spelling);
    const unset = await run(`${source.origin}/?key=\${NOT_SET}`, table, options);
    expect(unset.error).toMatchObject({ code: 'CONFIG', message: expect.stringContaining('NOT_SET') });
  });
});
