/** Iceberg's partition transforms, written from the spec for the tests: what the engine computes in earnest. */
import type { ColumnType } from '../../../src/model/schema.ts';
import type { PartitionField, PartitionValue } from '../../../src/model/table.ts';
import { fixedBytes, parseDecimal, parseText, printDecimal } from '../../../src/table/iceberg/value.ts';

/** The partition value of a column's text as the engine prints it. */
export function transformed(field: PartitionField, kind: ColumnType['kind'], text: string): PartitionValue {
  switch (field.transform) {
    case 'identity':
      return identity(kind, text);
    case 'bucket':
      return ((murmur3(hashBytes(kind, text)) & 0x7fffffff) >>> 0) % (field.width ?? 1);
    case 'truncate':
      return truncate(kind, text, field.width ?? 1);
    default: {
      const micros = parseText('timestamptz', text);
      if (typeof micros !== 'bigint') throw new Error(text);
      const date = new Date(Number(micros / 1000n));
      if (field.transform === 'year') return date.getUTCFullYear() - 1970;
      if (field.transform === 'month') return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
      return floorDiv(Number(micros / 1_000_000n), field.transform === 'day' ? 86_400 : 3600);
    }
  }
}

function identity(kind: ColumnType['kind'], text: string): PartitionValue {
  if (kind === 'long') return BigInt(text);
  if (kind === 'boolean') return text === 'true';
  if (kind === 'double') return Number(text);
  if (kind === 'timestamp') return parseText('timestamptz', text) as bigint;
  return text;
}

function truncate(kind: ColumnType['kind'], text: string, width: number): PartitionValue {
  const floor = (value: bigint): bigint => value - (((value % BigInt(width)) + BigInt(width)) % BigInt(width));
  if (kind === 'long') return floor(BigInt(text));
  if (kind === 'decimal') {
    const scale = (text.split('.')[1] ?? '').length;
    return printDecimal(floor(parseDecimal(text, scale) ?? 0n), scale);
  }
  return kind === 'binary' ? text.slice(0, width * 2) : [...text].slice(0, width).join('');
}

function hashBytes(kind: ColumnType['kind'], text: string): Buffer {
  if (kind === 'binary') return Buffer.from(text, 'hex');
  if (kind === 'decimal') {
    const unscaled = parseDecimal(text, (text.split('.')[1] ?? '').length) ?? 0n;
    let length = 1;
    while (BigInt.asIntN(length * 8, unscaled) !== unscaled) length += 1;
    return fixedBytes(unscaled, length);
  }
  if (kind !== 'long') return Buffer.from(text, 'utf8');
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(text));
  return bytes;
}

function floorDiv(value: number, by: number): number {
  return Math.floor(value / by);
}

/** MurmurHash3, x86, 32 bits, seed 0. */
export function murmur3(bytes: Buffer): number {
  const mix = (k: number): number => {
    const first = Math.imul(k, 0xcc9e2d51);
    return Math.imul((first << 15) | (first >>> 17), 0x1b873593);
  };
  let hash = 0;
  const whole = bytes.length - (bytes.length % 4);
  for (let at = 0; at < whole; at += 4) {
    hash ^= mix(bytes.readInt32LE(at));
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= whole; at -= 1) tail = (tail << 8) | (bytes[at] ?? 0);
  if (whole < bytes.length) hash ^= mix(tail);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
