/**
 * `maintain`: upkeep of a table by request. Each step is a commit of its own that changes no row, or deletes what no
 * snapshot names. It does not throw: whatever goes wrong is in the report, and the table is whole.
 */
import { join } from 'node:path';
import { compact, liveState, NO_COMPACTION } from '../../maintain/compact.ts';
import {
  expireSnapshots,
  HOUR_MS,
  joinManifests,
  refuseExpiry,
  retireMetadata,
  sweepOrphans,
} from '../../maintain/metadata.ts';
import { planRewrites } from '../../maintain/policy.ts';
import { asTailraceError, TailraceError } from '../../model/errors.ts';
import type { MaintainReport } from '../../model/maintain-report.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { Warning } from '../../model/report.ts';
import { refuseTable } from '../chain/refuse.ts';
import { openEngine } from '../ends/engine.ts';
import { noTable } from '../ends/no-table.ts';
import { type OpenTarget, openTarget, type WrapStorage } from '../ends/open.ts';
import { openWorkspace } from '../ends/workspace.ts';
import { publish } from '../load/publish.ts';
import { reportErrorOf } from '../report/chain-report.ts';
import { compactLimits, maintainParts, upkeepStopped } from './upkeep.ts';

export interface MaintainOptions extends SyncOptions {
  /** Snapshots older than this are forgotten; absent: none is. */
  readonly expireSnapshotsMs?: number;
  /** The newest snapshots that stay, however old they are; absent: 10. */
  readonly keepSnapshots?: number;
  /** Files that nothing names are deleted when they are older than this; absent: none is. At least an hour. */
  readonly sweepOrphansMs?: number;
}

/** Snapshots that stay by default, however old: a table that nobody wrote for weeks keeps some to go back to. */
const KEPT_SNAPSHOTS = 10;
/** A load's files are named by nothing before its commit: a sweep that is younger than a running load destroys it. */
const LEAST_GRACE_MS = HOUR_MS;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Mutable<MaintainReport>;

/** Looks after one table: see above. */
export async function maintain(
  target: string,
  options: MaintainOptions,
  context: RunContext,
  wrap?: WrapStorage,
): Promise<MaintainReport> {
  const started = performance.now();
  const warnings: Warning[] = [];
  const report: Draft = {
    outcome: 'failed',
    target,
    rewritten: { filesBefore: 0, bytesBefore: 0, left: 0 },
    manifestsJoined: false,
    retired: { files: 0, bytes: 0 },
    timings: { totalMs: 0 },
    peakMemoryBytes: 0,
    warnings,
  };
  try {
    const opened = await openTarget(target, options, 'read', wrap);
    try {
      report.outcome = await run(opened, options, context, report, warnings);
    } finally {
      await opened.close();
    }
  } catch (thrown) {
    context.log('debug', 'the run failed', { stack: thrown instanceof Error ? thrown.stack : String(thrown) });
    report.error = reportErrorOf(context.signal.aborted ? interrupted(thrown) : asTailraceError(thrown));
  }
  report.timings = { totalMs: Math.round(performance.now() - started) };
  report.peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  return report;
}

async function run(
  target: OpenTarget,
  options: MaintainOptions,
  context: RunContext,
  report: Draft,
  warnings: Warning[],
): Promise<MaintainReport['outcome']> {
  const { table } = target;
  report.format = table.format;
  checkOptions(target, options);
  const base = await table.load();
  if (base === undefined) throw noTable(table.location);
  refuseTable(base, { ...options, mode: undefined });
  if (base.snapshot !== undefined) report.snapshot = base.snapshot;
  const { dryRun } = options;
  let published = 0;
  if (dryRun) await planned(target, options, report);
  else {
    await rewrite(target, options, context, report, warnings);
    const sent = await publish(target, context);
    if (sent?.kind === 'committed') {
      report.snapshot = sent.snapshot;
      published = 1;
    }
  }
  await metadata(target, options, context, report, warnings);
  if (dryRun) return 'planned';
  const { rewritten, manifestsJoined, retired, expired, swept } = report;
  const counts = [
    published,
    rewritten.filesBefore,
    retired.files,
    expired?.snapshots ?? 0,
    expired?.refs?.length ?? 0,
    swept?.files ?? 0,
  ];
  return manifestsJoined || counts.some((count) => count > 0) ? 'committed' : 'unchanged';
}

function checkOptions({ table }: OpenTarget, { expireSnapshotsMs, sweepOrphansMs }: MaintainOptions): void {
  if (expireSnapshotsMs !== undefined) refuseExpiry(table);
  if (sweepOrphansMs === undefined || sweepOrphansMs >= LEAST_GRACE_MS) return;
  throw new TailraceError(
    'USAGE',
    'The grace period is so short that a sweep could delete the files of a running load.',
    {
      expected: 'at least 1h, and longer than the longest load takes',
      found: `${sweepOrphansMs / 1000} s`,
      place: '--sweep-orphans',
      hint: 'The default of 3d suits nearly everyone.',
    },
  );
}

async function planned({ table }: OpenTarget, options: MaintainOptions, report: Draft): Promise<void> {
  const now = await liveState(table);
  const { groups, left } = planRewrites(now?.files ?? [], compactLimits(options, Number.POSITIVE_INFINITY));
  const files = groups.flatMap((group) => group.files);
  const bytesBefore = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  report.rewritten = { filesBefore: files.length, bytesBefore, left };
}

async function rewrite(
  target: OpenTarget,
  options: MaintainOptions,
  context: RunContext,
  report: Draft,
  warnings: Warning[],
): Promise<void> {
  const workspace = await openWorkspace(options.tempDir);
  const duck = await openEngine(workspace, options);
  let done = NO_COMPACTION;
  try {
    const parts = maintainParts(target, options, context, duck, join(workspace.dir, 'upkeep'));
    done = await compact(parts, compactLimits(options, Number.POSITIVE_INFINITY));
  } finally {
    duck.close();
    await workspace.close();
  }
  const { before, after, deletes, left, snapshot, stopped } = done;
  if (snapshot !== undefined) report.snapshot = snapshot;
  if (stopped !== undefined) warnings.push({ code: 'upkeep-stopped', text: upkeepStopped(stopped) });
  report.rewritten = {
    filesBefore: before.files,
    bytesBefore: before.bytes,
    filesAfter: after.files,
    bytesAfter: after.bytes,
    deletedRows: deletes.rows,
    left,
  };
}

async function metadata(
  { table, storage }: OpenTarget,
  options: MaintainOptions,
  { signal }: RunContext,
  report: Draft,
  warnings: Warning[],
): Promise<void> {
  const { expireSnapshotsMs: ageMs, keepSnapshots: minKeep = KEPT_SNAPSHOTS, sweepOrphansMs, dryRun } = options;
  const stopped = (reason: string): void => void warnings.push({ code: 'upkeep-stopped', text: upkeepStopped(reason) });
  signal.throwIfAborted();
  const joined = dryRun ? undefined : await joinManifests(table, Date.now);
  if (joined?.kind === 'committed') {
    report.manifestsJoined = true;
    report.snapshot = joined.snapshot;
  } else if (joined !== undefined) stopped(joined.reason);
  signal.throwIfAborted();
  if (ageMs !== undefined) {
    const limits = { ageMs, minKeep };
    const { outcome, snapshots, refs, files, reason } = await expireSnapshots(table, limits, Date.now, dryRun);
    report.expired = { snapshots, files, ...(refs.length === 0 ? {} : { refs }) };
    if (outcome === 'conflict' || outcome === 'unknown') stopped(reason ?? outcome);
  }
  signal.throwIfAborted();
  report.retired = await retireMetadata(table, Date.now(), dryRun);
  if (sweepOrphansMs === undefined) return;
  const { files, bytes } = await sweepOrphans(table, storage, Date.now() - sweepOrphansMs, dryRun);
  report.swept = { files, bytes };
}

function interrupted(cause: unknown): TailraceError {
  return new TailraceError('INTERRUPTED', 'The run was interrupted; the table is whole, and no row has changed.', {
    cause,
    hint: 'Run the same command again.',
  });
}
