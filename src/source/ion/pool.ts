import { availableParallelism } from 'node:os';
import type { Tinypool } from 'tinypool';
import { workerStart } from '../worker-file.ts';
import type { IonResult, IonTask } from './worker.ts';

const IDLE_MS = 1_000;
/** Heap of a thread. Left alone it grows by garbage; what a task of 512 KB and one longest line need is far less. */
const LIMITS = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 192 };

/** Runs one task in a thread. Rejects if the thread dies or cannot start. */
export type RunTask = (task: IonTask, signal: AbortSignal | undefined) => Promise<IonResult>;

interface Pool {
  readonly threads: Tinypool;
  /** Called when a thread fails outside of any task, such as at its start; the library would wait for ever. A set of
   * those who wait, because whoever races with a promise that never settles is kept by it, with the result. */
  readonly waiting: Set<(thrown: unknown) => void>;
}

let pool: Promise<Pool> | undefined;
let users = 0;

/** Threads that the pool may use at a time. */
export const POOL_THREADS = Math.max(1, Math.min(4, availableParallelism()));

/** Lends the pool of Ion workers to the task. The last user ends it, so that no thread keeps the process alive. */
export async function withPool<T>(work: (run: RunTask) => Promise<T>): Promise<T> {
  users += 1;
  try {
    pool ??= startPool();
    const lent = await pool;
    return await work((task, signal) => runIn(lent, task, signal));
  } finally {
    users -= 1;
    if (users === 0) endSoon();
  }
}

function runIn({ threads, waiting }: Pool, task: IonTask, signal: AbortSignal | undefined): Promise<IonResult> {
  return new Promise((resolve, reject) => {
    waiting.add(reject);
    const result: Promise<IonResult> = threads.run(task, signal === undefined ? {} : { signal });
    result.then(resolve, reject).finally(() => waiting.delete(reject));
  });
}

async function startPool(): Promise<Pool> {
  const { Tinypool } = await import('tinypool');
  const { file, execArgv } = workerStart('ion/worker');
  const threads = new Tinypool({
    filename: file.href,
    maxThreads: POOL_THREADS,
    minThreads: 0,
    idleTimeout: IDLE_MS,
    resourceLimits: LIMITS,
    execArgv,
  });
  const waiting: Pool['waiting'] = new Set();
  threads.on('error', (thrown) => {
    for (const reject of waiting) reject(thrown);
  });
  return { threads, waiting };
}

/** A file soon follows a file: threads are kept for a moment. */
function endSoon(): void {
  setTimeout(() => {
    if (users > 0) return;
    const ending = pool;
    pool = undefined;
    void ending?.then(({ threads }) => threads.destroy()).catch(() => {});
  }, IDLE_MS).unref();
}
