/** Upkeep that dies at any call, by request and within a sync: it may leave work undone, but never a table that is less. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newestVersion } from '../../src/catalog/files/version.ts';
import type { MaintainReport } from '../../src/model/maintain-report.ts';
import { type MaintainOptions, maintain } from '../../src/pipeline/upkeep/maintain.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import type { Storage } from '../../src/storage/port.ts';
import { contextOf, type Format, folderOf, type LoadOptions } from '../faults/load.ts';
import { SEED } from '../seed.ts';
import { enumerateKills } from './enumerate.ts';
import { Laboratory } from './faulty-storage.ts';
import { mustNotFail } from './full-export.ts';
import { HOUR_MS, Neglected } from './neglected.ts';
import { FAULTS, randomFaults } from './scripts.ts';

// All calls of every case: TAILRACE_EVERY=1 npx vitest run --project crash test/crash/maintain.test.ts

const SEEDS = Number(process.env.TAILRACE_SEEDS ?? 4);
const BUCKETS: LoadOptions = { partition: [{ transform: 'bucket', width: 2, column: 'pk' }] };
const CASES: readonly (readonly [name: string, format: Format, options: LoadOptions, every: number])[] = [
  ['Iceberg', 'iceberg', {}, 25],
  ['Iceberg, partitioned', 'iceberg', BUCKETS, 40],
  ['Parquet', 'parquet', {}, 25],
  ['Parquet, partitioned', 'parquet', BUCKETS, 40],
];

/** Everything that maintain can do. */
function everything(format: Format): Partial<MaintainOptions> {
  const expiry = { expireSnapshotsMs: 0, keepSnapshots: 2 };
  return { ...(format === 'iceberg' ? expiry : {}), sweepOrphansMs: HOUR_MS };
}

function looksAfter(
  { world, target, format, options }: Neglected,
  wrap: (storage: Storage) => Storage,
): Promise<MaintainReport> {
  const given = { ...world.options(options), ...everything(format) };
  return maintain(target, given, contextOf(), (storage) => wrap(storage));
}

/** Everything was done, and nothing is left to do. */
async function expectDone(table: Neglected): Promise<void> {
  expect(await table.expectWhole()).toBe(table.chain.windows.length);
  table.expectSwept();
  const { world, target, format, chain, options } = table;
  const again = await looksAfter(table, (storage) => storage);
  expect(again).toMatchObject({ outcome: 'unchanged', warnings: [], rewritten: { filesBefore: 0 } });
  expect((await world.sync(chain.dir, target, options)).outcome).toBe('unchanged');
  expect(await world.leftovers()).toEqual([]);
  if (format === 'parquet') return;
  const { metadata } = (await newestVersion(localStorage(folderOf(target)), '')) ?? expect.fail('no table');
  // Two of main, the tag's, and three of the other branch.
  expect(metadata.snapshots).toHaveLength(6);
}

describe.each(CASES)('%s', (_name, format, load, sampled) => {
  const sampling = (times: number): { readonly every: number; readonly offset: number } => {
    const every = Number(process.env.TAILRACE_EVERY ?? sampled * times);
    return { every, offset: SEED % every };
  };

  describe('by request', () => {
    const { every, offset } = sampling(1);
    let table: Neglected;
    beforeAll(async () => {
      table = await Neglected.open(format, load);
    });
    afterAll(() => table[Symbol.asyncDispose]());

    test('does all that it can do, once', async () => {
      const lab = new Laboratory();
      const report = await looksAfter(await table.restore(), (storage) => lab.wrap(storage));
      expect(report).toMatchObject({ outcome: 'committed', warnings: [] });
      expect(report.rewritten.filesBefore).toBeGreaterThan(8);
      expect(report.swept?.files).toBeGreaterThan(1);
      if (format === 'iceberg') {
        expect(report.expired?.snapshots).toBeGreaterThan(10);
        expect(report.retired.files).toBeGreaterThan(0);
      }
      await expectDone(table);
    });

    test(`faults 7, 8, 21 and 22: killed every ${every} calls from ${offset} on, no row, file or snapshot is lost, and a re-run ends well`, async () => {
      const { kills, notReached } = await enumerateKills<Neglected>({
        every,
        offset,
        fresh: () => table.restore(),
        run: async (wrap, state) => {
          const report = await looksAfter(state, wrap);
          if (report.outcome === 'failed') throw new Error(JSON.stringify(report.error));
          expect(report.warnings).toEqual([]);
        },
        checkWreck: async (state) => {
          expect(await state.expectWhole()).toBe(state.chain.windows.length);
        },
        check: expectDone,
      });
      expect(kills).toBeGreaterThan(0);
      expect(notReached).toBeLessThanOrEqual(2);
    });
  });

  describe('within a sync', () => {
    // A window carries each file of a Parquet table: hundreds of calls more.
    const { every, offset } = sampling(format === 'parquet' ? 5 : 2);
    let table: Neglected;
    beforeAll(async () => {
      table = await Neglected.open(format, load, 2);
    });
    afterAll(() => table[Symbol.asyncDispose]());

    test(`faults 7, 8, 21 and 22: killed every ${every} calls from ${offset} on, the table is a state of the model, and a re-run ends in the last one`, async () => {
      const { kills, notReached } = await enumerateKills<Neglected>({
        every,
        offset,
        fresh: () => table.restore(),
        run: async (wrap, { world, chain, target, options }) => {
          const wrapTarget = (storage: Storage, end: string): Storage => (end === 'target' ? wrap(storage) : storage);
          const report = mustNotFail(await world.sync(chain.dir, target, { ...options, wrap: wrapTarget }));
          expect(report.warnings.filter(({ code }) => code !== 'unmapped')).toEqual([]);
        },
        checkWreck: async (state) => {
          expect(await state.expectWhole()).toBeGreaterThanOrEqual(state.chain.windows.length - 2);
        },
        check: async (state) => {
          expect(await state.expectWhole()).toBe(state.chain.windows.length);
          const { world, chain, target, options } = state;
          expect((await world.sync(chain.dir, target, options)).outcome).toBe('unchanged');
          expect(await world.leftovers()).toEqual([]);
        },
      });
      expect(kills).toBeGreaterThan(0);
      expect(notReached).toBeLessThanOrEqual(2);
    });
  });
});

/** What a run may end with when its store answers so. */
const EXPECTED = ['UNREACHABLE', 'ACCESS_DENIED', 'DISK_FULL', 'COMMIT_UNKNOWN', 'DATA_MISSING', 'TARGET_BAD'];

describe.each(CASES)('whatever the store answers, %s', (_name, format, load) => {
  let table: Neglected;
  beforeAll(async () => {
    table = await Neglected.open(format, load);
  });
  afterAll(() => table[Symbol.asyncDispose]());

  test.each(Array.from({ length: SEEDS }, (_, index) => SEED + index))(
    'faults 1, 2, 3, 4, 7 and 33: no row, file or snapshot is lost, and a quiet run ends well, seed %i',
    async (seed) => {
      await table.restore();
      for (let run = 0; run < 4; run += 1) {
        const lab = new Laboratory(randomFaults(seed * 100 + run, [0.005, 0.02, 0.1][seed % 3] ?? 0.02, FAULTS));
        const report = await looksAfter(table, (storage) => lab.wrap(storage));
        await lab.settle();
        if (!lab.dead && report.outcome === 'failed') {
          expect(EXPECTED, JSON.stringify(report.error)).toContain(report.error?.code);
          expect(report.error?.hint).not.toBe('');
        }
        expect(await table.expectWhole()).toBe(table.chain.windows.length);
      }
      const quiet = await looksAfter(table, (storage) => storage);
      expect(quiet.error).toBeUndefined();
      await expectDone(table);
    },
  );
});
