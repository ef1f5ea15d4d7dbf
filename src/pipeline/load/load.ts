import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duck } from '../../engine/duckdb/instance.ts';
import type { Progress, RunContext, SyncOptions } from '../../model/options.ts';
import type { Warning } from '../../model/report.ts';
import type { TableSchema } from '../../model/schema.ts';
import type { DataFile, TableHandle } from '../../model/table.ts';
import { type Batch, planBatches } from '../../source/export/batches.ts';
import { appendRejects } from '../../source/lines/rejects.ts';
import { writeFault } from '../../source/lines/write.ts';
import type { Export, LocalFile, Reject } from '../../source/port.ts';
import type { Storage } from '../../storage/port.ts';
import { countItems } from '../learn/census.ts';
import { firstLook } from '../learn/first-look.ts';
import { type Inspection, inspectFiles } from '../learn/inspections.ts';
import { isExtension, type Layout, type Learner, sameColumns, sameLayout } from '../learn/learner.ts';
import { ifVerified } from '../learn/refusals.ts';
import { Surprises } from '../learn/surprises.ts';
import { beyondColumns } from '../learn/unseen.ts';
import { type WrittenBatch, writeBatch } from './batch.ts';
import { batchesOf, type GrowingFiles, isWhole, wholeFeed } from './feed.ts';
import { goneBatches } from './gone.ts';
import type { BatchRecord, Journal, KeptDeletes, SchemaRecord } from './journal.ts';
import { keepFiles } from './kept-files.ts';
import { noRowsFile } from './no-rows.ts';

export interface LoadInput {
  readonly duck: Duck;
  readonly source: Storage;
  readonly export: Export;
  /** The export's files, where they are still to come. */
  readonly growing?: GrowingFiles;
  readonly target: Storage;
  readonly table: TableHandle;
  readonly learner: Learner;
  readonly journal: Journal;
  readonly commitId: string;
  /** In the names of data files: two runs never write the same object. */
  readonly runId: string;
  readonly options: SyncOptions;
  readonly workDir: string;
  readonly rejectsDir: string;
  readonly context: RunContext;
}

export interface LoadResult {
  readonly layout: Layout;
  readonly files: readonly DataFile[];
  /** Keys of items that the changes deleted, in the order of the export's files; they lie in the journal. */
  readonly deletes: readonly KeptDeletes[];
  readonly warnings: readonly Warning[];
  readonly read: number;
  readonly rejected: number;
  /** Items that the filter left out. */
  readonly filtered: number;
  /** Items without the time by which others are left out. */
  readonly untimed: number;
  readonly rescued: number;
  readonly resumedFiles: number;
  readonly learnMs: number;
  /** Compressed bytes of source data that were read. */
  readonly bytesRead: number;
}

/** Rejects of one batch that are kept before they go to disk. */
const REJECTS_IN_MEMORY = 1_000;

/** Thrown where a batch cannot be written by a layout that extends the earlier ones, or where all must be counted first. */
const NO_EXTENSION = new Error('the layout does not extend the one that files were written by');

/** Reads all batches of an export into data files of the table, resuming where an earlier run of the same plan stopped. */
export class Loader {
  readonly #in: LoadInput;
  readonly #records = new Map<number, BatchRecord>();
  readonly #surprises: Surprises;
  /** Schema that the batches on record were written by, extended by the later ones. */
  #kept: TableSchema | undefined;
  /** Counts the times that the load started anew; batches of an earlier epoch do not count. */
  #epoch = 0;
  #learnedAll = false;
  #sampled = false;
  /** Every item was counted, after a surprise that later batches could not follow. */
  #counted = false;
  /** What the journal says of the schema and of what was learned. */
  #journaled = '';
  readonly #frugal = { on: false, passes: 1 };
  #learnMs = 0;
  #bytes = 0;
  #total: number | undefined;
  #filesDone = 0;
  /** Batches of an earlier run. */
  readonly #resumed = new Set<number>();

  constructor(input: LoadInput) {
    this.#in = input;
    this.#surprises = new Surprises(
      input.duck,
      input.learner,
      this.#layout,
      () => [...this.#records.values()],
      input.context.signal,
    );
  }

  async run(): Promise<LoadResult> {
    await this.#resume();
    do while (!(await this.#pass())) await this.#startAnew();
    while (await this.#forgetGone());
    const records = [...this.#records].sort(([a], [b]) => a - b).map(([, record]) => record);
    const sum = (pick: (record: BatchRecord) => number): number =>
      records.reduce((total, record) => total + pick(record), 0);
    // The schema is the one that the files were written by, whatever was learned since.
    const known = this.#layout();
    const layout = this.#kept === undefined || this.#records.size === 0 ? known : { ...known, schema: this.#kept };
    const files = records.flatMap((record) => record.files);
    const needsFile = files.length === 0 && this.#in.table.format === 'parquet' && this.#in.export.kind === 'full';
    return {
      layout,
      files: needsFile ? [await noRowsFile(layout, this.#in)] : files,
      deletes: records.flatMap((record) => record.deletes ?? []),
      warnings: [...this.#warnings(), ...beyondColumns(layout, this.#in.options.schema.maxColumns)],
      read: sum((r) => r.read),
      rejected: sum((r) => r.rejected),
      filtered: sum((r) => r.filtered ?? 0),
      untimed: sum((r) => r.untimed ?? 0),
      rescued: sum((r) => r.rescued),
      resumedFiles: [...this.#resumed].reduce((sum, index) => sum + (this.#records.get(index)?.files.length ?? 0), 0),
      learnMs: this.#learnMs,
      bytesRead: this.#bytes,
    };
  }

  #warnings(): Warning[] {
    const { learner } = this.#in;
    if (!learner.keyOrderGuessed) return [];
    const text = `The key is ${learner.key.join(', ')} as the lines have it; they do not tell which is the partition key. Name it with --key.`;
    return [{ code: 'key-order', text }];
  }

  /** The layout for what is known: extends what batches on record were written by. */
  readonly #layout = (): Layout => this.#in.learner.layout(this.#records.size > 0 ? this.#kept : undefined);

  /** Takes over the batches of an earlier run of this plan. */
  async #resume(): Promise<void> {
    const recorded = await this.#in.journal.readSchema();
    if (recorded === undefined) return;
    this.#epoch = recorded.epoch;
    await this.#in.journal.touch(recorded);
    for (const { index } of planBatches(this.#in.export, this.#in.options.batchBytes)) {
      const record = await this.#in.journal.readBatch(index);
      if (record === undefined || record.epoch !== recorded.epoch) continue;
      this.#records.set(index, record);
      this.#resumed.add(index);
    }
    await this.#forgetGone();
    if (this.#records.size > 0) {
      this.#kept = recorded.schema;
      this.#in.learner.restore(recorded.knowledge);
      this.#sampled = true;
      this.#counted = recorded.counted;
      this.#learnedAll = recorded.counted;
    }
    this.#in.context.log('info', 'taking over finished batches', { batches: this.#records.size });
  }

  /**
   * Forgets batches of the earlier run whose files are gone, so that they are written again: a sweep of orphans may have
   * begun before this run did. A commit that named them would make a table that nobody can read. True if there were any.
   */
  async #forgetGone(): Promise<boolean> {
    const gone = await goneBatches(this.#in.target, this.#records, this.#resumed);
    for (const index of gone) {
      this.#records.delete(index);
      this.#resumed.delete(index);
    }
    return gone.size > 0;
  }

  /** Writes every batch that is not on record; false when what was learned does not extend what was written. */
  async #pass(): Promise<boolean> {
    const { learner, context } = this.#in;
    const onBytes = (bytes: number): void => {
      this.#bytes += bytes;
      this.#progress('load');
    };
    for await (const batch of batchesOf(this.#in, (index) => this.#records.has(index), onBytes)) {
      const inspection = inspectFiles(batch.files, learner.lines, context.signal);
      try {
        await ifVerified(batch.verified, () => this.#sample(batch.files));
        if (!(await this.#batch(batch, inspection))) return false;
      } finally {
        await inspection.stop();
        await batch.release();
      }
    }
    return true;
  }

  /**
   * Forgets what was written, because the schema became another one; the files were never in the table. Before the
   * load begins again all items are counted, so that it need not begin a third time.
   */
  async #startAnew(): Promise<void> {
    const why = this.#in.learner.crowded ? 'there are more attributes than columns' : 'the schema changed';
    this.#in.context.log('info', `${why}; all items are counted, and the load starts from its first file`);
    const old = [...this.#records];
    this.#records.clear();
    this.#kept = undefined;
    this.#epoch += 1;
    this.#resumed.clear();
    await this.#in.journal.dropBatches(old.map(([index]) => index));
    for (const [, record] of old)
      for (const file of [...record.files, ...(record.deletes ?? [])])
        await this.#in.target.delete(this.#in.target.key(file.path));
    await this.#count();
  }

  async #count(): Promise<void> {
    if (this.#counted) return;
    const { source: storage, export: from, duck, workDir, options, context, learner } = this.#in;
    await wholeFeed(this.#in);
    const started = performance.now();
    const counted = await countItems({ storage, export: from }, duck, workDir, options, context, learner);
    learner.adopt(counted.learner);
    this.#counted = true;
    this.#learnedAll = true;
    this.#learnMs += performance.now() - started;
  }

  /** Looks at the head of the first batch's files, so that the first write has a good guess. */
  async #sample(files: readonly LocalFile[]): Promise<void> {
    if (this.#sampled) return;
    this.#sampled = true;
    this.#progress('learn');
    const started = performance.now();
    const { export: from, learner, context } = this.#in;
    const sample = await firstLook(from, files, learner, context.signal);
    this.#learnedAll = isWhole(this.#in, files) && sample.complete && sample.rejects === 0;
    this.#learnMs = performance.now() - started;
  }

  async #batch(batch: Batch, inspection: Inspection): Promise<boolean> {
    const { duck, learner, options, workDir, context } = this.#in;
    const rejects: Reject[] = [];
    const rejectsDir = join(this.#in.rejectsDir, `batch-${batch.index}`);
    await rm(rejectsDir, { recursive: true, force: true }).catch((thrown: unknown) => {
      throw writeFault(thrown, rejectsDir);
    });
    const flush = async (): Promise<void> => {
      if (rejects.length > 0) await appendRejects(rejectsDir, rejects.splice(0), { exclude: options.schema.exclude });
    };
    const tempDir = join(workDir, `batch-${batch.index}`);
    await mkdir(tempDir, { recursive: true });
    try {
      const written = await writeBatch(batch.files, {
        duck,
        learner,
        tempDir,
        targetFileSizeBytes: options.targetFileSizeBytes,
        strict: options.strict,
        signal: context.signal,
        verified: batch.verified,
        learnedAll: this.#learnedAll,
        frugal: this.#frugal,
        surprises: this.#surprises,
        inspection,
        layout: this.#extended,
        onReject: async (reject) => {
          if (rejects.push(reject) >= REJECTS_IN_MEMORY) await flush();
        },
      });
      await flush();
      await batch.recheck();
      if (!this.#asIfKnown(written.layout)) return false;
      await this.#keep(batch.index, written);
      this.#filesDone += batch.files.length;
      this.#progress('load');
      return true;
    } catch (thrown) {
      if (thrown === NO_EXTENSION) return false;
      throw thrown;
    } finally {
      await rm(tempDir, { recursive: true, force: true });
    }
  }

  /** The layout by which the next batch joins those on record; throws where it cannot. */
  readonly #extended = (): Layout => {
    if (this.#in.learner.crowded && !this.#counted && !this.#learnedAll) throw NO_EXTENSION;
    const layout = this.#layout();
    if (this.#mayStay(layout) && this.#asIfKnown(layout)) return layout;
    throw NO_EXTENSION;
  };

  /** Whether the batches on record can be in one table with files of this layout. */
  #mayStay(layout: Layout): boolean {
    const kept = this.#kept;
    if (kept === undefined || this.#records.size === 0 || sameLayout(kept, layout.schema)) return true;
    // Readers of Parquet folders take the columns from any one file, so there all files must have the same.
    return this.#in.table.format === 'iceberg' && isExtension(kept, layout.schema);
  }

  /** Whether the columns are those that the table would have if all had been known before the first batch. */
  #asIfKnown(layout: Layout): boolean {
    return this.#counted || this.#records.size === 0 || sameColumns(layout.schema, this.#in.learner.layout().schema);
  }

  /** Moves a batch's files to the table's storage and records them. */
  async #keep(index: number, written: WrittenBatch): Promise<void> {
    const kept = await keepFiles(written, index, this.#in);
    await this.#keepSchema(written.layout.schema);
    const { read, rejected, filtered, untimed, rescued, tags } = written;
    const record: BatchRecord = { epoch: this.#epoch, ...kept, read, rejected, filtered, untimed, rescued, tags };
    await this.#in.journal.writeBatch(index, record);
    this.#records.set(index, record);
  }

  /** Puts the schema, and what led to it, before the batch that needs them. */
  async #keepSchema(schema: TableSchema): Promise<void> {
    const record: SchemaRecord = {
      epoch: this.#epoch,
      schema,
      knowledge: this.#in.learner.knowledge(),
      counted: this.#counted,
    };
    const digest = createHash('sha256').update(JSON.stringify(record)).digest('hex');
    if (digest === this.#journaled) return;
    await this.#in.journal.writeSchema(record);
    this.#kept = schema;
    this.#journaled = digest;
  }

  #progress(phase: Progress['phase']): void {
    const { export: from, context } = this.#in;
    let items = 0;
    for (const record of this.#records.values()) items += record.read;
    this.#total ??= from.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    context.onProgress({
      phase,
      filesDone: this.#filesDone,
      filesTotal: from.files.length,
      itemsDone: items,
      itemsTotal: from.itemCount,
      bytesDone: this.#bytes,
      bytesTotal: this.#total,
    });
  }
}
