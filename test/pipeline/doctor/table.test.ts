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
