import { join } from 'node:path';
import { expect } from 'vitest';
import * as chains from '../crash/chain.ts';
import type { DdbItem } from '../data/ion.ts';
import { canonical, type World } from '../faults/load.ts';
import type { PyIceberg } from './beside.ts';

const numberOf = (value: DdbItem[string] | undefined): number | null =>
  value?.['N'] === undefined ? null : Number(value['N']);

/**
 * A full export and its windows into a table of a catalog, `iceberg:<catalog>.<table>`, which PyIceberg knows as `table`:
 * it reads after each, and appends, compacts and deletes in between.
 */
export async function chainBeside(world: World, py: PyIceberg, catalog: string, table: string): Promise<void> {
  const target = `iceberg:${catalog}.${table}`;
  const chain = await chains.smallChain(join(world.dir, 'chain'));
  const own = new Map<string, number | null>();
  const gone = new Set<string>();
  const source = (index: number): string => chain.exports[index]?.exportDir ?? '';
  const agree = async (index: number): Promise<void> => {
    const model = [...(chain.states[index]?.values() ?? [])].filter(({ pk }) => !gone.has(String(pk?.['S'])));
    const rows = [...model.map(({ pk, n }) => [pk?.['S'], numberOf(n)] as const), ...own];
    const sorted = rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    expect([index, await py.ask({ rows: table, columns: ['pk', 'n'] })]).toEqual([index, sorted]);
    const { state } = await world.table(target);
    expect([index, state?.rows]).toEqual([index, rows.length]);
    const seen = await py.ask<{ readonly snapshot: string }>({ state: table });
    expect(seen.snapshot).toBe(state?.snapshot);
  };

  const refused = await world.sync(source(0), target);
  expect(refused.error).toMatchObject({ code: 'CATALOG', hint: expect.stringContaining('--create-namespace') });
  expect((await world.sync(source(0), target, { dryRun: true })).outcome).toBe('planned');
  chains.expectCountsClose(await world.load(source(0), target, { createNamespace: true }));
  await agree(0);
  expect(await world.items(target)).toEqual(canonical([...(chain.states[0]?.values() ?? [])]));
  expect((await world.sync(source(0), target)).outcome).toBe('unchanged');

  await py.ask({ append: [{ pk: 'p1' }, { pk: 'p2' }], to: table });
  own.set('p1', null).set('p2', null);
  await agree(0);
  for (const index of [1, 2]) {
    await world.load(source(index), target, { write: index === 1 ? 'merge-on-read' : 'copy-on-write' });
    await agree(index);
    // Files that our windows wrote, and position deletes of the first one, are gone behind it.
    await py.ask({ compact: table });
    await agree(index);
  }
  await py.ask({ delete: table, where: "pk == 'a9'" });
  gone.add('a9');
  await world.load(chain.dir, target);
  await agree(chain.exports.length - 1);
  await chains.expectDone(world, chain.dir, target);
}
