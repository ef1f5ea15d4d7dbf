import { setTimeout as sleep } from 'node:timers/promises';

/** Every limit of the S3 storage, in one place. Tests make them smaller. */
export interface S3Limits {
  /** Open connections. Enough to fill a fast network; far below any limit on file descriptors. */
  readonly socketsMax: number;
  readonly connectTimeoutMs: number;
  /** Silence on a connection after which it is given up: a stalled read, a lost reply. */
  readonly idleTimeoutMs: number;
  /** Tries of one call that may be repeated blindly (the SDK adds jitter, and a budget over all calls). */
  readonly callAttemptsMax: number;
  /** Tries to go on with a broken download without a single byte of progress. */
  readonly resumeAttemptsMax: number;
  /** Tries of a conditional put: a store that answers 409 is about to settle; one that is silent may need seconds. */
  readonly conditionalAttemptsMax: number;
  /** Waits grow from the base to the cap, and are cut short at random so that writers do not march in step. */
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** Size of an uploaded part; with 10,000 parts a stream can have 80 GB. Larger files take larger parts. */
  readonly partBytes: number;
  /** Parts on their way at a time: bounds memory to partBytes × partsAtOnce for an upload. */
  readonly partsAtOnce: number;
  /** Objects up to this size are copied by one call: S3's own limit. */
  readonly copyBytesMax: number;
  /** Size of a part of a larger copy; the bytes stay in the store. */
  readonly copyPartBytes: number;
}

export const S3_LIMITS: S3Limits = {
  socketsMax: 32,
  connectTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  callAttemptsMax: 5,
  resumeAttemptsMax: 6,
  conditionalAttemptsMax: 8,
  backoffBaseMs: 50,
  backoffCapMs: 5_000,
  partBytes: 8 * 1024 * 1024,
  partsAtOnce: 4,
  copyBytesMax: 5 * 1024 ** 3,
  copyPartBytes: 512 * 1024 * 1024,
};

/** Waits before try `attempt` + 1 (counted from 1). */
export async function backOff(attempt: number, limits: S3Limits, signal?: AbortSignal): Promise<void> {
  const ceiling = Math.min(limits.backoffCapMs, limits.backoffBaseMs * 2 ** attempt);
  await sleep(ceiling * (0.25 + 0.75 * Math.random()), undefined, signal && { signal });
}
