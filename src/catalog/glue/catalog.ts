/** AWS Glue as an Iceberg catalog, by its own API: databases, entries of tables, locations. The commit is in pointer.ts. */
import type { Database } from '@aws-sdk/client-glue';
import { TailraceError } from '../../model/errors.ts';
import type { AwsSettings } from '../../model/options.ts';
import type { Storage } from '../../storage/port.ts';
import { readMetadataFile } from '../metadata/file.ts';
import { plainUri } from '../paths.ts';
import { pointerTable } from '../pointer.ts';
import type { Catalog, CatalogTable, ListedTable, OpenFiles, OpenTableOptions, TableName } from '../port.ts';
import { GlueApi } from './client.ts';
import { glueError, isTaken } from './errors.ts';
import { formatOf } from './input.ts';
import { GLUE_LIMITS, type GlueLimits } from './limits.ts';
import { databaseName, type GlueName, glueName, refuseOddName } from './names.ts';
import { GluePointer } from './pointer.ts';

export interface GlueSettings {
  readonly type: 'glue';
  readonly aws: AwsSettings;
  /** The account whose catalog it is; absent: the caller's own. */
  readonly catalogId?: string;
  /** URI of the folder that databases without a location have theirs in. */
  readonly warehouse?: string;
}

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
    const storage = await this.#openFiles(s3Uri(location));
    const metadata = await readMetadataFile(storage, location);
    const folder = folderOf(storage, metadata.location);
    return pointerTable({ name: place, storage, folder, pointer, known: { location, metadata } });
  }

  async register(name: TableName, metadataLocation: string): Promise<void> {
    const own = glueName(name, this.#name);
    const place = this.#placeOf(own);
    refuseOddName('table', own.table, place);
    const metadata = await readMetadataFile(await this.#openFiles(s3Uri(metadataLocation)), metadataLocation);
    const pointer = new GluePointer(this.#api, own, place, this.#limits);
    const outcome = await pointer.swap(undefined, { metadata, metadataLocation });
    if (outcome.kind === 'swapped') return;
    if (outcome.kind === 'unknown' && (await pointer.read())?.metadataLocation === metadataLocation) return;
    if (outcome.kind === 'lost')
      throw new TailraceError('CATALOG', 'There is a table of that name already.', {
        place,
        hint: 'Choose another name, or drop that table first.',
      });
    throw new TailraceError(
      'COMMIT_UNKNOWN',
      `It cannot be told whether the table was registered: ${outcome.reason}.`,
      {
        place,
        cause: outcome.cause,
        hint: 'Run the same command again.',
      },
    );
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
    const database = await this.#asked('read the database', place, () => this.#api.database(name.database));
    if (database !== undefined) refuseForeign(database, place);
    else if (options.createNamespace !== true) throw this.#noDatabase(name.database);
    else refuseOddName('database', name.database, place);
    const folder = database?.LocationUri || this.#folderOfDatabase(name.database);
    const location = options.location ?? (folder === undefined ? undefined : `${withoutSlash(folder)}/${name.table}`);
    if (location === undefined) {
      throw new TailraceError('CATALOG', `The database ${name.database} has no location for new tables.`, {
        place,
        expected: 'LocationUri of the database, a warehouse of the catalog, or --location',
        hint: '--location names a folder for the table; `warehouse` in the settings of the catalog, one for all.',
      });
    }
    if (database === undefined) await this.#createDatabase(name.database);
    return withoutSlash(s3Uri(location));
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

function s3Uri(uri: string): string {
  return uri.replace(/^s3[an]:/, 's3:');
}

function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, '');
}
