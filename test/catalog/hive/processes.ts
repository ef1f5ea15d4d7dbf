import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import type { HiveWorld } from './world.ts';

const COMMITS = 50;
const WRITER = ['--import', 'tsx', join(import.meta.dirname, 'writer.ts')];

/** Two processes that commit at once. */
export function hiveProcesses(name: string, worldOf: () => HiveWorld): void {
  describe(`processes: ${name}`, () => {
    test(`faults 11, 15, 28: two of ${COMMITS} commits each at once: none is lost, none is there twice`, async () => {
      const world = worldOf();
      const table = 'raced';
      await world.append(table, 'first');
      const write = async (writer: string): Promise<Record<string, number>> => {
        const words = [...WRITER, world.server.uri, world.database, table, writer, String(COMMITS)];
        const { stdout } = await promisify(execFile)(process.execPath, words);
        return JSON.parse(stdout) as Record<string, number>;
      };
      const outcomes = await Promise.all([write('a'), write('b')]);
      for (const { committed, unknown } of outcomes) expect({ committed, unknown }).toEqual({ committed: COMMITS });
      const files = await world.files(table);
      expect(files.length).toBe(2 * COMMITS + 1);
      expect(new Set(files).size).toBe(files.length);
      expect((await icebergTable(await world.table(table)).load())?.rows).toBe(3 * files.length);
      expect(await world.locks(table)).toBe(0);
    });
  });
}
