/** What is asked of DynamoDB about a table before any of its items. */
import { DynamoApi } from '../../dynamodb/api.ts';
import { withRecent } from '../../dynamodb/consumption.ts';
import { type DescribedTable, describeTable } from '../../dynamodb/describe.ts';
import { dynamoError } from '../../dynamodb/errors.ts';
import { TailraceError } from '../../model/errors.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import { Pacer } from '../../pacing/pacer.ts';
import { type SettledRate, settleRate } from '../../pacing/rate.ts';
import { Retrier } from '../../pacing/retry.ts';
import type { SourceEnd } from '../ends/ends.ts';

export type TableEnd = Extract<SourceEnd, { kind: 'dynamodb' }>;

/** What a scan needs of DynamoDB. */
const PERMISSIONS = 'dynamodb:DescribeTable and dynamodb:Scan';
/** Read units of a page before one has come: a megabyte. */
const PAGE_UNITS = 128;

/** A table with the pace at which it may be read. */
export interface PacedTable {
  readonly api: DynamoApi;
  readonly retrier: Retrier;
  readonly table: DescribedTable;
  readonly rate: SettledRate;
  readonly pacer: Pacer;
  close(): Promise<void>;
}

/** Describes the table and settles the pace; nothing of it is read yet. */
export async function openTable(source: TableEnd, options: SyncOptions, context: RunContext): Promise<PacedTable> {
  let pacer: Pacer | undefined;
  const { rcu, consistent } = options.scan;
  const retrier = new Retrier({ onThrottled: () => pacer?.throttled() });
  const access = { aws: options.sourceAws, ...(source.region === undefined ? {} : { region: source.region }) };
  const api = new DynamoApi(access, retrier);
  try {
    const table = await describe(api, source.table, context);
    const asked = { name: table.name, throughput: table.reads, kind: 'Read' } as const;
    const rate = settleRate(rcu, await withRecent(access, asked, rcu, context.signal));
    const firstEstimate = consistent ? 2 * PAGE_UNITS : PAGE_UNITS;
    pacer = new Pacer({ unitsPerSecond: rate.unitsPerSecond, firstEstimate });
    return { api, retrier, table, rate, pacer, close: () => api.close() };
  } catch (thrown) {
    await api.close();
    throw thrown;
  }
}

/** States in which a Scan is refused, or may miss what is being deleted. */
const UNREADABLE: Readonly<Record<string, string>> = {
  CREATING: 'It is being made: wait a moment, and run the same command again.',
  DELETING: 'It is being deleted. What is in the target stays as it is.',
  ARCHIVING: 'Its key could not be reached for a week: restore the table from its backup.',
  ARCHIVED: 'Its key could not be reached for a week: restore the table from its backup.',
  INACCESSIBLE_ENCRYPTION_CREDENTIALS: 'DynamoDB cannot use its KMS key: enable the key, or restore its policy.',
};

/** Refuses a table that cannot be read as it is now. */
export function refuseUnreadable({ named, status }: DescribedTable): void {
  const hint = UNREADABLE[status];
  if (hint === undefined) return;
  throw new TailraceError('SOURCE_NOT_FOUND', `The DynamoDB table ${named} cannot be read as it is now.`, {
    place: `dynamodb:${named}`,
    expected: 'a table that is ACTIVE or UPDATING',
    found: status,
    hint,
  });
}

/** What DynamoDB says of the table now. */
export async function describe(api: DynamoApi, named: string, { signal }: RunContext): Promise<DescribedTable> {
  return describeTable(api, named, signal).catch((thrown: unknown) => {
    throw signal.aborted ? thrown : dynamoError(thrown, named, PERMISSIONS);
  });
}
