import { inspectFile } from '../source/lines/inspect.ts';
import type { LineRules } from '../source/lines/parse.ts';
import type { Input } from './refusals.ts';

/** Files looked at side by side: inflating is most of the work, and happens in threads of its own. */
const PARALLEL_FILES = 2;

/** A look at the bytes of a batch's files, while the engine works on them. */
export interface Inspection {
  /** When all inputs say whether they are sound, and how many lines they have. Never rejects. */
  readonly done: Promise<void>;
  /** Ends it early. */
  readonly stop: () => Promise<void>;
}

/**
 * Begins to look at files for lines that the engine reads although they are no sound items (fault 88), and counts the
 * lines of each (fault 52): the engine sums all files up. Files turned from Ion are sound, and counted by then.
 */
export function inspectInputs(inputs: readonly Input[], rules: LineRules, signal: AbortSignal): Inspection {
  const abort = new AbortController();
  const either = AbortSignal.any([signal, abort.signal]);
  const queue = inputs.filter((input) => input.lines === undefined).map((input) => ({ input, path: input.path }));
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined && !either.aborted; next = queue.shift()) {
      const { input, path } = next;
      if (input.sieved) continue;
      const checked = await inspectFile(path, rules, either);
      // What read it line by line meanwhile knows better.
      if (checked === undefined || input.sieved) continue;
      input.sound = checked.sound;
      if (checked.sound) input.lines = checked.lines;
    }
  };
  const done = Promise.all(Array.from({ length: PARALLEL_FILES }, work)).then(() => undefined);
  return {
    done,
    stop: () => {
      abort.abort();
      return done;
    },
  };
}
