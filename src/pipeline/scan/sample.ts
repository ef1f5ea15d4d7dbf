/**
 * Items of a table for those who only want to learn its schema: a paced scan that ends after some of them, or that reads
 * all. They lie in the temporary folder as an export's files do, so whoever learns from an export learns from them.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TailraceError } from '../../model/errors.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { Warning } from '../../model/report.ts';
import { SCAN_LIMITS } from '../../source/scan/limits.ts';
import { segmentsFor } from '../../source/scan/places.ts';
import { TableScan } from '../../source/scan/scan.ts';
import type { Piece } from '../../source/scan/spool.ts';
import { localStorage } from '../../storage/local/local.ts';
import type { OpenSource } from '../ends/open.ts';
import { openWorkspace } from '../ends/workspace.ts';
import { exportOf } from './as-export.ts';
import { openTable, type PacedTable, refuseUnreadable, type TableEnd } from './described.ts';

/** How much is read: so many items, or all. */
export type SampleSize = number | 'whole';

/** Enough to see what is not rare, for some thousand read units. */
export const SAMPLE_ITEMS = 10_000;
const SAMPLE_BYTES = 64 * 1024 * 1024;

export interface SampledTable extends OpenSource {
  /** Partition key first. */
  readonly key: readonly string[];
  readonly warnings: readonly Warning[];
}

/** Reads items, and hands them on as an export; they are gone when `use` is done. */
export async function withSample<T>(
  end: TableEnd,
  size: SampleSize,
  options: SyncOptions,
  context: RunContext,
  use: (sampled: SampledTable) => Promise<T>,
): Promise<T> {
  const opened = await openTable(end, options, context);
  try {
    refuseUnreadable(opened.table);
  } catch (thrown) {
    await opened.close();
    throw thrown;
  }
  const workspace = await openWorkspace(options.tempDir);
  const storage = localStorage('/');
  try {
    const dir = join(workspace.dir, 'sample');
    await mkdir(dir, { mode: 0o700 });
    const { piece, complete } = await read(opened, size, dir, options, context);
    const { table } = opened;
    return await use({
      storage,
      export: exportOf(opened.table, piece, opened.table.arn),
      key: table.key.map(({ attr }) => attr),
      warnings: complete ? [] : [sampled(opened, piece)],
    });
  } finally {
    await opened.close();
    await storage.close();
    await workspace.close();
  }
}

async function read(
  { api, pacer, table }: PacedTable,
  size: SampleSize,
  dir: string,
  options: SyncOptions,
  context: RunContext,
): Promise<{ readonly piece: Piece; readonly complete: boolean }> {
  const { consistent, segments } = options.scan;
  const budgetBytes = options.tempBudgetBytes;
  const enough = new AbortController();
  let overBudget = false;
  const scan = new TableScan({
    ...{ api, pacer, table, consistent, dir, budgetBytes },
    from: segments ?? segmentsFor(table.bytes),
    commitEveryMs: Number.POSITIVE_INFINITY,
    limits: { ...SCAN_LIMITS, pieceBytes: Number.POSITIVE_INFINITY },
    signal: AbortSignal.any([context.signal, enough.signal]),
    onPage: () => {
      overBudget ||= piece.bytes >= budgetBytes;
      if (overBudget || (size !== 'whole' && (scan.items >= size || piece.bytes >= SAMPLE_BYTES))) enough.abort();
      tell(scan, Math.min(size === 'whole' ? Number.POSITIVE_INFINITY : size, table.items), pacer, context);
    },
  });
  const piece = scan.begin();
  try {
    const { complete } = await scan.ended();
    if (!complete && !enough.signal.aborted) scan.follows();
    context.signal.throwIfAborted();
    if (overBudget && size === 'whole') throw tooLarge(options, table.bytes);
    await piece.whole();
    return { piece, complete };
  } finally {
    await scan.close();
  }
}

function tell(scan: TableScan, itemsTotal: number, pacer: PacedTable['pacer'], { onProgress }: RunContext): void {
  const { done, segments, open } = scan.queue;
  onProgress({
    phase: 'learn',
    ...{ filesDone: 0, filesTotal: 0, bytesDone: 0, bytesTotal: 0 },
    itemsDone: scan.items,
    itemsTotal: Math.max(itemsTotal, scan.items),
    scan: {
      ...{ segmentsDone: done, segments, open },
      unitsPerSecond: pacer.usedPerSecond,
      limit: pacer.unitsPerSecond,
    },
  });
}

function sampled({ table, rate, pacer }: PacedTable, { items }: Piece): Warning {
  const of = table.items > items ? `${items} of about ${table.items} items` : `${items} items`;
  const pace = Number.isFinite(rate.unitsPerSecond) ? `, at most ${Math.round(rate.unitsPerSecond)} a second` : '';
  const units = Math.round(pacer.used);
  return {
    code: 'sampled',
    text: `${of} were read, for ${units} read units${pace} (${rate.why}). What they do not show is not in the schema; --whole reads all.`,
  };
}

function tooLarge({ tempBudgetBytes }: SyncOptions, bytes: number): TailraceError {
  return new TailraceError('TEMP_BUDGET', 'The whole table does not fit into the temporary folder.', {
    expected: `at most ${tempBudgetBytes} bytes`,
    found: `more; DynamoDB says ${bytes} bytes`,
    hint: 'Raise --temp-budget, and name a disk with room by --temp-dir; or take a larger --sample.',
  });
}
