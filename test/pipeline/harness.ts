import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import {
  cat,
  defaultOptions,
  inferSchema,
  type RunContext,
  type SchemaOptions,
  type SyncOptions,
  type SyncReport,
  showSchema,
  sync,
} from '../../src/index.ts';
import { canonicalItem, canonicalLine } from '../data/canonical.ts';
import type { DdbItem } from '../data/ion.ts';
import { type ExportOptions, type WrittenExport, writeExport } from '../data/make-export.ts';

export type Change = Partial<Omit<SyncOptions, 'schema'>> & { readonly schema?: Partial<SchemaOptions> };

/** Both targets; the order in which tests try them. */
export const FORMATS = ['iceberg', 'parquet'] as const;

/** A context that nobody listens to. */
export function quiet(): RunContext {
  return { signal: new AbortController().signal, onProgress: () => undefined, log: () => undefined };
}

/** The default options with some changed; the key is `pk` unless the test says otherwise. */
export function optionsWith(change: Change = {}): SyncOptions {
  const defaults = defaultOptions();
  return { ...defaults, threads: 2, ...change, schema: { ...defaults.schema, key: ['pk'], ...change.schema } };
}

export function freshFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tailrace-pipeline-'));
}

/** An export whose data files hold these items, one list a file. */
export async function exportOf(
  files: readonly (readonly DdbItem[])[],
  more: ExportOptions = {},
): Promise<WrittenExport> {
  const lines = files.map((items) => items.map((item) => `{"Item":${JSON.stringify(item)}}`));
  return writeExport(await freshFolder(), { files: lines, ...more });
}

/** Loads, and throws the whole report if that fails. */
export async function load(source: string, target: string, options: SyncOptions): Promise<SyncReport> {
  const report = await sync(source, target, options, quiet());
  if (report.outcome === 'failed') throw new Error(JSON.stringify(report.error, null, 2));
  return report;
}

/** The table's items as canonical texts, sorted. */
export async function catItems(target: string, options: SyncOptions): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of cat(target, { ...options, as: 'ddb-json' }, quiet())) lines.push(canonicalLine(line));
  return lines.sort();
}

export function canonicalItems(items: readonly DdbItem[]): string[] {
  return items.map(canonicalItem).sort();
}

/** A schema as its file says it, without comments and ids. */
export function plainSchema(yaml: string): unknown {
  return parse(yaml) as unknown;
}

/** What `schema infer` says of an export, and what the table that was loaded from it says of itself. */
export async function bothSchemas(
  source: string,
  target: string,
  options: SyncOptions,
): Promise<{ readonly inferred: unknown; readonly loaded: unknown }> {
  const inferred = await inferSchema(source, options, quiet());
  const loaded = await showSchema(target, options, quiet());
  return { inferred: plainSchema(inferred.yaml), loaded: plainSchema(loaded.yaml) };
}
