import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parsePartition, parseSort, type SyncReport, sync } from '../../src/index.ts';
import type { DdbItem } from '../data/ion.ts';
import { writeExport } from '../data/make-export.ts';
import { type Change, exportOf, FORMATS, freshFolder, load, optionsWith, quiet } from './harness.ts';

const ITEMS: DdbItem[] = [
  { pk: { S: 'a' }, at: { S: '2026-03-01T12:00:00Z' }, n: { N: '1.5' } },
  { pk: { S: 'b' }, at: { S: '2026-03-02T12:00:00Z' }, l: { L: [{ S: 'x' }] } },
];
const unseen = ({ warnings }: SyncReport): string[] =>
  warnings.filter(({ code }) => code.endsWith('-unseen')).map(({ code, text }) => `${code}: ${text}`);

describe('a plan', () => {
  test.each(FORMATS)('guesses the columns that the load then makes, and leaves nothing behind (%s)', async (format) => {
    for (const kind of ['DYNAMODB_JSON', 'ION'] as const) {
      const { exportDir, dir } = await writeExport(await freshFolder(), {
        format: kind,
        items: ITEMS,
        emptyFirst: true,
      });
      const [target, tempDir] = [`${format}:${join(dir, 'table')}`, join(dir, 'temp')];
      const options: Change = { tempDir, partition: parsePartition('day(at)'), sort: parseSort('n') };
      const planned = await load(exportDir, target, optionsWith({ ...options, dryRun: true }));
      expect(planned).toMatchObject({ outcome: 'planned', key: ['pk'], plan: { items: 2, seen: 2 }, warnings: [] });
      await expect(readdir(join(dir, 'table'))).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await readdir(tempDir)).toEqual([]);
      expect((await load(exportDir, target, optionsWith(options))).schema).toEqual(planned.schema);
    }
  });

  test.each([
    [{ partition: parsePartition('nosuch') }, 'partition, nosuch'],
    [{ sort: parseSort('nosuch desc') }, 'sort, nosuch'],
    [{ sort: parseSort('l') }, 'sort'],
    [{ partition: parsePartition('day(pk)') }, 'partition, day(pk)'],
  ] satisfies [Change, string][])('refuses what the load would refuse: %j', async (change, place) => {
    const { exportDir, dir } = await exportOf([ITEMS]);
    const [planned, loaded] = [
      await sync(exportDir, join(dir, 'table'), optionsWith({ ...change, dryRun: true }), quiet()),
      await sync(exportDir, join(dir, 'table'), optionsWith(change), quiet()),
    ];
    expect(planned).toMatchObject({ outcome: 'failed', error: { code: 'USAGE', place } });
    expect(loaded.error).toEqual(planned.error);
  });

  test('that did not see all items is unsure of what it did not see', async () => {
    const many = Array.from({ length: 12 }, (_, i): DdbItem[] => [{ pk: { S: `${i}` } }]);
    many[1]?.push({ pk: { S: 'z' }, rare: { S: 'x' } });
    const { exportDir, dir } = await exportOf(many);
    const options = optionsWith({ partition: parsePartition('rare'), schema: { key: ['pk'], include: ['rare'] } });
    const report = await load(exportDir, join(dir, 'table'), { ...options, dryRun: true });
    expect(report).toMatchObject({ outcome: 'planned', schema: [], plan: { items: 13, seen: 8 } });
    const text = 'By the items looked at: The partition names “rare”, which is not a column of the table.';
    expect(report.warnings).toEqual([{ code: 'layout-unsure', text }]);
    expect(await load(exportDir, join(dir, 'table'), options)).toMatchObject({ outcome: 'committed', warnings: [] });
  });
});

describe.each([true, false])('names that no item has (dry run: %s)', (dryRun) => {
  test('are told, each with its option; others are not', async () => {
    const { exportDir, dir } = await exportOf([ITEMS]);
    const schema = { key: ['pk'], include: ['pk', 'l', 'nosuch'], exclude: ['n', 'a b', 'x'] };
    const report = await load(exportDir, join(dir, 'table'), optionsWith({ dryRun, schema }));
    expect(unseen(report)).toEqual([
      'include-unseen: --include names an attribute that no item has: nosuch.',
      'exclude-unseen: --exclude names 2 attributes that no item has: "a b", x.',
    ]);
  });

  test('in a schema file are told; a column that takes values, though none was learned of, is not', async () => {
    const late = Array.from({ length: 6_000 }, (_, i): DdbItem => ({ pk: { S: `${i}` } }));
    late.push({ pk: { S: 'last' }, n: { N: '1' }, l: { L: [{ S: 'x' }] } });
    const { exportDir, dir } = await exportOf([late]);
    const file = join(dir, 'schema.yaml');
    await writeFile(file, 'version: 1\ncolumns: {pk: string, n: long, l: list<string>, nosuch: string}\n');
    const report = await load(exportDir, join(dir, 'table'), optionsWith({ dryRun, schemaFile: file }));
    // A plan looks at the first thousand items of a file.
    const names = dryRun ? '3 attributes that no item has: n, l, nosuch.' : 'an attribute that no item has: nosuch.';
    expect(unseen(report)).toEqual([`schema-unseen: The schema file names ${names}`]);
  });

  test('and that the table only keeps are not told again', async () => {
    const { exportDir, dir } = await exportOf([ITEMS]);
    const target = join(dir, 'table');
    await load(exportDir, target, optionsWith({ schema: { key: ['pk'], exclude: ['nosuch'] } }));
    const second = await exportOf([ITEMS], { exportTime: '2026-03-08T12:00:00.000Z' });
    expect(unseen(await load(second.exportDir, target, optionsWith({ dryRun, replace: true })))).toEqual([]);
  });
});

test('a key that no item has is told by a plan, too', async () => {
  const { exportDir, dir } = await exportOf([ITEMS]);
  const options = optionsWith({ dryRun: true, schema: { key: ['id'] } });
  expect(unseen(await load(exportDir, join(dir, 'table'), options))).toEqual([
    'key-unseen: --key names an attribute that no item has: id.',
  ]);
});
