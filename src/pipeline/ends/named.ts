/** Targets that are named in a catalog. */
import type { Catalog, TableName } from '../../catalog/port.ts';
import type { ShownTable } from '../../catalog/shown/port.ts';
import { TailraceError } from '../../model/errors.ts';
import type { SyncOptions } from '../../model/options.ts';
import type { TableHandle } from '../../model/table.ts';
import { memoryStorage } from '../../storage/memory/memory.ts';
import type { Storage } from '../../storage/port.ts';
import { icebergTable } from '../../table/iceberg/open.ts';
import { shownParquetTable } from '../../table/parquet/shown.ts';
import { openCatalog, openShown, openTable, tableNameOf } from './catalogs.ts';
import type { TargetEnd } from './ends.ts';
import { noTable } from './no-table.ts';
import type { OpenTarget, Purpose } from './target.ts';

/** Opens the table of that name. */
export async function openNamed(
  { format, name: text }: Extract<TargetEnd, { name: unknown }>,
  options: SyncOptions,
  purpose: Purpose,
  wrap: (storage: Storage) => Storage,
): Promise<OpenTarget> {
  const name = tableNameOf(text);
  const catalog = await openCatalog(text.catalog, options, wrap);
  try {
    const found = await find(catalog, name, format, options, purpose === 'write' ? 'write' : 'read');
    if (found !== undefined) {
      const { storage } = found;
      const close = async (): Promise<void> => {
        await storage.close();
        await catalog.close();
      };
      return { name, ...found, close };
    }
    const place = [text.catalog, ...text.path].join('.');
    if (purpose === 'read') throw noTable(place);
    return absent(catalog, name, format, options.location ?? place);
  } catch (thrown) {
    await catalog.close();
    throw thrown;
  }
}

type Found = Pick<OpenTarget, 'storage' | 'key' | 'table'>;

async function find(
  catalog: Catalog,
  name: TableName,
  format: TableHandle['format'],
  options: SyncOptions,
  purpose: 'read' | 'write',
): Promise<Found | undefined> {
  if (format === 'parquet') return shownTarget(await openShown(catalog, name, options, purpose));
  const found = await openTable(catalog, name, options, purpose);
  return found && { storage: found.storage, key: found.folder, table: icebergTable(found) };
}

function shownTarget(shown: ShownTable | undefined): Found | undefined {
  if (shown === undefined) return undefined;
  const { storage, location } = shown;
  return { storage, key: storage.key(location), table: shownParquetTable(shown) };
}

/** A table that is not there, for a run that changes nothing. */
function absent(catalog: Catalog, name: TableName, format: TableHandle['format'], location: string): OpenTarget {
  const storage = memoryStorage();
  const table: TableHandle = {
    format,
    location,
    load: async () => undefined,
    dataFiles: async () => [],
    dataFilePath: (_commitId, _partition, _values, fileName) => storage.uri(fileName),
    commit: async () => ({ kind: 'conflict', reason: 'The table is only planned.' }),
  };
  return { name, storage, key: '', table, close: () => catalog.close() };
}

/** What only means something for a table in a catalog is not passed over in silence. */
export function refuseCatalogOptions({ location, register, partitionProjection }: SyncOptions): void {
  const given = [
    ['--location', location !== undefined],
    ['--register', register !== undefined],
    ['--partition-projection', partitionProjection !== undefined],
  ] as const;
  const flag = given.find(([, there]) => there)?.[0];
  if (flag === undefined) return;
  throw new TailraceError('USAGE', `${flag} is for tables in a catalog, and the target is a location.`, {
    place: flag,
    expected: 'iceberg:<catalog>.<namespace>.<table> or parquet:<catalog>.<namespace>.<table>',
    hint: `Leave out ${flag}, or name a table in a catalog.`,
  });
}
