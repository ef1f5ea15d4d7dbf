import type { Compaction } from '../../maintain/compact.ts';
import type { TailraceError } from '../../model/errors.ts';
import { staleRows } from '../../model/ledger.ts';
import type { SyncOptions } from '../../model/options.ts';
import type { ScanReport, SyncReport, Warning } from '../../model/report.ts';
import type { TableSchema } from '../../model/schema.ts';
import type {
  CommitOutcome,
  DataFile,
  Ledger,
  Removed,
  StagedCommit,
  TableHandle,
  TableState,
} from '../../model/table.ts';
import type { Export } from '../../source/port.ts';
import { readPath } from '../../table/parquet/table.ts';
import type { ChainPlan } from '../chain/chain.ts';
import type { OptionChange } from '../ends/keep.ts';
import type { Layout } from '../learn/learner.ts';
import type { LoadResult } from '../load/load.ts';
import type { Merged } from '../window/merge.ts';
import { chainReport, reportErrorOf } from './chain-report.ts';
import { reportColumns } from './columns.ts';
import { staleText } from './stale.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Collects what a run did, so that the report is whole however the run ends. */
export class Reporter {
  readonly #started = performance.now();
  readonly #report: Mutable<SyncReport>;
  readonly #warnings: Warning[] = [];
  readonly #ms = { learn: 0, load: 0, merge: 0, commit: 0, upkeep: 0 };
  #export: Export | undefined;
  #rejectedChanges = 0;
  #location = '';
  /** Exports that are in the table by this run. */
  get applied(): number {
    return this.#report.applied;
  }

  /** True from the moment that the commit may have reached the store. */
  committing = false;

  constructor(source: string, target: string) {
    this.#report = {
      outcome: 'failed',
      source,
      target,
      applied: 0,
      schema: [],
      key: [],
      warnings: this.#warnings,
      peakMemoryBytes: 0,
      counts: { read: 0, written: 0, deleted: 0, unchanged: 0, filtered: 0, rejected: 0, rescued: 0 },
      timings: { totalMs: 0, learnMs: 0, loadMs: 0, mergeMs: 0, commitMs: 0, upkeepMs: 0 },
      bytes: { read: 0, written: 0 },
      files: { read: 0, written: 0, resumed: 0 },
    };
  }

  warn(code: string, text: string): void {
    this.#warnings.push({ code, text });
  }

  export(from: Export): void {
    this.#export = from;
    for (const { code, text } of from.warnings) this.warn(code, text);
  }

  table(table: TableHandle): void {
    this.#report.format = table.format;
    this.#location = table.location;
    this.#report.readPath = table.location;
  }

  /** What the table holds before the run, which is all there is to say when nothing changes. */
  base(base: TableState): void {
    this.#report.schema = reportColumns(base.schema);
    this.#report.key = base.schema.keys;
    if (base.snapshot !== undefined) this.#report.snapshot = base.snapshot;
    if (base.ledger !== undefined) this.#report.position = position(base.ledger);
    if (base.format === 'parquet') this.#report.readPath = readPath(base);
    this.filter(String(base.options?.['filter'] ?? ''));
  }

  /** Options that are others than the table was made with, and what the run makes of them. */
  changes(changes: readonly OptionChange[], run: 'remakes' | 'applies windows' | 'scans' | 'changes nothing'): void {
    const [now, later] = [[] as OptionChange[], [] as OptionChange[]];
    for (const change of changes)
      (run === 'remakes' || (run === 'applies windows' && change.byWindow) ? now : later).push(change);
    for (const { flag, before, now: to } of now)
      this.warn('option-changed', `${flag} changes from ${before} to ${to}.`);
    if (later.length === 0) return;
    const list = later.map(({ flag, before, now: to }) => `${flag} was ${before} and is now ${to}`).join('; ');
    const what =
      run === 'changes nothing'
        ? '--replace applies them.'
        : run === 'scans'
          ? 'A scan follows what the table was made with; a new target, or a full export with --replace, applies the others.'
          : 'Windows follow what the table was made with; a full export with --replace applies the others.';
    this.warn('options-differ', `The table was made with other options: ${list}. ${what}`);
  }

  /** The condition that items must meet; empty: none. */
  filter(filter: string): void {
    if (filter === '') delete this.#report.filter;
    else this.#report.filter = filter;
  }

  /** Whether the run reads the table itself. */
  get scans(): boolean {
    return this.#report.scan !== undefined;
  }

  /** What the scan did until now. */
  scan(scan: ScanReport): void {
    this.#report.scan = scan;
  }

  /** Bytes of a scan's lines. */
  bytesRead(bytes: number): void {
    this.#report.bytes = { ...this.#report.bytes, read: this.#report.bytes.read + bytes };
  }

  key(key: readonly string[]): void {
    if (key.length > 0) return;
    this.warn('key-unknown', 'The table’s key is unknown, so the table has no identifier fields. Name it with --key.');
  }

  async timed<T>(phase: 'load' | 'merge' | 'commit' | 'upkeep', work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    this.committing = phase === 'commit';
    try {
      return await work();
    } finally {
      this.#ms[phase] += performance.now() - started;
    }
  }

  loaded(loaded: LoadResult, rejectsDir: string, options: SyncOptions): void {
    const { read, rejected, filtered } = loaded;
    const written = read - rejected - filtered;
    this.#load(loaded, loaded.files, { written, deleted: 0, unchanged: 0, filtered }, rejectsDir);
    if (options.schema.numbers === 'double')
      this.warn('numbers-double', 'Numbers are stored as double, as asked: digits beyond the 15th are lost.');
  }

  /** A window that is in the table. */
  window(loaded: LoadResult, merged: Merged, rejectsDir: string): void {
    const changed = { ...merged.counts, filtered: loaded.filtered + (merged.counts.filtered ?? 0) };
    this.#rejectedChanges += loaded.rejected;
    this.#load(loaded, [...merged.files, ...merged.deletes], changed, rejectsDir);
  }

  /** Adds what one export came to, to what those before it did. */
  #load(
    loaded: LoadResult,
    written: readonly { readonly sizeBytes: number }[],
    changed: Pick<SyncReport['counts'], 'written' | 'deleted' | 'unchanged' | 'filtered'>,
    rejectsDir: string,
  ): void {
    const { read, rejected, rescued } = loaded;
    const { counts, bytes, files } = this.#report;
    this.#report.counts = {
      read: counts.read + read,
      written: counts.written + changed.written,
      deleted: counts.deleted + changed.deleted,
      unchanged: counts.unchanged + changed.unchanged,
      filtered: counts.filtered + changed.filtered,
      rejected: counts.rejected + rejected,
      rescued: counts.rescued + rescued,
    };
    const sizes = written.reduce((sum, file) => sum + file.sizeBytes, 0);
    this.#report.bytes = { read: bytes.read + loaded.bytesRead, written: bytes.written + sizes };
    this.#report.files = {
      read: files.read + (this.#export?.files.length ?? 0),
      written: files.written + written.length,
      resumed: files.resumed + loaded.resumedFiles,
    };
    this.#report.schema = reportColumns(loaded.layout.schema);
    this.#report.key = loaded.layout.schema.keys;
    this.#ms.learn += loaded.learnMs;
    // What one window says of the table, the next ones would say again.
    const told = new Set(this.#warnings.map(({ code }) => code));
    for (const { code, text } of loaded.warnings) if (code !== 'unmapped' || !told.has(code)) this.warn(code, text);
    if (rejected > 0) {
      this.#report.rejects = rejectsDir;
      this.warn(
        'items-rejected',
        `${rejected} item${rejected === 1 ? '' : 's'} could not be loaded: see ${rejectsDir}.`,
      );
    }
    this.#nullPartitions(
      loaded.layout.partition.map((field) => field.column),
      loaded.layout.schema,
      loaded.files,
    );
  }

  /** A derived timestamp is NULL where the text is no such time; those rows lie in the null partition. */
  #nullPartitions(columns: readonly string[], schema: TableSchema, files: readonly DataFile[]): void {
    for (const column of schema.derived.filter(({ name }) => columns.includes(name))) {
      const nulls = files.reduce((sum, file) => sum + (file.stats[column.id]?.nullCount ?? 0), 0);
      if (nulls > 0)
        this.warn(
          'partition-null',
          `${nulls} rows have no time in “${column.from}” and lie in the null partition of “${column.name}”.`,
        );
    }
  }

  /** What becomes of each export at the source; told where there are several, or where the run stops at one. */
  chain(plan: ChainPlan, warnings: readonly Warning[]): void {
    const { steps, skipped, waiting, refusal } = plan;
    for (const { code, text } of [...warnings, ...plan.warnings]) this.warn(code, text);
    if (steps.length + skipped.length + waiting.length > 1 || refusal !== undefined)
      this.#report.chain = chainReport(plan);
  }

  /** What the run would read, by the exports' manifests. */
  planned(exports: readonly Export[]): void {
    const files = exports.flatMap((from) => from.files);
    const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    const items = exports.reduce((sum, from) => sum + from.itemCount, 0);
    this.#report.plan = { items, files: files.length, bytes, seen: 0 };
  }

  /** The columns that were guessed. */
  previewed(layout: Layout | undefined, items: number): void {
    if (this.#report.plan !== undefined) this.#report.plan = { ...this.#report.plan, seen: items };
    if (layout === undefined) return;
    this.#report.schema = reportColumns(layout.schema);
    this.#report.key = layout.schema.keys;
  }

  committed(staged: StagedCommit, outcome: Extract<CommitOutcome, { kind: 'committed' }>): void {
    this.#report.applied += 1;
    this.readAt(outcome);
    this.#report.position = position(staged.ledger);
    this.untidy(outcome.untidy);
    this.behind(outcome.behind);
  }

  /** The snapshot, or generation, that counts from now on. */
  readAt({ snapshot, published }: { readonly snapshot: string; readonly published?: string }): void {
    this.#report.snapshot = snapshot;
    const at = { location: this.#location, snapshot, ...(published === undefined ? {} : { published }) };
    if (this.#report.format === 'parquet') this.#report.readPath = readPath(at);
  }

  /** The commit stands, whatever could not be removed beside it. */
  untidy(reason: string | undefined): void {
    if (reason === undefined) return;
    const what = `The folder may still hold files of a killed run, which readers that list it would see: ${reason}`;
    this.warn('strays-left', `${what.replace(/\.?$/, '.')} Run the same command again before anybody reads it.`);
  }

  /** The commit stands, but readers who come by the catalog's entry do not see it. */
  behind(reason: string | undefined): void {
    if (reason === undefined) return;
    const what = `The table holds the commit, but the catalog still shows an older state: ${reason}`;
    this.warn('catalog-behind', `${what.replace(/\.?$/, '.')} Run the same command again.`);
  }

  /** Bytes that the run's loads have written so far. */
  get bytesWritten(): number {
    return this.#report.bytes.written;
  }

  /** What upkeep did, added to what it did before. */
  upkeep({ before, after, deletes, left, snapshot, published }: Compaction, removed: Removed): void {
    if (snapshot !== undefined) this.readAt({ snapshot, ...(published === undefined ? {} : { published }) });
    const { upkeep } = this.#report;
    const {
      filesBefore = 0,
      bytesBefore = 0,
      filesAfter = 0,
      bytesAfter = 0,
      deletedRows = 0,
    } = upkeep?.rewritten ?? {};
    this.#report.upkeep = {
      rewritten: {
        filesBefore: filesBefore + before.files,
        bytesBefore: bytesBefore + before.bytes,
        filesAfter: filesAfter + after.files,
        bytesAfter: bytesAfter + after.bytes,
        deletedRows: deletedRows + deletes.rows,
        left,
      },
      removed: {
        files: (upkeep?.removed.files ?? 0) + removed.files,
        bytes: (upkeep?.removed.bytes ?? 0) + removed.bytes,
      },
    };
  }

  finish(outcome: SyncReport['outcome']): SyncReport {
    this.#report.outcome = outcome;
    this.#stale();
    this.#report.peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
    this.#report.timings = {
      totalMs: Math.round(performance.now() - this.#started),
      learnMs: Math.round(this.#ms.learn),
      loadMs: Math.round(this.#ms.load),
      mergeMs: Math.round(this.#ms.merge),
      commitMs: Math.round(this.#ms.commit),
      upkeepMs: Math.round(this.#ms.upkeep),
    };
    return this.#report;
  }

  /** Said once a run, of all its windows. */
  #stale(): void {
    const { position } = this.#report;
    if (this.#rejectedChanges > 0 && position !== undefined)
      this.warn('rows-stale', staleText(this.#rejectedChanges, position));
    this.#rejectedChanges = 0;
  }

  failed(error: TailraceError): SyncReport {
    this.#report.error = reportErrorOf(error);
    return this.finish('failed');
  }
}

export function failedReport(reporter: Reporter, error: TailraceError): SyncReport {
  return reporter.failed(error);
}

function position(ledger: Ledger): NonNullable<SyncReport['position']> {
  const { tableArn, tableId, watermark, mode = 'mirror', gaps = [] } = ledger;
  const fulls = ledger.entries.filter(({ kind }) => kind !== 'window').length;
  const windows = (ledger.covered ?? []).reduce((sum, range) => sum + range.windows, 0);
  return { tableArn, tableId, watermark, loads: fulls + windows, mode, gaps, stale: staleRows(ledger) };
}
