/** Chains of exports against the model that they came from: the table ends in the model's state, whatever the run did. */
import { describe, expect, test } from 'vitest';
import { type ChainOptions, type TableContent, writeChain } from '../data/chain-model.ts';
import { canonical, World } from '../faults/load.ts';

const items = (state: TableContent | undefined): string[] => canonical([...(state?.values() ?? [])]);

const SMALL: ChainOptions = { seed: 1, keys: 80, windows: 6, writes: 60 };

describe.each(['iceberg'] as const)('%s', (format) => {
  test('a folder with a full export and windows ends in the newest state; a second run changes nothing', async () => {
    await using world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, SMALL);
    const target = world.target(format);
    const report = await world.load(chain.dir, target);
    expect(await world.items(target)).toEqual(items(chain.states.at(-1)));
    const { counts } = report;
    expect(counts.read).toBe(counts.written + counts.deleted + counts.unchanged + counts.filtered + counts.rejected);
    expect((await world.sync(chain.dir, target)).outcome).toBe('unchanged');
    expect(await world.leftovers()).toEqual([]);
  });

  test('window by window, the table is each state in turn', async () => {
    await using world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, { ...SMALL, seed: 2 });
    const target = world.target(format);
    for (const [index, one] of [chain.full, ...chain.windows].entries()) {
      await world.load(one?.exportDir ?? '', target);
      expect(await world.items(target)).toEqual(items(chain.states[index]));
    }
  });
});
