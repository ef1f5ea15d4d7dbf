/**
 * A DynamoDB table read by Scan into a table, piece by piece, each in a commit of its own, while the next one is read.
 * A run that was killed goes on behind the last commit, with the segments and places that it holds.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DynamoApi } from '../../dynamodb/api.ts';
import type { DescribedTable } from '../../dynamodb/describe.ts';
import { readPrices } from '../../dynamodb/prices.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { SyncReport } from '../../model/report.ts';
import type { StreamPosition } from '../../model/stream-position.ts';
import type { TableState } from '../../model/table.ts';
import type { Pacer } from '../../pacing/pacer.ts';
import type { PositionSource } from '../../source/port.ts';
import { SCAN_LIMITS, type ScanLimits } from '../../source/scan/limits.ts';
import { TableScan } from '../../source/scan/scan.ts';
import { localStorage } from '../../storage/local/local.ts';
import { refuseChanges } from '../chain/refuse.ts';
import { openEngine } from '../ends/engine.ts';
import { keepOptions } from '../ends/keep.ts';
import { type OpenTarget, readSchemaOption } from '../ends/open.ts';
import { openWorkspace } from '../ends/workspace.ts';
import { finishLast } from '../load/finish-last.ts';
import type { RunParts } from '../load/parts.ts';
import { sendReaders } from '../load/publish.ts';
import type { Reporter } from '../report/reporter.ts';
import { Upkeep } from '../upkeep/upkeep.ts';
import { describe, openTable, refuseUnreadable, type TableEnd } from './described.ts';
import { warnOfPart } from './part.ts';
import { applyPiece } from './piece.ts';
import { readPlaces } from './places.ts';
import { planScan, refuseRemade, type ScanPlan } from './plan.ts';
import { takePosition } from './position.ts';
import { ScanProgress } from './progress.ts';

/** What reads the table. */
interface Reading {
  readonly api: DynamoApi;
  readonly pacer: Pacer;
  readonly table: DescribedTable;
  readonly plan: ScanPlan;
  readonly progress: ScanProgress;
  readonly stream?: StreamPosition;
}

/** What a scan is given beside its options: by tests, and by who follows a stream behind it. */
export interface ScanSeams {
  readonly limits?: ScanLimits;
  readonly positions?: PositionSource;
}

/** One run on a table itself; the counterpart of a chain of exports. */
export async function syncTable(
  source: TableEnd,
  target: OpenTarget,
  there: TableState | undefined,
  options: SyncOptions,
  context: RunContext,
  reporter: Reporter,
  { limits = SCAN_LIMITS, positions }: ScanSeams = {},
): Promise<SyncReport> {
  const opened = await openTable(source, options, context);
  try {
    const { api, retrier, table, rate, pacer } = opened;
    const plan = planScan(table, there, options);
    if (plan.kind !== 'held') refuseUnreadable(table);
    warnOfClock(reporter, api);
    if (there !== undefined && plan.kind !== 'held') await settleChanges(reporter, options, there);
    const prices = await readPrices(options.state.prices);
    const progress = new ScanProgress({ table, plan, prices, rate, pacer, retrier, options, context, reporter });
    progress.report();
    warnOfPart(reporter, plan, options, there);
    if (options.dryRun) return reporter.finish(plan.kind === 'held' ? 'unchanged' : 'planned');
    await finishLast(target, there, reporter);
    if (plan.kind === 'held') {
      if (there?.published !== undefined) await sendReaders({ target, context, reporter });
      return reporter.finish('unchanged');
    }
    const stream = await takePosition(positions, plan, table, context.signal);
    const reading = { api, pacer, table, plan, progress, ...(stream === undefined ? {} : { stream }) };
    await read(reading, target, there, options, context, reporter, limits);
    return reporter.finish('committed');
  } finally {
    await opened.close();
  }
}

/** What was written before a scan, and what after it, is told by DynamoDB's clock; people look at this machine's. */
function warnOfClock(reporter: Reporter, { skewMs }: DynamoApi): void {
  if (skewMs === 0) return;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const where = skewMs > 0 ? 'behind' : 'ahead of';
  const text = `This machine’s clock is ${seconds} s ${where} DynamoDB’s. The scan’s times are DynamoDB’s.`;
  reporter.warn('clock-skew', text);
}

/** Refuses options that the rows of a table that is there contradict, and tells of those that wait. */
async function settleChanges(reporter: Reporter, options: SyncOptions, there: TableState): Promise<void> {
  const { changes } = keepOptions(options, await readSchemaOption(options), there, false);
  reporter.changes(changes, 'scans');
  refuseChanges(changes, there);
}

/** Reads the table, and puts it into the target piece by piece. */
async function read(
  { api, pacer, table, plan, progress, stream }: Reading,
  target: OpenTarget,
  there: TableState | undefined,
  given: SyncOptions,
  context: RunContext,
  reporter: Reporter,
  limits: ScanLimits,
): Promise<void> {
  const file = await readSchemaOption(given);
  const key = given.schema.key.length > 0 ? given.schema.key : table.key.map(({ attr }) => attr);
  const options = { ...given, schema: { ...given.schema, key } };
  const places = plan.entry?.rest === undefined ? undefined : await readPlaces(target, plan.entry.rest);
  const workspace = await openWorkspace(options.tempDir);
  const dir = join(workspace.dir, 'scan');
  await mkdir(dir, { mode: 0o700 });
  const duck = await openEngine(workspace, options);
  const consistent = options.scan.consistent;
  const budgetBytes = options.tempBudgetBytes;
  const scan = new TableScan({
    ...{ api, pacer, table, consistent, dir, budgetBytes },
    from: places ?? plan.segments,
    commitEveryMs: options.scan.commitEveryMs,
    limits: { ...limits, pieceBytes: Math.min(limits.pieceBytes, budgetBytes / 2) },
    signal: context.signal,
    onPage: () => progress.page(scan),
  });
  const silent = { ...context, onProgress: () => undefined };
  const parts: RunParts = {
    ...{ target, given: options, reporter, duck },
    source: localStorage('/'),
    context: silent,
    workDir: workspace.dir,
  };
  const upkeep = new Upkeep(parts);
  const allowed = async (): Promise<void> => {
    const now = await describe(api, table.named, context);
    refuseRemade(table, now);
    refuseUnreadable(now);
  };
  let [base, entry] = [there, plan.entry];
  try {
    do {
      const piece = scan.begin();
      const followed = stream === undefined ? {} : { stream };
      const input = { table, plan, consistent, ...followed, entry, piece, ended: () => scan.ended(), allowed };
      const applied = await applyPiece(parts, input, base, keepOptions(options, file, base, false));
      scan.release(piece);
      if (applied === undefined) continue;
      entry = applied.entry;
      progress.applied(scan, applied);
      await upkeep.window(entry.rest === undefined, entry.pieces > 1);
      base = await target.table.load();
    } while (scan.follows());
  } finally {
    await scan.close();
    await sendReaders({ target, context, reporter });
    await parts.source.close();
    duck.close();
    await workspace.close();
  }
}
