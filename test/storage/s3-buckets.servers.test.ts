import { afterAll, beforeAll, expect, test } from 'vitest';
import { openAnywhere } from '../../src/storage/anywhere.ts';
import { ObjectNotFound, type Storage } from '../../src/storage/port.ts';
import { serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { type S3Server, startVersitygw } from '../servers/versitygw.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

serverOrSkip('all buckets as one storage', [VERSITYGW], () => {
  let s3: S3Server;
  let storage: Storage;
  let restore: () => void;

  beforeAll(async () => {
    s3 = await startVersitygw();
    restore = useCredentials(s3);
    await makeBucket(s3, 'lake');
    await makeBucket(s3, 'other');
    storage = await openAnywhere('s3://lake/x', { aws: { endpoint: s3.endpoint, region: 'us-east-1' } });
  });
  afterAll(async () => {
    await storage.close();
    restore();
    await s3.stop();
  });

  const collect = async <T>(items: AsyncIterable<T>): Promise<readonly T[]> => {
    const all: T[] = [];
    for await (const item of items) all.push(item);
    return all;
  };
  const read = async (key: string): Promise<string> => new TextDecoder().decode(await storage.get(key));

  test('keys begin with the bucket, whatever the scheme is spelt like', () => {
    expect(storage.uri('lake/a/b')).toBe('s3://lake/a/b');
    expect(['s3://lake/a/b', 's3a://lake/a/b', 's3n://lake/a/b', 's3://lake'].map((uri) => storage.key(uri))).toEqual([
      'lake/a/b',
      'lake/a/b',
      'lake/a/b',
      'lake',
    ]);
    expect(() => storage.key('/lake/a')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  test('objects of each are put, listed, copied over and deleted', async () => {
    await storage.put('lake/t/a', bytes('a'));
    expect(await storage.putIf('other/t/b', bytes('b'), { ifAbsent: true })).toMatchObject({ kind: 'written' });
    expect(await storage.putIf('other/t/b', bytes('c'), { ifAbsent: true })).toEqual({ kind: 'exists' });
    expect(await storage.head('other/t/b')).toMatchObject({ key: 'other/t/b', sizeBytes: 1 });
    expect(await storage.head('other/t/a')).toBeUndefined();
    await storage.copy('lake/t/a', 'lake/t/c');
    await storage.copy('lake/t/a', 'other/t/a');
    expect([await read('lake/t/c'), await read('other/t/a')]).toEqual(['a', 'a']);
    expect((await collect(storage.list('lake/t/'))).map(({ key }) => key)).toEqual(['lake/t/a', 'lake/t/c']);
    expect((await collect(storage.list('other/'))).map(({ key }) => key)).toEqual(['other/t/a', 'other/t/b']);
    expect(await collect(storage.listFolder('other/'))).toEqual(['t/']);
    await storage.delete('other/t/a');
    await expect(storage.get('other/t/a')).rejects.toBeInstanceOf(ObjectNotFound);
  });

  test('credentials that are given go before the user’s, his endpoint and region before those that are given', async () => {
    const asked: string[] = [];
    const given = {
      endpoint: 'http://127.0.0.1:1',
      region: 'nowhere',
      credentials: async () => {
        asked.push('once');
        return { accessKeyId: s3.accessKey, secretAccessKey: s3.secretKey, endsAtMs: Date.now() + 3_600_000 };
      },
    };
    process.env['AWS_SECRET_ACCESS_KEY'] = 'wrong';
    try {
      const aws = { endpoint: s3.endpoint, region: 'us-east-1' };
      const own = await openAnywhere('s3://lake/x', { aws }, given);
      await own.put('lake/u', bytes('u'));
      expect(new TextDecoder().decode(await own.get('lake/u'))).toBe('u');
      await own.close();
    } finally {
      process.env['AWS_SECRET_ACCESS_KEY'] = s3.secretKey;
    }
    expect(asked.length).toBeLessThan(4);
  });

  test('other schemes are refused', async () => {
    await expect(openAnywhere('gs://b/t', { aws: {} })).rejects.toMatchObject({ code: 'TARGET_BAD' });
  });
});
