import { TailraceError } from '../../model/errors.ts';
import type { TableSchema } from '../../model/schema.ts';
import type { Duck } from './instance.ts';
import type { Settings } from './settings.ts';
import { leavesByPath } from './stats.ts';

/** Columns, those within others counted one by one, of tables that are wide. */
const WIDE_LEAVES = 250;
/** What the engine takes whatever the threads, and with what is left over in case that rows are large. */
const SHARED_BYTES = 60e6;
/** What each thread takes: two buffers of lines of 32 MiB, and the row group that it gathers. */
const THREAD_BYTES = 125e6;
/** What each column takes in each thread: vectors of 2,048 values as they are read, on their way, and as they are written. */
const LEAF_BYTES = 220e3;

/**
 * How many threads can write a table side by side within the engine's memory limit. Of a table that is not wide it is
 * one: only where memory was short already does it come to this question.
 */
export function wideThreads({ limits }: Duck, schema: TableSchema): number {
  const leaves = leavesByPath(schema).size;
  if (leaves <= WIDE_LEAVES) return 1;
  const fit = Math.floor((limits.memoryLimitBytes - SHARED_BYTES) / (THREAD_BYTES + leaves * LEAF_BYTES));
  return Math.max(1, Math.min(limits.threads, fit));
}

/** Engines whose memory did not suffice for as many threads as were thought. */
const short = new WeakSet<Duck>();

/**
 * Does work in so many threads, or in as many as the engine has. Where the memory does not suffice for a chosen number,
 * the work is done once more in one thread, and from then on always in one.
 */
export async function inThreads<T>(
  duck: Duck,
  threads: number | undefined,
  work: (settings: Pick<Settings, 'threads'>) => Promise<T>,
): Promise<T> {
  if (threads === undefined) return work({});
  if (threads === 1 || short.has(duck)) return work({ threads: 1 });
  try {
    return await work({ threads });
  } catch (thrown) {
    if (!(thrown instanceof TailraceError) || thrown.code !== 'MEMORY_LIMIT') throw thrown;
    short.add(duck);
    return work({ threads: 1 });
  }
}
