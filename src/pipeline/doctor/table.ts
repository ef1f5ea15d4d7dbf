import { type DynamoAccess, DynamoApi } from '../../dynamodb/api.ts';
import { CONSUMPTION_ACTION, withRecent } from '../../dynamodb/consumption.ts';
import { type DescribedTable, describeTable } from '../../dynamodb/describe.ts';
import { dynamoError } from '../../dynamodb/errors.ts';
import type { PolicyStatement } from '../../model/doctor.ts';
import type { Findings } from '../../model/findings.ts';
import type { CapacityRate, SyncOptions } from '../../model/options.ts';
import { needsRecent, settleRate } from '../../pacing/rate.ts';
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
  const access = { aws, ...(region === undefined ? {} : { region }) };
  const api = new DynamoApi(access, retrier);
  const asked = async <T>(action: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (thrown) {
      throw signal.aborted ? thrown : dynamoError(thrown, table, `dynamodb:${action}`);
    }
  };
  try {
    const described = await findings.try(
      `describe the table ${table}`,
      needsOf('DescribeTable', table, region ?? aws.region),
      () => asked('DescribeTable', () => describeTable(api, table, signal)),
      told,
    );
    await findings.try(`read an item of ${table}`, needsOf('Scan', table, region ?? aws.region), () => {
      const body = JSON.stringify({ TableName: table, Limit: 1, ConsistentRead: scan.consistent });
      return asked('Scan', () => api.call('Scan', table, body, () => undefined, signal));
    });
    if (described !== undefined) await examineUse(described.value, access, scan.rcu, findings, signal);
  } finally {
    await api.close();
  }
}

/** A run does without it, so what is missing for it is told, and fails nothing. */
async function examineUse(
  { name, reads: throughput }: DescribedTable,
  access: DynamoAccess,
  rcu: CapacityRate | undefined,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  if (!needsRecent(rcu, throughput)) return;
  const what = 'read what was taken of it lately, for the pace';
  const needs: PolicyStatement[] = [{ Effect: 'Allow', Action: [CONSUMPTION_ACTION], Resource: ['*'] }];
  const known = await withRecent(access, { name, throughput, kind: 'Read' }, rcu, signal);
  const { why } = settleRate(rcu, known);
  if (known.recent === undefined) findings.untried(what, `a run does without it: ${why}`, needs);
  else
    await findings.try(
      what,
      needs,
      async () => why,
      (told) => told,
    );
}

function told({ arn, items, billing, key }: DescribedTable): string {
  return `${arn}, about ${items} items, ${billing}, key ${key.map(({ attr }) => attr).join(', ')}`;
}

function needsOf(action: string, table: string, region = '*'): readonly PolicyStatement[] {
  const arn = table.startsWith('arn:') ? table : `arn:aws:dynamodb:${region}:*:table/${table}`;
  return [{ Effect: 'Allow', Action: [`dynamodb:${action}`], Resource: [arn] }];
}
