/**
 * Tables of catalogs that hold a pointer to a metadata file and swap it: Glue, Hive, memory. The metadata is written
 * under a name of its own first; the swap makes it the table. A catalog's folder says how a pointer is read and swapped.
 *
 * After a swap that was lost or whose reply was, the table is read: our file is its metadata, or stands in its log, or
 * the state has the change. Our file is deleted only when another swap was first, so that ours can never take place.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Removed } from '../model/table.ts';
import type { Storage } from '../storage/port.ts';
import { type Listed, removeListed } from '../storage/remove.ts';
import { numberOf, readMetadataFile } from './metadata/file.ts';
import { metadataBytes } from './metadata/json.ts';
import type { TableMetadata } from './metadata/wire.ts';
import { below, keyOf, plainUri } from './paths.ts';
import type { CatalogOutcome, CatalogState, CatalogTable, Holds } from './port.ts';

export interface Pointer {
  readonly metadataLocation: string;
  /** What `swap` compares. */
  readonly token: string;
}

/**
 * `lost`: another swap was first, and ours did not and will not take place. `late`: it might still take place although
 * the pointer has moved on, because the catalog does not compare at the moment that it does.
 */
export type SwapOutcome =
  | { readonly kind: 'swapped' }
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string; readonly cause?: unknown; readonly late?: true };

/** The pointer of one table. */
export interface PointerStore {
  /** Undefined: no such table. Something other than an Iceberg table under the name is TARGET_BAD. */
  read(): Promise<Pointer | undefined>;
  /**
   * Moves the pointer from one state to the next, whose metadata is durable; undefined: makes the table. Only errors
   * after which nothing can have happened are thrown: no permission, no such namespace.
   */
  swap(from: CatalogState | undefined, to: Omit<CatalogState, 'token'>): Promise<SwapOutcome>;
}

/** What metadata a file holds: metadata files never change, and with thousands of snapshots one takes long to read. */
export interface KnownMetadata {
  readonly location: string;
  readonly metadata: TableMetadata;
}

/** The table that a pointer points to. `folder` is the key of its folder in the storage; `known` need not be read again. */
export function pointerTable(parts: {
  readonly name: string;
  readonly storage: Storage;
  readonly folder: string;
  readonly pointer: PointerStore;
  readonly known?: KnownMetadata;
}): CatalogTable {
  return new PointerTable(parts.name, parts.storage, parts.folder, parts.pointer, parts.known);
}

class PointerTable implements CatalogTable {
  readonly name: string;
  readonly storage: Storage;
  readonly folder: string;
  readonly uniqueTokens = true;
  readonly #pointer: PointerStore;
  #latest: KnownMetadata | undefined;

  constructor(name: string, storage: Storage, folder: string, pointer: PointerStore, known: KnownMetadata | undefined) {
    this.name = name;
    this.storage = storage;
    this.folder = folder;
    this.#pointer = pointer;
    this.#latest = known;
  }

  async load(): Promise<CatalogState | undefined> {
    const pointer = await this.#pointer.read();
    if (pointer === undefined) return undefined;
    const { metadataLocation } = pointer;
    if (this.#latest?.location !== metadataLocation)
      this.#latest = {
        location: metadataLocation,
        metadata: await readMetadataFile(this.storage, metadataLocation),
      };
    return { ...pointer, metadata: this.#latest.metadata };
  }

  attempt(base: CatalogState | undefined): string {
    const hash = base === undefined ? '' : `-${sha256(base.metadataLocation).slice(0, 8)}`;
    return `${fiveDigits(nextNumber(base))}${hash}`;
  }

  async commit(base: CatalogState | undefined, next: TableMetadata, holds: Holds): Promise<CatalogOutcome> {
    const key = below(this.folder, `metadata/${fiveDigits(nextNumber(base))}-${randomUUID()}.metadata.json`);
    const metadataLocation = this.storage.uri(key);
    await this.storage.put(key, metadataBytes(next));
    const outcome = await this.#pointer.swap(base, { metadata: next, metadataLocation });
    if (outcome.kind === 'swapped') {
      this.#latest = { location: metadataLocation, metadata: next };
      return { kind: 'committed' };
    }
    return this.#settle(outcome, base, metadataLocation, holds);
  }

  /** Absent now may still arrive later, so "not there" stays unknown, unless the table has moved on. */
  async #settle(
    outcome: Exclude<SwapOutcome, { kind: 'swapped' }>,
    base: CatalogState | undefined,
    ours: string,
    holds: Holds,
  ): Promise<CatalogOutcome> {
    const cause = outcome.kind === 'unknown' ? outcome.cause : undefined;
    let there: CatalogState | undefined;
    try {
      there = await this.load();
    } catch (thrown) {
      return {
        kind: 'unknown',
        reason: `${withoutStop(outcome.reason)}, and the table cannot be read`,
        cause: cause ?? thrown,
      };
    }
    if (there !== undefined && (this.#names(there, ours) || holds(there))) return { kind: 'committed' };
    if (outcome.kind === 'unknown' && (outcome.late === true || there?.token === base?.token)) return outcome;
    // A file that is left over harms nobody: it is swept with the orphans.
    if (outcome.kind === 'lost') await this.storage.delete(keyOf(this.storage, ours)).catch(() => undefined);
    return { kind: 'conflict', reason: outcome.kind === 'lost' ? outcome.reason : 'The table has moved on meanwhile.' };
  }

  #names(there: CatalogState, ours: string): boolean {
    const log = (there.metadata['metadata-log'] ?? []).map((entry) => entry['metadata-file']);
    return [there.metadataLocation, ...log].some((uri) => plainUri(this.storage, uri) === ours);
  }

  /** Files that neither the log nor the table names, and those of commits that came to nothing. */
  async retireMetadata(options: {
    readonly keep: number;
    readonly olderThanMs: number;
    readonly dryRun?: boolean;
  }): Promise<Removed> {
    const now = await this.load();
    const newest = now === undefined ? undefined : numberOf(now.metadataLocation);
    if (now === undefined || newest === undefined) return { files: 0, bytes: 0 };
    const retired: Listed[] = [];
    for await (const { key, sizeBytes, modifiedMs } of this.storage.list(below(this.folder, 'metadata/'))) {
      const number = numberOf(key);
      if (number === undefined || number > newest - options.keep) continue;
      if (modifiedMs === undefined || modifiedMs >= options.olderThanMs) continue;
      if (!this.#names(now, this.storage.uri(key))) retired.push({ key, sizeBytes });
    }
    return removeListed(this.storage, retired, options.dryRun);
  }
}

function nextNumber(base: CatalogState | undefined): number {
  return base === undefined ? 0 : (numberOf(base.metadataLocation) ?? 0) + 1;
}

function fiveDigits(number: number): string {
  return String(number).padStart(5, '0');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, '');
}
