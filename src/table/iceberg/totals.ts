/** Counts of files, rows and bytes, as snapshot summaries have them. */
import type { LiveManifest } from './live.ts';
import type { ManifestEntry } from './manifest.ts';
import { CONTENT } from './manifest.ts';

export interface Totals {
  readonly dataFiles: bigint;
  /** Rows of data files, deleted or not. */
  readonly records: bigint;
  readonly positionDeleteFiles: bigint;
  readonly positionDeletes: bigint;
  readonly equalityDeleteFiles: bigint;
  readonly equalityDeletes: bigint;
  readonly bytes: bigint;
}

/** What a summary says of all live files; delete files of both kinds are one number there. */
export interface SummaryTotals extends Omit<Totals, 'positionDeleteFiles' | 'equalityDeleteFiles'> {
  readonly deleteFiles: bigint;
}

/** Counts of these files. */
export function countsOf(entries: readonly ManifestEntry[]): Totals {
  const files = (content: number): readonly ManifestEntry[] => entries.filter(({ file }) => file.content === content);
  const rows = (some: readonly ManifestEntry[]): bigint => sum(some, ({ file }) => file.record_count);
  const [data, position, equality] = [CONTENT.data, CONTENT.positionDeletes, CONTENT.equalityDeletes].map(files);
  return {
    dataFiles: BigInt(data?.length ?? 0),
    records: rows(data ?? []),
    positionDeleteFiles: BigInt(position?.length ?? 0),
    positionDeletes: rows(position ?? []),
    equalityDeleteFiles: BigInt(equality?.length ?? 0),
    equalityDeletes: rows(equality ?? []),
    bytes: sum(entries, ({ file }) => file.file_size_in_bytes),
  };
}

/** The totals of a snapshot, by its summary; counted where the summary leaves one out. Zero without a snapshot. */
export async function totalsOf(
  summary: Readonly<Record<string, string>> | undefined,
  live: () => Promise<readonly LiveManifest[]>,
): Promise<SummaryTotals> {
  const stated = (name: string): bigint | undefined => {
    const text = summary === undefined ? '0' : summary[name];
    return text !== undefined && /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
  };
  const [dataFiles, records, deleteFiles, positionDeletes, equalityDeletes, bytes] = [
    'total-data-files',
    'total-records',
    'total-delete-files',
    'total-position-deletes',
    'total-equality-deletes',
    'total-files-size',
  ].map(stated);
  if (
    dataFiles === undefined ||
    records === undefined ||
    deleteFiles === undefined ||
    positionDeletes === undefined ||
    equalityDeletes === undefined ||
    bytes === undefined
  ) {
    return liveTotals(await live());
  }
  return { dataFiles, records, deleteFiles, positionDeletes, equalityDeletes, bytes };
}

/** The totals of these manifests. */
export function liveTotals(live: readonly LiveManifest[]): SummaryTotals {
  return summed(countsOf(live.flatMap(({ entries }) => entries)));
}

/** Totals after a change. */
export function totalsAfter(before: SummaryTotals, added: Totals, removed: Totals): SummaryTotals {
  const [plus, minus] = [summed(added), summed(removed)];
  return {
    dataFiles: before.dataFiles + plus.dataFiles - minus.dataFiles,
    records: before.records + plus.records - minus.records,
    deleteFiles: before.deleteFiles + plus.deleteFiles - minus.deleteFiles,
    positionDeletes: before.positionDeletes + plus.positionDeletes - minus.positionDeletes,
    equalityDeletes: before.equalityDeletes + plus.equalityDeletes - minus.equalityDeletes,
    bytes: before.bytes + plus.bytes - minus.bytes,
  };
}

function summed(counts: Totals): SummaryTotals {
  const { positionDeleteFiles, equalityDeleteFiles, ...rest } = counts;
  return { ...rest, deleteFiles: positionDeleteFiles + equalityDeleteFiles };
}

function sum<T>(list: readonly T[], of: (one: T) => bigint): bigint {
  return list.reduce((total, one) => total + of(one), 0n);
}
