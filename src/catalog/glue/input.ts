/** The entry of an Iceberg table in Glue: read, and written with what others have put there. */
import type { Table, TableInput } from '@aws-sdk/client-glue';
import { TailraceError } from '../../model/errors.ts';
import type { TableMetadata } from '../metadata/wire.ts';
import { glueColumns } from './columns.ts';

const LOCATION = 'metadata_location';
const PREVIOUS = 'previous_metadata_location';
const TYPE = 'table_type';
const DESCRIPTION_MAX = 2048;

/** URI of the table's metadata file. Anything but an Iceberg table is TARGET_BAD. */
export function metadataLocationOf(table: Table, place: string): string {
  const location = table.Parameters?.[LOCATION];
  if (formatOf(table) === 'iceberg' && location !== undefined && location !== '') return location;
  const { TargetTable: target } = table;
  if (target !== undefined) {
    throw new TailraceError('TARGET_BAD', 'What Glue has under this name is a link to a table elsewhere.', {
      place,
      expected: 'an Iceberg table',
      found: `a resource link to ${[target.CatalogId, target.DatabaseName, target.Name].join('.')}`,
      hint: "Name the table itself, in a catalog with the other account's `catalogId`.",
    });
  }
  throw new TailraceError('TARGET_BAD', 'What Glue has under this name is not an Iceberg table.', {
    place,
    expected: `the parameters ${TYPE}=ICEBERG and ${LOCATION}`,
    found:
      location === undefined ? (formatOf(table) ?? 'a table without a type') : `${TYPE}=${table.Parameters?.[TYPE]}`,
    hint: 'Choose another name, or drop that table first.',
  });
}

/** What kind of table it is, in lower case: iceberg, delta, hudi, parquet, view …; undefined where nothing tells. */
export function formatOf(table: Table): string | undefined {
  const { Parameters: parameters = {}, StorageDescriptor: storage, TableType: type } = table;
  const named = parameters[TYPE] ?? parameters['spark.sql.sources.provider'] ?? parameters['classification'];
  if (named !== undefined) return named.toLowerCase();
  if (type === 'VIRTUAL_VIEW') return 'view';
  return /parquet|orc|avro|json|text/i.exec(storage?.InputFormat ?? '')?.[0].toLowerCase();
}

/** The entry that makes `metadata` the table's state. `former`: the entry as it is; undefined: there is none yet. */
export function tableInput(
  name: string,
  former: Table | undefined,
  metadata: TableMetadata,
  metadataLocation: string,
): TableInput {
  const { Owner, Retention, LastAccessTime, LastAnalyzedTime } = former ?? {};
  const description = metadata.properties?.['comment']?.slice(0, DESCRIPTION_MAX) ?? former?.Description;
  const previous = former?.Parameters?.[LOCATION];
  return {
    Name: name,
    TableType: 'EXTERNAL_TABLE',
    ...defined({ Description: description, Owner, Retention, LastAccessTime, LastAnalyzedTime }),
    Parameters: {
      ...renewed(former?.Parameters, metadata.properties),
      [TYPE]: 'ICEBERG',
      [LOCATION]: metadataLocation,
      ...(previous !== undefined && { [PREVIOUS]: previous }),
    },
    ...(former?.PartitionKeys !== undefined && { PartitionKeys: former.PartitionKeys }),
    StorageDescriptor: {
      ...former?.StorageDescriptor,
      Location: metadata.location,
      Columns: glueColumns(metadata, former?.StorageDescriptor?.Columns),
    },
  };
}

/** The entry as it is. */
export function unchangedInput(name: string, table: Table): TableInput {
  const { Description, Owner, Retention, LastAccessTime, LastAnalyzedTime, StorageDescriptor } = table;
  const { PartitionKeys, Parameters, TableType } = table;
  const members = { Description, Owner, Retention, LastAccessTime, LastAnalyzedTime, StorageDescriptor };
  return { Name: name, ...defined({ ...members, PartitionKeys, Parameters, TableType }) };
}

/** Some writers copy the table's properties into the entry: those copies follow; all other parameters stay. */
function renewed(
  former: Table['Parameters'] = {},
  properties: TableMetadata['properties'] = {},
): Record<string, string> {
  return Object.fromEntries(Object.entries(former).map(([key, value]) => [key, properties[key] ?? value]));
}

/** Absent members stay absent: Glue takes an empty one for a change. */
export function defined<T extends object>(members: T): { readonly [K in keyof T]: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]: NonNullable<T[K]>;
  };
}
