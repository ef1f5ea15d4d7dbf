import { createReadStream } from 'node:fs';
import { type FileHandle, link, open, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, resolve, sep } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
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
import { copyFile, linkOrCopy } from './copy.ts';
import { errno, isAbsent, localError } from './errors.ts';
import { etagOf, finish, laterThan, makeFolder, statFile, syncFolder, writeTemporary } from './files.ts';
import { names, walk } from './list.ts';
import { isWithoutLinks, lock } from './lock.ts';

/**
 * Files below a folder. A file is written under a hidden name, synced, and then renamed (put) or linked (put if
 * absent): under its own name it is always whole, and durable before anybody is told of it.
 */
export function localStorage(rootDir: string): Storage {
  return new LocalStorage(resolve(rootDir));
}

class LocalStorage implements Storage {
  readonly kind = 'local';
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  uri(key: string): string {
    return join(this.#root, key);
  }

  key(uri: string): string {
    const path = normalize(uri.replace(/^file:(\/\/(?=\/))?/, ''));
    const root = this.#root.endsWith(sep) ? this.#root : this.#root + sep;
    if (isAbsolute(path) && path.startsWith(root)) return path.slice(root.length);
    throw new TailraceError('USAGE', `${uri} does not lie below ${this.#root}.`, { place: uri });
  }

  localPath(key: string): string {
    return this.#path(key);
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const path = this.#path(key);
    try {
      const stats = await statFile(path);
      return stats && { key, sizeBytes: Number(stats.size), etag: etagOf(stats) };
    } catch (error) {
      throw localError(error, path, 'read');
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.getStream(key, options)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  async getStream(key: string, options: GetOptions = {}): Promise<Readable> {
    const path = this.#path(key);
    if (options.signal?.aborted) throw interrupted(path, options.signal);
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'r');
      const stats = await file.stat({ bigint: true });
      if (!stats.isFile()) throw new ObjectNotFound(path);
      if (options.ifMatch !== undefined && options.ifMatch !== etagOf(stats)) throw new PreconditionFailed(path);
      return await readable(file, path, Number(stats.size), options);
    } catch (error) {
      await file?.close().catch(() => undefined);
      throw localError(error, path, 'read');
    }
  }

  async *list(prefix: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<ObjectInfo> {
    checkPrefix(prefix);
    for await (const info of walk(this.#root, prefix)) {
      if (options.signal?.aborted) throw interrupted(this.uri(prefix), options.signal);
      yield info;
    }
  }

  async *listFolder(prefix: string): AsyncGenerator<string> {
    checkFolder(prefix);
    yield* await names(this.uri(prefix));
  }

  async put(key: string, body: Uint8Array): Promise<{ readonly etag: string }> {
    const path = this.#path(key);
    return await writing(path, async () => {
      const temporary = await writeTemporary(path, (file) => file.writeFile(body));
      return await replace(temporary, path);
    });
  }

  async putIf(key: string, body: Uint8Array, condition: PutCondition): Promise<PutOutcome> {
    const path = this.#path(key);
    return await writing(path, async () => {
      if (condition.ifMatch === undefined && !condition.ifAbsent) {
        return { kind: 'written', etag: (await this.put(key, body)).etag };
      }
      const temporary = await writeTemporary(path, (file) => file.writeFile(body));
      try {
        if (condition.ifMatch === undefined) return await linkNew(temporary, path);
        return await swap(temporary, path, condition.ifMatch);
      } finally {
        await rm(temporary, { force: true });
      }
    });
  }

  async putStream(key: string, body: Readable, options: { readonly signal?: AbortSignal } = {}) {
    const path = this.#path(key);
    const { signal } = options;
    body.on('error', () => undefined);
    if (signal) addAbortSignal(signal, body);
    try {
      const temporary = await writeTemporary(path, (file) => writeFile(file, body));
      return await replace(temporary, path);
    } catch (error) {
      if (signal?.aborted) throw interrupted(path, signal);
      // What the stream itself failed with is its owner's business, and is passed on as it is.
      throw error === body.errored || errno(error) === 'ERR_STREAM_PREMATURE_CLOSE'
        ? error
        : localError(error, path, 'write');
    }
  }

  async adopt(key: string, localPath: string) {
    const path = this.#path(key);
    return await writing(path, async () => {
      await makeFolder(dirname(path));
      const file = await open(localPath, 'r+');
      await file.sync().finally(() => file.close());
      try {
        await rename(localPath, path);
      } catch (error) {
        if (errno(error) !== 'EXDEV') throw error;
        await copyFile(localPath, path);
        await unlink(localPath);
      }
      await syncFolder(dirname(path));
      return await written(path);
    });
  }

  async copy(fromKey: string, toKey: string, options: { readonly signal?: AbortSignal } = {}) {
    const [from, path] = [this.#path(fromKey), this.#path(toKey)];
    if (options.signal?.aborted) throw interrupted(path, options.signal);
    if ((await this.head(fromKey)) === undefined) throw new ObjectNotFound(from);
    return await writing(path, async () => {
      await makeFolder(dirname(path));
      await linkOrCopy(from, path);
      await syncFolder(dirname(path));
      return await written(path);
    });
  }

  async delete(key: string): Promise<void> {
    const path = this.#path(key);
    try {
      await unlink(path);
    } catch (error) {
      if (!isAbsent(error)) throw localError(error, path, 'delete');
    }
  }

  async close(): Promise<void> {}

  #path(key: string): string {
    checkKey(key);
    return join(this.#root, key);
  }
}

/** Attempts at a write into a folder that another process takes away again and again while it is empty. */
const TRIES = 5;

async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  let first: unknown;
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      first ??= error;
      // Of a second ENOENT the first one tells more: what was to be moved may have gone with the folder.
      const gone = errno(error) === 'ENOENT';
      if (!gone || tries === TRIES) throw localError(gone ? first : error, path, 'write');
    }
  }
}

async function written(path: string): Promise<{ readonly etag: string; readonly sizeBytes: number }> {
  const stats = await statFile(path);
  if (!stats) throw new ObjectNotFound(path);
  return { etag: etagOf(stats), sizeBytes: Number(stats.size) };
}

async function replace(temporary: string, path: string) {
  await laterThan(temporary, await statFile(path));
  const stats = await statFile(temporary);
  await finish(temporary, path);
  return stats ? { etag: etagOf(stats), sizeBytes: Number(stats.size) } : await written(path);
}

// A link fails if the name is taken: of any number of writers, one wins, and readers never see half a file.
async function linkNew(temporary: string, path: string): Promise<PutOutcome> {
  const stats = await statFile(temporary);
  try {
    await link(temporary, path);
  } catch (error) {
    if (errno(error) === 'EEXIST') return { kind: 'exists' };
    if (isWithoutLinks(error)) return await swap(temporary, path, undefined);
    throw error;
  }
  await syncFolder(dirname(path));
  return { kind: 'written', etag: stats ? etagOf(stats) : (await written(path)).etag };
}

// Compares and renames under the path's lock; undefined stands for "nothing is there".
async function swap(temporary: string, path: string, expected: string | undefined): Promise<PutOutcome> {
  const held = await lock(path);
  try {
    const there = await statFile(path);
    if ((there && etagOf(there)) !== expected) return { kind: 'exists' };
    await laterThan(temporary, there);
    const stats = await statFile(temporary);
    if (!stats || !(await held.held())) return { kind: 'exists' };
    await finish(temporary, path);
    return { kind: 'written', etag: etagOf(stats) };
  } finally {
    await held.release();
  }
}

async function readable(file: FileHandle, path: string, sizeBytes: number, options: GetOptions): Promise<Readable> {
  const start = Math.min(options.offset ?? 0, sizeBytes);
  const end = Math.min(sizeBytes, start + (options.length ?? sizeBytes)) - 1;
  // A stream cannot read nothing: `end` is inclusive.
  if (end < start) {
    await file.close();
    return createReadStream('/dev/null');
  }
  const { signal } = options;
  const stream = createReadStream(path, { fd: file, start, end, highWaterMark: 256 * 1024, ...(signal && { signal }) });
  stream._destroy = wrapDestroy(stream._destroy, path, signal);
  return stream;
}

type Destroy = Readable['_destroy'];

// Errors that come while the stream runs get our names, too.
function wrapDestroy(destroy: Destroy, path: string, signal: AbortSignal | undefined): Destroy {
  return function (this: Readable, error, done) {
    const named = error && (signal?.aborted ? interrupted(path, signal) : localError(error, path, 'read'));
    destroy.call(this, named, (later) => done(named ?? later));
  };
}
