import type { DescribedTable } from '../../dynamodb/describe.ts';
import { type Prices, scanCost } from '../../dynamodb/prices.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { ScanReport } from '../../model/report.ts';
import type { ScanEntry } from '../../model/table.ts';
import type { Pacer } from '../../pacing/pacer.ts';
import type { SettledRate } from '../../pacing/rate.ts';
import type { Retrier } from '../../pacing/retry.ts';
import { isoOf } from '../../schema/filter/since.ts';
import type { TableScan } from '../../source/scan/scan.ts';
import type { PreparedLoad } from '../load/prepare.ts';
import type { Reporter } from '../report/reporter.ts';
import type { AppliedPiece } from './piece.ts';
import type { ScanPlan } from './plan.ts';

export interface ScanProgressInput {
  readonly table: DescribedTable;
  readonly plan: ScanPlan;
  readonly prices: Prices;
  readonly rate: SettledRate;
  readonly pacer: Pacer;
  readonly retrier: Retrier;
  readonly options: SyncOptions;
  readonly context: RunContext;
  readonly reporter: Reporter;
}

/** One segment with so much of the items is told: no number of workers makes it faster. */
const LARGE_SHARE = 0.4;
const MANY_ITEMS = 1_000;
/** A guess that rests on less is none. */
const SURE_SECONDS = 2;

/** Tells what a scan does, while it does, and in its report. */
export class ScanProgress {
  readonly #in: ScanProgressInput;
  readonly #started = performance.now();
  #entry: ScanEntry | undefined;
  #removed = 0;
  #untimed = 0;
  readonly #times = new Map<string, number>();

  constructor(input: ScanProgressInput) {
    this.#in = input;
  }

  /** Behind each page. */
  page(scan: TableScan): void {
    const { table, context, pacer, plan } = this.#in;
    const before = plan.entry?.items ?? 0;
    const { queue } = scan;
    context.onProgress({
      phase: 'load',
      filesDone: 0,
      filesTotal: 0,
      itemsDone: before + scan.items,
      itemsTotal: Math.max(table.items, before + scan.items),
      bytesDone: 0,
      bytesTotal: 0,
      scan: {
        segmentsDone: queue.done,
        segments: queue.segments,
        open: queue.open,
        unitsPerSecond: pacer.usedPerSecond,
        limit: pacer.unitsPerSecond,
        ...this.#left(scan, before),
      },
    });
    this.report(scan);
  }

  /** By the speed until now. */
  #left(scan: TableScan, before: number): { readonly secondsLeft?: number } {
    const seconds = (performance.now() - this.#started) / 1000;
    const { done, segments } = scan.queue;
    const begun = this.#in.plan.kind === 'resume' ? doneOf(this.#in.plan.entry) : 0;
    const items = this.#in.table.items - before - scan.items;
    if (seconds < SURE_SECONDS) return {};
    if (items > 0 && scan.items > 0) return { secondsLeft: (items * seconds) / scan.items };
    return done > begun ? { secondsLeft: ((segments - done) * seconds) / (done - begun) } : {};
  }

  /** A piece is in the table. */
  applied(scan: TableScan, { entry, rows, load, loaded }: AppliedPiece): void {
    this.#removed += rows.merged.rowsRemoved;
    this.#untimed += loaded?.untimed ?? 0;
    this.#formats(load);
    this.report(scan, entry);
    const { reporter } = this.#in;
    if (rows.heldBack !== undefined) reporter.warn('rows-kept', `Rows of deleted items stay: ${rows.heldBack}.`);
    const largest = scan.queue.largest();
    if (entry.rest !== undefined || largest === undefined || scan.queue.segments === 1) return;
    if (largest.items < MANY_ITEMS || largest.items < scan.items * LARGE_SHARE) return;
    const share = Math.round((largest.items * 100) / scan.items);
    const text = `Segment ${largest.segment} of ${scan.queue.segments} has ${share} % of the items that were read. Items of one partition key stay in one segment, which one worker reads.`;
    reporter.warn('hot-segment', text);
  }

  /** How the attribute's times are written, as far as items were looked at. */
  #formats(load: PreparedLoad | undefined): void {
    const { since } = this.#in.plan;
    const node = since === undefined ? undefined : load?.learner.root.fields.get(since.attr);
    for (const [format, count] of node?.times ?? []) this.#times.set(format, (this.#times.get(format) ?? 0) + count);
  }

  #since(): ScanReport['since'] {
    const { since } = this.#in.plan;
    if (since === undefined) return undefined;
    const formats = Object.fromEntries(this.#times);
    return {
      attribute: since.attr,
      from: isoOf(since.micros),
      formats,
      unit: since.unit,
      missing: since.untimed,
      untimed: this.#untimed,
    };
  }

  /** What is true now, for the report. */
  report(scan?: TableScan, entry: ScanEntry | undefined = this.#entry): void {
    this.#entry = entry ?? this.#in.plan.entry;
    const { table, plan, rate, pacer, retrier, options, reporter } = this.#in;
    const held = this.#entry;
    const largest = scan?.queue.largest();
    const since = this.#since();
    const { consistent } = options.scan;
    const pace = { consistent, unitsPerSecond: rate.unitsPerSecond, segments: plan.segments };
    const expected = scanCost(table, pace, this.#in.prices);
    const spent = scanCost(table, { ...pace, units: pacer.used }, this.#in.prices);
    const report: ScanReport = {
      runId: plan.runId,
      ...(held === undefined ? {} : { from: held.from, to: held.to }),
      complete: held !== undefined && held.rest === undefined,
      resumed: plan.kind === 'resume',
      consistent: held === undefined ? options.scan.consistent : held.consistent === true,
      segments: plan.segments,
      segmentsDone: scan?.queue.done ?? doneOf(held),
      itemsInTable: table.items,
      bytesInTable: table.bytes,
      readUnits: pacer.used,
      rate: { unitsPerSecond: Number.isFinite(rate.unitsPerSecond) ? rate.unitsPerSecond : null, why: rate.why },
      throttled: retrier.throttles,
      repeated: retrier.repeats,
      ...(largest === undefined ? {} : { largestSegment: largest }),
      ...(plan.mode === undefined ? {} : { writeMode: plan.mode }),
      expected,
      ...(spent.price === undefined ? {} : { price: spent.price }),
      rowsRemoved: this.#removed,
      ...(since === undefined ? {} : { since }),
    };
    reporter.scan(report);
  }
}

function doneOf(entry: ScanEntry | undefined): number {
  if (entry === undefined) return 0;
  if (entry.rest === undefined) return entry.segments;
  return 'open' in entry.rest ? entry.rest.next - entry.rest.open.length : 0;
}
