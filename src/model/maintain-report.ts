import type { ReportError, RewriteReport, Warning } from './report.ts';

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
