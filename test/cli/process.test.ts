import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { onlyDocument } from './fake-world.ts';

const root = path.join(import.meta.dirname, '..', '..');
const MAIN = ['--import', 'tsx', path.join(root, 'src', 'cli', 'main.ts')];
const CHILD = ['--import', 'tsx', path.join(import.meta.dirname, 'child.ts')];
const main = (...words: string[]): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, [...MAIN, ...words], { encoding: 'utf8', cwd: root });
const shell = (script: string): SpawnSyncReturns<string> =>
  spawnSync('bash', ['-c', script], {
    encoding: 'utf8',
    cwd: root,
    env: { ...process.env, NODE: process.execPath, CHILD: CHILD.at(-1) },
  });
const TAILRACE = '"$NODE" --import tsx "$CHILD"';

/** Starts a sync, waits until it works, and lets the test interrupt it. */
async function interrupted(source: string, act: (kill: (signal: NodeJS.Signals) => void) => Promise<void>) {
  const child = spawn(process.execPath, [...CHILD, 'sync', source, 'b', '--json'], { cwd: root });
  let out = '';
  let err = '';
  child.stdout.on('data', (part: Buffer) => {
    out += part.toString();
  });
  const started = new Promise<void>((resolve) =>
    child.stderr.on('data', (part: Buffer) => {
      err += part.toString();
      if (err.includes('started')) resolve();
    }),
  );
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  await started;
  await act((signal) => child.kill(signal));
  return { code: await ended, out, err };
}

describe('the process', () => {
  test('--version loads nothing but the version', () => {
    const ran = main('--version');
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('a usage error exits 2, as one document with --json', () => {
    const ran = main('snc', '--json');
    expect(ran.status).toBe(2);
    expect(onlyDocument(ran.stdout)).toMatchObject({
      outcome: 'failed',
      error: { code: 'USAGE', hint: 'Did you mean sync?' },
    });
    expect(ran.stderr).toMatch(/^error USAGE: /);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('fault 23: %s ends a run well, with 130 and a report', async (signal) => {
    const ran = await interrupted('a', async (kill) => kill(signal));
    expect(ran.code).toBe(130);
    expect(onlyDocument(ran.out)).toMatchObject({ outcome: 'failed', error: { code: 'INTERRUPTED' } });
    expect(ran.err).toContain('the table is as it was');
  });

  test('a signal that comes before the command is loaded leaves a report, too', () => {
    const early = path.join(import.meta.dirname, 'early-signal.mjs');
    const [preload = '', tsx = '', file = ''] = MAIN;
    const words = [preload, tsx, preload, early, file, 'sync', './none', './lake', '--json'];
    const ran = spawnSync(process.execPath, words, { encoding: 'utf8', cwd: root });
    expect([ran.signal, ran.status]).toEqual([null, 130]);
    expect(onlyDocument(ran.stdout)).toMatchObject({ outcome: 'failed', error: { code: 'INTERRUPTED' } });
  });

  test('a second Ctrl-C ends a run that does not listen, at once', async () => {
    const ran = await interrupted('deaf', async (kill) => {
      kill('SIGINT');
      await new Promise((resolve) => setTimeout(resolve, 300));
      kill('SIGINT');
    });
    expect(ran.code).toBe(130);
  });

  test('an error that nobody awaits is one error, not a stack trace', () => {
    const ran = spawnSync(process.execPath, [...CHILD, 'sync', 'crash', 'b', '--json'], {
      encoding: 'utf8',
      cwd: root,
    });
    expect(ran.status).toBe(1);
    expect(onlyDocument(ran.stdout)).toMatchObject({ error: { code: 'INTERNAL', message: 'nobody awaits this' } });
    expect(ran.stderr).not.toContain('    at ');
  });
});

describe('cat in a pipe', () => {
  test('a reader that goes away ends it with 0 and in silence', () => {
    const ran = shell(`${TAILRACE} cat endless | head -n 2; echo "code \${PIPESTATUS[0]}"`);
    expect(ran.stdout).toBe('{"Item":{"n":{"N":"0"}}}\n{"Item":{"n":{"N":"1"}}}\ncode 0\n');
    expect(ran.stderr).toBe('');
  });

  test('a slow reader gets every line', () => {
    const ran = shell(`${TAILRACE} cat many | (sleep 1; wc -l); echo "code \${PIPESTATUS[0]}"`);
    expect(ran.stdout.replaceAll(' ', '')).toBe('300000\ncode0\n');
  });

  test.skipIf(!existsSync('/dev/full'))('fault 25: a full disk behind stdout is an error, not a short file', () => {
    const ran = shell(`${TAILRACE} cat many > /dev/full`);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/^error DISK_FULL: /);
  });
});
