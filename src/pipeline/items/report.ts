import type { UnitCost } from '../../dynamodb/prices.ts';
import type { CellType } from '../../load/values/cells.ts';
import type { WritableTable } from '../../load/write/table.ts';
import type { Totals } from '../../load/write/writer.ts';
import type { TailraceError } from '../../model/errors.ts';
import type { LoadFormat, LoadReport } from '../../model/load.ts';
import type { SettledRate } from '../../pacing/rate.ts';
import { reportErrorOf } from '../report/chain-report.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Collects what a load did, so that the report is whole however it ends. */
export class LoadReporter {
  readonly #started = performance.now();
  readonly #report: Mutable<LoadReport>;
  readonly #warnings: { code: string; text: string }[] = [];
  readonly #dryRun: boolean;

  constructor(input: string, target: string, dryRun: boolean) {
    this.#dryRun = dryRun;
    this.#report = {
      outcome: 'failed',
      input,
      target,
      counts: { read: 0, written: 0, replaced: 0, rejected: 0, resumed: 0 },
      units: 0,
      requests: { sent: 0, throttled: 0, retried: 0 },
      bytes: { read: 0 },
      timings: { totalMs: 0 },
      peakMemoryBytes: 0,
      warnings: this.#warnings,
    };
  }

  warn(code: string, text: string): void {
    if (!this.#warnings.some((warning) => warning.code === code && warning.text === text))
      this.#warnings.push({ code, text });
  }

  format(format: Exclude<LoadFormat, 'auto'>): void {
    this.#report.format = format;
  }

  columns(types: ReadonlyMap<string, CellType>): void {
    if (types.size > 0) this.#report.columns = Object.fromEntries(types);
  }

  table({ named: name, arn, key }: WritableTable, created: boolean): void {
    const names = key.map(({ attr }) => attr);
    this.#report.table = { name, ...(arn === undefined ? {} : { arn }), key: names, created };
  }

  rate({ unitsPerSecond, why }: SettledRate): void {
    if (Number.isFinite(unitsPerSecond)) this.#report.pace = unitsPerSecond;
    this.#report.paceWhy = why;
  }

  /** What the units cost, or why that is not known. */
  cost(cost: UnitCost): void {
    this.#report.cost = cost;
  }

  pages(count: number, retried: number): void {
    this.#report.pages = count;
    const { requests } = this.#report;
    this.#report.requests = { ...requests, retried };
  }

  /** The first item of a plan. */
  example(text: () => string): void {
    if (this.#dryRun) this.#report.example ??= text();
  }

  counted(counts: LoadReport['counts'], bytes: number): void {
    this.#report.counts = counts;
    this.#report.bytes = { read: bytes };
  }

  sent({ units, sent, throttled }: Totals, throttles: number, repeats: number): void {
    this.#report.units = Math.round(units * 1000) / 1000;
    const { retried } = this.#report.requests;
    this.#report.requests = { sent, throttled: throttled + throttles, retried: retried + repeats };
  }

  rejects(path: string, count: number): void {
    this.#report.rejects = path;
    this.warn('items-rejected', `${count} item${count === 1 ? '' : 's'} could not be loaded: see ${path}.`);
  }

  /** Of a plan, which keeps no rejects. */
  wouldReject(count: number, first: string): void {
    const text = count === 1 ? '1 item cannot be loaded' : `${count} items cannot be loaded; the first of them`;
    this.warn('items-rejected', `${text}: ${first}.`);
  }

  finish(): LoadReport {
    this.#report.outcome = this.#dryRun ? 'planned' : 'loaded';
    return this.#end();
  }

  failed(error: TailraceError): LoadReport {
    this.#report.outcome = 'failed';
    this.#report.error = reportErrorOf(error);
    return this.#end();
  }

  #end(): LoadReport {
    this.#report.timings = { totalMs: Math.round(performance.now() - this.#started) };
    this.#report.peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
    return this.#report;
  }
}
