import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import type { CatalogTable, TableName } from '../../src/catalog/port.ts';
import type { CatalogSettings } from '../../src/model/catalog.ts';
import { icebergTable } from '../../src/table/iceberg/open.ts';
import { fileOf, stagedOf } from '../table/iceberg/sample.ts';

/** Commits of each of the two processes. */
export const COMMITS = Number(process.env.TAILRACE_COMMITS ?? 50);

const WRITER = ['--import', 'tsx', join(import.meta.dirname, 'writer.ts')];

/**
 * Makes a table, and lets two processes commit to it at once, each as fast as it can: none of their commits is lost, none
 * is there twice. `there`: the table as this process has it.
 */
export async function tryTwoProcesses(settings: CatalogSettings, name: TableName, there: CatalogTable): Promise<void> {
  const handle = icebergTable(there);
  const first = fileOf(there.storage.uri(`${there.folder}/data/first.parquet`));
  expect(await handle.commit(stagedOf('first', { files: [first] }), undefined)).toMatchObject({ kind: 'committed' });
  const write = async (writer: string): Promise<Record<string, number>> => {
    const words = [...WRITER, JSON.stringify(settings), name.namespace.join('.'), name.table, writer, String(COMMITS)];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    return JSON.parse(stdout) as Record<string, number>;
  };
  const outcomes = await Promise.all([write('a'), write('b')]);
  for (const { committed, unknown } of outcomes) expect({ committed, unknown }).toEqual({ committed: COMMITS });
  const files = (await handle.dataFiles()).map(({ path }) => path);
  expect(files.length).toBe(2 * COMMITS + 1);
  expect(new Set(files).size).toBe(files.length);
  expect((await handle.load())?.rows).toBe(3 * files.length);
}
