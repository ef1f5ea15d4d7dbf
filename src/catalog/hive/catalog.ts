/**
 * A Hive Metastore as an Iceberg catalog, by its own Thrift API: databases, entries of tables, locations. The commit is
 * in pointer.ts.
 */
import { userInfo } from 'node:os';
import type { HiveSettings } from '../../model/catalog.ts';
import { TailraceError } from '../../model/errors.ts';
import type { ExaminedFiles, ExamineOptions } from '../examination.ts';
import { plainUri } from '../paths.ts';
import { openPointed, type PointedTable, registerPointed } from '../pointed.ts';
import type {
  Catalog,
  CatalogTable,
  ListedTable,
  OpenFiles,
  OpenShownOptions,
  OpenTableOptions,
  TableName,
} from '../port.ts';
import { rootOf } from '../shown/entry.ts';
import type { ShownTable } from '../shown/port.ts';
import { entryTable } from '../shown/table.ts';
import { addressesOf } from './addresses.ts';
import { type HiveDatabase, type HiveTable, METHODS } from './api.ts';
import { HiveClient } from './client.ts';
import { formatOf } from './entry.ts';
import { hiveError, isAbsent } from './errors.ts';
import { examineHive } from './examine.ts';
import { HIVE_LIMITS, type HiveLimits } from './limits.ts';
import { databaseName, type HiveName, hiveName, refuseOddName } from './names.ts';
import { HivePointer } from './pointer.ts';
import { HiveEntries } from './shown.ts';

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
    return openPointed(this.#pointed(own), options.purpose, () => this.#newLocation(own, options));
  }

  async openShown(name: TableName, options: OpenShownOptions): Promise<ShownTable | undefined> {
    const own = hiveName(name, this.#name);
    const place = this.#placeOf(own);
    if (options.projection === true) throw noProjection(place);
    const service = this.#entries(own);
    const there = await this.#asked(service.entry(), 'read the table', place);
    if (there === undefined && options.purpose === 'read') return undefined;
    const told = there === undefined ? await this.#newLocation(own, options) : rootOf(there, service.service, place);
    const storage = await this.#openFiles(told);
    // A Metastore writes `file:/path` for a local folder.
    const location = plainUri(storage, told).replace(/\/+$/, '');
    return entryTable({ service, table: own.table, place, storage, location, projection: options.projection });
  }

  async register(
    name: TableName,
    metadataLocation: string,
    options: Pick<OpenTableOptions, 'createNamespace'> = {},
  ): Promise<void> {
    const own = hiveName(name, this.#name);
    refuseOddName('table', own.table, this.#placeOf(own));
    await registerPointed(this.#pointed(own), metadataLocation, () => this.#database(own.database, options));
  }

  async examine(name: TableName, options: ExamineOptions): Promise<ExaminedFiles | undefined> {
    const own = hiveName(name, this.#name);
    const { user = userName(), warehouse } = this.#settings;
    const place = this.#placeOf(own);
    const parts = {
      client: this.#client,
      pointer: this.#pointed(own).pointer,
      shownLocation: async () => {
        const service = this.#entries(own);
        const there = await this.#asked(service.entry(), 'read the table', place);
        return there === undefined ? undefined : rootOf(there, service.service, place);
      },
      openFiles: this.#openFiles,
      limits: this.#limits,
      lock: { name: own, place, user },
      database: async () => {
        refuseOddName('table', own.table, place);
        return this.#expected(own.database, options);
      },
      newLocation: (database: HiveDatabase | undefined): string | undefined => {
        const made = warehouse === undefined ? undefined : `${warehouse.replace(/\/+$/, '')}/${own.database}.db`;
        const folder = database === undefined ? made : database.locationUri;
        return folder === undefined || folder === '' ? undefined : `${folder}/${own.table}`;
      },
    };
    return examineHive(parts, options);
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

  #pointed(own: HiveName): PointedTable {
    const { user = userName(), hiveEngine: forHive = false } = this.#settings;
    const name = this.#placeOf(own);
    const pointer = new HivePointer(this.#client, own, name, { user, forHive }, this.#limits);
    return { name, pointer, openFiles: this.#openFiles };
  }

  #entries(own: HiveName): HiveEntries {
    const { user = userName() } = this.#settings;
    return new HiveEntries({ client: this.#client, name: own, place: this.#placeOf(own), user, limits: this.#limits });
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
    const there = await this.#expected(name, options);
    if (there !== undefined) return there;
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

  /** The database; undefined: it is to be made. */
  async #expected(name: string, options: Pick<OpenTableOptions, 'createNamespace'>): Promise<HiveDatabase | undefined> {
    const place = `${this.#name}.${name}`;
    const there = await this.#databaseOf(name, place);
    if (there !== undefined) return there;
    if (options.createNamespace !== true)
      throw new TailraceError('CATALOG', `There is no database ${name} in the Hive Metastore.`, {
        place,
        hint: '--create-namespace makes it.',
      });
    refuseOddName('database', name, place);
    return undefined;
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

/** It would show no partition to any reader of a Metastore. */
function noProjection(place: string): TailraceError {
  return new TailraceError('USAGE', 'Only Athena works partitions out by itself, by an entry in Glue.', {
    place,
    expected: 'a catalog of the type glue',
    found: '--partition-projection',
    hint: 'Leave it out: in a Metastore partitions are listed.',
  });
}

function listed(namespace: readonly string[], table: HiveTable): ListedTable {
  const format = formatOf(table);
  const name = { namespace, table: table.tableName ?? '' };
  return format === 'iceberg' ? { name } : { name, format };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'tailrace';
  }
}
