import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { LoadOptions, LoadReport } from '../../src/index.ts';
import { type DynamoServer, startDynalite } from '../servers/dynamodb-local.ts';
import { call, itemsOf, makeTable } from './dynamo.ts';
import { type Front, type Mishap, startFront } from './front.ts';
import { loadInto, useFolder } from './run.ts';

const folder = useFolder();
let server: DynamoServer;
beforeAll(async () => {
  server = await startDynalite();
});
afterAll(() => server?.stop());

const COUNT = 1_000;
const LINES = Array.from({ length: COUNT }, (_, n) => `{"id":"i${String(n).padStart(4, '0')}","n":${n}}`);
const ITEMS = LINES.map((line) => {
  const { id, n } = JSON.parse(line) as { id: string; n: number };
  return `{"id":{"S":"${id}"},"n":{"N":"${n}"}}`;
});

async function input(): Promise<string> {
  const path = join(folder.path(), 'items.jsonl');
  await writeFile(path, LINES.join('\n'));
  return path;
}

async function front(mishapOf: (batch: number) => Mishap | undefined): Promise<Front> {
  const started = await startFront(server.endpoint, mishapOf);
  onTestFinished(started.close);
  return started;
}

async function loaded(
  table: string,
  mishapOf: (batch: number) => Mishap | undefined,
  options: Partial<LoadOptions> = {},
): Promise<{ report: LoadReport; front: Front }> {
  const before = await front(mishapOf);
  return { report: await loadInto(before.endpoint, await input(), table, options), front: before };
}

describe('calls that fail', () => {
  test('fault 67: throttled calls and unprocessed items are sent again until all are there', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const { report, front: seen } = await loaded(
      table,
      (batch) => {
        if (batch % 5 === 1) return { kind: 'refuse', code: 'ProvisionedThroughputExceededException' };
        if (batch % 5 === 3) return { kind: 'half' };
        return batch === 7 ? { kind: 'refuse', code: 'ThrottlingException' } : undefined;
      },
      { wcu: { kind: 'units', units: 5_000 } },
    );
    expect(report).toMatchObject({
      outcome: 'loaded',
      counts: { read: COUNT, written: COUNT, rejected: 0 },
      units: COUNT,
    });
    expect(report.requests.throttled).toBeGreaterThan(10);
    expect(await itemsOf(server.endpoint, table)).toEqual(ITEMS);
    // What was processed is not sent again.
    const sent = seen.batches.flat().length;
    const refused = report.requests.throttled * 25;
    expect(sent).toBeLessThan(COUNT + refused);
  });

  test('fault 73 and 35: answers that are lost, cut or flipped, and 5xx: sent again, each item once', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const kinds = ['cut', 'reset', 'flip'] as const;
    const { report } = await loaded(table, (batch) => {
      if (batch % 4 === 1) return { kind: kinds[batch % 3] ?? 'cut' };
      return batch % 11 === 5 ? { kind: 'refuse', code: 'InternalServerError', status: 500 } : undefined;
    });
    expect(report).toMatchObject({ outcome: 'loaded', counts: { read: COUNT, written: COUNT } });
    expect(report.requests.retried).toBeGreaterThan(8);
    expect(await itemsOf(server.endpoint, table)).toEqual(ITEMS);
  });

  test('fault 72: credentials end, permission goes, the table is deleted: the load stops, and goes on with the next run', async () => {
    for (const [code, told] of [
      ['ExpiredTokenException', 'ACCESS_DENIED'],
      ['AccessDeniedException', 'ACCESS_DENIED'],
      ['ResourceNotFoundException', 'TARGET_NOT_FOUND'],
    ] as const) {
      const table = await makeTable(server.endpoint, 'id:S');
      const { report } = await loaded(table, (batch) => (batch < 20 ? undefined : { kind: 'refuse', code }));
      expect(report.error?.code, code).toBe(told);
      expect(report.counts.written, code).toBeGreaterThan(300);
      const there = (await itemsOf(server.endpoint, table)).length;
      const again = await loaded(table, () => undefined);
      expect(again.report, code).toMatchObject({ outcome: 'loaded' });
      // The front has another address, so the record is not of this load: nothing is lost by that.
      expect(await itemsOf(server.endpoint, table), code).toEqual(ITEMS);
      expect(there).toBeLessThan(COUNT);
    }
  });

  test('fault 68: the record lags at most: behind it everything is sent again, before it nothing', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    let healthy = 20;
    const before = await front((batch) =>
      batch >= healthy ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined,
    );
    const path = await input();
    const first = await loadInto(before.endpoint, path, table);
    expect(first.outcome).toBe('failed');
    healthy = Number.POSITIVE_INFINITY;
    const sent = before.batches.length;
    const second = await loadInto(before.endpoint, path, table);
    expect(second).toMatchObject({ outcome: 'loaded', warnings: [] });
    expect(second.counts.resumed).toBeGreaterThan(300);
    expect(second.counts.read + second.counts.resumed).toBe(COUNT);
    expect(before.batches.slice(sent).flat()).toHaveLength(second.counts.read);
    expect(await itemsOf(server.endpoint, table)).toEqual(ITEMS);
    // It ended: the same command loads everything again. An input that changed begins anew, and says so.
    expect((await loadInto(before.endpoint, path, table)).counts).toMatchObject({ read: COUNT, resumed: 0 });
    healthy = before.batches.length + 20;
    expect((await loadInto(before.endpoint, path, table)).outcome).toBe('failed');
    healthy = Number.POSITIVE_INFINITY;
    await writeFile(path, `${LINES.join('\n')}\n{"id":"new"}`);
    const anew = await loadInto(before.endpoint, path, table);
    expect(anew.warnings.map(({ code }) => code)).toEqual(['load-begins-anew']);
    expect(anew.counts).toMatchObject({ read: COUNT + 1, resumed: 0 });
  });

  test('fault 27: a torn record is passed over', async () => {
    const { LoadState } = await import('../../src/load/state.ts');
    const dir = join(folder.path(), 'torn');
    const state = new LoadState(dir, ['a']);
    await state.save({ items: 7, before: 3 });
    expect(await state.read()).toEqual({ reached: { items: 7, before: 3 }, stale: false });
    const { readFile } = await import('node:fs/promises');
    const whole = await readFile(state.path);
    for (let at = 0; at < whole.length; at += 1) {
      const torn = Buffer.from(whole);
      torn[at] = (torn[at] ?? 0) ^ 1;
      await writeFile(state.path, torn);
      const { reached } = await state.read();
      expect(reached === undefined || (reached.items === 7 && reached.before === 3), `byte ${at}`).toBe(true);
    }
    await writeFile(state.path, whole.subarray(0, 20));
    expect(await state.read()).toEqual({ stale: true });
    expect(await new LoadState(dir, ['b']).read()).toEqual({ stale: true });
  });
});

describe('items that DynamoDB refuses', () => {
  test('a bad item that nobody foresaw is found by halves, and the others of its batch are written', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const bad = new Set(['i0007', 'i0008', 'i0500', 'i0999']);
    const codes = ['ValidationException', 'ItemCollectionSizeLimitExceededException'];
    let proxied: Front | undefined;
    const holds = (batch: number): boolean =>
      (proxied?.batches[batch] ?? []).some((put) =>
        bad.has((put as { PutRequest: { Item: { id: { S: string } } } }).PutRequest.Item.id.S),
      );
    const started = await front((batch) =>
      holds(batch)
        ? { kind: 'refuse', code: codes[batch % 2] ?? '', message: 'One or more parameter values were invalid' }
        : undefined,
    );
    proxied = started;
    const report = await loadInto(started.endpoint, await input(), table);
    expect(report.counts).toMatchObject({ read: COUNT, written: COUNT - bad.size, rejected: bad.size });
    expect(await itemsOf(server.endpoint, table)).toEqual(
      ITEMS.filter((item) => ![...bad].some((id) => item.includes(id))),
    );
  });
});

describe('a cause that strikes every item is the run’s', () => {
  const invalid = { kind: 'refuse', code: 'ValidationException', message: 'Type mismatch for Index Key' } as const;

  test('DynamoDB refuses every batch: one clear error, soon, and nothing is recorded or rejected', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    let healthy = false;
    const before = await front(() => (healthy ? undefined : invalid));
    const path = await input();
    const rejects = join(folder.path(), 'alike');
    const report = await loadInto(before.endpoint, path, table, { rejects });
    expect(report).toMatchObject({
      outcome: 'failed',
      error: { code: 'ITEM_REJECTED', place: `dynamodb:${table}`, message: expect.stringContaining('Index Key') },
    });
    expect(report.rejects).toBeUndefined();
    expect(before.batches.length).toBeLessThan(400);
    healthy = true;
    const again = await loadInto(before.endpoint, path, table, { rejects });
    expect(again).toMatchObject({
      outcome: 'loaded',
      counts: { written: COUNT, resumed: 0, rejected: 0 },
      warnings: [],
    });
    expect(existsSync(rejects)).toBe(false);
    expect(await itemsOf(server.endpoint, table)).toEqual(ITEMS);
  });

  test('a key of another type, also of fewer items, and a plan says it, too', async () => {
    const table = await makeTable(server.endpoint, 'id:N');
    const message = expect.stringContaining("the table's key is a number");
    for (const dryRun of [true, false]) {
      const report = await loadInto(server.endpoint, await input(), table, { dryRun });
      expect(report.error).toMatchObject({ code: 'ITEM_REJECTED', message });
      expect(report.counts.read).toBe(100);
    }
    const few = join(folder.path(), 'few.jsonl');
    await writeFile(few, LINES.slice(0, 3).join('\n'));
    expect((await loadInto(server.endpoint, few, table)).error).toMatchObject({ code: 'ITEM_REJECTED', message });
    // One item says nothing of others.
    await writeFile(few, LINES.slice(0, 1).join('\n'));
    expect(await loadInto(server.endpoint, few, table)).toMatchObject({ outcome: 'loaded', counts: { rejected: 1 } });
  });

  test('items that are refused for reasons of their own, or beside good ones, are rejects', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const path = join(folder.path(), 'mixed.jsonl');
    const bad = Array.from({ length: 300 }, (_, n) => (n % 2 === 0 ? `{"id":${n}}` : `{"no":${n}}`));
    await writeFile(path, bad.join('\n'));
    expect(await loadInto(server.endpoint, path, table)).toMatchObject({
      outcome: 'loaded',
      counts: { rejected: 300 },
    });
    const alike = Array.from({ length: 150 }, (_, n) => `{"id":${n}}`);
    await writeFile(path, [...alike.slice(0, 99), '{"id":"good"}', ...alike.slice(99)].join('\n'));
    expect(await loadInto(server.endpoint, path, table)).toMatchObject({
      outcome: 'loaded',
      counts: { written: 1, rejected: 150 },
    });
  });
});

describe('bounds', () => {
  test('fault 32: sockets are as many as batches at a time, whatever the load', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const { front: seen } = await loaded(table, () => undefined);
    expect(seen.most()).toBeLessThanOrEqual(8);
    expect(seen.most()).toBeGreaterThan(1);
    expect(seen.sockets()).toBeLessThanOrEqual(10);
  });

  test('write units are kept: so many a second, as DynamoDB charges them', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const started = performance.now();
    const report = await loadInto(server.endpoint, await input(), table, { wcu: { kind: 'units', units: 300 } });
    const seconds = (performance.now() - started) / 1000;
    expect(report).toMatchObject({ outcome: 'loaded', units: COUNT, pace: 300 });
    // The bucket holds a second's units at the beginning.
    expect(seconds).toBeGreaterThan((COUNT - 300) / 300 - 0.2);
    expect(seconds).toBeLessThan(15);
  });

  test('fault 70: items of 400 KB, many of them, go in requests that DynamoDB takes', async () => {
    const table = await makeTable(server.endpoint, 'id:N');
    const path = join(folder.path(), 'large.jsonl');
    const text = '\\u0001é'.repeat(100_000);
    await writeFile(path, Array.from({ length: 30 }, (_, n) => `{"id":${n},"x":"${text}"}`).join('\n'));
    const report = await loadInto(server.endpoint, path, table);
    expect(report.counts).toMatchObject({ read: 30, written: 30 });
    const { Item } = (await call(server.endpoint, 'GetItem', { TableName: table, Key: { id: { N: '29' } } })) as {
      Item: { x: { S: string } };
    };
    expect(Item.x.S).toBe('\u0001é'.repeat(100_000));
  });

  test('fault 23: an interruption ends the load with its code and a place to go on', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const controller = new AbortController();
    const path = await input();
    setTimeout(() => controller.abort(), 700);
    const slow = { wcu: { kind: 'units', units: 200 } } as const;
    const report = await loadInto(server.endpoint, path, table, slow, controller.signal);
    expect(report.error).toMatchObject({ code: 'INTERRUPTED', hint: expect.stringContaining('goes on') });
    const there = (await itemsOf(server.endpoint, table)).length;
    const again = await loadInto(server.endpoint, path, table);
    expect(again).toMatchObject({ outcome: 'loaded', counts: { resumed: there, read: COUNT - there } });
    expect(await itemsOf(server.endpoint, table)).toEqual(ITEMS);
  });
});
