/**
 * Tables of plain files in a catalog. Their own manifest says what they hold, and a commit is a swap of that manifest;
 * the catalog has an entry beside it, for engines that read folders. The entry follows behind: it shows the newest state
 * or an older one, never one that has not been committed.
 */
import type { Storage } from '../../storage/port.ts';

export interface ShownColumn {
  readonly name: string;
  /** As Hive and Athena write it. */
  readonly type: string;
  readonly comment?: string;
}

export interface ShownPartition {
  /** In the order of the partition keys, as text. */
  readonly values: readonly string[];
  /** Labels of its folders, which are the values with some characters escaped. */
  readonly labels: readonly string[];
  /** URI of its folder, without a trailing slash. */
  readonly folder: string;
}

/** What an entry is to show. */
export interface ShownState {
  /** Tells this state from all others of the table. */
  readonly generation: string;
  /** URI of the folder that holds all of it, without a trailing slash. */
  readonly folder: string;
  readonly columns: readonly ShownColumn[];
  /** Names of the folders' columns; the files do not hold them. */
  readonly partitionKeys: readonly string[];
  readonly partitions: readonly ShownPartition[];
}

/** A table of plain files with its entry in a catalog, whether either is there yet or not. */
export interface ShownTable {
  /** How people name it, for errors. */
  readonly name: string;
  readonly storage: Storage;
  /** URI of the folder that the table lies in, without a trailing slash. */
  readonly location: string;
  /**
   * Brings the entry to a state, and makes it if it is not there; does nothing where it shows that state. A change of
   * the folder alone is one step; partitions move in batches, and the entry tells that it is being changed meanwhile.
   * Whatever was left by a call that was cut off, the next one completes.
   */
  show(state: ShownState): Promise<void>;
}
