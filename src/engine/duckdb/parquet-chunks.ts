import { list } from '../sql/quote.ts';
import type { Duck } from './instance.ts';

/** Bytes of a file: from `start` up to, but not including, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Where the chunks of some top-level columns of flat types lie in Parquet files, with the Bloom filters that the engine
 * would look into; by file, in the order of the paths. Only the footers of the files are read. Columns are named by
 * field id; a file that lacks one has no range for it.
 */
export async function columnRanges(
  duck: Duck,
  paths: readonly string[],
  columns: ReadonlySet<number>,
  signal?: AbortSignal,
): Promise<ByteRange[][]> {
  const found = paths.map((): ByteRange[] => []);
  if (paths.length === 0 || columns.size === 0) return found;
  const index = new Map(paths.map((path, i) => [path, i]));
  const rows = await duck.rows(
    `SELECT m.file_name AS path, least(coalesce(nullif(dictionary_page_offset, 0), data_page_offset), data_page_offset) AS first,
       total_compressed_size AS size, bloom_filter_offset AS bloom, bloom_filter_length AS bloom_size
     FROM parquet_metadata(${list(paths)}) AS m JOIN parquet_schema(${list(paths)}) AS s
       ON m.file_name = s.file_name AND m.path_in_schema = s.name AND s.num_children IS NULL
     WHERE s.field_id IN (${[...columns].map(Math.trunc).join(', ')})`,
    signal,
  );
  for (const { path, first, size, bloom, bloom_size: bloomSize } of rows) {
    const ranges = found[index.get(String(path)) ?? -1];
    ranges?.push({ start: Number(first), end: Number(first) + Number(size) });
    if (bloom !== null && Number(bloomSize) > 0) {
      ranges?.push({ start: Number(bloom), end: Number(bloom) + Number(bloomSize) });
    }
  }
  return found;
}
