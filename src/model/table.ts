import type { LoadMode } from './load-mode.ts';
import type { TableSchema } from './schema.ts';
import type { StreamPosition } from './stream-position.ts';

/** What a partition field or sort field is computed by. `width` belongs to bucket and truncate. */
export type TransformName = 'identity' | 'bucket' | 'truncate' | 'year' | 'month' | 'day' | 'hour';

export interface PartitionField {
  /** Name of a top-level column of the table (a derived `<x>_ts` column for times). */
  readonly column: string;
  readonly transform: TransformName;
  readonly width?: number;
  /** Name of the partition field, as the format writes it: `created_at_ts_day`, `pk_bucket`, `region`. */
  readonly name: string;
}

export interface SortField {
  readonly column: string;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

/**
 * The value of a partition field for one file, after the transform. `null` for a null.
 * year, month, day, hour and bucket: number (Iceberg: years, months, days, hours since 1970).
 * identity and truncate: string for string columns; bigint for long; `{unscaled}` text for decimals
 * as plain decimal text; boolean; for binary, hex text; for timestamptz, µs as bigint.
 */
export type PartitionValue = null | string | number | bigint | boolean;

/** Statistics of one leaf column of a data file, in the engine's text form where a bound is known. */
export interface LeafStats {
  /** Number of values, nulls included (for lists: of elements). */
  readonly valueCount: number;
  readonly nullCount: number;
  readonly sizeBytes: number;
  /** Lower and upper bound: string for strings (may be truncated rightly), plain text for numbers,
   * 'true'/'false', ISO `YYYY-MM-DD HH:MM:SS.ffffff+00` for times. Absent where the engine gives none. */
  readonly min?: string;
  readonly max?: string;
}

/** An immutable Parquet file with its statistics. */
export interface DataFile {
  /** Absolute URI, as table metadata names it. */
  readonly path: string;
  readonly rows: number;
  readonly sizeBytes: number;
  /** In the order of the partition fields; empty when the table is unpartitioned. */
  readonly partition: readonly PartitionValue[];
  /** By field id of the leaf. */
  readonly stats: Readonly<Record<number, LeafStats>>;
  /** Byte offsets of the row groups, ascending. */
  readonly splitOffsets: readonly number[];
}

/** Rows that a data file holds and the table no longer does: positions in a Parquet file of their own. */
export interface DeleteFile {
  /** Absolute URI, as table metadata names it. */
  readonly path: string;
  /** Positions that it holds. */
  readonly rows: number;
  readonly sizeBytes: number;
  /** URI of the one data file whose rows it deletes; undefined where it may speak of several (other writers' files). */
  readonly dataFile?: string;
}

/** A data file of a snapshot with the position deletes that apply to it. */
export interface LiveFile extends DataFile {
  /** How the table's metadata spells `path`, where it does otherwise (`file:/…`, `s3a://…`): rows of position-delete
   * files must name the data file so, because readers compare the text. */
  readonly spelling?: string;
  /** Absent: none. */
  readonly deletes?: readonly DeleteFile[];
  /** `partition` holds the values of a former partition spec, not of the table's present one. */
  readonly otherSpec?: true;
}

/** A full export that a table holds. */
export interface FullExportEntry {
  readonly kind: 'full-export';
  readonly exportArn: string;
  /** ISO time of the export. */
  readonly exportTime: string;
  readonly items: number;
  readonly rejected: number;
  /** Items that the filter left out; absent: none. */
  readonly filtered?: number;
  /** Present when manifests disagreed with their checksum files and --trust-manifest was given. */
  readonly trustedManifest?: true;
}

/** The window of an incremental export that a table holds. */
export interface WindowEntry {
  readonly kind: 'window';
  readonly exportArn: string;
  /** ISO times: from is inclusive, to is exclusive. */
  readonly from: string;
  readonly to: string;
  /** Lines of the export. */
  readonly items: number;
  readonly rejected: number;
  readonly trustedManifest?: true;
  /** It begins within the minute before the full export's time, so that the two are not proven to meet. */
  readonly withinMinute?: true;
}

/** Where the segments of a scan are that is not complete. */
export interface ScanPlaces {
  /** How many there are: a place means nothing for another number. */
  readonly segments: number;
  /** The first that was not begun. All below it are done, but for those that are open. */
  readonly next: number;
  /** Segments that were begun, each with the JSON text of the key behind which it goes on; null: at its beginning. */
  readonly open: readonly (readonly [segment: number, key: string | null])[];
}

/** A scan of the table itself that a table holds, whole or until now. It is no snapshot: an item is as it was at some
 * moment between the two times. */
export interface ScanEntry {
  readonly kind: 'scan';
  /** Names it as an export's ARN does an export: `<ARN of the table>/scan/<id of the run>`. */
  readonly exportArn: string;
  /** ISO times of the first request, and of the last answer that is in the table. */
  readonly from: string;
  readonly to: string;
  /** Items read, and how many of them could not be loaded. */
  readonly items: number;
  readonly rejected: number;
  /** Items that the filter left out; absent: none. */
  readonly filtered?: number;
  readonly segments: number;
  /** Taken before the first request: every change behind it comes from the stream. */
  readonly stream?: StreamPosition;
  readonly consistent?: true;
  readonly trustedManifest?: never;
  readonly withinMinute?: never;
  /** Pieces that were committed. */
  readonly pieces: number;
  /** What it does with the rows that were there; absent: there were none. */
  readonly mode?: LoadMode;
  /** While it is not complete: how many those were. */
  readonly rows?: number;
  /** Only items whose attribute holds this time (µs since 1970) or a later one were taken. */
  readonly since?: {
    readonly attr: string;
    readonly micros: string;
    readonly unit: 'auto' | 'epoch-s' | 'epoch-ms' | 'epoch-us';
    readonly untimed: 'keep' | 'drop';
  };
  /** It took only items since a time, or left the rows of deleted items: the table is no image of the source. */
  readonly partial?: true;
  /** While it is not complete: the object beside the table that says which keys were seen. */
  readonly seen?: { readonly name: string; readonly digest: string };
  /** Where it goes on: the places themselves, or the object beside the table that holds them. Absent: it is complete. */
  readonly rest?: ScanPlaces | { readonly name: string; readonly digest: string };
}

/** One load that a table holds. */
export type LedgerEntry = FullExportEntry | WindowEntry | ScanEntry;

/** A half-open range of time, as ISO texts. */
export interface TimeRange {
  readonly from: string;
  readonly to: string;
}

/** What the rows of a table are: the present state, the same with deleted items marked, or one row for each change. */
export type TableMode = 'mirror' | 'soft' | 'history';

/** The windows and positions that a table holds; lives in the table itself, in the commit that brought them. */
export interface Ledger {
  readonly version: 1;
  readonly tableArn: string;
  readonly tableId: string;
  /** The full export, if any, and the newest windows; older windows are only counted in `covered`. */
  readonly entries: readonly LedgerEntry[];
  /** All windows that were ever applied, joined where they meet, with how many they were. */
  readonly covered?: readonly (TimeRange & { readonly windows: number })[];
  /** Times of which no window was applied, accepted by the user. */
  readonly gaps?: readonly TimeRange[];
  /** Absent: mirror. */
  readonly mode?: TableMode;
  /** Changes of windows that were rejected since all rows were made anew: of as many keys at most the row is as it was
   * before, or missing. Absent: none. */
  readonly stale?: number;
  /** Digests of names of complete scans whose entries have left, oldest first: a scheduler may repeat one much later. */
  readonly runs?: readonly string[];
  /** Every change before this ISO time is in the table (to within a minute for a full export). */
  readonly watermark: string;
  /** Id of the commit that wrote this ledger; fixed before the first attempt. */
  readonly commitId: string;
}

/** Options that a table's columns follow from, by name, where they are not the defaults. Only the pipeline reads them. */
export type TableOptions = Readonly<Record<string, string | number | readonly string[]>>;

/** When small manifests are joined: at least `minCount` of one kind, each and their sum below `targetBytes`. */
export interface JoinManifests {
  readonly minCount: number;
  readonly targetBytes: number;
}

/** A change of a table, prepared and durable, not yet visible. */
export interface StagedCommit {
  /**
   * `replace` drops every row that was there. `merge` adds files, deletes rows by position and removes files; all else
   * stays. `rewrite` (maintenance) does the same without changing any row: the ledger stays as it is in the base.
   * merge and rewrite are refused as a conflict when the current snapshot is not that of the base.
   */
  readonly operation: 'create' | 'replace' | 'merge' | 'rewrite';
  readonly schema: TableSchema;
  readonly partition: readonly PartitionField[];
  readonly sort: readonly SortField[];
  readonly files: readonly DataFile[];
  /** merge and rewrite: URIs of live data files, and of delete files, that leave the table. */
  readonly removed?: readonly string[];
  readonly removedDeletes?: readonly string[];
  /**
   * merge and rewrite: position deletes of one live or added data file each, with the columns POSITION_DELETE_COLUMNS.
   * Each holds new positions and those of delete files in `removedDeletes`, but none that stand in a delete file that
   * stays (another writer's, of several data files): the table's row count is the data's less all deletes'.
   */
  readonly deletes?: readonly (DeleteFile & { readonly dataFile: string })[];
  /** merge and rewrite, Iceberg: small manifests are joined in the same commit where there are enough of them. */
  readonly joinManifests?: JoinManifests;
  readonly ledger: Ledger;
  /** Absent: as the table has them. */
  readonly options?: TableOptions;
  readonly commitId: string;
  /** Milliseconds since 1970: the commit's time, fixed before the first attempt. */
  readonly timestampMs: number;
}

export type CommitOutcome =
  | {
      readonly kind: 'committed';
      readonly snapshot: string;
      /** Another run has made the commit of this id: the change is in the table once, and not by this one. */
      readonly elsewhere?: true;
      /** Parquet: the generation that readers are still sent to, since more commits were to follow. */
      readonly published?: string;
      /** The commit stands, but what killed attempts left beside it could not be removed: why. */
      readonly untidy?: string;
      /** The commit stands, but the catalog still shows an older state to readers: why. */
      readonly behind?: string;
    }
  /** Refused for certain: nothing will ever name what was written for the change. */
  | { readonly kind: 'conflict'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string; readonly cause?: unknown };

/** Columns of a position-delete file with their reserved field ids (Iceberg specification, “Position Delete Files”). */
export const POSITION_DELETE_COLUMNS = { file_path: 2147483546, pos: 2147483545 } as const;

export interface CommitOptions {
  readonly signal?: AbortSignal | undefined;
  readonly more?: boolean | undefined;
}

/** What an open table says of itself. */
export interface TableState {
  readonly format: 'iceberg' | 'parquet';
  /** Absolute URI without a trailing slash. */
  readonly location: string;
  /** Snapshot id (Iceberg) or generation (Parquet); undefined for a table without any. */
  readonly snapshot: string | undefined;
  /** Parquet: the generation that readers are sent to, where it is older than this state: no folder holds all of this one. */
  readonly published?: string;
  readonly schema: TableSchema;
  readonly partition: readonly PartitionField[];
  readonly sort: readonly SortField[];
  /** Undefined: a table that tailrace did not write. */
  readonly ledger: Ledger | undefined;
  /** Absent: nobody recorded them. */
  readonly options?: TableOptions;
  readonly rows: number;
}

/** A table of some format at some place. One folder under src/table implements it for each format. */
export interface TableHandle {
  readonly format: 'iceberg' | 'parquet';
  readonly location: string;
  /** Undefined when nothing lies there; TARGET_BAD when something else does. */
  load(): Promise<TableState | undefined>;
  /** All data files of the current snapshot, each with the position deletes that apply to it. */
  dataFiles(): Promise<readonly LiveFile[]>;
  /** Absolute URI of the folder into which new data files go (no trailing slash), and how a file is named there. */
  dataFilePath(
    commitId: string,
    partition: readonly PartitionField[],
    values: readonly PartitionValue[],
    fileName: string,
  ): string;
  /** `base` is the state that the change was prepared against: undefined for a table that is to be created. The signal
   * ends what comes before the one call that makes the change visible, which may take long; then it is too late. `more`:
   * this run will commit again, so what only serves readers of this very state may be left to that. */
  commit(staged: StagedCommit, base: TableState | undefined, options?: CommitOptions): Promise<CommitOutcome>;
  /** Removes what killed attempts left among the current snapshot's files, where readers that list folders would see it.
   * A commit does it, too; this is for a run that finds the commit made. Formats that name each file need none.
   * Gives the reason where it could not: the commit stands all the same. */
  tidy?(): Promise<string | undefined>;
  /** Brings what a catalog shows of the table up to its newest state. A commit does it, too; this is for a run that finds
   * the commit made. Absent: readers see the table's own state. Gives the reason where it could not: the table is whole. */
  show?(): Promise<string | undefined>;
  /** Removes all that lies in a folder of its own for a commit that was refused, and whose id nobody else has. */
  discard?(commitId: string): Promise<void>;
  /** Absent: a format that has nothing of the kind. */
  readonly upkeep?: TableUpkeep;
}

/** What came of expiring snapshots: how many the table forgot, and how many files went with them. */
export interface Expiry {
  readonly outcome: 'nothing' | 'expired' | 'conflict' | 'unknown';
  readonly snapshots: number;
  /** Branches and tags that have outlived the age that their owner gave them. */
  readonly refs: readonly string[];
  readonly files: number;
  /** Of a conflict or an unknown outcome. */
  readonly reason?: string;
}

/** Files that are gone, or with `dryRun` would go. */
export interface Removed {
  readonly files: number;
  readonly bytes: number;
}

/** Upkeep of a table's metadata, one step at a time. None changes a row that a reader of the newest state sees. */
export interface TableUpkeep {
  /** Joins small manifests in a commit of its own; undefined where there are too few of them. */
  joinManifests(
    options: Partial<JoinManifests> & { readonly commitId: string; readonly timestampMs: number },
  ): Promise<CommitOutcome | undefined>;
  /** Forgets snapshots older than a time, but for each branch's newest `minKeep` and tags, and deletes their files. */
  expireSnapshots(options: {
    readonly olderThanMs: number;
    readonly minKeep: number;
    readonly timestampMs: number;
    readonly dryRun?: boolean;
  }): Promise<Expiry>;
  /** Deletes metadata of former versions that the log no longer names. */
  retireMetadata(options: {
    readonly keep: number;
    readonly olderThanMs: number;
    readonly dryRun?: boolean;
  }): Promise<Removed>;
  /** Deletes files that nothing names and that are older than a time, further back than the longest load takes. */
  sweepOrphans(options: { readonly olderThanMs: number; readonly dryRun?: boolean }): Promise<Removed>;
}
