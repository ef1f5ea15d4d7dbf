import { randomUUID } from 'node:crypto';
import { readFile, unlink } from 'node:fs/promises';
import { addAbortSignal, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { compareBytes } from '../../model/byte-order.ts';
import { TailraceError } from '../../model/errors.ts';
import { checkFolder, checkKey, checkPrefix, interrupted } from '../keys.ts';
import {
  type GetOptions,
  type ObjectInfo,
  ObjectNotFound,
  PreconditionFailed,
  type PutCondition,
  type PutOutcome,
  type Storage,
} from '../port.ts';

interface Entry {
  readonly body: Uint8Array;
  readonly etag: string;
  readonly modifiedMs: number;
}

/** Objects in this process's memory: for tests and for trying things out; gone when the process ends. */
export function memoryStorage(name: string = randomUUID()): Storage {
  return new MemoryStorage(name);
}

class MemoryStorage implements Storage {
  readonly kind = 'memory';
  readonly #root: string;
  readonly #objects = new Map<string, Entry>();
  #version = 0;

  constructor(name: string) {
    this.#root = `memory://${name}/`;
  }

  uri(key: string): string {
    return this.#root + key;
  }

  key(uri: string): string {
    if (uri.startsWith(this.#root)) return uri.slice(this.#root.length);
    throw new TailraceError('USAGE', `${uri} does not lie below ${this.#root}.`, { place: uri });
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    checkKey(key);
    const entry = this.#objects.get(key);
    return entry && { key, sizeBytes: entry.body.length, etag: entry.etag };
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    checkKey(key);
    if (options.signal?.aborted) throw interrupted(this.uri(key), options.signal);
    const entry = this.#objects.get(key);
    if (!entry) throw new ObjectNotFound(this.uri(key));
    if (options.ifMatch !== undefined && options.ifMatch !== entry.etag) throw new PreconditionFailed(this.uri(key));
    const from = options.offset ?? 0;
    return entry.body.slice(from, options.length === undefined ? undefined : from + options.length);
  }

  async getStream(key: string, options: GetOptions = {}): Promise<Readable> {
    const bytes = await this.get(key, options);
    return Readable.from(bytes.length === 0 ? [] : [Buffer.from(bytes)], { objectMode: false });
  }

  async *list(prefix: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<ObjectInfo> {
    checkPrefix(prefix);
    for (const key of [...this.#objects.keys()].filter((name) => name.startsWith(prefix)).sort(compareBytes)) {
      if (options.signal?.aborted) throw interrupted(this.uri(prefix), options.signal);
      const entry = this.#objects.get(key);
      if (entry) yield { key, sizeBytes: entry.body.length, etag: entry.etag, modifiedMs: entry.modifiedMs };
    }
  }

  async *listFolder(prefix: string): AsyncGenerator<string> {
    checkFolder(prefix);
    let last: string | undefined;
    for await (const { key } of this.list(prefix)) {
      const rest = key.slice(prefix.length);
      const slash = rest.indexOf('/');
      const name = slash < 0 ? rest : rest.slice(0, slash + 1);
      if (name !== last) yield name;
      last = name;
    }
  }

  async put(key: string, body: Uint8Array): Promise<{ readonly etag: string }> {
    checkKey(key);
    return { etag: this.#set(key, body) };
  }

  async putIf(key: string, body: Uint8Array, condition: PutCondition): Promise<PutOutcome> {
    checkKey(key);
    const there = this.#objects.get(key);
    if (condition.ifAbsent && there) return { kind: 'exists' };
    if (condition.ifMatch !== undefined && there?.etag !== condition.ifMatch) return { kind: 'exists' };
    return { kind: 'written', etag: this.#set(key, body) };
  }

  async putStream(key: string, body: Readable, options: { readonly signal?: AbortSignal } = {}) {
    checkKey(key);
    if (options.signal)
      addAbortSignal(
        options.signal,
        body.on('error', () => undefined),
      );
    const bytes = await buffer(body).catch((error: unknown) => {
      throw options.signal?.aborted ? interrupted(this.uri(key), options.signal) : error;
    });
    return { etag: this.#set(key, bytes), sizeBytes: bytes.length };
  }

  async adopt(key: string, localPath: string) {
    checkKey(key);
    const bytes = await readFile(localPath);
    const etag = this.#set(key, bytes);
    await unlink(localPath);
    return { etag, sizeBytes: bytes.length };
  }

  async copy(fromKey: string, toKey: string, options: { readonly signal?: AbortSignal } = {}) {
    checkKey(toKey);
    const bytes = await this.get(fromKey, options);
    return { etag: this.#set(toKey, bytes), sizeBytes: bytes.length };
  }

  localPath(): undefined {
    return undefined;
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    this.#objects.delete(key);
  }

  async close(): Promise<void> {}

  #set(key: string, body: Uint8Array): string {
    this.#version += 1;
    const etag = `"${this.#version}"`;
    this.#objects.set(key, { body: Uint8Array.from(body), etag, modifiedMs: Date.now() });
    return etag;
  }
}
