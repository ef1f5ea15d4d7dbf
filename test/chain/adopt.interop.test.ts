import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { DdbItem } from '../data/ion.ts';
import { type WindowChange, writeWindow } from '../data/make-window.ts';
import { canonical, World } from '../faults/load.ts';
import { python } from '../toolchain/tools.ts';

const FROM = '2026-03-01T12:00:00Z';
const TO = '2026-03-01T12:15:00Z';
const options = { adopt: true, fromTime: FROM } as const;

const item = (key: string, qty: string, more: DdbItem = {}): DdbItem => ({
  pk: { S: key },
  name: { S: `name of ${key}` },
  qty: { N: qty },
  ...more,
});
const at = (second: number): bigint => BigInt(Date.parse(FROM) + second * 1000) * 1000n;

const BEFORE = [item('a', '1'), item('b', '2.5'), item('c', '3')];
const CHANGES: readonly WindowChange[] = [
  { at: at(1), keys: { pk: { S: 'a' } }, new: item('a', '10', { tags: { SS: ['x'] } }) },
  { at: at(2), keys: { pk: { S: 'b' } } },
  { at: at(3), keys: { pk: { S: 'd' } }, new: item('d', '12345678901234567890123456789.5') },
];
const AFTER: readonly DdbItem[] = [CHANGES[0]?.new ?? {}, CHANGES[2]?.new ?? {}, BEFORE[2] ?? {}];

async function foreignTable(world: World, items: readonly DdbItem[]): Promise<string> {
  const folder = join(world.dir, 'table-iceberg');
  const file = join(world.dir, 'items.json');
  await writeFile(file, JSON.stringify(items));
  await promisify(execFile)(python ?? '', [join(import.meta.dirname, 'foreign_table.py'), folder, file]);
  return world.target('iceberg');
}

test('where no table is, there is nothing to take over: none is made', async () => {
  await using world = await World.open();
  const window = await writeWindow(join(world.dir, 'source'), { changes: CHANGES, from: FROM, to: TO });
  const target = world.target('iceberg');
  const report = await world.sync(window, target, options);
  expect(report.error).toMatchObject({ code: 'TARGET_NOT_FOUND', place: expect.stringContaining(world.dir) });
  expect(await world.filesOf(target)).toEqual([]);
});

describe.skipIf(python === undefined)('a table that another tool made', () => {
  test('is refused; adopted, it takes windows from its time on, exactly', async () => {
    await using world = await World.open();
    const target = await foreignTable(world, BEFORE);
    const window = await writeWindow(join(world.dir, 'source'), { changes: CHANGES, from: FROM, to: TO });
    expect(await world.sync(window, target)).toMatchObject({ error: { code: 'LEDGER_REFUSED' } });
    expect(await world.sync(window, target, { adopt: true })).toMatchObject({ error: { code: 'USAGE' } });
    const report = await world.load(window, target, options);
    expect(report.counts).toMatchObject({ read: 3, written: 2, deleted: 1 });
    expect(await world.items(target)).toEqual(canonical(AFTER));
    expect(report.position).toMatchObject({ watermark: TO, loads: 1 });
    // From here on the table is like any other.
    expect((await world.sync(window, target)).outcome).toBe('unchanged');
    const next = { changes: [{ at: at(901), keys: { pk: { S: 'c' } } }], from: TO, to: '2026-03-01T12:30:00Z' };
    await world.load(await writeWindow(join(world.dir, 'next'), next), target);
    expect(await world.items(target)).toEqual(canonical(AFTER.slice(0, 2)));
  });

  test('its schema file says what its columns hold, and nothing of what windows bring, in any number of runs', async () => {
    await using world = await World.open();
    const target = await foreignTable(world, BEFORE);
    const dir = join(world.dir, 'source');
    const schemaFile = join(world.dir, 'flat.json');
    await writeFile(schemaFile, JSON.stringify({ pk: 'S', name: 'S', qty: 'N' }));
    const window = (second: number, key: string, more: DdbItem): Promise<unknown> =>
      writeWindow(dir, {
        changes: [{ at: at(second), keys: { pk: { S: key } }, new: item(key, '5', more) }],
        from: new Date(Number(at(second)) / 1000).toISOString(),
        to: new Date(Number(at(second + 900)) / 1000).toISOString(),
      });
    await window(0, 'a', { first: { S: 'x' } });
    await window(900, 'b', { second: { S: 'x' } });
    const adopting = { ...options, schemaFile, key: ['pk'] };
    expect(await world.load(dir, target, adopting)).toMatchObject({ applied: 2, warnings: [] });
    await window(1800, 'c', { third: { S: 'x' } });
    expect(await world.load(dir, target, adopting)).toMatchObject({ applied: 1, warnings: [] });
    const names = (await world.table(target)).state?.schema.columns.map(({ name }) => name);
    expect(names).toEqual(['pk', 'first', 'name', 'qty', 'second', 'third']);
  });

  test('is refused where a window is missing behind its time, where a text column holds something else, or without a column for the key', async () => {
    await using world = await World.open();
    const target = await foreignTable(world, BEFORE);
    const dir = join(world.dir, 'source');
    const late = await writeWindow(dir, { changes: CHANGES, from: TO, to: '2026-03-01T12:30:00Z' });
    expect(await world.sync(late, target, options)).toMatchObject({ error: { code: 'LEDGER_REFUSED' } });
    const window = await writeWindow(dir, { changes: CHANGES, from: FROM, to: TO });
    expect(await world.sync(window, target, { ...options, key: ['id'] })).toMatchObject({
      error: { code: 'LEDGER_REFUSED', expected: 'a column for the key attribute “id”' },
    });
    const schemaFile = join(world.dir, 'flat.json');
    await writeFile(schemaFile, JSON.stringify({ pk: 'S', name: 'L', qty: 'N' }));
    expect(await world.sync(window, target, { ...options, schemaFile })).toMatchObject({
      error: { code: 'LEDGER_REFUSED', found: 'text of other types in name (L)' },
    });
  });
});
