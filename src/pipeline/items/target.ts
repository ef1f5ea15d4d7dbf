/** The table that a load writes to: made by the first item where it has to be, then written in batches, at a pace. */
import { setMaxListeners } from 'node:events';
import type { DynamoApi } from '../../dynamodb/api.ts';
import { type Prices, unitCost } from '../../dynamodb/prices.ts';
import type { LoadPlan } from '../../load/prepare.ts';
import { Batches } from '../../load/write/batches.ts';
import type { Put } from '../../load/write/put.ts';
import type { WritableTable } from '../../load/write/table.ts';
import { BatchWriter } from '../../load/write/writer.ts';
import type { Item } from '../../model/item.ts';
import type { LoadOptions } from '../../model/load.ts';
import { Pacer } from '../../pacing/pacer.ts';
import { settleRate } from '../../pacing/rate.ts';
import type { Retrier } from '../../pacing/retry.ts';
import type { LoadReporter } from './report.ts';
import { makeTable, tellsKey } from './table.ts';

/** After a Ctrl-C, batches under way may end for so long. */
const LAST_WORDS_MS = 3_000;

/** A put, with the file or page that rejects name. */
export interface FiledPut extends Put {
  readonly file: string;
}

export interface LoadTargetSettings {
  readonly api: DynamoApi;
  readonly retrier: Retrier;
  readonly name: string;
  /** Undefined: it is made by the first item. */
  readonly table: WritableTable | undefined;
  readonly options: LoadOptions;
  readonly plan: LoadPlan;
  readonly prices: Prices;
  readonly signal: AbortSignal;
  readonly reporter: LoadReporter;
}

export class LoadTarget {
  readonly #settings: LoadTargetSettings;
  readonly #writing = new AbortController();
  #table: WritableTable | undefined;
  #made = false;
  #pacer: Pacer | undefined;
  #writer: BatchWriter | undefined;
  #batches: Batches | undefined;
  #begun = 0;
  /** Of a plan. */
  #planned = { written: 0, units: 0 };
  /** Told of each item that DynamoDB did not take. */
  onRefused: (put: FiledPut, reason: string) => void = () => undefined;

  constructor(settings: LoadTargetSettings) {
    this.#settings = settings;
    const { signal, table } = settings;
    // All batches under way listen to it.
    setMaxListeners(0, this.#writing.signal);
    const stop = (): void => void setTimeout(() => this.#writing.abort(signal.reason), LAST_WORDS_MS).unref();
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    if (table !== undefined) this.#open(table);
  }

  get table(): WritableTable | undefined {
    return this.#table;
  }

  get name(): string {
    return this.#settings.name;
  }

  get tableId(): string {
    return this.#table?.id ?? '';
  }

  get written(): number {
    return this.#settings.options.dryRun ? this.#planned.written : (this.#writer?.totals.written ?? 0);
  }

  get replaced(): number {
    return this.#batches?.replaced ?? 0;
  }

  /** Every item up to this one is dealt with. */
  get reached(): number {
    return this.#batches?.reached ?? this.#begun;
  }

  /** Units a second that are taken, and that may be. */
  get rate(): { readonly unitsPerSecond: number; readonly limit: number } {
    return { unitsPerSecond: this.#pacer?.usedPerSecond ?? 0, limit: this.#pacer?.unitsPerSecond ?? 0 };
  }

  /** A call was throttled: all who write slow down. */
  throttled(): void {
    this.#pacer?.throttled();
  }

  /** Items up to this one were dealt with by a former run. */
  resume(reached: number): void {
    this.#begun = reached;
    if (this.#table !== undefined) this.#open(this.#table);
  }

  /** Makes the table, if the item can say of what types its key is. */
  async make(item: Item): Promise<boolean> {
    const { api, name, options, plan, signal } = this.#settings;
    if (!tellsKey(item, options.schema.key)) return false;
    this.#made = true;
    this.#open(await makeTable(api, name, item, options, plan.provisioned, signal));
    return true;
  }

  async add(put: FiledPut): Promise<void> {
    await this.#batches?.add(put);
  }

  pass(number: number): void {
    this.#batches?.pass(number);
  }

  async end(): Promise<void> {
    await this.#batches?.end();
  }

  async settle(): Promise<void> {
    await this.#batches?.settle();
  }

  report(reporter: LoadReporter): void {
    const { options, retrier, prices } = this.#settings;
    if (this.#table !== undefined) reporter.table(this.#table, this.#made);
    const totals = this.#writer?.totals ?? { units: 0, sent: 0, throttled: 0, written: 0 };
    const taken = options.dryRun ? { ...totals, units: this.#planned.units } : totals;
    reporter.sent(taken, retrier.throttles, retrier.repeats);
    if (this.#table === undefined) return;
    const { region = process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] } = options.targetAws;
    const billed = { ...this.#table, ...(region === undefined ? {} : { region }) };
    reporter.cost(unitCost(billed, 'write', taken.units, prices));
  }

  #open(table: WritableTable): void {
    const { api, options, reporter } = this.#settings;
    this.#table = table;
    const rate = settleRate(options.wcu, table.writes);
    const { unitsPerSecond } = rate;
    reporter.rate(rate);
    const pacer = new Pacer({ unitsPerSecond, firstEstimate: 25 });
    const signal = this.#writing.signal;
    const onRefused = (put: Put, reason: string): void => this.onRefused(put as FiledPut, reason);
    const writer = new BatchWriter({ api, table, pacer, onRefused, signal });
    this.#pacer = pacer;
    this.#writer = writer;
    const write = options.dryRun ? this.#plan : (puts: readonly Put[]) => writer.write(puts);
    this.#batches = new Batches(write, this.#begun);
  }

  readonly #plan = async (puts: readonly Put[]): Promise<void> => {
    const units = puts.reduce((sum, put) => sum + put.units, 0);
    this.#planned = { written: this.#planned.written + puts.length, units: this.#planned.units + units };
  };
}
