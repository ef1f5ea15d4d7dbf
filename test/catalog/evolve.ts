import { join } from 'node:path';
import { expect } from 'vitest';
import type { ColumnChange } from '../../src/index.ts';
import { columnsOf } from '../chain/steps.ts';
import * as chains from '../crash/chain.ts';
import { canonical, type LoadOptions, type World } from '../faults/load.ts';

const CHANGES: readonly (readonly [change: ColumnChange, column: string])[] = [
  [{ column: 'n', type: 'decimal(20,3)' }, 'n decimal(20,3)'],
  [{ column: 'n', type: 'decimal(38,3)' }, 'n decimal(38,3)'],
  [{ column: 'text', type: 'json' }, 'text string (json)'],
  [{ column: 'n', type: 'decimal(38,5)' }, 'n decimal(38,5)'],
  // The last window brings a text.
  [{ column: 'n', split: true }, 'n_s string'],
];

/**
 * A table of exports whose columns are changed on request between its windows: each change is in the table, each item is
 * as it was, and the same change again is none.
 */
export async function evolveBetween(
  world: World,
  source: string,
  target: string,
  options: LoadOptions = {},
  exportAt: (chain: chains.ModelChain, index: number) => string = ({ exports }, index) =>
    exports[index]?.exportDir ?? '',
): Promise<void> {
  const chain = await chains.smallChain(join(world.dir, source));
  const agree = async (index: number): Promise<void> => {
    expect(await world.items(target, options)).toEqual(canonical([...(chain.states[index]?.values() ?? [])]));
  };
  for (let index = 0; index < chain.exports.length; index += 1) {
    await world.load(exportAt(chain, index), target, { ...options, write: 'merge-on-read', createNamespace: true });
    await agree(index);
    const [change, column] = CHANGES[index - 1] ?? [];
    if (change === undefined || column === undefined) continue;
    const planned = await world.evolve(target, [change], { ...options, dryRun: true });
    expect(planned).toMatchObject({ outcome: 'planned' });
    const report = await world.evolve(target, [change], options);
    expect(report.error).toBeUndefined();
    expect(report).toMatchObject({ outcome: 'committed', warnings: [] });
    expect(planned.columns).toEqual(report.columns);
    const columns = (await columnsOf(world, target)).map((each) => each.replace(/ #\d+$/, ''));
    expect(columns).toContain(column);
    await agree(index);
    expect(await world.evolve(target, [change], options)).toMatchObject({ outcome: 'unchanged' });
  }
  expect(await world.leftovers()).toEqual([]);
}
