/** Reading a table's state. */

import type { Snapshot, TableMetadata } from '../../catalog/metadata/wire.ts';
import { below } from '../../catalog/paths.ts';
import type { CatalogState, CatalogTable } from '../../catalog/port.ts';
import { TailraceError } from '../../model/errors.ts';
import type { TableState } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import { liveRows } from './data-files.ts';
import { liveManifests, manifestsOf } from './live.ts';
import {
  currentSchema,
  currentSnapshot,
  LIVE_RECORDS,
  ledgerSequence,
  readLedger,
  readOptions,
  snapshotIdOf,
  specOf,
} from './metadata.ts';
import { partitionFields, sortFields } from './spec.ts';
import { tableSchema } from './table-schema.ts';

/** What a commit must find unchanged beside the snapshot: a recreated table may have an equal one. */
export interface Identity {
  readonly uuid: string;
  readonly schemaId: number;
  readonly lastColumnId: number;
  readonly specId: number;
  readonly orderId: number;
}

const identities = new WeakMap<TableState, Identity>();
const origins = new WeakMap<TableState, { readonly state: CatalogState; readonly at: number }>();
/** How long a state counts as fresh: next to nothing beside the hour for which former metadata stays. */
const FRESH_MS = 60_000;

/** The identity of the table that this state was loaded from, if it was loaded in this process. */
export function identityOf(state: TableState): Identity | undefined {
  return identities.get(state);
}

/** What the catalog said when this state was loaded, if that was in this process and not long ago. */
export function freshOrigin(state: TableState): CatalogState | undefined {
  const origin = origins.get(state);
  return origin !== undefined && performance.now() - origin.at < FRESH_MS ? origin.state : undefined;
}

/** The newest state of the table; undefined when nothing lies there. */
export async function loadState(table: CatalogTable): Promise<TableState | undefined> {
  const { storage, folder } = table;
  const newest = await table.load();
  if (newest === undefined) {
    if (table.assigned !== true) await refuseForeignContent(storage, folder, table.name);
    return undefined;
  }
  const { metadata } = newest;
  const place = newest.metadataLocation;
  const snapshot = currentSnapshot(metadata);
  const schema = currentSchema(metadata, place);
  const ledger = readLedger(metadata, place);
  if (ledger !== undefined) refuseRollback(metadata, snapshot, ledger.commitId, place, table.currentOnly === true);
  const order = metadata['sort-orders'].find(
    (candidate) => candidate['order-id'] === metadata['default-sort-order-id'],
  );
  const options = readOptions(metadata, place);
  const state: TableState = {
    format: 'iceberg',
    location: storage.uri(folder),
    snapshot: snapshot?.['snapshot-id'].toString(),
    schema: tableSchema(schema, metadata.properties ?? {}, metadata['last-column-id'], place),
    partition: partitionFields(specOf(metadata, metadata['default-spec-id'], place), schema, place),
    sort: sortFields(order, schema),
    ledger,
    ...(options === undefined ? {} : { options }),
    rows: await countRows(storage, metadata, snapshot, place),
  };
  origins.set(state, { state: newest, at: performance.now() });
  identities.set(state, {
    uuid: metadata['table-uuid'],
    schemaId: metadata['current-schema-id'],
    lastColumnId: metadata['last-column-id'],
    specId: metadata['default-spec-id'],
    orderId: metadata['default-sort-order-id'],
  });
  return state;
}

/** Rows that readers see. Iceberg's total-records counts the rows of data files, deleted or not. */
async function countRows(
  storage: Storage,
  metadata: TableMetadata,
  snapshot: Snapshot | undefined,
  place: string,
): Promise<number> {
  if (snapshot === undefined) return 0;
  const { summary } = snapshot;
  const stated = count(summary, (count(summary, 'total-delete-files') ?? 0) === 0 ? 'total-records' : LIVE_RECORDS);
  if (stated !== undefined) return stated;
  return liveRows(await liveManifests(storage, metadata, await manifestsOf(storage, snapshot), place));
}

function count(summary: Snapshot['summary'], name: string): number | undefined {
  const text = summary[name];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/**
 * A rollback leaves the properties, and so the ledger, as they were: the ledger would promise rows that are gone. The
 * ledger's snapshot must be the current one or its ancestor; when it has expired, its sequence number stands for it.
 */
function refuseRollback(
  metadata: TableMetadata,
  current: Snapshot | undefined,
  commitId: string,
  place: string,
  currentOnly: boolean,
): void {
  const byId = new Map((metadata.snapshots ?? []).map((snapshot) => [snapshot['snapshot-id'], snapshot]));
  const ownId = snapshotIdOf(commitId);
  const own = byId.get(ownId)?.['sequence-number'] ?? ledgerSequence(metadata);
  if (own === undefined) return;
  let at = current;
  while (at !== undefined && at['snapshot-id'] !== ownId && at['sequence-number'] > own) {
    const parent: bigint | undefined = at['parent-snapshot-id'];
    // Expired ancestors cannot be followed; what is left is newer than our commit.
    if (parent === undefined ? currentOnly : !byId.has(parent)) return;
    at = parent === undefined ? undefined : byId.get(parent);
  }
  if (at?.['snapshot-id'] === ownId) return;
  const there = byId.has(ownId);
  throw new TailraceError('TARGET_BAD', 'The table was rolled back to a snapshot from before its last load.', {
    place,
    expected: `snapshot ${ownId} or a later one`,
    found: `snapshot ${String(current?.['snapshot-id'])}`,
    hint: there
      ? `Set the current snapshot to ${ownId} again, or choose another target.`
      : `Snapshot ${ownId} has expired, so its rows are lost: load the table anew into another target.`,
  });
}

/** Data without metadata is what a killed run leaves; anything else is not ours to write into. */
async function refuseForeignContent(storage: Storage, location: string, name: string): Promise<void> {
  if (name !== storage.uri(location)) await refusePathTable(storage, location);
  for await (const name of storage.listFolder(location === '' ? '' : `${location}/`)) {
    const ours = name === 'data/' || name === 'metadata/' || name.startsWith('.');
    const hidden = name.startsWith('_') && name !== '_delta_log/' && name !== '_tailrace.json';
    if (ours || hidden) continue;
    if (name === '_tailrace.json') throw parquetTable(storage.uri(location));
    throw new TailraceError('TARGET_BAD', 'Something other than an Iceberg table lies at the target.', {
      place: storage.uri(below(location, name)),
      expected: 'an Iceberg table, or nothing',
      found: name,
      hint: 'Choose another target, or move what is there.',
    });
  }
}

/** Two tables in one folder would sweep each other's files away. */
async function refusePathTable(storage: Storage, location: string): Promise<void> {
  for await (const { key } of storage.list(below(location, 'metadata/v'))) {
    if (!/\/v\d+(?:\.gz)?\.metadata\.json$/.test(key)) continue;
    throw new TailraceError('TARGET_BAD', 'A table that no catalog knows lies at the place for the new one.', {
      place: storage.uri(key),
      expected: 'nothing',
      found: key.slice(key.lastIndexOf('/') + 1),
      hint: `Put it into the catalog with --register ${storage.uri(location)}, or choose another --location.`,
    });
  }
}

function parquetTable(place: string): TailraceError {
  return new TailraceError('TARGET_BAD', 'A Parquet table of tailrace lies at the target, and no Iceberg table.', {
    place,
    expected: 'an Iceberg table, or nothing',
    found: 'a Parquet table',
    hint: 'Name it parquet:<location>, or just by its location; an Iceberg table needs another place.',
  });
}
