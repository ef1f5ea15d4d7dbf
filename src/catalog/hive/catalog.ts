/**
 * A Hive Metastore as an Iceberg catalog, by its own Thrift API: databases, entries of tables, locations. The commit is
 * in pointer.ts.
 */
import { userInfo } from 'node:os';
import type { HiveSettings } from '../../model/catalog.ts';
import { TailraceError } from '../../model/errors.ts';
import type { Storage } from '../../storage/port.ts';
import { readMetadataFile } from '../metadata/file.ts';
import { plainUri } from '../paths.ts';
import { pointerTable } from '../pointer.ts';
import type { Catalog, CatalogTable, ListedTable, OpenFiles, OpenTableOptions, TableName } from '../port.ts';
import { addressesOf } from './addresses.ts';
import { type HiveDatabase, type HiveTable, METHODS } from './api.ts';
import { HiveClient } from './client.ts';
import { formatOf } from './entry.ts';
import { hiveError, isAbsent } from './errors.ts';
import { HIVE_LIMITS, type HiveLimits } from './limits.ts';
import { databaseName, type HiveName, hiveName, refuseOddName } from './names.ts';
import { HivePointer } from './pointer.ts';

/** Opens the catalog; the first call goes to the Metastore with the first use. `name`: as the user calls it. */
export function hiveCatalog(
  name: string,
  settings: HiveSettings,
  openFiles: OpenFiles,
  limits: Partial<HiveLimits> = {},
): Catalog {
  const { lockTimeoutMs = HIVE_LIMITS.lockTimeoutMs } = settings;
  return new HiveCatalog(name, settings, openFiles, { ...HIVE_LIMITS, lockTimeoutMs, ...limits });
}

class HiveCatalog implements Catalog {
  readonly type = 'hive';
  readonly #name: string;
  readonly #settings: HiveSettings;
  readonly #openFiles: OpenFiles;
  readonly #limits: HiveLimits;
  readonly #client: HiveClient;

  constructor(name: string, settings: HiveSettings, openFiles: OpenFiles, limits: HiveLimits) {
    this.#name = name;
    this.#settings = settings;
    this.#openFiles = openFiles;
    this.#limits = limits;
    this.#client = new HiveClient(addressesOf(settings.uri, name), settings, limits);
  }

  async open(name: TableName, options: OpenTableOptions): Promise<CatalogTable | undefined> {
    const own = hiveName(name, this.#name);
    const place = this.#placeOf(own);
    const pointer = this.#pointer(own);
    const there = await pointer.read();
    if (there === undefined && options.purpose === 'read') return undefined;
    if (there === undefined) {
      const location = await this.#newLocation(own, options);
      const storage = await this.#openFiles(location);
      return pointerTable({ name: place, storage, folder: folderOf(storage, location), pointer });
    }
    const { metadataLocation: location } = there;
    const storage = await this.#openFiles(location);
    const metadata = await readMetadataFile(storage, location);
    const folder = folderOf(storage, metadata.location);
    return pointerTable({ name: place, storage, folder, pointer, known: { location, metadata } });
  }

  async register(
    name: TableName,
    metadataLocation: string,
    options: Pick<OpenTableOptions, 'createNamespace'> = {},
  ): Promise<void> {
    const own = hiveName(name, this.#name);
    const place = this.#placeOf(own);
    refuseOddName('table', own.table, place);
    await this.#database(own.database, options);
    const metadata = await readMetadataFile(await this.#openFiles(metadataLocation), metadataLocation);
    const outcome = await this.#pointer(own).swap(undefined, { metadata, metadataLocation });
    if (outcome.kind === 'swapped') return;
    if (outcome.kind === 'unknown')
      throw new TailraceError('COMMIT_UNKNOWN', `It cannot be told whether ${place} was registered.`, {
        place,
        cause: outcome.cause,
        hint: 'Run again.',
      });
    throw new TailraceError('CATALOG', `There is a table ${place} already.`, {
      place,
      hint: 'Choose another name, or drop that table first.',
    });
  }

  async namespaces(): Promise<readonly (readonly string[])[]> {
    const names = await this.#asked(this.#client.ask(METHODS.databases, {}), 'list the databases', this.#name);
    return names.map((name) => [name]);
  }

  async tables(namespace: readonly string[]): Promise<readonly ListedTable[]> {
    const database = databaseName(namespace, this.#name);
    await this.#database(database, {});
    const place = `${this.#name}.${database}`;
    const names = await this.#asked(this.#client.ask(METHODS.tableNames, { database }), 'list the tables', place);
    const found: ListedTable[] = [];
    for (let at = 0; at < names.length; at += this.#limits.tablesPerCall) {
      const req = { dbName: database, tblNames: names.slice(at, at + this.#limits.tablesPerCall) };
      const { tables = [] } = await this.#asked(this.#client.ask(METHODS.tables, { req }), 'read the tables', place);
      found.push(...tables.map((table) => listed(namespace, table)));
    }
    return found;
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  #pointer(name: HiveName): HivePointer {
    const { user = userName(), hiveEngine: forHive = false } = this.#settings;
    return new HivePointer(this.#client, name, this.#placeOf(name), { user, forHive }, this.#limits);
  }

  #placeOf(name: HiveName): string {
    return `${this.#name}.${name.database}.${name.table}`;
  }

  async #newLocation(name: HiveName, options: OpenTableOptions): Promise<string> {
    const place = this.#placeOf(name);
    refuseOddName('table', name.table, place);
    const { locationUri } = await this.#database(name.database, options);
    if (options.location !== undefined) return options.location;
    if (locationUri !== undefined && locationUri !== '') return `${locationUri}/${name.table}`;
    throw new TailraceError('CATALOG', `The database ${name.database} has no location for its tables.`, {
      place,
      hint: '--location says where the table is to lie.',
    });
  }

  /** The database, made if it is absent and may be made. */
  async #database(name: string, options: Pick<OpenTableOptions, 'createNamespace'>): Promise<HiveDatabase> {
    const place = `${this.#name}.${name}`;
    const there = await this.#databaseOf(name, place);
    if (there !== undefined) return there;
    if (options.createNamespace !== true)
      throw new TailraceError('CATALOG', `There is no database ${name} in the Hive Metastore.`, {
        place,
        hint: '--create-namespace makes it.',
      });
    refuseOddName('database', name, place);
    const { warehouse } = this.#settings;
    const location = warehouse === undefined ? {} : { locationUri: `${warehouse.replace(/\/+$/, '')}/${name}.db` };
    const database = { name, description: '', parameters: {}, ...location };
    try {
      await this.#client.change(METHODS.createDatabase, { database });
    } catch (thrown) {
      // Somebody else may have made it meanwhile, or it was made although the reply was lost.
      const made = await this.#databaseOf(name, place);
      if (made !== undefined) return made;
      throw hiveError(thrown, 'create the database', place);
    }
    return (await this.#databaseOf(name, place)) ?? database;
  }

  async #databaseOf(name: string, place: string): Promise<HiveDatabase | undefined> {
    try {
      return await this.#client.ask(METHODS.database, { name });
    } catch (thrown) {
      if (isAbsent(thrown)) return undefined;
      throw hiveError(thrown, 'read the database', place);
    }
  }

  async #asked<T>(call: Promise<T>, what: string, place: string): Promise<T> {
    try {
      return await call;
    } catch (thrown) {
      throw hiveError(thrown, what, place);
    }
  }
}

function listed(namespace: readonly string[], table: HiveTable): ListedTable {
  const format = formatOf(table);
  const name = { namespace, table: table.tableName ?? '' };
  return format === 'iceberg' ? { name } : { name, format };
}

function folderOf(storage: Storage, location: string): string {
  return storage.key(plainUri(storage, location)).replace(/\/+$/, '');
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'tailrace';
  }
}
