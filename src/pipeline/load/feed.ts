/** Where a load's batches come from: an export, all of whose files are known, or a piece of a scan that is being filled. */
import { join } from 'node:path';
import { type Batch, fetchBatches, planBatches } from '../../source/export/batches.ts';
import type { Export, LocalFile } from '../../source/port.ts';
import type { Storage } from '../../storage/port.ts';

/** Files that come one after the other. */
export interface GrowingFiles {
  readonly files: readonly LocalFile[];
  /** True when no more come. */
  readonly closed: boolean;
  /** Resolves when there are more than so many, or none will come; false: none. */
  more(known: number): Promise<boolean>;
}

export interface FeedInput {
  readonly source: Storage;
  readonly export: Export;
  /** Absent: all files are there. */
  readonly growing?: GrowingFiles;
  readonly options: { readonly batchBytes: number; readonly tempBudgetBytes: number };
  readonly workDir: string;
  readonly context: { readonly signal: AbortSignal };
}

/** Batch after batch of those that are not skipped, once all files are there; of what is there, while they come. */
export function batchesOf(
  input: FeedInput,
  skip: (index: number) => boolean,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Batch> {
  const { source, export: from, growing, options, workDir, context } = input;
  if (growing !== undefined && !growing.closed) return growingBatches(growing, options.batchBytes);
  return fetchBatches(source, from, {
    batchBytes: options.batchBytes,
    budgetBytes: options.tempBudgetBytes,
    tempDir: join(workDir, 'spool'),
    signal: context.signal,
    skip,
    onBytes,
  });
}

/** Whether a batch of these files is all that there is. */
export function isWhole({ export: from, growing, options }: FeedInput, files: readonly LocalFile[]): boolean {
  if (growing !== undefined) return growing.closed && files.length === growing.files.length;
  return planBatches(from, options.batchBytes).length === 1;
}

/** Resolves when all files are there. */
export async function wholeFeed({ growing }: FeedInput): Promise<void> {
  while (growing !== undefined && !growing.closed) await growing.more(growing.files.length);
}

/** Takes what came while the batch before was worked on: the slower the work, the larger the batches. */
async function* growingBatches(growing: GrowingFiles, batchBytes: number): AsyncGenerator<Batch> {
  const nothing = async (): Promise<void> => undefined;
  for (let known = 0, index = 0; await growing.more(known); index += 1) {
    let bytes = 0;
    const files = growing.files.slice(known).filter(({ source }, place) => {
      bytes += source.sizeBytes;
      return place === 0 || bytes <= batchBytes;
    });
    known += files.length;
    // Their checksums were taken as they came; they stay until the whole piece is committed.
    yield { index, files, verified: nothing, recheck: nothing, release: nothing };
  }
}
