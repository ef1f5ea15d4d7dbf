import type { DoctorReport } from '../model/doctor.ts';
import type { LoadOptions, LoadReport } from '../model/load.ts';
import type { MaintainReport } from '../model/maintain-report.ts';
import type { PartitionRequest, RunContext, SyncOptions } from '../model/options.ts';
import type {
  DemoStep,
  EvolveReport,
  InspectReport,
  QueryResult,
  SchemaDiff,
  SchemaReport,
  SyncReport,
} from '../model/report.ts';
import type { SortField } from '../model/table.ts';

export type CatOptions = SyncOptions & { readonly as: 'ddb-json' | 'json'; readonly limit?: number };

export interface MaintainOptions extends SyncOptions {
  readonly expireSnapshotsMs?: number;
  readonly keepSnapshots?: number;
  readonly sweepOrphansMs?: number;
}

export type ColumnChange =
  | { readonly column: string; readonly type: string }
  | { readonly column: string; readonly split: true }
  | { readonly column?: string; readonly unrescue: true };

export interface EvolveOptions extends SyncOptions {
  readonly allowRescue?: boolean;
}

export interface InferOptions extends SyncOptions {
  readonly sample?: number | 'whole';
}

export interface DoctorOptions extends SyncOptions {
  readonly readOnly?: boolean;
}

/** What the command calls: all of it is exported by src/index.ts, so the library can do whatever the command can. */
export interface Library {
  sync(source: string, target: string, options: SyncOptions, context: RunContext): Promise<SyncReport>;
  inferSchema(source: string, options: InferOptions, context: RunContext): Promise<SchemaReport>;
  showSchema(end: string, options: SyncOptions, context: RunContext): Promise<SchemaReport>;
  diffSchema(a: string, b: string, options: SyncOptions, context: RunContext): Promise<SchemaDiff>;
  evolveSchema(
    target: string,
    changes: readonly ColumnChange[],
    options: EvolveOptions,
    context: RunContext,
  ): Promise<EvolveReport>;
  query(target: string, sql: string, options: SyncOptions, context: RunContext): Promise<QueryResult>;
  cat(target: string, options: CatOptions, context: RunContext): AsyncIterable<string>;
  inspect(end: string, options: SyncOptions, context: RunContext): Promise<InspectReport>;
  maintain(target: string, options: MaintainOptions, context: RunContext): Promise<MaintainReport>;
  load(input: string, target: string, options: LoadOptions, context: RunContext): Promise<LoadReport>;
  doctor(source: string, target: string, options: DoctorOptions, context: RunContext): Promise<DoctorReport>;
  demo(options: { readonly dir?: string }, context: RunContext): AsyncIterable<DemoStep>;
  parsePartition(text: string): readonly PartitionRequest[];
  parseSort(text: string): readonly SortField[];
  normalFilter(text: string): string;
  parseSince(text: string): string;
}

/** Loads the library only when a verb runs, so that help and version answer at once. */
export async function loadLibrary(): Promise<Library> {
  return import('../index.ts');
}
