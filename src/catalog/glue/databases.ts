/** Databases of Glue, and where new tables in them go. */
import type { Database, DatabaseInput } from '@aws-sdk/client-glue';
import { TailraceError } from '../../model/errors.ts';
import type { OpenTableOptions } from '../port.ts';
import type { GlueApi } from './client.ts';
import { glueError, isTaken } from './errors.ts';
import { type GlueName, refuseOddName } from './names.ts';

export class GlueDatabases {
  readonly #api: GlueApi;
  /** The catalog's name, for errors. */
  readonly #catalog: string;
  readonly #warehouse: string | undefined;

  constructor(api: GlueApi, catalog: string, warehouse: string | undefined) {
    this.#api = api;
    this.#catalog = catalog;
    this.#warehouse = warehouse;
  }

  /**
   * URI of the folder that a new table goes to: as asked for, below its database's location, or below the warehouse.
   * Makes the database where it may.
   */
  async newLocation(name: GlueName, options: Omit<OpenTableOptions, 'purpose'>): Promise<string> {
    const { location, isNew } = await this.foresee(name, options);
    if (isNew) await this.#create(name.database);
    return location;
  }

  /** The same, and whether the database is still to be made; nothing is made. */
  async foresee(
    name: GlueName,
    options: Omit<OpenTableOptions, 'purpose'>,
  ): Promise<{ readonly location: string; readonly isNew: boolean }> {
    const place = this.#placeOf(name);
    refuseOddName('table', name.table, place);
    const database = await this.#find(name, options);
    const folder = database?.LocationUri || this.#folderOf(name.database);
    const location = options.location ?? (folder === undefined ? undefined : `${withoutSlash(folder)}/${name.table}`);
    if (location === undefined) throw noLocation(name.database, place);
    return { location: withoutSlash(location), isNew: database === undefined };
  }

  /** Makes the database of a table that needs no place, where it may. */
  async ensure(name: GlueName, options: Pick<OpenTableOptions, 'createNamespace'>): Promise<void> {
    refuseOddName('table', name.table, this.#placeOf(name));
    if ((await this.#find(name, options)) === undefined) await this.#create(name.database);
  }

  /** The database that a new table goes to; undefined: it is to be made. */
  async #find(name: GlueName, options: Pick<OpenTableOptions, 'createNamespace'>): Promise<Database | undefined> {
    const place = this.#placeOf(name);
    const database = await this.#api.database(name.database).catch((thrown: unknown) => {
      throw glueError(thrown, 'read the database', place);
    });
    if (database !== undefined) refuseForeign(database, place);
    else if (options.createNamespace !== true) throw this.#noDatabase(name.database);
    else refuseOddName('database', name.database, place);
    return database;
  }

  async #create(database: string): Promise<void> {
    const folder = this.#folderOf(database);
    const input: DatabaseInput = { Name: database, ...(folder === undefined ? {} : { LocationUri: folder }) };
    await this.#api.createDatabase(input).catch((thrown: unknown) => {
      if (!isTaken(thrown)) throw glueError(thrown, 'create the database', `${this.#catalog}.${database}`);
    });
  }

  #folderOf(database: string): string | undefined {
    return this.#warehouse === undefined ? undefined : `${withoutSlash(this.#warehouse)}/${database}.db`;
  }

  #placeOf({ database, table }: GlueName): string {
    return `${this.#catalog}.${database}.${table}`;
  }

  #noDatabase(database: string): TailraceError {
    return new TailraceError('CATALOG', `Glue has no database ${database}.`, {
      place: this.#catalog,
      hint: '--create-namespace makes it with the first load.',
    });
  }
}

/** A folder's URI without slashes at its end. */
export function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, '');
}

function noLocation(database: string, place: string): TailraceError {
  return new TailraceError('CATALOG', `The database ${database} has no location for new tables.`, {
    place,
    expected: 'LocationUri of the database, a warehouse of the catalog, or --location',
    hint: '--location names a folder for the table; `warehouse` in the settings of the catalog, one for all.',
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
