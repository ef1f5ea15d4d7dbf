/**
 * How far an interrupted load had come: a small file with the user's state, replaced whole. It only saves work. Puts may
 * be repeated, so a record that is missing, torn, or of another input, table or version is passed over, and the load
 * begins anew; nothing is lost or doubled by it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFault } from '../source/lines/write.ts';
import { makeFolders } from '../storage/local/folders.ts';
import type { CellType } from './values/cells.ts';

const VERSION = 1;
export const STATE_FILE = 'load.json';

/** Where a load goes on. */
export interface Reached {
  /** Items of the input, or of the page, that are dealt with. */
  readonly items: number;
  /** The page of an API, with its address without secrets. */
  readonly page?: { readonly at: string; readonly number: number };
  /** Items of the pages before it. */
  readonly before: number;
  /** Types of columns, as the first page of CSV has them. */
  readonly types?: Readonly<Record<string, CellType>>;
}

interface Stored extends Reached {
  readonly version: number;
  readonly fingerprint: string;
  readonly digest: string;
}

/** The record of one input on its way into one table. */
export class LoadState {
  readonly #dir: string;
  /** Names the bytes, the table and the options: a load with other ones does not go on. */
  readonly #fingerprint: string;

  constructor(dir: string, parts: readonly unknown[]) {
    this.#dir = dir;
    this.#fingerprint = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  }

  get path(): string {
    return join(this.#dir, STATE_FILE);
  }

  /** Where to go on; undefined at the beginning. `stale`: there is a record, but not of this load. */
  async read(): Promise<{ readonly reached?: Reached; readonly stale: boolean }> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch {
      return { stale: false };
    }
    const stored = sound(text);
    if (stored === undefined || stored.fingerprint !== this.#fingerprint) return { stale: true };
    const { version: _, fingerprint: __, digest: ___, ...reached } = stored;
    return { reached, stale: false };
  }

  async save(reached: Reached): Promise<void> {
    const whole = { version: VERSION, fingerprint: this.#fingerprint, ...reached };
    const draft = `${this.path}.${randomUUID()}`;
    try {
      await makeFolders(this.#dir, 0o700);
      await writeFile(draft, JSON.stringify({ ...whole, digest: digestOf(whole) }), { mode: 0o600 });
      await rename(draft, this.path);
    } catch (thrown) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw writeFault(thrown, this.path);
    }
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

function digestOf(whole: object): string {
  return createHash('sha256').update(JSON.stringify(whole)).digest('hex');
}

function sound(text: string): Stored | undefined {
  try {
    const { digest, ...whole } = JSON.parse(text) as Stored;
    return digest === digestOf(whole) && whole.version === VERSION ? { ...whole, digest } : undefined;
  } catch {
    return undefined;
  }
}
