import type { Reached } from './state.ts';

interface OpenPage {
  readonly at: string;
  readonly number: number;
  /** Items of the pages before it. */
  readonly before: number;
}

/** Counts the items of an input over its pages, and says what a later run must know to go on behind one of them. */
export class Place {
  #number = 0;
  #skipUntil = 0;
  /** Pages with items that are not dealt with yet, in their order; the last is the one that is being read. */
  #pages: OpenPage[] = [];
  #resumedPage: Reached['page'];

  /** Goes on where an interrupted run had come to. */
  resume({ items, before, page }: Reached): void {
    this.#number = before;
    this.#skipUntil = before + items;
    this.#resumedPage = page;
  }

  get resumedPage(): Reached['page'] {
    return this.#resumedPage;
  }

  /** Items until now, those of former pages and runs, too. */
  get number(): number {
    return this.#number;
  }

  /** Items that a former run had dealt with. */
  get resumed(): number {
    return Math.min(this.#skipUntil, this.#number);
  }

  /** Items up to here need not be looked at. */
  get skipUntil(): number {
    return this.#skipUntil;
  }

  page({ at, number }: { readonly at: string; readonly number: number }): void {
    this.#pages.push({ at, number, before: this.#number });
  }

  /** The next item: whether it has to be dealt with. */
  next(): boolean {
    this.#number += 1;
    return this.#number > this.#skipUntil;
  }

  /** Where to go on when every item up to this one is dealt with. */
  reached(number: number): Reached {
    while ((this.#pages[1]?.before ?? Number.POSITIVE_INFINITY) <= number) this.#pages.shift();
    const page = this.#pages[0];
    if (page === undefined) return { items: number, before: 0 };
    return { items: number - page.before, before: page.before, page: { at: page.at, number: page.number } };
  }
}
