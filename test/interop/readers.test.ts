import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TableSchema } from '../../src/model/schema.ts';
import type { DdbItem } from '../data/ion.ts';
import { compareRows } from './agree.ts';
import { plainNumber } from './canonical.ts';
import { type Row, readersOf, readTables } from './readers.ts';

// The yardstick itself, tried on a Parquet file that DuckDB alone wrote.

const schema: TableSchema = {
  columns: [
    { id: 1, name: 'pk', attr: 'pk', tag: 'S', type: { kind: 'string' } },
    { id: 2, name: 'n', attr: 'n', tag: 'N', type: { kind: 'long' } },
    { id: 3, name: 'd', attr: 'd', tag: 'N', type: { kind: 'decimal', precision: 38, scale: 9 } },
    { id: 4, name: 'b', attr: 'b', tag: 'B', type: { kind: 'binary' } },
    { id: 5, name: 'at', attr: 'at', tag: 'S', type: { kind: 'timestamp', format: 'iso' } },
    {
      id: 6,
      name: 'l',
      attr: 'l',
      tag: 'SS',
      type: { kind: 'list', element: { id: 7, tag: 'S', type: { kind: 'string' } } },
    },
    {
      id: 8,
      name: 'm',
      attr: 'm',
      tag: 'M',
      type: { kind: 'map', keyId: 9, value: { id: 10, tag: 'N', type: { kind: 'long' } } },
    },
    {
      id: 11,
      name: 's',
      attr: 's',
      tag: 'M',
      type: {
        kind: 'struct',
        fields: [
          { id: 12, name: 'x', attr: 'x', tag: 'N', type: { kind: 'long' } },
          { id: 13, name: 'y', attr: 'y', tag: 'BOOL', type: { kind: 'boolean' } },
        ],
      },
    },
  ],
  derived: [],
  system: [
    { id: 14, name: '_rescued' },
    { id: 15, name: '_written_at' },
  ],
  keys: ['pk'],
  lastFieldId: 15,
};

const items: readonly DdbItem[] = [
  {
    pk: { S: 'a' },
    n: { N: '9007199254740993' },
    d: { N: '-12345678901234567890.5' },
    b: { B: 'AAEC/w==' },
    at: { S: '2026-03-01T12:00:00Z' },
    l: { SS: ['y', 'x'] },
    m: { M: { k: { N: '1' }, j: { N: '2' } } },
    s: { M: { x: { N: '7' }, y: { BOOL: false } } },
  },
  { pk: { S: 'b' }, n: { NULL: true }, extra: { S: 'é' }, s: { M: { x: { N: '1.5' } } } },
];

const SQL = `
  select 'a' pk, 9007199254740993::bigint n, '-12345678901234567890.5'::decimal(38,9) d, '\\x00\\x01\\x02\\xFF'::blob b,
    '2026-03-01T12:00:00Z'::timestamptz as at, ['x', 'y'] l, map {'k': 1::bigint, 'j': 2::bigint} m,
    {'x': 7::bigint, 'y': false} s, null::varchar _rescued, null::timestamptz _written_at
  union all
  select 'b', null, null, null, null, null, null, {'x': null, 'y': null},
    '{"n":{"NULL":true},"extra":{"S":"é"},"s":{"M":{"x":{"N":"1.5"}}}}', null`;

describe.skipIf(readersOf('parquet').length === 0)('readers in Python and on the JVM', () => {
  let folder = '';
  const rows = new Map<string, readonly Row[]>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tailrace-interop-'));
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    await connection.run("set timezone = 'UTC'");
    await connection.run(`copy (${SQL}) to '${join(folder, 'part.parquet')}' (format parquet)`);
    connection.closeSync();
    for (const reader of readersOf('parquet')) {
      const [read] = await readTables(reader, [{ location: folder, format: 'parquet' }]);
      rows.set(reader, read ?? []);
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(readersOf('parquet'))('%s prints every type without loss', (reader) => {
    const table = { name: 'all types', location: folder, format: 'parquet' as const, schema, items };
    expect(compareRows(reader, table, rows.get(reader) ?? [])).toEqual([]);
  });

  test.each(readersOf('parquet'))(
    'a changed cell, a lost row and a lost rescue are found in what %s read',
    (reader) => {
      const read = rows.get(reader) ?? [];
      const table = { name: 't', location: folder, format: 'parquet' as const, schema, items };
      const change = (pk: string, cell: Row) => read.map((row) => (row.pk === pk ? { ...row, ...cell } : row));
      for (const cell of [
        { n: { $n: '9007199254740992' } },
        { d: { $n: '-12345678901234567890.500000001' } },
        { b: { $b: 'AAEC' } },
        { at: { $t: '2026-03-01T12:00:00.000001Z' } },
        { l: ['x'] },
        { m: { $m: [['k', { $n: '1' }]] as const } },
        { s: null },
        { s: { $s: { x: { $n: '7' }, y: null } } },
        { _rescued: '{"n":{"N":"9007199254740993"}}' },
        { _written_at: { $t: '2026-03-01T12:00:00.000000Z' } },
      ] satisfies Row[]) {
        expect(compareRows(reader, table, change('a', cell)), JSON.stringify(cell)).toHaveLength(1);
      }
      expect(compareRows(reader, table, change('b', { _rescued: '{"n":{"NULL":true}}' }))).toHaveLength(2);
      expect(compareRows(reader, table, read.slice(1))).toHaveLength(2);
    },
  );
});

test('numbers compare by value', () => {
  const same = {
    '1e3': '1000',
    '-0': '0',
    '1.50': '1.5',
    '1E-3': '0.001',
    '-12.5e1': '-125',
    '0.0': '0',
    '00.10': '0.1',
  };
  for (const [text, plain] of Object.entries(same)) expect(plainNumber(text)).toBe(plain);
});
