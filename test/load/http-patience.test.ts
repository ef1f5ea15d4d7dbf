import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { LoadOptions } from '../../src/index.ts';
import { type DynamoServer, startDynalite } from '../servers/dynamodb-local.ts';
import { api, json } from './api.ts';
import { makeTable } from './dynamo.ts';
import { loadInto, useFolder } from './run.ts';

// How long an API is waited for, and when it is not.

useFolder();
let server: DynamoServer;
beforeAll(async () => {
  server = await startDynalite();
});
afterAll(() => server?.stop());

const run = async (url: string, options: Partial<LoadOptions> = {}) =>
  loadInto(server.endpoint, url, await makeTable(server.endpoint, 'id:S'), options);

test('Retry-After as a date is waited for', async () => {
  const source = await api((_, reply, call) => {
    if (call > 1) return json(reply, [{ id: 'a' }]);
    // A date has no parts of a second.
    reply.writeHead(503, { 'retry-after': new Date(Date.now() + 2_900).toUTCString() }).end();
  });
  const started = performance.now();
  expect(await run(source.origin)).toMatchObject({ outcome: 'loaded', requests: { retried: 1 } });
  expect(performance.now() - started).toBeGreaterThan(1_500);
});

test('silence is counted from the last byte: a page may take longer than the time after which a try is given up', async () => {
  const source = await api((_, reply) => {
    reply.writeHead(200, { 'content-type': 'application/json' });
    const items = Array.from({ length: 8 }, (_, n) => `${n === 0 ? '[' : ','}{"id":"i${n}"}`);
    const next = (): void => {
      const item = items.shift();
      if (item === undefined) reply.end(']');
      else reply.write(item, () => setTimeout(next, 300));
    };
    next();
  });
  const report = await run(source.origin, { http: { timeoutMs: 1_500, retries: 0 } });
  expect(report).toMatchObject({ outcome: 'loaded', counts: { written: 8 } });
});

test('a key that is refused is not tried again', async () => {
  for (const status of [401, 403]) {
    const source = await api((_, reply) => void reply.writeHead(status).end());
    expect((await run(source.origin)).error?.code).toBe('ACCESS_DENIED');
    expect(source.calls).toHaveLength(1);
  }
});

test('a redirect from https to http is not followed, nor one after the fifth', async () => {
  const asked: string[] = [];
  let target = 'http://api.test/open';
  const table = await makeTable(server.endpoint, 'id:S');
  vi.stubGlobal('fetch', async (url: URL) => {
    asked.push(url.href);
    return new Response(null, { status: 302, headers: { location: target } });
  });
  try {
    const down = await loadInto(server.endpoint, 'https://api.test/items', table);
    expect(down.error).toMatchObject({ code: 'INPUT_BAD', found: 'http://api.test/open' });
    expect(asked).toEqual(['https://api.test/items']);
    target = 'https://api.test/again';
    const round = await loadInto(server.endpoint, 'https://api.test/items', table);
    expect(round.error?.code).toBe('INPUT_BAD');
    expect(asked).toHaveLength(7);
  } finally {
    vi.unstubAllGlobals();
  }
});
