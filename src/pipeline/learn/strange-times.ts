import type { ColumnType, TableSchema } from '../../model/schema.ts';
import type { DataFile } from '../../model/table.ts';
import type { MapNode, ValueNode } from '../../schema/structure.ts';
import { EPOCH_YEARS, tagOfFormat } from '../../schema/times.ts';

type Stats = readonly Pick<DataFile, 'stats'>[];

/**
 * Numbers that a column of times holds although they are too small or too large to be taken for times: the column's
 * bounds tell. They count as numbers that are no times, so that the column becomes one of numbers, as it would have if
 * they had been seen first.
 */
export function learnStrangeTimes(root: MapNode, schema: TableSchema, files: Stats): void {
  for (const column of schema.columns) visit(column.id, column.type, root.fields.get(column.attr), files);
}

function visit(id: number, type: ColumnType, node: ValueNode | undefined, files: Stats): void {
  if (node === undefined) return;
  if (type.kind === 'list') visit(type.element.id, type.element.type, node.element, files);
  if (type.kind === 'map') visit(type.value.id, type.value.type, node.map?.merged, files);
  if (type.kind === 'struct')
    for (const field of type.fields) visit(field.id, field.type, node.map?.fields.get(field.attr), files);
  if (type.kind !== 'timestamp') return;
  const count = node.counts.get('N') ?? 0;
  if (tagOfFormat(type.format) !== 'N' || node.times.get(type.format) !== count) return;
  const strange = files.some(({ stats }) => {
    const { min = '', max = '' } = stats[id] ?? {};
    return min !== '' && (min < String(EPOCH_YEARS[0]) || max >= String(EPOCH_YEARS[1]));
  });
  if (strange) node.counts.set('N', count + 1);
}
