import { type AttributePath, ELEMENT, pathText, VALUE } from '../../model/attribute-path.ts';
import type { ColumnType, Field, Slot, TableSchema } from '../../model/schema.ts';
import { typeText } from './type-text.ts';

/** One difference from schema `a` to schema `b`. `path` names attributes, not columns. */
export type SchemaChange =
  | { readonly kind: 'added'; readonly path: AttributePath; readonly after: string }
  | { readonly kind: 'removed'; readonly path: AttributePath; readonly before: string }
  | {
      readonly kind: 'retyped' | 'renamed';
      readonly path: AttributePath;
      readonly before: string;
      readonly after: string;
    }
  | { readonly kind: 'key'; readonly before: string; readonly after: string };

type Compared = Pick<TableSchema, 'columns' | 'keys'>;

/** What changes from `a` to `b`, in the order of `b`, then what `b` no longer has. Ids and order do not count. */
export function schemaDiff(a: Compared, b: Compared): SchemaChange[] {
  const [before, after] = [keyText(a), keyText(b)];
  const key: SchemaChange[] = before === after ? [] : [{ kind: 'key', before, after }];
  return [...key, ...fieldChanges(a.columns, b.columns, [])];
}

/** One line a change: `+` added, `-` removed, `~` another type or name. */
export function diffText(changes: readonly SchemaChange[]): string {
  return changes.map((change) => `${lineOf(change)}\n`).join('');
}

function lineOf(change: SchemaChange): string {
  if (change.kind === 'key') return `~ key: ${change.before} → ${change.after}`;
  const path = pathText(change.path);
  switch (change.kind) {
    case 'added':
      return `+ ${path}: ${change.after}`;
    case 'removed':
      return `- ${path}: ${change.before}`;
    case 'retyped':
      return `~ ${path}: ${change.before} → ${change.after}`;
    case 'renamed':
      return `~ ${path}: column ${change.before} → ${change.after}`;
  }
}

function fieldChanges(a: readonly Field[], b: readonly Field[], path: AttributePath): SchemaChange[] {
  const rest = new Set(a);
  const byAttr = new Map<string, Field[]>();
  for (const field of a) byAttr.set(field.attr, [...(byAttr.get(field.attr) ?? []), field]);
  const take = (field: Field, same: (old: Field) => boolean): Field | undefined => {
    const old = byAttr.get(field.attr)?.find((candidate) => rest.has(candidate) && same(candidate));
    if (old !== undefined) rest.delete(old);
    return old;
  };
  // Columns that share an attribute are told apart by their tags before anything else is compared.
  const exact = new Map(b.map((field) => [field, take(field, (old) => old.tag === field.tag)]));
  const changes = b.flatMap((field): SchemaChange[] => {
    const here = [...path, field.attr];
    const old = exact.get(field) ?? take(field, () => true);
    if (old === undefined) return [{ kind: 'added', path: here, after: typeText(field.type, field.tag) }];
    const renamed: SchemaChange[] =
      old.name === field.name ? [] : [{ kind: 'renamed', path: here, before: old.name, after: field.name }];
    return [...renamed, ...typeChanges(old, field, here)];
  });
  const removed = [...rest].map(
    (old): SchemaChange => ({ kind: 'removed', path: [...path, old.attr], before: typeText(old.type, old.tag) }),
  );
  return [...changes, ...removed];
}

function typeChanges(a: Slot, b: Slot, path: AttributePath): SchemaChange[] {
  const inner = a.tag === b.tag ? innerChanges(a.type, b.type, path) : undefined;
  if (inner !== undefined) return inner;
  const [before, after] = [typeText(a.type, a.tag), typeText(b.type, b.tag)];
  return before === after ? [] : [{ kind: 'retyped', path, before, after }];
}

/** Changes within two types of one nested kind; undefined where they must be compared as a whole. */
function innerChanges(a: ColumnType, b: ColumnType, path: AttributePath): SchemaChange[] | undefined {
  if (a.kind === 'struct' && b.kind === 'struct') return fieldChanges(a.fields, b.fields, path);
  if (a.kind === 'list' && b.kind === 'list') return typeChanges(a.element, b.element, [...path, ELEMENT]);
  if (a.kind === 'map' && b.kind === 'map') return typeChanges(a.value, b.value, [...path, VALUE]);
  return undefined;
}

function keyText(schema: Compared): string {
  return schema.keys.length === 0 ? 'unknown' : `(${schema.keys.join(', ')})`;
}
