import type { KeyAttribute } from '../model/item.ts';
import type { Throughput } from '../pacing/rate.ts';
import type { DynamoApi } from './api.ts';
import { CUT, DynamoFailure } from './errors.ts';

/** A key attribute with its type, which DynamoDB always tells. */
export type KeyPart = Required<KeyAttribute>;

/** What DescribeTable says of a table, as far as tailrace needs it. */
export interface DescribedTable {
  /** As it was named: a name, or an ARN. */
  readonly named: string;
  readonly name: string;
  readonly arn: string;
  /** Another one once the table was deleted and made again. */
  readonly id: string;
  readonly status: string;
  /** Partition key first. */
  readonly key: readonly KeyPart[];
  /** Keys of indexes that are not the table's own: an item may be without them. */
  readonly indexKeys: readonly KeyPart[];
  /** Up to six hours old. */
  readonly items: number;
  readonly bytes: number;
  readonly billing: 'provisioned' | 'on-demand';
  /** Units a second; absent where the table has no such number. */
  readonly reads: Throughput;
  readonly writes: Throughput;
}

type KeySchema = readonly { readonly AttributeName: string; readonly KeyType: string }[];

interface TableDescription {
  readonly CreationDateTime?: number;
  readonly GlobalSecondaryIndexes?: readonly { readonly KeySchema?: KeySchema }[];
  readonly LocalSecondaryIndexes?: readonly { readonly KeySchema?: KeySchema }[];
  readonly TableName?: string;
  readonly TableArn?: string;
  readonly TableId?: string;
  readonly TableStatus?: string;
  readonly KeySchema?: KeySchema;
  readonly AttributeDefinitions?: readonly { readonly AttributeName: string; readonly AttributeType: string }[];
  readonly ItemCount?: number;
  readonly TableSizeBytes?: number;
  readonly BillingModeSummary?: { readonly BillingMode?: string };
  readonly ProvisionedThroughput?: { readonly ReadCapacityUnits?: number; readonly WriteCapacityUnits?: number };
  readonly OnDemandThroughput?: {
    readonly MaxReadRequestUnits?: number;
    readonly MaxWriteRequestUnits?: number;
  };
  readonly WarmThroughput?: { readonly ReadUnitsPerSecond?: number; readonly WriteUnitsPerSecond?: number };
}

/** Asks DynamoDB what it says of a table. */
export async function describeTable(api: DynamoApi, named: string, signal: AbortSignal): Promise<DescribedTable> {
  const body = JSON.stringify({ TableName: named });
  return api.call('DescribeTable', named, body, (reply) => readDescription(named, reply), signal);
}

function readDescription(named: string, reply: Buffer): DescribedTable {
  const { Table: table } = parsed(reply);
  if (table?.TableArn === undefined || table.KeySchema === undefined)
    throw new DynamoFailure(CUT, 'DescribeTable does not say what the table is');
  const types = new Map(table.AttributeDefinitions?.map((each) => [each.AttributeName, each.AttributeType]));
  const parts = (schema: KeySchema = []): KeyPart[] =>
    [...schema]
      .sort((a, b) => Number(a.KeyType !== 'HASH') - Number(b.KeyType !== 'HASH'))
      .map(({ AttributeName: attr }) => ({ attr, tag: (types.get(attr) ?? 'S') as KeyPart['tag'] }));
  const key = parts(table.KeySchema);
  const indexes = [...(table.GlobalSecondaryIndexes ?? []), ...(table.LocalSecondaryIndexes ?? [])];
  const indexKeys = new Map(indexes.flatMap(({ KeySchema }) => parts(KeySchema)).map((part) => [part.attr, part]));
  for (const { attr } of key) indexKeys.delete(attr);
  const { ProvisionedThroughput: provisioned, OnDemandThroughput: most, WarmThroughput: warm } = table;
  return {
    named,
    name: table.TableName ?? named,
    arn: table.TableArn,
    // Servers that stand in for DynamoDB may have none; the time when the table was made tells it as well.
    id: table.TableId ?? String(table.CreationDateTime ?? ''),
    status: table.TableStatus ?? 'ACTIVE',
    key,
    indexKeys: [...indexKeys.values()],
    items: table.ItemCount ?? 0,
    bytes: table.TableSizeBytes ?? 0,
    billing: isOnDemand(table) ? 'on-demand' : 'provisioned',
    reads: throughput(provisioned?.ReadCapacityUnits, most?.MaxReadRequestUnits, warm?.ReadUnitsPerSecond),
    writes: throughput(provisioned?.WriteCapacityUnits, most?.MaxWriteRequestUnits, warm?.WriteUnitsPerSecond),
  };
}

function isOnDemand({ BillingModeSummary: billing, ProvisionedThroughput: provisioned }: TableDescription): boolean {
  return billing?.BillingMode === 'PAY_PER_REQUEST' || (provisioned?.ReadCapacityUnits ?? 0) <= 0;
}

/** A number that is not set is missing, 0 or -1. */
function throughput(provisioned = 0, maximum = 0, warm = 0): Throughput {
  return {
    ...(provisioned > 0 ? { provisioned } : {}),
    ...(maximum > 0 ? { maximum } : {}),
    ...(warm > 0 ? { warm } : {}),
  };
}

function parsed(reply: Buffer): { readonly Table?: TableDescription } {
  try {
    return JSON.parse(reply.toString('utf8')) as { readonly Table?: TableDescription };
  } catch {
    throw new DynamoFailure(CUT, 'DescribeTable did not answer in JSON');
  }
}
