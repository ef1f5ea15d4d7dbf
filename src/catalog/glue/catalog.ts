/** AWS Glue's catalog by its own API: entries of tables, by name. The commit of an Iceberg table is in pointer.ts. */
import type { GlueSettings } from '../../model/catalog.ts';
import type { ExaminedFiles, ExamineOptions } from '../examination.ts';
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
import { GlueApi } from './client.ts';
import { GlueDatabases } from './databases.ts';
import { glueError } from './errors.ts';
import { examineGlue } from './examine.ts';
import { formatOf } from './input.ts';
import { GLUE_LIMITS, type GlueLimits } from './limits.ts';
import { databaseName, type GlueName, glueName } from './names.ts';
import { GluePointer } from './pointer.ts';
import { GlueEntries } from './shown.ts';

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
  readonly #settings: GlueSettings;
  readonly #api: GlueApi;
  readonly #databases: GlueDatabases;

  constructor(name: string, settings: GlueSettings, openFiles: OpenFiles, limits: GlueLimits) {
    this.#name = name;
    this.#openFiles = openFiles;
    this.#limits = limits;
    this.#settings = settings;
    this.#api = new GlueApi(settings, limits);
    this.#databases = new GlueDatabases(this.#api, name, settings.warehouse);
  }

  async open(name: TableName, options: OpenTableOptions): Promise<CatalogTable | undefined> {
    const own = glueName(name, this.#name);
    return openPointed(this.#pointed(own), options.purpose, () => this.#databases.newLocation(own, options));
  }

  async openShown(name: TableName, options: OpenShownOptions): Promise<ShownTable | undefined> {
    const own = glueName(name, this.#name);
    const place = this.#placeOf(own);
    const service = new GlueEntries(this.#api, own, place, this.#limits);
    const there = await this.#asked('read the table', place, () => service.entry());
    if (there === undefined && options.purpose === 'read') return undefined;
    const location =
      there === undefined ? await this.#databases.newLocation(own, options) : rootOf(there, service.service, place);
    const storage = await this.#openFiles(location);
    return entryTable({ service, table: own.table, place, storage, location, projection: options.projection });
  }

  async register(
    name: TableName,
    metadataLocation: string,
    options: Pick<OpenTableOptions, 'createNamespace'> = {},
  ): Promise<void> {
    const own = glueName(name, this.#name);
    await registerPointed(this.#pointed(own), metadataLocation, () => this.#databases.ensure(own, options));
  }

  async examine(name: TableName, options: ExamineOptions): Promise<ExaminedFiles | undefined> {
    const own = glueName(name, this.#name);
    const { aws, catalogId } = this.#settings;
    const at = { region: aws.region ?? process.env['AWS_REGION'], account: catalogId?.slice(0, 12) };
    const files = { openFiles: this.#openFiles, databases: this.#databases };
    return examineGlue({ api: this.#api, ...files, name: own, place: this.#placeOf(own), at }, options);
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

  #pointed(own: GlueName): PointedTable {
    const name = this.#placeOf(own);
    return { name, pointer: new GluePointer(this.#api, own, name, this.#limits), openFiles: this.#openFiles };
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
