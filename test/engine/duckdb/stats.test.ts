import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Duck, openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import { duckType, tableColumns } from '../../../src/engine/duckdb/read.ts';
import { splitOffsets, writtenFiles } from '../../../src/engine/duckdb/stats.ts';
import { ident, str } from '../../../src/engine/sql/quote.ts';
import type { TableSchema } from '../../../src/model/schema.ts';
import type { LeafStats } from '../../../src/model/table.ts';
import { schemaBuilder } from './nested-schema.ts';
import { SMALL } from './small.ts';

describe('statistics of written files', () => {
  let duck: Duck;
  let dir: string;
  let count = 0;
  beforeAll(async () => {
    duck = await openDuckDb(SMALL);
    dir = mkdtempSync(join(tmpdir(), 'tailrace-stats-'));
  });
  afterAll(() => {
    duck.close();
    rmSync(dir, { recursive: true });
  });

  /** Writes rows given as SQL tuples of all columns; gives the file and its rows' statistics. */
  async function write(schema: TableSchema, tuples: readonly string[], options = '') {
    const columns = tableColumns(schema);
    const typed = columns.map(({ name, type }) => `${ident(name)}::${type} as ${ident(name)}`).join(', ');
    const names = columns.map(({ name }) => ident(name)).join(', ');
    const path = join(dir, `${count++}.parquet`);
    const rows = await duck.rows(`COPY (SELECT ${typed} FROM (VALUES ${tuples.join(', ')}) v(${names}))
      TO ${str(path)} (FORMAT parquet, RETURN_STATS${options})`);
    const [file] = writtenFiles(rows, schema);
    if (file === undefined) throw new Error('no file');
    expect(file.path).toBe(path);
    return file;
  }

  const bare = (stats: LeafStats | undefined) => stats && { ...stats, sizeBytes: undefined };

  test('nested leaves are found under their ids, with odd names', async () => {
    const { field, list, map, struct, table } = schemaBuilder();
    const long: { kind: 'long' } = { kind: 'long' };
    const schema = table(
      [
        field('a"b.c', 'N', long),
        field('l', 'L', list('L', list('N', { kind: 'decimal', precision: 18, scale: 2 }))),
        field(
          'm',
          'M',
          map('M', struct(field('x.y', 'BOOL', { kind: 'boolean' }), field('bin', 'B', { kind: 'binary' }))),
        ),
        field('nil', 'S', { kind: 'string' }),
      ],
      { system: [] },
    );
    const file = await write(schema, [
      `(1, [[1.5, 2], [NULL]], MAP {'k': {'x.y': true, 'bin': encode('é')}, 'a': {'x.y': false, 'bin': '\\x00'::BLOB}}, NULL)`,
      `(-5, [], MAP {}, NULL)`,
      '(NULL, NULL, NULL, NULL)',
    ]);
    expect(file.rows).toBe(3);
    expect(bare(file.stats[1])).toEqual({ valueCount: 3, nullCount: 1, min: '-5', max: '1' });
    expect(bare(file.stats[2])).toEqual({ valueCount: 5, nullCount: 3, min: '1.50', max: '2.00' });
    const byName = new Map(Object.entries(file.stats));
    expect(byName.size).toBe(6);
    const mapType = schema.columns[2]?.type;
    if (mapType?.kind !== 'map' || mapType.value.type.kind !== 'struct') throw new Error('not a map');
    const [flag, bin] = mapType.value.type.fields;
    expect(bare(file.stats[mapType.keyId])).toEqual({ valueCount: 4, nullCount: 2, min: 'a', max: 'k' });
    expect(bare(file.stats[flag?.id ?? 0])).toEqual({ valueCount: 4, nullCount: 2, min: 'false', max: 'true' });
    expect(bare(file.stats[bin?.id ?? 0])).toEqual({ valueCount: 4, nullCount: 2, min: '00', max: 'C3A9' });
    expect(bare(file.stats[schema.columns[3]?.id ?? 0])).toEqual({ valueCount: 3, nullCount: 3 });
    expect(file.stats[1]?.sizeBytes).toBeGreaterThan(0);
  });

  test('times have six digits and UTC; -0.0 widens the lower bound; odd times have no bound', async () => {
    const { field, table } = schemaBuilder();
    const schema = table([field('t', 'S', { kind: 'timestamp', format: 'iso' }), field('d', 'N', { kind: 'double' })], {
      system: [],
    });
    const file = await write(schema, ["('2020-01-01 00:00:00+00', 0.0)", "('1969-12-31 23:59:59.9999+00', 1e300)"]);
    expect(file.stats[1]).toMatchObject({ min: '1969-12-31 23:59:59.999900+00', max: '2020-01-01 00:00:00.000000+00' });
    expect(file.stats[2]).toMatchObject({ min: '-0.0', max: '1e+300' });
    const odd = await write(schema, ["('12020-01-01 00:00:00+00', 'nan')", "('0044-03-15 (BC) 00:00:00+00', 'inf')"]);
    expect(odd.stats[1]).not.toHaveProperty('min');
    expect(odd.stats[1]).not.toHaveProperty('max');
    expect(odd.stats[2]).not.toHaveProperty('max');
  });

  test('an empty file has no wrong statistics', async () => {
    const { field, table } = schemaBuilder();
    const schema = table([field('a', 'S', { kind: 'string' })], { system: [] });
    const path = join(dir, 'empty.parquet');
    const rows = await duck.rows(`COPY (SELECT 'x' AS a WHERE false) TO ${str(path)} (FORMAT parquet, RETURN_STATS)`);
    const [file] = writtenFiles(rows, schema);
    expect(file?.rows).toBe(0);
    expect(file?.stats[1]?.min).toBeUndefined();
  });

  test('partition keys of PARTITION_BY come as text or null', async () => {
    const { field, table } = schemaBuilder();
    const schema = table([field('a', 'N', { kind: 'long' })], { system: [] });
    const rows = await duck.rows(`COPY (SELECT 1 AS a, p FROM (VALUES ('x/=é'), (NULL), ('')) v(p))
      TO ${str(join(dir, 'parts'))} (FORMAT parquet, PARTITION_BY (p), RETURN_STATS)`);
    const keys = writtenFiles(rows, schema).map(({ partitionKeys }) => partitionKeys?.['p']);
    expect(new Set(keys)).toEqual(new Set(['x/=é', null, '']));
  });

  test('fault 90: bounds of strings and blobs enclose all values, by bytes', async () => {
    const { field, table } = schemaBuilder();
    const schema = table([field('s', 'S', { kind: 'string' }), field('b', 'B', { kind: 'binary' })], { system: [] });
    const piece = fc.constantFrom(
      'a',
      'é',
      '😀',
      '\u{10ffff}',
      '\0',
      '\uffff',
      'z'.repeat(255),
      '😀'.repeat(70),
      'é'.repeat(128),
    );
    const text = fc.array(piece, { maxLength: 4 }).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(text), { minLength: 1, maxLength: 8 }), async (texts) => {
        const tuples = texts.map((value) =>
          value === null ? '(NULL, NULL)' : `(${str(value)}, encode(${str(value)}))`,
        );
        const file = await write(schema, tuples);
        const bytes = texts.filter((value) => value !== null).map((value) => Buffer.from(value));
        const bounds = [
          { stats: file.stats[1], decode: (bound: string) => Buffer.from(bound) },
          { stats: file.stats[2], decode: (bound: string) => Buffer.from(bound, 'hex') },
        ];
        for (const { stats, decode } of bounds) {
          expect(stats?.valueCount).toBe(texts.length);
          expect(stats?.nullCount).toBe(texts.length - bytes.length);
          for (const value of bytes) {
            if (stats?.min !== undefined) expect(Buffer.compare(decode(stats.min), value)).toBeLessThanOrEqual(0);
            if (stats?.max !== undefined) expect(Buffer.compare(decode(stats.max), value)).toBeGreaterThanOrEqual(0);
          }
        }
      }),
      { numRuns: 80 },
    );
  });

  test('split offsets are the starts of the row groups', async () => {
    const path = join(dir, 'groups.parquet');
    await duck.run(
      `COPY (SELECT a, a % 7 AS b FROM range(10000) t(a)) TO ${str(path)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
    );
    const two = join(dir, 'two.parquet');
    await duck.run(`COPY (SELECT 1 AS a) TO ${str(two)} (FORMAT parquet)`);
    const both = await splitOffsets(duck, [two, path]);
    expect(both.get(two)).toEqual([4]);
    const offsets = both.get(path) ?? [];
    expect(offsets.length).toBe(5);
    expect(offsets[0]).toBe(4);
    expect([...offsets].sort((a, b) => a - b)).toEqual(offsets);
    expect(duckType({ kind: 'long' })).toBe('BIGINT');
  });
});
