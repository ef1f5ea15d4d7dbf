/** What stands between here and DynamoDB, and what it makes of replies. */
import type { ServerResponse } from 'node:http';
import { crc32, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DynamoApi } from '../../src/dynamodb/api.ts';
import { describeTable } from '../../src/dynamodb/describe.ts';
import { dynamoError } from '../../src/dynamodb/errors.ts';
import { DYNAMO_LIMITS } from '../../src/dynamodb/limits.ts';
import { Retrier } from '../../src/pacing/retry.ts';
import { readPage } from '../../src/source/scan/page.ts';
import { type CannedServer, type Mishap, startCannedPages } from '../servers/canned-pages.ts';

type Answer = Extract<Mishap, { kind: 'own' }>['answer'];

const { signal } = new AbortController();
const items = Array.from({ length: 20 }, (_, i) => ({ pk: { S: `k${i}` }, text: { S: `“${'x'.repeat(i)}”\n\\` } }));
const scan = JSON.stringify({ TableName: 'orders', ReturnConsumedCapacity: 'TOTAL' });

let server: CannedServer | undefined;
let api: DynamoApi | undefined;
let retrier = new Retrier();

/** The first `count` calls are answered by `answer`. */
async function between(answer: Answer, count = 1, limits = DYNAMO_LIMITS): Promise<DynamoApi> {
  const mishap = ({ number }: { number: number }): Mishap | undefined =>
    number < count ? { kind: 'own', answer } : undefined;
  server = await startCannedPages({ key: ['pk'], items, mishap });
  retrier = new Retrier({ limits: { attemptsMax: 4, budget: 100, cost: 5, backoffBaseMs: 1, backoffCapMs: 5 } });
  api = new DynamoApi({ aws: { endpoint: server.endpoint, region: 'us-east-1' } }, retrier, limits);
  return api;
}

const page = (from: DynamoApi): Promise<ReturnType<typeof readPage>> =>
  from.call('Scan', 'orders', scan, readPage, signal, (bytes) => Buffer.alloc(bytes));

function answer(outgoing: ServerResponse, body: Buffer | string, headers: Record<string, string> = {}): void {
  outgoing.writeHead(200, { 'content-length': Buffer.byteLength(body), ...headers });
  outgoing.end(body);
}

beforeEach(() => {
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
});

afterEach(async () => {
  await api?.close();
  await server?.close();
});

describe('a reply', () => {
  test.each<[string, (body: Buffer, packed: Buffer) => number]>([
    ['of what was sent', (_, packed) => crc32(packed)],
    ['of what DynamoDB wrote', (body) => crc32(body)],
  ])('that was packed on its way is unpacked; its checksum may be %s', async (_, crcOf) => {
    const from = await between((outgoing, body) => {
      const packed = gzipSync(body);
      answer(outgoing, packed, { 'content-encoding': 'gzip', 'x-amz-crc32': String(crcOf(body, packed)) });
    });
    expect((await page(from)).items).toBe(20);
    expect(retrier.repeats).toBe(0);
  });

  test.each<[string, Answer]>([
    [
      'packed, with the checksum of neither',
      (outgoing, body) => answer(outgoing, gzipSync(body), { 'content-encoding': 'gzip', 'x-amz-crc32': '1' }),
    ],
    [
      'packed, and cut',
      (outgoing, body) => answer(outgoing, gzipSync(body).subarray(0, -9), { 'content-encoding': 'gzip' }),
    ],
    ['packed in another way', (outgoing, body) => answer(outgoing, body, { 'content-encoding': 'br' })],
    [
      'cut where its connection ends, without a length or a checksum',
      (outgoing, body) =>
        outgoing.socket?.end(Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), body.subarray(0, -20)])),
    ],
    ['no HTTP', (outgoing) => outgoing.socket?.end('garbage\r\n\r\n')],
    [
      'a page of another server',
      (outgoing) => answer(outgoing, '<html>sign in</html>', { 'content-type': 'text/html' }),
    ],
    ['without a body', (outgoing) => outgoing.writeHead(204).end()],
    ['too late (408)', (outgoing) => outgoing.writeHead(408).end('<html>')],
  ])('faults 35 and 73: that is %s is asked for again', async (_, own) => {
    const from = await between(own);
    expect((await page(from)).items).toBe(20);
    expect(retrier.repeats).toBe(1);
  });

  test('without length and checksum is taken as it comes', async () => {
    const from = await between((outgoing, body) => {
      outgoing.writeHead(200);
      for (let at = 0; at < body.length; at += 37) outgoing.write(body.subarray(at, at + 37));
      outgoing.end();
    });
    expect((await page(from)).items).toBe(20);
    expect(retrier.repeats).toBe(0);
  });

  test('fault 34: that is an error with the status of success is that error', async () => {
    const refusal = (code: string): Answer => {
      const text = JSON.stringify({ message: 'no', __type: `com.amazonaws.dynamodb.v20120810#${code}` });
      return (outgoing) => answer(outgoing, text);
    };
    await page(await between(refusal('ThrottlingException'), 5));
    expect(retrier.throttles).toBe(5);
    await api?.close();
    await page(await between(refusal('InternalServerError')));
    expect(retrier.repeats).toBe(1);
    await api?.close();
    const thrown = await page(await between(refusal('AccessDeniedException'))).catch((error: unknown) =>
      dynamoError(error, 'orders', 'dynamodb:Scan'),
    );
    expect(thrown).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(server?.calls.length).toBe(1);
  });

  test('with items that have an attribute __type is no error', async () => {
    const from = await between((outgoing) =>
      answer(outgoing, '{"Count":1,"Items":[{"pk":{"S":"a"},"__type":{"S":"x#ThrottlingException"}}]}'),
    );
    expect((await page(from)).items).toBe(1);
    expect(retrier.throttles).toBe(0);
  });
});

describe('a reply that does not come to its end', () => {
  const limits = { ...DYNAMO_LIMITS, replyTimeoutMs: 300 };

  test.each<[string, Answer]>([
    ['silence before it', () => undefined],
    [
      'headers that never end',
      (outgoing) => {
        const { socket } = outgoing;
        socket?.write('HTTP/1.1 200 OK\r\n');
        const timer = setInterval(() => socket?.write('x: y\r\n'), 20);
        socket?.once('close', () => clearInterval(timer));
      },
    ],
    [
      'silence in it',
      (outgoing, body) => outgoing.writeHead(200, { 'content-length': body.length }).write(body.subarray(0, 99)),
    ],
    [
      'a byte now and then',
      (outgoing, body) => {
        let at = 0;
        outgoing.writeHead(200, { 'content-length': body.length });
        const timer = setInterval(() => {
          outgoing.write(body.subarray(at, at + 1));
          at += 1;
        }, 20);
        outgoing.once('close', () => clearInterval(timer));
      },
    ],
  ])('fault 35: %s is given up, and asked for again', async (_, own) => {
    const from = await between(own, 1, limits);
    const begun = performance.now();
    expect((await page(from)).items).toBe(20);
    expect(retrier.repeats).toBeGreaterThan(0);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  test('though it is slow, is taken where it brings enough', async () => {
    const enough = { ...DYNAMO_LIMITS, replyTimeoutMs: 500, bytesPerSecondMin: 100 };
    const from = await between(
      (outgoing, body) => {
        let at = 0;
        outgoing.writeHead(200, { 'content-length': body.length });
        const timer = setInterval(() => {
          outgoing.write(body.subarray(at, at + 50));
          at += 50;
          if (at < body.length) return;
          clearInterval(timer);
          outgoing.end();
        }, 20);
      },
      1,
      enough,
    );
    expect((await page(from)).items).toBe(20);
    expect(retrier.repeats).toBe(0);
  });
});

describe('the time', () => {
  test.each([-3_600_000, 86_400_000])('fault 29: is the service’s, whose clock is %i ms from ours', async (skew) => {
    const from = await between((outgoing, body) =>
      answer(outgoing, body, { date: new Date(Date.now() + skew).toUTCString() }),
    );
    await page(from);
    expect(Math.abs(from.skewMs - skew)).toBeLessThan(2_500);
    expect(Math.abs(from.nowMs() - Date.now() - skew)).toBeLessThan(2_500);
    await describeTable(from, 'orders', signal);
    expect(from.skewMs).toBe(0);
  });

  test('fault 29: calls that are refused for our clock are signed with the time of the refusal', async () => {
    const skew = 3_600_000;
    const from = await between((outgoing) => {
      outgoing.writeHead(400, { date: new Date(Date.now() + skew).toUTCString() });
      outgoing.end(JSON.stringify({ __type: 'x#InvalidSignatureException', message: 'Signature expired: …' }));
    });
    expect((await page(from)).items).toBe(20);
    const signed = server?.calls.map(({ date }) => date) ?? [];
    expect(signed.length).toBe(2);
    expect(Math.abs((signed[1] ?? 0) - Date.now() - skew)).toBeLessThan(5_000);
  });
});
