import { rm } from 'node:fs/promises';
import { TailraceError } from '../../model/errors.ts';
import type { LineShape } from '../../model/item.ts';
import { readLines } from '../lines/open.ts';
import { makeReject } from '../lines/sieve.ts';
import { LineWriter } from '../lines/write.ts';
import type { Reject } from '../port.ts';
import { POOL_THREADS, type RunTask, withPool } from './pool.ts';
import type { IonResult, IonTask } from './worker.ts';

const TASK_BYTES = 512 * 1024;
/** Tasks of one file under way: enough to keep the threads busy, few enough to bound memory. */
const TASKS_AHEAD = POOL_THREADS + 2;

export interface ConvertedFile {
  readonly bytes: number;
  readonly rejects: readonly Reject[];
  /** All lines of the Ion file that are not blank, rejects and all. */
  readonly lines: number;
}

/** Turns an Ion text export file (`.ion.gz` or `.ion`) into a plain file of DynamoDB JSON lines, in worker threads. */
export async function convertFile(
  from: string,
  to: string,
  manifestName: string,
  signal?: AbortSignal,
  shape: LineShape = 'item',
): Promise<ConvertedFile> {
  return withPool(async (runTask) => {
    const writer = await LineWriter.open(to);
    const running: Promise<IonResult>[] = [];
    const rejects: Reject[] = [];
    let lines = 0;
    const finish = async (): Promise<void> => {
      const result = await running.shift();
      if (result === undefined) return;
      await writer.add(result.bytes);
      for (const reject of result.rejects) rejects.push(reject);
    };
    try {
      const tooLong: Reject[] = [];
      for await (const task of tasksOf(from, manifestName, shape, tooLong, signal)) {
        lines += task.numbers.length;
        running.push(run(runTask, task, signal));
        if (running.length > TASKS_AHEAD) await finish();
      }
      while (running.length > 0) await finish();
      lines += tooLong.length;
      rejects.push(...tooLong);
      await writer.close();
    } catch (thrown) {
      await Promise.allSettled(running);
      await writer.close().catch(() => {});
      await rm(to, { force: true });
      throw thrown;
    }
    return { bytes: writer.bytes, rejects: rejects.sort((a, b) => a.line - b.line), lines };
  });
}

function run(runTask: RunTask, task: IonTask, signal: AbortSignal | undefined): Promise<IonResult> {
  const result = runTask(task, signal).catch((thrown: unknown) => {
    if (signal?.aborted === true) throw new TailraceError('INTERRUPTED', 'The run was interrupted.', { cause: thrown });
    throw thrown;
  });
  // Whoever waits for it hears of a failure; until then it must not count as unhandled.
  result.catch(() => {});
  return result;
}

/** Runs of whole lines. */
async function* tasksOf(
  path: string,
  file: string,
  shape: LineShape,
  rejects: Reject[],
  signal: AbortSignal | undefined,
): AsyncGenerator<IonTask> {
  let lines: Buffer[] = [];
  let numbers: number[] = [];
  let bytes = 0;
  for await (const line of readLines(path, file, signal)) {
    if (line.cut) {
      rejects.push(makeReject(file, line, 'line is too long; only its beginning is kept'));
      continue;
    }
    lines.push(line.bytes, Buffer.from('\n'));
    numbers.push(line.number);
    bytes += line.bytes.length + 1;
    if (bytes < TASK_BYTES) continue;
    yield { bytes: Buffer.concat(lines, bytes), numbers, file, shape };
    [lines, numbers, bytes] = [[], [], 0];
  }
  if (numbers.length > 0) yield { bytes: Buffer.concat(lines, bytes), numbers, file, shape };
}
