import type { AwsSettings } from './aws.ts';
import type { CatalogSettings } from './catalog.ts';
import type { LoadMode } from './load-mode.ts';
import type { TimestampFormat } from './schema.ts';
import type { PartitionField, SortField, TableMode } from './table.ts';

export type OnMixed = 'rescue' | 'json' | 'split' | 'fail';
export type NumbersMode = 'exact' | 'double' | 'string';
export type TimestampsMode = 'off' | 'auto';
/** How changed rows are written: position deletes beside files, files written anew, or what is cheaper for each file. */
export type WriteMode = 'auto' | 'merge-on-read' | 'copy-on-write';
/** A number that does not fit its column: rewrite the column (up to --rewrite-limit bytes), rescue it, or stop. */
export type OnDrift = 'rewrite' | 'rescue' | 'fail';

/** Most rows that a mirror may delete: a share of the table's, or a number. */
export type DeleteLimit = { readonly share: number } | { readonly rows: number };

/** Only items that were written since then, as an attribute of theirs says. */
export interface SinceOptions {
  readonly attribute: string;
  /** Microseconds since 1970, or what the table holds. */
  readonly start: string | 'last';
  /** How numbers are read: each by its size, or all in one unit. */
  readonly format: 'auto' | 'epoch-s' | 'epoch-ms' | 'epoch-us';
  /** How far before what the table holds `last` begins. */
  readonly overlapMs: number;
  /** What becomes of items whose attribute is missing, NULL, or no time. */
  readonly missing: 'keep' | 'drop';
}

/** How items that are read as they are now come into a table. */
export interface StateOptions {
  /** Undefined: mirror, or as the interrupted run has it. */
  readonly mode: LoadMode | undefined;
  readonly maxDelete: DeleteLimit;
  /** `overwrite` is meant. */
  readonly yes: boolean;
  readonly since: SinceOptions | undefined;
  /** Local file with prices; undefined: our own. */
  readonly prices: string | undefined;
}

/** Capacity units a second: a number, a share of what the table has, or as many as it gives. */
export type CapacityRate =
  | { readonly kind: 'units'; readonly units: number }
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'unlimited' };

/** How a table is read that is its own source. */
export interface ScanOptions {
  /** Undefined: a share that others who use the table do not feel. */
  readonly rcu: CapacityRate | undefined;
  readonly consistent: boolean;
  /** Undefined: by the table's size, or as the interrupted scan has it. */
  readonly segments: number | undefined;
  /** Names the run: one that is in the table already changes nothing. */
  readonly runId: string | undefined;
  /** The interrupted scan that the table holds is given up, and a new one begins. */
  readonly newScan: boolean;
  /** Time after which what was read is committed, so that it can be seen, and a killed run goes on behind it. */
  readonly commitEveryMs: number;
}

/** Rules of inference that the user may set. */
export interface SchemaOptions {
  /** What the rows of a new table are; absent: mirror. */
  readonly mode?: TableMode;
  /** Key attribute names, partition key first; empty when unknown. */
  readonly key: readonly string[];
  readonly timestamps: TimestampsMode;
  readonly onMixed: OnMixed;
  readonly numbers: NumbersMode;
  /** Most top-level columns; rarer attributes stay in `_rescued`. */
  readonly maxColumns: number;
  /** Deepest nesting that becomes columns; deeper values become JSON text. */
  readonly maxDepth: number;
  /** Attributes to load; empty means all. Others stay in `_rescued`. */
  readonly include: readonly string[];
  /** Attributes to drop everywhere. */
  readonly exclude: readonly string[];
  /** Condition that items must meet to be loaded, in the one spelling that `normalFilter` gives; empty: all are. */
  readonly filter: string;
}

/** `day(created_at)` as the user wrote it: attribute or column name, before derived columns are made. */
export interface PartitionRequest {
  readonly transform: PartitionField['transform'];
  readonly width?: number;
  readonly column: string;
}

/** Options that a table keeps from load to load unless they are given anew. */
export const KEPT_OPTIONS = [
  'schema',
  'timestamps',
  'onMixed',
  'numbers',
  'maxColumns',
  'maxDepth',
  'include',
  'exclude',
  'filter',
  'partition',
  'sort',
] as const;
export type KeptOption = (typeof KEPT_OPTIONS)[number];

export interface SyncOptions {
  /** Options that are meant although they have their default; one with another value is always meant. */
  readonly given: readonly KeptOption[];
  readonly sourceAws: AwsSettings;
  readonly targetAws: AwsSettings;
  readonly schema: SchemaOptions;
  /** Location of a schema file (ours in YAML, or the flat form). */
  readonly schemaFile: string | undefined;
  readonly partition: readonly PartitionRequest[];
  readonly sort: readonly SortField[];
  readonly replace: boolean;
  readonly strict: boolean;
  readonly trustManifest: boolean;
  /** Undefined: as the table has it; mirror for a new table. */
  readonly mode: TableMode | undefined;
  readonly write: WriteMode;
  readonly onDrift: OnDrift;
  readonly rewriteLimitBytes: number;
  /** Applies a window that leaves a gap behind the watermark, and records the gap. */
  readonly acceptGap: boolean;
  /** Takes over a table that tailrace did not write, which holds every change before `fromTime`. */
  readonly adopt: boolean;
  readonly fromTime: string | undefined;
  /** Maintenance within sync. */
  readonly upkeep: boolean;
  /** Makes the namespace of a target in a catalog, if it is not there. */
  readonly createNamespace: boolean;
  /** Folder of a new table in a catalog; undefined: the catalog's default. */
  readonly location: string | undefined;
  /** Whether the catalog works out a Parquet table's partitions; undefined: as its entry has it. */
  readonly partitionProjection: boolean | undefined;
  /** Location of a table that the target's catalog takes in, if it has none of the name. */
  readonly register: string | undefined;
  /** Catalogs by name. */
  readonly catalogs: Readonly<Record<string, CatalogSettings>>;
  readonly dryRun: boolean;
  /** Folder for rejected items; undefined: with the user's state, outside the table. */
  readonly rejects: string | undefined;
  readonly memoryLimitBytes: number;
  readonly threads: number;
  /** Undefined: a fresh folder below the system's temporary folder. */
  readonly tempDir: string | undefined;
  readonly tempBudgetBytes: number;
  readonly targetFileSizeBytes: number;
  /** Compressed bytes of source data that are written, and made resumable, at a time. */
  readonly batchBytes: number;
  readonly scan: ScanOptions;
  readonly state: StateOptions;
  readonly sse: { readonly algorithm: 'aws:kms' | 'AES256'; readonly kmsKeyId?: string } | undefined;
}

/** Shared by every verb. */
export interface RunContext {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  readonly log: (level: 'debug' | 'info' | 'warn', message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

export interface Progress {
  /** Which export of a chain, from 1, and how many there are; absent where there is one. */
  readonly step?: { readonly number: number; readonly count: number };
  readonly phase: 'plan' | 'learn' | 'load' | 'commit';
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly itemsDone: number;
  /** From the manifest; of a scan, what DynamoDB said of the table, up to six hours ago. */
  readonly itemsTotal: number;
  /** Compressed bytes read. */
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Of a scan of the table itself. */
  readonly scan?: {
    readonly segmentsDone: number;
    readonly segments: number;
    /** Segments that are being read: at the end one may be left, which no other worker can take over. */
    readonly open: number;
    readonly unitsPerSecond: number;
    /** Units a second that the scan may take now; Infinity: any. */
    readonly limit: number;
    /** Guessed by the items that DynamoDB said there are, or by the segments that are done. */
    readonly secondsLeft?: number;
  };
  /** Of items on their way into a table. */
  readonly write?: {
    readonly unitsPerSecond: number;
    /** Units a second that the load may take now; Infinity: any. */
    readonly limit: number;
  };
}

export type { AwsSettings, LoadMode, TimestampFormat };
