import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { catLines } from '../../../src/engine/duckdb/cat.ts';
import { type Duck, openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import type { TableSchema } from '../../../src/model/schema.ts';
import { SMALL } from './small.ts';
import { asFile, writeTable } from './table-file.ts';

type Rows = readonly Readonly<Record<string, string>>[];

/** A small engine and a folder for the tests of the block that calls it. */
export function smallEngine(): { duck: Duck; dir: string } {
  const engine = {} as { duck: Duck; dir: string };
  beforeAll(async () => {
    engine.duck = await openDuckDb(SMALL);
    engine.dir = mkdtempSync(join(tmpdir(), 'tailrace-engine-'));
  });
  afterAll(() => {
    engine.duck.close();
    rmSync(engine.dir, { recursive: true });
  });
  return engine;
}

/** The items of rows that are given as SQL expressions by column name, one line each, sorted. */
export async function catRows(
  { duck, dir }: { readonly duck: Duck; readonly dir: string },
  schema: TableSchema,
  rows: Rows,
  as: 'ddb-json' | 'json' = 'ddb-json',
): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of catLines(duck, schema, [asFile(await writeTable(duck, dir, schema, rows))], { as }))
    lines.push(line);
  return lines.sort();
}
