/**
 * An Iceberg table's columns as a Metastore lists them: for people and for tools that know no Iceberg. Engines read the
 * table's own metadata.
 *
 * Columns stay where they are, and new ones come last, whatever their order in the table: a Metastore refuses a column
 * of another type at the place of an older one (`metastore.disallow.incompatible.col.type.changes`).
 */
import type { IcebergField, IcebergType, TableMetadata } from '../metadata/wire.ts';
import type { HiveColumn } from './api.ts';

const PRIMITIVES: Readonly<Record<string, string>> = {
  long: 'bigint',
  time: 'string',
  uuid: 'string',
  timestamptz: 'timestamp with local time zone',
};

/** As the Metastore's own database holds them. */
const COMMENT_MAX = 256;

/** The columns of the table's schema. `former`: what the Metastore lists now; comments of others stay. */
export function hiveColumns(metadata: TableMetadata, former: readonly HiveColumn[] = []): HiveColumn[] {
  const schema = metadata.schemas.find((one) => one['schema-id'] === metadata['current-schema-id']);
  // A Metastore keeps the names of columns in lower case.
  const fields = new Map((schema?.fields ?? []).map((field) => [field.name.toLowerCase(), field]));
  const columns: HiveColumn[] = [];
  for (const column of former) {
    const field = fields.get(column.name?.toLowerCase() ?? '');
    if (field === undefined) continue;
    fields.delete(field.name.toLowerCase());
    columns.push({ ...column, ...hiveColumn(field, column.comment) });
  }
  return [...columns, ...[...fields.values()].map((field) => hiveColumn(field))];
}

/** The type as Hive writes it. */
export function hiveType(type: IcebergType): string {
  if (typeof type === 'string') {
    if (type.startsWith('fixed')) return 'binary';
    return PRIMITIVES[type] ?? type.replaceAll(' ', '');
  }
  if (type.type === 'list') return `array<${hiveType(type.element)}>`;
  if (type.type === 'map') return `map<${hiveType(type.key)},${hiveType(type.value)}>`;
  return `struct<${type.fields.map((field) => `${field.name}:${hiveType(field.type)}`).join(',')}>`;
}

function hiveColumn(field: IcebergField, comment?: string): HiveColumn {
  const text = field.doc ?? comment;
  return {
    name: field.name.toLowerCase(),
    type: hiveType(field.type),
    ...(text !== undefined && { comment: text.slice(0, COMMENT_MAX) }),
  };
}
