import { createHash } from 'node:crypto';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TailraceError } from '../../model/errors.ts';
import type { Storage } from '../../storage/port.ts';
import { writeFault } from '../lines/write.ts';
import type { Export, LocalFile, SourceFile } from '../port.ts';
import { type DownloadOptions, download } from './download.ts';
import { fetchFault, replaced } from './faults.ts';

const CHUNK_BYTES = 1024 * 1024;

export interface FetchOptions extends DownloadOptions {
  readonly tempDir: string;
}

/** A file that can be read, with what is needed to see later that it is, and stayed, the one of the manifest. */
export interface FetchedFile extends LocalFile {
  /** Throws DATA_CHECKSUM if a file that is read in place is not the one that the manifest describes. Any other file was
   * verified while it came. */
  verify(): Promise<void>;
  /** Throws DATA_CHECKSUM if a file that is read in place has changed since it was verified. */
  recheck(): Promise<void>;
  /** Removes what was written to the temporary folder. */
  release(): Promise<void>;
}

/** Makes one data file readable on this machine, verified against the manifest's MD5. */
export async function fetchFile(
  storage: Storage,
  source: Export,
  file: SourceFile,
  options: FetchOptions,
): Promise<FetchedFile> {
  const fetched = await openFile(storage, source, file, options);
  await fetched.verify();
  return fetched;
}

/**
 * Makes one data file readable on this machine: a local file is read in place, and still to be verified; any other is
 * streamed to the temporary folder. An Ion file comes out as DynamoDB JSON lines.
 */
export async function openFile(
  storage: Storage,
  source: Export,
  file: SourceFile,
  options: FetchOptions,
): Promise<FetchedFile> {
  const localPath = storage.localPath(file.key);
  const fetched =
    localPath === undefined
      ? await fetchRemote(storage, source, file, options)
      : await openInPlace(localPath, source, file, options);
  if (source.format !== 'ION') return fetched;
  try {
    // The converter must not see bytes that are not the export's.
    await fetched.verify();
    const { convertFile } = await import('../ion/file.ts');
    const path = join(options.tempDir, `${String(file.index).padStart(6, '0')}-ion-${process.pid}.json`);
    await mkdir(options.tempDir, { recursive: true });
    const { bytes, rejects, lines } = await convertFile(
      fetched.path,
      path,
      file.manifestKey,
      options.signal,
      source.kind === 'incremental' ? 'change' : 'item',
    );
    await fetched.recheck();
    return {
      source: file,
      path,
      tempBytes: bytes,
      rejects,
      lines,
      verify: async () => {},
      recheck: async () => {},
      release: () => rm(path, { force: true }),
    };
  } finally {
    await fetched.release();
  }
}

async function openInPlace(
  path: string,
  source: Export,
  file: SourceFile,
  options: FetchOptions,
): Promise<FetchedFile> {
  const before = await identity(path, file);
  const recheck = async (): Promise<void> => {
    if ((await identity(path, file)) !== before) throw replaced(file);
  };
  const verify = async (): Promise<void> => {
    if (file.md5Base64 !== undefined) checkMd5(await md5OfFile(path, file, options), source, file);
    await recheck();
  };
  return { source: file, path, tempBytes: 0, rejects: [], verify, recheck, release: async () => {} };
}

/** One buffer for all pieces: fresh ones would be a third of the work. */
async function md5OfFile(path: string, file: SourceFile, { signal, onBytes }: FetchOptions): Promise<string> {
  const md5 = createHash('md5');
  try {
    const handle = await open(path);
    try {
      const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      for (;;) {
        signal?.throwIfAborted();
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
        if (bytesRead === 0) return md5.digest('base64');
        md5.update(buffer.subarray(0, bytesRead));
        onBytes?.(bytesRead);
      }
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    throw fetchFault(thrown, file, signal);
  }
}

async function fetchRemote(
  storage: Storage,
  source: Export,
  file: SourceFile,
  options: FetchOptions,
): Promise<FetchedFile> {
  const name = file.manifestKey
    .slice(file.manifestKey.lastIndexOf('/') + 1)
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .slice(-100);
  const path = join(options.tempDir, `${String(file.index).padStart(6, '0')}-${process.pid}-${name}`);
  const release = (): Promise<void> => rm(path, { force: true });
  try {
    await mkdir(options.tempDir, { recursive: true });
    const { md5Base64, bytes } = await download(storage, file, path, options);
    checkMd5(md5Base64, source, file);
    return {
      source: file,
      path,
      tempBytes: bytes,
      rejects: [],
      verify: async () => {},
      recheck: async () => {},
      release,
    };
  } catch (thrown) {
    await release();
    throw writeFault(fetchFault(thrown, file, options.signal), options.tempDir);
  }
}

/** Changes whenever the file is written or replaced. */
async function identity(path: string, file: SourceFile): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch (thrown) {
    throw fetchFault(thrown, file, undefined);
  }
}

function checkMd5(found: string, source: Export, file: SourceFile): void {
  if (found === file.md5Base64) return;
  const other = source.files.find((candidate) => candidate.md5Base64 === found);
  throw new TailraceError(
    'DATA_CHECKSUM',
    `The data file ${file.manifestKey} is not the one that the manifest describes.`,
    {
      expected: `MD5 ${file.md5Base64}`,
      found: other === undefined ? `MD5 ${found}` : `MD5 ${found}, the bytes of ${other.manifestKey}`,
      place: file.manifestKey,
      hint: 'Copy the file again from the export; nothing was loaded from it.',
    },
  );
}
