/** Whole loads on this machine's disk, as the fault tests need them: an export, a table, and what became of them. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ColumnChange, cat, defaultOptions, query, sync } from '../../src/index.ts';
import type { RunContext, SyncOptions } from '../../src/model/options.ts';
import type { EvolveReport, SyncReport } from '../../src/model/report.ts';
import type { LiveFile, TableState } from '../../src/model/table.ts';
import { openTarget, type WrapStorage } from '../../src/pipeline/ends/open.ts';
import { evolveSchema } from '../../src/pipeline/evolve/evolve.ts';
import { syncThrough } from '../../src/pipeline/sync.ts';
import type { Reject } from '../../src/source/port.ts';
import { canonicalItem, canonicalLine } from '../data/canonical.ts';
import type { DdbItem } from '../data/ion.ts';
import { type ExportOptions, type WrittenExport, writeExport } from '../data/make-export.ts';

export const FORMATS = ['iceberg', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];

export interface LoadOptions extends Partial<Omit<SyncOptions, 'schema'>> {
  readonly key?: readonly string[];
  readonly schema?: Partial<SyncOptions['schema']>;
  readonly signal?: AbortSignal;
  readonly onProgress?: RunContext['onProgress'];
  /** Seen between the run and its storages. */
  readonly wrap?: WrapStorage;
}

/** A folder with an export, tables beside it, and a temporary and a rejects folder of their own; gone when disposed. */
export class World implements AsyncDisposable {
  readonly dir: string;
  /** Options of all runs and looks, such as catalogs. */
  always: Partial<SyncOptions> = {};

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async open(parent = tmpdir()): Promise<World> {
    return new World(await mkdtemp(join(parent, 'tailrace-world-')));
  }

  /** Writes an export; another name makes another one beside it. */
  export(options: ExportOptions, name = 'export'): Promise<WrittenExport> {
    return writeExport(join(this.dir, name), options);
  }

  target(format: Format, name = 'table'): string {
    return `${format}:${join(this.dir, `${name}-${format}`)}`;
  }

  options(options: LoadOptions = {}): SyncOptions {
    const { key = ['pk'], schema, signal: _signal, onProgress: _progress, wrap: _wrap, ...more } = options;
    const base = defaultOptions();
    return {
      ...base,
      threads: 2,
      memoryLimitBytes: 1024 ** 3,
      tempDir: this.temp,
      rejects: join(this.dir, 'rejects'),
      ...this.always,
      ...more,
      schema: { ...base.schema, key, ...schema },
    };
  }

  get temp(): string {
    return join(this.dir, 'temp');
  }

  /** One run, whatever becomes of it. */
  sync(source: string | WrittenExport, target: string, options: LoadOptions = {}): Promise<SyncReport> {
    const from = typeof source === 'string' ? source : source.exportDir;
    const context = contextOf(options.signal, options.onProgress);
    if (options.wrap === undefined) return sync(from, target, this.options(options), context);
    return syncThrough(options.wrap, from, target, this.options(options), context);
  }

  /** A run that must commit. */
  async load(source: string | WrittenExport, target: string, options: LoadOptions = {}): Promise<SyncReport> {
    const report = await this.sync(source, target, options);
    if (report.outcome !== 'committed') throw new Error(`not committed: ${JSON.stringify(report, null, 1)}`);
    return report;
  }

  /** A change of columns, whatever becomes of it. */
  evolve(
    target: string,
    changes: readonly ColumnChange[],
    { allowRescue, ...options }: LoadOptions & { readonly allowRescue?: boolean } = {},
  ): Promise<EvolveReport> {
    const given = { ...this.options(options), ...(allowRescue === undefined ? {} : { allowRescue }) };
    return evolveSchema(target, changes, given, contextOf(options.signal), options.wrap);
  }

  /** The table's lines as `cat` prints them. */
  async lines(target: string, options: LoadOptions = {}): Promise<string[]> {
    const lines: string[] = [];
    for await (const line of cat(target, { ...this.options(options), as: 'ddb-json' }, contextOf())) lines.push(line);
    return lines;
  }

  /** Rows of a query, each cell as text. */
  async query(target: string, sql: string): Promise<string[][]> {
    const result = await query(target, sql, this.options(), contextOf());
    const rows: string[][] = [];
    for await (const row of result.rows) rows.push(row.map(String));
    await result.close();
    return rows;
  }

  /** The table's items, each as canonical text, sorted. */
  async items(target: string, options: LoadOptions = {}): Promise<string[]> {
    return (await this.lines(target, options)).map(canonicalLine).sort();
  }

  async table(
    target: string,
  ): Promise<{ readonly state: TableState | undefined; readonly files: readonly LiveFile[] }> {
    const { table, storage } = await openTarget(target, this.options());
    try {
      const state = await table.load();
      return { state, files: state === undefined ? [] : await table.dataFiles() };
    } finally {
      await storage.close();
    }
  }

  /** All rejects that runs left, in the order of file and line. */
  async rejects(): Promise<Reject[]> {
    const folder = join(this.dir, 'rejects');
    const names = existsSync(folder) ? await readdir(folder, { recursive: true }) : [];
    const texts = await Promise.all(
      names
        .filter((name) => name.endsWith('.jsonl'))
        .sort()
        .map((name) => readFile(join(folder, name), 'utf8')),
    );
    const found = texts.flatMap((text) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Reject),
    );
    return found.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
  }

  /** Every file below the table's folder. */
  async filesOf(target: string): Promise<string[]> {
    const folder = folderOf(target);
    if (!existsSync(folder)) return [];
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  }

  /** What runs left in their temporary folder. */
  async leftovers(): Promise<string[]> {
    return existsSync(this.temp) ? readdir(this.temp, { recursive: true }) : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}

export function folderOf(target: string): string {
  return target.replace(/^\w+:/, '');
}

export function contextOf(
  signal = new AbortController().signal,
  onProgress: RunContext['onProgress'] = () => {},
): RunContext {
  return { signal, onProgress, log: () => {} };
}

/** Items as `World.items` gives them. */
export function canonical(items: readonly DdbItem[]): string[] {
  return items.map(canonicalItem).sort();
}

/** Files that a reader of the table's folder would take for data. */
export async function visibleData(world: World, target: string): Promise<string[]> {
  return (await world.filesOf(target)).filter((path) => path.endsWith('.parquet'));
}
