/**
 * Partition specs and sort orders. Old ones are kept, because old manifests name them; an equal one is used
 * again; a partition field's id is never given to another field.
 */

import type {
  IcebergStruct,
  IcebergType,
  PartitionSpec,
  SortOrder,
  SortOrderField,
  SpecField,
} from '../../catalog/metadata/wire.ts';
import { TailraceError } from '../../model/errors.ts';
import type { TableSchema } from '../../model/schema.ts';
import type { PartitionField, SortField, TransformName } from '../../model/table.ts';

/** Ids of partition fields begin here. */
export const FIRST_PARTITION_ID = 1000;

/** The spec to use for these fields, and the table's highest partition field id after it. */
export function evolveSpec(
  fields: readonly PartitionField[],
  schema: TableSchema,
  former: readonly PartitionSpec[],
  lastPartitionId: number,
): { readonly spec: PartitionSpec; readonly lastPartitionId: number } {
  const known = former.flatMap((spec) => spec.fields);
  let last = Math.max(lastPartitionId, FIRST_PARTITION_ID - 1);
  const taken = new Set(topLevelNames(schema));
  const wire = fields.map((field): SpecField => {
    const sourceId = columnId(schema, field.column);
    const transform = transformText(field);
    const name = freeName(field, taken);
    taken.add(name);
    const same = known.find((old) => old['source-id'] === sourceId && old.transform === transform && old.name === name);
    if (same === undefined) last += 1;
    return { name, transform, 'source-id': sourceId, 'field-id': same?.['field-id'] ?? last };
  });
  const equal = former.find((spec) => sameFields(spec.fields, wire));
  const specId =
    equal?.['spec-id'] ??
    nextId(
      former.map((spec) => spec['spec-id']),
      0,
    );
  return { spec: equal ?? { 'spec-id': specId, fields: wire }, lastPartitionId: last };
}

/** The sort order to use for these fields; order 0 is "unsorted". */
export function evolveSortOrder(
  fields: readonly SortField[],
  schema: TableSchema,
  former: readonly SortOrder[],
): SortOrder {
  const wire = fields.map(
    (field): SortOrderField => ({
      transform: 'identity',
      'source-id': columnId(schema, field.column),
      direction: field.descending ? 'desc' : 'asc',
      'null-order': field.nullsFirst ? 'nulls-first' : 'nulls-last',
    }),
  );
  const equal = former.find((order) => JSON.stringify(order.fields.map(sortKey)) === JSON.stringify(wire.map(sortKey)));
  if (equal !== undefined) return equal;
  return {
    'order-id':
      wire.length === 0
        ? 0
        : nextId(
            former.map((order) => order['order-id']),
            1,
          ),
    fields: wire,
  };
}

/** The model's partition fields of a spec; a transform that tailrace does not know is TARGET_BAD. */
export function partitionFields(spec: PartitionSpec, schema: IcebergStruct, place: string): readonly PartitionField[] {
  return spec.fields
    .filter((field) => field.transform !== 'void')
    .map((field) => {
      const column = schema.fields.find((candidate) => candidate.id === field['source-id'])?.name;
      const parsed = parseTransform(field.transform);
      if (column === undefined || parsed === undefined) {
        throw new TailraceError(
          'TARGET_BAD',
          `The table is partitioned in a way that tailrace does not know: ${field.transform}.`,
          {
            place,
            expected: 'identity, bucket, truncate, year, month, day or hour of a column',
            found: `${field.transform} of field ${field['source-id']}`,
            hint: 'Choose another target.',
          },
        );
      }
      return { column, name: field.name, ...parsed };
    });
}

/** The model's sort fields; orders by a transform, or of nested fields, are left out. */
export function sortFields(order: SortOrder | undefined, schema: IcebergStruct): readonly SortField[] {
  return (order?.fields ?? []).flatMap((field) => {
    const column = schema.fields.find((candidate) => candidate.id === field['source-id'])?.name;
    if (column === undefined || field.transform !== 'identity') return [];
    return [{ column, descending: field.direction === 'desc', nullsFirst: field['null-order'] === 'nulls-first' }];
  });
}

/** The type of a transform's result, by which tuples and summaries are encoded. */
export function resultType(transform: string, source: IcebergType): string {
  if (transform.startsWith('bucket[') || transform === 'year' || transform === 'month' || transform === 'hour')
    return 'int';
  if (transform === 'day') return 'date';
  return typeof source === 'string' ? source : 'string';
}

/** `bucket[16]` as name and width. */
export function parseTransform(
  text: string,
): { readonly transform: TransformName; readonly width?: number } | undefined {
  const sized = /^(bucket|truncate)\[(\d+)\]$/.exec(text);
  if (sized !== null) return { transform: sized[1] === 'bucket' ? 'bucket' : 'truncate', width: Number(sized[2]) };
  switch (text) {
    case 'identity':
    case 'year':
    case 'month':
    case 'day':
    case 'hour':
      return { transform: text };
    default:
      return undefined;
  }
}

function transformText(field: PartitionField): string {
  return field.transform === 'bucket' || field.transform === 'truncate'
    ? `${field.transform}[${field.width ?? 0}]`
    : field.transform;
}

/** Iceberg forbids a partition field with a column's name, unless it is that column's identity. */
function freeName(field: PartitionField, taken: ReadonlySet<string>): string {
  if (field.transform === 'identity' && field.name === field.column) return field.name;
  let name = field.name;
  for (let n = 2; taken.has(name); n += 1) name = `${field.name}_${n}`;
  return name;
}

function topLevelNames(schema: TableSchema): readonly string[] {
  return [...schema.columns, ...schema.derived, ...schema.system].map((column) => column.name);
}

function columnId(schema: TableSchema, name: string): number {
  const column = [...schema.columns, ...schema.derived, ...schema.system].find((candidate) => candidate.name === name);
  if (column === undefined)
    throw new TailraceError('INTERNAL', `The table has no column ${name} to partition or sort by.`);
  return column.id;
}

function sameFields(a: readonly SpecField[], b: readonly SpecField[]): boolean {
  const key = (field: SpecField): unknown => [field.name, field.transform, field['source-id'], field['field-id']];
  return JSON.stringify(a.map(key)) === JSON.stringify(b.map(key));
}

function sortKey(field: SortOrderField): unknown {
  return [field.transform, field['source-id'], field.direction, field['null-order']];
}

function nextId(ids: readonly number[], first: number): number {
  return ids.reduce((most, id) => Math.max(most, id + 1), first);
}
