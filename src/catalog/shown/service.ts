/**
 * What a service has to do for entries of plain files: Glue, a Hive Metastore. It reads, makes and changes; what is made
 * of an entry, and in which order, is the same for all of them (table.ts).
 */
import type { ShownColumn } from './port.ts';

type Parameters = Readonly<Record<string, string>>;

/** An entry as it was seen. A service keeps in it what a change compares, and what others put there. */
export interface SeenEntry {
  readonly parameters: Parameters;
  readonly partitionKeys: readonly string[];
  /** Comments by the names of columns, in lower case. */
  readonly comments: ReadonlyMap<string, string>;
  /** What kind of table it is, as far as that can be told. */
  readonly format: string | undefined;
}

/** What an entry becomes; all else in it stays. */
export interface EntryChange {
  /** All that there will be. */
  readonly parameters: Parameters;
  /** Absent: folder, columns and partition keys stay as they are. */
  readonly shows?: {
    readonly folder: string;
    readonly columns: readonly ShownColumn[];
    readonly partitionKeys: readonly string[];
  };
}

/** A partition as it was listed. */
export interface SeenPartition {
  readonly values: readonly string[];
  /** As the service spells it. */
  readonly folder: string | undefined;
  readonly parameters: Parameters;
}

/** A partition as it is to be. */
export interface NewPartition {
  readonly values: readonly string[];
  readonly folder: string;
  readonly columns: readonly ShownColumn[];
  readonly parameters: Parameters;
}

/** A partition that a batch could not make, change or drop. */
export interface PartitionFailure {
  readonly values: readonly string[];
  readonly code: string;
  readonly message: string;
}

/** The entry of one table in a service, by its name. */
export interface EntryService<E extends SeenEntry = SeenEntry> {
  /** As in “in Glue”. */
  readonly service: string;
  /** Partitions of one call, and how many calls may be under way. */
  readonly limits: { readonly put: number; readonly drop: number; readonly parallel: number };
  /** Undefined: there is none. */
  entry(): Promise<E | undefined>;
  create(change: EntryChange): Promise<void>;
  /** Only while the entry is the one that was seen: throws otherwise. */
  update(seen: E, change: EntryChange): Promise<void>;
  partitions(): AsyncIterable<SeenPartition>;
  /** Each may be done again: what it did already shows in the next listing. Gives what failed. */
  createPartitions(batch: readonly NewPartition[]): Promise<readonly PartitionFailure[]>;
  changePartitions(batch: readonly NewPartition[]): Promise<readonly PartitionFailure[]>;
  dropPartitions(batch: readonly (readonly string[])[]): Promise<readonly PartitionFailure[]>;
  /** Whether a failure is one for good. `failures`: how many there were by now. */
  isFinal(thrown: unknown, failures: number): boolean;
  /** The error for the user. */
  error(thrown: unknown): unknown;
  /** Before try number `failures` + 1. */
  wait(failures: number): Promise<void>;
}
