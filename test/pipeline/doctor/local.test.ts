import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { doctor } from '../../../src/index.ts';
import type { DoctorReport } from '../../../src/model/doctor.ts';
import { writeExport } from '../../data/make-export.ts';
import { writeWindow } from '../../data/make-window.ts';
import { contextOf, FORMATS, type LoadOptions, World } from '../../faults/load.ts';

let world: World;
beforeEach(async () => {
  world = await World.open();
});
afterEach(() => world[Symbol.asyncDispose]());

const items = [{ pk: { S: 'a' } }];
const examined = (source: string, target: string, options: LoadOptions = {}): Promise<DoctorReport> =>
  doctor(source, target, world.options(options), contextOf());

test.each(FORMATS)('%s: ready before and behind a load, and the disk is as it was', async (format) => {
  const { exportDir } = await world.export({ items });
  const target = `${format}:${world.dir}/lake/shop/orders`;
  const first = await examined(exportDir, target);
  expect(first).toMatchObject({ outcome: 'ready', left: [] });
  expect(first.checks.at(-1)).toMatchObject({ what: 'plan the run', found: '1 export to apply: 1 items in 2 files' });
  expect(existsSync(join(world.dir, 'lake'))).toBe(false);
  await world.load(exportDir, target);
  const before = await world.filesOf(target);
  const again = await examined(exportDir, target);
  expect(again).toMatchObject({ outcome: 'ready' });
  expect(again.checks.at(-1)).toMatchObject({ found: 'the table holds all of it already' });
  expect(await world.filesOf(target)).toEqual(before);
});

test('what the ledger and the options would refuse is told', async () => {
  const { exportDir } = await world.export({ items });
  const target = world.target('iceberg');
  await world.load(exportDir, target);
  const other = await writeExport(join(world.dir, 'other'), { items, tableName: 'Other', tableId: 'another-id' });
  expect(await examined(other.exportDir, target)).toMatchObject({
    outcome: 'failed',
    error: { code: 'LEDGER_REFUSED' },
  });
  const unknown = await examined(exportDir, world.target('iceberg', 'new'), {
    partition: [{ transform: 'identity', column: 'no_such_column' }],
  });
  expect(unknown.checks.at(-1)).toMatchObject({ end: 'run', state: 'failed' });
  expect(await examined(exportDir, 'iceberg:nope.shop.orders')).toMatchObject({ error: { code: 'USAGE' } });
  expect(await examined('dynamo', target)).toMatchObject({ error: { code: 'SOURCE_NOT_FOUND' } });
});

test('a gap in the chain', async () => {
  await writeExport(join(world.dir, 'chain'), { items, exportTime: '2026-03-01T12:00:00.000Z' });
  await writeWindow(join(world.dir, 'chain'), { from: '2026-03-01T13:00:00Z', to: '2026-03-01T14:00:00Z' });
  const report = await examined(join(world.dir, 'chain'), world.target('iceberg'));
  expect(report.checks.filter(({ end }) => end === 'source').every(({ state }) => state === 'passed')).toBe(true);
  expect(report.checks.at(-1)?.end).toBe('run');
});

test('data that is missing, and a target that is a file', async () => {
  const written = await world.export({ items, filesCount: 1 });
  await writeFile(join(world.dir, 'file'), 'x');
  const blocked = await examined(written.exportDir, `iceberg:${world.dir}/file/table`);
  expect(blocked).toMatchObject({ outcome: 'failed', error: { code: 'ACCESS_DENIED' } });
  for (const path of written.dataPaths) await rm(path);
  const missing = await examined(written.exportDir, world.target('iceberg'));
  expect(missing).toMatchObject({ outcome: 'failed', error: { code: 'DATA_MISSING' } });
  expect(missing.checks.at(-1)).toMatchObject({ what: 'plan the run', state: 'untried' });
});

test('a temporary folder that cannot be made, and a table to register that is not there', async () => {
  const { exportDir } = await world.export({ items });
  await writeFile(join(world.dir, 'file'), 'x');
  const blocked = await examined(exportDir, world.target('iceberg'), { tempDir: join(world.dir, 'file', 'temp') });
  expect(blocked.checks.filter(({ state }) => state === 'failed')).toMatchObject([
    { end: 'run', what: 'make a temporary folder', error: { code: 'ACCESS_DENIED' } },
  ]);
  const catalogs = { lab: { type: 'hive' as const, uri: 'thrift://127.0.0.1:9' } };
  const missing = await examined(exportDir, 'iceberg:lab.shop.orders', { catalogs, register: join(world.dir, 'none') });
  expect(missing.checks.find(({ end, state }) => end === 'target' && state === 'failed')).toMatchObject({
    what: 'find the table to register',
    error: { code: 'TARGET_NOT_FOUND' },
  });
});

test('an interrupted look says so', async () => {
  const { exportDir } = await world.export({ items });
  await mkdir(join(world.dir, 'empty'));
  const stopped = doctor(exportDir, join(world.dir, 'empty'), world.options(), contextOf(AbortSignal.abort()));
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  expect(await readdir(join(world.dir, 'empty'))).toEqual([]);
});
