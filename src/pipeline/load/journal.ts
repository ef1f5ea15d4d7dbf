import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TableSchema } from '../../model/schema.ts';
import type { DataFile } from '../../model/table.ts';
import { ObjectNotFound, type Storage } from '../../storage/port.ts';
import type { TagCount } from '../learn/surprises.ts';

/** What one finished batch left behind: files that are durable, and what they count. */
export interface BatchRecord {
  /** Of the journal's schema: a record of an earlier epoch does not count. */
  readonly epoch: number;
  readonly files: readonly DataFile[];
  readonly read: number;
  readonly rejected: number;
  /** Items that the filter left out; absent: none. */
  readonly filtered?: number;
  readonly untimed?: number;
  readonly rescued: number;
  /** Keys of items that the batch's changes deleted. */
  readonly deletes?: readonly KeptDeletes[];
  /** What the files alone do not tell of attributes with several types. */
  readonly tags: readonly TagCount[];
}

/** A Parquet file in the journal with the keys of deleted items and the times of their deletes (`_written_at`). */
export interface KeptDeletes {
  /** Absolute URI. */
  readonly path: string;
  readonly rows: number;
  readonly sizeBytes: number;
}

/** A schema that batches were written by; a load may widen it with further columns. */
export interface SchemaRecord {
  readonly epoch: number;
  readonly schema: TableSchema;
  /** What the learner knew. */
  readonly knowledge: unknown;
  /** It had counted every item, so nothing is left to learn from what is written. */
  readonly counted: boolean;
}

/**
 * The journal of a load that is not committed yet, beside the table: `<table>/.tailrace/<load>/…`. A run that finds
 * the journal of its own plan goes on behind the last batch; the commit removes it. It is never read by anything else:
 * losing it costs time, not correctness.
 */
export class Journal {
  readonly #storage: Storage;
  readonly #prefix: string;

  constructor(storage: Storage, location: string, loadId: string) {
    this.#storage = storage;
    this.#prefix = `${location}/.tailrace/${loadId}/`;
  }

  /** Key of a file beside the journal's own: it lives as long as the journal does. */
  fileKey(name: string): string {
    return this.#prefix + name;
  }

  async readBatch(index: number): Promise<BatchRecord | undefined> {
    return (await this.#read(`batch-${index}.json`)) as BatchRecord | undefined;
  }

  async writeBatch(index: number, record: BatchRecord): Promise<void> {
    await this.#write(`batch-${index}.json`, record);
  }

  async readSchema(): Promise<SchemaRecord | undefined> {
    return (await this.#read('schema.json')) as SchemaRecord | undefined;
  }

  async writeSchema(record: SchemaRecord): Promise<void> {
    await this.#write('schema.json', record);
  }

  /** Makes the journal young: a sweep of orphans that begins from now on leaves it, and what it names, alone. */
  async touch(record: SchemaRecord): Promise<void> {
    await this.writeSchema(record);
  }

  /** Forgets batches, so that they are written again; their files are the caller's to delete. */
  async dropBatches(indexes: Iterable<number>): Promise<void> {
    for (const index of indexes) await this.#storage.delete(`${this.#prefix}batch-${index}.json`);
  }

  /** Removes the journal once its load is committed. */
  async remove(): Promise<void> {
    const keys: string[] = [];
    for await (const { key } of this.#storage.list(this.#prefix)) keys.push(key);
    for (const key of keys) await this.#storage.delete(key);
    await this.#removeFolders();
  }

  /** On a disk, unlike in a bucket, empty folders stay; another load's journal keeps the outer one. */
  async #removeFolders(): Promise<void> {
    const folder = this.#storage.localPath(this.#prefix.slice(0, -1));
    if (folder === undefined) return;
    for (const empty of [folder, dirname(folder)]) await rmdir(empty).catch(() => undefined);
  }

  async #write(name: string, value: unknown): Promise<void> {
    await this.#storage.put(this.#prefix + name, Buffer.from(JSON.stringify(value, packBig)));
  }

  async #read(name: string): Promise<unknown> {
    try {
      const bytes = await this.#storage.get(this.#prefix + name);
      return JSON.parse(Buffer.from(bytes).toString('utf8'), unpackBig) as unknown;
    } catch (thrown) {
      // A journal that cannot be parsed is as good as none: its batch is written again.
      if (thrown instanceof ObjectNotFound || thrown instanceof SyntaxError) return undefined;
      throw thrown;
    }
  }
}

/** Partition values may be 64-bit integers, which JSON text alone would not bring back as such. */
function packBig(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? { big: String(value) } : value;
}

function unpackBig(_key: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'big' in value ? BigInt(String(value.big)) : value;
}
