import { DynamoApi } from '../../src/dynamodb/api.ts';
import { Retrier } from '../../src/pacing/retry.ts';
import { canonicalItem } from '../data/canonical.ts';
import type { DdbItem } from '../data/ion.ts';

const { signal } = new AbortController();
/** Of one BatchWriteItem. */
const BATCH_ITEMS = 25;
const BATCH_BYTES = 4_000_000;

/** Tables of a server that speaks DynamoDB, as a test needs them. */
export class Tables {
  readonly #api: DynamoApi;

  constructor(endpoint: string) {
    process.env.AWS_ACCESS_KEY_ID ??= 'local';
    process.env.AWS_SECRET_ACCESS_KEY ??= 'local';
    this.#api = new DynamoApi({ aws: { endpoint, region: 'us-east-1' } }, new Retrier());
  }

  /** Makes a table with these items; of several with one key, the last one stays, as with any writer. */
  async make(name: string, key: readonly string[], items: readonly DdbItem[]): Promise<readonly DdbItem[]> {
    const first = items[0];
    const typeOf = (attr: string): string => Object.keys(first?.[attr] ?? { S: '' })[0] ?? 'S';
    const body = {
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: key.map((attr) => ({ AttributeName: attr, AttributeType: typeOf(attr) })),
      KeySchema: key.map((attr, i) => ({ AttributeName: attr, KeyType: i === 0 ? 'HASH' : 'RANGE' })),
    };
    await this.#api.call('CreateTable', name, JSON.stringify(body), () => undefined, signal);
    for (let active = false; !active; )
      active = await this.#api.call(
        'DescribeTable',
        name,
        JSON.stringify({ TableName: name }),
        (reply) => reply.includes('"ACTIVE"'),
        signal,
      );
    const keyOf = (item: DdbItem): string =>
      canonicalItem(Object.fromEntries(key.map((attr) => [attr, item[attr] ?? {}])));
    const unique = [...new Map(items.map((item) => [keyOf(item), item])).values()];
    await this.put(name, unique);
    return unique;
  }

  async put(name: string, items: readonly DdbItem[]): Promise<void> {
    for (let at = 0; at < items.length; ) {
      const requests: string[] = [];
      for (let bytes = 0; at < items.length && requests.length < BATCH_ITEMS && bytes < BATCH_BYTES; at += 1) {
        const request = `{"PutRequest":{"Item":${JSON.stringify(items[at])}}}`;
        requests.push(request);
        bytes += request.length;
      }
      const body = `{"RequestItems":{"${name}":[${requests.join(',')}]}}`;
      await this.#api.call('BatchWriteItem', name, body, () => undefined, signal);
    }
  }

  async delete(name: string, keys: readonly DdbItem[]): Promise<void> {
    for (const key of keys) {
      const body = `{"RequestItems":{"${name}":[{"DeleteRequest":{"Key":${JSON.stringify(key)}}}]}}`;
      await this.#api.call('BatchWriteItem', name, body, () => undefined, signal);
    }
  }

  close(): Promise<void> {
    return this.#api.close();
  }
}
