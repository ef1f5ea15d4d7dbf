import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DataFile } from '../../../src/model/table.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { Storage } from '../../../src/storage/port.ts';
import { openIcebergTable } from '../../../src/table/iceberg/open.ts';
import { faulty } from './faulty.ts';
import { transformed } from './transforms.ts';

const GOLDEN = join(import.meta.dirname, '..', '..', 'golden', 'iceberg');

/** A golden table's files in memory; the paths inside it are those of the machine that wrote it. */
async function golden(name: string): Promise<Storage> {
  const storage = memoryStorage();
  for (const file of readdirSync(join(GOLDEN, name))) {
    const key = file === 'metadata.golden.json' ? 'v1.metadata.json' : file;
    await storage.put(`t/metadata/${key}`, readFileSync(join(GOLDEN, name, file)));
  }
  return faulty(storage, { key: (uri) => `t/metadata/${uri.split('/').at(-1) ?? ''}` });
}

const partitions = (files: readonly DataFile[]): readonly unknown[] =>
  files.map((file) => file.partition).sort((a, b) => (String(a) < String(b) ? -1 : 1));

const bucket = (id: number): unknown =>
  transformed({ column: 'id', name: 'id', transform: 'bucket', width: 4 }, 'long', String(id));

describe('tables that other writers wrote', () => {
  test('Spark: deflated manifests, one of them rewritten by a delete', async () => {
    const table = openIcebergTable(await golden('spark'), 't');
    const state = await table.load();
    expect(state).toMatchObject({
      ledger: undefined,
      rows: 3,
      partition: [
        { column: 'region', transform: 'identity', name: 'region' },
        { column: 'ts', transform: 'day', name: 'ts_day' },
        { column: 'id', transform: 'bucket', width: 4, name: 'id_bucket' },
        { column: 'amount', transform: 'truncate', width: 100, name: 'amount_trunc' },
      ],
    });
    expect(state?.schema.columns.map((column) => [column.name, column.type.kind, column.tag])).toEqual([
      ['id', 'long', 'N'],
      ['region', 'string', 'S'],
      ['ts', 'timestamp', 'S'],
      ['amount', 'decimal', 'N'],
      ['s', 'struct', 'M'],
      ['l', 'list', 'L'],
    ]);
    const files = await table.dataFiles();
    expect(partitions(files)).toEqual([
      [null, 19727, bucket(3), null],
      ['a/b=é', 19727, bucket(2), '-1.00'],
      ['us', 19782, bucket(4), '99999.00'],
    ]);
    const hostile = files.find((file) => file.partition[0] === 'a/b=é');
    expect(hostile).toMatchObject({ rows: 1, sizeBytes: expect.any(Number) });
    expect(hostile?.stats[3]).toMatchObject({
      valueCount: 1,
      nullCount: 0,
      min: '2024-01-05 10:11:12.123456+00',
      max: '2024-01-05 10:11:12.123456+00',
    });
    expect(hostile?.stats[4]).toMatchObject({ min: '-0.01', max: '-0.01' });
    expect(hostile?.splitOffsets).toEqual([4]);
  });

  test('PyIceberg: uncompressed manifests', async () => {
    const table = openIcebergTable(await golden('pyiceberg'), 't');
    expect((await table.load())?.rows).toBe(3);
    const files = await table.dataFiles();
    expect(partitions(files)).toEqual([
      [null, null],
      ['a/b=é', '-0.01'],
      ['us', '1.50'],
    ]);
    expect(files.map((file) => file.stats[1]?.min).sort()).toEqual(['2', '3', '4']);
  });
});
