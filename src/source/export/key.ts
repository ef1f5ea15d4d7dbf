import type { KeyAttribute } from '../../model/item.ts';
import type { AwsSettings } from '../../model/options.ts';

/** How long DynamoDB may take to answer: a load does not wait for a service that it can do without. */
const TIMEOUT_MS = 3_000;

/**
 * The table's key, asked of DynamoDB, or undefined where it does not tell (no credentials, no permission, no such
 * table, another table of that name, no network): then the key is unknown, never guessed.
 */
export async function describeKey(
  table: { readonly arn: string; readonly id: string },
  aws: AwsSettings,
  signal: AbortSignal,
): Promise<readonly KeyAttribute[] | undefined> {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const { DynamoDBClient, DescribeTableCommand } = await import('@aws-sdk/client-dynamodb');
  const role = aws.roleArn === undefined ? undefined : await import('../../storage/s3/role.ts');
  const client = new DynamoDBClient({
    maxAttempts: 1,
    region: aws.region ?? table.arn.split(':')[3] ?? 'us-east-1',
    ...(aws.profile === undefined ? {} : { profile: aws.profile }),
    ...(aws.endpoint === undefined ? {} : { endpoint: aws.endpoint }),
    ...(role === undefined ? {} : { credentials: role.roleCredentials(aws) }),
  });
  try {
    const name = table.arn.split('/')[1] ?? table.arn;
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const answer = client.send(new DescribeTableCommand({ TableName: name }), { abortSignal });
    const { Table } = await Promise.race([answer, aborted(abortSignal)]);
    if (Table?.TableId !== undefined && Table.TableId !== table.id) return undefined;
    const types = new Map(Table?.AttributeDefinitions?.map((a) => [a.AttributeName, a.AttributeType]));
    const order = [...(Table?.KeySchema ?? [])].sort((a, b) =>
      a.KeyType === b.KeyType ? 0 : a.KeyType === 'HASH' ? -1 : 1,
    );
    const keys = order.flatMap(({ AttributeName: attr }) =>
      attr === undefined ? [] : [{ attr, tag: types.get(attr) as 'S' }],
    );
    return keys.length === 0 ? undefined : keys;
  } catch {
    return undefined;
  } finally {
    client.destroy();
  }
}

/** Credentials are fetched without regard to the signal, and a role's may take long. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
