/** AWS Glue's catalog by its own API: entries of tables, by name. The commit of an Iceberg table is in pointer.ts. */
import type { GlueSettings } from '../../model/catalog.ts';
import { TailraceError } from '../../model/errors.ts';
import type { Storage } from '../../storage/port.ts';
import { readMetadataFile } from '../metadata/file.ts';
import type { TableMetadata } from '../metadata/wire.ts';
import { plainUri } from '../paths.ts';
import { pointerTable, type SwapOutcome } from '../pointer.ts';
import type {
  Catalog,
  CatalogTable,
  ListedTable,
  OpenFiles,
  OpenShownOptions,
  OpenTableOptions,
  TableName,
} from '../port.ts';
import type { ShownTable } from '../shown.ts';
import { GlueApi } from './client.ts';
import { GlueDatabases, withoutSlash } from './databases.ts';
import { glueError } from './errors.ts';
import { formatOf } from './input.ts';
import { GLUE_LIMITS, type GlueLimits } from './limits.ts';
import { databaseName, type GlueName, glueName } from './names.ts';
import { GluePointer } from './pointer.ts';
import { rootOf } from './shown/entry.ts';
import { GlueShownTable } from './shown/table.ts';

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
  readonly #openFiles: OpenFiles;
  readonly #limits: GlueLimits;
  readonly #api: GlueApi;
  readonly #databases: GlueDatabases;

  constructor(name: string, settings: GlueSettings, openFiles: OpenFiles, limits: GlueLimits) {
    this.#name = name;
    this.#openFiles = openFiles;
    this.#limits = limits;
    this.#api = new GlueApi(settings, limits);
    this.#databases = new GlueDatabases(this.#api, name, settings.warehouse);
  }

  async open(name: TableName, options: OpenTableOptions): Promise<CatalogTable | undefined> {
    const own = glueName(name, this.#name);
    const place = this.#placeOf(own);
    const pointer = new GluePointer(this.#api, own, place, this.#limits);
    const there = await pointer.read();
    if (there === undefined && options.purpose === 'read') return undefined;
    if (there === undefined) {
      const location = await this.#databases.newLocation(own, options);
      const storage = await this.#openFiles(location);
      return pointerTable({ name: place, storage, folder: folderOf(storage, location), pointer });
    }
    const { metadataLocation: location } = there;
    const storage = await this.#openFiles(location);
    const metadata = await readMetadataFile(storage, location);
    const folder = folderOf(storage, metadata.location);
    return pointerTable({ name: place, storage, folder, pointer, known: { location, metadata } });
  }

  async openShown(name: TableName, options: OpenShownOptions): Promise<ShownTable | undefined> {
    const own = glueName(name, this.#name);
    const place = this.#placeOf(own);
    const there = await this.#asked('read the table', place, () => this.#api.table(own.database, own.table));
    if (there === undefined && options.purpose === 'read') return undefined;
    const location =
      there === undefined ? await this.#databases.newLocation(own, options) : withoutSlash(rootOf(there, place));
    const storage = await this.#openFiles(location);
    const { projection } = options;
    return new GlueShownTable({ api: this.#api, name: own, place, storage, location, projection }, this.#limits);
  }

  async register(
    name: TableName,
    metadataLocation: string,
    options: Pick<OpenTableOptions, 'createNamespace'> = {},
  ): Promise<void> {
    const own = glueName(name, this.#name);
    const place = this.#placeOf(own);
    const metadata = await this.#metadataAt(metadataLocation);
    await this.#databases.ensure(own, options);
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

  async #metadataAt(uri: string): Promise<TableMetadata> {
    const storage = await this.#openFiles(uri);
    try {
      return await readMetadataFile(storage, uri);
    } finally {
      await storage.close();
    }
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
}

function unknownRegister(outcome: Extract<SwapOutcome, { readonly kind: 'unknown' }>, place: string): TailraceError {
  return new TailraceError('COMMIT_UNKNOWN', `It cannot be told whether the table was registered: ${outcome.reason}.`, {
    place,
    cause: outcome.cause,
    hint: 'Run the same command again.',
  });
}

function folderOf(storage: Storage, location: string): string {
  return withoutSlash(storage.key(plainUri(storage, location)));
}
