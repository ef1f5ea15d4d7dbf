import type { AwsSettings } from '../model/aws.ts';
import type { Retrier } from '../pacing/retry.ts';
import { ByteClient, type Operation } from './client.ts';
import { isExpired, verdictOf } from './errors.ts';
import { DYNAMO_LIMITS, type DynamoLimits } from './limits.ts';

export interface DynamoAccess {
  readonly aws: AwsSettings;
  /** Of the table's ARN, where it is named by one. */
  readonly region?: string;
}

/** DynamoDB's API for all who read or write one table: calls are repeated within one budget, and new credentials taken up. */
export class DynamoApi {
  readonly #access: DynamoAccess;
  readonly #retrier: Retrier;
  readonly #limits: DynamoLimits;
  #client: Promise<ByteClient> | undefined;
  readonly #former: Promise<ByteClient>[] = [];

  constructor(access: DynamoAccess, retrier: Retrier, limits: DynamoLimits = DYNAMO_LIMITS) {
    this.#access = access;
    this.#retrier = retrier;
    this.#limits = limits;
  }

  /** Sends a JSON body until it is answered; `read` takes the reply's body apart, and may throw a failure that passes. */
  async call<T>(
    operation: Operation,
    table: string,
    body: string | Uint8Array,
    read: (reply: Buffer) => T,
    signal: AbortSignal,
    alloc?: (bytes: number) => Buffer,
  ): Promise<T> {
    const call = { operation, table, body, signal, ...(alloc === undefined ? {} : { alloc }) };
    let renewed = false;
    const once = async (): Promise<T> => {
      this.#client ??= this.#open();
      const used = this.#client;
      try {
        return read(await (await used).call(call));
      } catch (thrown) {
        if (!isExpired(thrown) || renewed) throw thrown;
        renewed = true;
        // The old client is not closed yet: others may wait for it.
        if (this.#client === used) {
          this.#former.push(used);
          this.#client = this.#open();
        }
        return read(await (await this.#client).call(call));
      }
    };
    return this.#retrier.run(once, verdictOf, signal);
  }

  async close(): Promise<void> {
    const all = [...this.#former.splice(0), ...(this.#client === undefined ? [] : [this.#client])];
    this.#client = undefined;
    for (const client of all)
      await client.then(
        (opened) => opened.close(),
        () => undefined,
      );
  }

  #open(): Promise<ByteClient> {
    return ByteClient.open(this.#access.aws, this.#access.region, this.#limits);
  }
}
