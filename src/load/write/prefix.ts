/** Which items of an input are dealt with, all before them included: how far a later run may go on from. */
export class DonePrefix {
  /** Batches in the order in which they were made: the last item of each, and whether it is done. */
  readonly #open: { readonly last: number; done: boolean }[] = [];
  #reached: number;

  constructor(reached: number) {
    this.#reached = reached;
  }

  /** Every item up to this one is dealt with. */
  get reached(): number {
    return this.#reached;
  }

  /** Items up to `last` are under way, behind all that were opened before. Call what it gives when they are done. */
  open(last: number): () => void {
    const entry = { last, done: false };
    this.#open.push(entry);
    return () => {
      entry.done = true;
      while (this.#open[0]?.done === true) this.#reached = this.#open.shift()?.last ?? this.#reached;
    };
  }
}
