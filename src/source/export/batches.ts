/**
 * Invariants of the read-ahead:
 * - batches come out in plan order, each once and whole; what was fetched is verified, and what is read in place is
 *   verified while the consumer reads it, because both can use a processor: `verified` tells the result;
 * - bytes on disk stay within the budget, but for the batch that the consumer waits for: it must come, or nothing would
 *   ever be released;
 * - whoever leaves early (return, throw, abort) leaves no file behind; after the last batch, files belong to the
 *   consumer until it releases them.
 */
import { setMaxListeners } from 'node:events';
import { TailraceError } from '../../model/errors.ts';
import type { Storage } from '../../storage/port.ts';
import type { Export, LocalFile, SourceFile } from '../port.ts';
import { type FetchedFile, openFile } from './fetch.ts';

const PARALLEL_FILES = 4;
/** Batches beyond the one in the consumer's hands: what is verified much too early has left the disk's cache again. */
const BATCHES_AHEAD = 2;
/** Ion text grows about so much when it becomes plain JSON lines; only for planning ahead, real sizes are counted. */
const ION_GROWTH = 12;

export interface BatchPlan {
  readonly index: number;
  readonly files: readonly SourceFile[];
}

export interface Batch {
  readonly index: number;
  readonly files: readonly LocalFile[];
  /** Resolves when every byte of the batch was held against its MD5; throws DATA_CHECKSUM and the like. Await it before
   * anything follows from what was read: a result, a reject, an error. */
  verified(): Promise<void>;
  /** Call it after reading: `verified`, and no file that is read in place has changed since. */
  recheck(): Promise<void>;
  /** Gives the batch's bytes back to the budget. */
  release(): Promise<void>;
}

export interface BatchOptions {
  /** Compressed bytes of a batch. */
  readonly batchBytes: number;
  /** Bytes that fetched files may take of the temporary folder. */
  readonly budgetBytes: number;
  readonly tempDir: string;
  readonly signal?: AbortSignal;
  /** Batches that an earlier run has already loaded. */
  readonly skip?: (index: number) => boolean;
  readonly onBytes?: (bytes: number) => void;
}

/** The export's files in manifest order, in runs of at most so many compressed bytes (at least one file each). */
export function planBatches(source: Export, batchBytes: number): readonly BatchPlan[] {
  const plans: { index: number; files: SourceFile[] }[] = [];
  let bytes = 0;
  for (const file of source.files) {
    const last = plans.at(-1);
    if (last !== undefined && bytes + file.sizeBytes <= batchBytes) {
      last.files.push(file);
      bytes += file.sizeBytes;
    } else {
      plans.push({ index: plans.length, files: [file] });
      bytes = file.sizeBytes;
    }
  }
  return plans;
}

/** Fetches batch after batch, the next ones in the background while the consumer works. */
export async function* fetchBatches(storage: Storage, source: Export, options: BatchOptions): AsyncGenerator<Batch> {
  const plans = planBatches(source, options.batchBytes).filter(({ index }) => options.skip?.(index) !== true);
  const ahead = new ReadAhead(storage, source, plans, options);
  ahead.checkBudget();
  let finished = false;
  try {
    for (const plan of plans) yield await ahead.take(plan);
    finished = true;
  } finally {
    await ahead.end(finished);
  }
}

interface Slot {
  readonly plan: BatchPlan;
  /** Place among the batches that are not skipped. */
  readonly position: number;
  readonly fetched: (FetchedFile | undefined)[];
  bytes: number;
  /** Files that cannot be read yet. */
  open: number;
  /** Files whose bytes were not held against their MD5 yet. */
  unverified: number;
  released: boolean;
}

class ReadAhead {
  readonly #storage: Storage;
  readonly #source: Export;
  readonly #options: BatchOptions;
  readonly #slots: Map<number, Slot>;
  readonly #queue: { readonly slot: Slot; readonly place: number }[];
  /** Files that can be read and are to be verified. */
  readonly #toVerify: { readonly slot: Slot; readonly file: FetchedFile }[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #position = 0;
  #awaited: Slot | undefined;
  /** Until the consumer asks for the first time, it looks at its files and needs the processor itself. */
  #verifying = false;
  #waiting: (() => void)[] = [];
  #failure: { readonly thrown: unknown } | undefined;
  #usedBytes = 0;

  constructor(storage: Storage, source: Export, plans: readonly BatchPlan[], options: BatchOptions) {
    this.#storage = storage;
    this.#source = source;
    this.#options = options;
    this.#signal =
      options.signal === undefined ? this.#stop.signal : AbortSignal.any([options.signal, this.#stop.signal]);
    // Each file under way listens; that is no leak.
    setMaxListeners(0, this.#signal);
    this.#signal.addEventListener('abort', () => this.#wake(), { once: true });
    this.#slots = new Map(
      plans.map((plan, position) => [
        plan.index,
        {
          plan,
          position,
          fetched: new Array<undefined>(plan.files.length),
          bytes: 0,
          open: plan.files.length,
          unverified: plan.files.length,
          released: false,
        },
      ]),
    );
    this.#queue = [...this.#slots.values()].flatMap((slot) => slot.plan.files.map((_, place) => ({ slot, place })));
    this.#queue.reverse();
  }

  /** Refuses at once what could never fit. Ion grows by an unknown factor, so only its compressed size is held to it. */
  checkBudget(): void {
    for (const { plan } of this.#slots.values()) {
      const spooled = plan.files.filter((file) => this.#storage.localPath(file.key) === undefined);
      const bytes = spooled.reduce((sum, file) => sum + file.sizeBytes, 0);
      if (bytes > this.#options.budgetBytes) throw overBudget(plan, bytes, this.#options.budgetBytes);
    }
  }

  async take(plan: BatchPlan): Promise<Batch> {
    const slot = this.#slots.get(plan.index);
    if (slot === undefined) throw new TailraceError('INTERNAL', `No batch ${plan.index} was planned.`);
    this.#awaited = slot;
    this.#position = slot.position;
    while (slot.open > 0) {
      this.#start();
      this.#checkStopped();
      await this.#change();
    }
    this.#checkStopped();
    this.#awaited = undefined;
    this.#start();
    const files = slot.fetched.filter((file) => file !== undefined);
    return {
      index: plan.index,
      files,
      verified: () => this.#verified(slot),
      recheck: async () => {
        await this.#verified(slot);
        for (const file of files) await file.recheck();
      },
      release: () => this.#release(slot),
    };
  }

  async #verified(slot: Slot): Promise<void> {
    this.#verifying = true;
    while (slot.unverified > 0) {
      this.#start();
      this.#checkStopped();
      await this.#change();
    }
  }

  /** Waits for what is under way; unless all went well, removes every file that was not released. */
  async end(finished: boolean): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#running);
    if (finished) return;
    for (const slot of this.#slots.values()) await this.#release(slot);
  }

  #checkStopped(): void {
    if (this.#options.signal?.aborted === true) throw new TailraceError('INTERRUPTED', 'The run was interrupted.');
    if (this.#failure !== undefined) throw this.#failure.thrown;
    const waiting = this.#awaited;
    if (waiting !== undefined && waiting.bytes > this.#options.budgetBytes) {
      throw overBudget(waiting.plan, waiting.bytes, this.#options.budgetBytes);
    }
  }

  /** Resolves at the next file that is done, failure, or abort. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #start(): void {
    while (this.#running.size < PARALLEL_FILES && this.#failure === undefined && !this.#stop.signal.aborted) {
      const work = this.#nextFetch() ?? this.#nextVerification();
      if (work === undefined) return;
      const run: Promise<void> = work
        .catch((thrown: unknown) => {
          this.#failure ??= { thrown };
        })
        .finally(() => {
          this.#running.delete(run);
          this.#wake();
          // Nobody waits while the consumer works on its batch, and the next ones are to be verified by then.
          this.#start();
        });
      this.#running.add(run);
    }
  }

  #nextFetch(): Promise<void> | undefined {
    const next = this.#queue.at(-1);
    if (next === undefined || next.slot.position > this.#position + BATCHES_AHEAD) return undefined;
    const file = next.slot.plan.files[next.place];
    if (file === undefined) return undefined;
    const planned = this.#plannedBytes(file);
    if (this.#usedBytes + planned > this.#options.budgetBytes && next.slot !== this.#awaited) return undefined;
    this.#queue.pop();
    return this.#fetch(next.slot, next.place, file, planned);
  }

  #nextVerification(): Promise<void> | undefined {
    const next = this.#verifying ? this.#toVerify.shift() : undefined;
    return next === undefined ? undefined : this.#verify(next.slot, next.file);
  }

  async #verify(slot: Slot, file: FetchedFile): Promise<void> {
    await file.verify();
    slot.unverified -= 1;
  }

  #plannedBytes(file: SourceFile): number {
    if (this.#source.format === 'ION') return file.sizeBytes * ION_GROWTH;
    return this.#storage.localPath(file.key) === undefined ? file.sizeBytes : 0;
  }

  async #fetch(slot: Slot, place: number, file: SourceFile, planned: number): Promise<void> {
    const { tempDir, onBytes } = this.#options;
    this.#usedBytes += planned;
    try {
      const fetched = await openFile(this.#storage, this.#source, file, {
        tempDir,
        signal: this.#signal,
        ...(onBytes === undefined ? {} : { onBytes }),
      });
      slot.fetched[place] = fetched;
      slot.bytes += fetched.tempBytes;
      slot.open -= 1;
      this.#usedBytes += fetched.tempBytes - planned;
      this.#toVerify.push({ slot, file: fetched });
    } catch (thrown) {
      this.#usedBytes -= planned;
      throw thrown;
    }
  }

  async #release(slot: Slot): Promise<void> {
    if (slot.released) return;
    slot.released = true;
    for (const file of slot.fetched) await file?.release();
    this.#usedBytes -= slot.bytes;
    this.#start();
  }
}

function overBudget(plan: BatchPlan, bytes: number, budgetBytes: number): TailraceError {
  const [first] = plan.files;
  const what =
    plan.files.length === 1
      ? `The data file ${first?.manifestKey ?? ''} needs`
      : `A batch of ${plan.files.length} data files needs`;
  return new TailraceError(
    'TEMP_BUDGET',
    `${what} ${bytes} bytes of the temporary folder; ${budgetBytes} are allowed.`,
    {
      expected: `at most ${budgetBytes} bytes`,
      found: `${bytes} bytes`,
      place: first?.manifestKey ?? '',
      hint: 'Raise --temp-budget, and name a disk with room by --temp-dir.',
    },
  );
}
