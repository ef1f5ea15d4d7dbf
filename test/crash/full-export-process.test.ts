import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { SyncReport } from '../../src/model/report.ts';
import type { DdbItem } from '../data/ion.ts';
import type { WrittenExport } from '../data/make-export.ts';
import { canonical, FORMATS, folderOf, World } from '../faults/load.ts';
import { SEED } from '../seed.ts';
import { expectNoStrays, expectTable, expectUnchanged } from './full-export.ts';
import { seeded } from './scripts.ts';

// The command as a process: killed at any moment, with full disks and folders that it may not write to.
// TAILRACE_KILLS=100 TAILRACE_SEED=7 npx vitest run --project crash test/crash/full-export-process.test.ts

const KILLS = Number(process.env.TAILRACE_KILLS ?? 5);
const root = join(import.meta.dirname, '..', '..');
const MAIN = [process.execPath, '--import', 'tsx', join(root, 'src', 'cli', 'main.ts')];
const canMount = spawnSync('unshare', ['-m', 'true']).status === 0;

const ITEMS: readonly DdbItem[] = Array.from({ length: 12_000 }, (_, index) => ({
  pk: { S: `order ${index}` },
  n: { N: `${index}` },
  region: { S: `region ${index % 3}` },
  lines: {
    L: Array.from({ length: 3 }, (_line, line) => ({
      M: { sku: { S: `${index}/${line}` }, price: { N: `${line}.5` } },
    })),
  },
}));

const words = (world: World, source: WrittenExport, target: string, temp = world.temp): string[] => [
  'sync',
  source.exportDir,
  target,
  '--key',
  'pk',
  '--json',
  '--threads',
  '2',
  '--temp-dir',
  temp,
  '--rejects',
  join(world.dir, 'rejects'),
];

function whole(world: World, source: WrittenExport, target: string, temp?: string): SyncReport {
  const [node = '', ...main] = MAIN;
  const ran = spawnSync(node, [...main, ...words(world, source, target, temp)], { encoding: 'utf8', cwd: root });
  return JSON.parse(ran.stdout) as SyncReport;
}

describe.each(FORMATS)('to %s', (format) => {
  test(`fault 22: SIGKILL at ${KILLS} random moments, seed ${SEED}; the run after it ends in the same table`, async () => {
    await using world = await World.open();
    const source = await world.export({ items: ITEMS, filesCount: 8 });
    const started = performance.now();
    expect(whole(world, source, world.target(format, 'whole')).outcome).toBe('committed');
    const wholeMs = performance.now() - started;
    const random = seeded(SEED);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const target = world.target(format, `kill-${kill}`);
      const afterMs = Math.round(wholeMs * (0.3 + 0.75 * random()));
      const [node = '', ...main] = MAIN;
      const child = spawn(node, [...main, ...words(world, source, target)], { cwd: root, stdio: 'ignore' });
      const ended = new Promise((resolve) => child.once('close', resolve));
      await sleep(afterMs);
      child.kill('SIGKILL');
      await ended;
      const { state } = await world.table(target);
      if (state !== undefined) await expectTable(world, target, ITEMS);
      const report = await world.sync(source, target);
      expect(report.error, `seed ${SEED}, kill ${kill} after ${afterMs} ms`).toBeUndefined();
      await expectTable(world, target, ITEMS);
      await expectNoStrays(world, target);
      await expectUnchanged(world, source, target, {});
    }
  });

  // In a mount namespace of its own, so that the small disk is gone with the process.
  test.skipIf(!canMount)(
    'fault 25: a target on a full disk of 8 MB is one clear error, and with room the run completes',
    async () => {
      await using world = await World.open();
      const source = await world.export({ items: incompressible(4_000), filesCount: 4 });
      const target = world.target(format, 'small/table');
      const found = onSmallDisk(world, source, target, dirname(folderOf(target)), world.temp);
      expect(found.error).toMatchObject({ code: 'DISK_FULL', hint: expect.any(String) });
      const report = await world.load(source, target);
      expect(report.counts.written).toBe(4_000);
    },
  );

  test.skipIf(!canMount)(
    'fault 25: a temporary folder on a full disk of 8 MB is one clear error, and nothing is committed',
    async () => {
      await using world = await World.open();
      const source = await world.export({ items: incompressible(4_000), filesCount: 4 });
      const target = world.target(format);
      const temp = join(world.dir, 'small');
      const found = onSmallDisk(world, source, target, temp, temp);
      expect(found.error?.code).toBe('DISK_FULL');
      expect((await world.table(target)).state).toBeUndefined();
    },
  );

  test('fault 40: a target that may not be written to is ACCESS_DENIED', async () => {
    await using world = await World.open();
    const source = await world.export({ items: ITEMS.slice(0, 10) });
    const folder = join(world.dir, 'closed');
    await mkdir(folder);
    const target = `${format}:${join(folder, 'table')}`;
    const report = readOnly(world, source, target, folder);
    if (report === undefined) return;
    expect(report.error).toMatchObject({ code: 'ACCESS_DENIED', hint: expect.any(String) });
    await chmod(folder, 0o700);
    await world.load(source, target);
    expect(await world.items(target)).toEqual(canonical(ITEMS.slice(0, 10)));
  });
});

test('fault 24: too little memory for the engine is one clear error, and with more the run completes', async () => {
  await using world = await World.open();
  const source = await world.export({ items: incompressible(3_000), filesCount: 2 });
  const target = world.target('iceberg');
  const report = await world.sync(source, target, { memoryLimitBytes: 12 * 1024 * 1024 });
  expect(report.error?.code).toBe('MEMORY_LIMIT');
  expect((await world.table(target)).state).toBeUndefined();
  expect(await world.leftovers()).toEqual([]);
  await world.load(source, target);
});

/** Items whose files are about as large as they are: 4,000 make some 16 MB. */
function incompressible(count: number): DdbItem[] {
  const random = seeded(11);
  const noise = (): string => Array.from({ length: 500 }, () => Math.floor(random() * 2 ** 32).toString(36)).join('');
  return Array.from({ length: count }, (_, index) => ({ pk: { S: `${index}` }, noise: { S: noise() } }));
}

function onSmallDisk(world: World, source: WrittenExport, target: string, disk: string, temp: string): SyncReport {
  const script = 'mkdir -p "$0" && mount -t tmpfs -o size=8m none "$0" && exec "$@"';
  const all = ['-m', 'sh', '-c', script, disk, ...MAIN, ...words(world, source, target, temp)];
  return JSON.parse(spawnSync('unshare', all, { encoding: 'utf8', cwd: root }).stdout) as SyncReport;
}

/** A run on a folder that it may only read; undefined where neither modes nor mounts can forbid it. */
function readOnly(world: World, source: WrittenExport, target: string, folder: string): SyncReport | undefined {
  if (process.getuid?.() !== 0) {
    execFileSync('chmod', ['500', folder]);
    return whole(world, source, target);
  }
  if (!canMount) return undefined;
  const script = 'mount -t tmpfs -o ro none "$0" && exec "$@"';
  const all = ['-m', 'sh', '-c', script, folder, ...MAIN, ...words(world, source, target)];
  return JSON.parse(spawnSync('unshare', all, { encoding: 'utf8', cwd: root }).stdout) as SyncReport;
}
