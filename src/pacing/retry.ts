/**
 * Repeats calls that failed in a way that may pass. Waits grow, with jitter over their whole length, so that callers who
 * failed together do not come back together. All callers share a budget of repetitions, which successes fill again: a
 * service that is down is not asked ever more often. A throttled call is repeated for as long as it takes.
 */
import { type Clock, SYSTEM_CLOCK } from './clock.ts';

/** What a failure says of the next try: useless, worth it, or only when less is asked for. */
export type Verdict = 'final' | 'transient' | 'throttled';

export interface RetryLimits {
  /** Tries of one call, throttled ones not counted. */
  readonly attemptsMax: number;
  /** The same until the service has answered for the first time: it may not be there at all. Absent: no fewer. */
  readonly firstAttemptsMax?: number;
  /** Repetitions of all calls that are on hand; each takes `cost`, each success gives one back. */
  readonly budget: number;
  readonly cost: number;
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
}

/** A call survives an outage of about a minute; eight callers together survive one, not many. */
export const RETRY_LIMITS: RetryLimits = {
  attemptsMax: 12,
  firstAttemptsMax: 5,
  budget: 1_000,
  cost: 5,
  backoffBaseMs: 100,
  backoffCapMs: 20_000,
};

export interface RetryOptions {
  readonly limits?: RetryLimits;
  readonly clock?: Clock;
  /** From 0 to 1, exclusive. */
  readonly random?: () => number;
  /** Told of each throttled call before its wait. */
  readonly onThrottled?: () => void;
}

export class Retrier {
  readonly #limits: RetryLimits;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #onThrottled: () => void;
  #tokens: number;
  #answered = false;
  #throttles = 0;
  #repeats = 0;

  constructor({
    limits = RETRY_LIMITS,
    clock = SYSTEM_CLOCK,
    random = Math.random,
    onThrottled = () => undefined,
  }: RetryOptions = {}) {
    this.#limits = limits;
    this.#clock = clock;
    this.#random = random;
    this.#onThrottled = onThrottled;
    this.#tokens = limits.budget;
  }

  /** Calls that were throttled until now. */
  get throttles(): number {
    return this.#throttles;
  }

  /** Calls that were repeated for other reasons. */
  get repeats(): number {
    return this.#repeats;
  }

  /** Does `work` until it succeeds, or until another try is useless; throws what the last try threw. */
  async run<T>(work: () => Promise<T>, verdictOf: (thrown: unknown) => Verdict, signal: AbortSignal): Promise<T> {
    let [failures, throttles] = [0, 0];
    for (;;) {
      signal.throwIfAborted();
      try {
        const result = await work();
        this.#answered = true;
        this.#tokens = Math.min(this.#limits.budget, this.#tokens + 1);
        return result;
      } catch (thrown) {
        signal.throwIfAborted();
        const verdict = verdictOf(thrown);
        if (verdict === 'throttled') {
          this.#answered = true;
          this.#throttles += 1;
          throttles += 1;
          this.#onThrottled();
        } else {
          failures += 1;
          const { attemptsMax, firstAttemptsMax = attemptsMax, cost } = this.#limits;
          const exhausted = failures >= (this.#answered ? attemptsMax : firstAttemptsMax) || this.#tokens < cost;
          if (verdict === 'final' || exhausted) throw thrown;
          this.#tokens -= cost;
          this.#repeats += 1;
        }
      }
      await this.#clock.sleep(this.#waitMs(throttles + failures), signal);
    }
  }

  #waitMs(tries: number): number {
    const { backoffBaseMs, backoffCapMs } = this.#limits;
    return this.#random() * Math.min(backoffCapMs, backoffBaseMs * 2 ** Math.min(tries, 30));
  }
}
