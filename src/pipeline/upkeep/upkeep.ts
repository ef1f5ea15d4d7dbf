/** Upkeep within a sync: bounded by what the run itself wrote, and never a reason for the run to fail. */
import { join } from 'node:path';
import { compact, type MaintainParts } from '../../maintain/compact.ts';
import { DAY_MS, JOIN_BY_THE_WAY, retireMetadata, sweepOrphans } from '../../maintain/metadata.ts';
import { TIER_FILES } from '../../maintain/policy.ts';
import { asTailraceError } from '../../model/errors.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { Removed } from '../../model/table.ts';
import type { OpenTarget } from '../ends/open.ts';
import { fetchFiles } from '../files/fetched.ts';
import type { RunParts } from '../load/parts.ts';

/** A long chain is looked after as it goes: as often as its files may fill a tier. */
const WINDOWS_BETWEEN = TIER_FILES;
/** A run rewrites at most so many times what it wrote itself: a table that was neglected is not all written anew by the
 * next small window. */
const WRITTEN_TIMES = 4;
/** But so much in any case: a second or two, and all that most tables need. */
const LEAST_BUDGET_BYTES = 64_000_000;
/** How long a replaced generation of a Parquet table stays for readers that still read it, and a killed load's files for
 * the run that takes them up. */
const GENERATION_GRACE_MS = DAY_MS;

export class Upkeep {
  readonly #parts: RunParts;
  #windows = 0;
  #written = 0;

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  /** Behind the commit of each window, and with `last` behind that of the run. Failures become warnings. `more`: the run
   * has several commits, and sends readers of a Parquet table on at its end. */
  async window(last: boolean, more: boolean): Promise<void> {
    const { given, reporter, context } = this.#parts;
    this.#windows += 1;
    if (!given.upkeep || (!last && this.#windows < WINDOWS_BETWEEN)) return;
    try {
      await reporter.timed('upkeep', () => this.#run(last, more));
    } catch (thrown) {
      const { message } = asTailraceError(thrown);
      context.log('debug', 'upkeep failed', { stack: thrown instanceof Error ? thrown.stack : String(thrown) });
      reporter.warn('upkeep-stopped', upkeepStopped(context.signal.aborted ? 'the run was interrupted' : message));
    }
    this.#windows = 0;
    this.#written = reporter.bytesWritten;
  }

  async #run(last: boolean, more: boolean): Promise<void> {
    const { target, given, reporter, context, duck, workDir } = this.#parts;
    const written = reporter.bytesWritten - this.#written;
    const parts = { ...maintainParts(target, given, context, duck, join(workDir, 'upkeep')), more };
    const compaction = await compact(
      parts,
      compactLimits(given, Math.max(LEAST_BUDGET_BYTES, WRITTEN_TIMES * written)),
    );
    const removed = last ? await removeFormer(target) : { files: 0, bytes: 0 };
    reporter.upkeep(compaction, removed);
    if (compaction.stopped !== undefined) reporter.warn('upkeep-stopped', upkeepStopped(compaction.stopped));
  }
}

function removeFormer({ table, storage }: OpenTarget): Promise<Removed> {
  const now = Date.now();
  if (table.format === 'iceberg') return retireMetadata(table, now, false);
  return sweepOrphans(table, storage, now - GENERATION_GRACE_MS, false);
}

/** What upkeep works with. */
export function maintainParts(
  { table, storage }: OpenTarget,
  options: SyncOptions,
  { signal }: RunContext,
  duck: MaintainParts['duck'],
  workDir: string,
): MaintainParts {
  return {
    table,
    storage,
    duck,
    workDir,
    readable: (files, dir) => fetchFiles(storage, files, dir, options.tempBudgetBytes, signal),
    signal,
    now: Date.now,
  };
}

/** The temporary folder holds what a group is made of, and what it becomes. */
export function compactLimits(
  { targetFileSizeBytes, tempBudgetBytes }: SyncOptions,
  budgetBytes: number,
): Parameters<typeof compact>[1] {
  return { targetFileSizeBytes, groupBytes: tempBudgetBytes / 2, budgetBytes, joinManifests: JOIN_BY_THE_WAY };
}

/** A warning's sentence. */
export function upkeepStopped(reason: string): string {
  return `Upkeep stopped, and the table is whole: ${reason.replace(/\.?$/, '.')} tailrace maintain takes it up.`;
}
