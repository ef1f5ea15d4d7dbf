import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspect, maintain } from '../../../src/index.ts';
import * as chains from '../../crash/chain.ts';
import { contextOf, World } from '../../faults/load.ts';
import type { HiveWorld } from './world.ts';

/** Whole runs on tables of a Metastore. */
export function hiveRuns(name: string, worldOf: () => HiveWorld): void {
  describe(`runs: ${name}`, () => {
    let world: World;
    let target: string;

    beforeAll(async () => {
      world = await World.open();
      const { server, database } = worldOf();
      const lab = { type: 'hive', uri: server.uri, warehouse: join(world.dir, 'lake') } as const;
      world.always = { catalogs: { lab } };
      target = `iceberg:lab.${database}_runs.orders`;
    });
    afterAll(async () => {
      await world[Symbol.asyncDispose]();
    });

    test('a chain of exports comes to the model', async () => {
      const chain = await chains.smallChain(join(world.dir, 'chain'));
      const first = chain.exports[0]?.exportDir ?? '';
      const refused = await world.sync(first, target);
      expect(refused.error).toMatchObject({ code: 'CATALOG', hint: expect.stringContaining('--create-namespace') });
      chains.expectCountsClose(await world.load(first, target, { createNamespace: true }));
      expect(await chains.expectState(world, target, chain)).toBe(1);
      await world.load(chain.exports[1]?.exportDir ?? '', target, { write: 'merge-on-read' });
      expect(await chains.expectState(world, target, chain)).toBe(2);
      await world.load(chain.dir, target);
      expect(await chains.expectState(world, target, chain)).toBe(chains.EXPORTS);
      await chains.expectDone(world, chain.dir, target);
    });

    test('upkeep and inspect work as on a path', async () => {
      const { database } = worldOf();
      const options = { ...world.options(), expireSnapshotsMs: 0, keepSnapshots: 1 };
      expect(await maintain(target, options, contextOf())).toMatchObject({ outcome: 'committed' });
      const namespace = `${database}_runs`;
      expect(await inspect(`iceberg:lab.${namespace}`, world.options(), contextOf())).toMatchObject({
        kind: 'catalog',
        tables: [{ namespace, name: 'orders', format: 'iceberg' }],
      });
      expect(await inspect(target, world.options(), contextOf())).toMatchObject({ kind: 'table' });
    });

    test('a table at a path is taken in, and goes on in the Metastore', async () => {
      const chain = await chains.smallChain(join(world.dir, 'chain-2'), 2);
      const path = world.target('iceberg', 'before');
      await world.load(chain.exports[0]?.exportDir ?? '', path);
      const taken = `${target}_2`;
      await world.load(chain.dir, taken, { register: path.slice('iceberg:'.length) });
      expect(await chains.expectState(world, taken, chain)).toBe(3);
      await chains.expectDone(world, chain.dir, taken);
    });
  });
}
