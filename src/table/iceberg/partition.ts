/** Partition tuples: the values of one file's partition fields, between the model, Avro and summaries. */

import type { IcebergSchema, PartitionSpec } from '../../catalog/metadata/wire.ts';
import { TailraceError } from '../../model/errors.ts';
import type { PartitionValue } from '../../model/table.ts';
import { leaves } from './schema.ts';
import { resultType } from './spec.ts';
import type { Value } from './value.ts';
import {
  bigEndian,
  compareValues,
  decimalOf,
  decimalSize,
  fixedBytes,
  parseDecimal,
  parseHex,
  printText,
  toBytes,
} from './value.ts';

/** One field of a spec as manifests encode it. */
export interface TupleField {
  readonly id: number;
  /** A name that Avro accepts. */
  readonly avroName: string;
  /** The transform's result type. */
  readonly type: string;
}

export type Tuple = readonly (Value | null)[];

/** What the manifest list says of one partition field of a manifest. */
export interface FieldSummary {
  readonly contains_null: boolean;
  readonly contains_nan: boolean | null;
  readonly lower_bound: Buffer | null;
  readonly upper_bound: Buffer | null;
}

/** The fields of a spec's tuples. `schemas`: all of the table's, because an old spec may name a dropped column. Of a
 * column that was promoted (a decimal of more digits, an int that became a long) the newest type counts. */
export function tupleFields(spec: PartitionSpec, schemas: readonly IcebergSchema[]): readonly TupleField[] {
  const names = new Set<string>();
  return spec.fields.map((field) => {
    const source = schemas
      .map((schema) => leaves(schema).get(field['source-id']))
      .findLast((leaf) => leaf !== undefined);
    const safe = avroName(field.name);
    const name = names.has(safe) ? `${safe}_${field['field-id']}` : safe;
    names.add(name);
    return { id: field['field-id'], avroName: name, type: resultType(field.transform, source?.type ?? 'string') };
  });
}

/** The model's partition values as a tuple. */
export function tupleOf(values: readonly PartitionValue[], fields: readonly TupleField[], place: string): Tuple {
  if (values.length !== fields.length) {
    throw new TailraceError(
      'INTERNAL',
      `A data file has ${values.length} partition values for ${fields.length} fields.`,
      { place },
    );
  }
  return fields.map((field, index) => {
    const value = fromModel(field.type, values[index] ?? null);
    if (value === undefined) {
      throw new TailraceError('INTERNAL', `A partition value of field ${field.avroName} is not a ${field.type}.`, {
        place,
        expected: field.type,
        found: String(values[index]),
      });
    }
    return value;
  });
}

/** A tuple as the model's partition values. */
export function partitionValues(tuple: Tuple, fields: readonly TupleField[]): readonly PartitionValue[] {
  return tuple.map((value, index) => {
    const type = fields[index]?.type ?? 'string';
    if (value === null) return null;
    return value instanceof Uint8Array || decimalOf(type) !== undefined ? printText(type, value) : value;
  });
}

/** The tuple as an Avro record. */
export function avroTuple(tuple: Tuple, fields: readonly TupleField[]): Record<string, unknown> {
  return Object.fromEntries(
    fields.map((field, index) => {
      const value = tuple[index] ?? null;
      const decimal = decimalOf(field.type);
      const fixed =
        decimal !== undefined && typeof value === 'bigint' ? fixedBytes(value, decimalSize(decimal.precision)) : value;
      return [field.avroName, fixed instanceof Uint8Array ? Buffer.from(fixed) : fixed];
    }),
  );
}

/** A value of an Avro record as a value of the field's type. */
export function fromAvro(type: string, value: unknown): Value | null {
  if (value instanceof Uint8Array) return decimalOf(type) === undefined ? value : bigEndian(value);
  if (typeof value === 'bigint' && (type === 'int' || type === 'date')) return Number(value);
  if (typeof value === 'number' && (type === 'long' || type.startsWith('timestamp'))) return BigInt(value);
  return typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    typeof value === 'boolean'
    ? value
    : null;
}

/** The Avro type of a tuple's field, without null. */
export function avroFieldType(field: TupleField): unknown {
  const decimal = decimalOf(field.type);
  if (decimal !== undefined) {
    return {
      type: 'fixed',
      name: `decimal_${field.id}`,
      size: decimalSize(decimal.precision),
      logicalType: 'decimal',
      ...decimal,
    };
  }
  switch (field.type) {
    case 'binary':
      return 'bytes';
    case 'date':
      return { type: 'int', logicalType: 'date' };
    case 'timestamptz':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true };
    case 'timestamp':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': false };
    default:
      return field.type;
  }
}

/** Summaries of all tuples of a manifest. A wrong one makes every reader skip the manifest silently. */
export function summarise(tuples: readonly Tuple[], fields: readonly TupleField[]): readonly FieldSummary[] {
  return fields.map((field, index) => {
    let lower: Value | null = null;
    let upper: Value | null = null;
    let containsNull = false;
    for (const tuple of tuples) {
      const value = tuple[index] ?? null;
      if (value === null) containsNull = true;
      else {
        if (lower === null || compareValues(value, lower) < 0) lower = value;
        if (upper === null || compareValues(value, upper) > 0) upper = value;
      }
    }
    return {
      contains_null: containsNull,
      contains_nan: false,
      lower_bound: lower === null ? null : (toBytes(field.type, lower) ?? null),
      upper_bound: upper === null ? null : (toBytes(field.type, upper) ?? null),
    };
  });
}

function fromModel(type: string, value: PartitionValue): Value | null | undefined {
  if (value === null) return null;
  const decimal = decimalOf(type);
  if (decimal !== undefined) return typeof value === 'string' ? parseDecimal(value, decimal.scale) : undefined;
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'binary':
      return typeof value === 'string' ? parseHex(value) : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'double':
      return typeof value === 'number' ? value : undefined;
    case 'int':
    case 'date':
      return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
    case 'long':
    case 'timestamptz':
      return typeof value === 'bigint' ? value : Number.isSafeInteger(value) ? BigInt(value) : undefined;
    default:
      return undefined;
  }
}

/** Iceberg's way to make a name that Avro accepts. */
function avroName(name: string): string {
  const safe = [...name]
    .map((char, index) => {
      if (/[A-Za-z_]/.test(char) || (index > 0 && /[0-9]/.test(char))) return char;
      return /[0-9]/.test(char) ? `_${char}` : `_x${(char.codePointAt(0) ?? 0).toString(16).toUpperCase()}`;
    })
    .join('');
  return safe === '' ? '_' : safe;
}
