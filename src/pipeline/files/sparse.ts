import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duck } from '../../engine/duckdb/instance.ts';
import type { MergeFile } from '../../engine/duckdb/merge/match.ts';
import { type ByteRange, columnRanges } from '../../engine/duckdb/parquet-chunks.ts';
import { TailraceError } from '../../model/errors.ts';
import type { LiveFile } from '../../model/table.ts';
import { ObjectNotFound, PreconditionFailed, type Storage } from '../../storage/port.ts';
import { eachOf, fetchWhole, isRemote, overBudget } from './fetched.ts';

/** Bytes at a file's end that are fetched first: the whole footer, as a rule. */
const TAIL_BYTES = 64 * 1024;
/** Ranges with a smaller gap are fetched as one: a request costs more than so many bytes. */
const GAP_BYTES = 128 * 1024;
/** The longest range of one request; as many stand in memory as there are requests at a time. */
const RANGE_BYTES = 4 * 1024 * 1024;
const REQUESTS = 8;
/** At the end of a Parquet file: the footer's length in four bytes, and `PAR1`. */
const END_BYTES = 8;

export interface SparseOptions {
  /** Field ids of top-level columns of flat types: nothing else of the files may be read. */
  readonly columns: ReadonlySet<number>;
  /** A folder for what is fetched; one of its own for each call. */
  readonly dir: string;
  readonly budgetBytes: number;
  readonly signal: AbortSignal;
}

/** A remote file that is partly here: from `have` to its end, and what was fetched besides. */
interface Sparse {
  readonly file: LiveFile;
  readonly etag: string;
  readonly path: string;
  readonly have: number;
}

/**
 * Some columns of data files where the engine can read them, and how many bytes were fetched for that. Local files are
 * read in place. Of remote ones the footer and the columns' chunks are fetched into a sparse file of the same length, so
 * that all offsets hold. Position deletes are fetched whole.
 */
export async function fetchColumns(
  storage: Storage,
  duck: Duck,
  files: readonly LiveFile[],
  { columns, dir, budgetBytes, signal }: SparseOptions,
): Promise<{ readonly files: readonly MergeFile[]; readonly bytes: number }> {
  const remote = files.filter(({ path }) => isRemote(storage, path));
  let bytes = 0;
  const fetch = async (file: LiveFile, path: string, range: ByteRange, etag: string): Promise<Buffer> => {
    bytes += range.end - range.start;
    if (bytes > budgetBytes) throw overBudget(file.path, budgetBytes, bytes);
    return fetchRange(storage, file.path, path, range, { ifMatch: etag, signal });
  };
  await mkdir(join(dir, 'columns'), { recursive: true });
  const sparse = await eachOf(remote, REQUESTS, async (file, i): Promise<Sparse> => {
    const path = join(dir, 'columns', `${i}.parquet`);
    const etag = await etagOf(storage, file, signal);
    await makeSparse(path, file.sizeBytes);
    const from = Math.max(0, file.sizeBytes - TAIL_BYTES);
    const tail = await fetch(file, path, { start: from, end: file.sizeBytes }, etag);
    const footer = file.sizeBytes - END_BYTES - footerLength(tail, file);
    if (footer < from) await fetch(file, path, { start: footer, end: from }, etag);
    return { file, etag, path, have: Math.min(footer, from) };
  });
  const ranges = await columnRanges(
    duck,
    sparse.map(({ path }) => path),
    columns,
    signal,
  );
  const requests = sparse.flatMap((each, i) =>
    requestsFor(ranges[i] ?? [], each.have).map((range) => ({ each, range })),
  );
  await eachOf(requests, REQUESTS, ({ each, range }) => fetch(each.file, each.path, range, each.etag));
  const deletes = files.flatMap((file) => file.deletes ?? []);
  const deletesAt = await fetchWhole(storage, deletes, dir, budgetBytes - bytes, signal);
  const remoteDeletes = new Map(deletes.filter(({ path }) => isRemote(storage, path)).map((each) => [each.path, each]));
  for (const { sizeBytes } of remoteDeletes.values()) bytes += sizeBytes;
  const sparseAt = new Map(sparse.map(({ file, path }) => [file.path, path]));
  return {
    bytes,
    files: files.map((file) => ({
      uri: file.path,
      path: sparseAt.get(file.path) ?? storage.localPath(storage.key(file.path)) ?? file.path,
      rows: file.rows,
      ...(file.spelling === undefined ? {} : { spelling: file.spelling }),
      ...(file.deletes === undefined ? {} : { deletes: file.deletes.map(({ path }) => deletesAt(path)) }),
    })),
  };
}

/** Ranges as requests: those that lie close are joined, long ones are cut, what is here is left out. */
export function requestsFor(ranges: readonly ByteRange[], have: number): ByteRange[] {
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && start - last.end < GAP_BYTES) last.end = Math.max(last.end, end);
    else joined.push({ start, end });
  }
  return joined.flatMap(({ start, end: whole }) => {
    const end = Math.min(whole, have);
    const parts: ByteRange[] = [];
    for (let at = start; at < end; at += RANGE_BYTES) parts.push({ start: at, end: Math.min(end, at + RANGE_BYTES) });
    return parts;
  });
}

async function etagOf(storage: Storage, file: LiveFile, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const info = await storage.head(storage.key(file.path));
  if (info !== undefined && info.sizeBytes === file.sizeBytes) return info.etag;
  const [found, cause] =
    info === undefined ? ['nothing', new ObjectNotFound(file.path)] : [`${info.sizeBytes} bytes`, undefined];
  throw notTheFile(file.path, found, `${file.sizeBytes} bytes`, cause);
}

function notTheFile(place: string, found: string, expected: string, cause?: unknown): TailraceError {
  return new TailraceError('TARGET_BAD', 'A data file of the table is not the one that its metadata describes.', {
    place,
    expected,
    found,
    cause,
    hint: 'Run again. If it stays so, another program removed or replaced files of the table.',
  });
}

/** A file of holes, with the magic bytes at its beginning. */
async function makeSparse(path: string, sizeBytes: number): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await handle.truncate(sizeBytes);
    await handle.write('PAR1', 0);
  } finally {
    await handle.close();
  }
}

function footerLength(tail: Buffer, file: LiveFile): number {
  const length = tail.length < END_BYTES ? -1 : tail.readUInt32LE(tail.length - END_BYTES);
  const isParquet = tail.subarray(-4).toString('latin1') === 'PAR1';
  if (isParquet && length > 0 && length <= file.sizeBytes - END_BYTES - 4) return length;
  throw notTheFile(file.path, 'no Parquet footer', 'a Parquet file');
}

async function fetchRange(
  storage: Storage,
  uri: string,
  path: string,
  { start, end }: ByteRange,
  options: { readonly ifMatch: string; readonly signal: AbortSignal },
): Promise<Buffer> {
  let handle: FileHandle | undefined;
  try {
    const got = await storage.get(storage.key(uri), { offset: start, length: end - start, ...options });
    const body = Buffer.from(got.buffer, got.byteOffset, got.byteLength);
    if (body.length !== end - start) throw notTheFile(uri, `${body.length} bytes`, `${end - start} bytes at ${start}`);
    handle = await open(path, 'r+');
    await handle.write(body, 0, body.length, start);
    return body;
  } catch (thrown) {
    if (!(thrown instanceof ObjectNotFound) && !(thrown instanceof PreconditionFailed)) throw thrown;
    throw notTheFile(uri, thrown instanceof ObjectNotFound ? 'nothing' : 'another object', 'the same object', thrown);
  } finally {
    await handle?.close();
  }
}
