import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SyncOptions } from '../../src/model/options.ts';
import { PreconditionFailed, type Storage } from '../../src/storage/port.ts';
import type { S3Limits } from '../../src/storage/s3/limits.ts';
import { s3Storage } from '../../src/storage/s3/s3.ts';
import { type Rule, type S3Proxy, startS3Proxy } from '../crash/s3-proxy.ts';
import { serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, plainClient, useCredentials } from '../servers/buckets.ts';
import { type S3Server, startVersitygw } from '../servers/versitygw.ts';

const MB = 1024 * 1024;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (body: Uint8Array): string => new TextDecoder().decode(body);

serverOrSkip('S3 with faults', [VERSITYGW], () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let restore: () => void;
  /** Through the proxy, and past it. */
  let storage: Storage;
  let direct: Storage;
  const opened: Storage[] = [];

  const open = (endpoint: string, limits: Partial<S3Limits> = {}, sse?: SyncOptions['sse']): Storage => {
    const made = s3Storage({
      bucket: 'lake',
      aws: { endpoint },
      sse,
      limits: { backoffBaseMs: 1, backoffCapMs: 10, idleTimeoutMs: 500, ...limits },
    });
    opened.push(made);
    return made;
  };
  const fresh = (): string => `faults/${randomUUID()}`;
  const sent = (method: string) => proxy.requests.filter((each) => each.method === method);
  const uploadsLeft = async (): Promise<number> => {
    const client = plainClient(server);
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'lake' }));
    client.destroy();
    return Uploads.length;
  };

  beforeAll(async () => {
    server = await startVersitygw();
    await makeBucket(server, 'lake');
    proxy = await startS3Proxy(server.endpoint);
    restore = useCredentials(server);
    [storage, direct] = [open(proxy.endpoint), open(server.endpoint)];
  });
  afterAll(async () => {
    for (const each of opened) await each.close();
    restore();
    await proxy.stop();
    await server.stop();
  });

  describe('conditional puts', () => {
    const lost: readonly (readonly [string, Rule])[] = [
      ['cut', { method: 'PUT', action: { kind: 'lose reply' } }],
      ['a 500', { method: 'PUT', action: { kind: 'apply and answer', status: 500, code: 'InternalError' } }],
      ['a 503', { method: 'PUT', action: { kind: 'apply and answer', status: 503, code: 'SlowDown' } }],
      // Longer than the storage waits.
      ['silence', { method: 'PUT', action: { kind: 'lose reply' }, meanwhile: () => sleep(1_500) }],
    ];

    test.each(lost)('faults 1, 3: put-if-absent applied, the reply is %s: written', async (_name, rule) => {
      const key = fresh();
      proxy.play(rule);
      const outcome = await storage.putIf(key, bytes('mine'), { ifAbsent: true });
      expect(outcome).toEqual({ kind: 'written', etag: (await direct.head(key))?.etag });
      expect(sent('PUT')).toHaveLength(2);
      expect(text(await direct.get(key))).toBe('mine');
    });

    test.each(lost)('faults 1, 3: put-if-match applied, the reply is %s: written', async (_name, rule) => {
      const key = fresh();
      const { etag } = await direct.put(key, bytes('base'));
      proxy.play(rule);
      const outcome = await storage.putIf(key, bytes('mine'), { ifMatch: etag });
      expect(outcome).toEqual({ kind: 'written', etag: (await direct.head(key))?.etag });
      expect(text(await direct.get(key))).toBe('mine');
    });

    test('fault 1: a lost request while another writer wins: exists', async () => {
      const key = fresh();
      const meanwhile = async () => {
        await direct.put(key, bytes('theirs'));
      };
      proxy.play({ method: 'PUT', action: { kind: 'reset' }, meanwhile });
      expect(await storage.putIf(key, bytes('mine'), { ifAbsent: true })).toEqual({ kind: 'exists' });
      expect(text(await direct.get(key))).toBe('theirs');
    });

    test('fault 1: a swap that may have been, and is swapped over since: unknown, not a guess', async () => {
      const key = fresh();
      const { etag } = await direct.put(key, bytes('base'));
      const meanwhile = async () => {
        await direct.put(key, bytes('next'));
      };
      proxy.play({ method: 'PUT', action: { kind: 'lose reply' }, meanwhile });
      expect(await storage.putIf(key, bytes('mine'), { ifMatch: etag })).toMatchObject({ kind: 'unknown' });
    });

    test('fault 2: applied late, after every try was lost: unknown, and one object at most', async () => {
      const key = fresh();
      const one = open(proxy.endpoint, { conditionalAttemptsMax: 1 });
      proxy.play({ method: 'PUT', action: { kind: 'apply late', ms: 300 } });
      expect(await one.putIf(key, bytes('mine'), { ifAbsent: true })).toMatchObject({ kind: 'unknown' });
      expect(await direct.head(key)).toBeUndefined();
      await new Promise((done) => setTimeout(done, 600));
      expect(text(await direct.get(key))).toBe('mine');
    });

    test('fault 2: applied late, before a retry or after it: written', async () => {
      for (const ms of [0, 300]) {
        const key = fresh();
        proxy.play({ method: 'PUT', action: { kind: 'apply late', ms } });
        expect(await storage.putIf(key, bytes('mine'), { ifAbsent: true })).toMatchObject({ kind: 'written' });
        await new Promise((done) => setTimeout(done, ms + 100));
        expect(text(await direct.get(key))).toBe('mine');
      }
    });

    test('a lost reply that cannot be read back is unknown, with its cause', async () => {
      proxy.play(
        { method: 'PUT', action: { kind: 'lose reply' } },
        { method: 'HEAD', action: { kind: 'answer', status: 403, code: 'AccessDenied' }, times: 99 },
      );
      const outcome = await storage.putIf(fresh(), bytes('mine'), { ifAbsent: true });
      expect(outcome).toMatchObject({ kind: 'unknown', cause: { code: 'ACCESS_DENIED' } });
    });

    test('fault 3: the SDK itself never repeats a conditional put', async () => {
      const one = open(proxy.endpoint, { conditionalAttemptsMax: 1 });
      for (const [, rule] of lost) {
        proxy.play(rule);
        await one.putIf(fresh(), bytes('mine'), { ifAbsent: true });
        expect(sent('PUT')).toHaveLength(1);
      }
    });

    test('fault 4: 409 is tried again, 412 is an answer', async () => {
      const key = fresh();
      proxy.play({
        method: 'PUT',
        action: { kind: 'answer', status: 409, code: 'ConditionalRequestConflict' },
        times: 3,
      });
      expect(await storage.putIf(key, bytes('mine'), { ifAbsent: true })).toMatchObject({ kind: 'written' });
      expect(sent('PUT')).toHaveLength(4);
      proxy.play();
      expect(await storage.putIf(key, bytes('mine'), { ifAbsent: true })).toEqual({ kind: 'exists' });
      expect(proxy.requests).toHaveLength(1);
    });

    test('fault 4: 409 without end is an error, and nothing was written', async () => {
      const key = fresh();
      proxy.play({
        method: 'PUT',
        action: { kind: 'answer', status: 409, code: 'ConditionalRequestConflict' },
        times: 99,
      });
      await expect(storage.putIf(key, bytes('mine'), { ifAbsent: true })).rejects.toMatchObject({
        code: 'UNREACHABLE',
      });
      expect(await direct.head(key)).toBeUndefined();
    });

    test('racing writers with lost replies: the one whose bytes are there is told so, all others are not', async () => {
      for (let round = 0; round < 3; round += 1) {
        const key = fresh();
        proxy.play(
          { method: 'PUT', action: { kind: 'lose reply' }, times: 6 },
          { method: 'PUT', action: { kind: 'reset' }, times: 4 },
        );
        const outcomes = await Promise.all(
          Array.from({ length: 10 }, (_, racer) => storage.putIf(key, bytes(`racer ${racer}`), { ifAbsent: true })),
        );
        const winner = outcomes.findIndex(({ kind }) => kind === 'written');
        expect(outcomes.filter(({ kind }) => kind === 'written')).toHaveLength(1);
        expect(outcomes.filter(({ kind }) => kind === 'exists')).toHaveLength(9);
        expect(text(await direct.get(key))).toBe(`racer ${winner}`);
      }
    });
  });

  describe('calls', () => {
    const busy: readonly Rule['action'][] = [
      { kind: 'answer', status: 503, code: 'SlowDown' },
      { kind: 'answer', status: 500, code: 'InternalError' },
      { kind: 'answer', status: 429, code: 'TooManyRequests' },
      { kind: 'reset' },
    ];

    test.each(busy)('fault 33: %j twice, then all is well', async (action) => {
      const key = fresh();
      proxy.play({ action, times: 2 });
      await storage.put(key, bytes('x'));
      proxy.play({ action, times: 2 });
      expect(text(await storage.get(key))).toBe('x');
      proxy.play({ action, times: 2 });
      expect((await storage.head(key))?.sizeBytes).toBe(1);
      proxy.play({ action, times: 2 });
      for await (const info of storage.list(key)) expect(info.key).toBe(key);
      proxy.play({ action, times: 2 });
      await storage.delete(key);
      expect(await direct.head(key)).toBeUndefined();
    });

    test('fault 33: without end it is UNREACHABLE after a bounded number of tries', async () => {
      proxy.play({ action: { kind: 'answer', status: 503, code: 'SlowDown' }, times: 999 });
      await expect(open(proxy.endpoint, { callAttemptsMax: 3 }).get(fresh())).rejects.toMatchObject({
        code: 'UNREACHABLE',
      });
      expect(proxy.requests).toHaveLength(3);
    });

    test('fault 32: connections are bounded', async () => {
      const few = open(proxy.endpoint, { socketsMax: 4 });
      const key = fresh();
      await direct.put(key, randomBytes(50_000));
      proxy.play();
      const before = proxy.connectionsMax();
      await Promise.all(Array.from({ length: 60 }, () => few.get(key)));
      expect(proxy.requests).toHaveLength(60);
      expect(proxy.connectionsMax() - before).toBeLessThanOrEqual(4);
    });

    test('encryption by KMS is asked for on every put', async () => {
      const sealed = open(
        proxy.endpoint,
        { callAttemptsMax: 1, conditionalAttemptsMax: 1 },
        { algorithm: 'aws:kms', kmsKeyId: 'key-1' },
      );
      const action = { kind: 'answer', status: 400, code: 'InvalidArgument' } as const;
      const from = fresh();
      await direct.put(from, bytes('x'));
      proxy.play({ method: 'PUT', action, times: 99 }, { method: 'POST', action, times: 99 });
      await sealed.put(fresh(), bytes('x')).catch(() => undefined);
      await sealed.putIf(fresh(), bytes('x'), { ifAbsent: true }).catch(() => undefined);
      await sealed.putStream(fresh(), Readable.from([bytes('x')])).catch(() => undefined);
      await sealed.putStream(fresh(), Readable.from([randomBytes(9 * MB)])).catch(() => undefined);
      await sealed.copy(from, fresh()).catch(() => undefined);
      const writes = proxy.requests.filter(({ method, path }) => method === 'PUT' || path.includes('uploads'));
      expect(writes.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'PUT', 'POST', 'PUT']);
      for (const { headers } of writes) {
        expect(headers).toMatchObject({
          'x-amz-server-side-encryption': 'aws:kms',
          'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
        });
      }
    });
  });

  describe('reads', () => {
    const size = 2 * MB + 17;
    const body = randomBytes(size);
    let key: string;
    let etag: string;
    beforeAll(async () => {
      key = fresh();
      ({ etag } = await direct.put(key, body));
    });

    test.each([0, 1, 65_536, MB, size - 1])('fault 35: a body cut after %i bytes goes on from there', async (cut) => {
      proxy.play({ method: 'GET', action: { kind: 'cut', bytes: cut } });
      expect((await buffer(await storage.getStream(key))).equals(body)).toBe(true);
      expect(sent('GET')).toHaveLength(2);
      const [, second] = sent('GET');
      expect(second?.headers['if-match']).toBe(etag);
      expect(second?.headers.range ?? 'bytes=0-').toMatch(/^bytes=\d+-/);
    });

    test('fault 35: a range that is cut goes on within its range', async () => {
      proxy.play(
        { method: 'GET', action: { kind: 'cut', bytes: 1_000 } },
        { method: 'GET', action: { kind: 'cut', bytes: 1_000 } },
      );
      const range = await storage.get(key, { offset: 500, length: 10_000 });
      expect(Buffer.from(range).equals(body.subarray(500, 10_500))).toBe(true);
      expect(sent('GET').map(({ headers }) => headers.range)[0]).toBe('bytes=500-10499');
      expect(sent('GET').at(-1)?.headers.range).toMatch(/^bytes=\d+-10499$/);
    });

    test('fault 35: a read that stalls is taken up again', async () => {
      proxy.play({ method: 'GET', action: { kind: 'stall', bytes: 100_000 } });
      expect((await buffer(await storage.getStream(key))).equals(body)).toBe(true);
      expect(sent('GET')).toHaveLength(2);
    });

    test('fault 35: many cuts, each with progress, do not tire it out', async () => {
      proxy.play({ method: 'GET', action: { kind: 'cut', bytes: 150_000 }, times: 12 });
      expect((await buffer(await storage.getStream(key))).equals(body)).toBe(true);
      expect(sent('GET').length).toBeGreaterThan(8);
    });

    test('fault 35: cuts without progress end in UNREACHABLE, after a bounded number of tries', async () => {
      proxy.play({ method: 'GET', action: { kind: 'cut', bytes: 0 }, times: 999 });
      await expect(storage.get(key)).rejects.toMatchObject({ code: 'UNREACHABLE', place: `s3://lake/${key}` });
      expect(sent('GET')).toHaveLength(6);
    });

    test('fault 36: an object that is replaced while it is read is PreconditionFailed', async () => {
      const victim = fresh();
      await direct.put(victim, body);
      const meanwhile = async () => {
        await direct.put(victim, randomBytes(size));
      };
      proxy.play({ method: 'GET', action: { kind: 'cut', bytes: 100_000 }, meanwhile });
      await expect(storage.get(victim)).rejects.toBeInstanceOf(PreconditionFailed);
    });

    test('fault 36: an object that is deleted while it is read is PreconditionFailed', async () => {
      const victim = fresh();
      await direct.put(victim, body);
      const meanwhile = () => direct.delete(victim);
      proxy.play({ method: 'GET', action: { kind: 'cut', bytes: 100_000 }, meanwhile });
      await expect(storage.get(victim)).rejects.toBeInstanceOf(PreconditionFailed);
    });

    test.each([
      ['AccessDenied', 'Access Denied', /s3:GetObject/],
      ['AccessDenied', 'not authorized to perform: kms:Decrypt on this resource', /kms:Decrypt/],
      ['KMS.DisabledException', 'the key is disabled', /Enable the key/],
    ])('fault 40: %s (%s) midway is a clear stop', async (code, message, hint) => {
      proxy.play(
        { method: 'GET', action: { kind: 'cut', bytes: 100_000 } },
        { method: 'GET', action: { kind: 'answer', status: 403, code, message }, times: 99 },
      );
      await expect(storage.get(key)).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
        hint: expect.stringMatching(hint),
      });
      proxy.play({ action: { kind: 'answer', status: 403, code, message }, times: 99 });
      await expect(storage.put(fresh(), bytes('x'))).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
      await expect(storage.putIf(fresh(), bytes('x'), { ifAbsent: true })).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
      });
    });
  });

  describe('uploads', () => {
    const body = randomBytes(18 * MB);
    const stream = () =>
      Readable.from(Array.from({ length: 18 }, (_, index) => body.subarray(index * MB, (index + 1) * MB)));

    test('fault 34: an error inside 200 OK is not taken for success', async () => {
      const key = fresh();
      proxy.play({ method: 'POST', path: /uploadId=/, action: { kind: 'answer', status: 200, code: 'InternalError' } });
      await storage.putStream(key, stream());
      expect(sent('POST').filter(({ path }) => path.includes('uploadId='))).toHaveLength(2);
      expect(Buffer.from(await direct.get(key)).equals(body)).toBe(true);

      const other = fresh();
      proxy.play({
        method: 'POST',
        path: /uploadId=/,
        action: { kind: 'answer', status: 200, code: 'InternalError' },
        times: 999,
      });
      await expect(open(proxy.endpoint, { callAttemptsMax: 2 }).putStream(other, stream())).rejects.toMatchObject({
        code: 'UNREACHABLE',
      });
      expect(await direct.head(other)).toBeUndefined();
      expect(await uploadsLeft()).toBe(0);
    });

    test('fault 33: parts that fail are sent again', async () => {
      const key = fresh();
      proxy.play(
        { method: 'PUT', path: /partNumber=2/, action: { kind: 'answer', status: 503, code: 'SlowDown' }, times: 2 },
        { method: 'PUT', path: /partNumber=1/, action: { kind: 'reset' } },
        { method: 'PUT', path: /partNumber=3/, action: { kind: 'lose reply' } },
      );
      await storage.putStream(key, stream());
      expect(Buffer.from(await direct.get(key)).equals(body)).toBe(true);
    });

    test('fault 1: the reply to the last call of an upload is lost: the upload is known by its id', async () => {
      const key = fresh();
      proxy.play(
        { method: 'POST', path: /uploadId=/, action: { kind: 'lose reply' } },
        // What a store says that has forgotten a finished upload.
        { method: 'POST', path: /uploadId=/, action: { kind: 'answer', status: 404, code: 'NoSuchUpload' }, times: 99 },
      );
      const put = await storage.putStream(key, stream());
      expect(put).toEqual({ etag: (await direct.head(key))?.etag, sizeBytes: body.length });
      expect(Buffer.from(await direct.get(key)).equals(body)).toBe(true);
      expect(await uploadsLeft()).toBe(0);
    });

    test('fault 41: an upload that is refused midway leaves no parts', async () => {
      const key = fresh();
      proxy.play({
        method: 'PUT',
        path: /partNumber=2/,
        action: { kind: 'answer', status: 403, code: 'AccessDenied' },
        times: 99,
      });
      await expect(storage.putStream(key, stream())).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
      expect(await uploadsLeft()).toBe(0);
      expect(await direct.head(key)).toBeUndefined();
    });

    test('fault 41: an upload that is interrupted midway leaves no parts', async () => {
      const key = fresh();
      const abort = new AbortController();
      const meanwhile = async () => abort.abort();
      proxy.play({ method: 'PUT', path: /partNumber=1/, action: { kind: 'delay', ms: 1 }, meanwhile });
      async function* endless(): AsyncGenerator<Buffer> {
        for (;;) {
          yield body.subarray(0, MB);
          await new Promise((done) => setTimeout(done, 5));
        }
      }
      await expect(storage.putStream(key, Readable.from(endless()), { signal: abort.signal })).rejects.toMatchObject({
        code: 'INTERRUPTED',
      });
      expect(sent('PUT').length).toBeGreaterThan(0);
      expect(await uploadsLeft()).toBe(0);
    });

    test('a large object is copied in parts, by the store alone', async () => {
      const [from, to] = [fresh(), fresh()];
      const body = randomBytes(13 * MB);
      await direct.put(from, body);
      proxy.play();
      const parts = open(proxy.endpoint, { copyBytesMax: 6 * MB, copyPartBytes: 5 * MB }, { algorithm: 'AES256' });
      const copied = await parts.copy(from, to);
      expect(copied).toEqual({ etag: (await direct.head(to))?.etag, sizeBytes: 13 * MB });
      expect(Buffer.from(await direct.get(to)).equals(body)).toBe(true);
      expect(
        sent('PUT')
          .map(({ headers }) => headers['x-amz-copy-source-range'])
          .sort(),
      ).toEqual([`bytes=${10 * MB}-${13 * MB - 1}`, `bytes=${5 * MB}-${10 * MB - 1}`, `bytes=0-${5 * MB - 1}`].sort());
      expect(sent('GET')).toEqual([]);
    });

    test('fault 41: a copy in parts that is refused midway leaves no parts', async () => {
      const [from, to] = [fresh(), fresh()];
      await direct.put(from, randomBytes(13 * MB));
      const parts = open(proxy.endpoint, { copyBytesMax: 6 * MB, copyPartBytes: 5 * MB });
      proxy.play({
        method: 'PUT',
        path: /partNumber=2/,
        action: { kind: 'answer', status: 403, code: 'AccessDenied' },
      });
      await expect(parts.copy(from, to)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
      expect(await direct.head(to)).toBeUndefined();
      expect(await uploadsLeft()).toBe(0);
    });

    test('fault 34: an error inside 200 OK of a copy is not taken for success', async () => {
      const [from, to] = [fresh(), fresh()];
      await direct.put(from, bytes('x'));
      const failing: Rule = { method: 'PUT', action: { kind: 'answer', status: 200, code: 'InternalError' } };
      proxy.play(failing);
      await storage.copy(from, to);
      expect(text(await direct.get(to))).toBe('x');
      expect(sent('PUT')).toHaveLength(2);
      const other = fresh();
      proxy.play({ ...failing, times: 99 });
      await expect(storage.copy(from, other)).rejects.toMatchObject({ code: 'UNREACHABLE' });
      expect(await direct.head(other)).toBeUndefined();
    });

    test('fault 36: an object that is replaced before it is copied is PreconditionFailed', async () => {
      const [from, to] = [fresh(), fresh()];
      await direct.put(from, bytes('first'));
      const meanwhile = async () => {
        await direct.put(from, bytes('other'));
      };
      proxy.play({ method: 'HEAD', action: { kind: 'delay', ms: 0 }, meanwhile });
      await expect(storage.copy(from, to)).rejects.toBeInstanceOf(PreconditionFailed);
      expect(await direct.head(to)).toBeUndefined();
    });

    test('a file whose upload fails stays where it is', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'tailrace-adopt-'));
      try {
        const path = join(folder, 'file');
        await writeFile(path, body);
        const key = fresh();
        proxy.play({
          method: 'POST',
          path: /uploadId=/,
          action: { kind: 'answer', status: 403, code: 'AccessDenied' },
          times: 99,
        });
        await expect(storage.adopt(key, path)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
        proxy.play();
        expect((await storage.adopt(key, path)).sizeBytes).toBe(body.length);
        expect(Buffer.from(await direct.get(key)).equals(body)).toBe(true);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  });
});
