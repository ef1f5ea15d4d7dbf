import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal, pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TailraceError } from '../../model/errors.ts';
import type { AwsSettings } from '../../model/options.ts';
import { openStorage, parseLocation } from '../../storage/locate.ts';
import { ObjectNotFound } from '../../storage/port.ts';

const CHUNK_BYTES = 256 * 1024;
const GZIP = [0x1f, 0x8b];

/** Bytes to load, unpacked, and what tells them from others. */
export interface InputBytes {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Names these very bytes, so that a later run can go on behind what is loaded. Undefined: they come once. */
  readonly identity: string | undefined;
  /** As they lie there, packed or not; 0 where it is not known. */
  readonly bytesTotal: number;
  readonly bytesRead: () => number;
}

/** Opens a file, `s3://bucket/key`, or `-` for stdin. Gzip is known by its first bytes. */
export async function openBytes(
  input: string,
  context: { readonly aws: AwsSettings; readonly signal: AbortSignal },
): Promise<InputBytes> {
  let read = 0;
  const count = async function* (raw: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of raw) {
      read += chunk.length;
      yield chunk;
    }
  };
  const { raw, identity, bytesTotal } = input === '-' ? stdin(context.signal) : await stored(input, context);
  return { chunks: unpacked(count(raw), input), identity, bytesTotal, bytesRead: () => read };
}

interface Raw {
  readonly raw: AsyncIterable<Uint8Array>;
  readonly identity: string | undefined;
  readonly bytesTotal: number;
}

function stdin(signal: AbortSignal): Raw {
  if (process.stdin.isTTY) {
    throw new TailraceError('USAGE', 'Nothing is piped into `tailrace load -`.', {
      place: '-',
      hint: 'Write `… | tailrace load - dynamodb:<table>`, or name a file.',
    });
  }
  // An interruption must not wait for the next bytes, which may never come.
  return { raw: addAbortSignal(signal, process.stdin), identity: undefined, bytesTotal: 0 };
}

async function stored(input: string, { aws, signal }: { aws: AwsSettings; signal: AbortSignal }): Promise<Raw> {
  const location = parseLocation(input);
  if (location.kind === 'local') return local(location.uri, signal);
  const storage = await openStorage(location, { aws });
  const head = await storage.head(location.key);
  if (head === undefined) throw missing(location.uri);
  const raw = lazily(() => storage.getStream(location.key, { ifMatch: head.etag, signal }), location.uri);
  return { raw, identity: `${head.etag} ${head.sizeBytes}`, bytesTotal: head.sizeBytes };
}

async function local(path: string, signal: AbortSignal): Promise<Raw> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') throw missing(path);
    throw unreadable(path, cause);
  });
  if (found.isDirectory()) {
    throw new TailraceError('SOURCE_NOT_FOUND', `${path} is a folder; a load takes one file.`, {
      place: path,
      expected: 'a file of items',
      hint: 'Name a file in it, or pipe several into `tailrace load -`.',
    });
  }
  const raw = lazily(async () => createReadStream(path, { highWaterMark: CHUNK_BYTES, signal }), path);
  // A pipe has neither a size nor bytes that could be read again.
  if (!found.isFile()) return { raw, identity: undefined, bytesTotal: 0 };
  return { raw, identity: `${found.size} ${found.mtimeMs}`, bytesTotal: found.size };
}

async function* lazily(open: () => Promise<Readable>, place: string): AsyncGenerator<Uint8Array> {
  try {
    yield* await open();
  } catch (thrown) {
    if (thrown instanceof ObjectNotFound) throw missing(place);
    if (thrown instanceof TailraceError || (thrown as Error).name === 'AbortError') throw thrown;
    throw unreadable(place, thrown);
  }
}

async function* unpacked(chunks: AsyncIterable<Uint8Array>, place: string): AsyncGenerator<Uint8Array> {
  const { head, rest } = await peek(chunks, GZIP.length);
  if (!GZIP.every((byte, index) => head[index] === byte)) {
    yield* rest;
    return;
  }
  const source = Readable.from(rest, { objectMode: true });
  const gunzip = pipeline(source, createGunzip({ chunkSize: CHUNK_BYTES }), () => {});
  try {
    yield* gunzip;
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? '';
    if (!code.startsWith('Z_') && code !== 'ERR_TRAILING_JUNK_AFTER_STREAM_END') throw thrown;
    throw new TailraceError('INPUT_BAD', `${place} is not a whole gzip file.`, {
      place,
      found: thrown instanceof Error ? thrown.message : String(thrown),
      hint: 'Fetch the file again; what came before the fault is loaded.',
      cause: thrown,
    });
  } finally {
    gunzip.destroy();
  }
}

/** The bytes of a local file, unpacked if they are gzip. */
export function unpackedFile(path: string): AsyncGenerator<Uint8Array> {
  return unpacked(createReadStream(path, { highWaterMark: CHUNK_BYTES }), path);
}

/** At least so many of the first bytes, or all, and everything once more. */
export async function peek(
  chunks: AsyncIterable<Uint8Array>,
  least: number,
): Promise<{ readonly head: Buffer; readonly rest: AsyncGenerator<Uint8Array> }> {
  const reader = chunks[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  while (size < least && !ended) {
    const next = await reader.next();
    if (next.done === true) ended = true;
    else {
      seen.push(next.value);
      size += next.value.length;
    }
  }
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* seen;
      while (!ended) {
        const next = await reader.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await reader.return?.();
    }
  };
  return { head: Buffer.concat(seen, size), rest: rest() };
}

function missing(place: string): TailraceError {
  return new TailraceError('SOURCE_NOT_FOUND', `There is nothing at ${place}.`, {
    place,
    hint: 'Check the path; `-` reads from stdin.',
  });
}

function unreadable(place: string, cause: unknown): TailraceError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const denied = code === 'EACCES' || code === 'EPERM';
  return new TailraceError(denied ? 'ACCESS_DENIED' : 'UNREACHABLE', `${place} cannot be read: ${message}.`, {
    place,
    cause,
    hint: denied ? 'Allow it to be read.' : 'Check the disk or the network, and run again: the load goes on.',
  });
}
