import { setTimeout as delay } from 'node:timers/promises';

/** The time as pacing sees it. Tests bring one that runs as fast as they can. */
export interface Clock {
  /** Never goes back; says nothing of the time of day. */
  nowMs(): number;
  /** Rejects with the signal's reason when that comes first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const SYSTEM_CLOCK: Clock = {
  nowMs: () => performance.now(),
  sleep: async (ms, signal) => {
    signal.throwIfAborted();
    try {
      await delay(ms, undefined, { signal });
    } catch (thrown) {
      throw signal.aborted ? signal.reason : thrown;
    }
  },
};
