import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StagedFile } from '../../../../src/engine/duckdb/copy.ts';
import { type Duck, openDuckDb } from '../../../../src/engine/duckdb/instance.ts';
import { matchChanges } from '../../../../src/engine/duckdb/merge/match.ts';
import { rewriteLive, writeSoftDeletes } from '../../../../src/engine/duckdb/merge/rewrite.ts';
import { tableRelation } from '../../../../src/engine/duckdb/read.ts';
import { type ColumnType, systemColumns, type TableSchema } from '../../../../src/model/schema.ts';
import { schemaBuilder } from '../nested-schema.ts';
import { SMALL } from '../small.ts';
import { asFile, writePositions, writeTable } from '../table-file.ts';

const TEXT: ColumnType = { kind: 'string' };
const LONG: ColumnType = { kind: 'long' };
const decimal = (precision: number, scale: number): ColumnType => ({ kind: 'decimal', precision, scale });

describe('writing live rows anew', () => {
  let duck: Duck;
  let dir: string;
  let outs = 0;
  beforeAll(async () => {
    duck = await openDuckDb(SMALL);
    dir = mkdtempSync(join(tmpdir(), 'tailrace-rewrite-'));
  });
  afterAll(() => {
    duck.close();
    rmSync(dir, { recursive: true });
  });

  const layout = () => ({
    partition: [],
    sort: [],
    outDir: join(dir, `out-${outs++}`),
    targetFileSizeBytes: 100_000_000,
  });
  const rowsOf = (schema: TableSchema, files: readonly StagedFile[], columns: string, order: string) =>
    duck.rows(
      `SELECT ${columns} FROM (${tableRelation(
        schema,
        files.map(({ path }) => asFile(path)),
      )}) ORDER BY ${order}`,
    );

  async function merged() {
    const { field, next, table } = schemaBuilder();
    const system = systemColumns('soft').map((name) => ({ id: next(), name }));
    const schema = table([field('pk', 'S', TEXT), field('n', 'N', LONG)], { keys: ['pk'], system });
    const at = (micros: number) => `make_timestamp(${micros}) AT TIME ZONE 'UTC'`;
    const live = [
      await writeTable(duck, dir, schema, [
        { pk: "'a'", n: '1' },
        { pk: "'b'", n: '2' },
        { pk: "'c'", n: '3' },
      ]),
      await writeTable(duck, dir, schema, [
        { pk: "'d'", n: '4', _written_at: at(5) },
        { pk: "'e'", n: '5', _written_at: at(5) },
      ]),
    ].map((path, i) => ({ uri: `s3://b/${i}`, path, rows: 3 - i }));
    const gone = await writePositions(duck, dir, [['s3://b/0', 2]]);
    const files = live.map((file, i) => (i === 0 ? { ...file, deletes: [gone] } : file));
    const put = await writeTable(duck, dir, schema, [{ pk: "'a'", n: '10', _written_at: at(7) }]);
    const deletes = await writeTable(duck, dir, schema, [
      { pk: "'b'", _written_at: at(8) },
      { pk: "'c'", _written_at: at(8) },
      { pk: "'e'", _written_at: at(9) },
    ]);
    const match = await matchChanges(duck, {
      schema,
      keys: ['pk'],
      live: files,
      puts: [{ uri: 's3://b/new', path: put, rows: 1 }],
      deletes: [deletes],
    });
    return { schema, files, match };
  }

  test('copy-on-write leaves out what was deleted before and what the changes delete', async () => {
    const { schema, files, match } = await merged();
    const written = await rewriteLive(duck, { ...layout(), schema, files: [...files].reverse(), match });
    expect(await rowsOf(schema, written, 'pk, n, _written_at', 'pk')).toEqual([
      { pk: 'd', n: 4n, _written_at: '1970-01-01T00:00:00.000005Z' },
    ]);
    // Only one of the files, and nothing but what was deleted before.
    const first = await rewriteLive(duck, { ...layout(), schema, files: files.slice(0, 1) });
    expect((await rowsOf(schema, first, 'pk', 'pk')).map(({ pk }) => pk)).toEqual(['a', 'b']);
    await match.close();
  });

  test('soft deletes write the struck rows again, marked, with the time of the delete', async () => {
    const { schema, files, match } = await merged();
    const written = await writeSoftDeletes(duck, { ...layout(), schema, files, match });
    expect(await rowsOf(schema, written, 'pk, n, _deleted, _written_at', 'pk')).toEqual([
      { pk: 'b', n: 2n, _deleted: true, _written_at: '1970-01-01T00:00:00.000008Z' },
      { pk: 'e', n: 5n, _deleted: true, _written_at: '1970-01-01T00:00:00.000009Z' },
    ]);
    expect(match.counts).toEqual({ written: 1, deleted: 2, unchanged: 1 });
    await match.close();
  });

  test('rows that are struck join as written, also while they are copied', async () => {
    const { schema, files, match } = await merged();
    const seen: string[] = [];
    const watched: Duck = {
      ...duck,
      rows: async (sql, signal) => {
        if (sql.startsWith('COPY')) {
          const [row] = await duck.rows(`SELECT current_setting('disabled_optimizers') AS disabled`);
          seen.push(...String(row?.['disabled']).split(','));
        }
        return duck.rows(sql, signal);
      },
    };
    await writeSoftDeletes(watched, { ...layout(), schema, files, match, unshared: true });
    expect(seen.toSorted()).toEqual(['build_side_probe_side', 'common_subexpressions', 'join_order']);
    await match.close();
  });

  test('many small files become one, with ids, statistics and the order of the sort', async () => {
    const { field, table } = schemaBuilder();
    const schema = table([field('n', 'N', LONG)]);
    const files = [];
    for (let i = 0; i < 20; i++) files.push(asFile(await writeTable(duck, dir, schema, [{ n: String((i * 7) % 20) }])));
    const sort = [{ column: 'n', descending: false, nullsFirst: true }];
    const written = await rewriteLive(duck, { ...layout(), sort, schema, files });
    expect(written).toMatchObject([{ rows: 20, stats: { 1: { min: '0', max: '19', valueCount: 20, nullCount: 0 } } }]);
    const rows = await duck.rows(tableRelation(schema, [asFile(written[0]?.path ?? '')]));
    expect(rows.map(({ n }) => Number(n))).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test('rows stay in their partitions', async () => {
    const { field, table } = schemaBuilder();
    const schema = table([field('region', 'S', TEXT), field('n', 'N', LONG)]);
    const partition = [{ column: 'region', transform: 'identity' as const, name: 'region' }];
    const files = [];
    for (const region of ["'eu'", "'us'", 'NULL', "'eu'"])
      files.push(
        asFile(
          await writeTable(duck, dir, schema, [
            { region, n: '1' },
            { region, n: '2' },
          ]),
        ),
      );
    const written = await rewriteLive(duck, { ...layout(), partition, schema, files });
    const found = written.map((file) => [file.partition[0], file.rows] as const);
    expect(new Map(found)).toEqual(
      new Map([
        [null, 2],
        ['eu', 4],
        ['us', 2],
      ]),
    );
    expect(found).toHaveLength(3);
  });

  test.each([
    [
      'long to decimal',
      LONG,
      decimal(38, 9),
      ['9223372036854775807', '-1', '0'],
      ['9223372036854775807.000000000', '-1.000000000', '0.000000000'],
    ],
    ['a wider decimal', decimal(18, 2), decimal(38, 9), ["'1.50'", "'-0.01'"], ['1.500000000', '-0.010000000']],
    [
      'decimal to number text',
      decimal(18, 3),
      { kind: 'number-text' },
      ["'1.500'", "'10'", "'0'", "'-0.001'"],
      ['1.5', '10', '0', '-0.001'],
    ],
    [
      'long to number text',
      LONG,
      { kind: 'number-text' },
      ['-9223372036854775808', '7'],
      ['-9223372036854775808', '7'],
    ],
    ['a narrower decimal that holds all', decimal(38, 9), decimal(18, 2), ["'1.25'", "'7'"], ['1.25', '7.00']],
    [
      'text to time',
      TEXT,
      { kind: 'timestamp', format: 'iso' },
      ["'2026-01-02T03:04:05Z'"],
      ['2026-01-02T03:04:05.000000Z'],
    ],
    [
      'time to text',
      { kind: 'timestamp', format: 'iso-ms' },
      TEXT,
      ["TIMESTAMPTZ '2026-01-02 03:04:05.006+00'"],
      ['2026-01-02T03:04:05.006Z'],
    ],
    ['long to JSON', LONG, { kind: 'json' }, ['5'], ['5']],
    ['long to DynamoDB JSON', LONG, { kind: 'ddb-json' }, ['5'], ['{"N":"5"}']],
    [
      'JSON to DynamoDB JSON',
      { kind: 'json' },
      { kind: 'ddb-json' },
      [`'{"a":[1]}'`],
      ['{"M":{"a":{"L":[{"N":"1"}]}}}'],
    ],
  ] as const satisfies readonly (readonly [string, ColumnType, ColumnType, readonly string[], readonly string[]])[])(
    'a column changes its type: %s',
    async (_, before, after, values, expected) => {
      const { field, table } = schemaBuilder();
      const key = field('i', 'N', LONG);
      const from = table([key, field('v', 'N', before)]);
      const tag = after.kind === 'json' || after.kind === 'ddb-json' ? '*' : 'N';
      const schema = { ...from, columns: [key, field('v', tag, after)] };
      const rows = [...values, 'NULL'].map((v, i) => ({ i: String(i), v, _rescued: "'{}'" }));
      const files = [asFile(await writeTable(duck, dir, from, rows))];
      const written = await rewriteLive(duck, { ...layout(), schema, from, files });
      const read = await rowsOf(schema, written, 'v::VARCHAR AS text, v, _rescued', 'i');
      expect(read.map(({ text, v }) => (after.kind === 'timestamp' ? v : text))).toEqual([...expected, null]);
      expect(read.every(({ _rescued }) => _rescued === '{}')).toBe(true);
    },
  );

  test('types change within lists, maps and structs, and new fields are NULL', async () => {
    const { field, list, map, struct, table } = schemaBuilder();
    const nested = (type: ColumnType, extra: boolean) => [
      field('l', 'L', list('N', type)),
      field('m', 'M', map('N', type)),
      field('s', 'M', struct(field('x', 'N', type), ...(extra ? [field('y', 'S', TEXT)] : []), field('z', 'S', TEXT))),
    ];
    const from = table(nested(LONG, false));
    const schema = { ...from, columns: nested(decimal(18, 1), true) };
    const files = [
      asFile(
        await writeTable(duck, dir, from, [
          { l: '[1, NULL, 2]', m: "MAP {'a': 1}", s: "{'x': 1, 'z': 'q'}" },
          { l: '[]', m: 'MAP {}' },
        ]),
      ),
    ];
    const written = await rewriteLive(duck, { ...layout(), schema, from, files });
    expect(await rowsOf(schema, written, 'l, m, s', 'len(l) DESC')).toEqual([
      { l: ['1.0', null, '2.0'], m: { a: '1.0' }, s: { x: '1.0', y: null, z: 'q' } },
      { l: [], m: {}, s: null },
    ]);
  });

  test.each([
    ['a digit too many behind the point', decimal(18, 2), decimal(18, 1), "'1.25'"],
    ['a number wider than the column', LONG, decimal(18, 2), '9223372036854775807'],
    ['a fraction in a long', decimal(18, 2), LONG, "'0.5'"],
    ['a number of another form', { kind: 'number-text' }, LONG, "'99999999999999999999'"],
  ] as const satisfies readonly (readonly [string, ColumnType, ColumnType, string])[])(
    'fault 78: nothing is rounded: %s',
    async (_, before, after, value) => {
      const { field, table } = schemaBuilder();
      const from = table([field('v', 'N', before)]);
      const schema = { ...from, columns: [field('v', 'N', after)] };
      const files = [asFile(await writeTable(duck, dir, from, [{ v: value }]))];
      await expect(rewriteLive(duck, { ...layout(), schema, from, files })).rejects.toMatchObject({
        code: 'SCHEMA_DRIFT',
        found: expect.stringContaining(value.replaceAll("'", '')),
      });
    },
  );

  test('keys are matched across a change of their type', async () => {
    const { field, table } = schemaBuilder();
    const liveSchema = table([field('k', 'N', LONG)], { keys: ['k'] });
    const schema = { ...liveSchema, columns: [field('k', 'N', { kind: 'number-text' })] };
    const live = await writeTable(duck, dir, liveSchema, [{ k: '1' }, { k: '12' }]);
    const put = await writeTable(duck, dir, schema, [{ k: "'12'" }, { k: "'0.5'" }]);
    const match = await matchChanges(duck, {
      schema,
      liveSchema,
      keys: ['k'],
      live: [{ ...asFile(live), rows: 2 }],
      puts: [{ ...asFile(put), rows: 2 }],
      deletes: [],
    });
    expect(match.perFile).toEqual([{ uri: live, rows: 2, formerlyDeleted: 0, newlyDeleted: 1 }]);
    await match.close();
  });
});
