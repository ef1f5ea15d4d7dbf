/**
 * The catalog port: what turns a name into an Iceberg table's newest metadata, and one state into the next. Above it,
 * `table/iceberg` writes data, manifests and the next metadata as a value; below it, one folder for each kind of
 * catalog says how that value becomes the table. `files/` has no service at all, `memory/` is the shortest example.
 *
 * What every catalog holds to (test/contract/catalog.ts tries it on each):
 * - `commit` makes a change visible once or not at all, against exactly the state that it was made from.
 * - Its outcome is a value. After a conflict nothing of the change can become visible any more. When that cannot be
 *   told, it is unknown, and nothing that the change names may be deleted.
 * - A lost reply, a timeout, a 5xx or a retry that met its own success is settled by reading, with `holds`.
 */
import type { Removed } from '../model/table.ts';
import type { Storage } from '../storage/port.ts';
import type { ExaminedFiles, ExamineOptions } from './examination.ts';
import type { TableMetadata } from './metadata/wire.ts';
import type { ShownTable } from './shown/port.ts';

/** A table's name in its catalog. */
export interface TableName {
  /** At least one part, outermost first. */
  readonly namespace: readonly string[];
  readonly table: string;
}

/** One state of a table, as its catalog has it. */
export interface CatalogState {
  readonly metadata: TableMetadata;
  /** URI of the metadata file. */
  readonly metadataLocation: string;
  /** What the catalog compares when a change is committed against this state. Only the catalog that gave it reads it. */
  readonly token: string;
}

export type CatalogOutcome =
  | { readonly kind: 'committed' }
  | { readonly kind: 'conflict'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string; readonly cause?: unknown };

/** Whether a state of the table, right after a change or much later, has the change. */
export type Holds = (there: CatalogState) => boolean;

/** One table in a catalog, whether it is there yet or not. */
export interface CatalogTable {
  /** How people name it, for errors: `prod.sales.orders`, or its location. */
  readonly name: string;
  /** Holds all of the table's files, wherever its metadata says that they lie. */
  readonly storage: Storage;
  /** Key of the table's folder in the storage, without a trailing slash; where it is created if it is not there yet. */
  readonly folder: string;
  /** The catalog chose the folder, so nothing of others lies there; absent: it is looked into before a table is made. */
  readonly assigned?: boolean;
  /** The catalog tells of the current snapshot alone, and not of its parent (Nessie). */
  readonly currentOnly?: boolean;
  /**
   * No two states under this name ever have the same token, not even of a table that was dropped and made anew: a commit
   * against a state finds out by itself whether that is still the newest one.
   */
  readonly uniqueTokens?: boolean;
  /** The newest state; undefined when there is no such table. */
  load(): Promise<CatalogState | undefined>;
  /**
   * What the first commit of a table is made from and committed against, where the catalog has prepared the table:
   * its identity, location and properties. Absent, or undefined: from nothing.
   */
  ground?(): Promise<CatalogState | undefined>;
  /**
   * Makes `next` the state after `base`; undefined: creates the table. `next` is a whole state, made from `base` by
   * adding to it and leaving out; a catalog that makes the metadata itself is told the difference. All files that
   * `next` names are durable.
   */
  commit(base: CatalogState | undefined, next: TableMetadata, holds: Holds): Promise<CatalogOutcome>;
  /**
   * Part of the names of files that are written for a commit on `base`, beside the commit's id: no two states of a
   * table have the same one, so no attempt can overwrite what another one made visible.
   */
  attempt(base: CatalogState | undefined): string;
  /** Deletes metadata files that no reader needs any more; absent where that is the catalog's own affair. */
  retireMetadata?(options: {
    readonly keep: number;
    readonly olderThanMs: number;
    readonly dryRun?: boolean;
  }): Promise<Removed>;
}

export interface OpenTableOptions {
  /** `write`: a table that is not there is about to be created. `read`: it is only looked at. */
  readonly purpose: 'read' | 'write';
  /** URI of a folder to create the table in, if it is not there; absent: the catalog's default. */
  readonly location?: string;
  /** A namespace that is not there is made, for a table that is about to be created. */
  readonly createNamespace?: boolean;
}

export interface OpenShownOptions extends OpenTableOptions {
  /** Partitions are worked out from the entry by who reads it, and not listed; absent: as the entry has it. */
  readonly projection?: boolean;
}

/** What a catalog lists. */
export interface ListedTable {
  readonly name: TableName;
  /** Absent: an Iceberg table. */
  readonly format?: string;
}

/** A catalog of tables. */
export interface Catalog {
  readonly type: string;
  /** The table of that name; with the purpose of reading undefined when it is not there. */
  open(name: TableName, options: OpenTableOptions): Promise<CatalogTable | undefined>;
  /** Puts a table that lies somewhere under a name: its newest metadata file, as it is. A taken name is an error. */
  register(
    name: TableName,
    metadataLocation: string,
    options?: Pick<OpenTableOptions, 'createNamespace'>,
  ): Promise<void>;
  /**
   * The table of plain files of that name; with the purpose of reading undefined when it is not there. Absent: the
   * catalog has only Iceberg tables.
   */
  openShown?(name: TableName, options: OpenShownOptions): Promise<ShownTable | undefined>;
  /**
   * Tries what a load of a table of that name will ask, and changes nothing; what came of it goes to the findings. Gives
   * where its files lie or would lie; undefined where that cannot be told.
   */
  examine(name: TableName, options: ExamineOptions): Promise<ExaminedFiles | undefined>;
  /** All namespaces, nested ones too. */
  namespaces(): Promise<readonly (readonly string[])[]>;
  /** The tables right in a namespace. */
  tables(namespace: readonly string[]): Promise<readonly ListedTable[]>;
  close(): Promise<void>;
}

/** Opens the storage that a table's files lie in, from any URI of one. A catalog's own credentials go before others. */
export type OpenFiles = (uri: string, access?: FileAccess) => Promise<Storage>;

/** Access to files that a catalog hands out with a table. */
export interface FileAccess {
  readonly region?: string;
  readonly endpoint?: string;
  readonly forcePathStyle?: boolean;
  /** Asked again shortly before they end. */
  readonly credentials?: () => Promise<Credentials>;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Milliseconds since 1970; absent: they do not end. */
  readonly endsAtMs?: number;
}
