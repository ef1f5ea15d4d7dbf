import type { Storage } from '../../src/storage/port.ts';
import { Laboratory } from './faulty-storage.ts';
import { killAt } from './scripts.ts';

export interface Kill {
  readonly call: number;
  readonly when: 'before' | 'after';
}

export interface KillExperiment<State> {
  /** A world as it is before the run: empty target, intact source. */
  fresh(): Promise<State>;
  /** The run under test. It reaches objects only through storages that `wrap` has wrapped. */
  run(wrap: (storage: Storage) => Storage, state: State): Promise<unknown>;
  /** Throws unless the world is as one whole run leaves it. */
  check(state: State): Promise<void>;
  /** Throws unless the world is as it was before the run, or as a whole run leaves it. Called on the wreck. */
  checkWreck?(state: State, kill: Kill): Promise<void>;
  dispose?(state: State): Promise<void>;
  /** Only every so-manieth call, where each would take too long; from `offset` on, which wraps round where calls are fewer. */
  readonly every?: number;
  readonly offset?: number;
}

export interface KillReport {
  /** Calls of a run that nothing befalls. */
  readonly calls: number;
  /** Kills that took place. */
  readonly kills: number;
  /** Kills that were due at calls which that run did not reach: calls run side by side, and their number may vary. */
  readonly notReached: number;
}

/** Counts the calls of a run, then kills one run at each call, before and after its effect, runs again, and checks. */
export async function enumerateKills<State>(experiment: KillExperiment<State>): Promise<KillReport> {
  const calls = await runWhole(experiment);
  let [kills, notReached] = [0, 0];
  for (let call = 1 + ((experiment.offset ?? 0) % calls); call <= calls; call += experiment.every ?? 1) {
    for (const when of ['before', 'after'] as const) {
      if (await runKilled(experiment, { call, when })) kills += 1;
      else notReached += 1;
    }
  }
  return { calls, kills, notReached };
}

async function runWhole<State>(experiment: KillExperiment<State>): Promise<number> {
  const state = await experiment.fresh();
  try {
    const lab = new Laboratory();
    await experiment.run((storage) => lab.wrap(storage), state);
    await experiment.check(state);
    return lab.calls.length;
  } finally {
    await experiment.dispose?.(state);
  }
}

async function runKilled<State>(experiment: KillExperiment<State>, kill: Kill): Promise<boolean> {
  const state = await experiment.fresh();
  const lab = new Laboratory(killAt(kill.call, kill.when));
  try {
    await experiment
      .run((storage) => lab.wrap(storage), state)
      .catch((error: unknown) => {
        // A dead process may fail with anything; a living one may not fail.
        if (!lab.dead) throw error;
      });
    await experiment.checkWreck?.(state, kill);
    await experiment.run((storage) => storage, state);
    await experiment.check(state);
    return lab.dead;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Killed ${kill.when} call ${kill.call}: ${message}\n${lab.log()}`, { cause });
  } finally {
    await experiment.dispose?.(state);
  }
}
