/** What is told of a scan that takes a part of the items. */
import type { SyncOptions } from '../../model/options.ts';
import { leavesGap } from '../../model/scan-ledger.ts';
import type { TableState } from '../../model/table.ts';
import { isoOf } from '../../schema/filter/since.ts';
import type { Reporter } from '../report/reporter.ts';
import { sinceEntry } from './mode.ts';
import type { ScanPlan } from './plan.ts';

/** Warns of what a part of the items means: for the cost, for what was left out before, and for a run that goes on. */
export function warnOfPart(
  reporter: Reporter,
  { kind, since }: ScanPlan,
  { dryRun, schema, state }: SyncOptions,
  there: TableState | undefined,
): void {
  if (kind === 'held') return;
  const isPart = since !== undefined || schema.filter !== '' || (there?.options?.['filter'] ?? '') !== '';
  if (dryRun && isPart)
    reporter.warn(
      'same-units',
      'A scan reads, and takes units for, every item, also those that --filter or --since leaves out.',
    );
  if (since === undefined) return;
  const from = isoOf(since.micros);
  if (kind === 'resume' && state.since === undefined)
    reporter.warn(
      'since-goes-on',
      `The interrupted scan goes on as it began: only with items that ${since.attr} says were written from ${from} on. The same command takes all items once that scan is complete.`,
    );
  const entry = sinceEntry(since);
  const { ledger } = there ?? {};
  if (ledger === undefined || entry === undefined || !leavesGap(ledger, { since: entry })) return;
  reporter.warn(
    'since-gap',
    `The table has what was written until ${ledger.watermark}, and this scan takes what was written from ${from} on: what lies between is in neither, and --since last still begins at the former.`,
  );
}
