/**
 * An Iceberg table's columns as Glue shows them. People and lists of columns read them; engines read the table's own
 * metadata. Types and parameters are those that Iceberg's own writers give, so that no two writers undo each other.
 */
import type { Column } from '@aws-sdk/client-glue';
import type { IcebergField, IcebergType, TableMetadata } from '../metadata/wire.ts';

const PRIMITIVES: Readonly<Record<string, string>> = {
  int: 'int',
  long: 'bigint',
  time: 'string',
  uuid: 'string',
  timestamptz: 'timestamp',
};

// Glue's limits: one line each.
const NAME_MAX = 255;
const COMMENT_MAX = 255;
const TYPE_MAX = 131_072;
const ONE_LINE = /^[^\0-\x08\x0a-\x1f]+$/;

/**
 * The columns of the current schema, then those that only older ones have. `former`: what Glue shows now; comments and
 * parameters that others put there stay. A name or type that Glue cannot take is left out.
 */
export function glueColumns(metadata: TableMetadata, former: readonly Column[] = []): Column[] {
  const current = metadata['current-schema-id'];
  const schemas = [...metadata.schemas].sort(
    (a, b) => Number(b['schema-id'] === current) - Number(a['schema-id'] === current),
  );
  const before = new Map(former.map((column) => [column.Name?.toLowerCase(), column]));
  const columns = new Map<string, Column>();
  for (const schema of schemas) {
    for (const field of schema.fields) {
      // Glue takes names that differ only in case for the same.
      const name = field.name.toLowerCase();
      if (columns.has(name)) continue;
      const column = glueColumn(field, schema['schema-id'] === current, before.get(name));
      if (fits(column)) columns.set(name, column);
    }
  }
  return [...columns.values()];
}

/** The type as Hive and Athena write it. */
export function glueType(type: IcebergType): string {
  if (typeof type === 'string') {
    if (type.startsWith('fixed')) return 'binary';
    return PRIMITIVES[type] ?? type.replaceAll(' ', '');
  }
  if (type.type === 'list') return `array<${glueType(type.element)}>`;
  if (type.type === 'map') return `map<${glueType(type.key)},${glueType(type.value)}>`;
  return `struct<${type.fields.map((field) => `${field.name}:${glueType(field.type)}`).join(',')}>`;
}

function glueColumn(field: IcebergField, current: boolean, former: Column | undefined): Column {
  const comment = field.doc ?? former?.Comment;
  return {
    Name: field.name,
    Type: glueType(field.type),
    ...(comment === undefined || comment === '' ? {} : { Comment: oneLine(comment) }),
    Parameters: {
      ...former?.Parameters,
      'iceberg.field.id': String(field.id),
      'iceberg.field.optional': String(!field.required),
      'iceberg.field.current': String(current),
    },
  };
}

function fits({ Name = '', Type = '' }: Column): boolean {
  return Name.length <= NAME_MAX && Type.length <= TYPE_MAX && ONE_LINE.test(Name) && ONE_LINE.test(Type);
}

function oneLine(text: string): string {
  return text.replace(/[\0-\x1f]+/g, ' ').slice(0, COMMENT_MAX);
}
