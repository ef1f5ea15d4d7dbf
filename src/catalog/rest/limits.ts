/** How long and how often a catalog is asked. */
export interface RestLimits {
  /** Until a reply is complete. */
  readonly callTimeoutMs: number;
  /** Of a commit: a catalog writes metadata meanwhile. */
  readonly commitTimeoutMs: number;
  /** Tries of a call that may be repeated. */
  readonly callAttemptsMax: number;
  /** Tries of a commit whose outcome is not known, each after a look at the table. */
  readonly commitAttemptsMax: number;
  /** Before the second try; doubled for each further one. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
}

export const REST_LIMITS: RestLimits = {
  callTimeoutMs: 60_000,
  commitTimeoutMs: 120_000,
  callAttemptsMax: 6,
  commitAttemptsMax: 5,
  backoffMs: 250,
  backoffMsMax: 10_000,
};

/** How long to wait before a try, from 2 on; what the catalog asked for counts, within bounds. */
export function waitBefore(attempt: number, limits: RestLimits, retryAfter?: string | null): number {
  const asked = Number(retryAfter ?? Number.NaN) * 1000;
  if (Number.isFinite(asked) && asked >= 0) return Math.min(asked, 3 * limits.backoffMsMax);
  const full = Math.min(limits.backoffMs * 2 ** (attempt - 2), limits.backoffMsMax);
  return full * (0.5 + Math.random() / 2);
}
