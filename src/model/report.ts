import type { ErrorCode } from './errors.ts';

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
  readonly position?: { readonly tableArn: string; readonly tableId: string; readonly watermark: string; readonly loads: number };
  readonly snapshot?: string;
  readonly schema: readonly ReportColumn[];
  readonly key: readonly string[];
  readonly timings: { readonly totalMs: number; readonly learnMs: number; readonly loadMs: number; readonly commitMs: number };
  readonly bytes: { readonly read: number; readonly written: number };
  readonly files: { readonly read: number; readonly written: number; readonly resumed: number };
  readonly peakMemoryBytes: number;
  readonly warnings: readonly Warning[];
  /** Folder that holds the rejected items, when there are any. */
  readonly rejects?: string;
  readonly error?: ReportError;
}
