import { describe, expect, test } from 'vitest';
import type { Storage } from '../../src/storage/port.ts';
import { type Format, type LoadOptions, World } from '../faults/load.ts';
import * as chains from './chain.ts';
import { enumerateKills } from './enumerate.ts';
import { expectNoStrays, FAST_DISK, mustNotFail } from './full-export.ts';

// A whole chain dies at calls that it makes of the target, before and after the call's effect, and is run again.
// All calls of every case: TAILRACE_EVERY=1 npx vitest run --project crash test/crash/chain.test.ts

const SEED = Number(process.env.TAILRACE_SEED ?? Date.now() % 100_000);

interface Shop {
  readonly world: World;
  readonly chain: chains.ModelChain;
  readonly target: string;
  /** Exports that the wreck held. */
  held: number;
}

const BUCKETS: LoadOptions = { partition: [{ transform: 'bucket', width: 2, column: 'pk' }] };
const CASES: readonly (readonly [name: string, format: Format, options: LoadOptions, every: number])[] = [
  ['auto', 'iceberg', {}, 8],
  ['merge-on-read', 'iceberg', { write: 'merge-on-read' }, 24],
  ['copy-on-write', 'iceberg', { write: 'copy-on-write' }, 24],
  ['partitioned', 'iceberg', BUCKETS, 45],
  ['soft deletes', 'iceberg', { mode: 'soft' }, 30],
  ['a history', 'iceberg', { mode: 'history' }, 30],
  ['Parquet', 'parquet', {}, 20],
  ['Parquet, partitioned', 'parquet', BUCKETS, 60],
  ['Parquet, soft deletes', 'parquet', { mode: 'soft' }, 40],
  ['Parquet, a history', 'parquet', { mode: 'history' }, 40],
];

describe.each(CASES)('%s', (_name, format, more, sampled) => {
  const options = { ...chains.SMALL, ...more };
  const every = Number(process.env.TAILRACE_EVERY ?? sampled);
  const offset = SEED % every;

  test(`faults 8, 9, 22, 49 and 51: killed every ${every} calls from ${offset} on, the table is a state of the model, and a re-run ends in the last one`, async () => {
    const { calls, kills, notReached } = await enumerateKills<Shop>({
      every,
      offset,
      fresh: async () => {
        const world = await World.open(FAST_DISK);
        const chain = await chains.smallChain(`${world.dir}/source`);
        return { world, chain, target: world.target(format), held: 0 };
      },
      run: async (wrap, { world, chain, target }) => {
        const wrapTarget = (storage: Storage, end: string): Storage => (end === 'target' ? wrap(storage) : storage);
        const report = mustNotFail(await world.sync(chain.dir, target, { ...options, wrap: wrapTarget }));
        chains.expectCountsClose(report);
        expect(await world.leftovers()).toEqual([]);
      },
      checkWreck: async (shop) => {
        shop.held = await expectWhole(shop, options);
      },
      check: async (shop) => {
        expect(await expectWhole(shop, options)).toBe(chains.EXPORTS);
        await chains.expectDone(shop.world, shop.chain.dir, shop.target, options);
        await expectNoStrays(shop.world, shop.target);
        // The journals of all loads are gone with them.
        expect((await shop.world.filesOf(shop.target)).filter((path) => path.includes('/.tailrace/'))).toEqual([]);
      },
      dispose: (shop) => shop.world[Symbol.asyncDispose](),
    });
    expect(kills + notReached).toBe(2 * Math.ceil((calls - offset) / every));
    expect(notReached).toBeLessThanOrEqual(2);
  });
});

async function expectWhole({ world, chain, target }: Shop, { mode }: LoadOptions): Promise<number> {
  if (mode === 'history') return chains.expectHistory(world, target, chain);
  const held = await chains.expectState(world, target, chain);
  if (held > 0) await chains.expectKeysOnce(world, target);
  return held;
}
