import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { catLines } from '../../src/engine/duckdb/cat.ts';
import type { Duck } from '../../src/engine/duckdb/instance.ts';
import { ident, list } from '../../src/engine/sql/quote.ts';
import type { SyncOptions } from '../../src/index.ts';
import type { OnDrift } from '../../src/model/options.ts';
import type { TableSchema } from '../../src/model/schema.ts';
import { openEngine } from '../../src/pipeline/ends/engine.ts';
import { Learner } from '../../src/pipeline/learn/learner.ts';
import { linesOf } from '../../src/pipeline/learn/lines.ts';
import { Journal } from '../../src/pipeline/load/journal.ts';
import { Loader, type LoadResult } from '../../src/pipeline/load/load.ts';
import { openExport } from '../../src/source/export/open.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import { openIcebergTable } from '../../src/table/iceberg/open.ts';
import { openParquetTable } from '../../src/table/parquet/table.ts';
import type { DdbItem } from '../data/ion.ts';
import { type WindowChange, writeWindow } from '../data/make-window.ts';
import { freshFolder, quiet } from './harness.ts';

export const WINDOW = { from: '2026-03-01T12:00:00Z', to: '2026-03-01T12:15:00Z' } as const;

/** What one load of an export came to, with an engine to look into its files. */
export interface Loaded extends LoadResult {
  readonly duck: Duck;
  readonly rejects: readonly { readonly reason: string; readonly text: string }[];
  readonly dir: string;
}

/** Loads an export in this folder into files of a new table, or of one with this schema, without any commit. */
export async function loadExport(
  exportDir: string,
  options: SyncOptions,
  more: { recorded?: TableSchema; onDrift?: OnDrift; dir?: string; format?: 'iceberg' | 'parquet' } = {},
): Promise<Loaded> {
  const dir = more.dir ?? (await freshFolder());
  const source = localStorage('/');
  const target = localStorage(dir);
  const from = await openExport(source, exportDir.slice(1));
  const duck = await openEngine({ dir: join(dir, 'temp'), close: async () => undefined }, options);
  const learner = new Learner({
    schema: options.schema,
    partition: options.partition,
    sort: options.sort,
    recorded: more.recorded,
    file: undefined,
    lines: linesOf(from, options.schema, more.recorded),
    onDrift: more.onDrift ?? 'rewrite',
  });
  await mkdir(join(dir, 'work'), { recursive: true });
  const loader = new Loader({
    duck,
    source,
    export: from,
    target,
    table: more.format === 'parquet' ? openParquetTable(target, target.uri('t')) : openIcebergTable(target, 't'),
    learner,
    journal: new Journal(target, 't', 'load-1'),
    commitId: '11111111-1111-4111-8111-111111111111',
    runId: 'run',
    options,
    workDir: join(dir, 'work'),
    rejectsDir: join(dir, 'rejects'),
    context: quiet(),
  });
  const result = await loader.run();
  return { ...result, duck, dir, rejects: await rejectsOf(join(dir, 'rejects')) };
}

/** Loads the window of these changes, or of these lines. */
export async function loadWindow(
  changes: readonly WindowChange[] | { readonly lines: readonly string[] },
  options: SyncOptions,
  more: Parameters<typeof loadExport>[2] & {
    format_?: 'ION';
    view?: 'NEW_IMAGE' | 'NEW_AND_OLD_IMAGES';
    filesCount?: number;
  } = {},
): Promise<Loaded> {
  const what = 'lines' in changes ? changes : { changes };
  const { exportDir } = await writeWindow(await freshFolder(), {
    ...WINDOW,
    ...what,
    ...(more.view === undefined ? {} : { view: more.view }),
    ...(more.format_ === undefined ? {} : { format: more.format_ }),
    ...(more.filesCount === undefined ? {} : { filesCount: more.filesCount }),
  });
  return loadExport(exportDir, options, more);
}

/** Lines of the loaded rows, as `cat` prints them. */
export async function catLoaded({ duck, layout, files, dir }: Loaded): Promise<string[]> {
  const lines: string[] = [];
  const paths = files.map((file) => ({ uri: file.path, path: localPath(dir, file.path) }));
  for await (const line of catLines(duck, layout.schema, paths, { as: 'ddb-json' })) lines.push(line);
  return lines;
}

/** `_written_at` in microseconds by the text of the key columns, of rows or of deleted keys. */
export async function timesOf(
  { duck, layout, dir }: Loaded,
  files: readonly { readonly path: string }[],
): Promise<Map<string, bigint>> {
  if (files.length === 0) return new Map();
  const keys = layout.schema.keys.map((name) => `${ident(name)}::VARCHAR`).join(` || '|' || `);
  const paths = list(files.map((file) => localPath(dir, file.path)));
  const rows = await duck.rows(
    `SELECT ${keys} AS k, epoch_us(_written_at)::VARCHAR AS at FROM read_parquet(${paths}, hive_partitioning=false)`,
  );
  return new Map(rows.map((row) => [String(row['k']), BigInt(String(row['at']))]));
}

export function localPath(dir: string, uri: string): string {
  return localStorage(dir).localPath(localStorage(dir).key(uri)) ?? uri;
}

async function rejectsOf(dir: string): Promise<{ reason: string; text: string }[]> {
  const { readdir } = await import('node:fs/promises');
  const batches = await readdir(dir).catch(() => []);
  const texts = await Promise.all(
    batches.map((batch) => readFile(join(dir, batch, 'rejects.jsonl'), 'utf8').catch(() => '')),
  );
  return texts.flatMap((text) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { reason: string; text: string }),
  );
}

/** A change of the item with this key, `at` microseconds after some time. */
export function change(at: number, pk: string, image?: DdbItem, old?: DdbItem): WindowChange {
  return {
    at: 1_768_387_654_353_205n + BigInt(at),
    keys: { pk: { S: pk } },
    ...(image === undefined ? {} : { new: { pk: { S: pk }, ...image } }),
    ...(old === undefined ? {} : { old: { pk: { S: pk }, ...old } }),
  };
}
