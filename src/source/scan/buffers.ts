/** Buffers that are used again: fresh ones of a megabyte, page after page, keep the collector and the kernel busy. */
const STEP_BYTES = 512 * 1024;
/** Small ones are cheap to come by. */
const LEAST_BYTES = 64 * 1024;

export class BufferPool {
  readonly #free: ArrayBufferLike[] = [];
  readonly #most: number;

  /** Keeps at most so many that nobody uses. */
  constructor(most: number) {
    this.#most = most;
  }

  /** A buffer of this length; what it holds is whatever it held before. */
  take(bytes: number): Buffer {
    if (bytes < LEAST_BYTES) return Buffer.allocUnsafeSlow(bytes);
    const place = this.#free.findLastIndex(({ byteLength }) => byteLength >= bytes);
    const [memory] = place < 0 ? [] : this.#free.splice(place, 1);
    if (memory !== undefined) return Buffer.from(memory, 0, bytes);
    return Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES).subarray(0, bytes);
  }

  /** Takes a buffer back that nobody looks at any more; one that did not come from here is left alone. */
  give({ buffer, byteOffset }: Buffer): void {
    const fits = byteOffset === 0 && buffer.byteLength >= STEP_BYTES && buffer.byteLength % STEP_BYTES === 0;
    if (fits && this.#free.length < this.#most) this.#free.push(buffer);
  }
}
