import type { Field, Slot, Tag } from '../model/schema.ts';
import { DICTIONARY_MIN_NAMES, isDictionary, opaqueReason, separable } from './shape.ts';
import { dictionaryValue, type MapNode, type ValueNode } from './structure.ts';

/**
 * How an engine reads a line: for each position which type tags may stand there, and what lies below.
 * It names everything that was seen; whatever else a line holds, the engine must refuse, and that refusal
 * is the proof that nothing was left out.
 */
export type ReadValue =
  /** The whole typed value as JSON text. */
  { readonly kind: 'raw' } | { readonly kind: 'typed'; readonly tags: ReadonlyMap<Tag, ReadTag> };

export type ReadTag =
  | { readonly kind: 'scalar' }
  /** What stands behind the tag, as JSON text. */
  | { readonly kind: 'raw' }
  | { readonly kind: 'list'; readonly element: ReadValue }
  /** Without fields: only empty maps were seen. */
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, ReadValue> }
  | { readonly kind: 'map'; readonly value: ReadValue }
  /** As JSON text, of which only what has a place is parsed; what that drops is noticed by its length. */
  | { readonly kind: 'text'; readonly inner: ReadTag };

export type ReadItem =
  | { readonly kind: 'struct'; readonly attrs: ReadonlyMap<string, ReadValue> }
  /** Item as JSON text: too many names, or names that an engine's struct cannot hold side by side. Only attributes
   * that have columns are taken out of it, each parsed by itself; what that drops is noticed by its length. */
  | { readonly kind: 'open'; readonly attrs: ReadonlyMap<string, ReadValue> };

/** More attribute names than this are not read as one struct, whose parse grows with its width. */
const STRUCT_ATTR_LIMIT = 2_000;

/**
 * How to read the items of this root into these columns. `expectNulls`: NULL may stand anywhere, not only where it
 * was seen; without it the engine has less to look for, and a first NULL elsewhere is refused, learned and read again.
 */
export function readingOf(
  root: MapNode,
  columns: readonly Field[],
  exclude: ReadonlySet<string>,
  expectNulls = true,
): ReadItem {
  const names = new Set([...root.fields.keys(), ...columns.map((column) => column.attr)]);
  const byAttr = new Map<string, Field[]>();
  for (const column of columns) byAttr.set(column.attr, [...(byAttr.get(column.attr) ?? []), column]);
  const attrs = new Map<string, ReadValue>();
  if (isOpen(root, [...names])) {
    for (const [name, into] of byAttr) attrs.set(name, openValue(root.fields.get(name), into));
    return { kind: 'open', attrs };
  }
  for (const name of names) {
    const into = exclude.has(name) ? [] : (byAttr.get(name) ?? []);
    attrs.set(name, into.length === 0 ? { kind: 'raw' } : readValue(root.fields.get(name), into, expectNulls));
  }
  return { kind: 'struct', attrs };
}

/** Whether items of this root can only be read as JSON text. */
export function isOpen(root: MapNode, names: readonly string[] = [...root.fields.keys()]): boolean {
  return root.overflow || names.length > STRUCT_ATTR_LIMIT || !separable(names);
}

/** How to read JSON text of one attribute: a nested value is parsed into its types, a scalar is taken as it stands. */
export function openValue(node: ValueNode | undefined, into: readonly Field[]): ReadValue {
  const nested = into.some(({ type }) => type.kind === 'list' || type.kind === 'struct' || type.kind === 'map');
  return nested ? readValue(node, into, true) : { kind: 'raw' };
}

/** How to read a position whose values go into these columns (several in split mode). */
function readValue(node: ValueNode | undefined, into: readonly (Field | Slot)[], nulls: boolean): ReadValue {
  if (into.some(({ type }) => type.kind === 'json' || (type.kind === 'ddb-json' && !onlyEmptyMaps(node))))
    return { kind: 'raw' };
  const tags = new Map<Tag, ReadTag>(nulls ? [['NULL', { kind: 'scalar' }]] : []);
  for (const tag of node?.counts.keys() ?? []) tags.set(tag, defaultTag(tag, node));
  for (const slot of into) if (slot.tag !== '*') tags.set(slot.tag, readTag(node, slot, nulls));
  if (tags.size === 0) tags.set('S', { kind: 'scalar' });
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

function readTag(node: ValueNode | undefined, slot: Field | Slot, nulls: boolean): ReadTag {
  const { type } = slot;
  if (slot.tag === 'L')
    return type.kind === 'list'
      ? { kind: 'list', element: readValue(node?.element, [type.element], nulls) }
      : { kind: 'raw' };
  if (slot.tag !== 'M') return { kind: 'scalar' };
  if (type.kind === 'map')
    return mapOf(readValue(node?.map === undefined ? undefined : dictionaryValue(node.map), [type.value], nulls));
  if (type.kind !== 'struct') return { kind: 'raw' };
  if (isMotley(node?.map, type.fields)) return { kind: 'text', inner: ownTag(slot) };
  const fields = new Map<string, ReadValue>();
  for (const field of type.fields) fields.set(field.attr, readValue(node?.map?.fields.get(field.attr), [field], nulls));
  for (const [name, value] of node?.map?.fields ?? [])
    if (!fields.has(name)) fields.set(name, readValue(value, [], nulls));
  return { kind: 'struct', fields };
}

/** Whether an engine's struct cannot hold the names of these maps beside the column's, or would hold too many in vain. */
function isMotley(map: MapNode | undefined, fields: readonly Field[]): boolean {
  if (map === undefined) return false;
  const known = new Set(fields.map(({ attr }) => attr));
  const others = [...map.fields.keys()].filter((name) => !known.has(name));
  return others.length >= DICTIONARY_MIN_NAMES || map.overflow || !separable([...known, ...others]);
}

/** How to read no more than what has a place in the column. */
function ownTag({ tag, type }: Field | Slot): ReadTag {
  if (tag === 'L') return type.kind === 'list' ? { kind: 'list', element: ownValue(type.element) } : { kind: 'raw' };
  if (tag !== 'M') return { kind: 'scalar' };
  if (type.kind === 'map') return mapOf(ownValue(type.value));
  if (type.kind !== 'struct') return { kind: 'raw' };
  return { kind: 'struct', fields: new Map(type.fields.map((field) => [field.attr, ownValue(field)])) };
}

function ownValue(slot: Field | Slot): ReadValue {
  if (slot.tag === '*' || slot.type.kind === 'json' || slot.type.kind === 'ddb-json') return { kind: 'raw' };
  return { kind: 'typed', tags: new Map([[slot.tag, ownTag(slot)]]) };
}

/** An engine detects a dictionary by the one type of its values; where each is text of any shape, so is the whole. */
function mapOf(value: ReadValue): ReadTag {
  return value.kind === 'raw' ? { kind: 'raw' } : { kind: 'map', value };
}

function emptyElement(): ReadValue {
  return {
    kind: 'typed',
    tags: new Map([
      ['S', { kind: 'scalar' }],
      ['NULL', { kind: 'scalar' }],
    ]),
  };
}

/** How to read items so that all that was seen can be counted: everything typed that can be laid out at all. */
export function censusReading(root: MapNode, maxDepth: number): ReadItem {
  if (isOpen(root)) return { kind: 'open', attrs: new Map() };
  return {
    kind: 'struct',
    attrs: new Map([...root.fields].map(([name, node]) => [name, censusValue(node, 1, maxDepth)])),
  };
}

function censusValue(node: ValueNode, depth: number, maxDepth: number): ReadValue {
  if (opaqueReason(node, depth, maxDepth) !== undefined) return { kind: 'raw' };
  const tags = new Map<Tag, ReadTag>([['NULL', { kind: 'scalar' }]]);
  for (const tag of node.counts.keys()) {
    if (tag === 'L')
      tags.set(tag, {
        kind: 'list',
        element: node.element === undefined ? emptyElement() : censusValue(node.element, depth + 1, maxDepth),
      });
    else if (tag !== 'M') tags.set(tag, { kind: 'scalar' });
    else if (node.map !== undefined && isDictionary(node.map)) {
      tags.set(tag, mapOf(censusValue(dictionaryValue(node.map), depth + 1, maxDepth)));
    } else {
      const fields = [...(node.map?.fields ?? [])].map(
        ([name, value]) => [name, censusValue(value, depth + 1, maxDepth)] as const,
      );
      tags.set(tag, { kind: 'struct', fields: new Map(fields) });
    }
  }
  return { kind: 'typed', tags };
}
