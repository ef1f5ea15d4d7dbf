import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TailraceError } from '../../model/errors.ts';
import { type Line, splitLines } from './split.ts';

const CHUNK_BYTES = 256 * 1024;

/** The lines of a file on disk, gunzipped if its name ends in `.gz`. `place` is how messages name it. */
export async function* readLines(path: string, place: string, signal?: AbortSignal): AsyncGenerator<Line> {
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES, ...(signal === undefined ? {} : { signal }) });
  const gunzip = path.endsWith('.gz') ? createGunzip({ chunkSize: CHUNK_BYTES }) : undefined;
  // An error of either stream ends both and is thrown by the loop below.
  const bytes = gunzip === undefined ? file : pipeline(file, gunzip, () => {});
  try {
    yield* splitLines(bytes);
  } catch (thrown) {
    throw readFault(thrown, place, signal);
  } finally {
    bytes.destroy();
    file.destroy();
  }
}

function readFault(thrown: unknown, place: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return new TailraceError('INTERRUPTED', 'The run was interrupted.', { cause: thrown });
  const code = (thrown as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOENT')
    return new TailraceError('DATA_MISSING', `The data file ${place} is gone.`, { place, cause: thrown });
  if (!code.startsWith('Z_') && code !== 'ERR_TRAILING_JUNK_AFTER_STREAM_END') return thrown;
  return new TailraceError('DATA_CHECKSUM', `The data file ${place} is not a whole gzip file.`, {
    place,
    found: thrown instanceof Error ? thrown.message : String(thrown),
    hint: 'Copy the file again from the export, or run the export again.',
    cause: thrown,
  });
}
