import type { ReportError, Warning } from './report.ts';

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

/** The stable JSON of one `maintain`. */
export interface MaintainReport {
  readonly outcome: 'committed' | 'unchanged' | 'failed' | 'planned';
  readonly target: string;
  readonly format?: 'iceberg' | 'parquet';
  readonly snapshot?: string;
  readonly rewritten: RewriteReport;
  /** Whether small manifests were joined in a commit of their own; those of rewritten files are joined anyway. */
  readonly manifestsJoined: boolean;
  /** Former metadata files that are gone. */
  readonly retired: { readonly files: number; readonly bytes: number };
  /** Only where it was asked for. */
  readonly expired?: {
    readonly snapshots: number;
    readonly files: number;
    /** Branches and tags that outlived their own age; absent: none. */
    readonly refs?: readonly string[];
  };
  /** Only where it was asked for: what nothing names any more; of Parquet tables, replaced generations, too. */
  readonly swept?: { readonly files: number; readonly bytes: number };
  readonly timings: { readonly totalMs: number };
  readonly peakMemoryBytes: number;
  readonly warnings: readonly Warning[];
  readonly error?: ReportError;
}
