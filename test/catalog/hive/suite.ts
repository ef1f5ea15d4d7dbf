import { afterAll, beforeAll } from 'vitest';
import { catalogContract } from '../../contract/catalog.ts';
import type { HiveServer } from '../../servers/hive.ts';
import { hiveAddresses } from './addresses.ts';
import { hiveDoctor } from './doctor.ts';
import { hiveEntries } from './entries.ts';
import { hiveFaults } from './faults.ts';
import { hiveProcesses } from './processes.ts';
import { hiveRuns } from './runs.ts';
import { hiveShown } from './shown.ts';
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
  const locksEnd = hiveFaults(name, worldOf, known);
  hiveEntries(name, worldOf);
  hiveAddresses(name, worldOf);
  hiveShown(name, worldOf);
  hiveRuns(name, worldOf);
  hiveDoctor(name, worldOf);
  hiveProcesses(name, worldOf);
  locksEnd();
}
