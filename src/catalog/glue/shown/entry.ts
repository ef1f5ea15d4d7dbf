/** The entry of a Parquet table in Glue, as Athena, Spark and awswrangler want it. */
import { createHash } from 'node:crypto';
import type { Column, PartitionInput, StorageDescriptor, Table, TableInput } from '@aws-sdk/client-glue';
import { TailraceError } from '../../../model/errors.ts';
import type { ShownPartition, ShownState } from '../../shown.ts';
import { defined, formatOf } from '../input.ts';

/** Parameter: URI of the folder that the table lies in; the entry's own location is that of the generation. */
const ROOT = 'tailrace.location';
/** Parameter: the generation that the entry shows, wholly. */
const GENERATION = 'tailrace.generation';
/** Parameter: who is changing the entry's partitions, or was cut off while it did. */
const CLAIM = 'tailrace.showing';
/** Parameter of a partition: digest of its columns, which listings leave out. */
const COLUMNS = 'tailrace.columns';
const PROJECTION = /^(?:projection\.|storage\.location\.template$)/;
/** A parameter's value in Glue. */
const PARAMETER_MAX = 512_000;

/** URI of the table's folder. Anything but an entry of a Parquet table that tailrace made is TARGET_BAD. */
export function rootOf(table: Table, place: string): string {
  const root = table.Parameters?.[ROOT];
  if (root !== undefined && root !== '') return root;
  throw new TailraceError('TARGET_BAD', 'What Glue has under this name is not a Parquet table of tailrace.', {
    place,
    expected: `the parameter ${ROOT}`,
    found: formatOf(table) ?? 'a table without a type',
    hint: 'Choose another name, or drop that table first; an Iceberg table is named as iceberg:<name>.',
  });
}

/** Whether partitions are worked out from the entry, and not listed. */
export function isProjected(table: Table | undefined): boolean {
  return table?.Parameters?.['projection.enabled'] === 'true';
}

/** Whether the entry shows the generation, wholly. */
export function shows(table: Table, { generation }: ShownState, projected: boolean): boolean {
  const { [GENERATION]: shown, [CLAIM]: claim } = table.Parameters ?? {};
  return shown === generation && claim === undefined && projected === isProjected(table);
}

/** Whether somebody is changing the partitions, or was cut off while they did. */
export function isClaimed(table: Table): boolean {
  return table.Parameters?.[CLAIM] !== undefined;
}

/** Whether it was this call that last said that it changes the partitions. */
export function isClaimedBy(table: Table, claim: string): boolean {
  return table.Parameters?.[CLAIM] === claim;
}

/** The names of its partition keys. */
export function keysOf(table: Table): readonly string[] {
  return (table.PartitionKeys ?? []).map(({ Name }) => Name ?? '');
}

/** The entry as it is, but for the word that its partitions are being changed. */
export function claimed(name: string, table: Table, claim: string): TableInput {
  const { Description, Owner, Retention, LastAccessTime, LastAnalyzedTime, StorageDescriptor: storage } = table;
  const { [GENERATION]: _, ...parameters } = table.Parameters ?? {};
  return {
    Name: name,
    TableType: 'EXTERNAL_TABLE',
    ...defined({ Description, Owner, Retention, LastAccessTime, LastAnalyzedTime }),
    ...(storage === undefined ? {} : { StorageDescriptor: storage }),
    PartitionKeys: table.PartitionKeys ?? [],
    Parameters: { ...parameters, [CLAIM]: claim },
  };
}

/**
 * The entry that shows a state; with a claim, the one whose partitions are still to come. What others put into it stays.
 * `root`: URI of the table's folder.
 */
export function shownInput(
  name: string,
  former: Table | undefined,
  state: ShownState,
  root: string,
  projected: boolean,
  claim?: string,
): TableInput {
  const { Description, Owner, Retention, LastAccessTime, LastAnalyzedTime } = former ?? {};
  const kept = Object.entries(former?.Parameters ?? {}).filter(
    ([key]) => !PROJECTION.test(key) && key !== GENERATION && key !== CLAIM,
  );
  return {
    Name: name,
    TableType: 'EXTERNAL_TABLE',
    ...defined({ Description, Owner, Retention, LastAccessTime, LastAnalyzedTime }),
    Parameters: {
      ...Object.fromEntries(kept),
      EXTERNAL: 'TRUE',
      classification: 'parquet',
      typeOfData: 'file',
      [ROOT]: root,
      ...(claim === undefined ? { [GENERATION]: state.generation } : { [CLAIM]: claim }),
      ...(projected ? projection(state, name) : {}),
    },
    PartitionKeys: state.partitionKeys.map((key) => ({ Name: key, Type: 'string' })),
    StorageDescriptor: {
      ...former?.StorageDescriptor,
      ...storageOf(state.folder, columnsOf(state, former?.StorageDescriptor?.Columns)),
    },
  };
}

/** A partition of a state. */
export function partitionInput(state: ShownState, partition: ShownPartition): PartitionInput {
  return {
    Values: [...partition.values],
    Parameters: { [COLUMNS]: digestOf(state) },
    StorageDescriptor: storageOf(partition.folder, columnsOf(state)),
  };
}

/** What tells a partition that is as it should be from one that is not. */
export function mark(folder: string | undefined, digest: string | undefined): string {
  return JSON.stringify([folder?.replace(/\/*$/, ''), digest]);
}

/** The mark of a partition that Glue lists. */
export function markOf(partition: {
  readonly StorageDescriptor?: { readonly Location?: string | undefined } | undefined;
  readonly Parameters?: Readonly<Record<string, string>> | undefined;
}): string {
  return mark(partition.StorageDescriptor?.Location, partition.Parameters?.[COLUMNS]);
}

/** The mark of a partition of a state. */
export function markOfShown(state: ShownState): (partition: ShownPartition) => string {
  const digest = digestOf(state);
  return ({ folder }) => mark(folder, digest);
}

function digestOf(state: ShownState): string {
  return createHash('sha256')
    .update(JSON.stringify(columnsOf(state)))
    .digest('hex')
    .slice(0, 16);
}

function columnsOf({ columns }: ShownState, former: readonly Column[] = []): Column[] {
  const before = new Map(former.map(({ Name, Comment }) => [Name, Comment]));
  return columns.map(({ name, type, comment }) => {
    const text = comment ?? before.get(name.toLowerCase());
    return { Name: name.toLowerCase(), Type: type, ...(text === undefined ? {} : { Comment: text }) };
  });
}

function storageOf(folder: string, columns: Column[]): StorageDescriptor {
  return {
    Columns: columns,
    Location: `${folder}/`,
    InputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
    OutputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
    SerdeInfo: {
      SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
      Parameters: { 'serialization.format': '1' },
    },
    Compressed: false,
    NumberOfBuckets: -1,
    StoredAsSubDirectories: false,
  };
}

/** Each key with the labels that there are: one change of the entry moves all partitions. */
function projection(state: ShownState, name: string): Record<string, string> {
  const parameters: Record<string, string> = { 'projection.enabled': 'true' };
  for (const [index, key] of state.partitionKeys.entries()) {
    const labels = [...new Set(state.partitions.map(({ labels: all }) => all[index] ?? ''))].sort();
    const values = labels.join(',');
    const odd = labels.find((label) => label.includes(','));
    if (odd !== undefined || values.length > PARAMETER_MAX)
      throw notProjected(name, key, odd ?? `${labels.length} values`);
    parameters[`projection.${key}.type`] = 'enum';
    parameters[`projection.${key}.values`] = values;
  }
  const folders = state.partitionKeys.map((key) => `${key}=\${${key}}`);
  parameters['storage.location.template'] = `${[state.folder, ...folders].join('/')}/`;
  return parameters;
}

function notProjected(name: string, key: string, found: string): TailraceError {
  return new TailraceError('CATALOG', `The partitions of ${name} cannot be projected.`, {
    place: key,
    expected: `values without commas, of at most ${PARAMETER_MAX} characters together`,
    found,
    hint: '--no-partition-projection lists them one by one.',
  });
}
