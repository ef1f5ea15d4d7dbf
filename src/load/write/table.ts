import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoApi } from '../../dynamodb/api.ts';
import { type DescribedTable, describeTable, type KeyPart } from '../../dynamodb/describe.ts';
import { dynamoError, failureOf, isNoTable } from '../../dynamodb/errors.ts';
import { TailraceError } from '../../model/errors.ts';

/** What an item must have to be taken. */
export interface TableKey {
  /** Partition key first. */
  readonly key: readonly KeyPart[];
  /** Keys of indexes: absent they may be, but not of another type. */
  readonly indexKeys: readonly KeyPart[];
}

/** A table that can be written to. */
export interface WritableTable
  extends TableKey,
    Pick<DescribedTable, 'named' | 'id' | 'writes' | 'status' | 'billing'> {
  readonly arn: string | undefined;
}

const POLL_MS = 500;
const ACTIVE_WITHIN_MS = 10 * 60_000;
const PERMISSIONS = 'dynamodb:DescribeTable and dynamodb:BatchWriteItem';

/** The table, or undefined where there is none. */
export async function writableTable(
  api: DynamoApi,
  name: string,
  signal: AbortSignal,
): Promise<WritableTable | undefined> {
  try {
    return await describeTable(api, name, signal);
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
