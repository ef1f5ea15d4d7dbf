/** What tests need of a DynamoDB server, without the code under test: calls in JSON, and a table as sorted lines. */
import { randomUUID } from 'node:crypto';

export interface Described {
  readonly TableStatus: string;
  readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: string }[];
  readonly BillingModeSummary?: { readonly BillingMode: string };
  readonly ProvisionedThroughput?: { readonly WriteCapacityUnits: number };
}

/** One call; servers that stand in for DynamoDB look at no signature. */
export async function call(endpoint: string, operation: string, body: object): Promise<Record<string, unknown>> {
  const reply = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'x-amz-date': '20260101T000000Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify(body),
  });
  const told = (await reply.json()) as Record<string, unknown>;
  if (!reply.ok) throw new Error(JSON.stringify(told));
  return told;
}

export async function describeTable(endpoint: string, name: string): Promise<Described> {
  return (await call(endpoint, 'DescribeTable', { TableName: name }))['Table'] as Described;
}

/** A new table with keys `pk:S,sk:N`; further attributes become keys of indexes. Gives its name. */
export async function makeTable(endpoint: string, key: string, indexes: readonly string[] = []): Promise<string> {
  return makeNamed(endpoint, `t-${randomUUID()}`, key, indexes);
}

export async function makeNamed(
  endpoint: string,
  name: string,
  key: string,
  indexes: readonly string[] = [],
): Promise<string> {
  const parts = [...key.split(','), ...indexes].map((part) => part.split(':') as [string, string]);
  const own = key.split(',').map((part) => part.split(':')[0] ?? '');
  await call(endpoint, 'CreateTable', {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: parts.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    KeySchema: own.map((AttributeName, place) => ({ AttributeName, KeyType: place === 0 ? 'HASH' : 'RANGE' })),
    ...(indexes.length === 0
      ? {}
      : {
          GlobalSecondaryIndexes: indexes.map((index) => ({
            IndexName: `by-${index.split(':')[0]}`,
            KeySchema: [{ AttributeName: index.split(':')[0], KeyType: 'HASH' }],
            Projection: { ProjectionType: 'ALL' },
          })),
        }),
  });
  while ((await describeTable(endpoint, name)).TableStatus !== 'ACTIVE')
    await new Promise((done) => setTimeout(done, 20));
  return name;
}

/** All items, each as DynamoDB JSON with sorted names and sets, in the order of these texts. */
export async function itemsOf(endpoint: string, name: string): Promise<string[]> {
  const items: string[] = [];
  for (let start: unknown; ; ) {
    const page = await call(endpoint, 'Scan', {
      TableName: name,
      ConsistentRead: true,
      ...(start === undefined ? {} : { ExclusiveStartKey: start }),
    });
    items.push(...(page['Items'] as unknown[]).map(canonical));
    start = page['LastEvaluatedKey'];
    if (start === undefined) return items.sort();
  }
}

/** A text that equal values share. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, each]) => {
    const isSet = ['SS', 'NS', 'BS'].includes(name) && Array.isArray(each);
    return `${JSON.stringify(name)}:${isSet ? JSON.stringify([...each].sort()) : canonical(each)}`;
  });
  return `{${members.sort().join(',')}}`;
}
