/**
 * Positions that have held nothing but NULL, and whether their first value may still choose their type. They are text,
 * and marked by the type tag NULL: a column is then replaced by one of another type, under the same name and another field
 * id, since no file holds a value of it. Explicit NULLs lose nothing by that: they stand in `_rescued`.
 */
import type { ColumnType, Field, Slot, TableSchema } from '../model/schema.ts';
import type { DataFile, TableState } from '../model/table.ts';
import { isUnheld } from './decide.ts';

/** What such a change meets in a table. */
export interface Around extends Pick<TableState, 'schema' | 'partition' | 'sort'> {
  readonly files: readonly Pick<DataFile, 'rows' | 'stats'>[];
  /** Files may be written anew for it. */
  readonly mayRewrite: boolean;
  /** It takes no more than another column, at least where nothing else tells NULL from empty. */
  readonly byId: boolean;
}

/** The table's schema, with those of these positions as text for good that can become nothing else. */
export function settleUnheld({ schema, partition, sort, files, mayRewrite, byId }: Around): TableSchema {
  const laidOut = new Set([...partition, ...sort].map(({ column }) => column));
  for (const { from } of schema.derived) laidOut.add(from);
  const settled = <T extends Field | Slot>(slot: T, free: boolean): T => {
    if (!isUnheld(slot)) return { ...slot, type: within(slot.type) };
    const open = (mayRewrite || (byId && free)) && files.every((file) => holdsNothing(file, slot.id, schema));
    return open ? slot : { ...slot, tag: 'S' };
  };
  const within = (type: ColumnType): ColumnType => {
    if (type.kind === 'list') return { ...type, element: settled(type.element, false) };
    if (type.kind === 'map') return { ...type, value: settled(type.value, false) };
    if (type.kind !== 'struct') return type;
    // By another field readers tell a struct of NULLs from NULL.
    const others = type.fields.filter((field) => !isUnheld(field)).length > 0;
    return { ...type, fields: type.fields.map((field) => settled(field, others)) };
  };
  const columns = schema.columns.map((column) =>
    isUnheld(column) && laidOut.has(column.name) ? { ...column, tag: 'S' as const } : settled(column, true),
  );
  return { ...schema, columns };
}

/**
 * Whether a file surely has no value of a field, by its statistics. Our own files have them for each field that they have;
 * another writer may have put values there, and keeps statistics of the first columns only, where it has none of the last.
 */
function holdsNothing({ rows, stats }: Around['files'][number], id: number, { system }: TableSchema): boolean {
  if (rows === 0) return true;
  const leaf = stats[id];
  if (leaf !== undefined) return leaf.valueCount === leaf.nullCount;
  return system.every((column) => stats[column.id] !== undefined);
}
