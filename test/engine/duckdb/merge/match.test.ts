import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fieldIdsSql } from '../../../../src/engine/duckdb/field-ids.ts';
import { type Duck, openDuckDb } from '../../../../src/engine/duckdb/instance.ts';
import { writeDeletes } from '../../../../src/engine/duckdb/merge/deletes.ts';
import { type MergeFile, matchChanges } from '../../../../src/engine/duckdb/merge/match.ts';
import { tableRelation } from '../../../../src/engine/duckdb/read.ts';
import { list, str } from '../../../../src/engine/sql/quote.ts';
import { type ColumnType, systemColumns, type TableSchema } from '../../../../src/model/schema.ts';
import { schemaBuilder } from '../nested-schema.ts';
import { SMALL } from '../small.ts';
import { writePositions, writeTable } from '../table-file.ts';

interface Row {
  readonly key: readonly string[];
  /** µs; undefined: a baseline row. */
  readonly at?: number;
  /** What tells the row from others. */
  readonly id: number;
  readonly deleted?: boolean;
}
interface File {
  readonly rows: readonly Row[];
  readonly gone?: readonly number[];
}
interface Case {
  readonly live: readonly File[];
  readonly puts: readonly (readonly Row[])[];
  readonly deletes: readonly (readonly Row[])[];
}

const time = (micros: number | undefined): string =>
  micros === undefined ? 'NULL' : `make_timestamp(${micros}::BIGINT) AT TIME ZONE 'UTC'`;

describe('matching changes with a table', () => {
  let duck: Duck;
  let dir: string;
  beforeAll(async () => {
    duck = await openDuckDb(SMALL);
    dir = mkdtempSync(join(tmpdir(), 'tailrace-merge-'));
  });
  afterAll(() => {
    duck.close();
    rmSync(dir, { recursive: true });
  });

  function schemaOf(types: readonly ColumnType[], mode: 'mirror' | 'soft' = 'mirror'): TableSchema {
    const { field, next, table } = schemaBuilder();
    const keys = types.map((type, i) => field(`k${i}`, type.kind === 'string' ? 'S' : 'N', type));
    const system = systemColumns(mode).map((name) => ({ id: next(), name }));
    return table([...keys, field('id', 'N', { kind: 'long' })], { keys: keys.map(({ name }) => name), system });
  }

  const cells = (schema: TableSchema, row: Row) => ({
    ...Object.fromEntries(schema.keys.map((key, i) => [key, row.key[i] ?? 'NULL'])),
    id: String(row.id),
    _written_at: time(row.at),
    ...(row.deleted === true ? { _deleted: 'true' } : {}),
  });

  async function write(schema: TableSchema, rows: readonly Row[], uri: string): Promise<MergeFile> {
    const path = await writeTable(
      duck,
      dir,
      schema,
      rows.map((row) => cells(schema, row)),
    );
    return { uri, path, rows: rows.length };
  }

  /** Runs a merge through the engine: what is left in the table, the counts, and the files that were touched. */
  async function merge(schema: TableSchema, { live, puts, deletes }: Case) {
    const liveFiles = await Promise.all(
      live.map(async ({ rows, gone = [] }, i): Promise<MergeFile> => {
        const uri = `s3://b/live-${i}`;
        const file = await write(schema, rows, uri);
        if (gone.length === 0) return file;
        // Positions of another file stand beside its own.
        const foreign = [['s3://b/other', 0] as const];
        return {
          ...file,
          deletes: [await writePositions(duck, dir, [...foreign, ...gone.map((at) => [uri, at] as const)])],
        };
      }),
    );
    const putFiles = await Promise.all(puts.map((rows, i) => write(schema, rows, `s3://b/new-${i}`)));
    const deleteFiles = await Promise.all(deletes.map(async (rows) => (await write(schema, rows, '')).path));
    const match = await matchChanges(duck, {
      schema,
      keys: schema.keys,
      live: liveFiles,
      puts: putFiles,
      deletes: deleteFiles,
    });
    const outDir = mkdtempSync(join(dir, 'deletes-'));
    const written = await writeDeletes(duck, match, { outDir });
    await match.close();
    const byUri = new Map(written.map(({ dataFile, path }) => [dataFile, path]));
    const after = [...liveFiles, ...putFiles].map((file) => {
      const own = byUri.get(file.uri);
      return own === undefined ? file : { ...file, deletes: [own] };
    });
    const rows = await duck.rows(`SELECT id FROM (${tableRelation(schema, after)}) ORDER BY id`);
    return { ids: rows.map(({ id }) => Number(id)), counts: match.counts, perFile: match.perFile, written };
  }

  const TEXT: ColumnType = { kind: 'string' };
  const k = (name: string): readonly string[] => [str(name)];

  test('a baseline row gives way to any change, however old that is; an equal or older version is a replay', async () => {
    const result = await merge(schemaOf([TEXT]), {
      live: [
        {
          rows: [
            { key: k('base'), id: 1 },
            { key: k('same'), at: 50, id: 2 },
            { key: k('newer'), at: 60, id: 3 },
            { key: k('older'), at: 40, id: 4 },
            { key: k('gone'), at: 40, id: 5 },
            { key: k('kept'), at: 70, id: 6 },
            { key: k('untouched'), id: 7 },
          ],
        },
      ],
      puts: [
        [
          { key: k('base'), at: 1, id: 11 },
          { key: k('same'), at: 50, id: 12 },
          { key: k('newer'), at: 50, id: 13 },
          { key: k('older'), at: 50, id: 14 },
          { key: k('new'), at: 50, id: 15 },
        ],
      ],
      deletes: [
        [
          { key: k('gone'), at: 50, id: 0 },
          { key: k('kept'), at: 50, id: 0 },
          { key: k('unknown'), at: 50, id: 0 },
        ],
      ],
    });
    expect(result.ids).toEqual([2, 3, 6, 7, 11, 14, 15]);
    expect(result.counts).toEqual({ written: 3, deleted: 1, unchanged: 4 });
    expect(result.perFile).toEqual([
      { uri: 's3://b/live-0', rows: 7, formerlyDeleted: 0, newlyDeleted: 3 },
      { uri: 's3://b/new-0', rows: 5, formerlyDeleted: 0, newlyDeleted: 2 },
    ]);
  });

  test('of several changes of a key the newest counts, and a put counts more than a delete of the same time', async () => {
    const result = await merge(schemaOf([TEXT]), {
      live: [{ rows: [{ key: k('a'), at: 10, id: 1 }] }],
      puts: [
        [
          { key: k('a'), at: 20, id: 2 },
          { key: k('b'), at: 20, id: 3 },
        ],
        [
          { key: k('a'), at: 30, id: 4 },
          { key: k('b'), at: 30, id: 5 },
        ],
      ],
      deletes: [
        [
          { key: k('a'), at: 30, id: 0 },
          { key: k('b'), at: 31, id: 0 },
        ],
      ],
    });
    expect(result.ids).toEqual([4]);
    expect(result.counts).toEqual({ written: 1, deleted: 0, unchanged: 5 });
  });

  test('a binary key in many rows of a file that has Bloom filters is found', async () => {
    const at = (pk: number, sk: number) => [`'\\xFF\\x0${pk}'::BLOB`, str(`s${sk}`)];
    const rows = Array.from({ length: 40 }, (_, i): Row => ({ key: at(i % 2, i), id: i }));
    const result = await merge(schemaOf([{ kind: 'binary' }, TEXT]), {
      live: [{ rows }],
      puts: [[{ key: at(1, 7), at: 50, id: 100 }]],
      deletes: [],
    });
    expect(result.ids).toEqual([...rows.map(({ id }) => id).filter((id) => id !== 7), 100]);
  });

  test('soft deletes: a marked row weighs as the delete that it is', async () => {
    const result = await merge(schemaOf([TEXT], 'soft'), {
      live: [
        {
          rows: [
            { key: k('a'), at: 10, id: 1, deleted: true },
            { key: k('b'), at: 10, id: 2, deleted: true },
            { key: k('c'), at: 10, id: 3, deleted: true },
          ],
        },
      ],
      puts: [[{ key: k('a'), at: 10, id: 4 }]],
      deletes: [[{ key: k('b'), at: 10, id: 0 }]],
    });
    expect(result.ids).toEqual([2, 3, 4]);
    expect(result.counts).toEqual({ written: 1, deleted: 0, unchanged: 1 });
  });

  test('rows that were deleted before are not matched, and stay deleted', async () => {
    const result = await merge(schemaOf([TEXT]), {
      live: [
        { rows: [0, 1, 2].map((id) => ({ key: k(`a${id}`), at: 10, id })), gone: [2, 0] },
        {
          rows: [
            { key: k('a0'), at: 99, id: 3 },
            { key: k('a2'), id: 4 },
          ],
          gone: [0],
        },
      ],
      puts: [[{ key: k('a0'), at: 20, id: 10 }]],
      deletes: [
        [
          { key: k('a1'), at: 20, id: 0 },
          { key: k('a2'), at: 5, id: 0 },
        ],
      ],
    });
    expect(result.ids).toEqual([10]);
    expect(result.counts).toEqual({ written: 1, deleted: 2, unchanged: 0 });
    expect(result.perFile).toEqual([
      { uri: 's3://b/live-0', rows: 3, formerlyDeleted: 2, newlyDeleted: 1 },
      { uri: 's3://b/live-1', rows: 2, formerlyDeleted: 1, newlyDeleted: 1 },
    ]);
    expect(result.written.map(({ rows }) => rows)).toEqual([3, 2]);
  });

  test('a file is deleted from by the name that metadata spells', async () => {
    const schema = schemaOf([TEXT]);
    const rows = [1, 2, 3].map((id) => ({ key: k(`a${id}`), id }));
    const spelling = 's3a://b/live';
    const gone = [await writePositions(duck, dir, [[spelling, 0]])];
    const live = { ...(await write(schema, rows, 's3://b/live')), spelling, deletes: gone };
    const deletes = [
      (
        await write(
          schema,
          [
            { key: k('a1'), at: 1, id: 0 },
            { key: k('a2'), at: 1, id: 0 },
          ],
          '',
        )
      ).path,
    ];
    const match = await matchChanges(duck, { schema, keys: schema.keys, live: [live], puts: [], deletes });
    const [written] = await writeDeletes(duck, match, { outDir: mkdtempSync(join(dir, 'spelled-')) });
    await match.close();
    expect(written).toMatchObject({ dataFile: 's3://b/live', rows: 2 });
    expect(await duck.rows(`SELECT DISTINCT file_path FROM ${str(written?.path ?? '')}`)).toEqual([
      { file_path: spelling },
    ]);
    const left = await duck.rows(tableRelation(schema, [{ ...live, deletes: [written?.path ?? ''] }]));
    expect(left.map(({ id }) => id)).toEqual([3n]);
  });

  test('nothing but deletes, nothing but puts, and a table without files', async () => {
    const schema = schemaOf([TEXT]);
    const one = [{ key: k('a'), at: 1, id: 1 }];
    expect((await merge(schema, { live: [], puts: [one], deletes: [] })).counts).toEqual({
      written: 1,
      deleted: 0,
      unchanged: 0,
    });
    expect((await merge(schema, { live: [], puts: [], deletes: [one] })).counts).toEqual({
      written: 0,
      deleted: 0,
      unchanged: 1,
    });
    const all = await merge(schema, { live: [{ rows: one }], puts: [], deletes: [[{ key: k('a'), at: 2, id: 0 }]] });
    expect(all.perFile).toEqual([{ uri: 's3://b/live-0', rows: 1, formerlyDeleted: 0, newlyDeleted: 1 }]);
  });

  test('position-delete files are ascending and bear the reserved ids', async () => {
    const schema = schemaOf([{ kind: 'long' }]);
    const many = async (uri: string, at: string, order: string): Promise<MergeFile> => {
      const path = join(dir, `${uri}.parquet`);
      const columns = `i AS k0, i AS id, NULL::VARCHAR AS _rescued, ${at} AS _written_at`;
      await duck.run(
        `COPY (SELECT ${columns} FROM range(50000) AS t(i) ORDER BY ${order}) TO ${str(path)}
         (FORMAT parquet, FIELD_IDS ${fieldIdsSql(schema)})`,
      );
      return { uri, path, rows: 50_000 };
    };
    const live = [await many('a', 'NULL::TIMESTAMPTZ', 'i'), await many('b', 'NULL::TIMESTAMPTZ', 'hash(i)')];
    const puts = [await many('c', 'make_timestamp(1)::TIMESTAMPTZ', 'hash(i + 1)')];
    const match = await matchChanges(duck, { schema, keys: schema.keys, live, puts, deletes: [] });
    expect(match.counts).toEqual({ written: 50_000, deleted: 0, unchanged: 0 });
    expect(await writeDeletes(duck, match, { outDir: join(dir, 'b'), uris: new Set(['b']) })).toHaveLength(1);
    const written = await writeDeletes(duck, match, { outDir: join(dir, 'both') });
    await match.close();
    expect(written.map(({ dataFile, rows }) => [dataFile, rows])).toEqual([
      ['a', 50_000],
      ['b', 50_000],
    ]);
    const paths = list(written.map(({ path }) => path));
    const [order] = await duck.rows(
      `SELECT count(*) AS n, sum((pos <= coalesce(before, -1))::INTEGER) AS wrong FROM (
         SELECT pos, lag(pos) OVER (PARTITION BY file_path ORDER BY file_row_number) AS before FROM read_parquet(${paths}))`,
    );
    expect(order).toEqual({ n: 100_000n, wrong: 0n });
    const ids = await duck.rows(
      `SELECT DISTINCT name, field_id::INTEGER AS id FROM parquet_schema(${paths}) WHERE field_id IS NOT NULL ORDER BY name`,
    );
    expect(ids).toEqual([
      { name: 'file_path', id: 2147483546 },
      { name: 'pos', id: 2147483545 },
    ]);
  });

  test('a change without its key is refused', async () => {
    const broken = merge(schemaOf([TEXT]), { live: [], puts: [[{ key: ['NULL'], at: 1, id: 1 }]], deletes: [] });
    await expect(broken).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  const KEYS: readonly {
    readonly name: string;
    readonly types: readonly ColumnType[];
    readonly pool: readonly (readonly string[])[];
  }[] = [
    { name: 'text', types: [TEXT], pool: ["''", "'a'", "'A'", "'é'", "'\u{1F600}'", "'a '"].map((key) => [key]) },
    {
      name: 'long',
      types: [{ kind: 'long' }],
      pool: ['-9223372036854775808', '-1', '0', '1', '9223372036854775807'].map((key) => [key]),
    },
    {
      name: 'decimal',
      types: [{ kind: 'decimal', precision: 38, scale: 9 }],
      pool: ["'0.000000001'", "'-0.5'", "'0'", "'99999999999999999999999999999.5'"].map((key) => [key]),
    },
    {
      name: 'number text',
      types: [{ kind: 'number-text' }],
      pool: ["'1'", "'1.5'", "'123456789012345678901234567890123456789000'"].map((key) => [key]),
    },
    {
      name: 'binary',
      types: [{ kind: 'binary' }],
      pool: ["'\\x00'", "'\\x00\\x00'", "'\\xFF'", "'a'"].map((key) => [`${key}::BLOB`]),
    },
    {
      name: 'two',
      types: [TEXT, { kind: 'long' }],
      pool: [
        ['a', '1'],
        ['a', '2'],
        ['b', '1'],
        ['a1', '1'],
      ].map(([a = '', b = '']) => [`'${a}'`, b]),
    },
  ];

  test.each(KEYS)(
    'fault 49: any changes and replays end as the model has them: keys of type $name',
    async ({ types, pool }) => {
      const schema = schemaOf(types);
      let id = 0;
      const key = fc.constantFrom(...pool);
      const at = fc.integer({ min: 1, max: 4 }).map((n) => 1_700_000_000_000_000 + n);
      const change = fc.record({ key, at }).map((row) => ({ ...row, id: ++id }));
      const baseline = fc.record({ key, at: fc.option(at, { nil: undefined }) });
      const live = fc
        .uniqueArray(baseline, { selector: (row) => row.key, comparator: (a, b) => a.join() === b.join() })
        .map((rows) =>
          rows.map(({ key: name, at: when }) => ({ key: name, ...(when === undefined ? {} : { at: when }), id: ++id })),
        );
      const changes = fc.array(fc.array(change, { minLength: 1, maxLength: 5 }), { maxLength: 3 });
      const cases = fc
        .record({ live, split: fc.nat(4), dead: fc.array(change, { maxLength: 3 }), puts: changes, deletes: changes })
        .filter(({ puts, deletes }) => puts.length + deletes.length > 0);
      await fc.assert(
        fc.asyncProperty(cases, async ({ live: rows, split, dead, puts, deletes }) => {
          // The first file also holds rows that are gone, of keys that may be live elsewhere.
          const files = [
            { rows: [...rows.slice(0, split), ...dead], gone: dead.map((_, i) => Math.min(split, rows.length) + i) },
            { rows: rows.slice(split) },
          ].filter((file) => file.rows.length > 0);
          const expected = model(rows, puts.flat(), deletes.flat());
          const result = await merge(schema, { live: files, puts, deletes });
          expect(result.counts).toEqual(expected.counts);
          const kept = new Map([...rows, ...puts.flat()].map((row) => [row.id, row]));
          expect(result.ids.map((each) => same(kept.get(each))).sort()).toEqual(expected.rows.map(same).sort());
        }),
        { numRuns: 25 },
      );
    },
  );
});

/** Two puts of a key in the same µs are the same item to us. */
const same = (row: Row | undefined): string => JSON.stringify([row?.key, row?.at ?? null]);

/** Last writer wins, change by change; a replayed put stays the row that it was. */
function model(live: readonly Row[], puts: readonly Row[], deletes: readonly Row[]) {
  const table = new Map(live.map((row) => [row.key.join('|'), row]));
  const newest = new Map<string, { readonly row: Row; readonly put: boolean }>();
  for (const change of [...puts.map((row) => ({ row, put: true })), ...deletes.map((row) => ({ row, put: false }))]) {
    const key = change.row.key.join('|');
    const before = newest.get(key);
    const rank = ({ row, put }: { row: Row; put: boolean }): number => (row.at ?? 0) * 2 + (put ? 1 : 0);
    if (before === undefined || rank(change) > rank(before)) newest.set(key, change);
  }
  let [written, deleted] = [0, 0];
  for (const [key, { row, put }] of newest) {
    const old = table.get(key);
    if (old?.at !== undefined && old.at >= (row.at ?? 0)) continue;
    if (put) table.set(key, row);
    else table.delete(key);
    if (put) written += 1;
    else if (old !== undefined) deleted += 1;
  }
  return {
    rows: [...table.values()],
    counts: { written, deleted, unchanged: puts.length + deletes.length - written - deleted },
  };
}
