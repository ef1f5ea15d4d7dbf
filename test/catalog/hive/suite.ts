import { afterAll, beforeAll } from 'vitest';
import { catalogContract } from '../../contract/catalog.ts';
import type { HiveServer } from '../../servers/hive.ts';
import { hiveFaults } from './faults.ts';
import { HiveWorld } from './world.ts';

/** All that is tried on a Metastore, with one server for all. */
export function hiveSuite(name: string, start: () => Promise<HiveServer>, known: { readonly compares: boolean }): void {
  let world: HiveWorld | undefined;
  const worldOf = (): HiveWorld => {
    if (world === undefined) throw new Error('the server is not there');
    return world;
  };

  beforeAll(async () => {
    world = await HiveWorld.start(await start());
  });
  afterAll(async () => {
    await world?.stop();
  });

  catalogContract(name, async () => ({
    open: (table) => worldOf().table(table),
    drop: (table) => worldOf().drop(table),
  }));
  hiveFaults(name, worldOf, known);
}
