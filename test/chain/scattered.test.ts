/** Parquet: a run of several windows sends readers on at its end, and what stops it in between loses nothing. */
import { existsSync } from 'node:fs';
import { readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, test } from 'vitest';
import { inspect, maintain } from '../../src/index.ts';
import type { TableInspection } from '../../src/model/report.ts';
import type { Storage } from '../../src/storage/port.ts';
import { decodeManifest, encodeManifest, MANIFEST_NAME, type Manifest } from '../../src/table/parquet/manifest.ts';
import { Laboratory } from '../crash/faulty-storage.ts';
import { expectNoStrays } from '../crash/full-export.ts';
import { killAt } from '../crash/scripts.ts';
import { canonical, contextOf, folderOf, type LoadOptions, World } from '../faults/load.ts';
import { item, Shop, shopItems } from './parquet.ts';

const OPTIONS: LoadOptions = {
  threads: 1,
  upkeep: false,
  partition: [{ transform: 'bucket', width: 12, column: 'pk' }],
};
const DAY = 86_400_000;

/** A table with a full export, and windows that wait. */
async function begin(
  world: World,
): Promise<{ readonly shop: Shop; readonly target: string; readonly first: string[] }> {
  const shop = new Shop(world);
  const target = world.target('parquet');
  await world.load(await shop.full(shopItems(40)), target, OPTIONS);
  const first = canonical(shop.items);
  for (let index = 0; index < 4; index += 1)
    await shop.window({ [`k${index}`]: item(`k${index}`, 50 + index), [`new${index}`]: item(`new${index}`, index) });
  return { shop, target, first };
}

async function manifestOf(target: string): Promise<Manifest> {
  return decodeManifest(await readFile(join(folderOf(target), MANIFEST_NAME)), target);
}

async function looked(world: World, target: string): Promise<TableInspection> {
  const report = await inspect(target, world.options(), contextOf());
  return report.kind === 'table' ? report : expect.fail('no table');
}

/** Rows that a reader of the folder sees, to which inspect sends it. */
async function listed(world: World, target: string): Promise<number> {
  const { readPath } = await looked(world, target);
  const connection = await (await DuckDBInstance.create()).connect();
  const found = await connection.run(`SELECT count(*) FROM read_parquet('${readPath}/**/*.parquet')`);
  const [row] = await found.getRows();
  connection.closeSync();
  return Number(row?.[0]);
}

/** Runs the windows and dies at the nth swap of the manifest. */
async function stoppedAt(world: World, source: string, target: string, swap: number): Promise<void> {
  let swaps = 0;
  const lab = new Laboratory((call) => {
    if (call.operation !== 'putIf' || !call.uri.endsWith(MANIFEST_NAME)) return undefined;
    swaps += 1;
    return swaps === swap ? killAt(call.number, 'before')(call) : undefined;
  });
  const wrap = (storage: Storage, end: string): Storage => (end === 'target' ? lab.wrap(storage) : storage);
  await world.sync(source, target, { ...OPTIONS, wrap });
  expect(lab.dead).toBe(true);
}

test('several windows in one run are carried once, at its end', async () => {
  await using world = await World.open();
  const { shop, target } = await begin(world);
  const lab = new Laboratory();
  const wrap = (storage: Storage, end: string): Storage => (end === 'target' ? lab.wrap(storage) : storage);
  const report = await world.load(shop.dir, target, { ...OPTIONS, wrap });
  expect(report).toMatchObject({ applied: 4, warnings: [] });
  const { published, previous, files } = await manifestOf(target);
  expect(published).toBeUndefined();
  expect(previous.map(({ scattered }) => scattered)).toEqual([true, true, true, true, undefined]);
  expect(lab.calls.filter(({ operation }) => operation === 'copy')).toHaveLength(files.length);
  expect(report.readPath).toBe((await looked(world, target)).readPath);
  expect(await listed(world, target)).toBe(shop.items.length);
  expect(await world.items(target)).toEqual(canonical(shop.items));
  await expectNoStrays(world, target);
});

describe('a run that is stopped', () => {
  test('readers see the state from before, cat the newest, and the next run sends readers on', async () => {
    await using world = await World.open();
    const { shop, target } = await begin(world);
    await stoppedAt(world, shop.dir, target, 4);
    const { state } = await world.table(target);
    expect(state?.ledger?.entries).toHaveLength(4);
    expect((await looked(world, target)).warnings.map(({ code }) => code)).toEqual(['readers-behind']);
    expect(await listed(world, target)).toBe(40);
    expect(await world.items(target)).toHaveLength(43);
    const report = await world.load(shop.dir, target, OPTIONS);
    expect(report.applied).toBe(1);
    expect((await looked(world, target)).warnings).toEqual([]);
    expect(await listed(world, target)).toBe(44);
    expect(await world.items(target)).toEqual(canonical(shop.items));
    await expectNoStrays(world, target);
  });

  test.each(['sync', 'maintain', 'evolve'] as const)('behind its last window: %s sends readers on', async (verb) => {
    await using world = await World.open();
    const { shop, target } = await begin(world);
    await stoppedAt(world, shop.dir, target, 5);
    expect(await listed(world, target)).toBe(40);
    if (verb === 'sync') {
      const report = await world.sync(shop.dir, target, OPTIONS);
      expect([report.outcome, report.readPath]).toEqual(['unchanged', (await looked(world, target)).readPath]);
    } else if (verb === 'maintain') {
      expect(await maintain(target, world.options(), contextOf())).toMatchObject({
        outcome: 'committed',
        warnings: [],
      });
    } else
      expect(await world.evolve(target, [{ column: 'n', type: 'decimal(20,3)' }])).toMatchObject({
        outcome: 'committed',
      });
    expect((await looked(world, target)).warnings).toEqual([]);
    expect(await listed(world, target)).toBe(44);
    expect(await world.items(target)).toEqual(canonical(shop.items));
  });

  test('a sweep leaves the generation that readers are sent to, and files that the newest state has elsewhere', async () => {
    await using world = await World.open();
    const { shop, target } = await begin(world);
    await stoppedAt(world, shop.dir, target, 5);
    // It happened days ago.
    const folder = folderOf(target);
    const manifest = await manifestOf(target);
    const aged = {
      ...manifest,
      committedMs: manifest.committedMs - 3 * DAY,
      previous: manifest.previous.map((one) => ({ ...one, committedMs: one.committedMs - 3 * DAY })),
    };
    await writeFile(join(folder, MANIFEST_NAME), encodeManifest(aged));
    const old = new Date(Date.now() - 3 * DAY);
    for (const path of await world.filesOf(target)) await utimes(path, old, old);
    const sweep = { ...world.options(), sweepOrphansMs: DAY };
    const report = await maintain(target, sweep, contextOf());
    expect(report).toMatchObject({ outcome: 'committed', warnings: [] });
    // Readers were sent on just now: the former generation stays for those that still read it.
    expect(existsSync(join(folder, aged.published ?? ''))).toBe(true);
    expect(await listed(world, target)).toBe(44);
    expect(await world.items(target)).toEqual(canonical(shop.items));
  });
});
