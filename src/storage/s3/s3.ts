import { createReadStream } from 'node:fs';
import { stat, unlink } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { compareBytes } from '../../model/byte-order.ts';
import { TailraceError } from '../../model/errors.ts';
import type { AwsSettings, SyncOptions } from '../../model/options.ts';
import { checkFolder, checkKey, checkPrefix, interrupted } from '../keys.ts';
import { localError } from '../local/errors.ts';
import {
  type GetOptions,
  type ObjectInfo,
  ObjectNotFound,
  type PutCondition,
  type PutOutcome,
  type Storage,
} from '../port.ts';
import { endpointOf, makeClient } from './client.ts';
import { putConditionally } from './conditional.ts';
import { copyObject } from './copy.ts';
import { failureOf, isHopeless, isMissing, s3Error } from './errors.ts';
import { S3_LIMITS, type S3Limits } from './limits.ts';
import { openStream } from './read.ts';
import type { CredentialProvider } from './role.ts';
import { upload } from './upload.ts';

export interface S3Settings {
  readonly bucket: string;
  readonly aws: AwsSettings;
  readonly sse?: SyncOptions['sse'];
  readonly limits?: Partial<S3Limits>;
  /** Instead of those that the settings lead to. */
  readonly credentials?: CredentialProvider;
}

/** A bucket of S3, or of a store that speaks its language. */
export function s3Storage(settings: S3Settings): Storage {
  return new S3Storage(settings);
}

class S3Storage implements Storage {
  readonly kind = 's3';
  readonly #bucket: string;
  readonly #endpoint: string | undefined;
  readonly #limits: S3Limits;
  readonly #client: S3Client;
  /** For conditional puts, which only putConditionally may repeat. */
  readonly #once: S3Client;
  readonly #encryption: { readonly ServerSideEncryption?: 'aws:kms' | 'AES256'; readonly SSEKMSKeyId?: string };
  #bucketSeen = false;

  constructor({ bucket, aws, sse, limits, credentials }: S3Settings) {
    this.#bucket = bucket;
    this.#endpoint = endpointOf(aws);
    this.#limits = { ...S3_LIMITS, ...limits };
    this.#client = makeClient(aws, this.#limits, this.#limits.callAttemptsMax, credentials);
    this.#once = makeClient(aws, this.#limits, 1, credentials);
    this.#encryption = sse
      ? { ServerSideEncryption: sse.algorithm, ...(sse.kmsKeyId !== undefined && { SSEKMSKeyId: sse.kmsKeyId }) }
      : {};
  }

  uri(key: string): string {
    return `s3://${this.#bucket}/${key}`;
  }

  key(uri: string): string {
    const [, bucket, key] = /^s3[an]?:\/\/([^/]+)\/(.*)$/s.exec(uri) ?? [];
    if (bucket === this.#bucket && key !== undefined) return key;
    throw new TailraceError('USAGE', `${uri} does not lie in the bucket ${this.#bucket}.`, { place: uri });
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    checkKey(key);
    try {
      const reply = await this.#client.send(new HeadObjectCommand(this.#at(key)));
      this.#bucketSeen = true;
      return { key, sizeBytes: reply.ContentLength ?? 0, etag: reply.ETag ?? '' };
    } catch (error) {
      if (!isMissing(error)) throw this.#error(error, key);
      await this.#checkBucket();
      return undefined;
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    return await buffer(await this.getStream(key, options));
  }

  async getStream(key: string, options: GetOptions = {}): Promise<Readable> {
    checkKey(key);
    return await openStream(
      {
        client: this.#client,
        limits: this.#limits,
        bucket: this.#bucket,
        key,
        uri: this.uri(key),
        endpoint: this.#endpoint,
      },
      options,
    );
  }

  async *list(prefix: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<ObjectInfo> {
    checkPrefix(prefix);
    for await (const page of this.#pages(prefix, undefined, options.signal)) {
      for (const { Key: key, Size: sizeBytes = 0, ETag: etag = '', LastModified } of page.Contents ?? []) {
        // Consoles make empty objects that stand for folders.
        if (key !== undefined && !key.endsWith('/')) yield { key, sizeBytes, etag, ...modified(LastModified) };
      }
    }
  }

  async *listFolder(prefix: string): AsyncGenerator<string> {
    checkFolder(prefix);
    for await (const page of this.#pages(prefix, '/', undefined)) {
      const files = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined || Key.endsWith('/') ? [] : [Key]));
      const folders = (page.CommonPrefixes ?? []).flatMap(({ Prefix }) => (Prefix === undefined ? [] : [Prefix]));
      for (const name of [...files, ...folders].sort(compareBytes)) yield name.slice(prefix.length);
    }
  }

  async put(key: string, body: Uint8Array): Promise<{ readonly etag: string }> {
    checkKey(key);
    try {
      const reply = await this.#client.send(
        new PutObjectCommand({ ...this.#at(key), ...this.#encryption, Body: body }),
      );
      return { etag: reply.ETag ?? '' };
    } catch (error) {
      throw this.#writeError(error, key);
    }
  }

  async putIf(key: string, body: Uint8Array, condition: PutCondition): Promise<PutOutcome> {
    checkKey(key);
    try {
      return await putConditionally({
        client: this.#once,
        limits: this.#limits,
        input: { ...this.#at(key), ...this.#encryption, Body: body },
        condition,
        readBack: () => this.#readBack(key),
      });
    } catch (error) {
      throw this.#writeError(error, key);
    }
  }

  async putStream(key: string, body: Readable, options: { readonly signal?: AbortSignal } = {}) {
    return await this.#upload(key, body, undefined, options.signal);
  }

  async adopt(key: string, localPath: string, options: { readonly signal?: AbortSignal } = {}) {
    checkKey(key);
    const { size } = await stat(localPath).catch((error: unknown) => {
      throw localError(error, localPath, 'read');
    });
    const adopted = await this.#upload(key, createReadStream(localPath), size, options.signal);
    await unlink(localPath);
    return adopted;
  }

  async copy(fromKey: string, toKey: string, options: { readonly signal?: AbortSignal } = {}) {
    checkKey(toKey);
    const { signal } = options;
    if (signal?.aborted) throw interrupted(this.uri(toKey), signal);
    const source = await this.head(fromKey);
    if (source === undefined) throw new ObjectNotFound(this.uri(fromKey));
    const place = { client: this.#client, limits: this.#limits, to: { ...this.#at(toKey), ...this.#encryption } };
    try {
      const etag = await copyObject({ ...place, source }, signal);
      return { etag, sizeBytes: source.sizeBytes };
    } catch (error) {
      if (signal?.aborted) throw interrupted(this.uri(toKey), signal);
      throw this.#error(error, isMissing(error) ? fromKey : toKey);
    }
  }

  localPath(): undefined {
    return undefined;
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    try {
      await this.#client.send(new DeleteObjectCommand(this.#at(key)));
    } catch (error) {
      if (!isMissing(error)) throw this.#error(error, key);
    }
  }

  async close(): Promise<void> {
    this.#client.destroy();
    this.#once.destroy();
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: key };
  }

  #error(error: unknown, key: string): Error {
    return s3Error(error, this.uri(key), this.#endpoint);
  }

  // A 404 to a write speaks of the bucket.
  #writeError(error: unknown, key: string): Error {
    const named = this.#error(error, key);
    return named instanceof ObjectNotFound ? s3Error(bucketMissing(), this.uri(key), this.#endpoint) : named;
  }

  async #upload(key: string, body: Readable, sizeBytes: number | undefined, signal: AbortSignal | undefined) {
    checkKey(key);
    const place = {
      client: this.#client,
      limits: this.#limits,
      input: { ...this.#at(key), ...this.#encryption },
      uri: this.uri(key),
      named: (error: unknown) => this.#writeError(error, key),
    };
    return await upload(place, body, sizeBytes, signal);
  }

  async #readBack(key: string): Promise<{ readonly body: Uint8Array; readonly etag: string } | undefined> {
    const info = await this.head(key);
    return info && { body: await this.get(key, { ifMatch: info.etag }), etag: info.etag };
  }

  async *#pages(prefix: string, delimiter: string | undefined, signal: AbortSignal | undefined) {
    let token: string | undefined;
    do {
      if (signal?.aborted) throw interrupted(this.uri(prefix), signal);
      const page = await this.#page({ Prefix: prefix, Delimiter: delimiter, ContinuationToken: token }, signal);
      yield page;
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async #page(
    input: {
      Prefix?: string;
      Delimiter?: string | undefined;
      ContinuationToken?: string | undefined;
      MaxKeys?: number;
    },
    signal?: AbortSignal,
  ): Promise<ListObjectsV2CommandOutput> {
    const uri = this.uri(input.Prefix ?? '');
    try {
      const page = await this.#client.send(
        new ListObjectsV2Command({ Bucket: this.#bucket, ...input }),
        signal ? { abortSignal: signal } : {},
      );
      this.#bucketSeen = true;
      return page;
    } catch (error) {
      if (signal?.aborted) throw interrupted(uri, signal);
      const named = s3Error(error, uri, this.#endpoint);
      throw named instanceof ObjectNotFound ? s3Error(bucketMissing(), uri, this.#endpoint) : named;
    }
  }

  // The answer to a HEAD has no body: a missing bucket, or an unknown user at some stores, looks like a missing
  // object. So the first 404 is looked into, once.
  async #checkBucket(): Promise<void> {
    if (this.#bucketSeen) return;
    try {
      await this.#client.send(new ListObjectsV2Command({ Bucket: this.#bucket, MaxKeys: 1 }));
    } catch (error) {
      if (isHopeless(error)) throw s3Error(error, this.uri(''), this.#endpoint);
      if (failureOf(error).status !== 403) return;
    }
    this.#bucketSeen = true;
  }
}

function bucketMissing(): Error {
  return Object.assign(new Error('The bucket does not exist.'), { name: 'NoSuchBucket' });
}

function modified(time: Date | undefined): Pick<ObjectInfo, 'modifiedMs'> {
  return time === undefined ? {} : { modifiedMs: time.getTime() };
}
