/**
 * The life of a load between its two ends: records become items, items are checked, batched and written, what cannot be
 * loaded is rejected, and now and then it is recorded how far all of that has come.
 */
import { RefusedAlike } from '../../load/alike.ts';
import type { LoadRecord, OpenRecords } from '../../load/input/records.ts';
import { Place } from '../../load/place.ts';
import { type LoadPlan, preparer } from '../../load/prepare.ts';
import { RejectFile } from '../../load/rejects.ts';
import type { LoadState } from '../../load/state.ts';
import type { CellType } from '../../load/values/cells.ts';
import { checkItem } from '../../load/write/check.ts';
import { putOf } from '../../load/write/put.ts';
import { TailraceError } from '../../model/errors.ts';
import type { Item } from '../../model/item.ts';
import type { LoadOptions } from '../../model/load.ts';
import type { RunContext } from '../../model/options.ts';
import { printLine } from '../../source/lines/print.ts';
import { LineFault } from '../../source/lines/scan.ts';
import type { LoadReporter } from './report.ts';
import type { LoadTarget } from './target.ts';

/** Time between two records of how far the load has come. */
const CHECKPOINT_MS = 1_000;
const PROGRESS_MS = 100;
/** Rejects that wait for the next checkpoint. */
const REJECTS_MAX = 1_000;

export interface LoadingSettings {
  readonly target: LoadTarget;
  readonly options: LoadOptions;
  readonly plan: LoadPlan;
  readonly context: RunContext;
  readonly reporter: LoadReporter;
  /** Folder of this load's rejects, unless another one was asked for. */
  readonly dir: string;
  /** The record of this load in a table of that id; undefined: it cannot be resumed. */
  readonly stateFor: (tableId: string) => LoadState | undefined;
}

export class Loading {
  readonly #settings: LoadingSettings;
  readonly #rejects: RejectFile;
  readonly #place = new Place();
  readonly #types = new Map<string, CellType>();
  #firstReject: string | undefined;
  /** What is refused here, and what DynamoDB refuses. */
  readonly #unfit: RefusedAlike;
  readonly #refused: RefusedAlike;
  #state: LoadState | undefined;
  #bytes: () => number = () => 0;
  #bytesTotal = 0;
  #savedAt = performance.now();
  #shownAt = 0;

  constructor(settings: LoadingSettings) {
    this.#settings = settings;
    this.#rejects = new RejectFile(settings.options.rejects ?? settings.dir, settings.options.schema.exclude);
    const place = `dynamodb:${settings.target.name}`;
    this.#unfit = new RefusedAlike(place);
    this.#refused = new RefusedAlike(place);
  }

  /** The page that an interrupted run had come to. */
  get resumedPage(): Place['resumedPage'] {
    return this.#place.resumedPage;
  }

  /** As many items were read as were asked for. */
  get full(): boolean {
    return this.#place.number >= this.#settings.plan.limit;
  }

  /** Finds out where to begin. */
  async begin(): Promise<void> {
    const { target, options, reporter, stateFor } = this.#settings;
    if (!options.dryRun) await this.#rejects.resume();
    target.onRefused = ({ line, raw, file }, reason) => {
      if (target.written > 0) this.#refused.taken();
      this.#refused.refused(reason);
      this.#rejects.add(file, line, reason, raw);
    };
    if (target.table === undefined) return;
    this.#state = stateFor(target.table.id);
    if (options.restart === true) await this.#state?.remove();
    const { reached, stale } = (await this.#state?.read()) ?? { stale: false };
    if (stale)
      reporter.warn(
        'load-begins-anew',
        'There is a record of an interrupted load, but input, table or options are others now: the load begins anew.',
      );
    if (reached === undefined) return;
    this.#place.resume(reached);
    for (const [column, type] of Object.entries(reached.types ?? {})) this.#types.set(column, type);
    // A former run had come on.
    this.#unfit.taken();
    this.#refused.taken();
    target.resume(this.#place.skipUntil);
  }

  /** Where progress takes its bytes from. */
  measure(read: () => number, total: number): void {
    this.#bytes = read;
    this.#bytesTotal = total;
  }

  /** Types of columns that hold for all pages, because the first one decided them. */
  get types(): ReadonlyMap<string, CellType> {
    return this.#types;
  }

  page(page: { readonly at: string; readonly number: number }): void {
    this.#place.page(page);
  }

  /** Loads a file, or a page. Resolves to how many items it held. */
  async part(opened: OpenRecords, file: string): Promise<number> {
    const { context, options, plan, reporter } = this.#settings;
    const before = this.#place.number;
    const prepare = preparer(options, plan, opened.format);
    reporter.format(opened.format);
    try {
      for await (const record of opened.records) {
        context.signal.throwIfAborted();
        if (this.full) break;
        if (this.#place.next()) await this.#one(record, prepare, file);
        await this.#now();
      }
      for (const [column, type] of opened.columnTypes) if (!this.#types.has(column)) this.#types.set(column, type);
      return this.#place.number - before;
    } finally {
      this.#tell(opened);
    }
  }

  /** Everything is written or rejected, and nothing is left to go on with. */
  async end(): Promise<void> {
    const { target } = this.#settings;
    await target.end();
    if (target.written > 0) this.#refused.taken();
    this.#unfit.end();
    this.#refused.end();
    await this.#rejects.flush();
    await this.#state?.remove();
  }

  /** Whatever ended the load: counts, rejects and the place where a later run goes on. */
  async close(failed: boolean): Promise<void> {
    const { target, reporter } = this.#settings;
    await target.settle();
    if (failed) await this.#save().catch((thrown: unknown) => reporter.warn('not-recorded', String(thrown)));
    const { number, resumed } = this.#place;
    const read = number - resumed;
    const rejected = this.#rejects.count;
    reporter.counted({ read, written: target.written, replaced: target.replaced, rejected, resumed }, this.#bytes());
    target.report(reporter);
    if (rejected > 0 && this.#settings.options.dryRun) reporter.wouldReject(rejected, this.#firstReject ?? '');
    else if (rejected > 0 && this.#rejects.waiting === 0) reporter.rejects(this.#rejects.path, rejected);
  }

  /** Whether the items or the table are at fault is not known yet: a run that is mended begins with the first item. */
  get #undecided(): boolean {
    return this.#unfit.undecided || (this.#refused.undecided && this.#settings.target.written === 0);
  }

  async #one(record: LoadRecord, prepare: (record: LoadRecord) => Item, file: string): Promise<void> {
    const { target, reporter } = this.#settings;
    const { number } = this.#place;
    let item: Item;
    try {
      item = prepare(record);
    } catch (thrown) {
      if (!(thrown instanceof LineFault)) throw thrown;
      return this.#reject(record, file, thrown.message);
    }
    if (target.table === undefined && (await target.make(item))) this.#state = this.#settings.stateFor(target.tableId);
    if (target.table === undefined) return this.#reject(record, file, 'it does not have the whole key');
    const checked = checkItem(item, target.table);
    if (!checked.ok) return this.#reject(record, file, checked.reason);
    this.#unfit.taken();
    reporter.example(() => printLine(item));
    await target.add({ ...putOf(item, checked, { number, line: record.line, raw: record.raw }), file });
  }

  async #reject({ line, raw }: LoadRecord, file: string, reason: string): Promise<void> {
    const { target, options } = this.#settings;
    if (options.strict) {
      throw new TailraceError('ITEM_REJECTED', `An item cannot be loaded: ${reason}.`, {
        place: `${file}, ${line}`,
        found: reason,
        hint: 'Mend it, or leave --strict out: bad items then go to a file, and the others are loaded.',
      });
    }
    this.#unfit.refused(reason);
    this.#rejects.add(file, line, reason, raw);
    this.#firstReject ??= `${file}, ${line}: ${reason}`;
    target.pass(this.#place.number);
    if (this.#rejects.waiting >= REJECTS_MAX) await this.#save();
  }

  /** Progress and checkpoints, when it is time for them. */
  async #now(): Promise<void> {
    if (this.#place.number % 16 !== 0) return;
    const now = performance.now();
    if (now - this.#shownAt >= PROGRESS_MS) {
      this.#shownAt = now;
      this.#show();
    }
    if (now - this.#savedAt >= CHECKPOINT_MS) await this.#save();
  }

  /** What is recorded as done is on disk: the rejects before it come first. */
  async #save(): Promise<void> {
    const { target, options } = this.#settings;
    this.#savedAt = performance.now();
    if (options.dryRun || this.#undecided) return;
    const reached = this.#place.reached(target.reached);
    await this.#rejects.flush();
    const types = this.#types.size === 0 ? {} : { types: Object.fromEntries(this.#types) };
    if (target.reached > 0) await this.#state?.save({ ...reached, ...types });
  }

  #show(): void {
    const { context, target } = this.#settings;
    const bytesDone = this.#bytes();
    const files = { filesDone: 0, filesTotal: 0 };
    const items = { itemsDone: this.#place.number, itemsTotal: 0 };
    const bytes = { bytesDone, bytesTotal: this.#bytesTotal };
    context.onProgress({ phase: 'load', ...files, ...items, ...bytes, write: target.rate });
  }

  /** What is known of a CSV file's columns at its end. */
  #tell({ columnTypes, misfits }: OpenRecords): void {
    const { reporter } = this.#settings;
    reporter.columns(columnTypes);
    for (const [column, count] of misfits) {
      const type = columnTypes.get(column) ?? 'string';
      reporter.warn(
        'cells-of-another-type',
        `${count} cell${count === 1 ? '' : 's'} of the column “${column}” stayed texts, where the others are ${type}s: cast(${column}, string) makes all of them texts.`,
      );
    }
  }
}
