/** A table that no service knows: the newest `metadata/v<N>.metadata.json` below its location is its state. */
import type { Storage } from '../../storage/port.ts';
import type { CatalogState, CatalogTable } from '../port.ts';
import { publish } from './publish.ts';
import { retireMetadata } from './retire.ts';
import type { Version } from './version.ts';
import { newestVersion } from './version.ts';

/** The table in a folder of a storage: `folder` is its key without a trailing slash, empty for the storage's root. */
export function fileTable(storage: Storage, folder: string): CatalogTable {
  const toState = (newest: Version): CatalogState => ({
    metadata: newest.metadata,
    metadataLocation: storage.uri(newest.key),
    token: String(newest.version),
  });
  return {
    name: storage.uri(folder),
    storage,
    folder,
    load: async () => {
      const newest = await newestVersion(storage, folder);
      return newest === undefined ? undefined : toState(newest);
    },
    commit: (base, next, holds) => publish(storage, folder, versionAfter(base), next, (there) => holds(toState(there))),
    attempt: (base) => `v${versionAfter(base)}`,
    retireMetadata: (options) => retireMetadata(storage, folder, options),
  };
}

function versionAfter(base: CatalogState | undefined): number {
  return Number(base?.token ?? 0) + 1;
}
