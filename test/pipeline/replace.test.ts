import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parsePartition, sync } from '../../src/index.ts';
import type { DdbItem } from '../data/ion.ts';
import type { WrittenExport } from '../data/make-export.ts';
import { type Change, canonicalItems, catItems, exportOf, FORMATS, load, optionsWith, quiet } from './harness.ts';

const FIRST: DdbItem[] = [
  { pk: { S: 'a' }, n: { N: '1' }, gone: { S: 'x' }, at: { S: '2026-03-01T12:00:00Z' }, m: { M: { x: { N: '1' } } } },
  { pk: { S: 'b' }, n: { N: '2' }, at: { S: '2026-03-02T12:00:00Z' } },
];
const SECOND: DdbItem[] = [
  { pk: { S: 'a' }, n: { N: '9.99' }, at: { S: '2026-03-03T12:00:00Z' }, m: { M: { x: { N: '1' }, y: { S: 'y' } } } },
  { pk: { S: 'c' }, N: { S: 'differs by case' }, at: { S: 'soon' } },
];

describe.each(FORMATS)('%s', (format) => {
  let first: WrittenExport;
  let second: WrittenExport;
  let target: string;
  const options = (change: Change = {}) => optionsWith({ partition: parsePartition('day(at)'), ...change });

  beforeAll(async () => {
    first = await exportOf([FIRST]);
    second = await exportOf([SECOND], { exportTime: '2026-03-08T12:00:00.000Z' });
    target = `${format}:${join(first.dir, 'table')}`;
  });

  test('a dry run says what would be read, and writes nothing', async () => {
    const report = await load(first.exportDir, target, options({ dryRun: true }));
    expect(report).toMatchObject({
      outcome: 'planned',
      plan: { items: 2, files: 1, seen: 2 },
      counts: { read: 0, written: 0 },
    });
    expect(report.plan?.bytes).toBe((await readFile(first.dataPaths[0] ?? '')).length);
    await expect(readdir(join(first.dir, 'table'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('the first run commits; the second finds its export in the ledger', async () => {
    const one = await load(first.exportDir, target, options());
    expect(one).toMatchObject({
      outcome: 'committed',
      format,
      key: ['pk'],
      counts: { read: 2, written: 2, rejected: 0, rescued: 0 },
      position: { tableId: first.tableId, watermark: first.exportTime, loads: 1 },
      files: { read: 1, resumed: 0 },
    });
    const two = await load(first.exportDir, target, options());
    expect(two).toMatchObject({ outcome: 'unchanged', counts: { read: 0, written: 0 }, snapshot: one.snapshot });
    expect(two.schema).toEqual(one.schema);
  });

  test('another export of the table is refused, with the way out; another table even with --replace', async () => {
    const refused = await sync(second.exportDir, target, options(), quiet());
    expect(refused).toMatchObject({
      outcome: 'failed',
      error: { code: 'LEDGER_REFUSED', hint: expect.stringContaining('--replace') },
    });
    const other = await exportOf([SECOND], {
      tableId: '00000000-0000-4000-8000-000000000000',
      exportTime: '2026-03-09T12:00:00.000Z',
    });
    const foreign = await sync(other.exportDir, target, options({ replace: true }), quiet());
    expect(foreign).toMatchObject({ outcome: 'failed', error: { code: 'LEDGER_REFUSED' } });
    expect(await catItems(target, options())).toEqual(canonicalItems(FIRST));
  });

  test('--replace swaps all rows and keeps ids and names', async () => {
    const before = (await load(first.exportDir, target, options())).schema;
    const report = await load(second.exportDir, target, options({ replace: true }));
    expect(report).toMatchObject({ outcome: 'committed', counts: { read: 2, written: 2, rejected: 0 } });
    expect(await catItems(target, options())).toEqual(canonicalItems(SECOND));
    const column = (name: string, schema = report.schema) => schema.find((each) => each.name === name);
    for (const name of ['pk', 'at', 'gone', 'at_ts', 'm', '_rescued', '_written_at']) {
      expect(column(name)?.id).toBe(column(name, before)?.id);
    }
    const last = Math.max(...before.map(({ id }) => id));
    expect(column('n')).toMatchObject({ attribute: 'n', type: 'decimal(18,4)' });
    expect(column('n')?.id).toBeGreaterThan(last);
    expect(report.schema.find(({ attribute }) => attribute === 'N')?.name).toMatch(/^N_[0-9a-f]{8}$/);
    expect(column('m')?.type).toBe('struct<x:long,y:string>');
  });
});

test.each(FORMATS)('%s: an export without any item is a table without rows', async (format) => {
  const { exportDir, dir } = await exportOf([[], []]);
  const target = `${format}:${join(dir, 'table')}`;
  const report = await load(exportDir, target, optionsWith({ schema: { key: [] } }));
  expect(report).toMatchObject({ outcome: 'committed', counts: { read: 0, written: 0 } });
  expect(await catItems(target, optionsWith())).toEqual([]);
  // Readers of a folder of Parquet files take the columns from any file, so there must be one.
  const names = format === 'parquet' ? await readdir(report.readPath ?? '') : [];
  expect(names.filter((name) => name.endsWith('.parquet'))).toHaveLength(format === 'parquet' ? 1 : 0);
  expect(await load(exportDir, target, optionsWith({ schema: { key: [] } }))).toMatchObject({ outcome: 'unchanged' });
});

test.each(FORMATS)('%s: a file whose lines are all rejected counts, and leaves no row', async (format) => {
  const { exportDir, dir } = await exportOf([], {
    files: [['{"Item":{"x":{"S":"no key"}}}', 'broken'], ['{"Item":{"pk":{"S":"k"}}}']],
  });
  const target = `${format}:${join(dir, 'table')}`;
  const options = optionsWith({ rejects: join(dir, 'rejects'), batchBytes: 1 });
  const report = await load(exportDir, target, options);
  expect(report.counts).toMatchObject({ read: 3, written: 1, rejected: 2 });
  expect(await catItems(target, options)).toEqual(canonicalItems([{ pk: { S: 'k' } }]));
});
