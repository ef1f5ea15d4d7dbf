import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, test } from 'vitest';
import type { SyncReport } from '../../src/model/report.ts';
import type { LiveFile, StagedCommit, TableHandle, TableState } from '../../src/model/table.ts';
import { openTarget } from '../../src/pipeline/ends/open.ts';
import type { Storage } from '../../src/storage/port.ts';
import { canonical, FORMATS, type LoadOptions, World } from '../faults/load.ts';
import { SEED } from '../seed.ts';
import * as chains from './chain.ts';
import { Laboratory, type Script } from './faulty-storage.ts';
import { FAST_DISK } from './full-export.ts';
import { seeded } from './scripts.ts';

// Two runs on one table at once, and other writers between a run's match and its commit.

const SEEDS = Number(process.env.TAILRACE_SEEDS ?? 4);
const root = join(import.meta.dirname, '..', '..');

/** Calls that take a while by chance, so that two runs meet at another place with each seed. */
function delays(seed: number): Script {
  const random = seeded(seed);
  return () => (random() < 0.3 ? { kind: 'delay', ms: Math.floor(random() * 40) } : undefined);
}

/** A run that meets another one either does the work, finds it done, or says that the other was first. */
function expectFair(report: SyncReport): void {
  if (report.outcome === 'failed') expect(report.error).toMatchObject({ code: 'COMMIT_CONFLICT' });
  else expect(['committed', 'unchanged']).toContain(report.outcome);
}

describe.each(FORMATS)('two writers on %s', (format) => {
  test.each(Array.from({ length: SEEDS }, (_, index) => SEED + index))(
    'faults 11, 14 and 28: two runs of one chain at once, seed %i: each window is applied once, and nobody loses',
    async (seed) => {
      await using world = await World.open(FAST_DISK);
      const chain = await chains.smallChain(`${world.dir}/source`);
      const target = world.target(format);
      const options: LoadOptions = { ...chains.SMALL, write: seed % 2 === 0 ? 'auto' : 'merge-on-read' };
      const run = async (number: number): Promise<SyncReport> => {
        const lab = new Laboratory(delays(seed * 10 + number));
        const own = { ...options, tempDir: join(world.dir, `temp-${number}`), rejects: join(world.dir, `r${number}`) };
        return world.sync(chain.dir, target, { ...own, wrap: (storage) => lab.wrap(storage) });
      };
      const reports = await Promise.all([run(1), run(2)]);
      for (const report of reports) expectFair(report);
      expect(await chains.expectState(world, target, chain)).toBeGreaterThan(0);
      const last = await world.sync(chain.dir, target, options);
      expect(last.error).toBeUndefined();
      expect(await chains.expectState(world, target, chain)).toBe(chains.EXPORTS);
      await chains.expectKeysOnce(world, target);
      await chains.expectDone(world, chain.dir, target, options);
    },
  );

  test('fault 28: two processes start the same chain at once', async () => {
    await using world = await World.open();
    const chain = await chains.smallChain(`${world.dir}/source`);
    const target = world.target(format);
    const main = ['--import', 'tsx', join(root, 'src', 'cli', 'main.ts')];
    const words = ['sync', chain.dir, target, '--key', 'pk', '--json', '--temp-dir', world.temp];
    const run = async (): Promise<SyncReport> => {
      const child = spawn(process.execPath, [...main, ...words], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      await new Promise((resolve) => child.once('close', resolve));
      return JSON.parse(text) as SyncReport;
    };
    for (const report of await Promise.all([run(), run()])) expectFair(report);
    await world.sync(chain.dir, target);
    expect(await chains.expectState(world, target, chain)).toBe(chains.EXPORTS);
    await chains.expectDone(world, chain.dir, target);
  });
});

type Foreign = (table: TableHandle, state: TableState) => Promise<Partial<StagedCommit>>;

/** One row in a file of its own, as an INSERT of some columns writes it. */
const append =
  (pk: string): Foreign =>
  async (table, state) => {
    const path = table.dataFilePath(randomUUID(), [], [], 'foreign.parquet');
    const id = state.schema.columns.find(({ name }) => name === 'pk')?.id;
    await mkdir(dirname(path), { recursive: true });
    const connection = await (await DuckDBInstance.create()).connect();
    await connection.run(`COPY (SELECT '${pk}' AS pk) TO '${path}' (FORMAT parquet, FIELD_IDS {pk: ${id}})`);
    connection.closeSync();
    return { operation: 'merge', files: [await fileAt(path, 1)] };
  };

/** Compaction of one file: the same rows under another name. */
const rewrite: Foreign = async (table) => {
  const file = (await table.dataFiles()).find(({ deletes }) => deletes === undefined);
  if (file === undefined) throw new Error('every file has deletes');
  const path = `${file.path.slice(0, -'.parquet'.length)}-compacted.parquet`;
  await copyFile(file.path, path);
  return { operation: 'rewrite', files: [{ ...file, path }], removed: [file.path] };
};

/** A column of the name that the window is about to add, with another type. */
const addColumn: Foreign = async (_table, { schema }) => {
  const { columns, lastFieldId } = schema;
  const [pk] = columns;
  if (pk === undefined) throw new Error('no columns');
  const column = { ...pk, id: lastFieldId + 1, name: 'late', attr: 'late' };
  return { schema: { ...schema, columns: [...columns, column], lastFieldId: lastFieldId + 1 } };
};

/** Another partition spec from now on, as ALTER TABLE … ADD PARTITION FIELD makes it. */
const partitionByBucket: Foreign = async () => ({
  partition: [{ column: 'pk', transform: 'bucket', width: 4, name: 'pk_bucket' }],
});

/** A foreign commit right before the put that would make our own commit of this version visible. */
function meanwhile(target: string, world: World, version: number, foreign: Foreign): NonNullable<LoadOptions['wrap']> {
  let done = false;
  return (storage, end) =>
    end === 'source'
      ? storage
      : new Proxy(storage, {
          get(inner, name) {
            const method: unknown = Reflect.get(inner, name);
            if (typeof method !== 'function') return method;
            if (name !== 'putIf') return method.bind(inner);
            return async (...args: Parameters<Storage['putIf']>) => {
              if (!done && args[0].endsWith(`/v${version}.metadata.json`)) {
                done = true;
                await foreignCommit(world, target, foreign);
              }
              return inner.putIf(...args);
            };
          },
        });
}

/** Files that nothing names: what the lost attempt wrote is gone at once. */
async function orphans(world: World, target: string): Promise<number | undefined> {
  const { table, storage } = await openTarget(target, world.options());
  const swept = await table.upkeep?.sweepOrphans({ olderThanMs: Date.now() + 60_000, dryRun: true });
  await storage.close();
  return swept?.files;
}

async function foreignCommit(world: World, target: string, foreign: Foreign): Promise<void> {
  const { table, storage } = await openTarget(target, world.options());
  try {
    const state = await table.load();
    if (state?.ledger === undefined) throw new Error('no table');
    const { schema, partition, sort, ledger } = state;
    const change = await foreign(table, state);
    const common = { schema, partition, sort, ledger, commitId: randomUUID(), timestampMs: Date.now(), files: [] };
    const outcome = await table.commit({ operation: 'merge', ...common, ...change }, state);
    expect(outcome.kind).toBe('committed');
  } finally {
    await storage.close();
  }
}

async function fileAt(path: string, rows: number): Promise<LiveFile> {
  const { size } = await (await import('node:fs/promises')).stat(path);
  return { path, rows, sizeBytes: size, partition: [], stats: {}, splitOffsets: [4] };
}

describe.each(['merge-on-read', 'copy-on-write'] as const)('between match and commit, %s', (write) => {
  // Version 1 is the full export; 2 to 6 are the windows.
  test.each([2, 3, 4, 5, 6])(
    'fault 14: an append of a foreign key and of a changed one before version %i is matched again, and neither lost nor doubled',
    async (version) => {
      for (const pk of ['foreign', 'b0']) {
        await using world = await World.open(FAST_DISK);
        const chain = await chains.smallChain(`${world.dir}/source`);
        const target = world.target('iceberg');
        const options = { ...chains.SMALL, write };
        const wrap = meanwhile(target, world, version, append(pk));
        const report = await world.load(chain.dir, target, { ...options, wrap });
        chains.expectCountsClose(report);
        const last = [...(chain.states.at(-1)?.values() ?? [])];
        // The key b0 is inserted by the first window, and deleted by the second.
        const stays = pk === 'foreign' || version > 3;
        expect(await world.items(target)).toEqual(canonical(stays ? [...last, { pk: { S: pk } }] : last));
        await chains.expectKeysOnce(world, target);
        await chains.expectDone(world, chain.dir, target, options);
      }
    },
  );

  test.each([2, 3])(
    'fault 14: a compaction before version %i moves rows: they are matched where they are now',
    async (version) => {
      await using world = await World.open(FAST_DISK);
      const chain = await chains.smallChain(`${world.dir}/source`);
      const target = world.target('iceberg');
      const options = { ...chains.SMALL, write };
      await world.load(chain.dir, target, { ...options, wrap: meanwhile(target, world, version, rewrite) });
      expect(await chains.expectState(world, target, chain)).toBe(chains.EXPORTS);
      await chains.expectDone(world, chain.dir, target, options);
      expect(await orphans(world, target)).toBe(0);
    },
  );

  test('fault 14: another writer partitions the table anew: the window is read again, and written so', async () => {
    await using world = await World.open(FAST_DISK);
    const chain = await chains.smallChain(`${world.dir}/source`);
    const target = world.target('iceberg');
    const options = { ...chains.SMALL, write };
    await world.load(chain.dir, target, { ...options, wrap: meanwhile(target, world, 2, partitionByBucket) });
    expect(await chains.expectState(world, target, chain)).toBe(chains.EXPORTS);
    expect((await world.table(target)).state?.partition).toMatchObject([{ transform: 'bucket', width: 4 }]);
    await chains.expectDone(world, chain.dir, target, options);
  });

  test('fault 18: another writer adds the same column with another type: the window is read again, and nothing is lost', async () => {
    await using world = await World.open(FAST_DISK);
    const chain = await chains.smallChain(`${world.dir}/source`);
    const target = world.target('iceberg');
    const options = { ...chains.SMALL, write };
    await world.load(chain.dir, target, { ...options, wrap: meanwhile(target, world, 2, addColumn) });
    expect(await chains.expectState(world, target, chain)).toBe(chains.EXPORTS);
    const late = (await world.table(target)).state?.schema.columns.filter(({ name }) => name === 'late');
    expect(late).toMatchObject([{ tag: 'S' }]);
    expect((await world.filesOf(target)).filter((path) => path.includes('/.tailrace/'))).toEqual([]);
    await chains.expectDone(world, chain.dir, target, options);
  });
});
