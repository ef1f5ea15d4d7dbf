#!/usr/bin/env node
import { createRequire } from 'node:module';
import { interruptSignal } from './interrupt.ts';

/** The version, from the package's own description: this file lies two folders below it, in src/ and in dist/. */
function version(): string {
  const description: unknown = createRequire(import.meta.url)('../../package.json');
  return typeof description === 'object' && description !== null && 'version' in description
    ? String(description.version)
    : 'unknown';
}

const words = process.argv.slice(2);
if (words[0] === '--version' || words[0] === '-V') {
  // Nothing else is loaded for it: scripts ask often.
  process.stdout.write(`${version()}\n`);
} else {
  // Whoever stops the command while it is still being loaded gets a report, too.
  const signal = interruptSignal();
  const [{ runProcess }, { loadLibrary }] = await Promise.all([import('./process.ts'), import('./library.ts')]);
  await runProcess(words, loadLibrary, signal);
}
