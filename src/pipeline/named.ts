/** Targets that are named in a catalog. */
import type { Catalog, TableName } from '../catalog/port.ts';
import { TailraceError } from '../model/errors.ts';
import type { SyncOptions } from '../model/options.ts';
import type { TableHandle } from '../model/table.ts';
import { memoryStorage } from '../storage/memory/memory.ts';
import type { Storage } from '../storage/port.ts';
import { icebergTable } from '../table/iceberg/open.ts';
import { type CatalogName, openCatalog, openTable, tableNameOf } from './catalogs.ts';
import { noTable } from './no-table.ts';
import type { OpenTarget, Purpose } from './target.ts';

/** Opens the table of that name. */
export async function openNamed(
  text: CatalogName,
  options: SyncOptions,
  purpose: Purpose,
  wrap: (storage: Storage) => Storage,
): Promise<OpenTarget> {
  const name = tableNameOf(text);
  const catalog = await openCatalog(text.catalog, options, wrap);
  try {
    const found = await openTable(catalog, name, options, purpose === 'write' ? 'write' : 'read');
    if (found !== undefined) {
      const { storage, folder: key } = found;
      const close = async (): Promise<void> => {
        await storage.close();
        await catalog.close();
      };
      return { name, storage, key, table: icebergTable(found), close };
    }
    const place = [text.catalog, ...text.path].join('.');
    if (purpose === 'read') throw noTable(place);
    return absent(catalog, name, options.location ?? place);
  } catch (thrown) {
    await catalog.close();
    throw thrown;
  }
}

/** A table that is not there, for a run that changes nothing. */
function absent(catalog: Catalog, name: TableName, location: string): OpenTarget {
  const storage = memoryStorage();
  const table: TableHandle = {
    format: 'iceberg',
    location,
    load: async () => undefined,
    dataFiles: async () => [],
    dataFilePath: (_commitId, _partition, _values, fileName) => storage.uri(fileName),
    commit: async () => ({ kind: 'conflict', reason: 'The table is only planned.' }),
  };
  return { name, storage, key: '', table, close: () => catalog.close() };
}

/** What only means something for a table in a catalog is not passed over in silence. */
export function refuseCatalogOptions({ location, register }: SyncOptions): void {
  const given = [
    ['--location', location !== undefined],
    ['--register', register !== undefined],
  ] as const;
  const flag = given.find(([, there]) => there)?.[0];
  if (flag === undefined) return;
  throw new TailraceError('USAGE', `${flag} is for tables in a catalog, and the target is a location.`, {
    place: flag,
    expected: 'iceberg:<catalog>.<namespace>.<table>',
    hint: `Leave out ${flag}, or name a table in a catalog.`,
  });
}
