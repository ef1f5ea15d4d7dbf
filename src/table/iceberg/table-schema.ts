/** The table's schema, rebuilt: names, ids and structure from Iceberg's, origins from the mapping. */

import type { IcebergField, IcebergSchema, IcebergType } from '../../catalog/metadata/wire.ts';
import { TailraceError } from '../../model/errors.ts';
import type {
  ColumnType,
  DerivedColumn,
  Field,
  Slot,
  SystemColumn,
  SystemColumnName,
  TableSchema,
} from '../../model/schema.ts';
import { defaultTag, SYSTEM_COLUMNS } from '../../model/schema.ts';
import type { Mapping, Origin } from './mapping.ts';
import { readMapping } from './mapping.ts';
import { decimalOf } from './value.ts';

/** The table's schema from Iceberg's and the properties; a table of someone else's gets the defaults. */
export function tableSchema(
  schema: IcebergSchema,
  properties: Readonly<Record<string, string>>,
  lastFieldId: number,
  place: string,
): TableSchema {
  const mapping = readMapping(properties, place);
  const columns: Field[] = [];
  const derived: DerivedColumn[] = [];
  const system: SystemColumn[] = [];
  const names = new Map(schema.fields.map((field) => [field.id, field.name]));
  for (const field of schema.fields) {
    const from = mapping?.derived[field.id];
    if (mapping !== undefined && isSystemName(field.name)) system.push({ id: field.id, name: field.name });
    else if (from === undefined) columns.push(readField(field, mapping?.fields ?? {}, place));
    else derived.push({ id: field.id, name: field.name, from: names.get(from[0]) ?? '', format: from[1] });
  }
  const keyIds = mapping?.keys ?? schema['identifier-field-ids'] ?? [];
  return { columns, derived, system, keys: keyIds.flatMap((id) => names.get(id) ?? []), lastFieldId };
}

function readField(field: IcebergField, origins: Mapping['fields'], place: string): Field {
  const origin = origins[field.id] ?? {};
  const type = readType(field.id, field.type, origins, `${place}, column ${field.name}`);
  return { id: field.id, name: field.name, attr: origin.a ?? field.name, tag: origin.t ?? defaultTag(type), type };
}

function readSlot(id: number, wire: IcebergType, origins: Mapping['fields'], place: string): Slot {
  const type = readType(id, wire, origins, place);
  return { id, tag: origins[id]?.t ?? defaultTag(type), type };
}

function readType(id: number, wire: IcebergType, origins: Mapping['fields'], place: string): ColumnType {
  if (typeof wire === 'string') return readPrimitive(wire, origins[id] ?? {}, place);
  if (wire.type === 'struct')
    return { kind: 'struct', fields: wire.fields.map((field) => readField(field, origins, place)) };
  if (wire.type === 'list')
    return { kind: 'list', element: readSlot(wire['element-id'], wire.element, origins, place) };
  if (wire.key !== 'string') throw unsupported(`map with keys of ${JSON.stringify(wire.key)}`, place);
  return { kind: 'map', keyId: wire['key-id'], value: readSlot(wire['value-id'], wire.value, origins, place) };
}

function readPrimitive(wire: string, origin: Origin, place: string): ColumnType {
  const decimal = decimalOf(wire);
  if (decimal !== undefined) return { kind: 'decimal', ...decimal };
  switch (wire) {
    case 'string':
      return { kind: origin.k ?? 'string' };
    case 'int':
    case 'long':
      return { kind: 'long' };
    case 'float':
    case 'double':
      return origin.e === 1 ? { kind: 'double', exact: true } : { kind: 'double' };
    case 'boolean':
    case 'binary':
      return { kind: wire };
    case 'timestamptz':
      return { kind: 'timestamp', format: origin.f ?? 'iso' };
    default:
      throw unsupported(wire, place);
  }
}

function isSystemName(name: string): name is SystemColumnName {
  return (SYSTEM_COLUMNS as readonly string[]).includes(name);
}

function unsupported(type: string, place: string): TailraceError {
  return new TailraceError('TARGET_BAD', `The table has a column of type ${type}, which tailrace does not know.`, {
    place,
    found: type,
    hint: 'Choose another target, or drop the column.',
  });
}
