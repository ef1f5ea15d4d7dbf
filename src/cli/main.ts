#!/usr/bin/env node
import { createRequire } from 'node:module';
import { constants } from 'node:os';

/** The version, from the package's own description: this file lies two folders below it, in src/ and in dist/. */
function version(): string {
  const description: unknown = createRequire(import.meta.url)('../../package.json');
  return typeof description === 'object' && description !== null && 'version' in description ? String(description.version) : 'unknown';
}

/** Aborts at the first Ctrl-C or SIGTERM, so that the run can end well; the second ends the process at once. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + constants.signals.SIGINT);
      controller.abort();
    });
  }
  return controller.signal;
}

async function main(words: readonly string[]): Promise<number> {
  if (words[0] === '--version' || words[0] === '-V') {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  const [{ runCommand }, { streamSink }, { loadLibrary }] = await Promise.all([
    import('./run.ts'), import('./print/sink.ts'), import('./library.ts'),
  ]);
  const stdout = streamSink(process.stdout, process.env);
  const stderr = streamSink(process.stderr, process.env);
  const code = await runCommand(words, {
    env: process.env, cwd: process.cwd(), stdout, stderr, signal: interruptSignal(), library: loadLibrary,
    now: () => performance.now(),
  });
  await Promise.all([stdout.flush(), stderr.flush()]);
  return code;
}

// Sockets and worker threads of a finished run must not keep the process; everything is flushed by now.
process.exit(await main(process.argv.slice(2)));
