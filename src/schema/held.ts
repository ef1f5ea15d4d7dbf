/** How large the numbers are that a table holds, by the bounds of its files: what a wider column must have room for. */
import { type AttributePath, ELEMENT, VALUE } from '../model/attribute-path.ts';
import type { Field, Slot, TableSchema } from '../model/schema.ts';
import type { DataFile } from '../model/table.ts';
import { numberFacts } from './numbers.ts';

/** Most digits before the point, by the path of the position. */
export type HeldDigits = ReadonlyMap<string, number>;

export function heldAt(held: HeldDigits | undefined, path: AttributePath): number | undefined {
  return held?.get(keyOf(path));
}

/** What the bounds tell; nothing of columns of which a file has none. */
export function heldDigits(schema: TableSchema, files: readonly Pick<DataFile, 'stats'>[]): HeldDigits {
  const held = new Map<string, number>();
  const visit = (slot: Field | Slot, path: AttributePath): void => {
    const { type } = slot;
    if (type.kind === 'list') visit(type.element, [...path, ELEMENT]);
    if (type.kind === 'map') visit(type.value, [...path, VALUE]);
    if (type.kind === 'struct') for (const field of type.fields) visit(field, [...path, field.attr]);
    if (type.kind !== 'long' && type.kind !== 'decimal') return;
    const digits = digitsOf(slot.id, files);
    if (digits !== undefined) held.set(keyOf(path), digits);
  };
  for (const column of schema.columns) visit(column, [column.attr]);
  return held;
}

function digitsOf(id: number, files: readonly Pick<DataFile, 'stats'>[]): number | undefined {
  let most = 0;
  for (const { stats } of files) {
    const leaf = stats[id];
    // A file that was written before the column came says nothing of it, nor does one with nothing but NULL.
    if (leaf === undefined || leaf.valueCount === leaf.nullCount) continue;
    if (leaf.min === undefined || leaf.max === undefined) return undefined;
    for (const bound of [leaf.min, leaf.max]) most = Math.max(most, numberFacts(bound).intDigits);
  }
  return most;
}

function keyOf(path: AttributePath): string {
  return path.map(String).join('\u0000');
}
