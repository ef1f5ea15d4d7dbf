import { DynamoApi } from '../../dynamodb/api.ts';
import { type DescribedTable, describeTable } from '../../dynamodb/describe.ts';
import { dynamoError } from '../../dynamodb/errors.ts';
import type { PolicyStatement } from '../../model/doctor.ts';
import type { Findings } from '../../model/findings.ts';
import type { SyncOptions } from '../../model/options.ts';
import { RETRY_LIMITS, Retrier } from '../../pacing/retry.ts';
import type { SourceEnd } from '../ends/ends.ts';

/** A run waits for a service that is down; whoever only asks does not. */
const ATTEMPTS = 4;

/** Tries what a scan of a table will ask: its description, and one item. */
export async function examineTable(
  { table, region }: Extract<SourceEnd, { kind: 'dynamodb' }>,
  { sourceAws: aws, scan }: SyncOptions,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const retrier = new Retrier({ limits: { ...RETRY_LIMITS, attemptsMax: ATTEMPTS } });
  const api = new DynamoApi({ aws, ...(region === undefined ? {} : { region }) }, retrier);
  const asked = async <T>(action: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (thrown) {
      throw signal.aborted ? thrown : dynamoError(thrown, table, `dynamodb:${action}`);
    }
  };
  try {
    await findings.try(
      `describe the table ${table}`,
      needsOf('DescribeTable', table, region ?? aws.region),
      () => asked('DescribeTable', () => describeTable(api, table, signal)),
      told,
    );
    await findings.try(`read an item of ${table}`, needsOf('Scan', table, region ?? aws.region), () => {
      const body = JSON.stringify({ TableName: table, Limit: 1, ConsistentRead: scan.consistent });
      return asked('Scan', () => api.call('Scan', table, body, () => undefined, signal));
    });
  } finally {
    await api.close();
  }
}

function told({ arn, items, billing, key }: DescribedTable): string {
  return `${arn}, about ${items} items, ${billing}, key ${key.map(({ attr }) => attr).join(', ')}`;
}

function needsOf(action: string, table: string, region = '*'): readonly PolicyStatement[] {
  const arn = table.startsWith('arn:') ? table : `arn:aws:dynamodb:${region}:*:table/${table}`;
  return [{ Effect: 'Allow', Action: [`dynamodb:${action}`], Resource: [arn] }];
}
