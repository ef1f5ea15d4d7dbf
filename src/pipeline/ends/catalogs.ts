/** Tables by name: the catalogs of the settings, opened, and what they say of a name. */

import { fileTable } from '../../catalog/files/table.ts';
import type { Catalog, CatalogTable, OpenFiles, TableName } from '../../catalog/port.ts';
import type { ShownTable } from '../../catalog/shown/port.ts';
import { closest } from '../../config/closest.ts';
import type { CatalogSettings } from '../../model/catalog.ts';
import { TailraceError } from '../../model/errors.ts';
import type { SyncOptions } from '../../model/options.ts';
import { openAnywhere } from '../../storage/anywhere.ts';
import { openStorage, parseLocation } from '../../storage/locate.ts';
import type { Storage } from '../../storage/port.ts';
import { openParquetTable } from '../../table/parquet/table.ts';

/** `catalog.namespace.table`, taken apart. */
export interface CatalogName {
  readonly catalog: string;
  /** Empty when only the catalog is named. */
  readonly path: readonly string[];
}

/** What comes after `iceberg:` or `parquet:`, when it is no location. */
export function parseCatalogName(text: string): CatalogName {
  const [catalog = '', ...path] = text.split('.');
  if ([catalog, ...path].some((part) => part === '')) throw notAName(text);
  return { catalog, path };
}

/** The last part is the table, what is before it the namespace. */
export function tableNameOf({ catalog, path }: CatalogName): TableName {
  const table = path.at(-1);
  if (table === undefined || path.length < 2) throw notAName([catalog, ...path].join('.'));
  return { namespace: path.slice(0, -1), table };
}

/** Opens the catalog of that name. `wrap`: what comes between a run and the storage of the tables. */
export async function openCatalog(
  name: string,
  options: SyncOptions,
  wrap: (storage: Storage) => Storage,
): Promise<Catalog> {
  const settings = options.catalogs[name];
  if (settings === undefined) throw noCatalog(name, Object.keys(options.catalogs));
  const files: OpenFiles = async (uri, access) =>
    wrap(await openAnywhere(uri, { aws: options.targetAws, sse: options.sse }, access));
  return openByType(name, settings, options, files);
}

/** Each type's code is loaded when it is used. */
async function openByType(
  name: string,
  settings: CatalogSettings,
  options: SyncOptions,
  files: OpenFiles,
): Promise<Catalog> {
  switch (settings.type) {
    case 'rest': {
      const { restCatalog } = await import('../../catalog/rest/catalog.ts');
      const { auth } = settings;
      const signing = auth.kind === 'sigv4' ? { ...auth, aws: { ...options.targetAws, ...auth.aws } } : auth;
      return restCatalog(name, { ...settings, auth: signing }, files);
    }
    case 'glue': {
      const { glueCatalog } = await import('../../catalog/glue/catalog.ts');
      // The target's endpoint is one of S3.
      const { endpoint: _, forcePathStyle: __, ...aws } = options.targetAws;
      return glueCatalog(name, { ...settings, aws: { ...aws, ...settings.aws } }, files);
    }
    case 'hive': {
      const { hiveCatalog } = await import('../../catalog/hive/catalog.ts');
      return hiveCatalog(name, settings, files);
    }
  }
}

/**
 * The table that a name in a catalog has or will have; undefined when it is only to be read, and not there. A table at
 * the place that `--register` names is taken in first.
 */
export async function openTable(
  catalog: Catalog,
  name: TableName,
  options: SyncOptions,
  purpose: 'read' | 'write',
): Promise<CatalogTable | undefined> {
  const { createNamespace, register } = options;
  const location = options.location === undefined ? undefined : parseLocation(options.location).uri;
  const open = { purpose, createNamespace, ...(location === undefined ? {} : { location }) };
  if (register === undefined || purpose === 'read') return catalog.open(name, open);
  if ((await catalog.open(name, { purpose: 'read' })) === undefined)
    await catalog.register(name, await newestMetadata(register, options), { createNamespace });
  return catalog.open(name, open);
}

/**
 * The Parquet table that a name in a catalog has or will have; undefined when it is only to be read, and not there. A
 * table at the place that `--register` names gets the name, if that is free.
 */
export async function openShown(
  catalog: Catalog,
  name: TableName,
  options: SyncOptions,
  purpose: 'read' | 'write',
): Promise<ShownTable | undefined> {
  if (catalog.openShown === undefined) throw onlyIceberg(catalog, name);
  const { createNamespace, partitionProjection: projection, register } = options;
  const place = register ?? options.location;
  const location = place === undefined ? undefined : parseLocation(place).uri;
  const shown = await catalog.openShown(name, {
    purpose,
    createNamespace,
    ...(location === undefined ? {} : { location }),
    ...(projection === undefined ? {} : { projection }),
  });
  if (shown === undefined || register === undefined || purpose === 'read') return shown;
  if ((await openParquetTable(shown.storage, shown.location).load()) !== undefined) return shown;
  await shown.storage.close();
  throw new TailraceError('TARGET_NOT_FOUND', 'No Parquet table of tailrace lies where --register says.', {
    place: shown.location,
    hint: 'Name the folder that holds _tailrace.json.',
  });
}

function onlyIceberg({ type }: Catalog, { namespace, table }: TableName): TailraceError {
  const name = [...namespace, table].join('.');
  return new TailraceError('CATALOG', `A catalog of the type ${type} has Iceberg tables alone.`, {
    place: name,
    expected: 'a catalog of the type glue or hive',
    found: `parquet:…${name}`,
    hint: 'Name the table as iceberg:<catalog>.<namespace>.<table>, or a location: parquet:s3://bucket/folder.',
  });
}

/** URI of the newest metadata of the Iceberg table at a place; TARGET_NOT_FOUND where there is none. */
export async function newestMetadata(text: string, options: SyncOptions): Promise<string> {
  const location = parseLocation(text);
  const storage = await openStorage(location, { aws: options.targetAws });
  try {
    const newest = await fileTable(storage, location.key).load();
    if (newest !== undefined) return newest.metadataLocation;
    throw new TailraceError('TARGET_NOT_FOUND', 'No Iceberg table lies where --register says.', {
      place: location.uri,
      hint: 'Name the folder that holds metadata/ and data/.',
    });
  } finally {
    await storage.close();
  }
}

function noCatalog(name: string, known: readonly string[]): TailraceError {
  const meant = closest(name, known);
  return new TailraceError('USAGE', `No catalog is called ${name}.`, {
    place: 'target',
    expected: known.length === 0 ? 'a catalog of tailrace.yaml or --catalog' : `one of ${known.join(', ')}`,
    found: name,
    hint:
      meant === undefined
        ? `Define it under \`catalogs:\` in tailrace.yaml, or with --catalog; a folder of that name is ./${name}.`
        : `Did you mean ${meant}?`,
  });
}

function notAName(text: string): TailraceError {
  return new TailraceError('USAGE', `“${text}” is no name of a table in a catalog.`, {
    place: 'target',
    expected: 'iceberg:<catalog>.<namespace>.<table>',
    found: text,
    hint: `For a folder of that name, write ./${text}.`,
  });
}
