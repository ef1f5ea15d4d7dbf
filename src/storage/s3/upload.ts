import { randomUUID } from 'node:crypto';
import { addAbortSignal, type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HeadObjectCommand, type PutObjectCommandInput, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { interrupted } from '../keys.ts';
import type { S3Limits } from './limits.ts';

const PARTS_MAX = 10_000;
const UPLOAD_ID = 'tailrace-upload';

export interface UploadPlace {
  readonly client: S3Client;
  readonly limits: S3Limits;
  readonly input: Omit<PutObjectCommandInput, 'Body'> & { readonly Bucket: string; readonly Key: string };
  readonly uri: string;
  /** Names what the store failed with. */
  named(error: unknown): Error;
}

/**
 * Uploads a stream, in parts if it is longer than one. When the stream or the store fails, the parts are removed.
 * Each upload carries an id of its own, so that one whose last answer was lost is known by it.
 */
export async function upload(
  place: UploadPlace,
  body: Readable,
  sizeBytes: number | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly etag: string; readonly sizeBytes: number }> {
  const { client, limits, input, uri } = place;
  if (signal?.aborted) {
    body.destroy();
    throw interrupted(uri, signal);
  }
  const id = randomUUID();
  const counted = counter();
  // An aborted signal ends the body, not the upload: lib-storage removes the parts of a body that fails, whereas its
  // own abort returns before the parts are gone.
  if (signal) addAbortSignal(signal, counted.stream);
  const fed = pipeline(body, counted.stream).catch((error: unknown) => error);
  try {
    const done = await new Upload({
      client,
      params: { ...input, Body: counted.stream, Metadata: { [UPLOAD_ID]: id } },
      partSize: Math.max(limits.partBytes, Math.ceil((sizeBytes ?? 0) / PARTS_MAX)),
      queueSize: limits.partsAtOnce,
    }).done();
    if (done.ETag === undefined) throw new Error('The reply to the upload has no ETag.');
    return { etag: done.ETag, sizeBytes: counted.bytes() };
  } catch (error) {
    const whole = counted.stream.readableEnded;
    counted.stream.destroy();
    body.destroy();
    const failure = await fed;
    if (signal?.aborted) throw interrupted(uri, signal);
    // What the stream itself failed with is its owner's business, and is passed on as it is.
    if (!whole && failure instanceof Error && !isPremature(failure)) throw failure;
    const landed = whole ? await findLanded(place, id) : undefined;
    if (landed === undefined) throw place.named(error);
    return { etag: landed, sizeBytes: counted.bytes() };
  }
}

function counter(): { readonly stream: Transform; bytes(): number } {
  let bytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  return { stream, bytes: () => bytes };
}

// What the source of a stream says when its reader went away is not the reason why it went.
function isPremature(error: Error): boolean {
  return 'code' in error && (error.code === 'ERR_STREAM_PREMATURE_CLOSE' || error.code === 'ERR_STREAM_DESTROYED');
}

async function findLanded(place: UploadPlace, id: string): Promise<string | undefined> {
  const { Bucket, Key } = place.input;
  try {
    const head = await place.client.send(new HeadObjectCommand({ Bucket, Key }));
    return head.Metadata?.[UPLOAD_ID] === id ? head.ETag : undefined;
  } catch {
    return undefined;
  }
}
