import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeUtf8 } from '../source/lines/parse.ts';
import { appendRejects, REJECTS_FILE } from '../source/lines/rejects.ts';
import type { Reject } from '../source/port.ts';

/** A larger file is not looked through for rejects that are in it already. */
const KNOWN_CHARS_MAX = 64 * 1024 * 1024;

/** Items that were not loaded, on their way to a file: each once, also when a later run meets them again. */
export class RejectFile {
  readonly dir: string;
  readonly #exclude: readonly string[];
  #waiting: Reject[] = [];
  #known: Set<string> | undefined;
  #count = 0;

  constructor(dir: string, exclude: readonly string[]) {
    this.dir = dir;
    this.#exclude = exclude;
  }

  get path(): string {
    return join(this.dir, REJECTS_FILE);
  }

  get count(): number {
    return this.#count;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Rejects that the file holds already will not be written again. */
  async resume(): Promise<void> {
    const text = await readFile(this.path, 'utf8').catch(() => '');
    if (text.length <= KNOWN_CHARS_MAX) this.#known = new Set(text.split('\n'));
  }

  add(file: string, line: number, reason: string, raw: Buffer): void {
    this.#count += 1;
    const text = decodeUtf8(raw);
    // What shares memory with a chunk would keep it.
    const whole = text === undefined ? raw.toString('base64') : text;
    this.#waiting.push({ file, line, reason, text: whole, encoding: text === undefined ? 'base64' : 'utf8' });
  }

  async flush(): Promise<void> {
    const fresh = this.#waiting.filter((reject) => this.#known?.has(JSON.stringify(reject)) !== true);
    if (fresh.length > 0) await appendRejects(this.dir, fresh, { exclude: this.#exclude });
    this.#waiting = [];
  }
}
