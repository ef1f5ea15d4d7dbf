import type { ErrorCode } from './errors.ts';
import type { DynamoInspection, ScanReport } from './scan-report.ts';
import type { Tag } from './schema.ts';
import type { Ledger, LedgerEntry, TableMode, TableOptions, TimeRange } from './table.ts';

export type { ScanReport };

/** read = written + deleted + unchanged + filtered + rejected; rescued counts rows with a rescue. */
export interface Counts {
  readonly read: number;
  readonly written: number;
  readonly deleted: number;
  readonly unchanged: number;
  readonly filtered: number;
  readonly rejected: number;
  readonly rescued: number;
}

export interface ReportColumn {
  readonly name: string;
  /** Attribute path, e.g. `address.city`; undefined for system columns. */
  readonly attribute?: string;
  readonly tag?: string;
  /** Type in the table, e.g. `decimal(18,4)`, `list<string>`. */
  readonly type: string;
  readonly id: number;
}

export interface Warning {
  readonly code: string;
  readonly text: string;
}

export interface ReportError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly expected?: string;
  readonly found?: string;
  readonly place?: string;
  readonly hint?: string;
}

/** The stable JSON of one `sync`. */
export interface SyncReport {
  readonly outcome: 'committed' | 'unchanged' | 'failed' | 'planned';
  readonly source: string;
  readonly target: string;
  readonly format?: 'iceberg' | 'parquet';
  /** Where readers open the table: the metadata file's folder, or the Parquet generation's folder. */
  readonly readPath?: string;
  readonly counts: Counts;
  /** The condition that items had to meet; absent: none. */
  readonly filter?: string;
  /** What the run would read; only when planned. */
  readonly plan?: {
    readonly items: number;
    readonly files: number;
    readonly bytes: number;
    /** Items that were looked at: all that the columns of a plan rest on. */
    readonly seen: number;
  };
  /** Of a run that reads the table itself. */
  readonly scan?: ScanReport;
  /** What becomes of each export at the source; absent where it was not looked for more than one. */
  readonly chain?: ChainReport;
  /** Exports that this run put into the table, each in a commit of its own; a failed run may have, too. */
  readonly applied: number;
  readonly position?: {
    readonly tableArn: string;
    readonly tableId: string;
    readonly watermark: string;
    /** Exports that the table holds: the full one and all windows. */
    readonly loads: number;
    readonly mode: TableMode;
    /** Times of which no window was applied, as accepted. */
    readonly gaps: readonly TimeRange[];
    /** Rows that rejected changes may have left as they were: as many at most. */
    readonly stale: number;
  };
  readonly snapshot?: string;
  readonly schema: readonly ReportColumn[];
  readonly key: readonly string[];
  readonly timings: {
    readonly totalMs: number;
    readonly learnMs: number;
    readonly loadMs: number;
    /** Matching changes with the table, and writing deletes; 0 for full exports. */
    readonly mergeMs: number;
    readonly commitMs: number;
    readonly upkeepMs: number;
  };
  readonly bytes: { readonly read: number; readonly written: number };
  readonly files: { readonly read: number; readonly written: number; readonly resumed: number };
  /** Absent where none was done. */
  readonly upkeep?: UpkeepReport;
  readonly peakMemoryBytes: number;
  readonly warnings: readonly Warning[];
  /** Folder that holds the rejected items, when there are any. */
  readonly rejects?: string;
  readonly error?: ReportError;
}

/** Data files that were written anew: small ones joined, deleted rows left out. */
export interface RewriteReport {
  readonly filesBefore: number;
  readonly bytesBefore: number;
  /** Absent in a plan. */
  readonly filesAfter?: number;
  readonly bytesAfter?: number;
  /** Rows that had been deleted, and are now in no file. */
  readonly deletedRows?: number;
  /** Files that would be written anew, but for the limits. */
  readonly left: number;
}

/** Upkeep within a sync. */
export interface UpkeepReport {
  readonly rewritten: RewriteReport;
  /** Former metadata files that are gone; of Parquet tables, replaced generations and what killed loads left. */
  readonly removed: { readonly files: number; readonly bytes: number };
}

/** What `schema evolve` makes of one column of an attribute, or of one that comes or goes. */
export interface ColumnEvolution {
  /** Attribute path, as in ReportColumn. */
  readonly attribute: string;
  /** `grown`: the same column with more digits. `retyped`: another one in its place. `kept`: only values move into it. */
  readonly change: 'added' | 'removed' | 'retyped' | 'grown' | 'renamed' | 'kept';
  /** Absent: there was none. */
  readonly before?: ReportColumn;
  /** Absent: there is none any more. */
  readonly after?: ReportColumn;
}

/** The stable JSON of one `schema evolve`. */
export interface EvolveReport {
  readonly outcome: 'committed' | 'unchanged' | 'failed' | 'planned';
  readonly target: string;
  readonly format?: 'iceberg' | 'parquet';
  readonly snapshot?: string;
  /** Of the attributes that were named. */
  readonly columns: readonly ColumnEvolution[];
  /** Values of these attributes: out of `_rescued` into a column, out of a column into `_rescued`, and those that stay there. */
  readonly values: { readonly moved: number; readonly rescued: number; readonly left: number };
  /** Data files: how many the table has, how many are written anew and their bytes, and what they become. */
  readonly files: {
    readonly total: number;
    readonly rewritten: number;
    readonly bytes: number;
    /** Absent in a plan. */
    readonly written?: number;
    readonly bytesWritten?: number;
  };
  readonly timings: { readonly totalMs: number };
  readonly peakMemoryBytes: number;
  readonly warnings: readonly Warning[];
  readonly error?: ReportError;
}

/** The stable JSON of a `sync` that ran pipelines of tailrace.yaml. `outcome` is failed if any run failed. */
export interface SyncAllReport {
  readonly outcome: SyncReport['outcome'];
  /** In the order of the file. Those after an interruption are missing. */
  readonly tables: readonly (SyncReport & { readonly table: string })[];
}

/** A column with the decision that led to it. */
export interface SchemaReportColumn extends ReportColumn {
  /** Why this type: one sentence. */
  readonly reason: string;
  /** How many values of each type tag were seen; empty for a table whose data was not read again. */
  readonly counts: Readonly<Partial<Record<Tag, number>>>;
  /** One value as DynamoDB JSON, cut to a readable length. */
  readonly example?: string;
}

/** What `schema infer` and `schema show` say. */
export interface SchemaReport {
  /** The end that was named, as it was named. */
  readonly end: string;
  readonly columns: readonly SchemaReportColumn[];
  /** Key columns, partition key first; empty when unknown. */
  readonly key: readonly string[];
  /** Items that the decisions rest on. */
  readonly items: number;
  readonly warnings: readonly Warning[];
  /** The schema as a file: ours, the flat form, and a Hive DDL statement. */
  readonly yaml: string;
  readonly flat: string;
  readonly hiveDdl: string;
}

/** One difference between two schemas. `path` is a column, or a field within one: `address.city`. */
export interface SchemaChange {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'type' | 'origin' | 'key';
  readonly from?: string;
  readonly to?: string;
}

/** What `schema diff` says: what would have to change in `a` to become `b`. */
export interface SchemaDiff {
  readonly a: string;
  readonly b: string;
  readonly changes: readonly SchemaChange[];
}

/** One export of a chain, and what becomes of it. */
export interface ChainExport {
  /** `next`: to be applied, or applied by this run. */
  readonly state: 'next' | 'waiting' | 'skipped';
  readonly kind: 'full' | 'window';
  readonly exportArn: string;
  readonly uri: string;
  /** ISO times; the same twice for a full export. */
  readonly from: string;
  readonly to: string;
  readonly items: number;
  /** An accepted gap before it. */
  readonly gapBefore?: TimeRange;
  /** It begins within the minute before the full export's time, so that the two are not proven to meet. */
  readonly withinMinute?: true;
  /** Why it is skipped: a word for scripts, and a sentence for people. */
  readonly reason?: string;
  readonly text?: string;
}

/** The exports of one table: those to apply in their order, then those that wait, then those that are skipped. */
export interface ChainReport {
  readonly tableArn: string;
  readonly tableId: string;
  readonly tableName: string;
  readonly exports: readonly ChainExport[];
  /** Time that no export covers, where the chain stops. */
  readonly gap?: TimeRange;
  /** Calls of the AWS command line that export the missing windows. */
  readonly close?: readonly string[];
  /** Why a run stops behind the exports to apply. */
  readonly stops?: ReportError;
}

/** What `inspect` says of a folder above several exports, from their summaries alone. */
export interface ChainInspection {
  readonly kind: 'chain';
  readonly uri: string;
  /** One for each table, as a load into a new table would take its exports. */
  readonly chains: readonly ChainReport[];
  readonly warnings: readonly Warning[];
}

/** What `inspect` says of an export, from its manifests alone. */
export interface ExportInspection {
  readonly kind: 'export';
  readonly uri: string;
  readonly exportArn: string;
  /** Of a full export. */
  readonly exportTime?: string;
  /** Of an incremental export: its window, and the images that its lines hold. */
  readonly from?: string;
  readonly to?: string;
  readonly view?: 'NEW_AND_OLD_IMAGES' | 'NEW_IMAGE';
  readonly tableArn: string;
  readonly tableId: string;
  readonly tableName: string;
  readonly format: 'DYNAMODB_JSON' | 'ION';
  readonly items: number;
  readonly files: { readonly count: number; readonly empty: number; readonly bytes: number };
  readonly warnings: readonly Warning[];
}

/** What `inspect` says of a table, from its metadata alone. */
export interface TableInspection {
  readonly kind: 'table';
  readonly format: 'iceberg' | 'parquet';
  readonly uri: string;
  /** Where readers open the table. */
  readonly readPath: string;
  readonly snapshot?: string;
  readonly rows: number;
  readonly files: { readonly count: number; readonly bytes: number };
  readonly key: readonly string[];
  readonly schema: readonly ReportColumn[];
  /** As on the command line: `day(created_at)`. */
  readonly partition: readonly string[];
  readonly sort: readonly string[];
  /** Options that its columns follow from, by name, where they are not the defaults; later loads keep them. */
  readonly options: TableOptions;
  /** Absent: a table that tailrace did not write. */
  readonly ledger?: {
    readonly tableArn: string;
    readonly tableId: string;
    readonly watermark: string;
    readonly commitId: string;
    readonly entries: readonly LedgerEntry[];
    readonly mode: NonNullable<Ledger['mode']>;
    /** Rows that rejected changes may have left as they were: as many at most. */
    readonly stale: number;
    readonly covered?: NonNullable<Ledger['covered']>;
    readonly gaps?: readonly TimeRange[];
  };
  readonly warnings: readonly Warning[];
}

/** What `inspect` says of a catalog, or of one of its namespaces. */
export interface CatalogInspection {
  readonly kind: 'catalog';
  readonly catalog: string;
  readonly type: string;
  /** Parts are joined by dots. */
  readonly namespaces: readonly string[];
  readonly tables: readonly { readonly namespace: string; readonly name: string; readonly format: string }[];
  readonly warnings: readonly Warning[];
}

export type InspectReport = ExportInspection | ChainInspection | TableInspection | CatalogInspection | DynamoInspection;

/** One step of `demo`, printed in order. */
export interface DemoStep {
  readonly title: string;
  readonly text: string;
}

/**
 * Rows of a query, as they come. A cell is null, a boolean, a string, a number, a bigint, a Uint8Array, a list or a
 * plain object (or Map) of cells, or an object whose toString gives its exact text (decimals, times).
 */
export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: AsyncIterable<readonly unknown[]>;
  close(): Promise<void>;
}
