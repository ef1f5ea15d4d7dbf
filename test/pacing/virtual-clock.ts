import type { Clock } from '../../src/pacing/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that goes to the next sleeper's time when nobody has anything left to do. */
export class VirtualClock implements Clock {
  #now = 0;
  readonly #sleepers: Sleeper[] = [];

  nowMs(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      const wake = (): void => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      this.#sleepers.push({ at: this.#now + ms, wake });
    });
  }

  /** Lets the time run until nobody sleeps any more, or until a time. */
  async run(untilMs = Number.POSITIVE_INFINITY): Promise<void> {
    for (;;) {
      // All that can go on without time passing goes on.
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      this.#sleepers.sort((a, b) => a.at - b.at);
      const next = this.#sleepers[0];
      if (next === undefined || next.at > untilMs) return;
      this.#sleepers.shift();
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
  }
}
