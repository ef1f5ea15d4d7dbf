import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoApi } from '../../dynamodb/api.ts';
import { CUT, DynamoFailure, dynamoError, failureOf, isNoTable } from '../../dynamodb/errors.ts';
import { TailraceError } from '../../model/errors.ts';
import type { Throughput } from '../../pacing/rate.ts';

export type KeyTag = 'S' | 'N' | 'B';

export interface KeyPart {
  readonly attr: string;
  readonly tag: KeyTag;
}

/** What an item must have to be taken. */
export interface TableKey {
  /** Partition key first. */
  readonly key: readonly KeyPart[];
  /** Keys of indexes: absent they may be, but not of another type. */
  readonly indexKeys: readonly KeyPart[];
}

/** A table that can be written to. */
export interface WritableTable extends TableKey {
  /** As calls name it. */
  readonly name: string;
  readonly arn: string | undefined;
  /** Tells it from another one of the same name. */
  readonly id: string;
  readonly writes: Throughput;
  readonly status: string;
}

const POLL_MS = 500;
const ACTIVE_WITHIN_MS = 10 * 60_000;
const PERMISSIONS = 'dynamodb:DescribeTable and dynamodb:BatchWriteItem';

type KeySchema = readonly { readonly AttributeName: string; readonly KeyType: string }[];

interface Described {
  readonly TableArn?: string;
  readonly TableId?: string;
  readonly CreationDateTime?: number;
  readonly TableStatus?: string;
  readonly KeySchema?: KeySchema;
  readonly AttributeDefinitions?: readonly { readonly AttributeName: string; readonly AttributeType: string }[];
  readonly GlobalSecondaryIndexes?: readonly { readonly KeySchema?: KeySchema }[];
  readonly LocalSecondaryIndexes?: readonly { readonly KeySchema?: KeySchema }[];
  readonly ProvisionedThroughput?: { readonly WriteCapacityUnits?: number };
  readonly OnDemandThroughput?: { readonly MaxWriteRequestUnits?: number };
  readonly WarmThroughput?: { readonly WriteUnitsPerSecond?: number };
}

/** The table, or undefined where there is none. */
export async function writableTable(
  api: DynamoApi,
  name: string,
  signal: AbortSignal,
): Promise<WritableTable | undefined> {
  try {
    const body = JSON.stringify({ TableName: name });
    return await api.call('DescribeTable', name, body, (reply) => tableOf(reply, name), signal);
  } catch (thrown) {
    signal.throwIfAborted();
    if (isNoTable(thrown)) return undefined;
    throw dynamoError(thrown, name, PERMISSIONS);
  }
}

export interface NewTable extends Pick<TableKey, 'key'> {
  readonly name: string;
  /** Undefined: on demand. */
  readonly provisioned: { readonly read: number; readonly write: number } | undefined;
}

/** Makes a table; one that another run has made meanwhile is as good. */
export async function createTable(
  api: DynamoApi,
  { name, key, provisioned }: NewTable,
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify({
    TableName: name,
    AttributeDefinitions: key.map(({ attr, tag }) => ({ AttributeName: attr, AttributeType: tag })),
    KeySchema: key.map(({ attr }, place) => ({ AttributeName: attr, KeyType: place === 0 ? 'HASH' : 'RANGE' })),
    ...(provisioned === undefined
      ? { BillingMode: 'PAY_PER_REQUEST' }
      : {
          BillingMode: 'PROVISIONED',
          ProvisionedThroughput: { ReadCapacityUnits: provisioned.read, WriteCapacityUnits: provisioned.write },
        }),
  });
  try {
    await api.call('CreateTable', name, body, () => undefined, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    if (failureOf(thrown).code !== 'ResourceInUseException') throw dynamoError(thrown, name, 'dynamodb:CreateTable');
  }
}

/** Waits until the table can be written to. */
export async function whenActive(api: DynamoApi, name: string, signal: AbortSignal): Promise<WritableTable> {
  const deadline = performance.now() + ACTIVE_WITHIN_MS;
  for (;;) {
    const table = await writableTable(api, name, signal);
    if (table?.status === 'ACTIVE' || table?.status === 'UPDATING') return table;
    if (table === undefined || performance.now() > deadline || table.status !== 'CREATING') {
      throw new TailraceError('TARGET_BAD', `The table ${name} cannot be written to.`, {
        place: `dynamodb:${name}`,
        expected: 'a table that is active',
        found: table?.status ?? 'no table',
        hint: 'See what becomes of the table, and run again.',
      });
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

function tableOf(reply: Buffer, name: string): WritableTable {
  const table = parsed(reply);
  const types = new Map(table.AttributeDefinitions?.map((each) => [each.AttributeName, each.AttributeType]));
  const parts = (schema: KeySchema | undefined): KeyPart[] =>
    [...(schema ?? [])]
      .sort((a, b) => Number(a.KeyType !== 'HASH') - Number(b.KeyType !== 'HASH'))
      .map(({ AttributeName: attr }) => ({ attr, tag: (types.get(attr) ?? 'S') as KeyTag }));
  const key = parts(table.KeySchema);
  if (key.length === 0) throw new DynamoFailure(CUT, 'DescribeTable does not say what the key is');
  const indexes = [...(table.GlobalSecondaryIndexes ?? []), ...(table.LocalSecondaryIndexes ?? [])];
  const indexKeys = new Map(
    indexes.flatMap((index) => parts(index.KeySchema)).map((part) => [part.attr, part] as const),
  );
  for (const { attr } of key) indexKeys.delete(attr);
  return {
    name,
    arn: table.TableArn,
    id: table.TableId ?? String(table.CreationDateTime ?? ''),
    key,
    indexKeys: [...indexKeys.values()],
    writes: throughput(table),
    status: table.TableStatus ?? 'ACTIVE',
  };
}

/** A number that is not set is missing, 0 or -1. */
function throughput({ ProvisionedThroughput, OnDemandThroughput, WarmThroughput }: Described): Throughput {
  const provisioned = ProvisionedThroughput?.WriteCapacityUnits ?? 0;
  const maximum = OnDemandThroughput?.MaxWriteRequestUnits ?? 0;
  const warm = WarmThroughput?.WriteUnitsPerSecond ?? 0;
  return {
    ...(provisioned > 0 ? { provisioned } : {}),
    ...(maximum > 0 ? { maximum } : {}),
    ...(warm > 0 ? { warm } : {}),
  };
}

function parsed(reply: Buffer): Described {
  try {
    const { Table } = JSON.parse(reply.toString('utf8')) as { readonly Table?: Described };
    if (Table !== undefined) return Table;
  } catch {
    // Said below.
  }
  throw new DynamoFailure(CUT, 'DescribeTable did not answer with a table');
}
