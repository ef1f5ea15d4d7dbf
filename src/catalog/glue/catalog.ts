/** AWS Glue as an Iceberg catalog, by its own API: databases, entries of tables, locations. The commit is in pointer.ts. */
import type { Database } from '@aws-sdk/client-glue';
import type { GlueSettings } from '../../model/catalog.ts';
import { TailraceError } from '../../model/errors.ts';
import type { Storage } from '../../storage/port.ts';
import { readMetadataFile } from '../metadata/file.ts';
import type { TableMetadata } from '../metadata/wire.ts';
import { plainUri } from '../paths.ts';
import { pointerTable, type SwapOutcome } from '../pointer.ts';
import type { Catalog, CatalogTable, ListedTable, OpenFiles, OpenTableOptions, TableName } from '../port.ts';
import { GlueApi } from './client.ts';
import { glueError, isTaken } from './errors.ts';
import { formatOf } from './input.ts';
import { GLUE_LIMITS, type GlueLimits } from './limits.ts';
import { databaseName, type GlueName, glueName, refuseOddName } from './names.ts';
import { GluePointer } from './pointer.ts';

/** Opens the catalog; the first call goes to Glue with the first use. `name`: as the user calls it. */
export function glueCatalog(
  name: string,
  settings: GlueSettings,
  openFiles: OpenFiles,
  limits: Partial<GlueLimits> = {},
): Catalog {
  return new GlueCatalog(name, settings, openFiles, { ...GLUE_LIMITS, ...limits });
}

class GlueCatalog implements Catalog {
  readonly type = 'glue';
  readonly #name: string;
  readonly #settings: GlueSettings;
  readonly #openFiles: OpenFiles;
  readonly #limits: GlueLimits;
  readonly #api: GlueApi;

  constructor(name: string, settings: GlueSettings, openFiles: OpenFiles, limits: GlueLimits) {
    this.#name = name;
    this.#settings = settings;
    this.#openFiles = openFiles;
    this.#limits = limits;
    this.#api = new GlueApi(settings, limits);
  }

  async open(name: TableName, options: OpenTableOptions): Promise<CatalogTable | undefined> {
    const own = glueName(name, this.#name);
    const place = this.#placeOf(own);
    const pointer = new GluePointer(this.#api, own, place, this.#limits);
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
    const own = glueName(name, this.#name);
    const place = this.#placeOf(own);
    refuseOddName('table', own.table, place);
    const metadata = await this.#metadataAt(metadataLocation);
    if ((await this.#database(own, options)) === undefined) await this.#createDatabase(own.database);
    const pointer = new GluePointer(this.#api, own, place, this.#limits);
    const outcome = await pointer.swap(undefined, { metadata, metadataLocation });
    if (outcome.kind === 'swapped') return;
    if (outcome.kind === 'unknown') throw unknownRegister(outcome, place);
    throw new TailraceError('CATALOG', 'There is a table of that name already.', {
      place,
      hint: 'Choose another name, or drop that table first.',
    });
  }

  async namespaces(): Promise<readonly (readonly string[])[]> {
    return this.#asked('list the databases', this.#name, async () => {
      const names: (readonly string[])[] = [];
      for await (const { Name } of this.#api.databases()) if (Name !== undefined) names.push([Name]);
      return names;
    });
  }

  async tables(namespace: readonly string[]): Promise<readonly ListedTable[]> {
    const database = databaseName(namespace, this.#name);
    return this.#asked('list the tables', `${this.#name}.${database}`, async () => {
      const tables: ListedTable[] = [];
      for await (const table of this.#api.tables(database)) {
        const name = { namespace: [database], table: table.Name ?? '' };
        const format = formatOf(table) ?? 'unknown';
        tables.push(format === 'iceberg' ? { name } : { name, format });
      }
      return tables;
    });
  }

  async close(): Promise<void> {
    await this.#api.close();
  }

  /** Where a new table goes: as asked for, below its database's location, or below the warehouse. */
  async #newLocation(name: GlueName, options: OpenTableOptions): Promise<string> {
    const place = this.#placeOf(name);
    refuseOddName('table', name.table, place);
    const database = await this.#database(name, options);
    const folder = database?.LocationUri || this.#folderOfDatabase(name.database);
    const location = options.location ?? (folder === undefined ? undefined : `${withoutSlash(folder)}/${name.table}`);
    if (location === undefined) throw noLocation(name.database, place);
    if (database === undefined) await this.#createDatabase(name.database);
    return withoutSlash(location);
  }

  /** The database that a new table goes to; undefined: it is to be made. */
  async #database(name: GlueName, options: Pick<OpenTableOptions, 'createNamespace'>): Promise<Database | undefined> {
    const place = this.#placeOf(name);
    const database = await this.#asked('read the database', place, () => this.#api.database(name.database));
    if (database !== undefined) refuseForeign(database, place);
    else if (options.createNamespace !== true) throw this.#noDatabase(name.database);
    else refuseOddName('database', name.database, place);
    return database;
  }

  async #metadataAt(uri: string): Promise<TableMetadata> {
    const storage = await this.#openFiles(uri);
    try {
      return await readMetadataFile(storage, uri);
    } finally {
      await storage.close();
    }
  }

  async #createDatabase(database: string): Promise<void> {
    const folder = this.#folderOfDatabase(database);
    const input = { Name: database, ...(folder === undefined ? {} : { LocationUri: folder }) };
    await this.#asked('create the database', `${this.#name}.${database}`, () =>
      this.#api.createDatabase(input).catch((thrown: unknown) => {
        if (!isTaken(thrown)) throw thrown;
      }),
    );
  }

  #folderOfDatabase(database: string): string | undefined {
    const { warehouse } = this.#settings;
    return warehouse === undefined ? undefined : `${withoutSlash(warehouse)}/${database}.db`;
  }

  async #asked<T>(what: string, place: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (thrown) {
      throw glueError(thrown, what, place);
    }
  }

  #placeOf({ database, table }: GlueName): string {
    return `${this.#name}.${database}.${table}`;
  }

  #noDatabase(database: string): TailraceError {
    return new TailraceError('CATALOG', `Glue has no database ${database}.`, {
      place: this.#name,
      hint: '--create-namespace makes it with the first load.',
    });
  }
}

function noLocation(database: string, place: string): TailraceError {
  return new TailraceError('CATALOG', `The database ${database} has no location for new tables.`, {
    place,
    expected: 'LocationUri of the database, a warehouse of the catalog, or --location',
    hint: '--location names a folder for the table; `warehouse` in the settings of the catalog, one for all.',
  });
}

function unknownRegister(outcome: Extract<SwapOutcome, { readonly kind: 'unknown' }>, place: string): TailraceError {
  return new TailraceError('COMMIT_UNKNOWN', `It cannot be told whether the table was registered: ${outcome.reason}.`, {
    place,
    cause: outcome.cause,
    hint: 'Run the same command again.',
  });
}

/** A database that only shows tables of another catalog: what is created in it is not created by these calls. */
function refuseForeign(database: Database, place: string): void {
  const { TargetDatabase: target, FederatedDatabase: federated } = database;
  if (target !== undefined) {
    throw new TailraceError('CATALOG', `The database ${database.Name} is a link to one elsewhere.`, {
      place,
      expected: 'a database',
      found: `a resource link to ${[target.CatalogId, target.DatabaseName].join('.')}`,
      hint: "Name that database, in a catalog with the other account's `catalogId`.",
    });
  }
  if (federated !== undefined) {
    throw new TailraceError('CATALOG', `The database ${database.Name} belongs to another catalog.`, {
      place,
      expected: 'a database of Glue itself',
      found: `a database of ${federated.ConnectionName ?? federated.ConnectionType}`,
      hint: 'Use that catalog itself: S3 Tables, for one, with its Iceberg REST endpoint (`type: rest`).',
    });
  }
}

function folderOf(storage: Storage, location: string): string {
  return withoutSlash(storage.key(plainUri(storage, location)));
}

function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, '');
}
