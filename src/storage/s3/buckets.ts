/**
 * All buckets as one storage: the first part of a key is the bucket. A table's metadata may name files in several, and a
 * catalog may give a table a whole bucket.
 */
import type { Readable } from 'node:stream';
import { TailraceError } from '../../model/errors.ts';
import type { GetOptions, ObjectInfo, PutCondition, PutOutcome, Storage } from '../port.ts';
import { type S3Settings, s3Storage } from './s3.ts';

type Signal = { readonly signal?: AbortSignal };

/** Every bucket that the settings reach. Keys are `bucket/key`. */
export function s3Buckets(settings: Omit<S3Settings, 'bucket'>): Storage {
  return new Buckets(settings);
}

class Buckets implements Storage {
  readonly kind = 's3';
  readonly #settings: Omit<S3Settings, 'bucket'>;
  readonly #open = new Map<string, Storage>();

  constructor(settings: Omit<S3Settings, 'bucket'>) {
    this.#settings = settings;
  }

  uri(key: string): string {
    return `s3://${key}`;
  }

  key(uri: string): string {
    const [, key] = /^s3[an]?:\/\/([^/].*)$/s.exec(uri) ?? [];
    if (key !== undefined) return key;
    throw new TailraceError('USAGE', `${uri} does not lie in a bucket.`, { place: uri });
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const { storage, bucket, rest } = this.#at(key);
    return within(bucket, await storage.head(rest));
  }

  async get(key: string, options?: GetOptions): Promise<Uint8Array> {
    const { storage, rest } = this.#at(key);
    return storage.get(rest, options);
  }

  async getStream(key: string, options?: GetOptions): Promise<Readable> {
    const { storage, rest } = this.#at(key);
    return storage.getStream(rest, options);
  }

  async *list(prefix: string, options?: Signal): AsyncGenerator<ObjectInfo> {
    const { storage, bucket, rest } = this.#at(prefix);
    for await (const info of storage.list(rest, options)) yield { ...info, key: `${bucket}/${info.key}` };
  }

  async *listFolder(prefix: string): AsyncGenerator<string> {
    const { storage, rest } = this.#at(prefix);
    yield* storage.listFolder(rest);
  }

  async put(key: string, body: Uint8Array): Promise<{ readonly etag: string }> {
    const { storage, rest } = this.#at(key);
    return storage.put(rest, body);
  }

  async putIf(key: string, body: Uint8Array, condition: PutCondition): Promise<PutOutcome> {
    const { storage, rest } = this.#at(key);
    return storage.putIf(rest, body, condition);
  }

  async putStream(
    key: string,
    body: Readable,
    options?: Signal,
  ): Promise<{ readonly etag: string; readonly sizeBytes: number }> {
    const { storage, rest } = this.#at(key);
    return storage.putStream(rest, body, options);
  }

  async adopt(
    key: string,
    localPath: string,
    options?: Signal,
  ): Promise<{ readonly etag: string; readonly sizeBytes: number }> {
    const { storage, rest } = this.#at(key);
    return storage.adopt(rest, localPath, options);
  }

  async copy(
    fromKey: string,
    toKey: string,
    options?: Signal,
  ): Promise<{ readonly etag: string; readonly sizeBytes: number }> {
    const [from, to] = [this.#at(fromKey), this.#at(toKey)];
    if (from.bucket === to.bucket) return to.storage.copy(from.rest, to.rest, options);
    return to.storage.putStream(to.rest, await from.storage.getStream(from.rest, options), options);
  }

  localPath(): undefined {
    return undefined;
  }

  async delete(key: string): Promise<void> {
    const { storage, rest } = this.#at(key);
    await storage.delete(rest);
  }

  async close(): Promise<void> {
    for (const storage of this.#open.values()) await storage.close();
    this.#open.clear();
  }

  #at(key: string): { readonly storage: Storage; readonly bucket: string; readonly rest: string } {
    const slash = key.indexOf('/');
    const [bucket, rest] = slash < 0 ? [key, ''] : [key.slice(0, slash), key.slice(slash + 1)];
    let storage = this.#open.get(bucket);
    if (storage === undefined) {
      storage = s3Storage({ ...this.#settings, bucket });
      this.#open.set(bucket, storage);
    }
    return { storage, bucket, rest };
  }
}

function within(bucket: string, info: ObjectInfo | undefined): ObjectInfo | undefined {
  return info === undefined ? undefined : { ...info, key: `${bucket}/${info.key}` };
}
