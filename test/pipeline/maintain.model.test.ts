import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type MaintainOptions, maintain } from '../../src/index.ts';
import { TIER_FILES } from '../../src/maintain/policy.ts';
import type { MaintainReport } from '../../src/model/maintain-report.ts';
import type { TableHandle } from '../../src/model/table.ts';
import { openTarget } from '../../src/pipeline/ends/open.ts';
import type { Storage } from '../../src/storage/port.ts';
import { decodeManifest, MANIFEST_NAME } from '../../src/table/parquet/manifest.ts';
import { type Chain, type TableContent, writeChain } from '../data/chain-model.ts';
import { writeExport } from '../data/make-export.ts';
import { writeWindow } from '../data/make-window.ts';
import { canonical, contextOf, type Format, folderOf, World } from '../faults/load.ts';

const items = (state: TableContent | undefined): string[] => canonical([...(state?.values() ?? [])]);
const HOUR = 3_600_000;
/** Nothing but windows writes data files anew. */
const UNKEPT = { upkeep: false, write: 'merge-on-read', onDrift: 'rescue' } as const;

function run(world: World, target: string, more: Partial<MaintainOptions> = {}): Promise<MaintainReport> {
  return maintain(target, { ...world.options(), ...more }, contextOf());
}

/** A table of many windows that nobody looked after. */
async function neglected(world: World, format: Format = 'iceberg'): Promise<{ chain: Chain; target: string }> {
  const chain = await writeChain(`${world.dir}/source`, { seed: 8, keys: 400, windows: 12, writes: 8 });
  const target = world.target(format);
  await world.load(chain.dir, target, UNKEPT);
  return { chain, target };
}

describe('maintain', () => {
  test('joins what is small, once; every row stays, and so do old snapshots', async () => {
    await using world = await World.open();
    const { chain, target } = await neglected(world);
    const before = await world.filesOf(target);
    const files = (await world.table(target)).files.length;
    expect(files).toBeGreaterThanOrEqual(TIER_FILES);
    const planned = await run(world, target, { dryRun: true, expireSnapshotsMs: 0, sweepOrphansMs: HOUR });
    expect(planned).toMatchObject({ outcome: 'planned', rewritten: { filesBefore: files, left: 0 } });
    expect(planned.expired?.snapshots).toBeGreaterThan(0);
    expect(await world.filesOf(target)).toEqual(before);

    const report = await run(world, target);
    expect(report).toMatchObject({
      outcome: 'committed',
      rewritten: { filesBefore: files, filesAfter: 1 },
      warnings: [],
    });
    const { state, files: joined } = await world.table(target);
    expect(joined).toHaveLength(1);
    expect(joined[0]?.deletes).toBeUndefined();
    expect([state?.rows, state?.snapshot]).toEqual([chain.states.at(-1)?.size, report.snapshot]);
    expect(await world.items(target)).toEqual(items(chain.states.at(-1)));
    const now = new Set(await world.filesOf(target));
    expect(before.filter((path) => !now.has(path))).toEqual([]);
    expect(await run(world, target)).toMatchObject({ outcome: 'unchanged', rewritten: { filesBefore: 0 } });
    expect((await world.sync(chain.dir, target)).outcome).toBe('unchanged');
    expect(await world.leftovers()).toEqual([]);
  });

  test('expires snapshots and sweeps orphans on request, and never the newest state', async () => {
    await using world = await World.open();
    const { chain, target } = await neglected(world);
    const orphans = ['data/x-0.parquet', 'metadata/x-m0.avro', '.tailrace/x/part-1.json'].map((name) =>
      join(folderOf(target), name),
    );
    for (const path of orphans) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, 'left by a killed load');
      await utimes(path, new Date(Date.now() - 100 * HOUR), new Date(Date.now() - 100 * HOUR));
    }
    await run(world, target);
    const report = await run(world, target, { expireSnapshotsMs: 0, keepSnapshots: 2, sweepOrphansMs: 72 * HOUR });
    expect(report).toMatchObject({ outcome: 'committed', expired: { snapshots: 12 }, swept: { files: 3 } });
    expect(orphans.filter(existsSync)).toEqual([]);
    expect(await world.items(target)).toEqual(items(chain.states.at(-1)));
    expect((await world.sync(chain.dir, target)).outcome).toBe('unchanged');
  });

  test('fault 8: what a killed load left goes after the grace period, and not before', async () => {
    await using world = await World.open();
    const { target } = await neglected(world);
    const stray = join(folderOf(target), 'data/7f3a-0.parquet');
    await writeFile(stray, 'x');
    expect((await run(world, target, { sweepOrphansMs: HOUR })).swept).toEqual({ files: 0, bytes: 0 });
    expect(existsSync(stray)).toBe(true);
  });

  test('of a Parquet table joins files, and sweeps what was replaced', async () => {
    await using world = await World.open();
    const { chain, target } = await neglected(world, 'parquet');
    expect((await run(world, target, { expireSnapshotsMs: 0 })).error?.code).toBe('USAGE');
    const report = await run(world, target, { sweepOrphansMs: HOUR });
    expect(report.error).toBeUndefined();
    expect(await world.items(target)).toEqual(items(chain.states.at(-1)));
    expect((await world.sync(chain.dir, target)).outcome).toBe('unchanged');
  });

  test.each<readonly [string, Partial<MaintainOptions>, string]>([
    ['a grace that is too short', { sweepOrphansMs: HOUR - 1 }, 'USAGE'],
    ['no table', {}, 'TARGET_NOT_FOUND'],
  ])('%s is refused', async (_name, options, code) => {
    await using world = await World.open();
    const report = await run(world, world.target('iceberg'), options);
    expect([report.outcome, report.error?.code]).toEqual(['failed', code]);
  });
});

/** Files in the table's folder that belong to no state of it. */
async function orphans(world: World, target: string): Promise<string[]> {
  if (target.startsWith('iceberg:')) {
    const { table, storage } = await openTarget(target, world.options());
    const before = await world.filesOf(target);
    await table.upkeep?.sweepOrphans({ olderThanMs: Date.now() + HOUR });
    await storage.close();
    const left = new Set(await world.filesOf(target));
    return before.filter((path) => !left.has(path));
  }
  const bytes = await readFile(join(folderOf(target), MANIFEST_NAME));
  const manifest = decodeManifest(bytes, target);
  const known = [manifest, ...manifest.previous].map(({ generation }) => generation);
  const files = (await world.filesOf(target)).filter((path) => path.endsWith('.parquet'));
  return files.filter((path) => !known.some((generation) => path.includes(`/${generation}/`)));
}

describe('beside another writer', () => {
  /** Runs maintain with something happening between a plan and its commit. */
  async function between(world: World, target: string, meanwhile: () => Promise<void>): Promise<MaintainReport> {
    const wrap = (storage: Storage): Storage =>
      adopting(storage, async (...args) => {
        // The rewritten files are at the target then; the commit comes next.
        const adopted = await storage.adopt(...args);
        await meanwhile();
        return adopted;
      });
    return maintain(target, world.options(), contextOf(), wrap);
  }

  test('fault 14: a window that comes first stays, and the plan is made again', async () => {
    await using world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, { seed: 8, keys: 400, windows: 12, writes: 8 });
    const target = world.target('iceberg');
    const [last, ...others] = [...chain.windows].reverse();
    for (const one of [chain.full, ...others.reverse()]) await world.load(one?.exportDir ?? '', target, UNKEPT);
    let times = 0;
    const report = await between(world, target, async () => {
      times += 1;
      if (times === 1) await world.load(last?.exportDir ?? '', target, UNKEPT);
    });
    expect(times).toBe(2);
    expect(report).toMatchObject({ outcome: 'committed', warnings: [], rewritten: { filesAfter: 1 } });
    expect(await world.items(target)).toEqual(items(chain.states.at(-1)));
    expect(await orphans(world, target)).toEqual([]);
  });

  test('fault 14: of a Parquet table, too, and no copy of its files is left over', async () => {
    await using world = await World.open();
    const source = `${world.dir}/source`;
    const all = Array.from({ length: 12 }, (_, i) => ({ pk: { S: `k${i}` } }));
    const full = await writeExport(source, { items: all, exportTime: '2026-03-01T12:00:00Z', filesCount: 12 });
    const target = world.target('parquet');
    await world.load(full, target, { batchBytes: 1 });
    const times = { from: '2026-03-01T11:59:00Z', to: '2026-03-01T12:14:00Z' };
    const window = await writeWindow(source, { ...times, changes: [{ at: 1n, keys: { pk: { S: 'k0' } } }] });
    let done = false;
    const report = await between(world, target, async () => {
      if (!done) await world.load(window, target, UNKEPT);
      done = true;
    });
    expect(report).toMatchObject({ outcome: 'committed', warnings: [], rewritten: { filesBefore: 11, filesAfter: 1 } });
    expect(await world.items(target)).toEqual(canonical(all.slice(1)));
    expect(await orphans(world, target)).toEqual([]);
  });

  test('a table that is never still is left with a warning', async () => {
    await using world = await World.open();
    const { chain, target } = await neglected(world);
    const { table, storage } = await openTarget(target, world.options());
    const report = await between(world, target, () => foreignCommit(table));
    await storage.close();
    expect(report.warnings).toMatchObject([{ code: 'upkeep-stopped' }]);
    expect(report).toMatchObject({ outcome: 'unchanged', rewritten: { filesBefore: 0 } });
    expect(await world.items(target)).toEqual(items(chain.states.at(-1)));
  });

  test('upkeep that fails within a sync is a warning; the load stays', async () => {
    await using world = await World.open();
    const { chain, target } = await neglected(world);
    await rm(folderOf(target), { recursive: true });
    const report = await world.sync(chain.dir, target, {
      ...UNKEPT,
      upkeep: true,
      wrap: (storage) =>
        adopting(storage, async (key, path, options) => {
          if (/-c\d+\.parquet$/.test(key)) throw new Error('the disk is gone');
          return storage.adopt(key, path, options);
        }),
    });
    expect(report.outcome).toBe('committed');
    expect(report.warnings.map(({ code }) => code)).toContain('upkeep-stopped');
    expect(await world.items(target)).toEqual(items(chain.states.at(-1)));
    expect(await world.leftovers()).toEqual([]);
  });
});

function adopting(storage: Storage, adopt: Storage['adopt']): Storage {
  return new Proxy(storage, {
    get: (own, name) => {
      if (name === 'adopt') return adopt;
      const value: unknown = Reflect.get(own, name);
      return typeof value === 'function' ? value.bind(own) : value;
    },
  });
}

/** A commit of another writer that changes nothing that matters. */
async function foreignCommit(table: TableHandle): Promise<void> {
  const base = (await table.load()) ?? expect.fail('no table');
  const { schema, partition, sort, ledger } = base;
  const commitId = `foreign-${Math.random().toString(36).slice(2)}`;
  await table.commit(
    {
      operation: 'rewrite',
      schema,
      partition,
      sort,
      files: [],
      ledger: ledger ?? expect.fail('no ledger'),
      commitId,
      timestampMs: Date.now(),
    },
    base,
  );
}
