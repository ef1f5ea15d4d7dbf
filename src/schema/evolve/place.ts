import { type AttributePath, ELEMENT, pathText, VALUE } from '../../model/attribute-path.ts';
import type { Field, Slot, TableSchema } from '../../model/schema.ts';

/** What a request for another type names: a column, something within one, or an attribute. */
export interface Place {
  readonly attr: string;
  /** The column; undefined for an attribute that has none, or several. */
  readonly column: Field | undefined;
  /** From the attribute to the value: only the attribute's own name for a whole column. */
  readonly path: AttributePath;
}

/** The place that a text names: a column, else an attribute, else something within one (`address.zip`, `lines[].price`). */
export function placeOf(schema: TableSchema, text: string): Place {
  const column = schema.columns.find(({ name }) => name === text);
  if (column !== undefined) return whole(column);
  const own = schema.columns.filter(({ attr }) => attr === text);
  const [only] = own;
  if (only !== undefined && own.length === 1) return whole(only);
  if (own.length > 1) return { attr: text, column: undefined, path: [text] };
  for (const each of schema.columns) {
    const path = inner(each, [each.attr], text);
    if (path !== undefined) return { attr: each.attr, column: each, path };
  }
  return { attr: text, column: undefined, path: [text] };
}

function whole(column: Field): Place {
  return { attr: column.attr, column, path: [column.attr] };
}

/** The path below a slot whose text this is. */
function inner(slot: Field | Slot, path: AttributePath, text: string): AttributePath | undefined {
  if (path.length > 1 && pathText(path) === text) return path;
  const { type } = slot;
  if (type.kind === 'list') return inner(type.element, [...path, ELEMENT], text);
  if (type.kind === 'map') return inner(type.value, [...path, VALUE], text);
  if (type.kind !== 'struct') return undefined;
  for (const field of type.fields) {
    const found = inner(field, [...path, field.attr], text);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What stands at a path within a column, which begins with the column's own attribute. */
export function slotAt(column: Field, path: AttributePath): Field | Slot | undefined {
  let slot: Field | Slot | undefined = column;
  for (const step of path.slice(1)) slot = slot === undefined ? undefined : below(slot, step);
  return slot;
}

function below({ type }: Field | Slot, step: string | number): Field | Slot | undefined {
  if (type.kind === 'list') return type.element;
  if (type.kind === 'map') return type.value;
  return type.kind === 'struct' ? type.fields.find(({ attr }) => attr === step) : undefined;
}

/** The column with something else at a path within it; what lies on the way keeps its ids. */
export function withSlot<T extends Field | Slot>(slot: T, path: AttributePath, put: (old: Slot) => Slot): T {
  const [, step, ...rest] = path;
  if (step === undefined) return { ...slot, ...put(slot) };
  const next: AttributePath = [step, ...rest];
  const { type } = slot;
  if (type.kind === 'list') return { ...slot, type: { ...type, element: withSlot(type.element, next, put) } };
  if (type.kind === 'map') return { ...slot, type: { ...type, value: withSlot(type.value, next, put) } };
  if (type.kind !== 'struct') return slot;
  const fields = type.fields.map((field) => (field.attr === step ? withSlot(field, next, put) : field));
  return { ...slot, type: { ...type, fields } };
}
