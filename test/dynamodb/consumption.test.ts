import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { recentUnits, withRecent } from '../../src/dynamodb/consumption.ts';
import type { CapacityRate } from '../../src/model/options.ts';
import { settleRate, type Throughput } from '../../src/pacing/rate.ts';

const { signal } = new AbortController();
const SHARE: CapacityRate = { kind: 'share', share: 0.3 };

interface Asked {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A CloudWatch that answers GetMetricStatistics as its documentation has it. */
class CloudWatch implements AsyncDisposable {
  readonly asked: Asked[] = [];
  answer: { readonly status: number; readonly body: string } = answerOf([]);
  readonly #server = createServer((incoming, outgoing) => {
    let text = '';
    incoming.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
    incoming.on('end', () => {
      this.asked.push({ headers: incoming.headers, body: JSON.parse(text) as Asked['body'] });
      outgoing.writeHead(this.answer.status, { 'content-type': 'application/x-amz-json-1.0' });
      outgoing.end(this.answer.body);
    });
  });

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function answerOf(sums: readonly number[]): CloudWatch['answer'] {
  const Datapoints = sums.map((Sum, i) => ({ Timestamp: 1_760_000_000 + 300 * i, Sum, Unit: 'Count' }));
  return { status: 200, body: JSON.stringify({ Datapoints, Label: 'ConsumedReadCapacityUnits' }) };
}

describe('a share of what was taken of a table lately', () => {
  let cloud: CloudWatch;
  let access: { readonly aws: { readonly endpoint: string; readonly region: string } };
  const rateOf = async (asked: CapacityRate | undefined, throughput: Throughput = {}) =>
    settleRate(asked, await withRecent(access, { name: 'orders', throughput, kind: 'Read' }, asked, signal));

  beforeEach(async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
    vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH', '');
    cloud = new CloudWatch();
    access = { aws: { endpoint: await cloud.open(), region: 'eu-west-1' } };
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await cloud[Symbol.asyncDispose]();
  });

  test('is one of its busiest five minutes of the last day', async () => {
    cloud.answer = answerOf([3_000, 300_000, 0.5]);
    expect(await rateOf(SHARE)).toEqual({
      unitsPerSecond: 300,
      why: '30 % of 1000, taken in its busiest minutes of the last day',
    });
    const [{ headers, body } = { headers: {}, body: {} }] = cloud.asked;
    expect(headers['x-amz-target']).toBe('GraniteServiceVersion20100801.GetMetricStatistics');
    expect(headers['authorization']).toMatch(
      /^AWS4-HMAC-SHA256 Credential=test\/\d{8}\/eu-west-1\/monitoring\/aws4_request/,
    );
    expect(body).toMatchObject({
      Namespace: 'AWS/DynamoDB',
      MetricName: 'ConsumedReadCapacityUnits',
      Dimensions: [{ Name: 'TableName', Value: 'orders' }],
      Period: 300,
      Statistics: ['Sum'],
    });
    expect(Number(body['EndTime']) - Number(body['StartTime'])).toBe(86_400);
  });

  test('is asked for only where there is no other number, and a share was asked for', async () => {
    cloud.answer = answerOf([300_000]);
    for (const throughput of [{ provisioned: 10 }, { maximum: 10 }, { warm: 10 }])
      expect((await rateOf(SHARE, throughput)).unitsPerSecond).toBe(3);
    expect((await rateOf(undefined)).unitsPerSecond).toBe(500);
    expect((await rateOf({ kind: 'units', units: 7 })).unitsPerSecond).toBe(7);
    expect((await rateOf({ kind: 'unlimited' })).unitsPerSecond).toBe(Number.POSITIVE_INFINITY);
    expect(cloud.asked).toEqual([]);
  });

  test('of a table that nobody reads is one of the usual number, and it is said', async () => {
    const { unitsPerSecond, why } = await rateOf(SHARE);
    expect([unitsPerSecond, why]).toEqual([150, expect.stringContaining('nothing was taken of it in the last day')]);
  });

  test('fault 40: where it may not be read, the usual number counts, and what would allow it is said', async () => {
    const body = JSON.stringify({ __type: 'com.amazon.coral.service#AccessDenied', message: 'User: x is not …' });
    cloud.answer = { status: 400, body };
    const { unitsPerSecond, why } = await rateOf(SHARE);
    expect(unitsPerSecond).toBe(150);
    expect(why).toContain('cannot be read (AccessDenied, cloudwatch:GetMetricStatistics would allow it)');
  });

  test.each([
    ['a page of a proxy', { status: 502, body: '<html>' }, 'HTTP 502'],
    ['no JSON', { status: 200, body: '<html>' }, 'SyntaxError'],
  ])('%s stops nothing', async (_, answer, told) => {
    cloud.answer = answer;
    const { unitsPerSecond, why } = await rateOf(SHARE);
    expect([unitsPerSecond, why]).toEqual([150, expect.stringContaining(told)]);
  });

  test('nobody there stops nothing; an interruption does', async () => {
    await cloud[Symbol.asyncDispose]();
    const { unitsPerSecond, why } = await rateOf(SHARE);
    expect([unitsPerSecond, why]).toEqual([150, expect.stringContaining('ECONNREFUSED')]);
    const aborted = AbortSignal.abort(new Error('enough'));
    const asked = withRecent(access, { name: 'orders', throughput: {}, kind: 'Read' }, SHARE, aborted);
    await expect(asked).rejects.toThrow('enough');
  });

  test('CloudWatch has an address of its own, if the environment names one', async () => {
    cloud.answer = answerOf([600]);
    vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH', access.aws.endpoint);
    const elsewhere = { aws: { endpoint: 'http://127.0.0.1:9', region: 'eu-west-1' } };
    expect(await recentUnits(elsewhere, 'orders', 'Write', signal)).toBe(2);
    expect(cloud.asked[0]?.body['MetricName']).toBe('ConsumedWriteCapacityUnits');
  });
});
