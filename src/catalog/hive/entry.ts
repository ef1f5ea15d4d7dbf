/** The entry of an Iceberg table in a Metastore, as Iceberg's own HiveCatalog writes it; what others put there stays. */
import { TailraceError } from '../../model/errors.ts';
import type { TableMetadata } from '../metadata/wire.ts';
import type { CatalogState } from '../port.ts';
import type { HiveStorage, HiveTable } from './api.ts';
import { hiveColumns, sameTypes } from './columns.ts';
import type { HiveName } from './names.ts';

/** The parameter that the comparison is about. */
export const LOCATION = 'metadata_location';
const PREVIOUS = 'previous_metadata_location';
const TYPE = 'table_type';
const HANDLER = 'storage_handler';
const ICEBERG_HANDLER = 'org.apache.iceberg.mr.hive.HiveIcebergStorageHandler';
/** Properties that Hive calls otherwise. */
const HIVE_NAMES: Readonly<Record<string, string>> = { 'gc.enabled': 'external.table.purge' };
/** A Metastore before Hive 2.3 holds no longer values. Readers take the table's own metadata anyway. */
const VALUE_MAX = 4_000;
const KEY_MAX = 256;

type Parameters = Readonly<Record<string, string>>;
type Next = Omit<CatalogState, 'token'>;

/** Whether Hive itself is to read and write the table (`engine.hive.enabled`): it needs its classes in the entry. */
const HIVE_STORAGE = {
  inputFormat: 'org.apache.iceberg.mr.hive.HiveIcebergInputFormat',
  outputFormat: 'org.apache.iceberg.mr.hive.HiveIcebergOutputFormat',
  serdeInfo: { serializationLib: 'org.apache.iceberg.mr.hive.HiveIcebergSerDe', parameters: {} },
};
const PLAIN_STORAGE = {
  inputFormat: 'org.apache.hadoop.mapred.FileInputFormat',
  outputFormat: 'org.apache.hadoop.mapred.FileOutputFormat',
  serdeInfo: { serializationLib: 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe', parameters: {} },
};

/** URI of the table's metadata file. Anything but an Iceberg table is TARGET_BAD. */
export function metadataLocationOf(table: HiveTable, place: string): string {
  const location = table.parameters?.[LOCATION];
  if (formatOf(table) === 'iceberg' && location !== undefined && location !== '') return location;
  throw new TailraceError('TARGET_BAD', 'What the Hive Metastore has under this name is not an Iceberg table.', {
    place,
    expected: `the parameters ${TYPE}=ICEBERG and ${LOCATION}`,
    found: location === undefined ? formatOf(table) : `${TYPE}=${table.parameters?.[TYPE]}`,
    hint: 'Choose another name, or drop that table first.',
  });
}

/** What kind of table it is, in lower case: iceberg, delta, parquet, view, …; `hive` where nothing tells. */
export function formatOf({ parameters = {}, tableType, sd }: HiveTable): string {
  const named = parameters[TYPE] ?? parameters['spark.sql.sources.provider'];
  if (named !== undefined) return named.toLowerCase();
  if (tableType === 'VIRTUAL_VIEW' || tableType === 'MATERIALIZED_VIEW') return 'view';
  return /parquet|orc|avro|json|text/i.exec(sd?.inputFormat ?? '')?.[0].toLowerCase() ?? 'hive';
}

/** The entry of a table that is created. `forHive`: unless the table's own properties say otherwise. */
export function newEntry(name: HiveName, owner: string, forHive: boolean, next: Next): HiveTable {
  const enabled = enabledOf(next.metadata) ?? forHive;
  return {
    ...bareEntry(name, owner),
    sd: storageOf(next.metadata, { ...(enabled ? HIVE_STORAGE : PLAIN_STORAGE), compressed: false, numBuckets: 0 }),
    parameters: parametersOf({ EXTERNAL: 'TRUE' }, undefined, next, enabled),
  };
}

/** What every entry that we make begins with. */
export function bareEntry(name: HiveName, owner: string): HiveTable {
  const now = Math.floor(Date.now() / 1_000);
  return {
    tableName: name.table,
    dbName: name.database,
    owner,
    createTime: now,
    lastAccessTime: now,
    retention: 2 ** 31 - 1,
    partitionKeys: [],
    tableType: 'EXTERNAL_TABLE',
  };
}

/** The entry with the next state in it. */
export function nextEntry(there: HiveTable, from: CatalogState, next: Next): HiveTable {
  const told = enabledOf(next.metadata);
  const enabled = told ?? there.parameters?.[HANDLER] === ICEBERG_HANDLER;
  const formats = told === undefined ? {} : told ? HIVE_STORAGE : PLAIN_STORAGE;
  const sd = storageOf(next.metadata, { ...there.sd, ...formats });
  const parameters = parametersOf(there.parameters ?? {}, from, next, enabled);
  return {
    ...there,
    sd,
    parameters,
    tableType: 'EXTERNAL_TABLE',
  };
}

/** The entry as it is, without the columns whose places others are to take. */
export function clearedEntry(there: HiveTable, next: HiveTable): HiveTable {
  return { ...there, sd: { ...there.sd, cols: sameTypes(there.sd?.cols ?? [], next.sd?.cols ?? []) } };
}

function storageOf(metadata: TableMetadata, former: HiveStorage): HiveStorage {
  return { ...former, cols: hiveColumns(metadata, former.cols), location: metadata.location };
}

function enabledOf(metadata: TableMetadata): boolean | undefined {
  const text = metadata.properties?.['engine.hive.enabled'];
  return text === undefined ? undefined : text.toLowerCase() === 'true';
}

function parametersOf(there: Parameters, from: CatalogState | undefined, next: Next, forHive: boolean): Parameters {
  const { metadata, metadataLocation } = next;
  const changes: Record<string, string | undefined> = {};
  for (const key of Object.keys(from?.metadata.properties ?? {})) changes[hiveKey(key)] = undefined;
  for (const [key, value] of Object.entries(metadata.properties ?? {})) changes[hiveKey(key)] = value;
  Object.assign(changes, summaryOf(metadata), {
    uuid: metadata['table-uuid'],
    [HANDLER]: forHive ? ICEBERG_HANDLER : undefined,
  });
  const parameters = new Map(Object.entries(there));
  for (const [key, value] of Object.entries(changes)) {
    if (value !== undefined && fits(key, value)) parameters.set(key, value);
    else parameters.delete(key);
  }
  return {
    ...Object.fromEntries(parameters),
    EXTERNAL: 'TRUE',
    [TYPE]: 'ICEBERG',
    [LOCATION]: metadataLocation,
    ...(from !== undefined && { [PREVIOUS]: from.metadataLocation }),
  };
}

function hiveKey(key: string): string {
  return HIVE_NAMES[key] ?? key;
}

/** What tools show of the current snapshot without reading the table's metadata. */
function summaryOf(metadata: TableMetadata): Record<string, string | undefined> {
  const id = metadata['current-snapshot-id'];
  const snapshot = metadata.snapshots?.find((one) => one['snapshot-id'] === id);
  const { summary } = snapshot ?? {};
  return {
    'snapshot-count': String(metadata.snapshots?.length ?? 0),
    'current-snapshot-id': snapshot && String(id),
    'current-snapshot-timestamp-ms': snapshot && String(snapshot['timestamp-ms']),
    'current-snapshot-summary': summary && JSON.stringify(summary),
    numFiles: summary?.['total-data-files'],
    numRows: summary?.['total-records'],
    totalSize: summary?.['total-files-size'],
  };
}

function fits(key: string, value: string): boolean {
  return key.length <= KEY_MAX && value.length <= VALUE_MAX && !`${key}${value}`.includes('\0');
}
