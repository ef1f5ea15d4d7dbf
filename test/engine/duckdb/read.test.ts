import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Duck, openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import { runQuery } from '../../../src/engine/duckdb/query.ts';
import { tableColumns, tableRelation } from '../../../src/engine/duckdb/read.ts';
import { str } from '../../../src/engine/sql/quote.ts';
import type { ColumnType } from '../../../src/model/schema.ts';
import { schemaBuilder } from './nested-schema.ts';
import { SMALL } from './small.ts';
import { asFile, writePositions, writeTable } from './table-file.ts';

const LONG: ColumnType = { kind: 'long' };
const TEXT: ColumnType = { kind: 'string' };

describe('reading a table', () => {
  let writer: Duck;
  let dir: string;
  beforeAll(async () => {
    writer = await openDuckDb(SMALL);
    dir = mkdtempSync(join(tmpdir(), 'tailrace-read-'));
  });
  afterAll(() => {
    writer.close();
    rmSync(dir, { recursive: true });
  });

  test('columns are found by id: renamed, missing and new ones, and narrower numbers', async () => {
    const { field, list, struct, table } = schemaBuilder();
    const id = field('id', 'N', LONG);
    const address = field('address', 'M', struct(field('city', 'S', TEXT)));
    const price = field('price', 'N', { kind: 'decimal', precision: 18, scale: 2 });
    const old = await writeTable(writer, dir, table([id, address, price]), [
      { id: '1', address: "{'city': 'x'}", price: '1.5' },
    ]);
    const grown = table([
      { ...id, name: 'renamed' },
      address,
      { ...price, type: { kind: 'decimal', precision: 38, scale: 2 } },
      field(`it's "new"`, 'L', list('N', LONG)),
    ]);
    const fresh = await writeTable(writer, dir, grown, [
      { renamed: '2', price: "'9999999999999999999999.25'", [`it's "new"`]: '[7]' },
    ]);
    const rows = await writer.rows(
      `SELECT * EXCLUDE (_rescued, _written_at) FROM (${tableRelation(
        grown,
        [old, fresh].map((path) => asFile(path)),
      )}) ORDER BY renamed`,
    );
    expect(rows).toEqual([
      { renamed: 1n, address: { city: 'x' }, price: '1.50', [`it's "new"`]: null },
      { renamed: 2n, address: null, price: '9999999999999999999999.25', [`it's "new"`]: [7n] },
    ]);
  });

  test('rows that position deletes name are left out, of the very file they name', async () => {
    const { field, table } = schemaBuilder();
    // Named as what the engine calls a row's place, so that one could hide the other.
    const schema = table([field('file_row_number', 'N', LONG), field('file_index', 'S', TEXT)]);
    const rows = (first: number) => [0, 1, 2].map((i) => ({ file_row_number: `${first + i}`, file_index: `'${i}'` }));
    const [a, b, c] = [
      await writeTable(writer, dir, schema, rows(10)),
      await writeTable(writer, dir, schema, rows(20)),
      await writeTable(writer, dir, schema, rows(30)),
    ];
    const shared = await writePositions(writer, dir, [
      ['s3://x/a', 1],
      ['s3://x/b', 0],
      ['s3://x/c', 2],
      ['s3://x/other', 2],
    ]);
    const more = await writePositions(writer, dir, [
      ['s3://x/a', 1],
      ['s3://x/a', 2],
    ]);
    const left = async (files: Parameters<typeof tableRelation>[1]) =>
      (await writer.rows(`SELECT file_row_number AS n FROM (${tableRelation(schema, files)}) ORDER BY n`)).map(
        ({ n }) => Number(n),
      );
    const files = [
      { uri: 's3://x/a', path: a, deletes: [shared, more] },
      { uri: 's3://x/b', path: b, deletes: [shared] },
      { uri: 's3://x/c', path: c },
    ];
    expect(await left(files)).toEqual([10, 21, 22, 30, 31, 32]);
    expect(await left([{ uri: 's3://x/b', path: b, deletes: [more] }])).toEqual([20, 21, 22]);

    const reader = await openDuckDb(SMALL);
    const asked = await runQuery(reader, schema, files, 'SELECT count(*) AS n, min(file_row_number) AS least FROM t');
    for await (const row of asked.rows) expect(row).toEqual([6n, 10n]);
    reader.close();
  });

  test('a position-delete file without the reserved ids is an error, not a file without deletes', async () => {
    const { field, table } = schemaBuilder();
    const schema = table([field('n', 'N', LONG)]);
    const path = await writeTable(writer, dir, schema, [{ n: '1' }]);
    const deletes = join(dir, 'no-ids.parquet');
    await writer.run(`COPY (SELECT 'x' AS file_path, 0::BIGINT AS pos) TO ${str(deletes)} (FORMAT parquet)`);
    const read = writer.rows(tableRelation(schema, [{ uri: 'x', path, deletes: [deletes] }]));
    await expect(read).rejects.toMatchObject({ message: expect.stringContaining('a position-delete file has no') });
  });

  test('what is deleted is hashed, not the table, however many delete files there are', async () => {
    const { field, table } = schemaBuilder();
    const schema = table([field('n', 'N', LONG)]);
    const path = await writeTable(writer, dir, schema, [{ n: '1' }]);
    const deletes = await Promise.all([1, 2, 3, 4].map((at) => writePositions(writer, dir, [['x', at]])));
    const [plan] = await writer.rows(`EXPLAIN ${tableRelation(schema, [{ uri: 'x', path, deletes }])}`);
    expect(String(plan?.['explain_value'])).not.toContain('RIGHT_ANTI');
    expect(String(plan?.['explain_value'])).toContain('MARK');
  });

  test('a table of no files has its columns and types', async () => {
    const { field, list, map, struct, table } = schemaBuilder();
    const schema = table([
      field('a', 'L', list('M', struct(field('x y', 'B', { kind: 'binary' })))),
      field('m', 'M', map('N', { kind: 'decimal', precision: 38, scale: 9 })),
      field('t', 'S', { kind: 'timestamp', format: 'iso' }),
      field('j', '*', { kind: 'ddb-json' }),
      field('d', 'N', { kind: 'double' }),
    ]);
    const cursor = await writer.cursor(tableRelation(schema, []));
    expect(cursor.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'a STRUCT("x y" BLOB)[]',
      'm MAP(VARCHAR, DECIMAL(38,9))',
      't TIMESTAMP WITH TIME ZONE',
      'j VARCHAR',
      'd DOUBLE',
      '_rescued VARCHAR',
      '_written_at TIMESTAMP WITH TIME ZONE',
    ]);
    expect(tableColumns(schema).length).toBe(7);
    for await (const _ of cursor.rows) throw new Error('a row');
  });

  describe("a user's query", () => {
    const { field, table } = schemaBuilder();
    const schema = table([field('id', 'N', LONG), field('name', 'S', TEXT)]);
    let path: string;
    let duck: Duck;
    beforeAll(async () => {
      path = await writeTable(writer, dir, schema, [
        { id: '1', name: "'é'" },
        { id: '9007199254740993', name: 'NULL' },
      ]);
    });
    const ask = async (sql: string) => {
      duck = await openDuckDb(SMALL);
      try {
        const cursor = await runQuery(duck, schema, [asFile(path)], sql);
        const rows: unknown[] = [];
        for await (const row of cursor.rows) rows.push(row);
        return { columns: cursor.columns, rows };
      } finally {
        duck.close();
      }
    };

    test('sees the table as t', async () => {
      expect(await ask('SELECT name, id FROM t ORDER BY id; -- all')).toEqual({
        columns: [
          { name: 'name', type: 'VARCHAR' },
          { name: 'id', type: 'BIGINT' },
        ],
        rows: [
          ['é', 1n],
          [null, 9007199254740993n],
        ],
      });
      expect((await ask('DESCRIBE t')).rows.length).toBe(4);
      expect((await ask('WITH x AS (FROM t) SELECT count(*) FROM x')).rows).toEqual([[2n]]);
    });

    test.each([
      ['SELECT * FROM read_text(FILE)', 'other files'],
      ['SELECT * FROM read_csv(FILE)', 'other files'],
      ["SELECT * FROM glob('/*')", 'folders'],
      ['COPY (SELECT 1) TO FILE', 'writing'],
      ['COPY t TO TABLE (FORMAT parquet, USE_TMP_FILE false)', 'writing the table'],
      ['ATTACH FILE AS x', 'databases'],
      ['SET threads = 1', 'settings'],
      ['CREATE TABLE x AS FROM t', 'tables'],
      ['SELECT 1; SELECT 2', 'two statements'],
      ['INSTALL httpfs', 'extensions'],
      ['EXPLAIN ANALYZE COPY t TO FILE', 'writing behind EXPLAIN'],
      ['SELECT nothing FROM t', 'unknown columns'],
      ['selec', 'syntax errors'],
      ['', 'nothing'],
      ["SELECT * FROM 'http://localhost:1/x.parquet'", 'the network'],
    ])('%s: no %s', async (sql) => {
      const secret = join(dir, 'secret.txt');
      writeFileSync(secret, 'secret\n');
      const text = sql
        .replace('FILE', str(sql.includes('COPY') ? join(dir, 'out.txt') : secret))
        .replace('TABLE (', `${str(path)} (`);
      await expect(ask(text)).rejects.toMatchObject({
        code: 'QUERY',
        hint: expect.stringContaining('table is called t'),
      });
      expect(existsSync(join(dir, 'out.txt'))).toBe(false);
      expect((await ask('SELECT count(*) FROM t')).rows).toEqual([[2n]]);
    });

    test.each(['', ' ; ', '-- SELECT 1', '/* SELECT 1 */'])(
      '“%s” is no statement, and is said to be none',
      async (sql) => {
        await expect(ask(sql)).rejects.toMatchObject({ code: 'QUERY', found: '0 statements' });
      },
    );

    test('an interrupt stays an interrupt', async () => {
      const locked = await openDuckDb(SMALL);
      const asked = runQuery(
        locked,
        schema,
        [asFile(path)],
        'SELECT count(*) FROM range(100000000000) r(a) WHERE a * a % 7 = 3',
        AbortSignal.timeout(100),
      );
      await expect(
        asked.then(async ({ rows }) => {
          for await (const _ of rows) break;
        }),
      ).rejects.toMatchObject({ code: 'INTERRUPTED' });
      locked.close();
    });
  });
});
