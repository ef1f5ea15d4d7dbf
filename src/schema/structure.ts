import type { AttributeValue, Item } from '../model/item.ts';
import type { Tag, TimestampFormat } from '../model/schema.ts';
import { mergeNumbers, type NumberFacts, numberFacts } from './numbers.ts';
import { tagOfFormat, timeFormatOf } from './times.ts';

/**
 * What was seen of the items: a tree of value positions, each with its type tags, counts and number facts.
 * It grows from samples, from lines that the engine refused, and from the engine's own counts; it never shrinks.
 */
export interface ValueNode {
  /** How many values of each type tag were seen here. */
  readonly counts: Map<Tag, number>;
  /** One example for each tag, as short DynamoDB JSON. */
  readonly examples: Map<Tag, string>;
  /** Facts of N values and of NS elements. */
  numbers: NumberFacts | undefined;
  /** How many S or N values print back identically from each time format. */
  readonly times: Map<TimestampFormat, number>;
  element: ValueNode | undefined;
  map: MapNode | undefined;
}

export interface MapNode {
  /** How many maps were seen here. */
  maps: number;
  /** Their members, by exact name; no more than the limit. */
  readonly fields: Map<string, ValueNode>;
  /** All members as if they had one name: what a dictionary's values look like. Made when a map is taken for one. */
  merged: ValueNode | undefined;
  /** True when names beyond the limit were seen. */
  overflow: boolean;
}

/** Distinct attribute names kept: enough to choose columns, small enough for tables with endless names. */
const ATTR_LIMIT = 20_000;
/** Distinct names kept for a nested map; more than these are data, not structure. */
const NESTED_LIMIT = 1_000;

const EXAMPLE_CHARS = 60;

export function emptyValue(): ValueNode {
  return {
    counts: new Map(),
    examples: new Map(),
    numbers: undefined,
    times: new Map(),
    element: undefined,
    map: undefined,
  };
}

export function emptyMap(): MapNode {
  return { maps: 0, fields: new Map(), merged: undefined, overflow: false };
}

/** Adds one item to the root. */
export function learnItem(root: MapNode, item: Item): void {
  learnMap(root, item, ATTR_LIMIT);
}

function learnMap(node: MapNode, members: ReadonlyMap<string, AttributeValue>, limit: number): void {
  node.maps += 1;
  for (const [name, value] of members) {
    let field = node.fields.get(name);
    if (field === undefined && node.fields.size < limit) {
      field = emptyValue();
      node.fields.set(name, field);
    }
    if (field !== undefined) learnValue(field, value);
    else node.overflow = true;
    if (node.merged !== undefined) learnValue(node.merged, value);
    else if (field === undefined && limit === NESTED_LIMIT) learnValue(dictionaryValue(node), value);
  }
}

/** The one position of all members; from now on it learns along. */
export function dictionaryValue(node: MapNode): ValueNode {
  if (node.merged !== undefined) return node.merged;
  const merged = emptyValue();
  for (const field of node.fields.values()) mergeValue(merged, field);
  node.merged = merged;
  return merged;
}

function mergeValue(into: ValueNode, from: ValueNode): void {
  for (const [tag, count] of from.counts) into.counts.set(tag, (into.counts.get(tag) ?? 0) + count);
  for (const [tag, example] of from.examples) if (!into.examples.has(tag)) into.examples.set(tag, example);
  for (const [format, count] of from.times) into.times.set(format, (into.times.get(format) ?? 0) + count);
  if (from.numbers !== undefined) into.numbers = mergeNumbers(into.numbers, from.numbers);
  if (from.element !== undefined) {
    into.element ??= emptyValue();
    mergeValue(into.element, from.element);
  }
  if (from.map === undefined) return;
  into.map ??= emptyMap();
  const map = into.map;
  map.maps += from.map.maps;
  map.overflow ||= from.map.overflow;
  for (const [name, field] of from.map.fields) {
    const known = map.fields.get(name);
    if (known === undefined && map.fields.size >= NESTED_LIMIT) map.overflow = true;
    else if (known !== undefined) mergeValue(known, field);
    else mergeInto(map, name, field);
  }
}

function mergeInto(map: MapNode, name: string, field: ValueNode): void {
  const fresh = emptyValue();
  map.fields.set(name, fresh);
  mergeValue(fresh, field);
}

/** Adds one value to its position. */
export function learnValue(node: ValueNode, value: AttributeValue): void {
  node.counts.set(value.tag, (node.counts.get(value.tag) ?? 0) + 1);
  if (!node.examples.has(value.tag)) node.examples.set(value.tag, exampleOf(value));
  switch (value.tag) {
    case 'S':
      learnTime(node, 'S', value.value);
      break;
    case 'N':
      node.numbers = mergeNumbers(node.numbers, numberFacts(value.value));
      learnTime(node, 'N', value.value);
      break;
    case 'NS':
      for (const text of value.value) node.numbers = mergeNumbers(node.numbers, numberFacts(text));
      break;
    case 'L':
      for (const element of value.value) {
        node.element ??= emptyValue();
        learnValue(node.element, element);
      }
      break;
    case 'M':
      node.map ??= emptyMap();
      learnMap(node.map, value.value, NESTED_LIMIT);
      break;
    default:
  }
}

function learnTime(node: ValueNode, tag: 'S' | 'N', text: string): void {
  const format = timeFormatOf(tag, text);
  if (format !== undefined) node.times.set(format, (node.times.get(format) ?? 0) + 1);
}

/** Puts a better count in place of what samples showed; as many of the values are taken for times as before. */
export function recount(node: ValueNode, tag: Tag, count: number): void {
  const before = node.counts.get(tag) ?? 0;
  for (const [format, times] of node.times)
    if (tagOfFormat(format) === tag && before > 0)
      node.times.set(format, times === before ? count : Math.floor((times / before) * count));
  if (count > 0) node.counts.set(tag, count);
  else node.counts.delete(tag);
}

/** The format that all values of a tag have, as far as they were seen. */
export function onlyTime(node: ValueNode, tag: Tag): TimestampFormat | undefined {
  const values = node.counts.get(tag) ?? 0;
  for (const [format, times] of node.times) if (times === values && tagOfFormat(format) === tag) return format;
  return undefined;
}

function exampleOf(value: AttributeValue): string {
  const text = JSON.stringify(plainExample(value, 3)) ?? '';
  return text.length > EXAMPLE_CHARS ? `${text.slice(0, EXAMPLE_CHARS - 1)}…` : text;
}

function plainExample(value: AttributeValue, depth: number): unknown {
  switch (value.tag) {
    case 'S':
    case 'B':
      return value.value.slice(0, EXAMPLE_CHARS);
    case 'SS':
    case 'NS':
    case 'BS':
      return value.value.slice(0, 3);
    case 'L':
      return depth === 0 ? '[…]' : value.value.slice(0, 3).map((v) => plainExample(v, depth - 1));
    case 'M': {
      if (depth === 0) return '{…}';
      const members = [...value.value].slice(0, 3).map(([k, v]) => [k, plainExample(v, depth - 1)] as const);
      return Object.assign(Object.create(null) as Record<string, unknown>, Object.fromEntries(members));
    }
    case 'NULL':
      return null;
    default:
      return value.value;
  }
}
