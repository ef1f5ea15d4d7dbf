/**
 * Avro object container files. avsc encodes and decodes the bodies; the header is written here, because avsc drops
 * from a schema what Iceberg needs in it (field ids, logical types).
 */
import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Type } from 'avsc';
import { TailraceError } from '../../model/errors.ts';

/** Raw bytes of a block before it is compressed. */
const BLOCK_BYTES = 256 * 1024;
const PRIMITIVES = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']);
const MAGIC = Buffer.from('Obj\x01', 'latin1');

export interface AvroFile {
  readonly header: ReadonlyMap<string, Buffer>;
  /** The parsed `avro.schema`, with everything that its writer put there. */
  readonly schema: unknown;
  readonly records: readonly unknown[];
}

/** Compiling a type takes some milliseconds; a table's manifests have few schemas, and a run reads them often. */
const types = new Map<string, Promise<Type>>();
const TYPES_KEPT = 32;

/** The type of an Avro schema, with 64-bit integers as bigint. */
export function avroType(schema: unknown): Promise<Type> {
  const text = JSON.stringify(schema);
  const known = types.get(text);
  if (known !== undefined) return known;
  const type = compiledType(schema);
  if (types.size >= TYPES_KEPT) types.clear();
  types.set(text, type);
  return type;
}

async function compiledType(schema: unknown): Promise<Type> {
  const { default: avro } = await import('avsc');
  const long = avro.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(value);
      return bytes;
    },
    fromJSON: BigInt,
    toJSON: Number,
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
  });
  return avro.Type.forSchema(bodySchema(schema) as Parameters<typeof avro.Type.forSchema>[0], {
    registry: { long },
    wrapUnions: 'never',
  });
}

/** The schema without what says nothing of the bytes: avsc takes its own, narrow long for an annotated one. */
function bodySchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(bodySchema);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries: Readonly<Record<string, unknown>> = { ...schema };
  if (typeof entries['type'] === 'string' && PRIMITIVES.has(entries['type']) && !('name' in entries))
    return entries['type'];
  return Object.fromEntries(
    Object.entries(entries)
      .filter(([key]) => key !== 'logicalType')
      .map(([key, value]) => [key, key === 'default' ? value : bodySchema(value)]),
  );
}

/** A container file of records that are encoded already; the same input gives the same bytes. */
export function avroFile(
  schema: unknown,
  header: Readonly<Record<string, string>>,
  records: readonly Buffer[],
): Buffer {
  const text = { ...header, 'avro.schema': JSON.stringify(schema), 'avro.codec': 'deflate' };
  const sync = createHash('md5').update(JSON.stringify(text)).digest();
  const parts: Buffer[] = [MAGIC, mapBytes(text), sync];
  let block: Buffer[] = [];
  let size = 0;
  const flush = (): void => {
    if (block.length === 0) return;
    const body = deflateRawSync(Buffer.concat(block));
    parts.push(varint(BigInt(block.length)), varint(BigInt(body.length)), body, sync);
    block = [];
    size = 0;
  };
  for (const record of records) {
    block.push(record);
    size += record.length;
    if (size >= BLOCK_BYTES) flush();
  }
  flush();
  return Buffer.concat(parts);
}

/** Reads a container file with the schema that it carries. `place` is its URI, for errors. */
export async function readAvroFile(bytes: Uint8Array, place: string): Promise<AvroFile> {
  try {
    return await decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), place);
  } catch (error) {
    if (error instanceof TailraceError) throw error;
    throw new TailraceError('TARGET_BAD', `${place} is not a readable Avro file.`, {
      place,
      cause: error,
      hint: 'The table is damaged; restore the file from a backup or a replica.',
    });
  }
}

async function decode(bytes: Buffer, place: string): Promise<AvroFile> {
  if (!bytes.subarray(0, 4).equals(MAGIC)) throw new Error('it does not begin with Obj1');
  const reader = { bytes, at: 4 };
  const header = readMap(reader);
  const sync = take(reader, 16);
  const codec = header.get('avro.codec')?.toString('utf8') ?? 'null';
  if (codec !== 'deflate' && codec !== 'null') {
    throw new TailraceError('TARGET_BAD', `${place} is compressed with ${codec}.`, {
      place,
      expected: 'deflate or null',
      found: codec,
      hint: "Set the table property 'write.avro.compression-codec' to 'gzip' and rewrite the table's manifests.",
    });
  }
  const schema: unknown = JSON.parse(header.get('avro.schema')?.toString('utf8') ?? '');
  const type = await avroType(schema);
  const records: unknown[] = [];
  while (reader.at < bytes.length) {
    const count = Number(readVarint(reader));
    const raw = take(reader, Number(readVarint(reader)));
    const body = codec === 'deflate' ? inflateRawSync(raw) : raw;
    if (!take(reader, 16).equals(sync)) throw new Error('a sync marker is wrong');
    let at = 0;
    for (let n = 0; n < count; n += 1) {
      const { value, offset } = type.decode(body, at);
      if (offset < 0) throw new Error('a block is cut short');
      records.push(value);
      at = offset;
    }
  }
  return { header, schema, records };
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

function take(reader: Reader, length: number): Buffer {
  if (length < 0 || reader.at + length > reader.bytes.length) throw new Error('it is cut short');
  const part = reader.bytes.subarray(reader.at, reader.at + length);
  reader.at += length;
  return part;
}

function readVarint(reader: Reader): bigint {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = take(reader, 1)[0] ?? 0;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return (value >> 1n) ^ -(value & 1n);
    if (shift > 63n) throw new Error('a number is too long');
  }
}

function varint(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

function readMap(reader: Reader): Map<string, Buffer> {
  const map = new Map<string, Buffer>();
  for (;;) {
    let count = readVarint(reader);
    if (count === 0n) return map;
    if (count < 0n) {
      count = -count;
      readVarint(reader);
    }
    for (; count > 0n; count -= 1n) {
      const key = take(reader, Number(readVarint(reader))).toString('utf8');
      map.set(key, take(reader, Number(readVarint(reader))));
    }
  }
}

function mapBytes(entries: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  const list = Object.entries(entries);
  if (list.length > 0) parts.push(varint(BigInt(list.length)));
  for (const [key, value] of list) {
    for (const text of [key, value]) {
      const bytes = Buffer.from(text, 'utf8');
      parts.push(varint(BigInt(bytes.length)), bytes);
    }
  }
  return Buffer.concat([...parts, varint(0n)]);
}
