import type { ReportError, Warning } from './report.ts';

/** A statement of an IAM policy, as it stands in the policy. */
export interface PolicyStatement {
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: { readonly StringLike: { readonly 's3:prefix': readonly string[] } };
}

/** A refusal as AWS words it, taken apart. */
export interface Denial {
  /** Who was refused. */
  readonly principal?: string;
  /** Such as `glue:GetTable`. */
  readonly action: string;
  readonly resource?: string;
  /** `not granted`: a policy lacks it. `denied`: a policy forbids it, and no further grant helps. */
  readonly why?: 'not granted' | 'denied';
  /** The kind of the policy that lacks or forbids it: `identity-based policy`, `service control policy` … */
  readonly policy?: string;
}

/** One thing that a run needs, as it was found. */
export interface DoctorCheck {
  readonly end: 'source' | 'target' | 'run';
  /** What was tried, as part of a sentence: `list s3://lake/orders`. */
  readonly what: string;
  /** `untried`: it could not be tried without changing something, or because of what failed before. */
  readonly state: 'passed' | 'failed' | 'untried';
  /** What was found, or why it was not tried. */
  readonly found?: string;
  readonly error?: ReportError;
  /** Where AWS says what it denies. */
  readonly denial?: Denial;
  /** What AWS must grant for it. Absent: nothing, or nothing of AWS. */
  readonly needs?: readonly PolicyStatement[];
}

/** The stable JSON of one `doctor`. */
export interface DoctorReport {
  readonly outcome: 'ready' | 'failed';
  readonly source: string;
  readonly target: string;
  readonly checks: readonly DoctorCheck[];
  /** The policy that would grant what was refused; absent where nothing was, or where no grant helps. */
  readonly policy?: { readonly Version: '2012-10-17'; readonly Statement: readonly PolicyStatement[] };
  /** Objects that were written to try the target, and could not be removed. */
  readonly left: readonly string[];
  readonly timings: { readonly totalMs: number };
  readonly warnings: readonly Warning[];
  /** Of the first check that failed. */
  readonly error?: ReportError;
}

/** The stable JSON of a `doctor` of pipelines of tailrace.yaml. `outcome` is failed if any failed. */
export interface DoctorAllReport {
  readonly outcome: DoctorReport['outcome'];
  /** In the order of the file. */
  readonly tables: readonly (DoctorReport & { readonly table: string })[];
}
