import { pathText } from '../../model/attribute-path.ts';
import type { ReportColumn } from '../../model/report.ts';
import { systemType, type TableSchema } from '../../model/schema.ts';
import { typeText } from '../../model/type-text.ts';

/** A table's columns as reports show them. */
export function reportColumns(schema: TableSchema): ReportColumn[] {
  return [
    ...schema.columns.map((column) => ({
      name: column.name,
      attribute: pathText([column.attr]),
      tag: column.tag,
      type: typeText(column.type),
      id: column.id,
    })),
    ...schema.derived.map((column) => ({ name: column.name, type: 'timestamptz', id: column.id })),
    ...schema.system.map((column) => ({ name: column.name, type: String(systemType(column.name)), id: column.id })),
  ];
}
