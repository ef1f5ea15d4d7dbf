import { describe, expect, test } from 'vitest';
import type { SyncReport } from '../../src/model/report.ts';
import { type Chain, type ChainOptions, writeChain } from '../data/chain-model.ts';
import { canonical, FORMATS, type Format, type LoadOptions, World } from '../faults/load.ts';
import { SEED } from '../seed.ts';
import * as chains from './chain.ts';
import { Laboratory } from './faulty-storage.ts';
import { FAST_DISK } from './full-export.ts';
import { FAULTS, randomFaults, seeded } from './scripts.ts';

// Chains of which every run meets faults drawn by chance. A soak: TAILRACE_SEEDS=500 TAILRACE_SEED=1 npm run soak

const SEEDS = Number(process.env.TAILRACE_SEEDS ?? 12);

/** What a run may end with when its store answers so. */
const EXPECTED = [
  'UNREACHABLE',
  'ACCESS_DENIED',
  'DISK_FULL',
  'COMMIT_UNKNOWN',
  'COMMIT_CONFLICT',
  'DATA_CHECKSUM',
  'DATA_MISSING',
  'MANIFEST_CHECKSUM',
  'MANIFEST_BAD',
  'TARGET_BAD',
  // An export that could not be read is a gap.
  'LEDGER_REFUSED',
];

const WRITES = ['auto', 'merge-on-read', 'copy-on-write'] as const;

/** Everything of one seed: a chain, how it is loaded, and what befalls each run. */
interface Drawn {
  readonly format: Format;
  readonly chain: ChainOptions;
  readonly options: LoadOptions;
  /** How many of the calls meet a fault. */
  readonly rate: number;
}

function drawn(seed: number): Drawn {
  const random = seeded(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  return {
    chain: {
      seed,
      keys: 25,
      windows: 4,
      writes: 12,
      nasty: random() < 0.3,
      view: pick(['NEW_AND_OLD_IMAGES', 'NEW_IMAGE'] as const),
      format: random() < 0.2 ? 'ION' : 'DYNAMODB_JSON',
      noBaseline: random() < 0.2,
    },
    options: {
      threads: 1,
      write: pick(WRITES),
      ...(random() < 0.5 ? { batchBytes: 1 } : {}),
      ...(random() < 0.2 ? { mode: 'soft' as const } : {}),
      ...(random() < 0.2 ? { partition: [{ transform: 'bucket' as const, width: 2, column: 'pk' }] } : {}),
    },
    format: pick([FORMATS[0], ...FORMATS]),
    rate: pick([0.01, 0.03, 0.1]),
  };
}

describe('faults 1, 2, 3, 4, 7, 27, 33 and 35: whatever the store answers, the table is a state of the model, and a quiet run ends in the last one', () => {
  test.each(Array.from({ length: SEEDS }, (_, index) => SEED + index))('seed %i', async (seed) => {
    await using world = await World.open(FAST_DISK);
    const { format, chain: chainOptions, options, rate } = drawn(seed);
    const chain = await writeChain(`${world.dir}/source`, chainOptions);
    const target = world.target(format);
    let held = 0;
    for (let run = 0; run < 8; run += 1) {
      const lab = new Laboratory(randomFaults(seed * 100 + run, rate, FAULTS));
      const report = await world.sync(chain.dir, target, { ...options, wrap: (storage) => lab.wrap(storage) });
      await lab.settle();
      if (!lab.dead) expectExplained(report);
      const now = await expectAState(world, target, chain);
      // The watermark never goes back.
      expect(now).toBeGreaterThanOrEqual(held);
      held = now;
    }
    const last = await world.sync(chain.dir, target, options);
    expect(last.error).toBeUndefined();
    chains.expectCountsClose(last);
    expect(await expectAState(world, target, chain)).toBe(chain.states.length);
    await chains.expectDone(world, chain.dir, target, options);
    expect(await world.leftovers()).toEqual([]);
  });
});

function expectExplained(report: SyncReport): void {
  chains.expectCountsClose(report);
  if (report.outcome !== 'failed') return;
  expect(EXPECTED, JSON.stringify(report.error)).toContain(report.error?.code);
  expect(report.error?.hint).not.toBe('');
}

/** Throws unless the table is one state of the model, whole. Gives how many exports it holds. */
async function expectAState(world: World, target: string, { states }: Chain): Promise<number> {
  const { state, files } = await world.table(target);
  if (state?.ledger === undefined) return 0;
  const held = state.ledger.entries.length;
  expect(await world.items(target)).toEqual(canonical([...(states[held - 1]?.values() ?? [])]));
  await chains.expectFiles(files);
  await chains.expectKeysOnce(world, target);
  return held;
}
