import { createHash } from 'node:crypto';
import { TailraceError } from '../../model/errors.ts';
import { splitLines } from '../lines/split.ts';
import { bad, isCount, parseObject, show, text } from './summary.ts';

/** One line of manifest-files.json. */
export interface ManifestEntry {
  readonly itemCount: number;
  readonly md5Base64: string;
  readonly manifestKey: string;
}

export interface ReadManifest {
  readonly entries: readonly ManifestEntry[];
  /** base64(MD5) of the manifest's bytes, as its checksum file holds it. */
  readonly md5Base64: string;
  readonly sha256: Buffer;
  /** The first line that is not as it must be. For the caller to throw once the checksum was compared: that the file
   * was changed is the better answer than how. */
  readonly fault: TailraceError | undefined;
}

export const FILES_FILE = 'manifest-files.json';
const BOM = Buffer.from('\ufeff');

/** Reads a manifest-files.json from a stream of its bytes: one JSON object a line; only needed fields are believed. */
export async function readManifest(chunks: AsyncIterable<Uint8Array>, place: string): Promise<ReadManifest> {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      md5.update(chunk);
      sha256.update(chunk);
      yield chunk;
    }
  }
  const entries: ManifestEntry[] = [];
  const lineOfKey = new Map<string, number>();
  let fault: TailraceError | undefined;
  for await (const { number, bytes } of splitLines(hashed())) {
    const line = number === 1 && bytes.subarray(0, BOM.length).equals(BOM) ? bytes.subarray(BOM.length) : bytes;
    if (line.length === 0 || fault !== undefined) continue;
    try {
      const entry = parseEntry(line, `${place}:${number}`);
      checkNew(entry.manifestKey, lineOfKey.get(entry.manifestKey), number, place);
      lineOfKey.set(entry.manifestKey, number);
      entries.push(entry);
    } catch (thrown) {
      if (!(thrown instanceof TailraceError)) throw thrown;
      fault = thrown;
    }
  }
  return { entries, md5Base64: md5.digest('base64'), sha256: sha256.digest(), fault };
}

/** A file that is listed twice would be loaded twice. */
function checkNew(key: string, before: number | undefined, number: number, place: string): void {
  if (before === undefined) return;
  throw bad('dataFileS3Key', 'each data file once', `${key} in lines ${before} and ${number}`, place);
}

function parseEntry(line: Uint8Array, place: string): ManifestEntry {
  const fields = parseObject(line, place);
  const itemCount = fields['itemCount'];
  if (!isCount(itemCount)) throw bad('itemCount', 'a whole number', show(itemCount), place);
  const md5Base64 = text(fields, 'md5Checksum', place);
  if (!isMd5(md5Base64)) throw bad('md5Checksum', 'an MD5 in base64', show(md5Base64), place);
  const manifestKey = text(fields, 'dataFileS3Key', place);
  checkDataKey(manifestKey, place);
  return { itemCount, md5Base64, manifestKey };
}

function isMd5(base64: string): boolean {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length === 16 && bytes.toString('base64') === base64;
}

/** A key is joined to a folder of this machine, too: it must not lead out of it. */
function checkDataKey(key: string, place: string): void {
  const leadsOut =
    key.startsWith('/') || key.includes('\\') || key.includes('\0') || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(key);
  if (!leadsOut && key.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..')) return;
  throw new TailraceError('MANIFEST_BAD', 'A manifest names a data file by a key that could lead out of its folder.', {
    expected: 'a key such as prefix/AWSDynamoDB/<ExportId>/data/<name>.json.gz',
    found: show(key),
    place,
    hint: 'Do not load this export unless you know who changed its manifest.',
  });
}
