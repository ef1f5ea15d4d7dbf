import type { IcebergField, IcebergSchema, IcebergStruct, IcebergType } from '../../catalog/metadata/wire.ts';
import type { ColumnType, Field, PhysicalType, TableSchema } from '../../model/schema.ts';
import { physicalType, systemType } from '../../model/schema.ts';

/** One leaf column: its primitive type, and whether it lies below a list or a map. */
export interface Leaf {
  readonly type: string;
  readonly repeated: boolean;
}

/** The Iceberg schema of a table: columns, then derived, then system columns; keys are required identifier fields. */
export function icebergSchema(schema: TableSchema, schemaId: number): IcebergSchema {
  const keys = new Set(schema.keys);
  const fields: IcebergField[] = [
    ...schema.columns.map((column) => icebergField(column, keys.has(column.name))),
    ...schema.derived.map((column) => primitive(column.id, column.name, 'timestamptz')),
    ...schema.system.map((column) => primitive(column.id, column.name, systemType(column.name))),
  ];
  return { type: 'struct', 'schema-id': schemaId, fields, 'identifier-field-ids': identifierIds(schema) };
}

/** A full name, such as `a.b`, that two fields of a schema share: no Iceberg reader would open the table. */
export function ambiguousName(schema: IcebergStruct): string | undefined {
  const seen = new Set<string>();
  const walk = (name: string, type: IcebergType): string | undefined => {
    if (seen.has(name)) return name;
    seen.add(name);
    for (const [child, childType] of children(type)) {
      const found = walk(`${name}.${child}`, childType);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return schema.fields.map((field) => walk(field.name, field.type)).find((name) => name !== undefined);
}

/** Every leaf of a schema by field id. */
export function leaves(schema: IcebergStruct): ReadonlyMap<number, Leaf> {
  const found = new Map<number, Leaf>();
  for (const field of schema.fields) collectLeaves(field.id, field.type, false, found);
  return found;
}

/** The spec's default name mapping, for readers of files that carry no field ids. */
export function nameMapping(schema: IcebergStruct): string {
  return JSON.stringify(schema.fields.map((field) => mappedName(field.id, field.name, field.type)));
}

/** Whether two schemas are the same but for their id. */
export function sameSchema(a: IcebergSchema, b: IcebergSchema): boolean {
  const ids = (schema: IcebergSchema): readonly number[] =>
    [...(schema['identifier-field-ids'] ?? [])].sort((x, y) => x - y);
  return (
    JSON.stringify(plainFields(a)) === JSON.stringify(plainFields(b)) &&
    JSON.stringify(ids(a)) === JSON.stringify(ids(b))
  );
}

function identifierIds(schema: TableSchema): number[] {
  const keys = schema.keys.map((name) => schema.columns.find((column) => column.name === name));
  // Iceberg forbids floating point columns as identifiers.
  if (keys.some((key) => key === undefined || key.type.kind === 'double')) return [];
  return keys.flatMap((key) => (key === undefined ? [] : [key.id])).sort((a, b) => a - b);
}

function icebergField(field: Field, required: boolean): IcebergField {
  return { id: field.id, name: field.name, required, type: icebergType(field.type) };
}

function primitive(id: number, name: string, type: PhysicalType): IcebergField {
  return { id, name, required: false, type: primitiveName(type) };
}

function primitiveName(type: PhysicalType): string {
  return typeof type === 'string' ? type : `decimal(${type.decimal[0]}, ${type.decimal[1]})`;
}

function icebergType(type: ColumnType): IcebergType {
  switch (type.kind) {
    case 'struct':
      return { type: 'struct', fields: type.fields.map((field) => icebergField(field, false)) };
    case 'list':
      return {
        type: 'list',
        'element-id': type.element.id,
        element: icebergType(type.element.type),
        'element-required': false,
      };
    case 'map':
      return {
        type: 'map',
        'key-id': type.keyId,
        key: 'string',
        'value-id': type.value.id,
        value: icebergType(type.value.type),
        'value-required': false,
      };
    default:
      return primitiveName(physicalType(type) ?? 'string');
  }
}

function collectLeaves(id: number, type: IcebergType, repeated: boolean, found: Map<number, Leaf>): void {
  if (typeof type === 'string') found.set(id, { type, repeated });
  else if (type.type === 'struct')
    for (const field of type.fields) collectLeaves(field.id, field.type, repeated, found);
  else if (type.type === 'list') collectLeaves(type['element-id'], type.element, true, found);
  else {
    collectLeaves(type['key-id'], type.key, true, found);
    collectLeaves(type['value-id'], type.value, true, found);
  }
}

function children(type: IcebergType): readonly (readonly [name: string, type: IcebergType])[] {
  if (typeof type === 'string') return [];
  if (type.type === 'struct') return type.fields.map((field) => [field.name, field.type]);
  if (type.type === 'list') return [['element', type.element]];
  return [
    ['key', type.key],
    ['value', type.value],
  ];
}

interface MappedName {
  readonly 'field-id': number;
  readonly names: readonly string[];
  readonly fields?: readonly MappedName[];
}

function mappedName(id: number, name: string, type: IcebergType): MappedName {
  const fields = mappedChildren(type);
  return { 'field-id': id, names: [name], ...(fields === undefined ? {} : { fields }) };
}

function mappedChildren(type: IcebergType): readonly MappedName[] | undefined {
  if (typeof type === 'string') return undefined;
  if (type.type === 'struct') return type.fields.map((field) => mappedName(field.id, field.name, field.type));
  if (type.type === 'list') return [mappedName(type['element-id'], 'element', type.element)];
  return [mappedName(type['key-id'], 'key', type.key), mappedName(type['value-id'], 'value', type.value)];
}

function plainFields(struct: IcebergStruct): unknown {
  return struct.fields.map((field) => [field.id, field.name, field.required, plainType(field.type)]);
}

function plainType(type: IcebergType): unknown {
  if (typeof type === 'string') return type.replaceAll(' ', '');
  if (type.type === 'struct') return plainFields(type);
  if (type.type === 'list') return ['list', type['element-id'], type['element-required'], plainType(type.element)];
  return ['map', type['key-id'], plainType(type.key), type['value-id'], type['value-required'], plainType(type.value)];
}
