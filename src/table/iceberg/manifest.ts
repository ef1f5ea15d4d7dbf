/** Manifests: lists of data files with status, sequence numbers, partition tuple and statistics. */
import { TailraceError } from '../../model/errors.ts';
import type { DataFile, LeafStats } from '../../model/table.ts';
import { manifestEntrySchema } from './avro-schemas.ts';
import { avroFile, avroType, readAvroFile } from './avro.ts';
import { leafStats, lowerBound, upperBound } from './bounds.ts';
import type { ManifestFile } from './manifest-list.ts';
import { avroTuple, fromAvro, partitionValues, summarise, tupleOf } from './partition.ts';
import type { Tuple, TupleField } from './partition.ts';
import type { Leaf } from './schema.ts';
import type { IcebergSchema, PartitionSpec } from './wire.ts';

/** Bytes of entries in one manifest before they are compressed; more files go to the next manifest. */
export const MANIFEST_BYTES = 8 * 1024 * 1024;

export type EntryStatus = 'existing' | 'added' | 'deleted';
const STATUSES: readonly EntryStatus[] = ['existing', 'added', 'deleted'];

interface Pair<V> {
  readonly key: number;
  readonly value: V;
}

/** A data file as Avro holds it, but for its partition tuple. */
export interface ManifestDataFile {
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
}

export interface ManifestEntry {
  readonly status: EntryStatus;
  /** Null: inherited from the manifest. */
  readonly snapshotId: bigint | null;
  readonly sequenceNumber: bigint | null;
  readonly fileSequenceNumber: bigint | null;
  readonly tuple: Tuple;
  readonly file: ManifestDataFile;
}

/** What all entries of a manifest share. */
export interface ManifestContext {
  readonly spec: PartitionSpec;
  readonly tuple: readonly TupleField[];
  readonly schema: IcebergSchema;
}

/** The entry of a new data file. */
export function addedEntry(
  file: DataFile, context: ManifestContext, leaves: ReadonlyMap<number, Leaf>, snapshotId: bigint, sortOrderId: number,
): ManifestEntry {
  const known = [...leaves].flatMap(([key, leaf]) => {
    const stats = file.stats[key];
    return stats === undefined ? [] : [{ key, leaf, stats }];
  }).sort((a, b) => a.key - b.key);
  const counts = (pick: (stats: LeafStats) => number): Pair<bigint>[] =>
    known.map(({ key, stats }) => ({ key, value: BigInt(pick(stats)) }));
  // Bounds inside lists and maps are of no use to readers, and easily wrong.
  const bounds = (pick: (type: string, stats: LeafStats) => Buffer | undefined): Pair<Buffer>[] =>
    known.flatMap(({ key, leaf, stats }) => {
      const value = leaf.repeated ? undefined : pick(leaf.type, stats);
      return value === undefined ? [] : [{ key, value }];
    });
  return {
    status: 'added', snapshotId, sequenceNumber: null, fileSequenceNumber: null,
    tuple: tupleOf(file.partition, context.tuple, file.path),
    file: {
      content: 0, file_path: file.path, file_format: 'PARQUET',
      record_count: BigInt(file.rows), file_size_in_bytes: BigInt(file.sizeBytes),
      column_sizes: counts((stats) => stats.sizeBytes),
      value_counts: counts((stats) => stats.valueCount),
      null_value_counts: counts((stats) => stats.nullCount),
      nan_value_counts: null,
      lower_bounds: bounds((type, stats) => lowerBound(type, stats.min)),
      upper_bounds: bounds((type, stats) => upperBound(type, stats.max)),
      key_metadata: null, equality_ids: null,
      split_offsets: file.splitOffsets.length === 0 ? null : file.splitOffsets.map(BigInt),
      sort_order_id: sortOrderId,
    },
  };
}

/** The same file as removed by a snapshot; its own sequence numbers stay. */
export function deletedEntry(entry: ManifestEntry, snapshotId: bigint): ManifestEntry {
  return { ...entry, status: 'deleted', snapshotId };
}

/** Manifests of these entries, split by size; each with its line of the manifest list. `path` names the nth. */
export async function writeManifests(
  context: ManifestContext, entries: readonly ManifestEntry[], snapshotId: bigint, sequenceNumber: bigint,
  path: (index: number) => string, limitBytes = MANIFEST_BYTES,
): Promise<readonly { readonly line: ManifestFile; readonly bytes: Buffer }[]> {
  const schema = manifestEntrySchema(context.tuple);
  const type = await avroType(schema);
  const records = entries.map((entry) => type.toBuffer(avroEntry(entry, context)));
  const header = {
    schema: JSON.stringify(context.schema), 'schema-id': String(context.schema['schema-id']),
    'partition-spec': JSON.stringify(context.spec.fields), 'partition-spec-id': String(context.spec['spec-id']),
    'format-version': '2', content: 'data',
  };
  return chunks(records, limitBytes).map(([from, to], index) => {
    const bytes = avroFile(schema, header, records.slice(from, to));
    const line = manifestLine(entries.slice(from, to), context, snapshotId, sequenceNumber);
    return { line: { ...line, manifest_path: path(index), manifest_length: BigInt(bytes.length) }, bytes };
  });
}

/** All entries of a manifest; what they inherit from the manifest list is filled in. */
export async function readManifest(
  bytes: Uint8Array, line: ManifestFile, tuple: readonly TupleField[],
): Promise<readonly ManifestEntry[]> {
  const { records, schema } = await readAvroFile(bytes, line.manifest_path);
  const names = tupleNames(schema);
  return records.map((record) => {
    const raw = record as AvroEntry;
    const status = STATUSES[raw.status];
    if (status === undefined || raw.data_file.content > 0) {
      throw new TailraceError('TARGET_BAD', `${line.manifest_path} holds an entry that tailrace does not know.`, {
        place: line.manifest_path, found: `status ${raw.status}, content ${raw.data_file.content}`, hint: 'Choose another target.',
      });
    }
    const inherited = status === 'added' ? line.sequence_number : null;
    return {
      status,
      snapshotId: raw.snapshot_id ?? line.added_snapshot_id,
      sequenceNumber: raw.sequence_number ?? inherited,
      fileSequenceNumber: raw.file_sequence_number ?? inherited,
      tuple: tuple.map((field, index) => {
        const name = names.get(field.id) ?? [...names.values()][index] ?? field.avroName;
        return fromAvro(field.type, raw.data_file.partition[name]);
      }),
      file: plainFile(raw.data_file),
    };
  });
}

/** A data file as the model has it. */
export function dataFile(
  entry: ManifestEntry, tuple: readonly TupleField[], shown: readonly boolean[], leaves: ReadonlyMap<number, Leaf>, path: string,
): DataFile {
  const { file } = entry;
  const sizes = toMap(file.column_sizes);
  const nulls = toMap(file.null_value_counts);
  const lower = toMap(file.lower_bounds);
  const upper = toMap(file.upper_bounds);
  const stats: Record<number, LeafStats> = {};
  for (const { key, value } of file.value_counts ?? []) {
    const leaf = leaves.get(key);
    if (leaf === undefined) continue;
    const counts = { values: Number(value), nulls: Number(nulls.get(key) ?? 0n), size: Number(sizes.get(key) ?? 0n) };
    stats[key] = leafStats(leaf.type, counts, lower.get(key), upper.get(key));
  }
  return {
    path, rows: Number(file.record_count), sizeBytes: Number(file.file_size_in_bytes),
    partition: partitionValues(entry.tuple, tuple).filter((_, index) => shown[index] ?? true),
    stats, splitOffsets: (file.split_offsets ?? []).map(Number),
  };
}

interface AvroEntry {
  readonly status: number;
  readonly snapshot_id?: bigint | null;
  readonly sequence_number?: bigint | null;
  readonly file_sequence_number?: bigint | null;
  readonly data_file: ManifestDataFile & { readonly partition: Readonly<Record<string, unknown>> };
}

function avroEntry(entry: ManifestEntry, context: ManifestContext): unknown {
  return {
    status: STATUSES.indexOf(entry.status), snapshot_id: entry.snapshotId,
    sequence_number: entry.sequenceNumber, file_sequence_number: entry.fileSequenceNumber,
    data_file: { ...entry.file, partition: avroTuple(entry.tuple, context.tuple) },
  };
}

/** Files of other writers may lack optional fields and hold unknown ones. */
function plainFile(raw: AvroEntry['data_file']): ManifestDataFile {
  return {
    content: raw.content, file_path: raw.file_path, file_format: raw.file_format,
    record_count: raw.record_count, file_size_in_bytes: raw.file_size_in_bytes,
    column_sizes: raw.column_sizes ?? null, value_counts: raw.value_counts ?? null,
    null_value_counts: raw.null_value_counts ?? null, nan_value_counts: raw.nan_value_counts ?? null,
    lower_bounds: raw.lower_bounds ?? null, upper_bounds: raw.upper_bounds ?? null,
    key_metadata: raw.key_metadata ?? null, split_offsets: raw.split_offsets ?? null,
    equality_ids: raw.equality_ids ?? null, sort_order_id: raw.sort_order_id ?? null,
  };
}

function manifestLine(
  entries: readonly ManifestEntry[], context: ManifestContext, snapshotId: bigint, sequenceNumber: bigint,
): ManifestFile {
  const of = (status: EntryStatus): readonly ManifestEntry[] => entries.filter((entry) => entry.status === status);
  const rows = (list: readonly ManifestEntry[]): bigint => list.reduce((sum, entry) => sum + entry.file.record_count, 0n);
  const [existing, added, deleted] = [of('existing'), of('added'), of('deleted')];
  const oldest = existing.reduce((least, { sequenceNumber: own }) => (own !== null && own < least ? own : least), sequenceNumber);
  return {
    manifest_path: '', manifest_length: 0n, partition_spec_id: context.spec['spec-id'], content: 0,
    sequence_number: sequenceNumber, min_sequence_number: oldest, added_snapshot_id: snapshotId,
    added_files_count: added.length, existing_files_count: existing.length, deleted_files_count: deleted.length,
    added_rows_count: rows(added), existing_rows_count: rows(existing), deleted_rows_count: rows(deleted),
    partitions: summarise(entries.map((entry) => entry.tuple), context.tuple), key_metadata: null,
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

/** Names of the partition record's fields by field id, as the manifest's own schema has them. */
function tupleNames(schema: unknown): ReadonlyMap<number, string> {
  type Named = { readonly name: string; readonly type: { readonly fields: readonly Named[] }; readonly 'field-id': number };
  const entry = schema as { readonly fields: readonly Named[] };
  const file = entry.fields.find((field) => field.name === 'data_file');
  const partition = file?.type.fields.find((field) => field.name === 'partition');
  return new Map((partition?.type.fields ?? []).map((field) => [field['field-id'], field.name]));
}

function toMap<V>(pairs: readonly Pair<V>[] | null): ReadonlyMap<number, V> {
  return new Map((pairs ?? []).map(({ key, value }) => [key, value]));
}
