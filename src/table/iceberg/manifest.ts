/** Manifests, written: lists of data or delete files with status, sequence numbers, partition tuple and statistics. */

import type { IcebergSchema, PartitionSpec } from '../../catalog/metadata/wire.ts';
import type { DataFile, LeafStats } from '../../model/table.ts';
import { avroFile, avroType } from './avro.ts';
import { manifestEntrySchema } from './avro-schemas.ts';
import { lowerBound, upperBound } from './bounds.ts';
import type { ManifestFile } from './manifest-list.ts';
import type { Tuple, TupleField } from './partition.ts';
import { avroTuple, summarise, tupleOf } from './partition.ts';
import type { Leaf } from './schema.ts';

/** Bytes of entries in one manifest before they are compressed; more files go to the next manifest. */
export const MANIFEST_BYTES = 8 * 1024 * 1024;

export type EntryStatus = 'existing' | 'added' | 'deleted';
/** By the number that a manifest holds. */
export const STATUSES: readonly EntryStatus[] = ['existing', 'added', 'deleted'];

/** An entry of a map by field id, as Avro holds it. */
export interface Pair<V> {
  readonly key: number;
  readonly value: V;
}

/** A data or delete file as Avro holds it, but for its partition tuple. */
export interface ManifestDataFile {
  /** One of CONTENT. */
  readonly content: number;
  readonly file_path: string;
  readonly file_format: string;
  readonly record_count: bigint;
  readonly file_size_in_bytes: bigint;
  readonly column_sizes: readonly Pair<bigint>[] | null;
  readonly value_counts: readonly Pair<bigint>[] | null;
  readonly null_value_counts: readonly Pair<bigint>[] | null;
  readonly nan_value_counts: readonly Pair<bigint>[] | null;
  readonly lower_bounds: readonly Pair<Buffer>[] | null;
  readonly upper_bounds: readonly Pair<Buffer>[] | null;
  readonly key_metadata: Buffer | null;
  readonly split_offsets: readonly bigint[] | null;
  readonly equality_ids: readonly number[] | null;
  readonly sort_order_id: number | null;
  /** The one data file whose rows a position-delete file deletes, as the data file's own entry spells it. */
  readonly referenced_data_file: string | null;
}

/** What a file holds, by the number in its entry. */
export const CONTENT = { data: 0, positionDeletes: 1, equalityDeletes: 2 } as const;

export interface ManifestEntry {
  readonly status: EntryStatus;
  /** Null: inherited from the manifest. */
  readonly snapshotId: bigint | null;
  readonly sequenceNumber: bigint | null;
  readonly fileSequenceNumber: bigint | null;
  readonly tuple: Tuple;
  readonly file: ManifestDataFile;
}

/** A manifest that is to be written. */
export interface WrittenManifest {
  readonly specId: number;
  readonly content: 'data' | 'deletes';
  readonly entries: readonly ManifestEntry[];
}

/** What all entries of a manifest share. */
export interface ManifestContext {
  readonly spec: PartitionSpec;
  readonly tuple: readonly TupleField[];
  readonly schema: IcebergSchema;
  /** Absent: data. A manifest holds either data files or delete files. */
  readonly content?: 'data' | 'deletes';
}

/** The entry of a new data file. */
export function addedEntry(
  file: DataFile,
  context: ManifestContext,
  leaves: ReadonlyMap<number, Leaf>,
  snapshotId: bigint,
  sortOrderId: number,
): ManifestEntry {
  const known = [...leaves]
    .flatMap(([key, leaf]) => {
      const stats = file.stats[key];
      return stats === undefined ? [] : [{ key, leaf, stats }];
    })
    .sort((a, b) => a.key - b.key);
  const counts = (pick: (stats: LeafStats) => number): Pair<bigint>[] =>
    known.map(({ key, stats }) => ({ key, value: BigInt(pick(stats)) }));
  // Bounds inside lists and maps are of no use to readers, and easily wrong.
  const bounds = (pick: (type: string, stats: LeafStats) => Buffer | undefined): Pair<Buffer>[] =>
    known.flatMap(({ key, leaf, stats }) => {
      const value = leaf.repeated ? undefined : pick(leaf.type, stats);
      return value === undefined ? [] : [{ key, value }];
    });
  return {
    status: 'added',
    snapshotId,
    sequenceNumber: null,
    fileSequenceNumber: null,
    tuple: tupleOf(file.partition, context.tuple, file.path),
    file: {
      content: CONTENT.data,
      file_path: file.path,
      file_format: 'PARQUET',
      record_count: BigInt(file.rows),
      file_size_in_bytes: BigInt(file.sizeBytes),
      column_sizes: counts((stats) => stats.sizeBytes),
      value_counts: counts((stats) => stats.valueCount),
      null_value_counts: counts((stats) => stats.nullCount),
      nan_value_counts: null,
      lower_bounds: bounds((type, stats) => lowerBound(type, stats.min)),
      upper_bounds: bounds((type, stats) => upperBound(type, stats.max)),
      key_metadata: null,
      equality_ids: null,
      split_offsets: file.splitOffsets.length === 0 ? null : file.splitOffsets.map(BigInt),
      sort_order_id: sortOrderId,
      referenced_data_file: null,
    },
  };
}

/** The same file as removed by a snapshot; its own sequence numbers stay. */
export function deletedEntry(entry: ManifestEntry, snapshotId: bigint): ManifestEntry {
  return { ...entry, status: 'deleted', snapshotId };
}

/** The same file in a manifest that is written anew; whose snapshot added it, and its sequence numbers, stay. */
export function existingEntry(entry: ManifestEntry): ManifestEntry {
  return { ...entry, status: 'existing' };
}

/** Manifests of these entries, split by size; each with its line of the manifest list. `path` names the nth. */
export async function writeManifests(
  context: ManifestContext,
  entries: readonly ManifestEntry[],
  snapshotId: bigint,
  sequenceNumber: bigint,
  path: (index: number) => string,
  limitBytes = MANIFEST_BYTES,
): Promise<readonly { readonly line: ManifestFile; readonly bytes: Buffer }[]> {
  const schema = manifestEntrySchema(context.tuple);
  const type = await avroType(schema);
  const records = entries.map((entry) => type.toBuffer(avroEntry(entry, context)));
  const header = {
    schema: JSON.stringify(context.schema),
    'schema-id': String(context.schema['schema-id']),
    'partition-spec': JSON.stringify(context.spec.fields),
    'partition-spec-id': String(context.spec['spec-id']),
    'format-version': '2',
    content: context.content ?? 'data',
  };
  return chunks(records, limitBytes).map(([from, to], index) => {
    const bytes = avroFile(schema, header, records.slice(from, to));
    const line = manifestLine(entries.slice(from, to), context, snapshotId, sequenceNumber);
    return { line: { ...line, manifest_path: path(index), manifest_length: BigInt(bytes.length) }, bytes };
  });
}

/** An entry as Avro holds it; other writers may leave optional fields out. */
export interface AvroEntry {
  readonly status: number;
  readonly snapshot_id?: bigint | null;
  readonly sequence_number?: bigint | null;
  readonly file_sequence_number?: bigint | null;
  readonly data_file: ManifestDataFile & { readonly partition: Readonly<Record<string, unknown>> };
}

function avroEntry(entry: ManifestEntry, context: ManifestContext): unknown {
  return {
    status: STATUSES.indexOf(entry.status),
    snapshot_id: entry.snapshotId,
    sequence_number: entry.sequenceNumber,
    file_sequence_number: entry.fileSequenceNumber,
    data_file: { ...entry.file, partition: avroTuple(entry.tuple, context.tuple) },
  };
}

function manifestLine(
  entries: readonly ManifestEntry[],
  context: ManifestContext,
  snapshotId: bigint,
  sequenceNumber: bigint,
): ManifestFile {
  const of = (status: EntryStatus): readonly ManifestEntry[] => entries.filter((entry) => entry.status === status);
  const rows = (list: readonly ManifestEntry[]): bigint =>
    list.reduce((sum, entry) => sum + entry.file.record_count, 0n);
  const [existing, added, deleted] = [of('existing'), of('added'), of('deleted')];
  const oldest = existing.reduce(
    (least, { sequenceNumber: own }) => (own !== null && own < least ? own : least),
    sequenceNumber,
  );
  return {
    manifest_path: '',
    manifest_length: 0n,
    partition_spec_id: context.spec['spec-id'],
    content: context.content === 'deletes' ? 1 : 0,
    sequence_number: sequenceNumber,
    min_sequence_number: oldest,
    added_snapshot_id: snapshotId,
    added_files_count: added.length,
    existing_files_count: existing.length,
    deleted_files_count: deleted.length,
    added_rows_count: rows(added),
    existing_rows_count: rows(existing),
    deleted_rows_count: rows(deleted),
    partitions: summarise(
      entries.map((entry) => entry.tuple),
      context.tuple,
    ),
    key_metadata: null,
  };
}

/** Half-open ranges of records that together stay within the limit; a larger record stands alone. */
function chunks(records: readonly Buffer[], limitBytes: number): readonly (readonly [number, number])[] {
  const ranges: [number, number][] = [];
  let from = 0;
  let size = 0;
  records.forEach((record, index) => {
    if (size > 0 && size + record.length > limitBytes) {
      ranges.push([from, index]);
      from = index;
      size = 0;
    }
    size += record.length;
  });
  if (from < records.length) ranges.push([from, records.length]);
  return ranges;
}
