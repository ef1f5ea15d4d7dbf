import { TailraceError } from '../model/errors.ts';

/** So many items that are refused alike from the first one on say enough. */
const ENOUGH = 100;
/** One item alone says nothing of others. */
const LEAST = 2;

/**
 * Watches the first items of a load: where all of them are refused for one and the same reason, the cause is not theirs
 * but that of the table or the command, and the load ends before it makes rejects of everything.
 */
export class RefusedAlike {
  readonly #place: string;
  #reason: string | undefined;
  #count = 0;
  #watching = true;

  constructor(place: string) {
    this.#place = place;
  }

  /** Every item until now was refused alike: nothing is to be recorded of them yet. */
  get undecided(): boolean {
    return this.#watching && this.#count > 0;
  }

  /** An item was taken: from now on refusals are the items' own. */
  taken(): void {
    this.#watching = false;
  }

  /** Throws when enough were refused alike. */
  refused(reason: string): void {
    if (!this.#watching) return;
    this.#reason ??= reason;
    if (reason !== this.#reason) this.#watching = false;
    else if (++this.#count >= ENOUGH) throw this.#error();
  }

  /** All items were seen. Throws where all of them were refused alike. */
  end(): void {
    if (this.#watching && this.#count >= LEAST) throw this.#error();
  }

  #error(): TailraceError {
    return new TailraceError('ITEM_REJECTED', `Every item is refused for the same reason: ${this.#reason ?? ''}.`, {
      place: this.#place,
      expected: 'a table and options that take some of the items',
      found: `${this.#count} items, from the first one on, of which none was taken`,
      hint: 'Compare the table’s key and indexes, and --items, --delimiter, --types and --transform, with the items; then run again.',
    });
  }
}
