import { dictionaryValue, type MapNode, type ValueNode } from './structure.ts';

/** Names for one nested map beyond which it is not laid out as columns. */
export const STRUCT_FIELD_LIMIT = 500;
/** Positions and types below one attribute beyond which it is kept as text: each costs the engine a few expressions. */
export const POSITION_LIMIT = 200;
/** Likewise in all nested attributes of a table together: at the default memory limit there is room for about twice as many. */
const TABLE_LIMIT = 600;
/** Likewise for content of several types, each of which is spelled out wherever it may stand. */
const PLAIN_LIMIT = 100;
/** A map position with fewer distinct names than this is always a struct. */
export const DICTIONARY_MIN_NAMES = 24;
/** When a name stands in less than this part of the maps, on average, names are data rather than structure. */
const DICTIONARY_FILL = 0.12;

/** Whether a map's names are data (ids, dates) rather than structure: many names, each in few of the maps. */
export function isDictionary(map: MapNode): boolean {
  if (map.overflow) return true;
  if (map.fields.size < DICTIONARY_MIN_NAMES || map.maps === 0) return false;
  let entries = 0;
  for (const field of map.fields.values()) for (const count of field.counts.values()) entries += count;
  return entries / (map.fields.size * map.maps) < DICTIONARY_FILL || map.fields.size > STRUCT_FIELD_LIMIT;
}

/** Why a position cannot be laid out as columns at all; undefined when it can. */
export function opaqueReason(node: ValueNode, depth: number, maxDepth: number): string | undefined {
  const nested = node.map !== undefined || node.element !== undefined;
  if (nested && depth > maxDepth) return `nested deeper than ${maxDepth} levels`;
  if (nested && depth === 1 && positions(node, POSITION_LIMIT) > POSITION_LIMIT)
    return `more than ${POSITION_LIMIT} nested positions and types`;
  const map = node.map;
  if (map === undefined || isDictionary(map)) return undefined;
  if (!separable([...map.fields.keys()])) return 'names differ only by case, or no engine accepts them';
  if (map.fields.size > STRUCT_FIELD_LIMIT) return `more than ${STRUCT_FIELD_LIMIT} names with values of several types`;
  return undefined;
}

/**
 * Nested attributes that are kept as text, or grow no more, because all together have too many positions: the largest
 * ones. `recorded`: positions that the table has, by attribute.
 */
export function overBudget(
  fields: ReadonlyMap<string, ValueNode>,
  recorded: ReadonlyMap<string, number> = new Map(),
): ReadonlySet<string> {
  const sizes = [...fields]
    .filter(([, node]) => node.map !== undefined || node.element !== undefined)
    .map(([name, node]) => ({ name, size: Math.max(positions(node, POSITION_LIMIT), recorded.get(name) ?? 0) }))
    .sort((a, b) => a.size - b.size || (a.name < b.name ? -1 : 1));
  const over = new Set<string>();
  let sum = 0;
  for (const { name, size } of sizes) {
    if (size > POSITION_LIMIT) continue;
    sum += size;
    if (sum > TABLE_LIMIT) over.add(name);
  }
  return over;
}

/** Positions and types below a value, as far as they are worth counting. */
function positions(node: ValueNode, limit: number): number {
  let sum = node.counts.size;
  if (node.element !== undefined) sum += positions(node.element, limit);
  const map = node.map;
  if (map === undefined) return sum;
  if (isDictionary(map)) return sum + positions(dictionaryValue(map), limit);
  for (const field of map.fields.values()) {
    if (sum > limit) return sum;
    sum += positions(field, limit);
  }
  return sum;
}

/** Whether an engine's struct can hold these names: it ignores case and knows neither empty names nor NUL. */
export function separable(names: readonly string[]): boolean {
  const folded = new Set<string>();
  for (const name of names) {
    if (name === '' || name.includes('\u0000')) return false;
    const key = name.toLowerCase();
    if (folded.has(key)) return false;
    folded.add(key);
  }
  return true;
}

/** Whether plain JSON keeps every type of this value: no sets and no binaries anywhere in it, and nothing unlaid. */
export function isPlain(node: ValueNode): boolean {
  return positions(node, PLAIN_LIMIT) <= PLAIN_LIMIT && plainAll(node);
}

function plainAll(node: ValueNode): boolean {
  for (const tag of node.counts.keys()) if (tag === 'B' || tag === 'SS' || tag === 'NS' || tag === 'BS') return false;
  if (node.element !== undefined && !plainAll(node.element)) return false;
  if (node.map === undefined) return true;
  if (isDictionary(node.map) || !separable([...node.map.fields.keys()])) return false;
  return [...node.map.fields.values()].every(plainAll);
}
