import type { ColumnType, TableSchema } from '../../model/schema.ts';
import { str } from '../sql/quote.ts';

/**
 * The value of COPY's FIELD_IDS option: every column, struct field, list element, map key and value by its id.
 * The engine takes wrong and missing ids without a word, so the test reads them back from the files.
 */
export function fieldIdsSql(schema: TableSchema): string {
  const plain = [...schema.derived, ...schema.system].map(({ name, id }) => `${str(name)}: ${id}`);
  return `{${[...schema.columns.map(({ name, id, type }) => `${str(name)}: ${ids(id, type)}`), ...plain].join(', ')}}`;
}

function ids(id: number, type: ColumnType): string {
  switch (type.kind) {
    case 'list':
      return nested(id, [`element: ${ids(type.element.id, type.element.type)}`]);
    case 'map':
      return nested(id, [`key: ${type.keyId}`, `value: ${ids(type.value.id, type.value.type)}`]);
    case 'struct':
      return nested(
        id,
        type.fields.map((field) => `${str(field.name)}: ${ids(field.id, field.type)}`),
      );
    default:
      return String(id);
  }
}

function nested(id: number, parts: readonly string[]): string {
  return `{__duckdb_field_id: ${[id, ...parts].join(', ')}}`;
}
