import type { Field, Slot, Tag } from '../model/schema.ts';
import { separable } from './shape.ts';
import type { MapNode, ValueNode } from './structure.ts';

/**
 * How an engine reads a line: for each position which type tags may stand there, and what lies below.
 * It names everything that was seen; whatever else a line holds, the engine must refuse, and that refusal
 * is the proof that nothing was left out.
 */
export type ReadValue =
  /** The whole typed value as JSON text. */
  | { readonly kind: 'raw' }
  | { readonly kind: 'typed'; readonly tags: ReadonlyMap<Tag, ReadTag> };

export type ReadTag =
  | { readonly kind: 'scalar' }
  /** What stands behind the tag, as JSON text. */
  | { readonly kind: 'raw' }
  | { readonly kind: 'list'; readonly element: ReadValue }
  /** Without fields: only empty maps were seen. */
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, ReadValue> }
  | { readonly kind: 'map'; readonly value: ReadValue };

export type ReadItem =
  | { readonly kind: 'struct'; readonly attrs: ReadonlyMap<string, ReadValue> }
  /** Item as JSON text: too many names, or names that an engine's struct cannot hold side by side. */
  | { readonly kind: 'open' };

/** More attribute names than this are not read as one struct, whose parse grows with its width. */
const STRUCT_ATTR_LIMIT = 2_000;

/** How to read the items of this root into these columns. */
export function readingOf(root: MapNode, columns: readonly Field[], exclude: ReadonlySet<string>): ReadItem {
  const names = new Set([...root.fields.keys(), ...columns.map((column) => column.attr)]);
  if (root.overflow || names.size > STRUCT_ATTR_LIMIT || !separable([...names])) return { kind: 'open' };
  const byAttr = new Map<string, Field[]>();
  for (const column of columns) byAttr.set(column.attr, [...(byAttr.get(column.attr) ?? []), column]);
  const attrs = new Map<string, ReadValue>();
  for (const name of names) {
    const into = exclude.has(name) ? [] : (byAttr.get(name) ?? []);
    attrs.set(name, into.length === 0 ? { kind: 'raw' } : readValue(root.fields.get(name), into));
  }
  return { kind: 'struct', attrs };
}

/** How to read a position whose values go into these columns (several in split mode). */
function readValue(node: ValueNode | undefined, into: readonly (Field | Slot)[]): ReadValue {
  if (into.some((slot) => slot.tag === '*' && slot.type.kind === 'ddb-json' && !onlyEmptyMaps(node))) return { kind: 'raw' };
  if (into.some((slot) => slot.type.kind === 'json')) return node === undefined ? { kind: 'raw' } : readAll(node);
  const tags = new Map<Tag, ReadTag>([['NULL', { kind: 'scalar' }]]);
  for (const tag of node?.counts.keys() ?? []) tags.set(tag, defaultTag(tag, node));
  for (const slot of into) if (slot.tag !== '*') tags.set(slot.tag, readTag(node, slot));
  return { kind: 'typed', tags };
}

function onlyEmptyMaps(node: ValueNode | undefined): boolean {
  return node?.map !== undefined && node.map.fields.size === 0 && node.element === undefined;
}

/** A tag that goes into no column: only rescued, so its inside stays text. */
function defaultTag(tag: Tag, node: ValueNode | undefined): ReadTag {
  if (tag === 'M') return onlyEmptyMaps(node) ? { kind: 'struct', fields: new Map() } : { kind: 'raw' };
  return tag === 'L' ? { kind: 'raw' } : { kind: 'scalar' };
}

function readTag(node: ValueNode | undefined, slot: Field | Slot): ReadTag {
  const { type } = slot;
  if (slot.tag === 'L') return type.kind === 'list' ? { kind: 'list', element: readValue(node?.element, [type.element]) } : { kind: 'raw' };
  if (slot.tag !== 'M') return { kind: 'scalar' };
  if (type.kind === 'map') return { kind: 'map', value: readValue(node?.map?.merged, [type.value]) };
  if (type.kind !== 'struct') return { kind: 'raw' };
  const fields = new Map<string, ReadValue>();
  for (const field of type.fields) fields.set(field.attr, readValue(node?.map?.fields.get(field.attr), [field]));
  for (const [name, value] of node?.map?.fields ?? []) if (!fields.has(name)) fields.set(name, readValue(value, []));
  return { kind: 'struct', fields };
}

/** Everything that was seen below a position, typed: for columns that hold plain JSON. */
function readAll(node: ValueNode): ReadValue {
  const tags = new Map<Tag, ReadTag>([['NULL', { kind: 'scalar' }]]);
  for (const tag of node.counts.keys()) tags.set(tag, readAllTag(tag, node));
  return { kind: 'typed', tags };
}

function readAllTag(tag: Tag, node: ValueNode): ReadTag {
  if (tag === 'L') return { kind: 'list', element: node.element === undefined ? emptyElement() : readAll(node.element) };
  if (tag !== 'M') return { kind: 'scalar' };
  return { kind: 'struct', fields: new Map([...(node.map?.fields ?? [])].map(([name, value]) => [name, readAll(value)])) };
}

function emptyElement(): ReadValue {
  return { kind: 'typed', tags: new Map([['S', { kind: 'scalar' }], ['NULL', { kind: 'scalar' }]]) };
}
