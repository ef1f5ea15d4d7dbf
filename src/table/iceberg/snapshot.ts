/**
 * The files of one snapshot: manifests and manifest list, written before the metadata that makes them visible.
 * Their names hold the commit id and the attempt, so no attempt can overwrite what another one made visible.
 */

import type { TableMetadata } from '../../catalog/metadata/wire.ts';
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

/**
 * Writes the files of a staged commit's snapshot after `current`; gives the metadata that would make them visible.
 * `baseRows`: the rows that readers saw before it.
 */
export async function writeSnapshot(
  table: CatalogTable,
  staged: StagedCommit,
  current: CatalogState | undefined,
  baseRows: number,
): Promise<TableMetadata> {
  const { storage, folder } = table;
  const metadata = stageMetadata(current?.metadata, staged, storage.uri(folder), current?.metadataLocation);
  const attempt = table.attempt(current);
  const place = `${table.name}, ${attempt}`;
  const snapshotId = snapshotIdOf(staged.commitId);
  const sequenceNumber = metadata['last-sequence-number'] + 1n;
  const parentId = currentSnapshot(metadata)?.['snapshot-id'];
  const prefix = `metadata/${staged.commitId}-${attempt}`;

  const change = await planChange(storage, staged, current, metadata, snapshotId, place);
  const lines: ManifestFile[] = [];
  for (const { specId, content, entries } of change.written) {
    const context = { ...contextOf(metadata, specId, place), content };
    const path = (index: number): string => storage.uri(below(folder, `${prefix}-m${lines.length + index}.avro`));
    const manifests = await writeManifests(context, entries, snapshotId, sequenceNumber, path);
    for (const { line, bytes } of manifests) await storage.put(storage.key(line.manifest_path), bytes);
    lines.push(...manifests.map(({ line }) => line));
  }
  lines.push(...change.carried);

  const listKey = below(folder, `metadata/snap-${snapshotId}-${attempt}-${staged.commitId}.avro`);
  await storage.put(listKey, await writeManifestList(lines, snapshotId, parentId, sequenceNumber));
  return withSnapshot(metadata, {
    'snapshot-id': snapshotId,
    ...(parentId === undefined ? {} : { 'parent-snapshot-id': parentId }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': metadata['last-updated-ms'],
    summary: summaryOf(staged, change, baseRows),
    'manifest-list': storage.uri(listKey),
    'schema-id': metadata['current-schema-id'],
  });
}
