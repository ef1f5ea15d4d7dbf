import { describe, expect, test } from 'vitest';
import { COMMITS, tryTwoProcesses } from '../processes.ts';
import type { HiveWorld } from './world.ts';

/** Two processes that commit at once. */
export function hiveProcesses(name: string, worldOf: () => HiveWorld): void {
  describe(`processes: ${name}`, () => {
    test(`faults 11, 15, 28: two of ${COMMITS} commits each at once: none is lost, none is there twice`, async () => {
      const world = worldOf();
      const name = { namespace: [world.database], table: 'raced' };
      await tryTwoProcesses({ type: 'hive', uri: world.server.uri }, name, await world.table(name.table));
      expect(await world.locks(name.table)).toBe(0);
    });
  });
}
