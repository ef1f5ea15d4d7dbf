import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyRows } from '../../../../src/engine/duckdb/copy.ts';
import { type Duck, openDuckDb } from '../../../../src/engine/duckdb/instance.ts';
import { candidateFiles, changedKeys } from '../../../../src/engine/duckdb/merge/candidates.ts';
import { tableColumns } from '../../../../src/engine/duckdb/read.ts';
import { ident, str } from '../../../../src/engine/sql/quote.ts';
import type { ColumnType } from '../../../../src/model/schema.ts';
import type { PartitionField } from '../../../../src/model/table.ts';
import { schemaBuilder } from '../nested-schema.ts';
import { SMALL } from '../small.ts';
import { asFile, writeTable } from '../table-file.ts';

const TYPES: readonly { readonly name: string; readonly type: ColumnType; readonly values: readonly string[] }[] = [
  { name: 'text', type: { kind: 'string' }, values: ['', 'a', 'Z', 'é', '😀', '\uffff', 'b'.repeat(40)].map(str) },
  {
    name: 'long',
    type: { kind: 'long' },
    values: ['-9223372036854775808', '-10', '-9', '9', '10', '9223372036854775807'],
  },
  {
    name: 'decimal',
    type: { kind: 'decimal', precision: 38, scale: 2 },
    values: ["'-0.5'", "'-10.25'", "'0'", "'0.05'", "'100'", "'9.99'", "'123456789012345678901234567890.5'"],
  },
  { name: 'number text', type: { kind: 'number-text' }, values: ["'-1'", "'10'", "'9'", "'9.5'"] },
  {
    name: 'binary',
    type: { kind: 'binary' },
    values: ["'\\x00'", "'\\xAB\\xCD'", "'\\xFF'", "'z'"].map((v) => `${v}::BLOB`),
  },
];

describe('files that may hold a changed key', () => {
  let duck: Duck;
  let dir: string;
  let outs = 0;
  beforeAll(async () => {
    duck = await openDuckDb(SMALL);
    dir = mkdtempSync(join(tmpdir(), 'tailrace-candidates-'));
  });
  afterAll(() => {
    duck.close();
    rmSync(dir, { recursive: true });
  });

  const PARTITIONS: readonly Omit<PartitionField, 'column'>[] = [
    { transform: 'identity', name: 'pk' },
    { transform: 'bucket', width: 4, name: 'pk_bucket' },
    { transform: 'truncate', width: 2, name: 'pk_trunc' },
  ];

  test.each(TYPES)(
    'none that holds one is left out, and what bounds and partitions rule out is: $name',
    async ({ type, values }) => {
      const { field, table } = schemaBuilder();
      const schema = table([field('pk', 'S', type)], { keys: ['pk'] });
      const stage = async (rows: readonly string[], partition: readonly PartitionField[]) => {
        const columns = tableColumns(schema).map(
          ({ name, type: sql }) => `CAST(${name === 'pk' ? 'v' : 'NULL'} AS ${sql}) AS ${ident(name)}`,
        );
        const select = `SELECT ${columns.join(', ')} FROM (VALUES ${rows.map((row) => `(${row})`).join(', ')}) AS t(v)`;
        return copyRows(duck, select, {
          schema,
          partition,
          sort: [],
          outDir: join(dir, `${outs++}`),
          targetFileSizeBytes: 1e8,
        });
      };
      const some = fc.subarray([...values], { minLength: 1 });
      await fc.assert(
        fc.asyncProperty(
          fc.array(some, { minLength: 1, maxLength: 3 }),
          some,
          fc.constantFrom(undefined, ...PARTITIONS),
          async (files, changes, how) => {
            const partition = how === undefined ? [] : [{ ...how, column: 'pk' }];
            const live = (await Promise.all(files.map((rows) => stage(rows, partition)))).flat();
            const put = await writeTable(
              duck,
              dir,
              schema,
              changes.map((pk) => ({ pk })),
            );
            const changed = await changedKeys(
              duck,
              { schema, keys: ['pk'], puts: [asFile(put)], deletes: [] },
              { schema, partition },
            );
            const kept = new Set(candidateFiles(live, changed, { schema, keys: ['pk'], partition }));
            for (const file of live) {
              const [row] = await duck.rows(
                `SELECT count_if(pk IN (SELECT pk FROM ${str(put)})) AS hits, max(pk) < (SELECT min(pk) FROM ${str(put)}) AS below,
             min(pk) > (SELECT max(pk) FROM ${str(put)}) AS above FROM read_parquet(${str(file.path)}, hive_partitioning = false)`,
              );
              if (Number(row?.['hits']) > 0) expect(kept.has(file)).toBe(true);
              if (row?.['below'] === true || row?.['above'] === true) expect(kept.has(file)).toBe(false);
              // By its identity a partition holds one key.
              if (how?.transform === 'identity' && Number(row?.['hits']) === 0) expect(kept.has(file)).toBe(false);
            }
          },
        ),
        { numRuns: 6 },
      );
    },
    120_000,
  );

  test('a file without bounds, and a partition by another column, rule nothing out', async () => {
    const { field, table } = schemaBuilder();
    const schema = table([field('pk', 'S', { kind: 'string' }), field('n', 'N', { kind: 'long' })], { keys: ['pk'] });
    const put = await writeTable(duck, dir, schema, [{ pk: "'m'" }]);
    const partition: readonly PartitionField[] = [{ column: 'n', transform: 'identity', name: 'n' }];
    const changed = await changedKeys(
      duck,
      { schema, keys: ['pk'], puts: [asFile(put)], deletes: [] },
      { schema, partition },
    );
    expect(changed.partitions.size).toBe(0);
    const file = { path: 'x', rows: 1, sizeBytes: 1, partition: [7n], stats: {}, splitOffsets: [] };
    const stats = (min?: string, max?: string) => ({
      ...file,
      stats: {
        1: {
          valueCount: 1,
          nullCount: 0,
          sizeBytes: 1,
          ...(min === undefined ? {} : { min }),
          ...(max === undefined ? {} : { max }),
        },
      },
    });
    const files = [
      file,
      stats(),
      stats('a'),
      stats('n'),
      stats(undefined, 'z'),
      stats(undefined, 'l'),
      stats('m', 'm'),
    ];
    const kept = candidateFiles(files, changed, { schema, keys: ['pk'], partition });
    expect(kept.map((each) => files.indexOf(each))).toEqual([0, 1, 2, 4, 6]);
  });
});
