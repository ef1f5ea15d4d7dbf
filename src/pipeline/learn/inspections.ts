import type { CheckedLines } from '../../source/lines/check.ts';
import { inspectFile } from '../../source/lines/inspect.ts';
import { inspectAside } from '../../source/lines/inspector.ts';
import type { LineRules } from '../../source/lines/parse.ts';
import type { LocalFile } from '../../source/port.ts';
import type { Input } from './refusals.ts';

/** Files looked at side by side: while one is inflated, another's bytes are looked at. */
const PARALLEL_FILES = 2;
/** So few bytes are sooner looked at than a thread is started. */
const SMALL_BYTES = 2 * 1024 * 1024;

/** A look at the bytes of a batch's files, beside all else that is done with them. */
export interface Inspection {
  /** When all files were looked at: tells each of the inputs whether it is sound, and how many lines it has. Never
   * rejects. What read an input line by line meanwhile knows better. */
  readonly tell: (inputs: readonly Input[]) => Promise<void>;
  /** Ends it early. */
  readonly stop: () => Promise<void>;
}

/**
 * Begins to look at files for lines that the engine reads although they are no sound items (fault 88), and counts the
 * lines of each (fault 52): the engine sums all files up. Files turned from Ion are sound, and counted by then.
 */
export function inspectFiles(locals: readonly LocalFile[], rules: LineRules, signal: AbortSignal): Inspection {
  const abort = new AbortController();
  const either = AbortSignal.any([signal, abort.signal]);
  const files = locals.filter(({ lines }) => lines === undefined);
  const queue = files.map(({ path }) => path);
  const bytes = files.reduce((sum, { source }) => sum + source.sizeBytes, 0);
  const look = bytes < SMALL_BYTES ? inspectFile : inspectAside;
  const found = new Map<string, CheckedLines>();
  const work = async (): Promise<void> => {
    for (let path = queue.shift(); path !== undefined && !either.aborted; path = queue.shift()) {
      const checked = await look(path, rules, either);
      if (checked !== undefined) found.set(path, checked);
    }
  };
  const done = Promise.all(Array.from({ length: PARALLEL_FILES }, work)).then(() => undefined);
  return {
    tell: async (inputs) => {
      await done;
      for (const input of inputs) tell(input, found.get(input.local.path));
    },
    stop: () => {
      abort.abort();
      return done;
    },
  };
}

function tell(input: Input, checked: CheckedLines | undefined): void {
  if (input.sieved || checked === undefined) return;
  input.sound = checked.sound;
  if (checked.sound) input.lines = checked.lines;
}
