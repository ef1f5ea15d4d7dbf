/** A longer line cannot come from an item of 400 KB, however it is escaped. Bounds what one line may take of memory. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

export interface Line {
  /** 1-based, blank lines counted. */
  readonly number: number;
  /** Without its line end. Shares memory with the chunk it came in. */
  readonly bytes: Buffer;
  /** True where only the first MAX_LINE_BYTES are kept. */
  readonly cut: boolean;
}

/** The lines of a stream of bytes, whatever its chunks; LF or CRLF; blank lines are counted, but not given out. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>, maxBytes = MAX_LINE_BYTES): AsyncGenerator<Line> {
  const open = new OpenLine(maxBytes);
  let number = 0;
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      open.add(bytes.subarray(start, end));
      start = end + 1;
      number += 1;
      const line = open.close(number);
      if (line !== undefined) yield line;
    }
    open.add(bytes.subarray(start));
  }
  const last = open.close(number + 1);
  if (last !== undefined) yield last;
}

/** Collects the pieces of the line that is being read; what goes beyond the limit is dropped and noted. */
class OpenLine {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #size = 0;
  #cut = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(piece: Buffer): void {
    const room = this.#maxBytes - this.#size;
    if (piece.length > room) this.#cut = true;
    const kept = piece.length > room ? piece.subarray(0, room) : piece;
    if (kept.length === 0) return;
    this.#pieces.push(kept);
    this.#size += kept.length;
  }

  close(number: number): Line | undefined {
    const whole =
      this.#pieces.length === 1 ? (this.#pieces[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#pieces, this.#size);
    const cut = this.#cut;
    this.#pieces = [];
    this.#size = 0;
    this.#cut = false;
    const bytes = whole.at(-1) === RETURN ? whole.subarray(0, -1) : whole;
    return isBlank(bytes) ? undefined : { number, bytes, cut };
  }
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) {
    if (byte !== 0x20 && byte !== 0x09 && byte !== RETURN) return false;
  }
  return true;
}
