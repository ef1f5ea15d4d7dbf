import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { TailraceError } from '../../model/errors.ts';
import { ObjectNotFound, PreconditionFailed, type Storage } from '../../storage/port.ts';
import { writeFault } from '../lines/write.ts';
import type { SourceFile } from '../port.ts';
import { replaced } from './faults.ts';

/** Tries in a row that bring no byte before the download is given up. */
const MAX_BARREN_TRIES = 5;
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;
/** A body that sends nothing for so long is cut and asked for again. */
const STALL_MS = 60_000;

export interface DownloadOptions {
  readonly signal?: AbortSignal;
  /** Told of each piece of compressed data as it passes. */
  readonly onBytes?: (bytes: number) => void;
  /** How long to wait before the first repeated try, and for the next byte; for tests. */
  readonly firstPauseMs?: number;
  readonly stallMs?: number;
}

/**
 * Streams one object to a local path, taking its MD5 as the bytes pass. A body that breaks off, ends early or stalls
 * is continued by range, pinned to the etag, so that no two versions are ever mixed.
 */
export async function download(
  storage: Storage,
  file: SourceFile,
  path: string,
  options: DownloadOptions = {},
): Promise<{ readonly md5Base64: string; readonly bytes: number }> {
  const target = await open(path, 'w', 0o600);
  const state: State = { target, path, md5: createHash('md5'), received: 0 };
  try {
    for (let barren = 0; state.received < file.sizeBytes; ) {
      const before = state.received;
      const cause = await attempt(storage, file, state, options);
      options.signal?.throwIfAborted();
      if (state.received > file.sizeBytes) throw replaced(file);
      if (state.received === file.sizeBytes) break;
      barren = state.received > before ? 0 : barren + 1;
      if (barren >= MAX_BARREN_TRIES) throw brokenOff(storage, file, state.received, cause);
      await sleep(
        pauseMs(barren, options.firstPauseMs ?? FIRST_PAUSE_MS),
        undefined,
        options.signal === undefined ? {} : { signal: options.signal },
      );
    }
  } finally {
    await target.close();
  }
  return { md5Base64: state.md5.digest('base64'), bytes: state.received };
}

interface State {
  readonly target: FileHandle;
  readonly path: string;
  readonly md5: Hash;
  received: number;
}

/** One request for all that is still to come. Returns why it ended early; throws what no further try can heal. */
async function attempt(storage: Storage, file: SourceFile, state: State, options: DownloadOptions): Promise<unknown> {
  let body: Readable | undefined;
  try {
    body = await storage.getStream(file.key, {
      ifMatch: file.etag,
      ...(state.received > 0 ? { offset: state.received } : {}),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const open = body;
    const watch = setTimeout(
      () => open.destroy(new Error('no byte arrived for too long')),
      options.stallMs ?? STALL_MS,
    );
    try {
      for await (const chunk of open) {
        watch.refresh();
        await keep(chunk as Buffer, state);
        options.onBytes?.((chunk as Buffer).length);
      }
    } finally {
      clearTimeout(watch);
    }
    return undefined;
  } catch (thrown) {
    if (thrown instanceof PreconditionFailed) throw replaced(file);
    // What the storage has put into words, it has already tried again where that helps.
    if (thrown instanceof ObjectNotFound || thrown instanceof TailraceError) throw thrown;
    return thrown;
  } finally {
    body?.destroy();
  }
}

async function keep(chunk: Buffer, state: State): Promise<void> {
  try {
    await state.target.writeFile(chunk);
  } catch (thrown) {
    const fault = writeFault(thrown, state.path);
    throw fault instanceof TailraceError
      ? fault
      : new TailraceError('INTERNAL', `Writing ${state.path} failed.`, { cause: thrown });
  }
  state.md5.update(chunk);
  state.received += chunk.length;
}

/** Doubles with each try and is spread at random, so that many downloads do not come back at the same moment. */
function pauseMs(barren: number, firstMs: number): number {
  const longest = Math.min(MAX_PAUSE_MS, firstMs * 2 ** barren);
  return longest / 2 + Math.random() * (longest / 2);
}

function brokenOff(storage: Storage, file: SourceFile, received: number, cause: unknown): TailraceError {
  const details = {
    expected: `${file.sizeBytes} bytes`,
    found: `${received} bytes`,
    place: storage.uri(file.key),
    cause,
  };
  if (cause === undefined) {
    return new TailraceError('DATA_MISSING', `The data file ${file.manifestKey} is cut short.`, {
      ...details,
      hint: 'Copy the file again from the export, and run again.',
    });
  }
  return new TailraceError('UNREACHABLE', `The download of ${file.manifestKey} broke off again and again.`, {
    ...details,
    hint: 'Check the connection and run again; what is already written is kept.',
  });
}
