/** Reading a table: its state, and its live data files. */
import { TailraceError } from '../../model/errors.ts';
import type { LiveFile, TableState } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import { ObjectNotFound } from '../../storage/port.ts';
import type { ManifestEntry } from './manifest.ts';
import type { ManifestFile } from './manifest-list.ts';
import { readManifestList } from './manifest-list.ts';
import { dataFile, readManifest } from './manifest-read.ts';
import { currentSchema, currentSnapshot, readLedger, readOptions, snapshotIdOf, specOf } from './metadata.ts';
import { tupleFields } from './partition.ts';
import { below, keyOf, plainUri } from './paths.ts';
import { leaves } from './schema.ts';
import { partitionFields, sortFields } from './spec.ts';
import { tableSchema } from './table-schema.ts';
import { newestVersion } from './version.ts';
import type { Snapshot, TableMetadata } from './wire.ts';

/** What a commit must find unchanged beside the snapshot: a recreated table may have an equal one. */
export interface Identity {
  readonly uuid: string;
  readonly schemaId: number;
  readonly lastColumnId: number;
}

const identities = new WeakMap<TableState, Identity>();

/** The identity of the table that this state was loaded from, if it was loaded in this process. */
export function identityOf(state: TableState): Identity | undefined {
  return identities.get(state);
}

/** The newest state of the table; undefined when nothing lies there. */
export async function loadState(storage: Storage, location: string): Promise<TableState | undefined> {
  const newest = await newestVersion(storage, location);
  if (newest === undefined) {
    await refuseForeignContent(storage, location);
    return undefined;
  }
  const { metadata } = newest;
  const place = storage.uri(newest.key);
  const snapshot = currentSnapshot(metadata);
  const schema = currentSchema(metadata, place);
  const ledger = readLedger(metadata, place);
  if (ledger !== undefined) refuseRollback(metadata, snapshot, ledger.commitId, place);
  const order = metadata['sort-orders'].find(
    (candidate) => candidate['order-id'] === metadata['default-sort-order-id'],
  );
  const options = readOptions(metadata, place);
  const state: TableState = {
    format: 'iceberg',
    location: storage.uri(location),
    snapshot: snapshot?.['snapshot-id'].toString(),
    schema: tableSchema(schema, metadata.properties ?? {}, metadata['last-column-id'], place),
    partition: partitionFields(specOf(metadata, metadata['default-spec-id'], place), schema, place),
    sort: sortFields(order, schema),
    ledger,
    ...(options === undefined ? {} : { options }),
    rows: await countRows(storage, snapshot),
  };
  identities.set(state, {
    uuid: metadata['table-uuid'],
    schemaId: metadata['current-schema-id'],
    lastColumnId: metadata['last-column-id'],
  });
  return state;
}

/** The live data files of the current snapshot. */
export async function loadDataFiles(storage: Storage, location: string): Promise<readonly LiveFile[]> {
  const newest = await newestVersion(storage, location);
  if (newest === undefined) return [];
  const { metadata } = newest;
  const place = storage.uri(newest.key);
  const columns = new Map(metadata.schemas.flatMap((schema) => [...leaves(schema)]));
  const files: LiveFile[] = [];
  for (const { line, entries } of await liveEntries(storage, metadata, place)) {
    const spec = specOf(metadata, line.partition_spec_id, place);
    const shown = spec.fields.map((field) => field.transform !== 'void');
    const tuple = tupleFields(spec, metadata.schemas);
    for (const entry of entries)
      files.push(dataFile(entry, tuple, shown, columns, plainUri(storage, entry.file.file_path)));
  }
  return files;
}

/** The live entries of the current snapshot, by manifest. Tables with delete files are TARGET_BAD. */
export async function liveEntries(
  storage: Storage,
  metadata: TableMetadata,
  place: string,
): Promise<readonly { readonly line: ManifestFile; readonly entries: readonly ManifestEntry[] }[]> {
  const snapshot = currentSnapshot(metadata);
  if (snapshot === undefined) return [];
  const found: { line: ManifestFile; entries: readonly ManifestEntry[] }[] = [];
  for (const line of await manifests(storage, snapshot)) {
    // A manifest of delete files may hold only ones that are gone.
    if (line.content !== 0 && (line.added_files_count ?? 1) + (line.existing_files_count ?? 0) === 0) continue;
    if (line.content !== 0) throw deleteFiles(line.manifest_path);
    const tuple = tupleFields(specOf(metadata, line.partition_spec_id, place), metadata.schemas);
    const entries = await readManifest(await getPart(storage, line.manifest_path), line, tuple);
    found.push({ line, entries: entries.filter((entry) => entry.status !== 'deleted') });
  }
  return found;
}

async function manifests(storage: Storage, snapshot: Snapshot): Promise<readonly ManifestFile[]> {
  const path = snapshot['manifest-list'];
  return readManifestList(await getPart(storage, path), path);
}

async function countRows(storage: Storage, snapshot: Snapshot | undefined): Promise<number> {
  if (snapshot === undefined) return 0;
  const total = snapshot.summary['total-records'];
  if (total !== undefined && /^\d+$/.test(total)) return Number(total);
  const lines = await manifests(storage, snapshot);
  return lines
    .filter((line) => line.content === 0)
    .reduce((sum, line) => sum + Number(line.added_rows_count) + Number(line.existing_rows_count), 0);
}

/** A file that the metadata names must be there. */
async function getPart(storage: Storage, uri: string): Promise<Uint8Array> {
  try {
    return await storage.get(keyOf(storage, uri));
  } catch (error) {
    if (!(error instanceof ObjectNotFound)) throw error;
    throw new TailraceError('TARGET_BAD', `${uri}, which the table's metadata names, is missing.`, {
      place: uri,
      cause: error,
      hint: 'The table is damaged; restore the file from a backup or a replica.',
    });
  }
}

/** A rollback leaves the properties, and so the ledger, as they were: the ledger would promise rows that are gone. */
function refuseRollback(metadata: TableMetadata, current: Snapshot | undefined, commitId: string, place: string): void {
  const byId = new Map((metadata.snapshots ?? []).map((snapshot) => [snapshot['snapshot-id'], snapshot]));
  const own = byId.get(snapshotIdOf(commitId));
  if (own === undefined) return;
  let at = current;
  while (at !== undefined && at !== own && at['sequence-number'] > own['sequence-number']) {
    const parent: bigint | undefined = at['parent-snapshot-id'];
    // Expired ancestors cannot be followed; what is left is newer than our commit.
    if (parent !== undefined && !byId.has(parent)) return;
    at = parent === undefined ? undefined : byId.get(parent);
  }
  if (at === own) return;
  throw new TailraceError('TARGET_BAD', 'The table was rolled back to a snapshot from before its last load.', {
    place,
    expected: `snapshot ${own['snapshot-id']} or a later one`,
    found: `snapshot ${String(current?.['snapshot-id'])}`,
    hint: `Set the current snapshot to ${own['snapshot-id']} again, or choose another target.`,
  });
}

/** Data without metadata is what a killed run leaves; anything else is not ours to write into. */
async function refuseForeignContent(storage: Storage, location: string): Promise<void> {
  for await (const name of storage.listFolder(location === '' ? '' : `${location}/`)) {
    const ours = name === 'data/' || name === 'metadata/' || name.startsWith('.');
    const hidden = name.startsWith('_') && name !== '_delta_log/' && name !== '_tailrace.json';
    if (ours || hidden) continue;
    throw new TailraceError('TARGET_BAD', 'Something other than an Iceberg table lies at the target.', {
      place: storage.uri(below(location, name)),
      expected: 'an Iceberg table, or nothing',
      found: name,
      hint: 'Choose another target, or move what is there.',
    });
  }
}

function deleteFiles(place: string): TailraceError {
  return new TailraceError('TARGET_BAD', 'The table has delete files, which this version of tailrace does not read.', {
    place,
    expected: 'data files only',
    found: 'delete files',
    hint: 'Rewrite the data files without deletes (rewrite_data_files with delete-file-threshold 1), then run again.',
  });
}
