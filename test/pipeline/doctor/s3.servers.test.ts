/** `doctor` on real S3: what is granted by a bucket's policy passes, what is not is named with the statement for it. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { doctor } from '../../../src/index.ts';
import type { DoctorCheck, DoctorReport } from '../../../src/model/doctor.ts';
import { s3Storage } from '../../../src/storage/s3/s3.ts';
import { type S3Proxy, startS3Proxy } from '../../crash/s3-proxy.ts';
import { contextOf, World } from '../../faults/load.ts';
import { serverOrSkip, VERSITYGW } from '../../servers/available.ts';
import { makeBucket, plainClient, useCredentials } from '../../servers/buckets.ts';
import { addUser, type S3Server, startVersitygw } from '../../servers/versitygw.ts';

const SOURCE = 's3://exports/orders';
const TARGET = 'iceberg:s3://lake/shop/orders';
const USER = { accessKey: 'loaderaccess', secretKey: 'loadersecretkey' };
const ALL: readonly string[] = ['s3:ListBucket', 's3:GetObject', 's3:PutObject', 's3:DeleteObject'];

serverOrSkip('doctor on S3', [VERSITYGW], () => {
  let world: World;
  let server: S3Server;
  let proxy: S3Proxy;
  let iamDir: string;
  let restore: () => void;

  beforeAll(async () => {
    iamDir = await mkdtemp(join(tmpdir(), 'tailrace-iam-'));
    server = await startVersitygw(iamDir);
    proxy = await startS3Proxy(server.endpoint);
    restore = useCredentials(server);
    for (const bucket of ['exports', 'lake']) await makeBucket(server, bucket);
    addUser(server, USER.accessKey, USER.secretKey);
    world = await World.open();
    const { exportDir } = await world.export({ items: [{ pk: { S: 'a' } }, { pk: { S: 'b' } }] });
    const exports = s3Storage({ bucket: 'exports', aws: { endpoint: server.endpoint } });
    for (const entry of await readdir(exportDir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      await exports.put(
        `orders/AWSDynamoDB/01772366400123-00000000${path.slice(exportDir.length)}`,
        await readFile(path),
      );
    }
    await exports.close();
  });
  afterEach(() => proxy.play());
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    restore();
    await proxy.stop();
    await server.stop();
    await rm(iamDir, { recursive: true, force: true });
  });

  const aws = (endpoint = server.endpoint) => ({ endpoint, region: 'us-east-1', forcePathStyle: true });
  /** What doctor says to the user, or to the owner of the buckets. */
  const examined = async (
    change: {
      readonly target?: string;
      readonly source?: string;
      readonly readOnly?: boolean;
      readonly at?: string;
    } = {},
  ): Promise<DoctorReport> => {
    const { target = TARGET, source = SOURCE, readOnly = false, at = server.endpoint } = change;
    const options = world.options({ sourceAws: aws(), targetAws: aws(at) });
    return doctor(source, target, { ...options, readOnly }, contextOf());
  };
  const asUser = async (allowed: readonly string[], from = ALL): Promise<DoctorReport> => {
    await allow('lake', allowed);
    await allow('exports', from);
    const back = useCredentials(USER);
    try {
      return await examined();
    } finally {
      back();
    }
  };
  const allow = async (bucket: string, actions: readonly string[]): Promise<void> => {
    const statement = (Action: readonly string[], Resource: string): object[] =>
      Action.length === 0 ? [] : [{ Effect: 'Allow', Principal: { AWS: [USER.accessKey] }, Action, Resource }];
    const of = (listing: boolean): string[] => actions.filter((action) => (action === 's3:ListBucket') === listing);
    const arn = `arn:aws:s3:::${bucket}`;
    const Statement = [...statement(of(true), arn), ...statement(of(false), `${arn}/*`)];
    const client = plainClient(server);
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
    client.destroy();
  };
  const inLake = async (): Promise<string[]> => {
    const storage = s3Storage({ bucket: 'lake', aws: aws() });
    const keys: string[] = [];
    for await (const { key } of storage.list('')) keys.push(key);
    await storage.close();
    return keys;
  };
  const states = ({ checks }: DoctorReport): string[] =>
    checks.map(({ end, what, state }) => `${end} ${state}: ${what.split(' ')[0]}`);
  const failed = ({ checks }: DoctorReport): readonly DoctorCheck[] => checks.filter(({ state }) => state === 'failed');

  test('all that is granted: ready, and nothing is left', async () => {
    const report = await asUser(ALL);
    expect(report).toMatchObject({ outcome: 'ready', left: [] });
    expect(report.policy).toBeUndefined();
    expect(failed(report)).toEqual([]);
    expect(states(report)).toEqual([
      'source passed: list',
      'source passed: find',
      'source passed: read',
      'source passed: read',
      'target passed: list',
      'target passed: see',
      'target passed: write',
      'target passed: rely',
      'target passed: read',
      'target passed: remove',
      'run passed: make',
      'run passed: plan',
    ]);
    expect(await inLake()).toEqual([]);
  });

  test.each([
    ['s3:PutObject', 'write to s3://lake/shop/orders', 'arn:aws:s3:::lake/shop/orders/*'],
    ['s3:GetObject', 'read from s3://lake/shop/orders', 'arn:aws:s3:::lake/shop/orders/*'],
    ['s3:ListBucket', 'list s3://lake/shop/orders', 'arn:aws:s3:::lake'],
  ])('fault 40: without %s on the target: what would grant it', async (action, what, resource) => {
    const report = await asUser(ALL.filter((each) => each !== action));
    expect(report).toMatchObject({ outcome: 'failed', error: { code: 'ACCESS_DENIED' }, left: [] });
    expect(failed(report).map((check) => [check.end, check.what])).toContainEqual(['target', what]);
    expect(report.policy?.Statement).toEqual([
      {
        Effect: 'Allow',
        Action: [action],
        Resource: [resource],
        ...(action === 's3:ListBucket' && {
          Condition: { StringLike: { 's3:prefix': ['shop/orders', 'shop/orders/*'] } },
        }),
      },
    ]);
    expect(await inLake()).toEqual([]);
  });

  test('without s3:DeleteObject: what is left is told', async () => {
    const report = await asUser(ALL.filter((each) => each !== 's3:DeleteObject'));
    expect(report.policy?.Statement).toMatchObject([{ Action: ['s3:DeleteObject'] }]);
    expect(report.left).toEqual((await inLake()).map((key) => `s3://lake/${key}`));
    expect(report.left).toHaveLength(1);
    const storage = s3Storage({ bucket: 'lake', aws: aws() });
    for (const key of await inLake()) await storage.delete(key);
    await storage.close();
  });

  test('several things at once are told at once, also of the source', async () => {
    const report = await asUser(['s3:ListBucket', 's3:GetObject', 's3:DeleteObject'], ['s3:ListBucket']);
    expect(report.policy?.Statement).toEqual([
      { Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::exports/orders/*'] },
      { Effect: 'Allow', Action: ['s3:PutObject'], Resource: ['arn:aws:s3:::lake/shop/orders/*'] },
    ]);
    expect(report.checks.at(-1)).toMatchObject({ what: 'plan the run', state: 'untried' });
  });

  test('credentials that are not accepted are told as that, with no policy', async () => {
    for (const wrong of [
      { accessKey: server.accessKey, secretKey: 'anotherSecretKey' },
      { accessKey: 'nobodyatall', secretKey: 'anotherSecretKey' },
    ]) {
      const back = useCredentials(wrong);
      const report = await examined().finally(back);
      expect(report).toMatchObject({ outcome: 'failed', error: { code: 'ACCESS_DENIED' } });
      expect(report.error?.message).toMatch(/credentials/);
      expect(report.policy).toBeUndefined();
      expect(failed(report).map(({ end }) => end)).toEqual(['source', 'target']);
      expect(JSON.stringify(report)).not.toContain('anotherSecretKey');
    }
  });

  test('a bucket that is not there, and a store that does not answer', async () => {
    const missing = await examined({ target: 'iceberg:s3://nowhere-at-all/orders' });
    expect(failed(missing)).toMatchObject([{ end: 'target', error: { code: 'UNREACHABLE' } }]);
    expect(missing.error?.message).toMatch(/no bucket/);
    const dead = await examined({ at: 'http://127.0.0.1:9' });
    expect(failed(dead)).toMatchObject([{ end: 'target', error: { code: 'UNREACHABLE' } }]);
  });

  test('what AWS says of a refusal is taken apart; where a policy denies, no grant is offered', async () => {
    const user = 'arn:aws:sts::111122223333:assumed-role/loader/x';
    const text = `User: ${user} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::lake/shop/orders/x"`;
    const message = `${text} with an explicit deny in a service control policy`;
    proxy.play({ method: 'PUT', action: { kind: 'answer', status: 403, code: 'AccessDenied', message }, times: 99 });
    const report = await examined({ at: proxy.endpoint });
    expect(failed(report)).toMatchObject([
      {
        what: 'write to s3://lake/shop/orders',
        denial: { principal: user, action: 's3:PutObject', why: 'denied', policy: 'service control policy' },
        error: { hint: expect.stringContaining('no further grant helps') },
      },
    ]);
    expect(report.policy).toBeUndefined();

    const key = 'arn:aws:kms:eu-central-1:111122223333:key/k';
    const kms = `User: ${user} is not authorized to perform: kms:GenerateDataKey on resource: ${key} because no identity-based policy allows the kms:GenerateDataKey action`;
    proxy.play({
      method: 'PUT',
      action: { kind: 'answer', status: 403, code: 'AccessDenied', message: kms },
      times: 99,
    });
    expect((await examined({ at: proxy.endpoint })).policy?.Statement).toEqual([
      { Effect: 'Allow', Action: ['kms:GenerateDataKey'], Resource: [key] },
    ]);
  });

  test('read-only: nothing is sent that writes', async () => {
    const report = await examined({ readOnly: true, at: proxy.endpoint });
    expect(report.outcome).toBe('ready');
    expect(states(report)).toContain('target untried: write');
    expect(proxy.requests.length).toBeGreaterThan(0);
    expect(new Set(proxy.requests.map(({ method }) => method))).not.toContain('PUT');
    expect(proxy.requests.filter(({ method }) => !['GET', 'HEAD'].includes(method))).toEqual([]);
  });

  test('a store that takes puts whatever their conditions is refused where commits rest on them', async () => {
    const { endpoint, stop } = await startForgetful();
    try {
      const path = await examined({ at: endpoint });
      expect(failed(path)[0]).toMatchObject({ what: 'rely on conditional puts', error: { code: 'TARGET_BAD' } });
    } finally {
      await stop();
    }
  });
});

/** A store of one bucket that forgets conditions: a few objects in this process. */
async function startForgetful(): Promise<{ readonly endpoint: string; stop(): Promise<void> }> {
  const objects = new Map<string, Buffer>();
  const server = createServer((request, reply) => {
    void buffer(request).then((body) => {
      const key = decodeURIComponent((request.url ?? '').split('?')[0] ?? '').replace(/^\/[^/]+\/?/, '');
      const there = objects.get(key);
      if (request.method === 'PUT') objects.set(key, body);
      if (request.method === 'DELETE') objects.delete(key);
      const headers = { etag: '"0123456789abcdef0123456789abcdef"', 'content-type': 'application/xml' };
      if (key === '')
        reply.writeHead(200, headers).end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
      else if (there === undefined && request.method !== 'PUT') reply.writeHead(404, headers).end();
      else
        reply
          .writeHead(request.method === 'DELETE' ? 204 : 200, headers)
          .end(request.method === 'GET' ? there : undefined);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  return { endpoint: `http://127.0.0.1:${port}`, stop };
}
