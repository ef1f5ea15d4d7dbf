import { describe, expect, test } from 'vitest';
import type { Storage } from '../../src/storage/port.ts';
import { type Format, type LoadOptions, World } from '../faults/load.ts';
import { SEED } from '../seed.ts';
import * as chains from './chain.ts';
import { enumerateKills } from './enumerate.ts';
import { expectNoStrays, FAST_DISK, mustNotFail } from './full-export.ts';

interface Shop {
  readonly world: World;
  readonly chain: chains.ModelChain;
  readonly target: string;
  /** Exports that the wreck held. */
  held: number;
}

/** What is killed: a way to keep a table, and every how manieth call where not all are. */
export type KillCase = readonly [name: string, format: Format, options: LoadOptions, every: number];

export const BUCKETS: LoadOptions = { partition: [{ transform: 'bucket', width: 2, column: 'pk' }] };

/**
 * A whole chain dies at calls that it makes of the target, before and after the call's effect, and is run again.
 * All calls of every case: TAILRACE_EVERY=1 npx vitest run --project crash test/crash/chain-
 */
export function killChains(cases: readonly KillCase[]): void {
  describe.each(cases)('%s', (_name, format, options, sampled) => {
    const every = Number(process.env.TAILRACE_EVERY ?? sampled);
    const offset = SEED % every;

    test(`faults 8, 9, 22, 49 and 51: killed every ${every} calls from ${offset} on, the table is a state of the model, and a re-run ends in the last one`, () =>
      killChain(format, { ...chains.SMALL, ...options }, every, offset));
  });
}

async function killChain(format: Format, options: LoadOptions, every: number, offset: number): Promise<void> {
  const { kills, notReached } = await enumerateKills<Shop>({
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
  expect(kills).toBeGreaterThan(0);
  expect(notReached).toBeLessThanOrEqual(2);
}

async function expectWhole({ world, chain, target }: Shop, { mode }: LoadOptions): Promise<number> {
  if (mode === 'history') return chains.expectHistory(world, target, chain);
  const held = await chains.expectState(world, target, chain);
  if (held > 0) await chains.expectKeysOnce(world, target);
  return held;
}
