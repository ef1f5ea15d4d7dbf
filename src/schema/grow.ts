/**
 * How far what a table has recorded may grow. A column is never given up, so where a first load would keep the whole
 * attribute as text, a recorded one takes no more fields, and values that have no field for a name are rescued.
 */
import { compareBytes } from '../model/byte-order.ts';
import type { ColumnType, Field } from '../model/schema.ts';
import { foldCase } from './names.ts';
import { isDictionary, POSITION_LIMIT, STRUCT_FIELD_LIMIT, separable } from './shape.ts';
import type { MapNode } from './structure.ts';

/** The names of a map that become fields beside the recorded ones, by bytes. */
export function newFields(map: MapNode | undefined, recorded: readonly Field[]): string[] {
  if (map === undefined) return [];
  const known = new Set(recorded.map(({ attr }) => attr));
  const fresh = [...map.fields.keys()].filter((name) => !known.has(name)).sort(compareBytes);
  if (recorded.length === 0) return fresh;
  // Names that turn out to be data would become a column each.
  if (isDictionary(map) || known.size + fresh.length > STRUCT_FIELD_LIMIT) return [];
  const taken = new Set([...known].map(foldCase));
  const counts = new Map<string, number>();
  for (const name of fresh) counts.set(foldCase(name), (counts.get(foldCase(name)) ?? 0) + 1);
  // Of new names that differ only by case none is taken, whichever comes first.
  return fresh.filter((name) => separable([name]) && !taken.has(foldCase(name)) && counts.get(foldCase(name)) === 1);
}

/** Whether a recorded column has as many positions as an attribute may have. */
export function isFull(type: ColumnType): boolean {
  return slots(type) >= POSITION_LIMIT;
}

/** Columns of one type below and with a column of this type, as the positions of a value are counted. */
export function slots(type: ColumnType): number {
  switch (type.kind) {
    case 'list':
      return 1 + slots(type.element.type);
    case 'map':
      return 1 + slots(type.value.type);
    case 'struct':
      return type.fields.reduce((sum, field) => sum + slots(field.type), 1);
    default:
      return 1;
  }
}
