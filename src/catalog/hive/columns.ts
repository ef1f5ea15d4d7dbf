/**
 * An Iceberg table's columns as a Metastore lists them: for people and for tools that know no Iceberg. Engines read the
 * table's own metadata. The list is in the order of the table's schema, as all Iceberg writers write it: a Metastore
 * compares it place by place with the former one, and would refuse their next commit otherwise.
 */
import type { IcebergField, IcebergType, TableMetadata } from '../metadata/wire.ts';
import type { HiveColumn } from './api.ts';

const PRIMITIVES: Readonly<Record<string, string>> = {
  long: 'bigint',
  time: 'string',
  uuid: 'string',
  timestamptz: 'timestamp with local time zone',
};

// As the Metastore's own database holds them.
const NAME_MAX = 767;
const COMMENT_MAX = 256;

/** The columns of the table's schema. `former`: what the Metastore lists now; comments of others stay. */
export function hiveColumns(metadata: TableMetadata, former: readonly HiveColumn[] = []): HiveColumn[] {
  const schema = metadata.schemas.find((one) => one['schema-id'] === metadata['current-schema-id']);
  const comments = new Map(former.map(({ name, comment }) => [name, comment]));
  // A Metastore keeps the names of columns in lower case.
  const columns = new Map((schema?.fields ?? []).filter(fits).map((field) => [field.name.toLowerCase(), field]));
  return [...columns].map(([name, field]) => hiveColumn(name, field, comments.get(name)));
}

/** The first columns that are of the same types in both lists. */
export function sameTypes(former: readonly HiveColumn[], next: readonly HiveColumn[]): readonly HiveColumn[] {
  const differs = former.findIndex(({ type }, at) => type !== next[at]?.type);
  return differs < 0 ? former : former.slice(0, differs);
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

function hiveColumn(name: string, field: IcebergField, comment: string | undefined): HiveColumn {
  const text = field.doc ?? comment;
  return { name, type: hiveType(field.type), ...(text !== undefined && { comment: text.slice(0, COMMENT_MAX) }) };
}

/** Whether the Metastore's database can hold it. */
function fits(field: IcebergField): boolean {
  return field.name.length <= NAME_MAX && !`${field.name}${hiveType(field.type)}`.includes('\0');
}
