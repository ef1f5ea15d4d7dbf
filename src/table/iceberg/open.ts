import type { TableHandle } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import { commitStaged } from './commit.ts';
import { compactManifests } from './compact-manifests.ts';
import { loadDataFiles } from './data-files.ts';
import { expireSnapshots } from './expire.ts';
import { loadState } from './load.ts';
import { dataFileKey } from './paths.ts';
import { retireMetadata, sweepOrphans } from './sweep.ts';

/**
 * An Iceberg v2 table in the filesystem layout: `metadata/v<N>.metadata.json`, `data/`.
 * `location` is the key of its folder, without a trailing slash; empty for the storage's root.
 */
export function openIcebergTable(storage: Storage, location: string): TableHandle {
  return {
    format: 'iceberg',
    location: storage.uri(location),
    load: () => loadState(storage, location),
    dataFiles: () => loadDataFiles(storage, location),
    dataFilePath: (commitId, partition, values, fileName) =>
      storage.uri(dataFileKey(location, commitId, partition, values, fileName)),
    commit: (staged, base) => commitStaged(storage, location, staged, base),
    upkeep: {
      joinManifests: (options) => compactManifests(storage, location, options),
      expireSnapshots: (options) => expireSnapshots(storage, location, options),
      retireMetadata: (options) => retireMetadata(storage, location, options),
      sweepOrphans: (options) => sweepOrphans(storage, location, options),
    },
  };
}
