/**
 * Values of Iceberg's primitive types: parsed from the engine's text, printed back, compared, and serialised
 * as the spec's appendix D (single-value serialisation) has it. One table for column bounds, partition tuples
 * and summaries, so that they cannot disagree.
 *
 * In memory: int, date: number (days). long, timestamptz (µs): bigint. float, double: number.
 * decimal: the unscaled bigint. string: string. binary: Uint8Array. boolean: boolean.
 */

export type Value = boolean | number | bigint | string | Uint8Array;

const DECIMAL_TYPE = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/;

/** Precision and scale of `decimal(p, s)`; undefined for any other type. */
export function decimalOf(type: string): { readonly precision: number; readonly scale: number } | undefined {
  const match = DECIMAL_TYPE.exec(type);
  return match === null ? undefined : { precision: Number(match[1]), scale: Number(match[2]) };
}

/** The value that the engine printed, or undefined where the text is not certainly one of this type. */
export function parseText(type: string, text: string): Value | undefined {
  const decimal = decimalOf(type);
  if (decimal !== undefined) return parseDecimal(text, decimal.scale);
  switch (type) {
    case 'string':
      return text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'long':
      return /^-?\d+$/.test(text) ? BigInt(text) : undefined;
    case 'int':
      return /^-?\d+$/.test(text) ? Number(text) : undefined;
    case 'float':
    case 'double':
      return parseDouble(text);
    case 'binary':
      return parseHex(text);
    case 'timestamp':
    case 'timestamptz':
      return parseTimestamp(text);
    case 'date':
      return parseDate(text);
    default:
      return undefined;
  }
}

/** The engine's text for a value; the inverse of parseText. */
export function printText(type: string, value: Value): string {
  const decimal = decimalOf(type);
  if (decimal !== undefined && typeof value === 'bigint') return printDecimal(value, decimal.scale);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').toUpperCase();
  if (type === 'timestamptz' && typeof value === 'bigint') return `${printTimestamp(value)}+00`;
  if (type === 'timestamp' && typeof value === 'bigint') return printTimestamp(value);
  if (type === 'date' && typeof value === 'number') return new Date(value * 86_400_000).toISOString().slice(0, 10);
  return String(value);
}

/** The spec's binary single-value form; undefined for types that tailrace does not write. */
export function toBytes(type: string, value: Value): Buffer | undefined {
  if (typeof value === 'string') return type === 'string' ? Buffer.from(value, 'utf8') : undefined;
  if (value instanceof Uint8Array) return type === 'binary' ? Buffer.from(value) : undefined;
  if (typeof value === 'boolean') return Buffer.from([value ? 1 : 0]);
  if (typeof value === 'bigint') return decimalOf(type) === undefined ? longBytes(value) : minimalBytes(value);
  if (type === 'int' || type === 'date') {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return bytes;
  }
  const bytes = Buffer.alloc(type === 'float' ? 4 : 8);
  if (type === 'float') bytes.writeFloatLE(value);
  else bytes.writeDoubleLE(value);
  return bytes;
}

/** The value of a binary single-value form; undefined for unknown types and wrong lengths. */
export function fromBytes(type: string, bytes: Uint8Array): Value | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (decimalOf(type) !== undefined) return buffer.length === 0 ? undefined : bigEndian(buffer);
  switch (type) {
    case 'string':
      return buffer.toString('utf8');
    case 'binary':
      return buffer;
    case 'boolean':
      return buffer.length === 1 ? buffer[0] !== 0 : undefined;
    case 'int':
    case 'date':
      return buffer.length === 4 ? buffer.readInt32LE() : undefined;
    case 'float':
      return buffer.length === 4 ? buffer.readFloatLE() : undefined;
    case 'double':
      return buffer.length === 8 ? buffer.readDoubleLE() : undefined;
    case 'long':
    case 'timestamp':
    case 'timestamptz':
      // A column that was promoted from int keeps its old bounds of four bytes.
      return buffer.length === 8
        ? buffer.readBigInt64LE()
        : buffer.length === 4
          ? BigInt(buffer.readInt32LE())
          : undefined;
    default:
      return undefined;
  }
}

/** Order of two values of one type, as Iceberg compares: strings by code points, bytes unsigned. */
export function compareValues(a: Value, b: Value): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if (typeof a === 'string' && typeof b === 'string')
    return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Two's complement, big-endian, in exactly so many bytes (Avro's fixed decimals). */
export function fixedBytes(value: bigint, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let rest = value;
  for (let at = length - 1; at >= 0; at -= 1) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** The number in big-endian two's complement bytes. */
export function bigEndian(bytes: Uint8Array): bigint {
  const hex = Buffer.from(bytes).toString('hex');
  return hex === '' ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
}

/** Bytes that a decimal of this precision needs at least: Iceberg's size of an Avro fixed. */
export function decimalSize(precision: number): number {
  const largest = 10n ** BigInt(precision) - 1n;
  let length = 1;
  while (largest > (1n << BigInt(length * 8 - 1)) - 1n) length += 1;
  return length;
}

/** The unscaled value of plain decimal text; undefined when digits would be lost. */
export function parseDecimal(text: string, scale: number): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  if (match === null) return undefined;
  const fraction = match[3] ?? '';
  if (/[^0]/.test(fraction.slice(scale))) return undefined;
  const digits = BigInt(`${match[2]}${fraction.slice(0, scale).padEnd(scale, '0')}`);
  return match[1] === '-' ? -digits : digits;
}

/** Plain decimal text with exactly `scale` digits after the point. */
export function printDecimal(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${unscaled < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
}

/** Bytes of hex text; undefined for anything else. */
export function parseHex(text: string): Uint8Array | undefined {
  return /^(?:[0-9a-fA-F]{2})*$/.test(text) ? Buffer.from(text, 'hex') : undefined;
}

function parseDouble(text: string): number | undefined {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function longBytes(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

function minimalBytes(value: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length += 1;
  return fixedBytes(value, length);
}

function parseDate(text: string): number | undefined {
  const match = /^(\d{4,6})-(\d{2})-(\d{2})$/.exec(text);
  return match === null ? undefined : epochDay(Number(match[1]), Number(match[2]), Number(match[3]));
}

function parseTimestamp(text: string): bigint | undefined {
  const match = /^(\d{4,6}-\d{2}-\d{2})[ T](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(?:\+00(?::?00)?|Z)?$/.exec(text);
  if (match === null) return undefined;
  const day = parseDate(match[1] ?? '');
  if (day === undefined) return undefined;
  const seconds = BigInt(day) * 86_400n + BigInt(Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4]));
  return seconds * 1_000_000n + BigInt((match[5] ?? '').padEnd(6, '0'));
}

function printTimestamp(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const date = new Date(Number((micros - fraction) / 1000n));
  if (Number.isNaN(date.getTime())) return `${micros} microseconds`;
  const whole = date.toISOString();
  const [day = '', time = ''] = whole.replace(/^\+0*/, '').split('T');
  const digits = fraction === 0n ? '' : `.${fraction.toString().padStart(6, '0').replace(/0+$/, '')}`;
  return `${day} ${time.slice(0, 8)}${digits}`;
}

function epochDay(year: number, month: number, day: number): number {
  // Date.UTC takes years below 100 for 19xx.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime() / 86_400_000;
}
