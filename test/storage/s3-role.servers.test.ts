import { expect, test } from 'vitest';
import { s3Storage } from '../../src/storage/s3/s3.ts';
import { MOTO, serverOrSkip } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { startMoto } from '../servers/moto.ts';

serverOrSkip('S3 with a role', [MOTO], () => {
  test('a role is assumed before the first call', async () => {
    const server = await startMoto();
    const restore = useCredentials(server);
    try {
      await makeBucket(server, 'lake');
      const aws = {
        endpoint: server.endpoint,
        region: 'us-east-1',
        externalId: 'e-1',
        roleArn: 'arn:aws:iam::123456789012:role/lake-writer',
      };
      const unreachable = s3Storage({ bucket: 'lake', aws });
      process.env.AWS_ENDPOINT_URL_STS = 'http://127.0.0.1:9';
      await expect(unreachable.put('a', Buffer.from('x'))).rejects.toThrow();
      await unreachable.close();

      process.env.AWS_ENDPOINT_URL_STS = server.endpoint;
      const storage = s3Storage({ bucket: 'lake', aws });
      await storage.put('a', Buffer.from('x'));
      expect(Buffer.from(await storage.get('a')).toString()).toBe('x');
      await storage.close();
    } finally {
      restore();
      await server.stop();
    }
  });
});
