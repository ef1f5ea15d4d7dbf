import type { AwsSettings } from '../model/aws.ts';
import type { Retrier } from '../pacing/retry.ts';
import { type ByteCall, ByteClient, type Operation } from './client.ts';
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
  #skewMs = 0;

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
        return read(await this.#send(await used, call));
      } catch (thrown) {
        if (!isExpired(thrown) || renewed) throw thrown;
        renewed = true;
        // The old client is not closed yet: others may wait for it.
        if (this.#client === used) {
          this.#former.push(used);
          this.#client = this.#open();
        }
        return read(await this.#send(await this.#client, call));
      }
    };
    return this.#retrier.run(once, verdictOf, signal);
  }

  /** How far the service's clock is before ours; 0 where they agree within what a reply can tell. */
  get skewMs(): number {
    return this.#skewMs;
  }

  /** The time as the service has it, in ms since 1970: what was written before and after is told by its clock. */
  nowMs(): number {
    return Date.now() + this.#skewMs;
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

  async #send(client: ByteClient, call: ByteCall): Promise<Buffer> {
    const reply = await client.call(call);
    this.#skewMs = client.skewMs;
    return reply;
  }

  #open(): Promise<ByteClient> {
    return ByteClient.open(this.#access.aws, this.#access.region, this.#limits);
  }
}
