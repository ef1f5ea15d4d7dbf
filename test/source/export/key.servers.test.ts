import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { describeKey } from '../../../src/source/export/key.ts';
import { MOTO, serverOrSkip } from '../../servers/available.ts';
import { useCredentials } from '../../servers/buckets.ts';
import { startMoto } from '../../servers/moto.ts';

serverOrSkip('DescribeTable', [MOTO], () => {
  test('the key is asked with the source’s role; where the role cannot be had, the key is unknown, and soon', async () => {
    const server = await startMoto();
    const restore = useCredentials(server);
    try {
      const client = new DynamoDBClient({ endpoint: server.endpoint, region: 'eu-west-1' });
      const { TableDescription } = await client.send(
        new CreateTableCommand({
          TableName: 'orders',
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [
            { AttributeName: 'pk', AttributeType: 'S' },
            { AttributeName: 'at', AttributeType: 'N' },
          ],
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'at', KeyType: 'RANGE' },
          ],
        }),
      );
      client.destroy();
      const table = { arn: TableDescription?.TableArn ?? '', id: TableDescription?.TableId ?? '' };
      const role = { endpoint: server.endpoint, roleArn: 'arn:aws:iam::123456789012:role/reader', externalId: 'e-1' };
      const key = [
        { attr: 'pk', tag: 'S' },
        { attr: 'at', tag: 'N' },
      ];
      const { signal } = new AbortController();
      process.env.AWS_ENDPOINT_URL_STS = 'http://127.0.0.1:9';
      // Without a role nobody asks for one.
      expect(await describeKey(table, { endpoint: server.endpoint }, signal)).toEqual(key);
      const started = performance.now();
      expect(await describeKey(table, role, signal)).toBeUndefined();
      expect(performance.now() - started).toBeLessThan(10_000);

      process.env.AWS_ENDPOINT_URL_STS = server.endpoint;
      expect(await describeKey(table, role, signal)).toEqual(key);
    } finally {
      delete process.env.AWS_ENDPOINT_URL_STS;
      restore();
      await server.stop();
    }
  });
});
