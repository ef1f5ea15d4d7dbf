import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DynamoApi } from '../../src/dynamodb/api.ts';
import { sync } from '../../src/index.ts';
import type { AwsSettings } from '../../src/model/aws.ts';
import type { CapacityRate, SyncOptions } from '../../src/model/options.ts';
import { Retrier } from '../../src/pacing/retry.ts';
import type { DdbItem } from '../data/ion.ts';
import { MOTO, serverOrSkip } from '../servers/available.ts';
import { startMoto } from '../servers/moto.ts';
import { canonicalItems, catItems, freshFolder, optionsWith, quiet } from './harness.ts';

const THEIRS = '222222222222';
const ROLE = { roleArn: `arn:aws:iam::${THEIRS}:role/orders-reader`, externalId: 'tailrace' };
const ITEMS = Array.from({ length: 30 }, (_, i): DdbItem => ({ pk: { S: `k${i}` }, n: { N: String(i) } }));

/** A table with these items, made by whoever `aws` is. */
async function make(aws: AwsSettings, name: string, billing: object, items: readonly DdbItem[]): Promise<void> {
  const api = new DynamoApi({ aws }, new Retrier());
  const { signal } = new AbortController();
  const call = (operation: 'CreateTable' | 'BatchWriteItem', body: object) =>
    api.call(operation, name, JSON.stringify(body), () => undefined, signal);
  try {
    const attributes = { AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }] };
    const key = { KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }] };
    await call('CreateTable', { TableName: name, ...attributes, ...key, ...billing });
    for (let at = 0; at < items.length; at += 25)
      await call('BatchWriteItem', {
        RequestItems: { [name]: items.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } })) },
      });
  } finally {
    await api.close();
  }
}

serverOrSkip('a table of AWS in one process', [MOTO], () => {
  test('of another account is read by a role, by its name and by its ARN; a share is of what the table can give', async () => {
    const server = await startMoto();
    process.env.AWS_ACCESS_KEY_ID ??= server.accessKey;
    process.env.AWS_SECRET_ACCESS_KEY ??= server.secretKey;
    process.env.AWS_ENDPOINT_URL_STS = server.endpoint;
    const own = { endpoint: server.endpoint, region: 'us-east-1' };
    const scan = async (source: string, aws: AwsSettings, rcu: CapacityRate | undefined, dryRun = false) => {
      const standard = optionsWith({ sourceAws: aws, dryRun });
      const options: SyncOptions = { ...standard, scan: { ...standard.scan, rcu, segments: 3 } };
      const target = join(await freshFolder(), 't');
      return { target, options, report: await sync(`dynamodb:${source}`, target, options, quiet()) };
    };
    try {
      const theirs = { ...own, ...ROLE };
      await make(theirs, 'orders', { BillingMode: 'PAY_PER_REQUEST' }, ITEMS);
      const provisioned = { ProvisionedThroughput: { ReadCapacityUnits: 200, WriteCapacityUnits: 50 } };
      await make(own, 'mine', provisioned, ITEMS.slice(0, 5));
      const share = { kind: 'share', share: 0.3 } as const;
      for (const source of ['orders', `arn:aws:dynamodb:us-east-1:${THEIRS}:table/orders`]) {
        const { target, options, report } = await scan(source, theirs, share);
        expect(report.error).toBeUndefined();
        expect(report.position?.tableArn).toBe(`arn:aws:dynamodb:us-east-1:${THEIRS}:table/orders`);
        expect(report.scan?.rate).toEqual({ unitsPerSecond: 3_600, why: '30 % of 12000, its warm throughput' });
        expect(report.scan?.price).toBeGreaterThan(0);
        expect(await catItems(target, options)).toEqual(canonicalItems(ITEMS));
      }
      expect((await scan('orders', own, share)).report.error?.code).toBe('SOURCE_NOT_FOUND');
      expect((await scan('mine', theirs, share)).report.error?.code).toBe('SOURCE_NOT_FOUND');
      const mine = await scan('mine', own, share, true);
      expect(mine.report.scan?.rate).toEqual({ unitsPerSecond: 60, why: '30 % of 200 provisioned' });
      const unasked = await scan('mine', own, undefined, true);
      expect(unasked.report.scan?.rate).toEqual({ unitsPerSecond: 50, why: '25 % of 200 provisioned' });
    } finally {
      delete process.env.AWS_ENDPOINT_URL_STS;
      await server.stop();
    }
  });
});
