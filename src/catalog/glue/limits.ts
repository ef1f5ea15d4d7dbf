/** Every limit of the Glue catalog, in one place. Tests make them smaller. */
export interface GlueLimits {
  readonly connectTimeoutMs: number;
  /** Silence after which a call is given up: its reply counts as lost. */
  readonly replyTimeoutMs: number;
  /** Tries of a call that may be repeated blindly, by the SDK. */
  readonly callAttemptsMax: number;
  /** Tries of a change, each after a look at the table. */
  readonly swapAttemptsMax: number;
  /** Waits between tries of a change grow from the base to the cap. */
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
}

export const GLUE_LIMITS: GlueLimits = {
  connectTimeoutMs: 10_000,
  replyTimeoutMs: 30_000,
  callAttemptsMax: 8,
  swapAttemptsMax: 8,
  backoffBaseMs: 100,
  backoffCapMs: 5_000,
};
