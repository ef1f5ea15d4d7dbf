import { Worker } from 'node:worker_threads';
import { workerStart } from '../worker-file.ts';
import type { CheckedLines } from './check.ts';
import { inspectFile } from './inspect.ts';
import type { LineRules } from './parse.ts';
import type { Answer, Order } from './worker.ts';

/** The next batch follows soon: the thread is kept for a moment. */
const IDLE_MS = 1_000;
/** Its heap. Chunks of bytes lie outside; what is parsed of odd lines is soon garbage. */
const LIMITS = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 64 };

interface Waiting {
  readonly answered: (checked: CheckedLines | undefined) => void;
  readonly died: (cause: unknown) => void;
}

/**
 * A thread that looks at the bytes of files. Its heap is small and its buffers are many; in the thread of the command,
 * whose heap is large, each collection of these buffers would mark that heap, which costs more than the look itself.
 */
class Inspector {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #orders = 0;
  #idle: NodeJS.Timeout | undefined;
  dead = false;

  constructor() {
    const { file, execArgv } = workerStart('lines/worker');
    this.#worker = new Worker(file, { execArgv, resourceLimits: LIMITS });
    this.#worker.on('message', ({ id, checked }: Answer) => this.#waiting.get(id)?.answered(checked));
    this.#worker.on('error', (cause) => this.#die(cause));
    this.#worker.on('exit', () => this.#die(new Error('the thread has ended')));
  }

  /** What inspectFile tells. Rejects when the thread dies. */
  async look(path: string, rules: LineRules, signal: AbortSignal): Promise<CheckedLines | undefined> {
    const id = this.#orders++;
    const order = (order: Order): void => this.#worker.postMessage(order);
    const leaveOff = (): void => order({ id });
    clearTimeout(this.#idle);
    this.#worker.ref();
    try {
      return await new Promise((answered, died) => {
        this.#waiting.set(id, { answered, died });
        order({ id, look: { path, rules } });
        signal.addEventListener('abort', leaveOff, { once: true });
      });
    } finally {
      signal.removeEventListener('abort', leaveOff);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#rest();
    }
  }

  /** Keeps no process alive meanwhile. */
  #rest(): void {
    this.#worker.unref();
    this.#idle = setTimeout(() => {
      this.dead = true;
      void this.#worker.terminate();
    }, IDLE_MS).unref();
  }

  #die(cause: unknown): void {
    this.dead = true;
    for (const { died } of this.#waiting.values()) died(cause);
  }
}

let inspector: Inspector | undefined;

/** Looks at a file as inspectFile does, in a thread of its own. If that cannot start or dies, this one looks. */
export async function inspectAside(
  path: string,
  rules: LineRules,
  signal: AbortSignal,
): Promise<CheckedLines | undefined> {
  try {
    if (inspector === undefined || inspector.dead) inspector = new Inspector();
    return await inspector.look(path, rules, signal);
  } catch {
    return inspectFile(path, rules, signal);
  }
}
