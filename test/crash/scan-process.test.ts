import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { SyncReport } from '../../src/model/report.ts';
import { freshFolder } from '../pipeline/harness.ts';
import { itemsOf, Shop } from '../pipeline/scan-harness.ts';
import { SEED } from '../seed.ts';
import { seeded } from './scripts.ts';

// The command as a process that reads a table, killed at any moment, again and again.
// TAILRACE_KILLS=200 TAILRACE_SEED=7 npx vitest run --project crash test/crash/scan-process.test.ts

const KILLS = Number(process.env.TAILRACE_KILLS ?? 12);
const root = join(import.meta.dirname, '..', '..');
const MAIN = [process.execPath, '--import', 'tsx', join(root, 'src', 'cli', 'main.ts')];
/** npm test builds it before it runs any test. */
const BUILT = join(root, 'dist', 'cli', 'main.js');
const MAX_RUNS = 40;

const words = (shop: Shop, temp: string, ...more: readonly string[]): string[] => [
  ...['sync', 'dynamodb:orders', shop.target, '--json', '--source-endpoint', shop.server.endpoint],
  ...['--source-region', 'us-east-1', '--rcu', 'unlimited', '--threads', '2', '--temp-dir', temp, ...more],
];

function start(
  shop: Shop,
  temp: string,
  ...flags: readonly string[]
): { readonly child: ChildProcess; readonly ended: Promise<number | null> } {
  const [node = '', ...main] = MAIN;
  const commits = ['--commit-every', '0.01s'];
  const child = spawn(node, [...flags, ...main, ...words(shop, temp, ...commits)], { cwd: root, stdio: 'ignore' });
  return { child, ended: new Promise((resolve) => child.once('close', resolve)) };
}

/** The command in a process of its own, while this one answers it. */
async function whole(
  shop: Shop,
  temp: string,
  shell = '',
  main: readonly string[] = MAIN,
): Promise<{ readonly report: SyncReport; readonly code: number | null }> {
  const argv = shell === '' ? main : ['sh', '-c', `${shell}; exec "$@"`, 'sh', ...main];
  const [program = '', ...rest] = argv;
  const child = spawn(program, [...rest, ...words(shop, temp)], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { report: JSON.parse(printed) as SyncReport, code };
}

/** Resolves when the table was described so often, or the process has ended: once at the start, and before each commit. */
async function described(shop: Shop, count: number, ended: Promise<unknown>): Promise<void> {
  const seen = (): number => shop.server.calls.filter(({ operation }) => operation === 'DescribeTable').length;
  const until = seen() + count;
  let gone = false;
  void ended.then(() => {
    gone = true;
  });
  while (!gone && seen() < until) await sleep(2);
}

describe('the command, reading a table', () => {
  test(`fault 22: SIGKILL at ${KILLS} random moments, seed ${SEED}, and each item is there once`, async () => {
    const random = seeded(SEED);
    const temp = await freshFolder();
    for (let kills = 0; kills < KILLS; ) {
      await using shop = await Shop.open({ items: itemsOf(400), pageBytes: 400 });
      for (let runs = 0; kills < KILLS && runs < MAX_RUNS; runs += 1) {
        const { child, ended } = start(shop, temp);
        await described(shop, 1 + Math.floor(random() * 5), ended);
        await sleep(random() * 100);
        const killed = child.kill('SIGKILL');
        const code = await ended;
        if (!killed || code !== null) break;
        kills += 1;
        const rows = await shop.rows().catch(() => []);
        expect(new Set(rows).size, `seed ${SEED}, kill ${kills}`).toBe(rows.length);
      }
      const { report } = await whole(shop, temp);
      // The last of the killed processes may have made the last commit.
      expect(report.error === undefined || report.error.code === 'LEDGER_REFUSED', JSON.stringify(report.error)).toBe(
        true,
      );
      expect(await shop.rows(), `seed ${SEED}, ${kills} kills`).toEqual(shop.expected);
    }
  });

  test('fault 23: SIGINT ends it with 130, and nothing is left in the temporary folder', async () => {
    await using shop = await Shop.open({ items: itemsOf(400), pageBytes: 400 });
    const temp = await freshFolder();
    const { child, ended } = start(shop, temp);
    await described(shop, 3, ended);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(readdirSync(temp)).toEqual([]);
    const { report } = await whole(shop, temp);
    expect(report.outcome).toBe('committed');
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('fault 24: a process whose memory runs out dies, and the next one has each item once', async () => {
    const items = itemsOf(2_000).map((item, i) => ({ ...item, more: { S: `${i}`.repeat(600) } }));
    await using shop = await Shop.open({ items, pageBytes: 400_000 });
    const codes: (number | null)[] = [];
    for (const megabytes of [22, 28]) {
      const { child, ended } = start(shop, await freshFolder(), `--max-old-space-size=${megabytes}`);
      codes.push(await ended);
      expect(child.killed).toBe(false);
      const rows = await shop.rows().catch(() => []);
      expect(new Set(rows).size, `${megabytes} MB`).toBe(rows.length);
    }
    expect(codes.some((code) => code !== 0)).toBe(true);
    const { report } = await whole(shop, await freshFolder());
    expect(report.outcome).toBe('committed');
    expect(await shop.rows()).toEqual(shop.expected);
  });

  // Loading the sources one by one takes more open files than that; the build is few files.
  test.skipIf(!existsSync(BUILT))('fault 32: gets along with 64 open files', async () => {
    await using shop = await Shop.open({ items: itemsOf(100), pageBytes: 300 });
    const { report } = await whole(shop, await freshFolder(), 'ulimit -n 64', [process.execPath, BUILT]);
    expect(report.error).toBeUndefined();
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test.skipIf(spawnSync('unshare', ['-m', 'true']).status !== 0)(
    'fault 25: a temporary folder on a full disk of 1 MB is one clear error, and with room the scan goes on',
    async () => {
      const items = itemsOf(2_000).map((item, i) => ({ ...item, more: { S: `${i}`.repeat(400) } }));
      await using shop = await Shop.open({ items, pageBytes: 100_000 });
      const temp = await freshFolder();
      const mount = `mount -t tmpfs -o size=1m tmpfs ${temp}`;
      const { report } = await whole(shop, temp, `exec unshare -m sh -c '${mount} && exec "$@"' sh "$@"`);
      expect(report.error).toMatchObject({ code: 'DISK_FULL', hint: expect.any(String) });
      expect((await whole(shop, temp)).report.outcome).toBe('committed');
      expect(await shop.rows()).toEqual(shop.expected);
    },
  );
});
