/** Position-delete files: their entries in manifests, and which data files they apply to. */
import type { DeleteFile } from '../../model/table.ts';
import { POSITION_DELETE_COLUMNS } from '../../model/table.ts';
import type { ManifestDataFile, ManifestEntry, Pair } from './manifest.ts';
import { CONTENT } from './manifest.ts';
import type { Tuple } from './partition.ts';

const { file_path: FILE_PATH, pos: POS } = POSITION_DELETE_COLUMNS;

/** A file's entry with the partition spec of its manifest. */
export interface SpecEntry {
  readonly specId: number;
  readonly entry: ManifestEntry;
}

/**
 * The entry of a new position-delete file for one data file. It has the data file's partition, and names it twice: in
 * the field for it, and, for readers that are older than the field, by full and equal bounds of its column file_path.
 */
export function addedDeleteEntry(file: DeleteFile, dataPath: string, tuple: Tuple, snapshotId: bigint): ManifestEntry {
  const rows = BigInt(file.rows);
  const path = [{ key: FILE_PATH, value: Buffer.from(dataPath, 'utf8') }];
  const both = (value: bigint): Pair<bigint>[] => [POS, FILE_PATH].map((key) => ({ key, value }));
  return {
    status: 'added',
    snapshotId,
    sequenceNumber: null,
    fileSequenceNumber: null,
    tuple,
    file: {
      content: CONTENT.positionDeletes,
      file_path: file.path,
      file_format: 'PARQUET',
      record_count: rows,
      file_size_in_bytes: BigInt(file.sizeBytes),
      column_sizes: null,
      value_counts: both(rows),
      null_value_counts: both(0n),
      nan_value_counts: null,
      lower_bounds: path,
      upper_bounds: path,
      key_metadata: null,
      split_offsets: null,
      equality_ids: null,
      // The order of such files is the specification's own.
      sort_order_id: null,
      referenced_data_file: dataPath,
    },
  };
}

/** The one data file that a position-delete file speaks of, as metadata spells it; undefined when it may be several. */
export function referencedFile(file: ManifestDataFile): string | undefined {
  if (file.content !== CONTENT.positionDeletes) return undefined;
  if (file.referenced_data_file !== null) return file.referenced_data_file;
  const [lower, upper] = pathBounds(file);
  return lower !== undefined && upper !== undefined && lower.equals(upper) ? lower.toString('utf8') : undefined;
}

/** Finds the deletes that apply to a data file. */
export interface DeleteIndex {
  of(data: SpecEntry): readonly ManifestEntry[];
}

/**
 * An index of a snapshot's delete files, by the rules of the specification's “Scan Planning”: a position delete applies
 * to data that is not younger than it, in its own partition or in the one file that it names. Equality deletes apply to
 * data that is older than they, in their partition or everywhere if theirs is unpartitioned.
 */
export function deleteIndex(deletes: readonly SpecEntry[]): DeleteIndex {
  const byFile = new Map<string, ManifestEntry[]>();
  const byPartition = new Map<string, ManifestEntry[]>();
  const everywhere: ManifestEntry[] = [];
  for (const { specId, entry } of deletes) {
    const path = referencedFile(entry.file);
    if (path !== undefined) append(byFile, path, entry);
    else if (entry.file.content === CONTENT.equalityDeletes && entry.tuple.length === 0) everywhere.push(entry);
    else append(byPartition, partitionKey(specId, entry.tuple), entry);
  }
  return {
    of: ({ specId, entry }) => [
      ...(byFile.get(entry.file.file_path) ?? []).filter((one) => applies(one, entry)),
      ...(byPartition.get(partitionKey(specId, entry.tuple)) ?? []).filter((one) => applies(one, entry)),
      ...everywhere.filter((one) => applies(one, entry)),
    ],
  };
}

function applies(one: ManifestEntry, data: ManifestEntry): boolean {
  const [deleted, written] = [one.sequenceNumber ?? 0n, data.sequenceNumber ?? 0n];
  if (one.file.content === CONTENT.equalityDeletes) return deleted > written;
  return deleted >= written && mayName(one.file, data.file.file_path);
}

/** Whether the bounds of a delete file's paths leave room for this one. */
function mayName(file: ManifestDataFile, dataPath: string): boolean {
  const path = Buffer.from(dataPath, 'utf8');
  const [lower, upper] = pathBounds(file);
  return (
    !(lower !== undefined && Buffer.compare(path, lower) < 0) &&
    !(upper !== undefined && Buffer.compare(path, upper) > 0)
  );
}

function pathBounds(file: ManifestDataFile): readonly [Buffer | undefined, Buffer | undefined] {
  const of = (pairs: readonly Pair<Buffer>[] | null): Buffer | undefined =>
    pairs?.find(({ key }) => key === FILE_PATH)?.value;
  return [of(file.lower_bounds), of(file.upper_bounds)];
}

function partitionKey(specId: number, tuple: Tuple): string {
  const values = tuple.map((value) =>
    value instanceof Uint8Array ? ['x', Buffer.from(value).toString('hex')] : [typeof value, String(value)],
  );
  return JSON.stringify([specId, values]);
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
