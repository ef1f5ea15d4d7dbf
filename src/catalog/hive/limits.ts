/** Every limit of the Hive catalog, in one place. Tests make them smaller. */
export interface HiveLimits {
  readonly connectTimeoutMs: number;
  /** Time after which a call is given up: its reply counts as lost. */
  readonly replyTimeoutMs: number;
  readonly replyBytesMax: number;
  /** Tries of a call that may be repeated blindly, each on another address. */
  readonly callAttemptsMax: number;
  /** Waits between tries grow from the base to the cap. */
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** How long a table's lock is waited for: longer than the lock of a dead process lives. */
  readonly lockTimeoutMs: number;
  /** How often, while waiting, locks of dead processes are looked for. */
  readonly deadLocksEveryMs: number;
  /** A lock that was not heard of for so long is looked at again before anything is changed under it. */
  readonly lockTrustMs: number;
  /** How long a change whose reply was lost is looked for, while the lock is held. */
  readonly settleMs: number;
  /** Tables whose entries are fetched at a time. */
  readonly tablesPerCall: number;
  /** Partitions that are fetched at a time. */
  readonly partitionsPerCall: number;
}

export const HIVE_LIMITS: HiveLimits = {
  connectTimeoutMs: 10_000,
  replyTimeoutMs: 60_000,
  replyBytesMax: 512 * 1024 * 1024,
  callAttemptsMax: 5,
  backoffBaseMs: 50,
  backoffCapMs: 2_000,
  lockTimeoutMs: 360_000,
  deadLocksEveryMs: 10_000,
  lockTrustMs: 10_000,
  settleMs: 10_000,
  tablesPerCall: 50,
  partitionsPerCall: 500,
};
