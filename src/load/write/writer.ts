/**
 * Batches of puts go to DynamoDB, several at a time. Invariants:
 * - an item is written, or rejected with DynamoDB's reason; a bad item takes no other of its batch with it;
 * - of two items with one key, the later in the input is the one that stays: no two batches under way share a key;
 * - repeating a put changes nothing, so that every failure that may pass is answered by sending again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoApi } from '../../dynamodb/api.ts';
import { CUT, DynamoFailure, dynamoError, failureOf, isNoTable } from '../../dynamodb/errors.ts';
import { TailraceError } from '../../model/errors.ts';
import type { Pacer } from '../../pacing/pacer.ts';
import type { Put } from './put.ts';
import type { WritableTable } from './table.ts';

/** DynamoDB's limit. */
export const BATCH_ITEMS_MAX = 25;
/** Of the request's text; DynamoDB's limit is 16 MB. */
export const BATCH_BYTES_MAX = 12 * 1024 * 1024;

/** Weight of the newest batch in what a unit of the table costs. */
const LEARNING = 0.2;
const REST_BASE_MS = 50;
const REST_CAP_MS = 20_000;

/** Told of an item that DynamoDB did not take. */
export type OnRefused = (put: Put, reason: string) => void;

export interface Totals {
  readonly units: number;
  readonly sent: number;
  readonly throttled: number;
  readonly written: number;
}

interface Answer {
  readonly units: number;
  readonly left: readonly Put[];
}

/** One item of a batch is not to DynamoDB's liking, or the batch as a whole. */
const BAD_BATCH = new Set(['ValidationException', 'ItemCollectionSizeLimitExceededException']);

export class BatchWriter {
  readonly #api: DynamoApi;
  readonly #table: WritableTable;
  readonly #pacer: Pacer;
  readonly #onRefused: OnRefused;
  readonly #signal: AbortSignal;
  /** What a unit of the table costs with its indexes, as learned. */
  #factor = 1;
  #units = 0;
  #sent = 0;
  #throttled = 0;
  #written = 0;

  constructor(settings: {
    readonly api: DynamoApi;
    readonly table: WritableTable;
    readonly pacer: Pacer;
    readonly onRefused: OnRefused;
    readonly signal: AbortSignal;
  }) {
    this.#api = settings.api;
    this.#table = settings.table;
    this.#pacer = settings.pacer;
    this.#onRefused = settings.onRefused;
    this.#signal = settings.signal;
  }

  /** Write units that DynamoDB charged, batches that it answered, those of them that it left unfinished, items that it took. */
  get totals(): Totals {
    return { units: this.#units, sent: this.#sent, throttled: this.#throttled, written: this.#written };
  }

  /** Resolves when each of them is written or refused. At most BATCH_ITEMS_MAX, no two with the same key. */
  async write(puts: readonly Put[]): Promise<void> {
    let left = puts;
    for (let vain = 0; left.length > 0; ) {
      const sent = left;
      let answer: Answer;
      try {
        answer = await this.#send(sent);
      } catch (thrown) {
        this.#signal.throwIfAborted();
        if (!BAD_BATCH.has(failureOf(thrown).code)) throw this.#error(thrown);
        return this.#divide(sent, failureOf(thrown).message);
      }
      left = answer.left;
      this.#written += sent.length - left.length;
      if (left.length === 0) return;
      vain = left.length === sent.length ? vain + 1 : 0;
      await this.#rest(vain);
    }
  }

  #error(thrown: unknown): Error {
    const { named: name } = this.#table;
    if (!isNoTable(thrown)) return dynamoError(thrown, name, 'dynamodb:BatchWriteItem');
    return new TailraceError('TARGET_NOT_FOUND', `The table ${name} is there no more.`, {
      place: `dynamodb:${name}`,
      cause: thrown,
      hint: 'It was deleted while items were loaded. Load into another table, or make it again with --create-table.',
    });
  }

  async #send(puts: readonly Put[]): Promise<Answer> {
    const { named: name } = this.#table;
    const list = puts.map(({ text }) => text).join(',');
    // Bytes are made once: to be hashed, counted and sent.
    const body = Buffer.from(`{"RequestItems":{${JSON.stringify(name)}:[${list}]},"ReturnConsumedCapacity":"TOTAL"}`);
    const units = puts.reduce((sum, put) => sum + put.units, 0);
    const answer = await this.#pacer.pace(
      () => this.#api.call('BatchWriteItem', name, body, (reply) => this.#read(reply, puts), this.#signal),
      { costOf: (done) => done.units, estimate: units * this.#factor, signal: this.#signal },
    );
    this.#sent += 1;
    this.#units += answer.units;
    if (answer.left.length === 0 && answer.units > 0) this.#factor += (answer.units / units - this.#factor) * LEARNING;
    return answer;
  }

  /** Items that were not processed came too fast: all who write slow down, and this batch waits for a moment. */
  async #rest(vain: number): Promise<void> {
    this.#throttled += 1;
    this.#pacer.throttled();
    const ms = Math.random() * Math.min(REST_CAP_MS, REST_BASE_MS * 2 ** Math.min(vain, 20));
    await sleep(ms, undefined, { signal: this.#signal });
  }

  /** A batch was refused for one of its items, and nobody says which: halves are sent until that one is alone. */
  async #divide(puts: readonly Put[], reason: string): Promise<void> {
    const [only, ...more] = puts;
    if (only !== undefined && more.length === 0) {
      this.#onRefused(only, reason);
      return;
    }
    const half = Math.ceil(puts.length / 2);
    await this.write(puts.slice(0, half));
    await this.write(puts.slice(half));
  }

  #read(reply: Buffer, puts: readonly Put[]): Answer {
    const { UnprocessedItems: unprocessed, ConsumedCapacity: capacity } = parsed(reply);
    const units = (capacity ?? []).reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
    const items = Object.values(unprocessed ?? {}).flat();
    if (items.length === 0) return { units, left: [] };
    const ids = new Set(items.map(({ PutRequest }) => this.#idOf(PutRequest?.Item)));
    const left = puts.filter(({ id }) => ids.has(id));
    // Keys in a spelling that is not ours: to send all again is never wrong.
    return { units, left: left.length === ids.size ? left : puts };
  }

  #idOf(item: Readonly<Record<string, unknown>> | undefined): string {
    return this.#table.key
      .map(({ attr, tag }) => String((item?.[attr] as Readonly<Record<string, unknown>> | undefined)?.[tag]))
      .map((text) => `${text.length}:${text}`)
      .join(' ');
  }
}

interface Reply {
  readonly UnprocessedItems?: Readonly<
    Record<string, readonly { readonly PutRequest?: { readonly Item?: Readonly<Record<string, unknown>> } }[]>
  >;
  readonly ConsumedCapacity?: readonly { readonly CapacityUnits?: number }[];
}

function parsed(reply: Buffer): Reply {
  try {
    const found: unknown = JSON.parse(reply.toString('utf8'));
    if (typeof found === 'object' && found !== null) return found;
  } catch {
    // Said below.
  }
  throw new DynamoFailure(CUT, 'BatchWriteItem did not answer in JSON');
}
