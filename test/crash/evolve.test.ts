/** Columns that are changed on request, by a process that dies at any call, beside other writers, and with lost replies. */
import { randomUUID } from 'node:crypto';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ColumnChange } from '../../src/index.ts';
import type { EvolveReport } from '../../src/model/report.ts';
import { openTarget } from '../../src/pipeline/ends/open.ts';
import type { Storage } from '../../src/storage/port.ts';
import { columnsOf } from '../chain/steps.ts';
import { canonical, FORMATS, type Format, folderOf, type LoadOptions, World } from '../faults/load.ts';
import { SEED } from '../seed.ts';
import * as chains from './chain.ts';
import { enumerateKills } from './enumerate.ts';
import { Laboratory, type Script } from './faulty-storage.ts';
import { expectNoStrays, FAST_DISK } from './full-export.ts';
import { faultsOn, seeded } from './scripts.ts';

// All calls of every case: TAILRACE_EVERY=1 npx vitest run --project crash test/crash/evolve.test.ts

const SEEDS = Number(process.env.TAILRACE_SEEDS ?? 4);
const BUCKETS: LoadOptions = { partition: [{ transform: 'bucket', width: 2, column: 'pk' }] };

interface Case {
  readonly format: Format;
  readonly load?: LoadOptions;
  readonly change: readonly ColumnChange[];
  readonly column: string;
  readonly every: number;
}

const RETYPED: readonly ColumnChange[] = [{ column: 'n', type: 'decimal(20,3)' }];
const SPLIT: readonly ColumnChange[] = [{ column: 'n', split: true }];
const CASES: Record<string, Case> = {
  'another type': { format: 'iceberg', change: RETYPED, column: 'n decimal(20,3)', every: 3 },
  'another type, partitioned': {
    format: 'iceberg',
    load: BUCKETS,
    change: RETYPED,
    column: 'n decimal(20,3)',
    every: 4,
  },
  'a column for each type': { format: 'iceberg', change: SPLIT, column: 'n_s string', every: 3 },
  'in place': {
    format: 'iceberg',
    change: [{ column: 'n', type: 'decimal(38,4)' }],
    column: 'n decimal(38,4)',
    every: 2,
  },
  'another type, Parquet': { format: 'parquet', change: RETYPED, column: 'n decimal(20,3)', every: 3 },
  'a column for each type, partitioned Parquet': {
    format: 'parquet',
    load: BUCKETS,
    change: SPLIT,
    column: 'n_s string',
    every: 4,
  },
};

/** A table behind the whole chain, and a copy of it, so that it need not be loaded for each death. */
class Prepared {
  readonly world: World;
  readonly chain: chains.ModelChain;
  readonly target: string;

  private constructor(world: World, chain: chains.ModelChain, target: string) {
    this.world = world;
    this.chain = chain;
    this.target = target;
  }

  static async open(format: Format, load: LoadOptions = {}): Promise<Prepared> {
    const world = await World.open(FAST_DISK);
    const chain = await chains.smallChain(`${world.dir}/source`);
    const target = world.target(format);
    await world.load(chain.dir, target, { ...chains.SMALL, write: 'merge-on-read', upkeep: false, ...load });
    await cp(folderOf(target), `${folderOf(target)}.copy`, { recursive: true });
    return new Prepared(world, chain, target);
  }

  async restore(): Promise<this> {
    await rm(folderOf(this.target), { recursive: true });
    await cp(`${folderOf(this.target)}.copy`, folderOf(this.target), { recursive: true });
    return this;
  }
}

function mustNotFail(report: EvolveReport): EvolveReport {
  if (report.outcome === 'failed') throw new Error(`the change failed: ${JSON.stringify(report.error)}`);
  return report;
}

const plain = (columns: readonly string[]): string[] => columns.map((column) => column.replace(/ #\d+$/, ''));

describe.each(Object.entries(CASES))('%s', (_name, { format, load, change, column, every: sampled }) => {
  const every = Number(process.env.TAILRACE_EVERY ?? sampled);
  const offset = SEED % every;
  let prepared: Prepared;
  beforeAll(async () => {
    prepared = await Prepared.open(format, load);
  });
  afterAll(() => prepared.world[Symbol.asyncDispose]());

  test(`faults 8, 9 and 22: killed every ${every} calls from ${offset} on, the table has its former columns or the new ones, and a re-run the new ones`, {
    timeout: 600_000,
  }, async () => {
    const former = plain(await columnsOf(prepared.world, prepared.target));
    const { kills, notReached } = await enumerateKills<Prepared>({
      every,
      offset,
      fresh: () => prepared.restore(),
      run: async (wrap, { world, target }) => {
        const wrapTarget = (storage: Storage): Storage => wrap(storage);
        mustNotFail(await world.evolve(target, change, { ...chains.SMALL, wrap: wrapTarget }));
        expect(await world.leftovers()).toEqual([]);
      },
      checkWreck: async ({ world, chain, target }) => {
        expect(await chains.expectState(world, target, chain)).toBe(chains.EXPORTS);
        const now = plain(await columnsOf(world, target));
        if (!now.includes(column)) expect(now).toEqual(former);
      },
      check: async ({ world, chain, target }) => {
        expect(await chains.expectState(world, target, chain)).toBe(chains.EXPORTS);
        expect(plain(await columnsOf(world, target))).toContain(column);
        expect(await world.evolve(target, change)).toMatchObject({ outcome: 'unchanged' });
        await chains.expectDone(world, chain.dir, target, chains.SMALL);
        await expectNoStrays(world, target);
      },
    });
    expect(kills).toBeGreaterThan(0);
    expect(notReached).toBeLessThanOrEqual(2);
  });
});

/** Calls that take a while by chance, so that two runs meet at another place with each seed. */
function delays(seed: number): Script {
  const random = seeded(seed);
  return () => (random() < 0.3 ? { kind: 'delay', ms: Math.floor(random() * 40) } : undefined);
}

/** Does something right before the put that would make a commit visible. */
function meanwhile(key: RegExp, action: () => Promise<void>): NonNullable<LoadOptions['wrap']> {
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
              if (!done && key.test(args[0])) {
                done = true;
                await action();
              }
              return inner.putIf(...args);
            };
          },
        });
}

const COMMIT = /(metadata\.json|_tailrace\.json)$/;

describe.each(FORMATS)('beside other writers, %s', (format) => {
  test.each(Array.from({ length: SEEDS }, (_, index) => SEED + index))(
    'faults 11, 14 and 18: a chain and changes of its columns at once, seed %i: nobody loses anything',
    { timeout: 120_000 },
    async (seed) => {
      await using world = await World.open(FAST_DISK);
      const chain = await chains.smallChain(`${world.dir}/source`);
      const target = world.target(format);
      const options: LoadOptions = { ...chains.SMALL, write: seed % 2 === 0 ? 'auto' : 'merge-on-read' };
      await world.load(chain.exports[0]?.exportDir ?? '', target, options);
      const beside = (number: number) => {
        const lab = new Laboratory(delays(seed * 10 + number));
        const tempDir = join(world.dir, `temp-${number}`);
        return {
          ...options,
          tempDir,
          rejects: join(world.dir, `r${number}`),
          wrap: (storage: Storage) => lab.wrap(storage),
        };
      };
      const changes = async (): Promise<EvolveReport[]> => {
        const reports: EvolveReport[] = [];
        for (const type of ['decimal(20,3)', 'string', 'decimal(30,10)'])
          reports.push(await world.evolve(target, [{ column: 'n', type }], { ...beside(2), allowRescue: true }));
        return reports;
      };
      const [loaded, changed] = await Promise.all([world.sync(chain.dir, target, beside(1)), changes()]);
      for (const { outcome, error } of [loaded, ...changed])
        if (outcome === 'failed') expect(error).toMatchObject({ code: 'COMMIT_CONFLICT' });
      expect(await chains.expectState(world, target, chain)).toBeGreaterThan(0);
      expect((await world.sync(chain.dir, target, options)).error).toBeUndefined();
      mustNotFail(await world.evolve(target, [{ column: 'n', type: 'decimal(30,10)' }]));
      expect(await chains.expectState(world, target, chain)).toBe(chains.EXPORTS);
      expect(plain(await columnsOf(world, target))).toContain('n decimal(30,10)');
      await chains.expectDone(world, chain.dir, target, options);
    },
  );

  test('fault 18: columns that change while a window is under way: the window is read again by the new ones', async () => {
    await using world = await World.open(FAST_DISK);
    const chain = await chains.smallChain(`${world.dir}/source`, 2);
    const [full, first] = chain.exports;
    const target = world.target(format);
    await world.load(full ?? '', target, chains.SMALL);
    const wrap = meanwhile(COMMIT, async () => {
      mustNotFail(await world.evolve(target, [{ column: 'n', type: 'string' }]));
    });
    await world.load(first ?? '', target, { ...chains.SMALL, tempDir: join(world.dir, 'temp-1'), wrap });
    expect(await chains.expectState(world, target, chain)).toBe(2);
    expect(plain(await columnsOf(world, target))).toContain('n string (number)');
    expect((await world.filesOf(target)).filter((path) => path.includes('/.tailrace/'))).toEqual([]);
  });

  test('fault 14: a window that comes while columns change: the change is made again on what is there', async () => {
    await using world = await World.open(FAST_DISK);
    const chain = await chains.smallChain(`${world.dir}/source`, 2);
    const [full, first] = chain.exports;
    const target = world.target(format);
    await world.load(full ?? '', target, chains.SMALL);
    const wrap = meanwhile(COMMIT, async () => void (await world.load(first ?? '', target, chains.SMALL)));
    const change: ColumnChange[] = [{ column: 'n', type: 'decimal(20,3)' }];
    const report = mustNotFail(await world.evolve(target, change, { tempDir: join(world.dir, 'temp-1'), wrap }));
    expect(report.outcome).toBe('committed');
    expect(await chains.expectState(world, target, chain)).toBe(2);
    expect(await world.evolve(target, change)).toMatchObject({ outcome: 'unchanged' });
    // What the first attempt wrote is gone.
    const { files } = await world.table(target);
    const data = (await world.filesOf(target)).filter((path) => /\/e\d+\.parquet$|-e\d+\.parquet$/.test(path));
    expect(data.sort()).toEqual(
      files
        .map(({ path }) => path)
        .filter((path) => data.includes(path))
        .sort(),
    );
  });

  test('a table that is never still is left alone', async () => {
    await using world = await World.open(FAST_DISK);
    const chain = await chains.smallChain(`${world.dir}/source`, 1);
    const target = world.target(format);
    await world.load(chain.exports[0] ?? '', target, chains.SMALL);
    const before = await columnsOf(world, target);
    let writes = 0;
    const wrap: NonNullable<LoadOptions['wrap']> = (storage) =>
      new Proxy(storage, {
        get(inner, name) {
          const method: unknown = Reflect.get(inner, name);
          if (typeof method !== 'function') return method;
          if (name !== 'putIf') return method.bind(inner);
          return async (...args: Parameters<Storage['putIf']>) => {
            if (COMMIT.test(args[0])) {
              writes += 1;
              await touch(world, target);
            }
            return inner.putIf(...args);
          };
        },
      });
    const report = await world.evolve(target, [{ column: 'n', type: 'decimal(20,3)' }], { wrap });
    expect(report).toMatchObject({ outcome: 'failed', error: { code: 'COMMIT_CONFLICT' } });
    expect(writes).toBe(5);
    expect(await columnsOf(world, target)).toEqual(before);
    expect(await chains.expectState(world, target, chain)).toBe(1);
  });

  test('faults 1 and 2: the reply to the commit is lost: read back, or unknown; a re-run settles it', async () => {
    const prepared = await Prepared.open(format);
    const { world, chain, target } = prepared;
    try {
      for (const kind of ['lose reply', 'lose request'] as const) {
        await prepared.restore();
        const lab = new Laboratory(faultsOn({ operation: 'putIf', uri: COMMIT }, { kind }));
        const report = await world.evolve(target, RETYPED, { wrap: (storage) => lab.wrap(storage) });
        if (report.outcome === 'failed') expect(report.error).toMatchObject({ code: 'COMMIT_UNKNOWN' });
        mustNotFail(await world.evolve(target, RETYPED));
        expect(await chains.expectState(world, target, chain)).toBe(chains.EXPORTS);
        expect(plain(await columnsOf(world, target))).toContain('n decimal(20,3)');
      }
    } finally {
      await world[Symbol.asyncDispose]();
    }
  });

  test('fault 23: a Ctrl-C before the commit leaves the table as it was, and nothing beside it', async () => {
    const prepared = await Prepared.open(format);
    const { world, chain, target } = prepared;
    try {
      const before = await world.filesOf(target);
      const stop = new AbortController();
      const wrap: NonNullable<LoadOptions['wrap']> = (storage) =>
        new Proxy(storage, {
          get(inner, name) {
            const method: unknown = Reflect.get(inner, name);
            if (typeof method !== 'function') return method;
            return (...args: unknown[]): unknown => {
              if (name === 'adopt') stop.abort();
              return Reflect.apply(method, inner, args);
            };
          },
        });
      const report = await world.evolve(target, RETYPED, { wrap, signal: stop.signal });
      expect(report).toMatchObject({ outcome: 'failed', error: { code: 'INTERRUPTED' } });
      expect(await world.filesOf(target)).toEqual(before);
      expect(await world.leftovers()).toEqual([]);
      expect(await chains.expectState(world, target, chain)).toBe(chains.EXPORTS);
    } finally {
      await world[Symbol.asyncDispose]();
    }
  });
});

/** A commit of another writer that changes no row. */
async function touch(world: World, target: string): Promise<void> {
  const { table, storage } = await openTarget(target, world.options());
  try {
    const state = await table.load();
    if (state?.ledger === undefined) throw new Error('no table');
    const { schema, partition, sort } = state;
    const commitId = randomUUID();
    const ledger = { ...state.ledger, commitId };
    const staged = {
      operation: 'merge',
      schema,
      partition,
      sort,
      files: [],
      ledger,
      commitId,
      timestampMs: Date.now(),
    } as const;
    expect((await table.commit(staged, state)).kind).toBe('committed');
  } finally {
    await storage.close();
  }
}

test('a rollback to before the change is noticed: older files do not have its columns', async () => {
  const prepared = await Prepared.open('iceberg');
  const { world, chain, target } = prepared;
  try {
    const { state } = await world.table(target);
    mustNotFail(await world.evolve(target, RETYPED));
    expect(await world.items(target)).toEqual(canonical([...(chain.states.at(-1)?.values() ?? [])]));
    await rollBack(world, target, state?.snapshot ?? '');
    for (const run of [await world.sync(chain.dir, target, chains.SMALL), await world.evolve(target, RETYPED)])
      expect(run.error).toMatchObject({
        code: 'TARGET_BAD',
        message: expect.stringContaining('rolled back') as unknown,
      });
  } finally {
    await world[Symbol.asyncDispose]();
  }
});

/** What `rollback_to_snapshot` does to a table of files. */
async function rollBack(world: World, target: string, snapshot: string): Promise<void> {
  const { readFile, writeFile } = await import('node:fs/promises');
  const folder = join(folderOf(target), 'metadata');
  const version = Number(await readFile(join(folder, 'version-hint.text'), 'utf8'));
  const text = await readFile(join(folder, `v${version}.metadata.json`), 'utf8');
  const back = text
    .replace(/"current-snapshot-id":\s*\d+/, `"current-snapshot-id":${snapshot}`)
    .replace(/("main":\s*\{[^}]*"snapshot-id":\s*)\d+/, `$1${snapshot}`);
  expect(back).not.toBe(text);
  await writeFile(join(folder, `v${version + 1}.metadata.json`), back);
  await writeFile(join(folder, 'version-hint.text'), String(version + 1));
  expect((await world.filesOf(target)).some((path) => path.endsWith(`v${version + 1}.metadata.json`))).toBe(true);
}
