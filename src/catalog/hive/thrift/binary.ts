/**
 * Thrift's binary protocol, strict, without frames: how a Hive Metastore is spoken to. Big-endian, strings and
 * collections with a length of 32 bits before them, structs as fields with type and id up to a stop byte.
 */

/** Types as they stand before fields and elements. */
export const CODE = {
  STOP: 0,
  BOOL: 2,
  BYTE: 3,
  DOUBLE: 4,
  I16: 6,
  I32: 8,
  I64: 10,
  STRING: 11,
  STRUCT: 12,
  MAP: 13,
  SET: 14,
  LIST: 15,
} as const;

const DEPTH_MAX = 32;

/** What was received is not yet a whole message. */
export class Underrun extends Error {
  /** Bytes that there must be at least before another look is worth while. */
  readonly bytesMin: number;

  constructor(bytesMin: number) {
    super(`The message goes on beyond ${bytesMin} bytes.`);
    this.name = 'Underrun';
    this.bytesMin = bytesMin;
  }
}

/** What was received is no Thrift, or not of the kind that was asked for. */
export class ProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProtocolError';
  }
}

/** Collects the bytes of a message. */
export class ThriftWriter {
  #bytes = Buffer.alloc(1024);
  #size = 0;

  byte(value: number): void {
    this.#at(1, (at) => this.#bytes.writeUInt8(value, at));
  }

  i16(value: number): void {
    this.#at(2, (at) => this.#bytes.writeInt16BE(value, at));
  }

  i32(value: number): void {
    this.#at(4, (at) => this.#bytes.writeInt32BE(value, at));
  }

  i64(value: bigint): void {
    this.#at(8, (at) => this.#bytes.writeBigInt64BE(value, at));
  }

  string(value: string): void {
    this.i32(Buffer.byteLength(value));
    this.raw(Buffer.from(value));
  }

  raw(bytes: Uint8Array): void {
    this.#at(bytes.length, (at) => this.#bytes.set(bytes, at));
  }

  /** All that was written. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  #at(length: number, write: (at: number) => void): void {
    const size = this.#size + length;
    if (size > this.#bytes.length) {
      const larger = Buffer.alloc(2 * size);
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    write(this.#size);
    this.#size = size;
  }
}

/** Reads a message that may not be whole yet. */
export class ThriftReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** How many bytes have been read. */
  get position(): number {
    return this.#at;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  i16(): number {
    return this.#bytes.readInt16BE(this.#take(2));
  }

  i32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  i64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  /** The length of a string or a collection. */
  size(): number {
    const size = this.i32();
    if (size < 0) throw new ProtocolError(`A length of ${size}.`);
    return size;
  }

  string(): string {
    const size = this.size();
    const at = this.#take(size);
    return this.#bytes.toString('utf8', at, at + size);
  }

  /** Passes over a value, and gives its bytes. */
  skip(code: number, depth = 0): Buffer {
    if (depth > DEPTH_MAX) throw new ProtocolError(`More than ${DEPTH_MAX} levels.`);
    const from = this.#at;
    this.#pass(code, depth + 1);
    return Buffer.from(this.#bytes.subarray(from, this.#at));
  }

  #pass(code: number, depth: number): void {
    if (code === CODE.STRING) this.#take(this.size());
    else if (code === CODE.STRUCT) {
      for (let field = this.byte(); field !== CODE.STOP; field = this.byte()) {
        this.i16();
        this.skip(field, depth);
      }
    } else if (code === CODE.MAP) {
      const [key, value] = [this.byte(), this.byte()];
      for (let left = this.size(); left > 0; left -= 1) {
        this.skip(key, depth);
        this.skip(value, depth);
      }
    } else if (code === CODE.LIST || code === CODE.SET) {
      const element = this.byte();
      for (let left = this.size(); left > 0; left -= 1) this.skip(element, depth);
    } else this.#take(widthOf(code));
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw new Underrun(at + length);
    this.#at += length;
    return at;
  }
}

function widthOf(code: number): number {
  if (code === CODE.BOOL || code === CODE.BYTE) return 1;
  if (code === CODE.I16) return 2;
  if (code === CODE.I32) return 4;
  if (code === CODE.I64 || code === CODE.DOUBLE) return 8;
  throw new ProtocolError(`There is no type ${code}.`);
}
