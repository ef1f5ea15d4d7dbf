import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StagedFile } from '../../engine/duckdb/copy.ts';
import { lineCounts } from '../../engine/duckdb/count.ts';
import type { Duck } from '../../engine/duckdb/instance.ts';
import { countUntimed } from '../../engine/duckdb/untimed.ts';
import { type DeletedKeys, type WrittenLines, writeLines } from '../../engine/duckdb/write.ts';
import { TailraceError } from '../../model/errors.ts';
import type { LocalFile, SourceFile } from '../../source/port.ts';
import type { Inspection } from '../learn/inspections.ts';
import type { Layout } from '../learn/learner.ts';
import {
  type Input,
  inputsOf,
  learnFrom,
  type RefusalOptions,
  rejectedError,
  sieveUnsound,
  untilAccepted,
} from '../learn/refusals.ts';
import type { Surprises, TagCount } from '../learn/surprises.ts';

export interface BatchOptions extends RefusalOptions {
  readonly duck: Duck;
  readonly targetFileSizeBytes: number;
  /** Turned on when the usual way needs more memory than there is; then it stays on. */
  readonly frugal: { on: boolean; passes: number };
  /** Every line of the export was seen before: what is rescued is meant to be. */
  readonly learnedAll: boolean;
  readonly surprises: Surprises;
  /** The look at the bytes of the batch's files, under way. */
  readonly inspection: Inspection;
  /** A layout for what is known now: extends the one that earlier batches were written by, or starts anew. */
  readonly layout: () => Layout;
}

/** A batch as Parquet files on this machine's disk, not yet anywhere else. */
export interface WrittenBatch {
  readonly layout: Layout;
  readonly files: readonly StagedFile[];
  /** Keys of items that the batch's changes deleted. */
  readonly deletes: readonly DeletedKeys[];
  readonly read: number;
  readonly rejected: number;
  /** Items that the filter leaves out; changes that it does are among the deletes. */
  readonly filtered: number;
  /** Items without the time by which others are left out. */
  readonly untimed: number;
  readonly rescued: number;
  readonly tags: readonly TagCount[];
}

/**
 * Writes one batch. The engine refuses what the layout does not name; then the layout learns, and the batch is written
 * again, as it is when its rescues show that a column should be another. Files with
 * lines that the engine should have refused and did not are found by a look at their bytes meanwhile.
 */
export async function writeBatch(locals: readonly LocalFile[], options: BatchOptions): Promise<WrittenBatch> {
  const inputs = inputsOf(locals);
  for (const reject of locals.flatMap((local) => local.rejects)) {
    if (options.strict) throw rejectedError(reject);
    await options.onReject(reject);
  }
  const outDir = join(options.tempDir, 'out');
  return untilAccepted(inputs, options, async () => {
    const layout = options.layout();
    await rm(outDir, { recursive: true, force: true });
    const written = await writeInputs(inputs, layout, outDir, options);
    if (written === undefined) return undefined;
    const { files, deletes } = written;
    await options.verified();
    await options.inspection.tell(inputs);
    if (await sieveUnsound(inputs, options)) return undefined;
    const filtered = await checkCounts(inputs, [...files, ...deletes], layout, options);
    if (
      !options.learnedAll &&
      inputs.some((input) => !input.learned) &&
      (await options.surprises.unknownAttributes(files, layout))
    ) {
      for (const input of inputs) await learnFrom(input, options);
      return undefined;
    }
    const tags = options.learnedAll ? [] : await options.surprises.learn(files, layout);
    if (tags === undefined) return undefined;
    const rejected = inputs.reduce((sum, input) => sum + input.rejected, 0);
    return {
      layout,
      files,
      deletes,
      read: inputs.reduce((sum, input) => sum + input.local.source.itemCount, 0),
      rejected,
      filtered,
      untimed: await untimedRows(files, layout, options),
      rescued: rescuedRows(files, layout),
      tags,
    };
  });
}

async function untimedRows(files: readonly StagedFile[], layout: Layout, options: BatchOptions): Promise<number> {
  const { since, schema } = layout.projection;
  return since === undefined ? 0 : countUntimed(options.duck, schema, files, since, options.signal);
}

/** More passes over one batch than this are not worth the time: the partition is too fine. */
const MAX_PASSES = 64;

/** The batch's files; undefined when memory did not suffice and the frugal way is to be tried. */
async function writeInputs(
  inputs: readonly Input[],
  layout: Layout,
  outDir: string,
  { duck, frugal, signal, targetFileSizeBytes }: BatchOptions,
): Promise<WrittenLines | undefined> {
  if (inputs.length === 0) return { files: [], deletes: [] };
  const { projection, partition, sort } = layout;
  const paths = inputs.map((input) => input.path);
  try {
    return await writeLines(duck, {
      projection,
      partition,
      sort,
      outDir,
      signal,
      paths,
      targetFileSizeBytes,
      rowBytes: rowBytes(inputs),
      frugal: frugal.on || isWide(layout),
      passes: frugal.passes,
    });
  } catch (thrown) {
    if (!(thrown instanceof TailraceError) || thrown.code !== 'MEMORY_LIMIT') throw thrown;
    if (frugal.on && (partition.length === 0 || frugal.passes >= MAX_PASSES)) throw thrown;
    if (frugal.on) frugal.passes *= 4;
    frugal.on = true;
    return undefined;
  }
}

/** Compressed lines of DynamoDB JSON are about as large as the rows that they become. */
function rowBytes(inputs: readonly Input[]): number {
  const sum = (pick: (input: Input) => number): number => inputs.reduce((total, input) => total + pick(input), 0);
  return (
    sum(({ local }) => local.source.sizeBytes) /
    Math.max(
      1,
      sum(({ local }) => local.source.itemCount),
    )
  );
}

/** Lines by path, as far as the layout's reading accepts them. */
function countLines(
  inputs: readonly Input[],
  layout: Layout,
  { duck, tempDir, signal }: BatchOptions,
): Promise<ReadonlyMap<string, number>> {
  return lineCounts(
    duck,
    layout.projection,
    inputs.map((input) => input.path),
    tempDir,
    signal,
  );
}

/** So many columns take the usual way's memory for sure, and finding out costs an attempt. */
const WIDE_COLUMNS = 250;

/** Whether a table has so many columns that it is written the frugal way. */
export function isWide({ schema }: Pick<Layout, 'schema'>): boolean {
  return schema.columns.length > WIDE_COLUMNS;
}

function rescuedRows(files: readonly StagedFile[], layout: Layout): number {
  const id = layout.schema.system.find((column) => column.name === '_rescued')?.id ?? -1;
  return files.reduce((sum, file) => {
    const stats = file.stats[id];
    return sum + (stats === undefined ? 0 : stats.valueCount - stats.nullCount);
  }, 0);
}

/**
 * fault 52: what the manifest counts of a file, its lines must be, and the rows of all files together, less those that a
 * filter left out. Gives their number.
 */
async function checkCounts(
  inputs: readonly Input[],
  files: readonly { readonly rows: number }[],
  layout: Layout,
  options: BatchOptions,
): Promise<number> {
  const known = inputs.every((input) => input.lines !== undefined);
  const counts = known ? new Map<string, number>() : await countLines(inputs, layout, options);
  for (const { local, path, lines, rejected } of inputs) {
    checkCount(local.source, lines ?? (counts.get(path) ?? 0) + rejected);
  }
  const expected = inputs.reduce((sum, input) => sum + input.local.source.itemCount - input.rejected, 0);
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const { filter, since, lines } = layout.projection;
  const selects = (filter ?? since) !== undefined && lines.shape === 'item';
  if (rows === expected || (rows < expected && selects)) return expected - rows;
  throw new TailraceError('INTERNAL', `A batch of ${expected} items came out as ${rows} rows.`, {
    place: inputs[0]?.local.source.manifestKey ?? '',
  });
}

function checkCount({ itemCount, manifestKey }: SourceFile, found: number): void {
  if (found === itemCount) return;
  throw new TailraceError('COUNT_MISMATCH', 'A data file does not hold as many items as its manifest says.', {
    place: manifestKey,
    expected: `${itemCount} items`,
    found: `${found} items`,
    hint: 'The manifest or the file was changed after the export; run the export again.',
  });
}
