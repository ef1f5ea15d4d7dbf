import { DonePrefix } from './prefix.ts';
import type { Put } from './put.ts';
import { BATCH_BYTES_MAX, BATCH_ITEMS_MAX } from './writer.ts';

/** Batches that are under way at a time. */
const BATCHES_MAX = 8;

/** Makes batches of puts, and has several of them written at a time, never two with the same key. */
export class Batches {
  readonly #write: (puts: readonly Put[]) => Promise<void>;
  readonly #most: number;
  readonly #prefix: DonePrefix;
  #puts = new Map<string, Put>();
  #bytes = 0;
  #last: number;
  /** Batches under way, by the keys in them. */
  readonly #keys = new Map<string, Promise<void>>();
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly thrown: unknown } | undefined;
  #replaced = 0;

  constructor(write: (puts: readonly Put[]) => Promise<void>, reached: number, most = BATCHES_MAX) {
    this.#write = write;
    this.#most = most;
    this.#last = reached;
    this.#prefix = new DonePrefix(reached);
  }

  /** Every item up to this one is written or refused. */
  get reached(): number {
    return this.#prefix.reached;
  }

  /** Items that gave way to a later one with the same key. */
  get replaced(): number {
    return this.#replaced;
  }

  /** Takes an item; waits while too many batches are under way. Throws what a batch failed with. */
  async add(put: Put): Promise<void> {
    if (this.#bytes + put.textBytes > BATCH_BYTES_MAX) await this.#flush();
    // The earlier one must have arrived before this one is sent.
    const same = this.#keys.get(put.id);
    if (same !== undefined) await same.catch(() => undefined);
    this.#check();
    const before = this.#puts.get(put.id);
    if (before !== undefined) {
      this.#replaced += 1;
      this.#bytes -= before.textBytes;
      this.#puts.delete(put.id);
    }
    this.#puts.set(put.id, put);
    this.#bytes += put.textBytes;
    this.#last = put.number;
    if (this.#puts.size >= BATCH_ITEMS_MAX) await this.#flush();
  }

  /** An item that is not written: those before it decide when it counts as done. */
  pass(number: number): void {
    this.#last = number;
  }

  /** Resolves when all that was added is written or refused. */
  async end(): Promise<void> {
    await this.#flush();
    await Promise.allSettled(this.#running);
    this.#check();
  }

  /** The same for a load that has failed: what was added is still sent, unless batches fail. */
  async settle(): Promise<void> {
    await this.end().catch(() => undefined);
    await Promise.allSettled(this.#running);
  }

  async #flush(): Promise<void> {
    const puts = [...this.#puts.values()];
    const done = this.#prefix.open(this.#last);
    this.#puts = new Map();
    this.#bytes = 0;
    if (puts.length === 0) return done();
    const work = this.#write(puts).then(done);
    for (const { id } of puts) this.#keys.set(id, work);
    const ended = work
      .catch((thrown: unknown) => {
        this.#failure ??= { thrown };
      })
      .finally(() => {
        for (const { id } of puts) if (this.#keys.get(id) === work) this.#keys.delete(id);
        this.#running.delete(ended);
      });
    this.#running.add(ended);
    while (this.#running.size >= this.#most && this.#failure === undefined) await Promise.race(this.#running);
    this.#check();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown;
  }
}
