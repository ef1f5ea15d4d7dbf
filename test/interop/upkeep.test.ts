/** Readers of other make see the same rows before and after upkeep, and still read the snapshot from before it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { maintain } from '../../src/index.ts';
import { writeChain } from '../data/chain-model.ts';
import { contextOf, folderOf, World } from '../faults/load.ts';
import { type Row, readersOf, readTables } from './readers.ts';

const readers = readersOf('iceberg');

test.skipIf(readers.length === 0)('fault 21: a reader that holds an old snapshot reads on after upkeep', async () => {
  await using world = await World.open();
  const chain = await writeChain(`${world.dir}/source`, { seed: 8, keys: 400, windows: 12, writes: 8 });
  const target = world.target('iceberg');
  await world.load(chain.dir, target, { upkeep: false, write: 'merge-on-read', onDrift: 'rescue' });
  const former = { location: newestMetadata(target), format: 'iceberg' } as const;
  // Spark opens tables by their folder, and so only the newest snapshot.
  const able = readers.filter((reader) => reader !== 'spark');
  const before = await Promise.all(able.map((reader) => readTables(reader, [former])));
  const report = await maintain(target, world.options(), contextOf());
  expect(report).toMatchObject({ outcome: 'committed', rewritten: { filesAfter: 1 } });
  const newest = { location: newestMetadata(target), format: 'iceberg' } as const;
  expect(newest.location).not.toBe(former.location);
  for (const [i, reader] of able.entries()) {
    const rows = sorted(before[i]?.[0] ?? []);
    expect(rows.length).toBe(chain.states.at(-1)?.size);
    const [old, now] = await readTables(reader, [former, newest]);
    expect([reader, sorted(old ?? [])]).toEqual([reader, rows]);
    expect([reader, sorted(now ?? [])]).toEqual([reader, rows]);
  }
});

function newestMetadata(target: string): string {
  const folder = join(folderOf(target), 'metadata');
  const versions = readdirSync(folder).flatMap((name) => /^v(\d+)\.metadata\.json$/.exec(name)?.[1] ?? []);
  return join(folder, `v${Math.max(...versions.map(Number))}.metadata.json`);
}

function sorted(rows: readonly Row[]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}
