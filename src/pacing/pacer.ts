/**
 * A token bucket of capacity units that all callers of one table share. Invariants:
 * - what a call costs is known behind it: it is let through against an estimate, and settled with what it did cost, so
 *   that over any half minute what is spent is what was asked for, whatever a single call costs;
 * - callers are let through in the order in which they came: none starves;
 * - a throttled call slows all callers, never below a floor; without further ones the rate comes back within seconds.
 */
import { type Clock, SYSTEM_CLOCK } from './clock.ts';

export interface PacerOptions {
  /** Infinity: calls wait for nothing until one is throttled. */
  readonly unitsPerSecond: number;
  /** What a call is held to cost before one was settled. */
  readonly firstEstimate: number;
  readonly clock?: Clock;
}

export interface Paced<T> {
  /** Units that the call took. */
  readonly costOf: (result: T) => number;
  /** What it will take, where the caller knows; else what calls took until now. */
  readonly estimate?: number;
  readonly signal: AbortSignal;
}

/** Unspent units are kept for so long: more would come as a burst, which others that use the table would feel. */
const KEPT_SECONDS = 1;
/** Weight of a call that was cheaper than expected in the estimate of the next. */
const LEARNING = 0.2;
/** A throttled call leaves so much of the rate; calls that were under way together count as one. */
const SLOWER = 0.7;
const SLOWER_ONCE_MS = 500;
/** Of the rate that was asked for: where it gets no slower, and what comes back in a second without throttling. */
const FLOOR = 0.05;
const RECOVERY_PER_SECOND = 0.02;
const RECOVERY_AFTER_MS = 2_000;
/** Of a rate that nobody asked for. The first call may be throttled before any other was counted. */
const UNASKED_FLOOR = 25;
const GROWTH_PER_SECOND = 0.1;
/** A sleep is cut into such pieces, because calls may give units back meanwhile. */
const NAP_MS = 25;
const METER_MS = 2_000;

export class Pacer {
  readonly #clock: Clock;
  readonly #asked: number;
  #rate: number;
  #balance: number;
  #at: number;
  #estimate: number;
  #queue: Promise<void> = Promise.resolve();
  #throttledAt = Number.NEGATIVE_INFINITY;
  #used = 0;
  readonly #recent: { readonly at: number; readonly units: number }[] = [];

  constructor({ unitsPerSecond, firstEstimate, clock = SYSTEM_CLOCK }: PacerOptions) {
    this.#clock = clock;
    this.#asked = unitsPerSecond;
    this.#rate = unitsPerSecond;
    this.#estimate = firstEstimate;
    this.#at = clock.nowMs();
    this.#balance = this.#capacity;
  }

  /** Units a second that calls may take now: fewer than asked for behind a throttled call. */
  get unitsPerSecond(): number {
    this.#flow();
    return this.#rate;
  }

  /** Units that all calls have taken. */
  get used(): number {
    return this.#used;
  }

  /** Units a second that were taken in the last seconds. */
  get usedPerSecond(): number {
    const now = this.#clock.nowMs();
    while ((this.#recent[0]?.at ?? now) < now - METER_MS) this.#recent.shift();
    const units = this.#recent.reduce((sum, each) => sum + each.units, 0);
    return (units * 1000) / METER_MS;
  }

  /** Does one call when its turn has come. A call that fails costs nothing. */
  async pace<T>(work: () => Promise<T>, { costOf, estimate = this.#estimate, signal }: Paced<T>): Promise<T> {
    await this.#admit(estimate, signal);
    let cost = 0;
    try {
      const result = await work();
      cost = costOf(result);
      this.#learn(cost);
      return result;
    } finally {
      this.#flow();
      this.#balance += estimate - cost;
    }
  }

  /** To be told of each call that was refused for its rate. */
  throttled(): void {
    this.#flow();
    const now = this.#clock.nowMs();
    if (now - this.#throttledAt < SLOWER_ONCE_MS) return;
    this.#throttledAt = now;
    const from = this.#rate === Number.POSITIVE_INFINITY ? this.usedPerSecond : this.#rate;
    const floor = this.#asked === Number.POSITIVE_INFINITY ? UNASKED_FLOOR : this.#asked * FLOOR;
    this.#rate = Math.max(from * SLOWER, floor);
    this.#balance = Math.min(this.#balance, 0);
  }

  get #capacity(): number {
    return Math.max(1, this.#rate * KEPT_SECONDS);
  }

  /** Waits for this caller's turn, and for enough units; takes them. */
  async #admit(estimate: number, signal: AbortSignal): Promise<void> {
    const before = this.#queue;
    let done = (): void => undefined;
    this.#queue = new Promise((resolve) => {
      done = resolve;
    });
    await before;
    try {
      signal.throwIfAborted();
      for (this.#flow(); this.#missing(estimate) > 0; this.#flow()) {
        const ms = (this.#missing(estimate) * 1000) / this.#rate;
        await this.#clock.sleep(Math.min(Math.max(ms, 1), NAP_MS), signal);
      }
      this.#balance -= estimate;
    } finally {
      done();
    }
  }

  /** A call that takes more than the bucket holds goes when it is full, and leaves a debt. */
  #missing(estimate: number): number {
    if (this.#rate === Number.POSITIVE_INFINITY) return 0;
    return Math.min(estimate, this.#capacity) - this.#balance;
  }

  /** Brings balance and rate up to the present. */
  #flow(): void {
    const now = this.#clock.nowMs();
    const seconds = (now - this.#at) / 1000;
    this.#at = now;
    if (this.#rate === Number.POSITIVE_INFINITY) {
      this.#balance = 0;
      return;
    }
    // What calls gave back is not lost, even if the bucket is full.
    this.#balance = Math.max(this.#balance, Math.min(this.#capacity, this.#balance + this.#rate * seconds));
    if (now - this.#throttledAt < RECOVERY_AFTER_MS || this.#rate === this.#asked) return;
    if (this.#asked !== Number.POSITIVE_INFINITY)
      this.#rate = Math.min(this.#asked, this.#rate + this.#asked * RECOVERY_PER_SECOND * seconds);
    else this.#rate *= 1 + GROWTH_PER_SECOND * seconds;
  }

  #learn(cost: number): void {
    this.#used += cost;
    this.#recent.push({ at: this.#clock.nowMs(), units: cost });
    while ((this.#recent[0]?.at ?? 0) < this.#clock.nowMs() - METER_MS) this.#recent.shift();
    // Calls that turn out dearer leave a debt, and cheaper ones only wait a moment too long.
    this.#estimate = cost > this.#estimate ? cost : this.#estimate + (cost - this.#estimate) * LEARNING;
  }
}
