import { type FileHandle, open } from 'node:fs/promises';
import { TailraceError } from '../../model/errors.ts';

const BUFFER_BYTES = 1024 * 1024;

/** Writes lines to a new file in large pieces. The caller closes it, and removes the file if it is of no use. */
export class LineWriter {
  readonly path: string;
  readonly #file: FileHandle;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #written = 0;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  static async open(path: string): Promise<LineWriter> {
    try {
      return new LineWriter(path, await open(path, 'w', 0o600));
    } catch (thrown) {
      throw writeFault(thrown, path);
    }
  }

  /** Bytes given to it so far. */
  get bytes(): number {
    return this.#written + this.#pendingBytes;
  }

  /** Appends text as it is; newlines are the caller's. */
  async add(text: string | Uint8Array): Promise<void> {
    const bytes = Buffer.from(text as string);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= BUFFER_BYTES) await this.#flush();
  }

  async close(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.#file.close();
    }
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending, this.#pendingBytes);
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      await this.#file.writeFile(bytes);
    } catch (thrown) {
      throw writeFault(thrown, this.path);
    }
    this.#written += bytes.length;
  }
}

/** What a failed write to the temporary folder (or the rejects) means to the user. */
export function writeFault(thrown: unknown, path: string): unknown {
  const code = (thrown as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new TailraceError('DISK_FULL', `There is no room left to write ${path}.`, {
      place: path,
      cause: thrown,
      hint: 'Free some space, or name a larger disk with --temp-dir.',
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new TailraceError('ACCESS_DENIED', `${path} may not be written.`, {
      place: path,
      cause: thrown,
      hint: 'Name a folder that you may write to.',
    });
  }
  if (code === 'ENOTDIR' || code === 'EEXIST' || code === 'EISDIR') {
    return new TailraceError(
      'ACCESS_DENIED',
      `${path} cannot be written: a file and a folder are in each other's way.`,
      {
        place: path,
        cause: thrown,
        hint: 'Move away what lies there, or name another folder.',
      },
    );
  }
  return thrown;
}
