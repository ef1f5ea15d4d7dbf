import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveOptions } from '../../src/config/resolve.ts';
import { sync } from '../../src/index.ts';
import type { SyncOptions } from '../../src/model/options.ts';
import type { TableSchema } from '../../src/model/schema.ts';
import { openTarget } from '../../src/pipeline/ends/open.ts';
import { normalFilter } from '../../src/schema/filter/normal.ts';
import { parseSince } from '../../src/schema/filter/since.ts';
import { parsePartition, parseSort } from '../../src/schema/partition-text.ts';
import type { DdbItem } from '../data/ion.ts';
import { writeExport } from '../data/make-export.ts';

export interface LoadOptions {
  readonly key: readonly string[];
  readonly partition?: string;
  readonly sort?: string;
  /** Where the table goes, if not beside its export: `s3://bucket`. */
  readonly root?: string;
  readonly change?: Partial<SyncOptions>;
}

/** A table that was just written: where readers open it, and the schema that it records. */
export interface Loaded {
  readonly format: 'iceberg' | 'parquet';
  readonly location: string;
  readonly schema: TableSchema;
}

/** Writes the items as an export below `folder`, and loads it into a table of this format there. */
export async function loadItems(
  folder: string,
  format: Loaded['format'],
  items: readonly DdbItem[],
  options: LoadOptions,
): Promise<Loaded> {
  await mkdir(folder, { recursive: true });
  const written = await writeExport(join(folder, 'export'), { items, filesCount: 3, emptyFirst: true });
  return loadExport(written.exportDir, folder, format, options);
}

/** Loads an export into a table of this format below `folder`. */
export async function loadExport(
  source: string,
  folder: string,
  format: Loaded['format'],
  options: LoadOptions,
): Promise<Loaded> {
  const target = `${format}:${options.root ?? folder}/as-${format}`;
  const defaults = resolveOptions([], { parsePartition, parseSort, normalFilter, parseSince });
  const syncOptions: SyncOptions = {
    ...defaults,
    schema: { ...defaults.schema, key: options.key },
    partition: options.partition === undefined ? [] : parsePartition(options.partition),
    sort: options.sort === undefined ? [] : parseSort(options.sort),
    threads: 2,
    ...options.change,
  };
  const context = { signal: new AbortController().signal, onProgress: () => {}, log: () => {} };
  const report = await sync(source, target, syncOptions, context);
  if (report.outcome !== 'committed' || report.readPath === undefined) throw new Error(JSON.stringify(report, null, 2));
  return { format, location: report.readPath, schema: await schemaAt(target, syncOptions) };
}

async function schemaAt(target: string, options: SyncOptions): Promise<TableSchema> {
  const opened = await openTarget(target, options);
  const state = await opened.table.load();
  await opened.storage.close();
  if (state === undefined) throw new Error(`no table at ${target}`);
  return state.schema;
}
