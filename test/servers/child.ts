import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Two heavy servers may start at once on a busy machine. */
const READY_WITHIN_MS = 120_000;
const STOP_WITHIN_MS = 5_000;

export interface ServerOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Another user to run as. */
  readonly as?: { readonly uid?: number; readonly gid?: number };
  /** Throws or gives false until the server answers. */
  readonly ready: () => Promise<boolean>;
}

/** Starts a server, waits until it is ready, and gives what ends it: this process alone, also when the tests end early. */
export async function startServer(options: ServerOptions): Promise<() => Promise<void>> {
  const child = spawn(options.command, options.args, {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    ...options.as,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output.push(chunk.toString());
      if (output.length > 200) output.shift();
    });
  }
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  const onExit = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', onExit);
  const stop = async (): Promise<void> => {
    process.off('exit', onExit);
    await end(child);
  };
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await options.ready().catch(() => false))) {
    if (failure || child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`${options.command} did not start: ${failure?.message ?? output.join('')}`);
    }
    await sleep(50);
  }
  return stop;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await gone;
  clearTimeout(killer);
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
