import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { inspectFile } from '../../../src/source/lines/inspect.ts';
import { inspectAside } from '../../../src/source/lines/inspector.ts';
import type { LineRules } from '../../../src/source/lines/parse.ts';

const dir = mkdtempSync(join(tmpdir(), 'tailrace-inspector-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const RULES: LineRules = { shape: 'item', oldImages: false };
const never = new AbortController().signal;

function file(name: string, lines: readonly string[]): string {
  const path = join(dir, name);
  writeFileSync(path, gzipSync(lines.map((line) => `${line}\n`).join('')));
  return path;
}

const lines = Array.from({ length: 40_000 }, (_, i) => `{"Item":{"pk":{"S":"key ${i}"},"n":{"N":"${i}"}}}`);
const sound = file('sound.json.gz', lines);
const odd = file('odd.json.gz', [...lines, '{"Item":{"pk":{"S":"last"},"n":{"N":5}}}']);

describe('a look in a thread of its own', () => {
  test('fault 88: tells what a look in this thread tells, of several files at a time, again after a rest', async () => {
    const looks = [sound, odd, sound].map((path) => inspectAside(path, RULES, never));
    expect(await Promise.all(looks)).toEqual([
      { lines: 40_000, sound: true },
      expect.objectContaining({ sound: false }),
      { lines: 40_000, sound: true },
    ]);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await inspectAside(sound, RULES, never)).toEqual(await inspectFile(sound, RULES, never));
  });

  test('an unreadable file and an abort give nothing, and the next look is none the worse', async () => {
    writeFileSync(join(dir, 'broken.json.gz'), gzipSync('{"Item":{}}\n'.repeat(1_000)).subarray(0, 40));
    expect(await inspectAside(join(dir, 'broken.json.gz'), RULES, never)).toBeUndefined();
    const abort = new AbortController();
    const look = inspectAside(sound, RULES, abort.signal);
    abort.abort();
    expect(await look).toBeUndefined();
    expect(await inspectAside(sound, RULES, never)).toEqual({ lines: 40_000, sound: true });
  });

  test('where the thread cannot be asked, this one looks', async () => {
    const unsendable = { ...RULES, toString: () => 'a function cannot be sent' };
    expect(await inspectAside(sound, unsendable, never)).toEqual({ lines: 40_000, sound: true });
  });
});
