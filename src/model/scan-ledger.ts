/** How a ledger moves with each piece of a scan. */
import { createHash } from 'node:crypto';
import { fitted, type LedgerTable, staleRows } from './ledger.ts';
import type { Ledger, LedgerEntry, ScanEntry } from './table.ts';

/** Scans of one table that keep an entry. */
const SCANS_KEPT = 5;
/** Names of runs that are known beyond those: four days of hourly runs, in a third of the ledger. */
export const RUNS_KEPT = 100;
/** Nothing is known to be in a table that holds a part of a scan. */
const NOTHING = '1970-01-01T00:00:00Z';

/** What a scan is called in the ledger, as an export is by its ARN. */
export function scanName(tableArn: string, runId: string): string {
  return `${tableArn}/scan/${runId}`;
}

export function runIdOf({ exportArn }: Pick<LedgerEntry, 'exportArn'>): string {
  return exportArn.slice(exportArn.lastIndexOf('/scan/') + '/scan/'.length);
}

/** The folder below `.tailrace/` where a scan keeps what its entry names, until it is complete. */
export function scanFolder(runId: string): string {
  return `scan-${runId}`;
}

/** The folders of scans that go on from here: no sweep may take them, however long ago they stopped. */
export function heldFolders(ledger: Ledger | undefined): ReadonlySet<string> {
  const open = (ledger?.entries ?? []).filter((entry) => entry.kind === 'scan' && entry.rest !== undefined);
  return new Set(open.map((entry) => scanFolder(runIdOf(entry))));
}

/** The newest scan that a table holds, whole or in part. */
export function lastScan(ledger: Ledger | undefined): ScanEntry | undefined {
  return ledger?.entries.findLast((entry) => entry.kind === 'scan');
}

/** Whether a scan of that name came to its end in the table; its entry may be gone. */
export function holdsRun(ledger: Ledger, runId: string): boolean {
  return ledger.runs?.includes(digestOf(runId)) === true;
}

function digestOf(runId: string): string {
  return createHash('sha256').update(runId).digest('base64url').slice(0, 8);
}

/**
 * The ledger with one more piece of a scan, in place of what it said of the same scan before. A complete scan has every
 * change from before its first request, unless it left a time out that the table does not hold either.
 */
export function withScan(base: Ledger | LedgerTable, entry: ScanEntry, commitId: string): Ledger {
  const held: Partial<Ledger> = 'watermark' in base ? base : {};
  // Another scan that is not complete was given up for this one.
  const others = (held.entries ?? []).filter(
    (other) => other.exportArn !== entry.exportArn && (other.kind !== 'scan' || other.rest === undefined),
  );
  const scans = others.filter(({ kind }) => kind === 'scan');
  const old = new Set(scans.slice(0, Math.max(0, scans.length - SCANS_KEPT + 1)));
  const runs = [...(held.runs ?? []), ...[...old].map((entry) => digestOf(runIdOf(entry)))].slice(-RUNS_KEPT);
  // A scan that saw all of the source has made every row right.
  const stale = entry.rest === undefined && entry.partial !== true ? 0 : staleRows(held);
  const { tableArn, tableId, mode, covered, gaps } = { covered: undefined, gaps: undefined, ...base };
  return fitted({
    version: 1,
    tableArn,
    tableId,
    ...(mode === undefined ? {} : { mode }),
    entries: [...others.filter((other) => !old.has(other)), entry],
    ...(covered === undefined ? {} : { covered }),
    ...(gaps === undefined ? {} : { gaps }),
    ...(stale === 0 ? {} : { stale }),
    ...(runs.length === 0 ? {} : { runs }),
    watermark: later(
      held.watermark ?? NOTHING,
      entry.rest === undefined && !leavesGap(held, entry) ? entry.from : NOTHING,
    ),
    commitId,
  });
}

/** Whether a scan begins only behind what the table holds: what was written in between is in neither. */
export function leavesGap({ watermark = NOTHING }: Partial<Ledger>, { since }: Pick<ScanEntry, 'since'>): boolean {
  const reached = Date.parse(watermark);
  return since !== undefined && reached > 0 && BigInt(since.micros) > BigInt(reached) * 1000n;
}

function later(a: string, b: string): string {
  return Date.parse(b) > Date.parse(a) ? b : a;
}
