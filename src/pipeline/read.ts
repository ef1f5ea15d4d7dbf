import { mkdir } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { catLines } from '../engine/duckdb/cat.ts';

import type { Duck } from '../engine/duckdb/instance.ts';
import { runQuery } from '../engine/duckdb/query.ts';
import { TailraceError } from '../model/errors.ts';
import type { RunContext, SyncOptions } from '../model/options.ts';
import type { QueryResult } from '../model/report.ts';
import type { DataFile, TableState } from '../model/table.ts';
import { openEngine } from './engine.ts';
import { type OpenTarget, openTarget } from './open.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

export type CatOptions = SyncOptions & { readonly as: 'ddb-json' | 'json'; readonly limit?: number };

interface Reading extends AsyncDisposable {
  readonly target: OpenTarget;
  readonly state: TableState;
  readonly files: readonly DataFile[];
  readonly workspace: Workspace;
  readonly duck: Duck;
}

/** The rows of one SELECT over the table, which is called t. `close` ends the query and removes what it fetched. */
export async function query(targetText: string, sql: string, options: SyncOptions, context: RunContext): Promise<QueryResult> {
  const reading = await open(targetText, options);
  try {
    const paths = await localPaths(reading, reading.files, options, context);
    const cursor = await runQuery(reading.duck, reading.state.schema, paths, sql, context.signal);
    return { columns: cursor.columns, rows: cursor.rows, close: async () => reading[Symbol.asyncDispose]() };
  } catch (thrown) {
    await reading[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** The table's items, a line each, file by file: never more than one file of a remote table is on this disk. */
export async function* cat(targetText: string, options: CatOptions, context: RunContext): AsyncGenerator<string> {
  const reading = await open(targetText, options);
  try {
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    for (const group of groups(reading)) {
      if (left <= 0) return;
      const paths = await localPaths(reading, group, options, context);
      const limit = Number.isFinite(left) ? { limit: left } : {};
      for await (const line of catLines(reading.duck, reading.state.schema, paths, { as: options.as, signal: context.signal, ...limit })) {
        left -= 1;
        yield line;
      }
    }
  } finally {
    await reading[Symbol.asyncDispose]();
  }
}

/** Local files are read together; remote ones one by one. */
function groups({ files, target }: Reading): (readonly DataFile[])[] {
  if (files.length === 0) return [];
  return target.storage.kind === 'local' ? [files] : files.map((file) => [file]);
}

async function open(text: string, options: SyncOptions): Promise<Reading> {
  const target = await openTarget(text, options);
  let workspace: Workspace | undefined;
  try {
    const state = await loadExisting(target);
    const files = await target.table.dataFiles();
    workspace = await openWorkspace(options.tempDir);
    const { close } = workspace;
    const duck = await openEngine(workspace, options);
    return {
      target, state, files, workspace, duck,
      [Symbol.asyncDispose]: async () => {
        duck.close();
        await close();
        await target.storage.close();
      },
    };
  } catch (thrown) {
    await workspace?.close();
    await target.storage.close();
    throw thrown;
  }
}

/** The state of a table that must be there. */
export async function loadExisting(target: OpenTarget): Promise<TableState> {
  const state = await target.table.load();
  if (state !== undefined) return state;
  throw new TailraceError('TARGET_NOT_FOUND', 'No table lies at the target.', {
    place: target.table.location, hint: 'tailrace sync <export> <target> makes one.',
  });
}

/** Where the engine reads these files: in place, or fetched to the workspace within the temporary budget. */
async function localPaths(
  { target, workspace }: Reading, files: readonly DataFile[], options: SyncOptions, context: RunContext,
): Promise<string[]> {
  const { storage } = target;
  const remote = files.filter((file) => storage.localPath(storage.key(file.path)) === undefined);
  const bytes = remote.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (bytes > options.tempBudgetBytes) {
    throw new TailraceError('TEMP_BUDGET', 'The table’s files do not fit the temporary budget.', {
      place: target.table.location, expected: `at most ${options.tempBudgetBytes} bytes`, found: `${bytes} bytes`, hint: 'Raise --temp-budget.',
    });
  }
  const paths: string[] = [];
  for (const [i, file] of files.entries()) {
    const key = storage.key(file.path);
    const local = storage.localPath(key) ?? (await fetched(storage, key, join(workspace.dir, 'files', `${i}.parquet`), context.signal));
    paths.push(local);
  }
  return paths;
}

async function fetched(storage: OpenTarget['storage'], key: string, path: string, signal: AbortSignal): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true });
  await pipeline(await storage.getStream(key, { signal }), createWriteStream(path), { signal });
  return path;
}
