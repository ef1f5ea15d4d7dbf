import { catLines } from '../engine/duckdb/cat.ts';

import type { Duck } from '../engine/duckdb/instance.ts';
import { runQuery } from '../engine/duckdb/query.ts';
import type { RunContext, SyncOptions } from '../model/options.ts';
import type { QueryResult } from '../model/report.ts';
import type { LiveFile, TableState } from '../model/table.ts';
import { openEngine } from './ends/engine.ts';
import { noTable } from './ends/no-table.ts';
import { exportInstead, type OpenTarget, openTarget } from './ends/open.ts';
import { openWorkspace, type Workspace } from './ends/workspace.ts';
import { fetchFiles } from './files/fetched.ts';

export type CatOptions = SyncOptions & { readonly as: 'ddb-json' | 'json'; readonly limit?: number };

interface Reading extends AsyncDisposable {
  readonly target: OpenTarget;
  readonly state: TableState;
  readonly files: readonly LiveFile[];
  readonly workspace: Workspace;
  readonly duck: Duck;
}

/** The rows of one SELECT over the table, which is called t. `close` ends the query and removes what it fetched. */
export async function query(
  targetText: string,
  sql: string,
  options: SyncOptions,
  context: RunContext,
): Promise<QueryResult> {
  const reading = await open(targetText, options);
  try {
    const files = await fetchFiles(
      reading.target.storage,
      reading.files,
      reading.workspace.dir,
      options.tempBudgetBytes,
      context.signal,
    );
    const cursor = await runQuery(reading.duck, reading.state.schema, files, sql, context.signal);
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
      const files = await fetchFiles(
        reading.target.storage,
        group,
        reading.workspace.dir,
        options.tempBudgetBytes,
        context.signal,
      );
      const limit = Number.isFinite(left) ? { limit: left } : {};
      for await (const line of catLines(reading.duck, reading.state.schema, files, {
        as: options.as,
        signal: context.signal,
        ...limit,
      })) {
        left -= 1;
        yield line;
      }
    }
  } finally {
    await reading[Symbol.asyncDispose]();
  }
}

/** Local files are read together; remote ones one by one. */
function groups({ files, target }: Reading): (readonly LiveFile[])[] {
  if (files.length === 0) return [];
  return target.storage.kind === 'local' ? [files] : files.map((file) => [file]);
}

async function open(text: string, options: SyncOptions): Promise<Reading> {
  const target = await openTarget(text, options, 'read');
  let workspace: Workspace | undefined;
  try {
    const state = await loadExisting(target);
    const files = await target.table.dataFiles();
    workspace = await openWorkspace(options.tempDir);
    const { close } = workspace;
    const duck = await openEngine(workspace, options);
    return {
      target,
      state,
      files,
      workspace,
      duck,
      [Symbol.asyncDispose]: async () => {
        duck.close();
        await close();
        await target.close();
      },
    };
  } catch (thrown) {
    await workspace?.close();
    await target.close();
    throw thrown;
  }
}

/** The state of a table that must be there. */
export async function loadExisting(target: OpenTarget): Promise<TableState> {
  const state = await target.table.load().catch(async (thrown: unknown) => {
    throw (await exportInstead(target)) ?? thrown;
  });
  if (state !== undefined) return state;
  throw (await exportInstead(target)) ?? noTable(target.table.location);
}
