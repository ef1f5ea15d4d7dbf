import type { ColumnType, TableSchema } from './schema.ts';

/** The type as reports print it: `decimal(18,4)`, `list<string>`, `struct<city:string,zip:string>`. */
export function typeText(type: ColumnType): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'timestamp':
      return `timestamptz`;
    case 'number-text':
      return 'string (number)';
    case 'json':
      return 'string (json)';
    case 'ddb-json':
      return 'string (DynamoDB JSON)';
    case 'list':
      return `list<${typeText(type.element.type)}>`;
    case 'map':
      return `map<string,${typeText(type.value.type)}>`;
    case 'struct':
      return `struct<${type.fields.map((f) => `${f.name}:${typeText(f.type)}`).join(',')}>`;
    default:
      return type.kind;
  }
}

/** All column names of a table, in the order in which they are written. */
export function columnNames(schema: TableSchema): readonly string[] {
  return [...schema.columns, ...schema.derived, ...schema.system].map((column) => column.name);
}
