import { expect, test } from 'vitest';
import { recentUnits } from '../../src/dynamodb/consumption.ts';
import { MOTO, serverOrSkip } from '../servers/available.ts';
import { startMoto } from '../servers/moto.ts';

serverOrSkip('CloudWatch of another make', [MOTO], () => {
  test('tells what was taken of a table lately', async () => {
    const server = await startMoto();
    process.env.AWS_ACCESS_KEY_ID ??= server.accessKey;
    process.env.AWS_SECRET_ACCESS_KEY ??= server.secretKey;
    const { signal } = new AbortController();
    const access = { aws: { endpoint: server.endpoint, region: 'us-east-1' } };
    try {
      expect(await recentUnits(access, 'orders', 'Read', signal)).toBe(0);
      const put = new URLSearchParams({
        Action: 'PutMetricData',
        Version: '2010-08-01',
        Namespace: 'AWS/DynamoDB',
        'MetricData.member.1.MetricName': 'ConsumedReadCapacityUnits',
        'MetricData.member.1.Dimensions.member.1.Name': 'TableName',
        'MetricData.member.1.Dimensions.member.1.Value': 'orders',
        'MetricData.member.1.Value': '30000',
        'MetricData.member.1.Timestamp': new Date(Date.now() - 3_600_000).toISOString(),
      });
      const authorization = 'AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/monitoring/aws4_request';
      const reply = await fetch(server.endpoint, { method: 'POST', body: put, headers: { authorization } });
      expect(reply.status).toBe(200);
      expect(await recentUnits(access, 'orders', 'Read', signal)).toBe(100);
      expect(await recentUnits(access, 'others', 'Read', signal)).toBe(0);
    } finally {
      await server.stop();
    }
  });
});
