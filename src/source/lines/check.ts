import { type LineRules, parseLine } from './parse.ts';
import { MARGIN_BYTES, suspectsModule } from './suspects.ts';

/** What passed by: lines that are not blank, and whether the strict parser would take each that looked odd. */
export interface CheckedLines {
  readonly lines: number;
  readonly sound: boolean;
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
/** Nothing follows from it, wherever it stands. */
const PAD = 0x7b;
const BLOCK_BYTES = 16;
/** The longest line that is looked at; the engine refuses longer ones itself. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const PIECE_BYTES = 512 * 1024;
const PAGE_BYTES = 64 * 1024;
/** Lines begin here in the routine's memory. */
const BASE = 64;

interface Routine {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly scan: (at: number, end: number) => void;
  readonly block: { value: number };
  readonly mask: { value: number };
  readonly newlines: { value: number };
}

/** The part of WebAssembly that is used; Node has it, the language's own types do not. */
interface Assembly {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

let shared: { readonly routine: Routine; readonly bytes: Buffer } | undefined;

function scanner(): { readonly routine: Routine; readonly bytes: Buffer } {
  if (shared !== undefined) return shared;
  const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: Assembly }).WebAssembly;
  const pages = Math.ceil((BASE + MAX_LINE_BYTES + PIECE_BYTES + MARGIN_BYTES) / PAGE_BYTES);
  const routine = new Instance(new Module(suspectsModule(pages))).exports as Routine;
  shared = { routine, bytes: Buffer.from(routine.memory.buffer) };
  return shared;
}

/**
 * Looks at the bytes of a file of DynamoDB JSON lines as they pass: counts the lines, and finds those that an engine
 * would read although they are no sound items, such as `{"N":5}`, `{"BOOL":"true"}` or a member that is null. Only
 * lines that look odd to the routine are parsed.
 */
export class LineCheck {
  #open: Uint8Array[] = [];
  #openBytes = 0;
  /** Within a line that is too long. */
  #skipping = false;
  #lines = 0;
  #sound = true;
  readonly #rules: LineRules | undefined;

  /** `rules`: what the lines are; without them, those of a full export. */
  constructor(rules?: LineRules) {
    this.#rules = rules;
  }

  /** False once a line is not sound; what comes then need not be looked at. */
  get sound(): boolean {
    return this.#sound;
  }

  add(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) this.#piece(chunk.subarray(at, at + PIECE_BYTES));
  }

  /** Takes what follows the last newline for a line. */
  end(): CheckedLines {
    if (this.#openBytes > 0 || this.#skipping) this.#piece(Uint8Array.of(NEWLINE));
    return { lines: this.#lines, sound: this.#sound };
  }

  #piece(piece: Uint8Array): void {
    const last = piece.lastIndexOf(NEWLINE);
    if (last >= 0) this.#whole(piece.subarray(0, last + 1));
    const rest = piece.subarray(last + 1);
    if (rest.length === 0 || this.#skipping) return;
    this.#open.push(Uint8Array.from(rest));
    this.#openBytes += rest.length;
    if (this.#openBytes <= MAX_LINE_BYTES) return;
    [this.#open, this.#openBytes, this.#skipping] = [[], 0, true];
  }

  /** Looks at whole lines: those that are open, and these. */
  #whole(lines: Uint8Array): void {
    const { bytes } = scanner();
    const skipped = this.#skipping ? lines.indexOf(NEWLINE) + 1 : 0;
    if (this.#skipping) this.#lines += 1;
    this.#skipping = false;
    let end = BASE;
    for (const part of [...this.#open, lines.subarray(skipped)]) {
      bytes.set(part, end);
      end += part.length;
    }
    [this.#open, this.#openBytes] = [[], 0];
    bytes.fill(NEWLINE, 0, BASE);
    bytes.fill(PAD, end, end + MARGIN_BYTES);
    if (end > BASE) this.#scan(end);
  }

  #scan(end: number): void {
    const { routine, bytes } = scanner();
    routine.newlines.value = 0;
    let soundUntil = BASE;
    if (isBlank(bytes, BASE)) this.#lines -= 1;
    for (let at = BASE; at < end; at += BLOCK_BYTES) {
      routine.scan(at, end);
      at = routine.block.value;
      for (let mask = at < end ? routine.mask.value : 0; mask !== 0; mask &= mask - 1) {
        const suspect = at + 31 - Math.clz32(mask & -mask);
        if (bytes[suspect] === NEWLINE) this.#lines -= suspect + 1 < end && isBlank(bytes, suspect + 1) ? 1 : 0;
        else if (this.#sound && suspect >= soundUntil && !isEscaped(bytes, suspect)) {
          soundUntil = bytes.indexOf(NEWLINE, suspect);
          this.#sound = parseLine(bytes.subarray(bytes.lastIndexOf(NEWLINE, suspect) + 1, soundUntil), this.#rules).ok;
        }
      }
    }
    this.#lines += routine.newlines.value;
  }
}

/** Whether the line that begins here is blank. */
function isBlank(bytes: Buffer, start: number): boolean {
  let at = start;
  while (bytes[at] !== NEWLINE && (bytes[at] ?? PAD) <= SPACE) at += 1;
  return bytes[at] === NEWLINE;
}

/** Whether an odd number of backslashes stands before this quote. */
function isEscaped(bytes: Buffer, quote: number): boolean {
  let at = quote - 1;
  while (bytes[at] === BACKSLASH) at -= 1;
  return bytes[quote] === QUOTE && (quote - 1 - at) % 2 === 1;
}
