import { basename } from 'node:path';
import { isBrokenGzip, type Refusal, refusalOf } from '../../engine/duckdb/errors.ts';
import { TailraceError } from '../../model/errors.ts';
import type { Change, Item } from '../../model/item.ts';
import { sampleItems } from '../../source/lines/sample.ts';
import { sieveFile } from '../../source/lines/sieve.ts';
import type { LocalFile, Reject } from '../../source/port.ts';
import type { Learner } from './learner.ts';

/** One file of a batch on its way: as it came, learned from, or sieved. */
export interface Input {
  readonly local: LocalFile;
  path: string;
  learned: boolean;
  sieved: boolean;
  rejected: number;
  /** Lines of the source file, rejects and all, where they were counted. */
  lines: number | undefined;
  /** False when a line is no sound item, although the engine might read it as one. */
  sound: boolean;
}

export interface RefusalOptions {
  readonly learner: Learner;
  readonly tempDir: string;
  readonly strict: boolean;
  readonly signal: AbortSignal;
  /** Resolves when the batch's bytes are proved to be the export's; throws where they are not. */
  readonly verified: () => Promise<void>;
  readonly onReject: (reject: Reject) => Promise<void>;
}

/** More refusals of one batch than this mean that tailrace does not understand the data. */
const MAX_ATTEMPTS = 200;

/** Learns from samples of several files. */
export function sampleSink(
  learner: Learner,
  locals: readonly LocalFile[],
): (item: Item, path: string, change?: Change) => void {
  const sinks = new Map(locals.map((local) => [local.path, learner.sink(local.source.manifestKey)]));
  return (item, path, change) => sinks.get(path)?.(item, change);
}

/** Bytes of a gzip file of nothing: 20, or 23 as some write it. The shortest line of an item makes one of 31. */
const EMPTY_GZIP_BYTES = 24;

/** The files of a batch that hold items, by the manifest or by their size: a line that the manifest denies must not hide. */
export function inputsOf(locals: readonly LocalFile[]): Input[] {
  return locals
    .filter(({ source }) => source.itemCount > 0 || source.sizeBytes > EMPTY_GZIP_BYTES)
    .map(
      (local): Input => ({
        local,
        path: local.path,
        learned: false,
        sieved: false,
        rejected: local.rejects.length,
        lines: local.lines,
        sound: true,
      }),
    );
}

/**
 * Repeats `work` until the engine refuses nothing any more. After a refusal the file is read line by line: the learner
 * learns from it, and lines that no engine loads become rejects. Each refusal teaches, so this ends.
 * `work` gives undefined to be called again.
 */
export async function untilAccepted<T>(
  inputs: readonly Input[],
  options: RefusalOptions,
  work: () => Promise<T | undefined>,
): Promise<T> {
  // Checksums are taken while the engine works; whoever needs the outcome awaits it.
  options.verified().catch(() => undefined);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    try {
      const result = await ifVerified(options.verified, work);
      if (result !== undefined) return result;
    } catch (thrown) {
      await answer(thrown, inputs, options, attempt);
    }
  }
  throw new TailraceError('ENGINE', `A batch was still refused after ${MAX_ATTEMPTS} attempts.`, {
    place: inputs[0]?.local.source.manifestKey ?? '',
    hint: 'Report this with the output of --log-level debug.',
  });
}

/** Does work on bytes that are perhaps not yet verified. When they are not the export's, its failure means nothing. */
export async function ifVerified<T>(verified: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    await verified();
    throw thrown;
  }
}

async function answer(
  thrown: unknown,
  inputs: readonly Input[],
  options: RefusalOptions,
  attempt: number,
): Promise<void> {
  const refusal = refusalOf(thrown);
  const input = inputs.find(
    ({ path }) => refusal !== undefined && (path === refusal.file || basename(path) === basename(refusal.file)),
  );
  if (refusal === undefined || input === undefined) throw gzipFault(thrown, inputs);
  options.learner.surprised();
  if (refusal.kind === 'unknown-key' && !input.learned) {
    // Each surprise makes the next less likely by learning from four times as many files. Where there turn out to be more
    // attributes than columns, no more is needed: all items are counted then.
    const others = inputs
      .filter((candidate) => !candidate.learned && candidate !== input)
      .slice(0, 4 ** Math.min(attempt, 8) - 1);
    for (const each of [input, ...others]) {
      await learnFrom(each, options);
      if (options.learner.crowded) return;
    }
    return;
  }
  if (input.sieved) throw stuck(input, refusal, thrown);
  await sieve(input, options);
}

/** Learns from every line of a file. */
export async function learnFrom(input: Input, { learner, signal }: RefusalOptions): Promise<void> {
  const all = Number.POSITIVE_INFINITY;
  const learn = learner.sink(input.local.source.manifestKey);
  await sampleItems([input.path], {
    linesPerFile: all,
    maxBytes: all,
    sink: (item, _path, change) => learn(item, change),
    rules: learner.lines,
    signal,
  });
  input.learned = true;
}

/** Sends files with lines that the engine should have refused the slow way; true if there were any. */
export async function sieveUnsound(inputs: readonly Input[], options: RefusalOptions): Promise<boolean> {
  const unsound = inputs.filter((input) => !input.sound);
  for (const input of unsound) await sieve(input, options);
  return unsound.length > 0;
}

/** The slow path: every line is loaded or rejected, one by one. */
async function sieve(input: Input, options: RefusalOptions): Promise<void> {
  const learn = options.learner.sink(input.local.source.manifestKey);
  const result = await sieveFile(input.path, input.local.source.manifestKey, {
    tempDir: options.tempDir,
    sink: learn,
    rules: options.learner.lines,
    signal: options.signal,
    accept: (item, change) => {
      const reason = options.learner.refuses(item, change);
      if (reason !== undefined) learn(undefined);
      return reason;
    },
    onReject: (reject) => {
      if (options.strict) throw rejectedError(reject);
      return options.onReject(reject);
    },
  });
  input.path = result.path;
  input.learned = true;
  input.sieved = true;
  input.sound = true;
  input.rejected += result.rejected;
  input.lines = result.lines + input.rejected;
}

/** The error that --strict makes of the first reject. */
export function rejectedError(reject: Reject): TailraceError {
  return new TailraceError('ITEM_REJECTED', `An item cannot be loaded: ${reject.reason}.`, {
    place: `${reject.file}, line ${reject.line}`,
    hint: 'Without --strict such items go to the rejects folder, and the rest is loaded.',
  });
}

function stuck(input: Input, refusal: Refusal, cause: unknown): TailraceError {
  const near = refusal.line === undefined ? '' : `, near line ${refusal.line}`;
  return new TailraceError('ENGINE', `The engine refuses a file whose lines are sound: ${refusal.detail}.`, {
    place: `${input.local.source.manifestKey}${near}`,
    cause,
    hint: 'Exclude the attribute with --exclude, and report this with the output of --log-level debug.',
  });
}

function gzipFault(thrown: unknown, inputs: readonly Input[]): unknown {
  if (!isBrokenGzip(thrown)) return thrown;
  const place = inputs
    .map((input) => input.local.source.manifestKey)
    .slice(0, 10)
    .join(', ');
  return new TailraceError('DATA_CHECKSUM', 'A data file is not sound gzip.', {
    place,
    cause: thrown,
    hint: 'Run the export again.',
  });
}
