/** A place in a stream of a table's changes, as the ledger keeps it. */
export interface StreamPosition {
  /** Which stream: its ARN. */
  readonly stream: string;
  /** The place in it, as the stream's own reader wrote it and will read it. */
  readonly at: string;
}

/** Most bytes of a position as JSON: it shares the ledger with all else that the table holds. */
export const POSITION_BYTES_MAX = 1_000;
