import { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3';
import { interrupted } from '../keys.ts';
import { type GetOptions, ObjectNotFound, PreconditionFailed } from '../port.ts';
import { failureOf, s3Error } from './errors.ts';
import { backOff, type S3Limits } from './limits.ts';

export interface ReadPlace {
  readonly client: S3Client;
  readonly limits: S3Limits;
  readonly bucket: string;
  readonly key: string;
  readonly uri: string;
  readonly endpoint: string | undefined;
}

/**
 * Opens an object for reading. The stream goes on by range where a connection breaks or stalls or a body is short,
 * always of the object that it began with: If-Match holds it to that, and a replaced object is PreconditionFailed.
 */
export async function openStream(place: ReadPlace, options: GetOptions): Promise<Readable> {
  if (options.signal?.aborted) throw interrupted(place.uri, options.signal);
  const offset = options.offset ?? 0;
  const end = options.length === undefined ? undefined : offset + options.length;
  const first = await fetchRange(place, offset, end, options.ifMatch, options.signal);
  if (!first) return Readable.from([], { objectMode: false });
  return new ResumingStream(place, first, options.signal);
}

interface Range {
  readonly body: Readable;
  readonly etag: string | undefined;
  /** Place in the object of the first byte, and of the byte after the last. */
  readonly start: number;
  readonly end: number;
}

async function fetchRange(
  place: ReadPlace,
  start: number,
  end: number | undefined,
  ifMatch: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Range | undefined> {
  const { client, bucket: Bucket, key: Key, uri, endpoint } = place;
  // A range of no bytes cannot be asked for: one byte is, and dropped.
  const last = end === undefined ? '' : Math.max(end - 1, start);
  const ranged = start > 0 || end !== undefined;
  try {
    const command = new GetObjectCommand({
      Bucket,
      Key,
      ...(ranged && { Range: `bytes=${start}-${last}` }),
      ...(ifMatch !== undefined && { IfMatch: ifMatch }),
    });
    const reply = await client.send(command, signal ? { abortSignal: signal } : {});
    if (!(reply.Body instanceof Readable)) throw new Error('The reply has no body.');
    if (end === start) {
      reply.Body.destroy();
      return undefined;
    }
    return { body: reply.Body, etag: reply.ETag, start, end: start + lengthOf(reply, start) };
  } catch (error) {
    if (signal?.aborted) throw interrupted(uri, signal);
    const { code, status } = failureOf(error);
    if (code === 'InvalidRange' || status === 416) return undefined;
    throw s3Error(error, uri, endpoint);
  }
}

function lengthOf(reply: GetObjectCommandOutput, start: number): number {
  // A store that ignores ranges would send the wrong bytes without a word.
  if (start > 0 && !reply.ContentRange?.startsWith(`bytes ${start}-`)) throw new Error('The store ignored the range.');
  if (reply.ContentLength === undefined) throw new Error('The reply does not say its length.');
  return reply.ContentLength;
}

class ResumingStream extends Readable {
  readonly #place: ReadPlace;
  readonly #signal: AbortSignal | undefined;
  readonly #etag: string | undefined;
  readonly #end: number;
  readonly #chunks: AsyncGenerator<Buffer>;
  readonly #onAbort = (): void => {
    this.#body.destroy();
    if (this.#signal) this.destroy(interrupted(this.#place.uri, this.#signal));
  };
  #body: Readable;
  #position: number;
  #failures = 0;

  constructor(place: ReadPlace, first: Range, signal: AbortSignal | undefined) {
    super({ highWaterMark: 256 * 1024 });
    this.#place = place;
    this.#signal = signal;
    this.#etag = first.etag;
    this.#position = first.start;
    this.#end = first.end;
    this.#body = guarded(first.body);
    this.#chunks = this.#read();
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  override _read(): void {
    this.#chunks.next().then(
      ({ value, done }) => this.push(done ? null : value),
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#body.destroy();
    done(error);
  }

  async *#read(): AsyncGenerator<Buffer> {
    for (;;) {
      try {
        for await (const chunk of this.#body) {
          this.#position += (chunk as Buffer).length;
          this.#failures = 0;
          yield chunk as Buffer;
        }
        if (this.#position === this.#end) return;
        throw new Error(`The body ended ${this.#end - this.#position} bytes early.`);
      } catch (error) {
        if (this.destroyed) return;
        await this.#resume(error);
      }
    }
  }

  async #resume(cause: unknown): Promise<void> {
    const { uri, endpoint, limits } = this.#place;
    this.#failures += 1;
    // All bytes were there, yet something is wrong (a checksum): reading on cannot mend that.
    if (this.#failures >= limits.resumeAttemptsMax || this.#position >= this.#end) throw s3Error(cause, uri, endpoint);
    await backOff(this.#failures, limits, this.#signal);
    const range = await fetchRange(this.#place, this.#position, this.#end, this.#etag, this.#signal).catch(
      (error: unknown) => {
        throw error instanceof ObjectNotFound ? new PreconditionFailed(uri) : error;
      },
    );
    if (!range || range.etag !== this.#etag || range.end !== this.#end) throw new PreconditionFailed(uri);
    this.#body = guarded(range.body);
    if (this.destroyed) range.body.destroy();
  }
}

// A body can fail while nobody reads it, because the reader is slow; the failure shows when it is read on.
function guarded(body: Readable): Readable {
  return body.on('error', () => undefined);
}
