import { expect, test } from 'vitest';
import { doctor } from '../../../src/index.ts';
import type { DoctorReport } from '../../../src/model/doctor.ts';
import { quiet } from '../harness.ts';
import { Shop } from '../scan-harness.ts';

const examined = (shop: Shop): Promise<DoctorReport> => doctor('dynamodb:orders', shop.target, shop.options(), quiet());

test('a table itself: described, one item read, nothing more', async () => {
  await using shop = await Shop.open({ description: { ItemCount: 60 } });
  const report = await examined(shop);
  expect(report).toMatchObject({ outcome: 'ready' });
  expect(report.checks[0]?.found).toMatch(/^arn:.*table\/orders, about 60 items/);
  expect(report.checks.at(-1)?.found).toMatch(/^a scan of about 60 items/);
  const scans = shop.server.calls.filter(({ operation }) => operation === 'Scan');
  expect(scans.map(({ request }) => request['Limit'])).toEqual([1]);
});

test('a share of its recent use is asked for where there is nothing else, and a run does without it', async () => {
  await using shop = await Shop.open();
  shop.table.mishap = ({ operation }) =>
    operation === 'GetMetricStatistics' ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined;
  const rcu = { kind: 'share', share: 0.3 } as const;
  const report = await doctor('dynamodb:orders', shop.target, shop.options({ rcu }), quiet());
  expect(report).toMatchObject({ outcome: 'ready' });
  expect(report.policy).toBeUndefined();
  expect(report.checks.find(({ what }) => what.includes('taken of it lately'))).toMatchObject({
    state: 'untried',
    found: expect.stringMatching(
      /^a run does without it: 30 % of 500: .*cloudwatch:GetMetricStatistics would allow it/,
    ),
    needs: [{ Effect: 'Allow', Action: ['cloudwatch:GetMetricStatistics'], Resource: ['*'] }],
  });
  const scanned = await shop.scan({ rcu });
  expect(scanned.scan?.rate).toEqual({ unitsPerSecond: 150, why: expect.stringContaining('AccessDeniedException') });
  const warm = { WarmThroughput: { ReadUnitsPerSecond: 1_000 } };
  await using other = await Shop.open({ description: warm });
  await doctor('dynamodb:orders', other.target, other.options({ rcu }), quiet());
  expect(other.server.calls.map(({ operation }) => operation)).not.toContain('GetMetricStatistics');
});

test('fault 40: what DynamoDB refuses is named, with the statement for this table', async () => {
  await using shop = await Shop.open();
  const arn = 'arn:aws:dynamodb:us-east-1:111122223333:table/orders';
  shop.table.mishap = ({ operation }) => ({
    kind: 'refuse',
    code: 'AccessDeniedException',
    message: `User: arn:aws:iam::111122223333:user/x is not authorized to perform: dynamodb:${operation} on resource: ${arn} because no identity-based policy allows the dynamodb:${operation} action`,
  });
  const report = await examined(shop);
  expect(report).toMatchObject({ outcome: 'failed', error: { code: 'ACCESS_DENIED' } });
  expect(report.policy?.Statement).toEqual([
    { Effect: 'Allow', Action: ['dynamodb:DescribeTable', 'dynamodb:Scan'], Resource: [arn] },
  ]);
  shop.table.mishap = () => ({ kind: 'refuse', code: 'UnrecognizedClientException' });
  expect((await examined(shop)).policy).toBeUndefined();
});
