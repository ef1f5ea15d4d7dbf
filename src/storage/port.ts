import type { Readable } from 'node:stream';

/** One object as a listing or a head shows it. `etag` is opaque: only good for putIfMatch and ranged reads. */
export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  /** In listings: when it was last written, in milliseconds since 1970 by the store's clock. */
  readonly modifiedMs?: number;
}

export interface GetOptions {
  /** First byte, and how many; without a length: to the end. */
  readonly offset?: number;
  readonly length?: number;
  /** Fails with PreconditionFailed if the object is no longer this one. */
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

export interface PutCondition {
  /** Only if nothing is there. */
  readonly ifAbsent?: true;
  /** Only if what is there has this etag. */
  readonly ifMatch?: string;
}

/** `exists`: the condition did not hold, and the object there is not ours. `unknown`: the reply was lost and
 * reading back could not settle it. A put that a retry turned into its own 412 is `written`: implementations
 * read back and compare. */
export type PutOutcome =
  | { readonly kind: 'written'; readonly etag: string }
  | { readonly kind: 'exists' }
  | { readonly kind: 'unknown'; readonly cause: unknown };

/**
 * Objects under one root (a local folder, or a bucket). Keys use `/`, have no leading slash, and never hold `..`.
 * Errors are TailraceError: ACCESS_DENIED, UNREACHABLE, DISK_FULL; a missing object is ObjectNotFound.
 */
export interface Storage {
  readonly kind: 'memory' | 'local' | 's3';
  /** Absolute URI of a key: `s3://bucket/key`, `/abs/path` for local files, `memory://…`. */
  uri(key: string): string;
  /** The key of an absolute URI under this root. */
  key(uri: string): string;
  head(key: string): Promise<ObjectInfo | undefined>;
  get(key: string, options?: GetOptions): Promise<Uint8Array>;
  getStream(key: string, options?: GetOptions): Promise<Readable>;
  /** All keys that begin with the prefix, in byte order, paged behind the scenes. */
  list(prefix: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<ObjectInfo>;
  /** Names directly below the prefix, which ends in `/` or is empty. Folders end in `/`. */
  listFolder(prefix: string): AsyncIterable<string>;
  put(key: string, body: Uint8Array): Promise<{ readonly etag: string }>;
  putIf(key: string, body: Uint8Array, condition: PutCondition): Promise<PutOutcome>;
  /** A body of unknown length; multipart where the store has it; aborted parts are cleaned up. */
  putStream(
    key: string,
    body: Readable,
    options?: { readonly signal?: AbortSignal },
  ): Promise<{ readonly etag: string; readonly sizeBytes: number }>;
  /** Takes over a finished local file: renamed or copied for local roots, uploaded otherwise. The local file is gone after. */
  adopt(
    key: string,
    localPath: string,
    options?: { readonly signal?: AbortSignal },
  ): Promise<{ readonly etag: string; readonly sizeBytes: number }>;
  /**
   * Copies an object, without its bytes passing through this process where the store can do so; what lies at the other
   * key is replaced, at once. Local files become hard links where the file system has them: nothing here changes a file
   * in place. A missing source is ObjectNotFound.
   */
  copy(
    fromKey: string,
    toKey: string,
    options?: { readonly signal?: AbortSignal },
  ): Promise<{ readonly etag: string; readonly sizeBytes: number }>;
  /** Path on this machine's disk where the object can be read in place, if there is one. */
  localPath(key: string): string | undefined;
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}

export class ObjectNotFound extends Error {
  readonly uri: string;
  constructor(uri: string) {
    super(`No object at ${uri}.`);
    this.name = 'ObjectNotFound';
    this.uri = uri;
  }
}

/** The object was replaced while it was read, or is not the one that was asked for. */
export class PreconditionFailed extends Error {
  readonly uri: string;
  constructor(uri: string) {
    super(`The object at ${uri} is not the one that was expected.`);
    this.name = 'PreconditionFailed';
    this.uri = uri;
  }
}
