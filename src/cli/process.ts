import { TailraceError } from '../model/errors.ts';
import { interruptSignal } from './interrupt.ts';
import { type Sink, streamSink } from './print/sink.ts';
import { runCommand, wantsJson } from './run.ts';
import { Output } from './session.ts';
import type { World } from './world.ts';

/** Runs the command as this process: its streams, signals and exit code. Does not return. */
export async function runProcess(
  words: readonly string[],
  library: World['library'],
  signal: AbortSignal = interruptSignal(),
): Promise<never> {
  const { env } = process;
  const world: World = {
    env,
    cwd: process.cwd(),
    stdout: streamSink(process.stdout, env),
    stderr: streamSink(process.stderr, env),
    signal,
    library,
    now: () => performance.now(),
  };
  const fail = (thrown: unknown): Promise<number> => new Output(world, wantsJson(words, env)).failure(thrown);
  // An error that no call awaits is still one clear error, not a stack trace.
  process.once('uncaughtException', (thrown) => void fail(thrown).then((code) => leave(world, code)));
  const code = await runCommand(words, world);
  await world.stdout.flush();
  return leave(world, world.stdout.failure === undefined ? code : await fail(outputError(world.stdout)));
}

/** Sockets and threads of a finished run must not keep the process; all that was written must be out before. */
async function leave(world: World, code: number): Promise<never> {
  await Promise.all([world.stdout.flush(), world.stderr.flush()]);
  process.exit(code);
}

/** `tailrace cat … > file` on a full disk: what was cut short must not look whole. */
function outputError({ failure }: Sink): TailraceError {
  const full = failure !== undefined && 'code' in failure && (failure.code === 'ENOSPC' || failure.code === 'EDQUOT');
  return new TailraceError(
    full ? 'DISK_FULL' : 'INTERNAL',
    `The output could not be written: ${failure?.message ?? 'unknown'}.`,
    {
      place: 'stdout',
      hint: 'Make room where stdout goes, and run again.',
      cause: failure,
    },
  );
}
