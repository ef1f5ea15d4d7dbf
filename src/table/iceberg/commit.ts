/**
 * One atomic commit: manifests, manifest list, then `v<N+1>.metadata.json` put only if it is absent.
 * - Before that put nothing is visible; after it, everything.
 * - Names of manifests hold the commit id and the version, so no attempt can overwrite what another one made visible.
 * - Nothing is ever deleted here: after an unknown outcome every file may be live.
 */
import type { CommitOutcome, StagedCommit, TableState } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import { identityOf, liveEntries } from './load.ts';
import { writeManifestList } from './manifest-list.ts';
import type { ManifestFile } from './manifest-list.ts';
import { addedEntry, deletedEntry, writeManifests } from './manifest.ts';
import type { ManifestContext, ManifestEntry } from './manifest.ts';
import { currentSchema, currentSnapshot, holdsCommit, printMetadata, snapshotIdOf, specOf, stageMetadata, withSnapshot } from './metadata.ts';
import { below, metadataKey } from './paths.ts';
import { tupleFields } from './partition.ts';
import { leaves } from './schema.ts';
import { summaryOf } from './summary.ts';
import { newestVersion, readVersion, writeHint } from './version.ts';
import type { Version } from './version.ts';
import type { TableMetadata } from './wire.ts';

/** Commits a staged change against the state that it was prepared on. */
export async function commitStaged(
  storage: Storage, location: string, staged: StagedCommit, base: TableState | undefined,
): Promise<CommitOutcome> {
  const current = await newestVersion(storage, location);
  if (current !== undefined && holdsCommit(current.metadata, staged.commitId)) return committed(staged);
  const reason = conflictReason(staged, base, current?.metadata);
  if (reason !== undefined) return { kind: 'conflict', reason };
  const version = (current?.version ?? 0) + 1;
  const metadata = await writeSnapshot(storage, location, staged, current, version);
  const key = metadataKey(location, version);
  const put = await storage.putIf(key, Buffer.from(printMetadata(metadata)), { ifAbsent: true });
  switch (put.kind) {
    case 'written':
      await writeHint(storage, location, version);
      return committed(staged);
    case 'exists': return settleExisting(storage, staged, version, key);
    case 'unknown': return settleUnknown(storage, location, staged, put.cause);
  }
}

function committed(staged: StagedCommit): CommitOutcome {
  return { kind: 'committed', snapshot: snapshotIdOf(staged.commitId).toString() };
}

/** Why the change no longer fits the table; undefined when it does. */
function conflictReason(staged: StagedCommit, base: TableState | undefined, current: TableMetadata | undefined): string | undefined {
  if (current === undefined) return base === undefined && staged.operation === 'create' ? undefined : 'The table is no longer there.';
  if (base === undefined || staged.operation === 'create') return 'A table has been created there meanwhile.';
  const loaded = identityOf(base);
  if (loaded !== undefined && loaded.uuid !== current['table-uuid']) {
    return `The table was dropped and created anew: its uuid was ${loaded.uuid} and is ${current['table-uuid']}.`;
  }
  const snapshot = currentSnapshot(current)?.['snapshot-id'].toString();
  if (snapshot !== base.snapshot) return `Another writer has committed snapshot ${snapshot ?? 'none'}.`;
  if (loaded !== undefined && (loaded.schemaId !== current['current-schema-id'] || loaded.lastColumnId !== current['last-column-id'])) {
    return 'Another writer has changed the schema.';
  }
  return undefined;
}

async function writeSnapshot(
  storage: Storage, location: string, staged: StagedCommit, current: Version | undefined, version: number,
): Promise<TableMetadata> {
  const former = current?.metadata;
  const metadata = stageMetadata(former, staged, storage.uri(location), current === undefined ? undefined : storage.uri(current.key));
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
    'snapshot-id': snapshotId, ...(parentId === undefined ? {} : { 'parent-snapshot-id': parentId }),
    'sequence-number': sequenceNumber, 'timestamp-ms': metadata['last-updated-ms'],
    summary: summaryOf(staged, removed.flatMap(([, entries]) => entries), former !== undefined),
    'manifest-list': storage.uri(listKey), 'schema-id': metadata['current-schema-id'],
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

function addedEntries(staged: StagedCommit, metadata: TableMetadata, snapshotId: bigint, place: string): readonly ManifestEntry[] {
  const context = contextOf(metadata, metadata['default-spec-id'], place);
  const columns = leaves(context.schema);
  return staged.files.map((file) => addedEntry(file, context, columns, snapshotId, metadata['default-sort-order-id']));
}

/** Every former live file as deleted by this snapshot, under the spec that it was written with. */
async function removedBySpec(
  storage: Storage, former: TableMetadata, snapshotId: bigint, key: string,
): Promise<readonly (readonly [number, readonly ManifestEntry[]])[]> {
  const bySpec = new Map<number, ManifestEntry[]>();
  for (const { line, entries } of await liveEntries(storage, former, storage.uri(key))) {
    const list = bySpec.get(line.partition_spec_id) ?? [];
    for (const entry of entries) list.push(deletedEntry(entry, snapshotId));
    bySpec.set(line.partition_spec_id, list);
  }
  return [...bySpec];
}

/** The version is taken: by us, if a retry below met its own first try, else by another writer. */
async function settleExisting(storage: Storage, staged: StagedCommit, version: number, key: string): Promise<CommitOutcome> {
  try {
    const there = await readVersion(storage, version, key);
    if (holdsCommit(there.metadata, staged.commitId)) return committed(staged);
    return { kind: 'conflict', reason: `Another writer has committed version ${version}.` };
  } catch (cause) {
    return { kind: 'unknown', reason: `Version ${version} of the metadata is there, but cannot be read.`, cause };
  }
}

/** Absent now may still arrive later, so "not found" stays unknown. */
async function settleUnknown(storage: Storage, location: string, staged: StagedCommit, cause: unknown): Promise<CommitOutcome> {
  try {
    const newest = await newestVersion(storage, location);
    if (newest !== undefined && holdsCommit(newest.metadata, staged.commitId)) {
      await writeHint(storage, location, newest.version);
      return committed(staged);
    }
  } catch {
    return { kind: 'unknown', reason: 'The reply to the commit was lost, and the table cannot be read.', cause };
  }
  return { kind: 'unknown', reason: 'The reply to the commit was lost, and the table does not show it yet.', cause };
}
