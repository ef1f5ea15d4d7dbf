/**
 * Runs in a worker thread; the build must keep it a file of its own (dist/source/lines/worker.js), because a thread is
 * started from a file.
 */
import { parentPort } from 'node:worker_threads';
import type { CheckedLines } from './check.ts';
import { inspectFile } from './inspect.ts';
import type { LineRules } from './parse.ts';

/** What the thread is asked to do: to look at a file, or to leave off looking. */
export interface Order {
  readonly id: number;
  readonly look?: { readonly path: string; readonly rules: LineRules };
}

/** What it answers. */
export interface Answer {
  readonly id: number;
  readonly checked: CheckedLines | undefined;
}

const running = new Map<number, AbortController>();

parentPort?.on('message', async ({ id, look }: Order) => {
  if (look === undefined) return running.get(id)?.abort();
  const abort = new AbortController();
  running.set(id, abort);
  const checked = await inspectFile(look.path, look.rules, abort.signal);
  running.delete(id);
  parentPort?.postMessage({ id, checked } satisfies Answer);
});
