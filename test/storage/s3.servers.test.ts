import { afterAll, beforeAll, expect, test } from 'vitest';
import { ObjectNotFound } from '../../src/storage/port.ts';
import { s3Storage } from '../../src/storage/s3/s3.ts';
import { storageContract } from '../contract/storage.ts';
import { MOTO, serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { startMoto } from '../servers/moto.ts';
import { type S3Server, startVersitygw } from '../servers/versitygw.ts';

serverOrSkip('S3 on versitygw', [VERSITYGW], () => {
  storageContract('S3 on versitygw', async () => {
    const server = await startVersitygw();
    await makeBucket(server, 'lake');
    const restore = useCredentials(server);
    return {
      storage: s3Storage({ bucket: 'lake', aws: { endpoint: server.endpoint } }),
      stop: async () => {
        restore();
        await server.stop();
      },
    };
  });
});

serverOrSkip('S3 on moto', [MOTO], () => {
  storageContract('S3 on moto', async () => {
    const server = await startMoto();
    await makeBucket(server, 'lake');
    const restore = useCredentials(server);
    return {
      storage: s3Storage({ bucket: 'lake', aws: { endpoint: server.endpoint } }),
      stop: async () => {
        restore();
        await server.stop();
      },
    };
  });
});

serverOrSkip('S3: what goes wrong says so', [VERSITYGW], () => {
  const secretKey = 'wrongwrongwrongwrong';
  const limits = { callAttemptsMax: 2, conditionalAttemptsMax: 2, backoffBaseMs: 1 };
  let server: S3Server;
  let restore: () => void = () => undefined;
  beforeAll(async () => {
    server = await startVersitygw();
    await makeBucket(server, 'lake');
  });
  afterAll(async () => {
    await server.stop();
  });

  const withCredentials = async (accessKey: string, secret: string, work: () => Promise<void>): Promise<void> => {
    restore = useCredentials({ accessKey, secretKey: secret });
    await work().finally(() => restore());
  };
  const body = new Uint8Array([1]);

  test.each(['head', 'get', 'list', 'put', 'putIf'] as const)(
    '%s with a wrong secret is ACCESS_DENIED',
    async (call) => {
      await withCredentials(server.accessKey, secretKey, async () => {
        const failed = await callAndFail(call, server.endpoint, 'lake');
        expect(failed).toMatchObject({ code: 'ACCESS_DENIED', place: expect.stringContaining('s3://lake/') });
        expect(JSON.stringify(failed) + String(failed)).not.toContain(secretKey);
      });
    },
  );

  test.each(['head', 'get', 'list', 'put', 'putIf'] as const)(
    '%s with an unknown key is ACCESS_DENIED',
    async (call) => {
      await withCredentials('nobody', secretKey, async () => {
        expect(await callAndFail(call, server.endpoint, 'lake')).toMatchObject({ code: 'ACCESS_DENIED' });
      });
    },
  );

  test.each(['head', 'get', 'list', 'put', 'putIf'] as const)(
    '%s in a bucket that is not there is UNREACHABLE',
    async (call) => {
      await withCredentials(server.accessKey, server.secretKey, async () => {
        expect(await callAndFail(call, server.endpoint, 'nowhere')).toMatchObject({
          code: 'UNREACHABLE',
          message: expect.stringContaining('no bucket'),
          hint: expect.stringContaining('bucket'),
        });
      });
    },
  );

  test.each(['head', 'get', 'list', 'put', 'putIf'] as const)(
    '%s at an endpoint where nobody listens is UNREACHABLE',
    async (call) => {
      await withCredentials(server.accessKey, server.secretKey, async () => {
        const failed = await callAndFail(call, 'http://user:pass@127.0.0.1:9', 'lake');
        expect(failed).toMatchObject({ code: 'UNREACHABLE', hint: expect.stringContaining('endpoint') });
        expect((failed as Error).message).not.toContain('pass');
      });
    },
  );

  test('without any credentials it is ACCESS_DENIED', async () => {
    await withCredentials('x', 'y', async () => {
      delete process.env.AWS_ACCESS_KEY_ID;
      expect(await callAndFail('get', server.endpoint, 'lake')).toMatchObject({ code: 'ACCESS_DENIED' });
    });
  });

  test('AWS_ENDPOINT_URL_S3 names the endpoint', async () => {
    await withCredentials(server.accessKey, server.secretKey, async () => {
      process.env.AWS_ENDPOINT_URL_S3 = server.endpoint;
      const storage = s3Storage({ bucket: 'lake', aws: {} });
      await storage.put('by-environment', body);
      expect(await storage.get('by-environment')).toEqual(Buffer.from(body));
      await expect(storage.get('by-environment/missing')).rejects.toBeInstanceOf(ObjectNotFound);
      await storage.close();
    });
  });

  async function callAndFail(
    call: 'head' | 'get' | 'list' | 'put' | 'putIf',
    endpoint: string,
    bucket: string,
  ): Promise<unknown> {
    const storage = s3Storage({ bucket, aws: { endpoint }, limits });
    try {
      if (call === 'list') for await (const info of storage.list('')) throw new Error(`listed ${info.key}`);
      else if (call === 'put') await storage.put('a', body);
      else if (call === 'putIf') await storage.putIf('a', body, { ifAbsent: true });
      else await storage[call]('a');
    } catch (error) {
      return error;
    } finally {
      await storage.close();
    }
    throw new Error(`${call} did not fail`);
  }
});
