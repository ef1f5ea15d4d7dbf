import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fieldIdsSql } from '../../../src/engine/duckdb/field-ids.ts';
import { openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import { emptyRelation } from '../../../src/engine/duckdb/read.ts';
import { str } from '../../../src/engine/sql/quote.ts';
import { schemaBuilder } from './nested-schema.ts';
import { SMALL } from './small.ts';

test('every level of a nested schema bears its id in the file', async () => {
  const { next, field, list, map, struct, table } = schemaBuilder();
  const text: { kind: 'string' } = { kind: 'string' };
  const schema = table(
    [
      field('pk', 'S', text),
      field(`a'b"c.d é`, 'N', { kind: 'long' }),
      field('tags', 'SS', list('S', text)),
      field('matrix', 'L', list('L', list('N', { kind: 'decimal', precision: 18, scale: 2 }))),
      field(
        'by_day',
        'M',
        map('M', struct(field('x', 'B', { kind: 'binary' }), field('y', 'L', list('BOOL', { kind: 'boolean' })))),
      ),
      field('deep', 'M', struct(field('geo', 'M', struct(field('la"t.x', 'N', { kind: 'double' }))))),
    ],
    { derived: [{ id: next(), name: 'pk_ts', from: 'pk', format: 'iso' }] },
  );
  const duck = await openDuckDb(SMALL);
  const dir = mkdtempSync(join(tmpdir(), 'tailrace-ids-'));
  const file = join(dir, 'a.parquet');
  await duck.run(`COPY (${emptyRelation(schema)}) TO ${str(file)} (FORMAT parquet, FIELD_IDS ${fieldIdsSql(schema)})`);
  const rows = await duck.rows(`select name, field_id from parquet_schema(${str(file)})`);
  const names = rows
    .filter((row) => row['field_id'] !== null)
    .map((row) => `${String(row['name'])} ${String(row['field_id'])}`);
  expect(names).toEqual([
    'pk 1',
    `a'b"c.d é 2`,
    'tags 4',
    'element 3',
    'matrix 7',
    'element 6',
    'element 5',
    'by_day 13',
    'key 11',
    'value 12',
    'x 8',
    'y 10',
    'element 9',
    'deep 16',
    'geo 15',
    'la"t.x 14',
    'pk_ts 17',
    '_rescued 18',
    '_written_at 19',
  ]);
  const missing = rows.filter((row) => row['field_id'] === null).map((row) => row['name']);
  expect(missing.filter((name) => name !== 'list' && name !== 'key_value')).toEqual(['duckdb_schema']);
  duck.close();
  rmSync(dir, { recursive: true });
});
