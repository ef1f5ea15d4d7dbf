import type { AttributeValue, Item } from '../model/item.ts';
import type { Tag, TimestampFormat } from '../model/schema.ts';
import { mergeNumbers, type NumberFacts, numberFacts } from './numbers.ts';
import { timeFormatOf } from './times.ts';

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
  /** Their members, by exact name; no more than FIELD_LIMIT. */
  readonly fields: Map<string, ValueNode>;
  /** All members as if they had one name: what a dictionary's values look like. */
  merged: ValueNode | undefined;
  /** True when names beyond FIELD_LIMIT were seen. */
  overflow: boolean;
}

/** Distinct names kept for one map position: enough to choose columns, small enough for tables with endless names. */
export const FIELD_LIMIT = 20_000;

const EXAMPLE_CHARS = 60;

export function emptyValue(): ValueNode {
  return {
    counts: new Map(), examples: new Map(), numbers: undefined, times: new Map(), element: undefined, map: undefined,
  };
}

export function emptyMap(): MapNode {
  return { maps: 0, fields: new Map(), merged: undefined, overflow: false };
}

/** Adds one item to the root. */
export function learnItem(root: MapNode, item: Item): void {
  learnMap(root, item, false);
}

function learnMap(node: MapNode, members: ReadonlyMap<string, AttributeValue>, merge: boolean): void {
  node.maps += 1;
  for (const [name, value] of members) {
    let field = node.fields.get(name);
    if (field === undefined && node.fields.size < FIELD_LIMIT) {
      field = emptyValue();
      node.fields.set(name, field);
    }
    if (field === undefined) node.overflow = true;
    else learnValue(field, value);
    if (merge) {
      node.merged ??= emptyValue();
      learnValue(node.merged, value);
    }
  }
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
      learnMap(node.map, value.value, true);
      break;
    default:
  }
}

function learnTime(node: ValueNode, tag: 'S' | 'N', text: string): void {
  const format = timeFormatOf(tag, text);
  if (format !== undefined) node.times.set(format, (node.times.get(format) ?? 0) + 1);
}

function exampleOf(value: AttributeValue): string {
  const text = JSON.stringify(plainExample(value, 3)) ?? '';
  return text.length > EXAMPLE_CHARS ? `${text.slice(0, EXAMPLE_CHARS - 1)}…` : text;
}

function plainExample(value: AttributeValue, depth: number): unknown {
  switch (value.tag) {
    case 'S': case 'B': return value.value.slice(0, EXAMPLE_CHARS);
    case 'SS': case 'NS': case 'BS': return value.value.slice(0, 3);
    case 'L': return depth === 0 ? '[…]' : value.value.slice(0, 3).map((v) => plainExample(v, depth - 1));
    case 'M': {
      if (depth === 0) return '{…}';
      const members = [...value.value].slice(0, 3).map(([k, v]) => [k, plainExample(v, depth - 1)] as const);
      return Object.assign(Object.create(null) as Record<string, unknown>, Object.fromEntries(members));
    }
    case 'NULL': return null;
    default: return value.value;
  }
}
