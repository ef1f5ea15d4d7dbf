/**
 * The files of one snapshot: manifests and manifest list, written before the metadata that makes them visible.
 * Their names hold the commit id and the version, so no attempt can overwrite what another one made visible.
 */
import type { StagedCommit } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import { liveEntries } from './load.ts';
import type { ManifestContext, ManifestEntry } from './manifest.ts';
import { addedEntry, deletedEntry, writeManifests } from './manifest.ts';
import type { ManifestFile } from './manifest-list.ts';
import { writeManifestList } from './manifest-list.ts';
import { currentSchema, currentSnapshot, snapshotIdOf, specOf } from './metadata.ts';
import { tupleFields } from './partition.ts';
import { below, metadataKey } from './paths.ts';
import { leaves } from './schema.ts';
import { stageMetadata, withSnapshot } from './stage.ts';
import { summaryOf } from './summary.ts';
import type { Version } from './version.ts';
import type { TableMetadata } from './wire.ts';

/** Writes the files of a staged commit's snapshot as `version`; gives the metadata that would make them visible. */
export async function writeSnapshot(
  storage: Storage,
  location: string,
  staged: StagedCommit,
  current: Version | undefined,
  version: number,
): Promise<TableMetadata> {
  const former = current?.metadata;
  const metadata = stageMetadata(
    former,
    staged,
    storage.uri(location),
    current === undefined ? undefined : storage.uri(current.key),
  );
  const place = storage.uri(metadataKey(location, version));
  const snapshotId = snapshotIdOf(staged.commitId);
  const sequenceNumber = metadata['last-sequence-number'] + 1n;
  const parentId = currentSnapshot(metadata)?.['snapshot-id'];
  const prefix = `metadata/${staged.commitId}-v${version}`;

  const removed = former === undefined ? [] : await removedBySpec(storage, former, snapshotId, current?.key ?? '');
  const lines: ManifestFile[] = [];
  const write = async (specId: number, entries: readonly ManifestEntry[]): Promise<void> => {
    const context = contextOf(metadata, specId, place);
    const path = (index: number): string => storage.uri(below(location, `${prefix}-m${lines.length + index}.avro`));
    const manifests = await writeManifests(context, entries, snapshotId, sequenceNumber, path);
    for (const { line, bytes } of manifests) await storage.put(storage.key(line.manifest_path), bytes);
    lines.push(...manifests.map(({ line }) => line));
  };
  await write(metadata['default-spec-id'], addedEntries(staged, metadata, snapshotId, place));
  for (const [specId, entries] of removed) if (hasSources(metadata, specId, place)) await write(specId, entries);

  const listKey = below(location, `metadata/snap-${snapshotId}-v${version}-${staged.commitId}.avro`);
  await storage.put(listKey, await writeManifestList(lines, snapshotId, parentId, sequenceNumber));
  return withSnapshot(metadata, {
    'snapshot-id': snapshotId,
    ...(parentId === undefined ? {} : { 'parent-snapshot-id': parentId }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': metadata['last-updated-ms'],
    summary: summaryOf(
      staged,
      removed.flatMap(([, entries]) => entries),
      former !== undefined,
    ),
    'manifest-list': storage.uri(listKey),
    'schema-id': metadata['current-schema-id'],
  });
}

function contextOf(metadata: TableMetadata, specId: number, place: string): ManifestContext {
  const spec = specOf(metadata, specId, place);
  return { spec, tuple: tupleFields(spec, metadata.schemas), schema: currentSchema(metadata, place) };
}

/**
 * Whether the schema still has the columns of a spec. DuckDB fails on every predicate when a manifest's spec names a
 * column that was rewritten under a new id; the entries of removed files, which only tell cleaners what to delete,
 * are left out then, and those files are orphans once the older snapshots expire.
 */
function hasSources(metadata: TableMetadata, specId: number, place: string): boolean {
  const columns = leaves(currentSchema(metadata, place));
  return specOf(metadata, specId, place).fields.every((field) => columns.has(field['source-id']));
}

function addedEntries(
  staged: StagedCommit,
  metadata: TableMetadata,
  snapshotId: bigint,
  place: string,
): readonly ManifestEntry[] {
  const context = contextOf(metadata, metadata['default-spec-id'], place);
  const columns = leaves(context.schema);
  return staged.files.map((file) => addedEntry(file, context, columns, snapshotId, metadata['default-sort-order-id']));
}

/** Every former live file as deleted by this snapshot, under the spec that it was written with. */
async function removedBySpec(
  storage: Storage,
  former: TableMetadata,
  snapshotId: bigint,
  key: string,
): Promise<readonly (readonly [number, readonly ManifestEntry[]])[]> {
  const bySpec = new Map<number, ManifestEntry[]>();
  for (const { line, entries } of await liveEntries(storage, former, storage.uri(key))) {
    const list = bySpec.get(line.partition_spec_id) ?? [];
    for (const entry of entries) list.push(deletedEntry(entry, snapshotId));
    bySpec.set(line.partition_spec_id, list);
  }
  return [...bySpec];
}
