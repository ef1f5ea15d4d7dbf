/** Merges of small made-up files, for tests that look at metadata only. */

import { newestVersion } from '../../../src/catalog/files/version.ts';
import { parseMetadata, printMetadata } from '../../../src/catalog/metadata/json.ts';
import type { Snapshot, TableMetadata } from '../../../src/catalog/metadata/wire.ts';
import type { CommitOutcome, DeleteFile, LiveFile, StagedCommit, TableState } from '../../../src/model/table.ts';
import type { Storage } from '../../../src/storage/port.ts';
import type { ManifestEntry } from '../../../src/table/iceberg/manifest.ts';
import type { ManifestFile } from '../../../src/table/iceberg/manifest-list.ts';
import { readManifestList } from '../../../src/table/iceberg/manifest-list.ts';
import { readManifest } from '../../../src/table/iceberg/manifest-read.ts';
import { currentSnapshot, specOf } from '../../../src/table/iceberg/metadata.ts';
import { openIcebergTable } from '../../../src/table/iceberg/open.ts';
import { tupleFields } from '../../../src/table/iceberg/partition.ts';
import { fileOf, stagedOf } from './sample.ts';

export async function loaded(storage: Storage): Promise<TableState> {
  const state = await openIcebergTable(storage, 't').load();
  if (state === undefined) throw new Error('no table');
  return state;
}

export const dataFiles = (storage: Storage): Promise<readonly LiveFile[]> => openIcebergTable(storage, 't').dataFiles();

/** A table with these files of ten rows each, by the commit c-1. */
export async function tableWith(
  storage: Storage,
  names: readonly string[],
  change: Partial<StagedCommit> = {},
): Promise<void> {
  const files = names.map((name) => fileOf(dataPath(storage, name), { rows: 10 }));
  const outcome = await openIcebergTable(storage, 't').commit(stagedOf('c-1', { files, ...change }), undefined);
  if (outcome.kind !== 'committed') throw new Error(outcome.kind);
}

export const dataPath = (storage: Storage, name: string): string => storage.uri(`t/data/${name}.parquet`);

/** A delete file of so many positions in a data file. */
export const deletesIn = (
  storage: Storage,
  dataFile: string,
  name: string,
  rows: number,
): DeleteFile & { readonly dataFile: string } => ({
  path: storage.uri(`t/data/${name}-deletes.parquet`),
  rows,
  sizeBytes: 100,
  dataFile: dataPath(storage, dataFile),
});

export async function merge(
  storage: Storage,
  commitId: string,
  change: Partial<StagedCommit>,
  base?: TableState,
): Promise<CommitOutcome> {
  const state = base ?? (await loaded(storage));
  const staged = stagedOf(commitId, {
    operation: 'merge',
    schema: state.schema,
    partition: state.partition,
    ...change,
  });
  return openIcebergTable(storage, 't').commit(staged, state);
}

export async function newestMetadata(storage: Storage): Promise<TableMetadata> {
  const newest = await newestVersion(storage, 't');
  if (newest === undefined) throw new Error('no metadata');
  return newest.metadata;
}

export async function newestSnapshot(storage: Storage): Promise<Snapshot> {
  const snapshot = currentSnapshot(await newestMetadata(storage));
  if (snapshot === undefined) throw new Error('no snapshot');
  return snapshot;
}

export async function manifestLines(storage: Storage): Promise<readonly ManifestFile[]> {
  const path = (await newestSnapshot(storage))['manifest-list'];
  return readManifestList(await storage.get(storage.key(path)), path);
}

export async function entriesOf(storage: Storage, line: ManifestFile): Promise<readonly ManifestEntry[]> {
  const metadata = await newestMetadata(storage);
  const tuple = tupleFields(specOf(metadata, line.partition_spec_id, 't'), metadata.schemas);
  return readManifest(await storage.get(storage.key(line.manifest_path)), line, tuple);
}

/** Another writer's metadata, as the next version. */
export async function foreign(storage: Storage, change: (metadata: TableMetadata) => TableMetadata): Promise<void> {
  const newest = await newestVersion(storage, 't');
  if (newest === undefined) throw new Error('no metadata');
  const place = `t/metadata/v${newest.version + 1}.metadata.json`;
  const next = parseMetadata(printMetadata(change(newest.metadata)), place);
  await storage.put(place, Buffer.from(printMetadata(next)));
}
