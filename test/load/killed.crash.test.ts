import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadReport } from '../../src/index.ts';
import { seeded } from '../crash/scripts.ts';
import { SEED } from '../seed.ts';
import { type DynamoServer, startDynalite } from '../servers/dynamodb-local.ts';
import { itemsOf, makeTable } from './dynamo.ts';
import { startFront } from './front.ts';

// The command as a process, killed wherever it is. 200 kills:
// TAILRACE_KILLS=200 TAILRACE_SEED=7 npx vitest run --project crash test/load/killed.crash.test.ts

const KILLS = Number(process.env.TAILRACE_KILLS ?? 20);
const root = join(import.meta.dirname, '..', '..');
const MAIN = ['--import', 'tsx', join(root, 'src', 'cli', 'main.ts')];
const canMount = spawnSync('unshare', ['-m', 'true']).status === 0;

/** Every key comes twice, far apart or close together; the later one stays. Every 97th line is bad. */
const COUNT = 2_000;
const KEYS = 1_300;
const line = (n: number): string =>
  n % 97 === 50 ? `{"id":${n}}` : `{"id":"k${(n * 7) % KEYS}","n":${n},"text":"${'x'.repeat(n % 300)}"}`;
const LINES = Array.from({ length: COUNT }, (_, n) => line(n));
const BAD = LINES.flatMap((text, n) => (n % 97 === 50 ? [{ line: n + 1, text }] : []));
const WANTED = [
  ...new Map(
    LINES.flatMap((text, n) => {
      if (n % 97 === 50) return [];
      const { id, text: filler } = JSON.parse(text) as { id: string; text: string };
      return [[id, `{"id":{"S":"${id}"},"n":{"N":"${n}"},"text":{"S":"${filler}"}}`] as const];
    }),
  ).values(),
].sort();

let dir = '';
let server: DynamoServer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tailrace-killed-'));
  server = await startDynalite();
});
afterAll(async () => {
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly report: LoadReport | undefined;
  readonly told: string;
}

/** Runs the command; `during` is given the process. */
async function command(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  during: (kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
): Promise<Ended> {
  const child = spawn(process.execPath, [...MAIN, 'load', ...words, '--json'], {
    cwd: root,
    env: { ...process.env, ...server.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, told] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    told += String(chunk);
  });
  during((signal) => child.kill(signal));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, report: out === '' ? undefined : (JSON.parse(out) as LoadReport), told };
}

test(`faults 22 and 23: ${KILLS} kills at random batches, by SIGKILL and SIGTERM, seed ${SEED}: the last run ends in the same table`, async () => {
  const random = seeded(SEED);
  let resumed = 0;
  let lives = 0;
  for (let kills = 0; kills < KILLS; lives += 1) {
    const table = await makeTable(server.endpoint, 'id:S');
    const life = join(dir, `life-${lives}`);
    await mkdir(life);
    const input = join(life, 'items.jsonl');
    await writeFile(input, LINES.join('\n'));
    let onBatch = (): void => undefined;
    const front = await startFront(server.endpoint, async (batch) => {
      onBatch();
      await sleep(25);
      return batch % 13 === 5 ? { kind: 'half' } : undefined;
    });
    const env = { XDG_STATE_HOME: join(life, 'state'), AWS_ENDPOINT_URL_DYNAMODB: front.endpoint };
    const words = [input, `dynamodb:${table}`, '--wcu', '20000'];
    try {
      for (let ended: Ended | undefined; ended?.report?.outcome !== 'loaded'; ) {
        const signal = random() < 0.7 ? 'SIGKILL' : 'SIGTERM';
        let left = kills < KILLS ? 1 + Math.floor(random() * 75) : Number.POSITIVE_INFINITY;
        const extraMs = Math.floor(random() * 60);
        let killed = false;
        ended = await command(words, env, (kill) => {
          onBatch = () => {
            left -= 1;
            if (left !== 0) return;
            killed = true;
            setTimeout(() => kill(signal), extraMs);
          };
        });
        if (killed) kills += 1;
        resumed += ended.report?.counts.resumed ?? 0;
        if (!killed) expect(ended.report?.outcome, ended.told).toBe('loaded');
        else if (signal === 'SIGTERM' && ended.report?.outcome !== 'loaded')
          expect([ended.code, ended.report?.error?.code], ended.told).toEqual([130, 'INTERRUPTED']);
      }
      expect(await itemsOf(server.endpoint, table)).toEqual(WANTED);
      const [state = ''] = readdirSync(join(life, 'state', 'tailrace'));
      const folder = join(life, 'state', 'tailrace', state);
      expect(existsSync(join(folder, 'load.json'))).toBe(false);
      const rejects = (await readFile(join(folder, 'rejects.jsonl'), 'utf8')).trim().split('\n');
      // Each once, although batches and rejects behind the last record are met again.
      const told = rejects.map((each) => (JSON.parse(each) as { line: number }).line);
      expect(told.sort((a, b) => a - b)).toEqual(BAD.map((each) => each.line));
    } finally {
      await front.close();
    }
  }
  expect(resumed).toBeGreaterThan(0);
});

test('fault 23: one Ctrl-C ends a load that waits for bytes of stdin', async () => {
  const table = await makeTable(server.endpoint, 'id:S');
  const child = spawn(process.execPath, [...MAIN, 'load', '-', `dynamodb:${table}`, '--json'], {
    cwd: root,
    env: { ...process.env, ...server.env, XDG_STATE_HOME: dir },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((done) => child.once('close', done));
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  try {
    // It is at its input when that much is taken, and the pipe stays open.
    const whole = `${JSON.stringify({ id: 'a', x: 'x'.repeat(300_000) })}\n`;
    await new Promise<void>((done, failed) => child.stdin.write(whole, (error) => (error ? failed(error) : done())));
    await sleep(500);
    child.kill('SIGINT');
    const late = sleep(8_000).then(() => 'late');
    expect(await Promise.race([ended, late])).toBe(130);
    expect((JSON.parse(out) as LoadReport).error?.code).toBe('INTERRUPTED');
    expect(await itemsOf(server.endpoint, table)).toHaveLength(1);
  } finally {
    child.kill('SIGKILL');
  }
});

describe('a machine with little', () => {
  test('fault 24: memory does not grow with the input, of any format', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const item = (n: number): string => `{"id":"k${n}","n":${n},"list":[1,2,{"a":"${'y'.repeat(300)}"}]}`;
    const peaks: Record<string, number[]> = {};
    for (const [name, make] of [
      ['json', (count: number) => `[${Array.from({ length: count }, (_, n) => item(n)).join(',\n')}]`],
      ['jsonl', (count: number) => Array.from({ length: count }, (_, n) => item(n)).join('\n')],
      [
        'csv',
        (count: number) =>
          `id,n,text\n${Array.from({ length: count }, (_, n) => `k${n},${n},${'z'.repeat(340)}`).join('\n')}`,
      ],
    ] as const) {
      for (const count of [15_000, 150_000]) {
        const path = join(dir, `large.${name}`);
        await writeFile(path, make(count));
        const { report, told } = await command([path, `dynamodb:${table}`, '--dry-run'], { XDG_STATE_HOME: dir });
        expect(report?.counts, told).toMatchObject({ read: count, written: count, rejected: 0 });
        peaks[name] = [...(peaks[name] ?? []), (report?.peakMemoryBytes ?? 0) / 1e6];
      }
    }
    for (const [name, [small = 0, large = 0]] of Object.entries(peaks))
      expect(large - small, `${name}: ${small} MB, and ${large} MB for ten times as much`).toBeLessThan(90);
  });

  test.skipIf(!canMount)(
    'fault 25: a disk that is full where rejects go stops the load, which goes on when there is room',
    async () => {
      const table = await makeTable(server.endpoint, 'id:S');
      const disk = join(dir, 'disk');
      await mkdir(disk);
      const input = join(dir, 'bad.jsonl');
      const bad = Array.from({ length: 40 }, (_, n) => `{"id":${n},"x":"${'x'.repeat(100_000)}"}`);
      await writeFile(input, ['{"id":"good"}', ...bad, '{"id":"last"}'].join('\n'));
      const words = [input, `dynamodb:${table}`, '--rejects', disk, '--json'];
      const script = `mount -t tmpfs -o size=1m none '${disk}' && exec '${process.execPath}' ${MAIN.join(' ')} load ${words.join(' ')}`;
      const env = { ...process.env, ...server.env, XDG_STATE_HOME: join(dir, 'state') };
      const full = spawnSync('unshare', ['-m', 'sh', '-c', script], { cwd: root, env, encoding: 'utf8' });
      expect((JSON.parse(full.stdout) as LoadReport).error?.code, full.stderr).toBe('DISK_FULL');
      expect(full.status).toBe(1);
      const again = await command(words.slice(0, 4), { XDG_STATE_HOME: join(dir, 'state') });
      expect(again.report?.outcome, again.told).toBe('loaded');
      expect(await itemsOf(server.endpoint, table)).toEqual(['{"id":{"S":"good"}}', '{"id":{"S":"last"}}']);
      expect((await readFile(join(disk, 'rejects.jsonl'), 'utf8')).trim().split('\n')).toHaveLength(40);
    },
  );
});
