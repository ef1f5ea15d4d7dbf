/** Upkeep of what names the data files: manifests, former metadata, snapshots; and files that nothing names. */
import { randomUUID } from 'node:crypto';
import { TailraceError } from '../model/errors.ts';
import type { CommitOutcome, Expiry, JoinManifests, Removed, TableHandle } from '../model/table.ts';
import type { Storage } from '../storage/port.ts';
import { sweepGenerations } from '../table/parquet/generations.ts';
import { MAX_CONFLICTS } from './compact.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Former metadata files that stay at least; the table's own log usually names more, and all of those stay. */
export const METADATA_KEPT = 20;
/**
 * How old the log's oldest entry must be before files behind it go. A reader keeps the metadata in memory once it has
 * read it; a writer that sleeps for longer between its reading and its commit finds at the commit that the table has
 * moved on. An hour is far more than either takes, and little next to what a chain of thousands of windows would leave:
 * each metadata file names all snapshots.
 */
export const METADATA_GRACE_MS = HOUR_MS;
/** Manifests of one kind that are worth joining in a commit of its own. */
export const JOIN_BY_REQUEST: JoinManifests = { minCount: 16, targetBytes: 8 * 1024 * 1024 };
/** The same within a commit that is made anyway. */
export const JOIN_BY_THE_WAY: JoinManifests = { minCount: 100, targetBytes: 8 * 1024 * 1024 };

/** Deletes metadata of former versions; formats that have none give nothing. */
export async function retireMetadata(table: TableHandle, nowMs: number, dryRun: boolean): Promise<Removed> {
  const options = { keep: METADATA_KEPT, olderThanMs: nowMs - METADATA_GRACE_MS, dryRun };
  return (await table.upkeep?.retireMetadata(options)) ?? { files: 0, bytes: 0 };
}

/** Joins small manifests in a commit of its own; undefined where there is nothing to join. */
export async function joinManifests(table: TableHandle, now: () => number): Promise<CommitOutcome | undefined> {
  let outcome: CommitOutcome | undefined;
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const options = { ...JOIN_BY_REQUEST, commitId: randomUUID(), timestampMs: now() };
    outcome = await table.upkeep?.joinManifests(options);
    if (outcome?.kind !== 'conflict') break;
  }
  return outcome;
}

export interface ExpireLimits {
  readonly ageMs: number;
  readonly minKeep: number;
}

/** A format without snapshots has none to expire. */
export function refuseExpiry(table: TableHandle): void {
  if (table.upkeep !== undefined) return;
  throw new TailraceError('USAGE', 'A Parquet table has no snapshots that could expire.', {
    place: table.location,
    hint: 'Leave out --expire-snapshots; --sweep-orphans removes the generations that no longer count.',
  });
}

/** Forgets old snapshots, and deletes their files. */
export async function expireSnapshots(
  table: TableHandle,
  { ageMs, minKeep }: ExpireLimits,
  now: () => number,
  dryRun: boolean,
): Promise<Expiry> {
  const { upkeep } = table;
  if (upkeep === undefined) return { outcome: 'nothing', snapshots: 0, refs: [], files: 0 };
  let expiry: Expiry = { outcome: 'nothing', snapshots: 0, refs: [], files: 0 };
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const timestampMs = now();
    expiry = await upkeep.expireSnapshots({ olderThanMs: timestampMs - ageMs, minKeep, timestampMs, dryRun });
    if (expiry.outcome !== 'conflict') break;
  }
  return expiry;
}

/** Deletes what killed runs left behind: data and metadata that nothing names, and journals; of Parquet tables, replaced
 * generations, too. */
export async function sweepOrphans(
  table: TableHandle,
  storage: Storage,
  olderThanMs: number,
  dryRun: boolean,
): Promise<Removed> {
  if (table.format === 'parquet') {
    if (!dryRun) await refuseIfShown(table);
    return sweepGenerations(storage, table.location, { olderThanMs, dryRun });
  }
  return (await table.upkeep?.sweepOrphans({ olderThanMs, dryRun })) ?? { files: 0, bytes: 0 };
}

/** Readers that come by a catalog go where that sends them: a generation that it still shows must stay. */
async function refuseIfShown(table: TableHandle): Promise<void> {
  const behind = await table.show?.();
  if (behind === undefined) return;
  throw new TailraceError('CATALOG', `Former generations stay: the catalog may still show one. ${behind}`, {
    place: table.location,
    hint: 'Remove the cause, and run again.',
  });
}
