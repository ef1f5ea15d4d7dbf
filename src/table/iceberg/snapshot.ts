/**
 * The files of one snapshot: manifests and manifest list, written before the metadata that makes them visible. Their
 * names hold the commit id, the attempt, and which files come and go, so that no attempt can overwrite what another one
 * made visible, nor what another run of the same load is about to: a list states the lengths of its manifests.
 */
import { createHash } from 'node:crypto';
import type { Snapshot, TableMetadata } from '../../catalog/metadata/wire.ts';
import { below } from '../../catalog/paths.ts';
import type { CatalogState, CatalogTable } from '../../catalog/port.ts';
import type { StagedCommit } from '../../model/table.ts';
import { contextOf, planChange } from './change.ts';
import { writeManifests } from './manifest.ts';
import type { ManifestFile } from './manifest-list.ts';
import { writeManifestList } from './manifest-list.ts';
import { currentSnapshot, snapshotIdOf } from './metadata.ts';
import { stageMetadata, withSnapshot } from './stage.ts';
import { summaryOf } from './summary.ts';

export interface WrittenSnapshot {
  /** Would make the snapshot visible. */
  readonly metadata: TableMetadata;
  /** What was written. */
  readonly uris: readonly string[];
}

/** Writes the files of a staged commit's snapshot after `current`. `baseRows`: the rows that readers saw before it. */
export async function writeSnapshot(
  table: CatalogTable,
  staged: StagedCommit,
  current: CatalogState | undefined,
  baseRows: number,
): Promise<WrittenSnapshot> {
  const { storage, folder } = table;
  const formerFile = current?.metadataLocation || undefined;
  const metadata = stageMetadata(current?.metadata, staged, storage.uri(folder), formerFile);
  const place = `${table.name}, ${table.attempt(current)}`;
  const attempt = `${table.attempt(current)}-${digestOf(staged)}`;
  const snapshotId = snapshotIdOf(staged.commitId);
  const sequenceNumber = metadata['last-sequence-number'] + 1n;
  const parentId = currentSnapshot(metadata)?.['snapshot-id'];
  const prefix = `metadata/${staged.commitId}-${attempt}`;

  const change = await planChange(storage, staged, current, metadata, snapshotId, place);
  const lines: ManifestFile[] = [];
  for (const { specId, content, entries } of change.written) {
    const context = { ...contextOf(metadata, specId, place), content };
    const path = (index: number): string => storage.uri(below(folder, `${prefix}-m${lines.length + index}.avro`));
    const parts = await writeManifests(context, entries, snapshotId, sequenceNumber, path);
    for (const { line, bytes } of parts) await storage.put(storage.key(line.manifest_path), bytes);
    lines.push(...parts.map(({ line }) => line));
  }
  const manifests = lines.map((line) => line.manifest_path);
  lines.push(...change.carried);

  const listKey = below(folder, `metadata/snap-${snapshotId}-${attempt}-${staged.commitId}.avro`);
  await storage.put(listKey, await writeManifestList(lines, snapshotId, parentId, sequenceNumber));
  const snapshot: Snapshot = {
    'snapshot-id': snapshotId,
    ...(parentId === undefined ? {} : { 'parent-snapshot-id': parentId }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': metadata['last-updated-ms'],
    summary: summaryOf(staged, change, baseRows),
    'manifest-list': storage.uri(listKey),
    'schema-id': metadata['current-schema-id'],
  };
  return { metadata: withSnapshot(metadata, snapshot), uris: [...manifests, storage.uri(listKey)] };
}

function digestOf({ files, deletes = [], removed = [], removedDeletes = [] }: StagedCommit): string {
  const lists = [files.map(({ path }) => path), deletes.map(({ path }) => path), removed, removedDeletes];
  return createHash('sha256').update(JSON.stringify(lists)).digest('hex').slice(0, 8);
}
