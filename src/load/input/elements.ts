/**
 * Cuts a JSON text into the items that it holds, as bytes, without reading them: the elements of an array, one document,
 * or several documents behind one another. Only strings and depth are followed, so that memory is bounded by one item,
 * and an item that is no good JSON can be refused alone, as long as its brackets and quotes are balanced.
 */
import { ELEMENT } from '../../model/attribute-path.ts';

/** A longer text cannot be an item of 400 KB, however it is spaced and escaped. */
export const MAX_ELEMENT_BYTES = 16 * 1024 * 1024;

export interface Element {
  /** 1-based. */
  readonly number: number;
  readonly bytes: Buffer;
  /** True where only the first MAX_ELEMENT_BYTES are kept. */
  readonly cut: boolean;
}

/** The text is no JSON from here on; what came before was good. */
export class BrokenJson extends Error {
  readonly offset: number;
  constructor(what: string, offset: number) {
    super(what);
    this.offset = offset;
  }
}

type State = 'value' | 'first-value' | 'key' | 'first-key' | 'in-key' | 'colon' | 'after' | 'swallow';

/** A container on the way to the items, or the array that holds them. */
interface Frame {
  readonly array: boolean;
  /** How many steps of the path lead to it. */
  readonly steps: number;
  readonly holdsItems: boolean;
  key: string;
  index: number;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_MAP = 0x7b;
const CLOSE_MAP = 0x7d;
const BOM = [0xef, 0xbb, 0xbf];

/** Takes chunks and gives the items that are complete. `path` leads from the document to its items. */
export class ElementCutter {
  readonly #path: readonly (string | number)[];
  readonly #maxBytes: number;
  readonly #frames: Frame[] = [];
  #state: State = 'value';
  #offset = 0;
  #count = 0;
  #found = false;
  // The value that is being passed over or kept.
  #kept: Buffer[] | undefined;
  #keptBytes = 0;
  #cut = false;
  #depth = 0;
  #quoted = false;
  #escaped = false;
  #scalar = false;
  #keyBytes: number[] = [];

  constructor(path: readonly (string | number)[] = [], maxBytes = MAX_ELEMENT_BYTES) {
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  /** Whether the path led anywhere so far. */
  get found(): boolean {
    return this.#found;
  }

  *push(chunk: Uint8Array): Generator<Element> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = this.#offset === 0 && BOM.every((byte, index) => bytes[index] === byte) ? BOM.length : 0;
    while (at < bytes.length) {
      if (this.#state === 'swallow') {
        const from = at;
        at = this.#swallow(bytes, at);
        this.#keep(bytes.subarray(from, at));
        if (this.#depth > 0 || this.#quoted || (this.#scalar && at === bytes.length)) continue;
        const element = this.#take();
        if (element !== undefined) yield element;
        continue;
      }
      // A value's first byte belongs to it.
      if (!this.#structure(bytes[at] as number, this.#offset + at)) at += 1;
    }
    this.#offset += bytes.length;
  }

  *end(): Generator<Element> {
    if (this.#state === 'swallow' && this.#scalar && !this.#quoted) {
      const element = this.#take();
      if (element !== undefined) yield element;
    }
    if (this.#state === 'swallow' || this.#frames.length > 0)
      throw new BrokenJson('the text ends before the JSON does', this.#offset);
  }

  /** Past as much of the value as these bytes hold. */
  #swallow(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length) {
      const byte = bytes[at] as number;
      if (this.#quoted) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) {
          this.#quoted = false;
          if (this.#depth === 0) return at + 1;
        }
      } else if (byte === QUOTE) this.#quoted = true;
      else if (byte === OPEN_MAP || byte === OPEN_LIST) this.#depth += 1;
      else if (byte === CLOSE_MAP || byte === CLOSE_LIST) {
        if (this.#depth === 0) return at;
        this.#depth -= 1;
        if (this.#depth === 0) return at + 1;
      } else if (this.#depth === 0 && (byte === COMMA || byte <= SPACE)) return at;
      at += 1;
    }
    return at;
  }

  #keep(piece: Buffer): void {
    if (this.#kept === undefined || piece.length === 0) return;
    const room = this.#maxBytes - this.#keptBytes;
    if (piece.length > room) this.#cut = true;
    const part = piece.length > room ? piece.subarray(0, room) : piece;
    if (part.length === 0) return;
    // The chunk's memory may be used again.
    this.#kept.push(Buffer.from(part));
    this.#keptBytes += part.length;
  }

  #take(): Element | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    this.#state = this.#frames.length === 0 ? 'value' : 'after';
    if (kept === undefined) return undefined;
    const bytes = kept.length === 1 && kept[0] !== undefined ? kept[0] : Buffer.concat(kept, this.#keptBytes);
    // `{"data": null}` is a page without items.
    if (this.#frames.at(-1)?.holdsItems !== true && this.#path.length > 0 && bytes.toString() === 'null')
      return undefined;
    this.#count += 1;
    return { number: this.#count, bytes, cut: this.#cut };
  }

  /** Takes one byte between values; true where a value begins with it. */
  #structure(byte: number, offset: number): boolean {
    const frame = this.#frames.at(-1);
    switch (this.#state) {
      case 'in-key':
        this.#keyByte(byte);
        return false;
      case 'first-value':
      case 'value':
        if (byte <= SPACE) return false;
        if (byte === CLOSE_LIST && this.#state === 'first-value') return this.#close();
        return this.#value(byte, offset);
      case 'first-key':
      case 'key':
        if (byte <= SPACE) return false;
        if (byte === CLOSE_MAP && this.#state === 'first-key') return this.#close();
        this.#key(byte, offset);
        return false;
      case 'colon':
        if (byte <= SPACE) return false;
        if (byte !== COLON) throw new BrokenJson('expected :', offset);
        this.#state = 'value';
        return false;
      default:
        if (byte <= SPACE) return false;
        if (frame !== undefined && byte === COMMA) {
          frame.index += 1;
          this.#state = frame.array ? 'value' : 'key';
          return false;
        }
        if (frame !== undefined && byte === (frame.array ? CLOSE_LIST : CLOSE_MAP)) return this.#close();
        throw new BrokenJson(`expected , or ${frame?.array === false ? '}' : ']'}`, offset);
    }
  }

  #key(byte: number, offset: number): void {
    if (byte !== QUOTE) throw new BrokenJson('expected a name in quotes', offset);
    this.#keyBytes = [byte];
    this.#escaped = false;
    this.#state = 'in-key';
  }

  #keyByte(byte: number): void {
    this.#keyBytes.push(byte);
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) {
      const frame = this.#frames.at(-1);
      if (frame !== undefined) frame.key = nameOf(Buffer.from(this.#keyBytes));
      this.#state = 'colon';
    }
  }

  #close(): false {
    this.#frames.pop();
    this.#state = this.#frames.length === 0 ? 'value' : 'after';
    return false;
  }

  /** A value begins: one of the items, something that leads to them, or something else. */
  #value(byte: number, offset: number): boolean {
    if (byte === COMMA || byte === COLON || byte === CLOSE_LIST || byte === CLOSE_MAP)
      throw new BrokenJson('expected a value', offset);
    const frame = this.#frames.at(-1);
    if (frame?.holdsItems === true) return this.#begin(byte, true);
    const steps = frame === undefined ? 0 : this.#matches(frame) ? frame.steps + 1 : undefined;
    if (steps === undefined) return this.#begin(byte, false);
    const arrived = steps === this.#path.length;
    if (arrived) this.#found = true;
    if (arrived && byte !== OPEN_LIST) return this.#begin(byte, true);
    if (byte !== OPEN_LIST && byte !== OPEN_MAP) return this.#begin(byte, false);
    const array = byte === OPEN_LIST;
    this.#frames.push({ array, steps, holdsItems: arrived, key: '', index: 0 });
    // The bracket is passed by the caller.
    this.#state = array ? 'first-value' : 'first-key';
    return false;
  }

  #matches(frame: Frame): boolean {
    const step = this.#path[frame.steps];
    return frame.array ? step === ELEMENT || step === frame.index : step === frame.key;
  }

  #begin(byte: number, keep: boolean): true {
    this.#state = 'swallow';
    this.#kept = keep ? [] : undefined;
    this.#keptBytes = 0;
    this.#cut = false;
    this.#depth = 0;
    this.#quoted = false;
    this.#escaped = false;
    this.#scalar = byte !== OPEN_MAP && byte !== OPEN_LIST && byte !== QUOTE;
    return true;
  }
}

function nameOf(quoted: Buffer): string {
  try {
    return JSON.parse(quoted.toString()) as string;
  } catch {
    return '';
  }
}

/** The items of a stream of JSON. Throws BrokenJson behind the last that could be cut. */
export async function* cutElements(
  chunks: AsyncIterable<Uint8Array>,
  path: readonly (string | number)[] = [],
): AsyncGenerator<Element> {
  const cutter = new ElementCutter(path);
  for await (const chunk of chunks) yield* cutter.push(chunk);
  yield* cutter.end();
  if (!cutter.found && path.length > 0) throw new BrokenJson('the path leads nowhere', 0);
}
