/** Manifests, read: those of any writer. */
import { TailraceError } from '../../model/errors.ts';
import type { DataFile, LeafStats } from '../../model/table.ts';
import { readAvroFile } from './avro.ts';
import { leafStats } from './bounds.ts';
import type { AvroEntry, ManifestDataFile, ManifestEntry, Pair } from './manifest.ts';
import { CONTENT, STATUSES } from './manifest.ts';
import type { ManifestFile } from './manifest-list.ts';
import type { TupleField } from './partition.ts';
import { fromAvro, partitionValues } from './partition.ts';
import type { Leaf } from './schema.ts';

/** All entries of a manifest; what they inherit from the manifest list is filled in. */
export async function readManifest(
  bytes: Uint8Array,
  line: ManifestFile,
  tuple: readonly TupleField[],
): Promise<readonly ManifestEntry[]> {
  const { records, schema } = await readAvroFile(bytes, line.manifest_path);
  const names = tupleNames(schema);
  return records.map((record) => {
    const raw = record as AvroEntry;
    const status = STATUSES[raw.status];
    const content = raw.data_file.content ?? CONTENT.data;
    if (
      status === undefined ||
      content > CONTENT.equalityDeletes ||
      (content === CONTENT.data) !== (line.content === 0)
    ) {
      throw new TailraceError('TARGET_BAD', `${line.manifest_path} holds an entry that tailrace does not know.`, {
        place: line.manifest_path,
        found: `status ${raw.status}, content ${content}`,
        hint: 'Choose another target.',
      });
    }
    const inherited = status === 'added' ? line.sequence_number : null;
    // Only a manifest from before the format had sequence numbers has none for a file that it did not add: they are 0.
    return {
      status,
      snapshotId: raw.snapshot_id ?? line.added_snapshot_id,
      sequenceNumber: raw.sequence_number ?? inherited ?? 0n,
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
  entry: ManifestEntry,
  tuple: readonly TupleField[],
  shown: readonly boolean[],
  leaves: ReadonlyMap<number, Leaf>,
  path: string,
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
    path,
    rows: Number(file.record_count),
    sizeBytes: Number(file.file_size_in_bytes),
    partition: partitionValues(entry.tuple, tuple).filter((_, index) => shown[index] ?? true),
    stats,
    splitOffsets: (file.split_offsets ?? []).map(Number),
  };
}

/** Files of other writers may lack optional fields and hold unknown ones. */
function plainFile(raw: AvroEntry['data_file']): ManifestDataFile {
  return {
    content: raw.content ?? CONTENT.data,
    file_path: raw.file_path,
    file_format: raw.file_format,
    record_count: raw.record_count,
    file_size_in_bytes: raw.file_size_in_bytes,
    column_sizes: raw.column_sizes ?? null,
    value_counts: raw.value_counts ?? null,
    null_value_counts: raw.null_value_counts ?? null,
    nan_value_counts: raw.nan_value_counts ?? null,
    lower_bounds: raw.lower_bounds ?? null,
    upper_bounds: raw.upper_bounds ?? null,
    key_metadata: raw.key_metadata ?? null,
    split_offsets: raw.split_offsets ?? null,
    equality_ids: raw.equality_ids ?? null,
    sort_order_id: raw.sort_order_id ?? null,
    referenced_data_file: raw.referenced_data_file ?? null,
  };
}

/** Names of the partition record's fields by field id, as the manifest's own schema has them. */
function tupleNames(schema: unknown): ReadonlyMap<number, string> {
  type Named = {
    readonly name: string;
    readonly type: { readonly fields: readonly Named[] };
    readonly 'field-id': number;
  };
  const entry = schema as { readonly fields: readonly Named[] };
  const file = entry.fields.find((field) => field.name === 'data_file');
  const partition = file?.type.fields.find((field) => field.name === 'partition');
  return new Map((partition?.type.fields ?? []).map((field) => [field['field-id'], field.name]));
}

function toMap<V>(pairs: readonly Pair<V>[] | null): ReadonlyMap<number, V> {
  return new Map((pairs ?? []).map(({ key, value }) => [key, value]));
}
