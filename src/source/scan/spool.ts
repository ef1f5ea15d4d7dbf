/**
 * Pages as files of lines, `{"Item":{…}}`, as a full export has them, in the temporary folder. A piece is what is committed
 * at once. Invariants:
 * - a page is added to one piece, whole, before the next statement: what a piece holds and the segments' places at its end
 *   are the same moment;
 * - a page's lines go to the disk at once, in the order of the pages: little of them waits in memory;
 * - a file is shown when it is closed, and then never changes;
 * - the bytes of all pieces that are not released stay within the budget, but for the pages that are under way;
 * - files of released pieces are written over: the kernel has room for them already. There are never more files than were
 *   held at some time.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFault } from '../lines/write.ts';
import type { LocalFile } from '../port.ts';
import type { BufferPool } from './buffers.ts';
import type { Page } from './page.ts';

/** Sizes of data files are those of gzip, by which batches, rows and files are planned. */
const COMPRESSION = 8;
const HEAD = Buffer.from('{"Item":');
const TAIL = Buffer.from('}\n');

export interface SpoolOptions {
  readonly dir: string;
  readonly fileBytes: number;
  readonly pendingBytes: number;
  readonly budgetBytes: number;
  readonly pool: BufferPool;
}

/** A file that is being filled. */
interface Filling {
  readonly path: string;
  /** Whether it held lines of another piece. */
  readonly former: boolean;
  bytes: number;
  items: number;
}

/** What is committed at once: files of lines, the first of them shown while others are still to come. */
export class Piece {
  readonly index: number;
  /** Files that are closed. */
  readonly files: LocalFile[] = [];
  items = 0;
  scanned = 0;
  units = 0;
  bytes = 0;
  /** True once nothing is added any more. */
  ended = false;
  /** Files that are filled or written. */
  opened = 0;
  #failure: { readonly thrown: unknown } | undefined;
  #waiting: (() => void)[] = [];

  constructor(index: number) {
    this.index = index;
  }

  /** Resolves when there are more closed files than `known`, or none will come; throws what stopped the spool. */
  async more(known: number): Promise<boolean> {
    while (this.files.length <= known && !this.closed) {
      this.#check();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#check();
    return this.files.length > known;
  }

  /** Resolves when all its files are closed. */
  async whole(): Promise<void> {
    while (!this.closed) await this.more(this.files.length);
  }

  get closed(): boolean {
    return this.ended && this.files.length === this.opened;
  }

  wake(failure?: { readonly thrown: unknown }): void {
    this.#failure ??= failure;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown;
  }
}

export class Spool {
  readonly #options: SpoolOptions;
  #piece = new Piece(0);
  #filling: Filling | undefined;
  #pending = 0;
  #held = 0;
  /** Files of released pieces. */
  readonly #spare: string[] = [];
  #files = 0;
  /** All that is done with files, one after the other. */
  #writing: Promise<void> = Promise.resolve();
  /** The file that is written, open. */
  #file: FileHandle | undefined;
  #failure: { readonly thrown: unknown } | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /** The piece that pages are added to. */
  get piece(): Piece {
    return this.#piece;
  }

  /** Adds a page's items as lines. */
  add(page: Page, units: number): void {
    const piece = this.#piece;
    piece.items += page.items;
    piece.scanned += page.scanned;
    piece.units += units;
    if (page.items === 0) return;
    this.#filling ??= this.#begin(piece);
    const filling = this.#filling;
    const chunk = linesOf(page, this.#options.pool);
    filling.bytes += chunk.length;
    filling.items += page.items;
    piece.bytes += chunk.length;
    this.#held += chunk.length;
    this.#write(piece, filling, chunk);
    if (filling.bytes >= this.#options.fileBytes) this.#close();
  }

  /** Ends the piece; what is added from now on belongs to the next one. */
  cut(): Piece {
    const ended = this.#piece;
    this.#close();
    ended.ended = true;
    ended.wake();
    this.#piece = new Piece(ended.index + 1);
    return ended;
  }

  /** Resolves when there is room for another page; throws what stopped the spool. */
  async room(signal: AbortSignal): Promise<void> {
    const { pendingBytes, budgetBytes } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure.thrown;
      // A piece that alone is larger than the budget is cut before its next page.
      if (this.#pending < pendingBytes && (this.#held < budgetBytes || this.#held === this.#piece.bytes)) return;
      await this.#change(signal);
    }
  }

  /** Gives the room of a piece back. */
  release(piece: Piece): void {
    this.#spare.push(...piece.files.map(({ path }) => path));
    this.#held -= piece.bytes;
    this.#wake();
  }

  /** Waits for what is being written; a file that is not whole is left as it is. */
  async end(): Promise<void> {
    await this.#writing;
    // Nobody reads it, so whether it closes well is no matter, and must not hide what stopped the scan.
    await this.#file?.close().catch(() => undefined);
    this.#file = undefined;
  }

  #begin(piece: Piece): Filling {
    piece.opened += 1;
    const former = this.#spare.pop();
    const path = former ?? join(this.#options.dir, `${String(this.#files++).padStart(6, '0')}.json`);
    return { path, former: former !== undefined, bytes: 0, items: 0 };
  }

  #close(): void {
    const filling = this.#filling;
    const piece = this.#piece;
    if (filling === undefined) return;
    this.#filling = undefined;
    const index = piece.opened - 1;
    this.#then(piece, filling, async () => {
      if (filling.former) await this.#file?.truncate(filling.bytes);
      await this.#file?.close();
      this.#file = undefined;
      piece.files.push(fileOf(filling, piece.index, index));
      piece.wake();
    });
  }

  #write(piece: Piece, filling: Filling, chunk: Buffer): void {
    this.#pending += chunk.length;
    this.#then(piece, filling, async () => {
      this.#file ??= await open(filling.path, filling.former ? 'r+' : 'wx', 0o600);
      await this.#file.writeFile(chunk);
      this.#options.pool.give(chunk);
      this.#pending -= chunk.length;
    });
  }

  /** Does something with a file, behind all that came before; what fails stops the spool. */
  #then(piece: Piece, { path }: Filling, work: () => Promise<void>): void {
    this.#writing = this.#writing.then(async () => {
      if (this.#failure !== undefined) return;
      try {
        await work();
      } catch (thrown) {
        this.#failure = { thrown: writeFault(thrown, path) };
        piece.wake(this.#failure);
      }
      this.#wake();
    });
  }

  async #change(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const aborted = (): void => reject(signal.reason);
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.push(() => {
        signal.removeEventListener('abort', aborted);
        resolve();
      });
    });
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Copies each item, with what makes a line of it. */
function linesOf({ body, bounds, items }: Page, pool: BufferPool): Buffer {
  const lineBytes = HEAD.length + TAIL.length;
  let bytes = items * lineBytes;
  for (let at = 0; at < bounds.length; at += 2) bytes += (bounds[at + 1] ?? 0) - (bounds[at] ?? 0);
  const chunk = pool.take(bytes);
  let to = 0;
  for (let at = 0; at < bounds.length; at += 2) {
    to += HEAD.copy(chunk, to);
    to += body.copy(chunk, to, bounds[at], bounds[at + 1]);
    to += TAIL.copy(chunk, to);
  }
  return chunk;
}

function fileOf({ path, bytes, items }: Filling, piece: number, index: number): LocalFile {
  const name = `piece ${piece}, file ${index}`;
  const sizeBytes = Math.ceil(bytes / COMPRESSION);
  const source = { index, key: path.replace(/^\//, ''), manifestKey: name, itemCount: items, sizeBytes, etag: '' };
  return { source, path, tempBytes: bytes, rejects: [] };
}
