/**
 * The table property `tailrace.mapping`: what the Iceberg schema cannot say of a column's origin in DynamoDB.
 * Names, ids and structure come from the schema; the mapping holds, by field id, only what differs from the
 * defaults: string ← S, long, decimal, double ← N, boolean ← BOOL, binary ← B, list ← L, struct and map ← M,
 * timestamptz ← an ISO text, and an attribute of the column's own name.
 */
import { TailraceError } from '../../model/errors.ts';
import type { ColumnType, Field, OriginTag, Slot, TableSchema, TimestampFormat } from '../../model/schema.ts';
import { defaultTag, TAGS } from '../../model/schema.ts';
import { fromParts, inParts } from './parts.ts';

/** Table property: the mapping as JSON; `.0`, `.1`, … are added when it comes in parts. */
export const MAPPING_PROPERTY = 'tailrace.mapping';

const FORMATS: readonly string[] = ['iso', 'iso-ms', 'iso-us', 'epoch-s', 'epoch-ms', 'epoch-us'];
const TEXT_KINDS = ['number-text', 'json', 'ddb-json'] as const;
type TextKind = (typeof TEXT_KINDS)[number];

/** e: an exact double, k: kind of a string column, f: format of a time, t: type tag, a: attribute name. */
export interface Origin {
  e?: 1;
  k?: TextKind;
  f?: TimestampFormat;
  t?: OriginTag;
  a?: string;
}

/** The JSON of the property. */
export interface Mapping {
  readonly version: 1;
  /** Field ids of the key, partition key first. */
  readonly keys: readonly number[];
  readonly fields: Readonly<Record<string, Origin>>;
  /** Derived columns by field id: the field id they come from, and the format. */
  readonly derived: Readonly<Record<string, readonly [from: number, format: TimestampFormat]>>;
}

/** The mapping as table properties: one, or numbered parts when it is long. */
export function mappingProperties(schema: TableSchema): Record<string, string> {
  const fields: Record<string, Origin> = {};
  for (const column of schema.columns) collectField(column, fields);
  const idOf = (name: string): number => columnNamed(schema, name).id;
  const mapping: Mapping = {
    version: 1,
    keys: schema.keys.map(idOf),
    fields,
    derived: Object.fromEntries(schema.derived.map((column) => [column.id, [idOf(column.from), column.format]])),
  };
  return inParts(MAPPING_PROPERTY, JSON.stringify(mapping));
}

function collectField(field: Field, fields: Record<string, Origin>): void {
  const origin = originOf(field.tag, field.type);
  if (field.attr !== field.name) origin.a = field.attr;
  if (Object.keys(origin).length > 0) fields[field.id] = origin;
  collectChildren(field.type, fields);
}

function collectSlot(slot: Slot, fields: Record<string, Origin>): void {
  const origin = originOf(slot.tag, slot.type);
  if (Object.keys(origin).length > 0) fields[slot.id] = origin;
  collectChildren(slot.type, fields);
}

function collectChildren(type: ColumnType, fields: Record<string, Origin>): void {
  if (type.kind === 'list') collectSlot(type.element, fields);
  if (type.kind === 'map') collectSlot(type.value, fields);
  if (type.kind === 'struct') for (const field of type.fields) collectField(field, fields);
}

function originOf(tag: OriginTag, type: ColumnType): Origin {
  const origin: Origin = {};
  if (type.kind === 'double' && type.exact === true) origin.e = 1;
  if (isTextKind(type.kind)) origin.k = type.kind;
  if (type.kind === 'timestamp' && type.format !== 'iso') origin.f = type.format;
  if (tag !== defaultTag(type)) origin.t = tag;
  return origin;
}

/** The mapping that the properties hold; undefined in a table of someone else's. */
export function readMapping(properties: Readonly<Record<string, string>>, place: string): Mapping | undefined {
  const text = fromParts(MAPPING_PROPERTY, properties);
  if (text === undefined) return undefined;
  try {
    const mapping = JSON.parse(text) as Mapping;
    if (mapping.version !== 1) throw new Error(`its version is ${String(mapping.version)}`);
    checkMapping(mapping);
    return mapping;
  } catch (error) {
    throw new TailraceError('TARGET_BAD', `The property ${MAPPING_PROPERTY} of the table cannot be read.`, {
      place,
      expected: 'version 1',
      found: error instanceof Error ? error.message : String(error),
      cause: error,
      hint: 'The table was written by a newer tailrace, or the property was edited. Use that version, or restore the property.',
    });
  }
}

function checkMapping(mapping: Mapping): void {
  for (const [id, origin] of Object.entries(mapping.fields)) {
    const known =
      (origin.t === undefined || origin.t === '*' || (TAGS as readonly string[]).includes(origin.t)) &&
      (origin.k === undefined || isTextKind(origin.k)) &&
      (origin.f === undefined || FORMATS.includes(origin.f));
    if (!known) throw new Error(`field ${id} is ${JSON.stringify(origin)}`);
  }
  for (const [id, [, format]] of Object.entries(mapping.derived)) {
    if (!FORMATS.includes(format)) throw new Error(`derived column ${id} has format ${String(format)}`);
  }
}

function columnNamed(schema: TableSchema, name: string): Field {
  const column = schema.columns.find((candidate) => candidate.name === name);
  if (column === undefined)
    throw new TailraceError('INTERNAL', `The schema names a column ${name} that it does not hold.`);
  return column;
}

function isTextKind(kind: string): kind is TextKind {
  return (TEXT_KINDS as readonly string[]).includes(kind);
}
