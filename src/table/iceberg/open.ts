import { fileTable } from '../../catalog/files/table.ts';
import type { CatalogTable } from '../../catalog/port.ts';
import type { TableHandle } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import { commitStaged } from './commit.ts';
import { compactManifests } from './compact-manifests.ts';
import { loadDataFiles } from './data-files.ts';
import { expireSnapshots } from './expire.ts';
import { loadState } from './load.ts';
import { dataFileKey } from './paths.ts';
import { sweepOrphans } from './sweep.ts';

/**
 * An Iceberg v2 table in the filesystem layout: `metadata/v<N>.metadata.json`, `data/`.
 * `location` is the key of its folder, without a trailing slash; empty for the storage's root.
 */
export function openIcebergTable(storage: Storage, location: string): TableHandle {
  return icebergTable(fileTable(storage, location));
}

/** The Iceberg v2 table that a catalog has under a name, or will have. */
export function icebergTable(table: CatalogTable): TableHandle {
  const { storage, folder } = table;
  return {
    format: 'iceberg',
    location: storage.uri(folder),
    load: () => loadState(table),
    dataFiles: () => loadDataFiles(table),
    dataFilePath: (commitId, partition, values, fileName) =>
      storage.uri(dataFileKey(folder, commitId, partition, values, fileName)),
    commit: (staged, base) => commitStaged(table, staged, base),
    upkeep: {
      joinManifests: (options) => compactManifests(table, options),
      expireSnapshots: (options) => expireSnapshots(table, options),
      retireMetadata: async (options) => (await table.retireMetadata?.(options)) ?? { files: 0, bytes: 0 },
      sweepOrphans: (options) => sweepOrphans(table, options),
    },
  };
}
