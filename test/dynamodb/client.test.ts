import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DynamoApi } from '../../src/dynamodb/api.ts';
import { describeTable } from '../../src/dynamodb/describe.ts';
import { dynamoError } from '../../src/dynamodb/errors.ts';
import { TailraceError } from '../../src/model/errors.ts';
import { Retrier } from '../../src/pacing/retry.ts';
import { readPage } from '../../src/source/scan/page.ts';
import { type CannedServer, type CannedTable, type Mishap, startCannedPages } from '../servers/canned-pages.ts';

const { signal } = new AbortController();
const limits = { attemptsMax: 4, budget: 100, cost: 5, backoffBaseMs: 1, backoffCapMs: 5 };
const items = Array.from({ length: 20 }, (_, i) => ({ pk: { S: `k${i}` }, text: { S: `“${'x'.repeat(i)}”\n\\` } }));
const ASSUMED = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ROLEKEY</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;
const scan = JSON.stringify({ TableName: 'orders', ReturnConsumedCapacity: 'TOTAL' });

let server: CannedServer | undefined;
let api: DynamoApi | undefined;
let retrier = new Retrier({ limits });

async function start(table: Partial<CannedTable> = {}): Promise<DynamoApi> {
  server = await startCannedPages({ key: ['pk'], items, ...table });
  retrier = new Retrier({ limits });
  api = new DynamoApi({ aws: { endpoint: server.endpoint, region: 'us-east-1' } }, retrier);
  return api;
}

let alloc: ((bytes: number) => Buffer) | undefined;
const page = (from: DynamoApi): ReturnType<typeof from.call<ReturnType<typeof readPage>>> =>
  from.call('Scan', 'orders', scan, readPage, signal, alloc);

/** The first `count` Scans meet the mishap. */
function first(count: number, mishap: Mishap): NonNullable<CannedTable['mishap']> {
  let met = 0;
  return ({ operation }) => (operation === 'Scan' && met++ < count ? mishap : undefined);
}

beforeEach(() => {
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
});

afterEach(async () => {
  await api?.close();
  await server?.close();
  delete process.env.AWS_SESSION_TOKEN;
});

describe.each([
  ['gathered', undefined],
  ['read into a buffer', (bytes: number) => Buffer.alloc(bytes)],
])('calls of DynamoDB, bytes to bytes, %s', (_, into) => {
  beforeEach(() => {
    alloc = into;
  });

  test('give the body as it came, signed by the SDK, over one connection', async () => {
    const from = await start();
    const { body, bounds, items: count, units } = await page(from);
    expect(count).toBe(20);
    expect(units).toBe(0.5);
    const texts = items.map((item) => JSON.stringify(item));
    expect(texts.map((_, i) => body.toString('utf8', bounds[2 * i], bounds[2 * i + 1]))).toEqual(texts);
    await page(from);
    expect(server?.calls.map(({ operation }) => operation)).toEqual(['Scan', 'Scan']);
    expect(server?.calls[0]?.request).toEqual(JSON.parse(scan));
    expect(server?.connections).toBe(1);
    await Promise.all(Array.from({ length: 8 }, () => page(from)));
    await Promise.all(Array.from({ length: 8 }, () => page(from)));
    expect(server?.connections).toBeLessThanOrEqual(8);
  });

  test('leave out what the SDK would print, parse or repeat', async () => {
    const from = await start();
    const send = vi.spyOn(DynamoDBClient.prototype, 'send');
    await page(from);
    const [client] = send.mock.contexts as DynamoDBClient[];
    send.mockRestore();
    const steps = client?.middlewareStack.identify() ?? [];
    // It redacts whole replies for a logger that nobody set.
    expect(steps.filter((step) => step.startsWith('loggerMiddleware'))).toEqual([]);
    expect(steps.filter((step) => step.startsWith('deserializerMiddleware')).length).toBe(1);
    expect(steps.some((step) => step.startsWith('httpSigningMiddleware'))).toBe(true);
    expect(await client?.config.maxAttempts()).toBe(1);
    expect(client?.config.logger.constructor.name).toBe('NoOpLogger');
  });

  test('tell what a table is', async () => {
    const described = { ProvisionedThroughput: { ReadCapacityUnits: 40 }, BillingModeSummary: undefined };
    const from = await start({ key: ['pk', 'text'], description: { ...described, TableSizeBytes: 7 } });
    expect(await describeTable(from, 'orders', signal)).toMatchObject({
      name: 'orders',
      id: 'table-1',
      key: [
        { attr: 'pk', tag: 'S' },
        { attr: 'text', tag: 'S' },
      ],
      bytes: 7,
      billing: 'provisioned',
      reads: { provisioned: 40 },
    });
  });

  test.each<[string, Mishap]>([
    ['another checksum than the reply states', { kind: 'flip' }],
    ['a body that is cut', { kind: 'cut' }],
    ['a connection that is reset', { kind: 'reset' }],
    ['a 500', { kind: 'refuse', code: 'InternalServerError', status: 500 }],
  ])('faults 33, 35 and 73: %s is tried again, so many times', async (_, mishap) => {
    const from = await start({ mishap: first(3, mishap) });
    expect((await page(from)).items).toBe(20);
    expect(retrier.repeats).toBe(3);
    await api?.close();
    await server?.close();
    const down = await start({ mishap: first(100, mishap) });
    await expect(page(down)).rejects.toThrow();
    expect(server?.calls.length).toBe(4);
  });

  test('faults 60 and 67: a throttled call is repeated for as long as it takes', async () => {
    const code = 'ProvisionedThroughputExceededException';
    const from = await start({ mishap: first(30, { kind: 'refuse', code }) });
    expect((await page(from)).items).toBe(20);
    expect(retrier.throttles).toBe(30);
  });

  test('fault 72: credentials that have ended are asked for anew, once', async () => {
    const from = await start({
      mishap: ({ number }) => {
        process.env.AWS_SESSION_TOKEN = `token-${number}`;
        return number === 1 || number > 3 ? { kind: 'refuse', code: 'ExpiredTokenException' } : undefined;
      },
    });
    await page(from);
    expect((await page(from)).items).toBe(20);
    await page(from);
    const thrown = await page(from).catch((error: unknown) => dynamoError(error, 'orders', 'dynamodb:Scan'));
    expect(thrown).toMatchObject({ code: 'ACCESS_DENIED', place: 'dynamodb:orders' });
    expect(server?.calls.length).toBe(6);
  });

  test.each([
    ['ResourceNotFoundException', 'SOURCE_NOT_FOUND'],
    ['AccessDeniedException', 'ACCESS_DENIED'],
    ['UnrecognizedClientException', 'ACCESS_DENIED'],
    ['ValidationException', 'USAGE'],
  ])('%s is %s, and not tried again', async (code, ours) => {
    const from = await start({ mishap: first(100, { kind: 'refuse', code }) });
    const thrown = await page(from).catch((error: unknown) => dynamoError(error, 'orders', 'dynamodb:Scan'));
    expect(thrown).toBeInstanceOf(TailraceError);
    expect(thrown).toMatchObject({ code: ours });
    expect(server?.calls.length).toBe(1);
  });

  test('come as the role that was named, with its external id, assumed before the first', async () => {
    const from = await start();
    await from.close();
    const asked: string[] = [];
    const sts = createServer((incoming, outgoing) => {
      incoming.on('data', (data: Buffer) => asked.push(data.toString()));
      incoming.on('end', () => outgoing.end(ASSUMED));
    });
    await new Promise<void>((resolve) => sts.listen(0, '127.0.0.1', resolve));
    process.env.AWS_ENDPOINT_URL_STS = `http://127.0.0.1:${(sts.address() as AddressInfo).port}`;
    try {
      const roleArn = 'arn:aws:iam::222222222222:role/orders-reader';
      const aws = { endpoint: server?.endpoint ?? '', region: 'us-east-1', roleArn, externalId: 'e-1' };
      api = new DynamoApi({ aws }, retrier);
      expect((await page(api)).items).toBe(20);
      expect(server?.calls.at(-1)?.accessKey).toBe('ROLEKEY');
      expect(decodeURIComponent(asked.join())).toContain(roleArn);
      expect(asked.join()).toContain('ExternalId=e-1');
    } finally {
      delete process.env.AWS_ENDPOINT_URL_STS;
      sts.close();
    }
  });

  test('fault 23: an interruption ends a call at once', async () => {
    const from = await start({ mishap: first(1_000, { kind: 'refuse', code: 'ThrottlingException' }) });
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('stop')), 30);
    await expect(from.call('Scan', 'orders', scan, readPage, abort.signal)).rejects.toThrow('stop');
  });
});
