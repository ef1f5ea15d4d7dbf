import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fieldIdsSql } from '../../src/engine/duckdb/field-ids.ts';
import { type Duck, openDuckDb } from '../../src/engine/duckdb/instance.ts';
import { matchChanges } from '../../src/engine/duckdb/merge/match.ts';
import { filesRelation } from '../../src/engine/duckdb/read.ts';
import { str } from '../../src/engine/sql/quote.ts';
import type { LiveFile } from '../../src/model/table.ts';
import { fetchColumns, requestsFor } from '../../src/pipeline/files/sparse.ts';
import { memoryStorage } from '../../src/storage/memory/memory.ts';
import type { Storage } from '../../src/storage/port.ts';
import { schemaBuilder } from '../engine/duckdb/nested-schema.ts';
import { SMALL } from '../engine/duckdb/small.ts';
import { writePositions } from '../engine/duckdb/table-file.ts';

const { field, table } = schemaBuilder();
const schema = table(
  [
    field('pk', 'S', { kind: 'string' }),
    field('sk', 'N', { kind: 'long' }),
    field('fat', 'S', { kind: 'string' }),
    field('a "name"', 'S', { kind: 'string' }),
  ],
  { keys: ['pk', 'sk'] },
);
const writtenAt = schema.system.find(({ name }) => name === '_written_at')?.id ?? -1;
const COLUMNS = new Set([1, 2, writtenAt]);
const ROWS = 60_000;

describe('columns of remote files', () => {
  let duck: Duck;
  let dir: string;
  let storage: Storage;
  const files: LiveFile[] = [];
  const locals: string[] = [];
  let calls = 0;
  const signal = new AbortController().signal;
  const options = (budgetBytes = 1e9) => ({
    columns: COLUMNS,
    dir: join(dir, `fetch-${calls++}`),
    budgetBytes,
    signal,
  });

  beforeAll(async () => {
    duck = await openDuckDb({ ...SMALL, memoryLimitBytes: 400_000_000 });
    dir = mkdtempSync(join(tmpdir(), 'tailrace-sparse-'));
    storage = memoryStorage();
    // The second has so many row groups that its footer is longer than what is fetched first.
    for (const [i, rowGroup] of [20_480, 2_048].entries()) {
      const path = join(dir, `${i}.parquet`);
      // Few different keys in the first file: dictionaries, and Bloom filters that a join would ask.
      const pk = i === 0 ? "'few#' || (i % 100)" : "'pk#' || md5(i::VARCHAR)";
      await duck.run(
        `COPY (SELECT ${pk} AS pk, i AS sk, repeat(md5((i * 3)::VARCHAR), 4) || md5((i * 7)::VARCHAR) AS fat,
           NULL::VARCHAR AS "a ""name""", NULL::VARCHAR AS _rescued, NULL::TIMESTAMPTZ AS _written_at
         FROM range(${ROWS}) AS t(i)) TO ${str(path)}
         (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroup}, FIELD_IDS ${fieldIdsSql(schema)}
         ${i === 1 ? `, KV_METADATA {filler: ${str('x'.repeat(100_000))}}` : ''})`,
      );
      const key = `data/${i}.parquet`;
      await storage.put(key, await readFile(path));
      const sizeBytes = statSync(path).size;
      files.push({ path: storage.uri(key), rows: ROWS, sizeBytes, partition: [], stats: {}, splitOffsets: [] });
      locals.push(path);
    }
  });
  afterAll(() => {
    duck.close();
    rmSync(dir, { recursive: true });
  });

  test('hold the same values, at the same offsets, for a small part of the bytes', async () => {
    const fetched = await fetchColumns(storage, duck, files, options());
    const read = (paths: readonly string[]) =>
      duck.rows(
        `SELECT file_index, count(*) AS n, count(DISTINCT c0) AS keys, bit_xor(hash(c0, c1, file_row_number, c5 IS NULL)) AS digest
         FROM ${filesRelation(
           schema,
           paths.map((path) => ({ path })),
         )} GROUP BY file_index ORDER BY file_index`,
      );
    expect(await read(fetched.files.map(({ path }) => path))).toEqual(await read(locals));
    for (const [i, { path, uri, rows }] of fetched.files.entries()) {
      expect({ uri, rows }).toEqual({ uri: files[i]?.path, rows: ROWS });
      expect(statSync(path).size).toBe(files[i]?.sizeBytes);
    }
    const [few] = fetched.files;
    expect(statSync(few?.path ?? '').blocks * 512).toBeLessThan((files[0]?.sizeBytes ?? 0) / 3);
    // The second file's row groups are so small that their chunks lie closer than a request is worth.
    const alone = await fetchColumns(storage, duck, files.slice(0, 1), options());
    expect(alone.bytes).toBeLessThan((files[0]?.sizeBytes ?? 0) / 3);
  });

  test('are enough for a merge, with deletes fetched whole', async () => {
    const [first] = files;
    if (first === undefined) throw new Error('no file');
    const gone = await writePositions(duck, dir, [[first.path, 7]]);
    await storage.put('data/gone.parquet', await readFile(gone));
    const deleted = { path: storage.uri('data/gone.parquet'), rows: 1, sizeBytes: statSync(gone).size };
    const live = (await fetchColumns(storage, duck, [{ ...first, deletes: [deleted] }], options())).files;
    const put = join(dir, 'put.parquet');
    await duck.run(
      `COPY (SELECT 'few#' || (i % 100) AS pk, i AS sk, make_timestamp(5)::TIMESTAMPTZ AS _written_at
       FROM range(0, 70000, 7) AS t(i)) TO ${str(put)} (FORMAT parquet, FIELD_IDS {pk: 1, sk: 2, _written_at: ${writtenAt}})`,
    );
    const puts = [{ uri: 'put', path: put, rows: 10_000 }];
    const match = await matchChanges(duck, { schema, keys: schema.keys, live, puts, deletes: [] });
    const expected = Math.ceil(ROWS / 7) - 1;
    expect(match.perFile).toEqual([{ uri: first.path, rows: ROWS, formerlyDeleted: 1, newlyDeleted: expected }]);
    await match.close();
  });

  test('fault 36: an object that is replaced meanwhile is noticed', async () => {
    const replaced = new Proxy(storage, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (name !== 'head') return typeof value === 'function' ? value.bind(target) : value;
        return async (key: string) => {
          const info = await target.head(key);
          await target.put(key, await readFile(locals[0] ?? ''));
          return info;
        };
      },
    });
    const refused = fetchColumns(replaced, duck, files.slice(0, 1), options());
    await expect(refused).rejects.toMatchObject({ code: 'TARGET_BAD', place: files[0]?.path });
  });

  test('fault 39: an object that is gone, or of another length, is named', async () => {
    const [first] = files;
    if (first === undefined) throw new Error('no file');
    const gone = { ...first, path: storage.uri('data/none.parquet') };
    await expect(fetchColumns(storage, duck, [gone], options())).rejects.toMatchObject({ found: 'nothing' });
    const longer = { ...first, sizeBytes: first.sizeBytes + 1 };
    await expect(fetchColumns(storage, duck, [longer], options())).rejects.toMatchObject({ code: 'TARGET_BAD' });
  });

  test('stay within the temporary budget, of which only fetched bytes count', async () => {
    const { bytes } = await fetchColumns(storage, duck, files, options());
    expect((await fetchColumns(storage, duck, files, options(bytes))).bytes).toBe(bytes);
    await expect(fetchColumns(storage, duck, files, options(bytes - 1))).rejects.toMatchObject({ code: 'TEMP_BUDGET' });
  });

  test('near ranges are one request, long ones several, and what is there is not asked for again', () => {
    const MB = 1024 * 1024;
    expect(
      requestsFor(
        [
          { start: 5_000, end: 6_000 },
          { start: 4, end: 1_000 },
        ],
        100 * MB,
      ),
    ).toEqual([{ start: 4, end: 6_000 }]);
    expect(requestsFor([{ start: 0, end: 9 * MB }], 100 * MB)).toEqual([
      { start: 0, end: 4 * MB },
      { start: 4 * MB, end: 8 * MB },
      { start: 8 * MB, end: 9 * MB },
    ]);
    expect(
      requestsFor(
        [
          { start: 0, end: 10 },
          { start: MB, end: MB + 10 },
          { start: 3 * MB, end: 4 * MB },
        ],
        MB + 5,
      ),
    ).toEqual([
      { start: 0, end: 10 },
      { start: MB, end: MB + 5 },
    ]);
  });
});
