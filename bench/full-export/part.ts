import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { DataFileEntry } from '../../src/demo/layout.ts';
import { Random } from '../../src/demo/random.ts';
import type { Dialect } from './dialect.ts';
import { heterogeneousLine } from './heterogeneous.ts';
import { orderLine, type Truth } from './orders.ts';

const FILES_PER_PART = 14;
const CHUNK_CHARS = 256 * 1024;

/** The data files of one seed, and what is known of their items. */
export interface Part {
  readonly files: readonly (DataFileEntry & { readonly crc32: string })[];
  readonly truth: Truth;
  readonly jsonBytes: number;
  readonly gzipBytes: number;
}

export interface PartRequest {
  readonly seed: number;
  readonly items: number;
  readonly heterogeneous: boolean;
  readonly dialect: Dialect;
}

/** A part's files as manifests list them. */
export function partFiles(part: Part): readonly DataFileEntry[] {
  return part.files;
}

/** Writes one seed's data files; memory stays at a few chunks, whatever the size. */
export async function writePart(folder: string, request: PartRequest): Promise<Part> {
  const truth: Truth = { items: 0, totalCents: 0, lines: 0, quantity: 0, notes: 0 };
  const random = new Random(request.seed);
  const writeLine = request.heterogeneous ? heterogeneousLine : orderLine;
  const files: (DataFileEntry & { crc32: string })[] = [];
  let jsonBytes = 0;
  let gzipBytes = 0;
  let index = 0;
  for (let number = 0; number < FILES_PER_PART; number += 1) {
    const until = Math.floor((request.items * (number + 1)) / FILES_PER_PART);
    const itemCount = until - index;
    const name = `${fileName(request.seed, number)}${request.dialect.suffix}`;
    const file = openGzip(join(folder, name));
    let chunk = '';
    while (index < until) {
      chunk += writeLine(random, request.dialect, request.seed, index, truth);
      index += 1;
      if (chunk.length < CHUNK_CHARS && index < until) continue;
      jsonBytes += Buffer.byteLength(chunk);
      await file.write(chunk);
      chunk = '';
    }
    const sums = await file.close();
    gzipBytes += sums.sizeBytes;
    files.push({ name, itemCount, md5Base64: sums.md5Base64, crc32: sums.crc32 });
  }
  return { files, truth, jsonBytes, gzipBytes };
}

/** 26 characters as AWS names data files, the same for the same seed. */
function fileName(seed: number, number: number): string {
  const digest = createHash('sha256').update(`${seed}/${number}`).digest();
  return [...digest.subarray(0, 26)].map((byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte % 32]).join('');
}

interface GzipFile {
  write(text: string): Promise<void>;
  close(): Promise<{ md5Base64: string; crc32: string; sizeBytes: number }>;
}

/** A gzip file whose MD5 is taken as its bytes pass, and whose CRC is the one in its own trailer. */
function openGzip(path: string): GzipFile {
  const gzip = createGzip({ level: 6 });
  const hash = createHash('md5');
  let sizeBytes = 0;
  let tail = Buffer.alloc(0);
  const digest = new Transform({
    transform(bytes: Buffer, _encoding, done) {
      hash.update(bytes);
      sizeBytes += bytes.length;
      tail = Buffer.concat([tail, bytes]).subarray(-8);
      done(null, bytes);
    },
  });
  const finished = pipeline(gzip, digest, createWriteStream(path));
  finished.catch(() => undefined);
  return {
    async write(text) {
      if (!gzip.write(text)) await Promise.race([once(gzip, 'drain'), finished]);
    },
    async close() {
      gzip.end();
      await finished;
      const crc32 = tail.readUInt32LE(0).toString(16).padStart(8, '0');
      return { md5Base64: hash.digest('base64'), crc32, sizeBytes };
    },
  };
}
