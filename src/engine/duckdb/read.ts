import type { ColumnType, TableSchema } from '../../model/schema.ts';
import { ident, list, str } from '../sql/quote.ts';

/** The engine's name of a column type. */
export function duckType(type: ColumnType): string {
  switch (type.kind) {
    case 'string':
    case 'number-text':
    case 'json':
    case 'ddb-json':
      return 'VARCHAR';
    case 'long':
      return 'BIGINT';
    case 'decimal':
      return `DECIMAL(${type.precision}, ${type.scale})`;
    case 'double':
      return 'DOUBLE';
    case 'boolean':
      return 'BOOLEAN';
    case 'binary':
      return 'BLOB';
    case 'timestamp':
      return 'TIMESTAMPTZ';
    case 'list':
      return `${duckType(type.element.type)}[]`;
    case 'map':
      return `MAP(VARCHAR, ${duckType(type.value.type)})`;
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${ident(field.name)} ${duckType(field.type)}`).join(', ')})`;
  }
}

const SYSTEM_TYPES: Readonly<Record<string, string>> = { _written_at: 'TIMESTAMPTZ', _deleted: 'BOOLEAN' };

/** All columns of a table with their engine types: attributes, then derived, then system columns. */
export function tableColumns(
  schema: TableSchema,
): readonly { readonly id: number; readonly name: string; readonly type: string }[] {
  return [
    ...schema.columns.map(({ id, name, type }) => ({ id, name, type: duckType(type) })),
    ...schema.derived.map(({ id, name }) => ({ id, name, type: 'TIMESTAMPTZ' })),
    ...schema.system.map(({ id, name }) => ({ id, name, type: SYSTEM_TYPES[name] ?? 'VARCHAR' })),
  ];
}

/** A query with the table's columns and types, and no rows. */
export function emptyRelation(schema: TableSchema): string {
  const columns = tableColumns(schema).map(({ name, type }) => `CAST(NULL AS ${type}) AS ${ident(name)}`);
  return `SELECT ${columns.join(', ')} WHERE false`;
}

/** A query over the table's files. Columns are found by field id, so a file that lacks one gives NULLs. */
export function tableRelation(schema: TableSchema, localPaths: readonly string[]): string {
  if (localPaths.length === 0) return emptyRelation(schema);
  const columns = tableColumns(schema);
  const byId = columns.map(
    ({ id, name, type }) => `${id}: {name: ${str(name)}, type: ${str(type)}, default_value: NULL}`,
  );
  const names = columns.map(({ name }) => ident(name)).join(', ');
  return `SELECT ${names} FROM read_parquet(${list(localPaths)}, hive_partitioning = false, schema = MAP {${byId.join(', ')}})`;
}
