import type { Tag } from '../../model/schema.ts';
import type { ReadValue } from '../../schema/reading.ts';
import type { MapNode, ValueNode } from '../../schema/structure.ts';
import { CANONICAL_NUMBER, matches } from './leaf.ts';
import { member } from './values.ts';

/** One figure of the census: an aggregate over all items, and where it goes. */
export interface Probe {
  readonly node: ValueNode;
  readonly figure: 'count' | 'intDigits' | 'scale' | 'notLong' | 'rawTags';
  readonly tag: Tag | undefined;
  readonly sql: string;
}

/** Values of a position: one expression for each item, or a list of them below lists and dictionaries. */
interface Place {
  readonly x: string;
  readonly many: boolean;
}

/** The probes of an item read as a struct: counts by tag for every position, and the room that numbers need. */
export function probesOf(attrs: ReadonlyMap<string, ReadValue>, root: MapNode): Probe[] {
  const probes: Probe[] = [];
  for (const [name, read] of attrs) {
    const node = root.fields.get(name);
    if (node !== undefined) visit({ x: member('Item', name), many: false }, read, node, probes, 0);
  }
  return probes;
}

function visit(place: Place, read: ReadValue, node: ValueNode, probes: Probe[], depth: number): void {
  if (read.kind === 'raw') {
    if (!place.many)
      probes.push({ node, figure: 'rawTags', tag: undefined, sql: `histogram(json_keys(${place.x})[1])` });
    return;
  }
  for (const [tag, inner] of read.tags) {
    const at = step(place, tag, depth);
    probes.push({ node, figure: 'count', tag, sql: place.many ? `coalesce(sum(len(${at.x})), 0)` : `count(${at.x})` });
    if (tag === 'N') numberProbes(at, node, probes);
    if (tag === 'NS') numberProbes({ x: at.many ? `flatten(${at.x})` : at.x, many: true }, node, probes);
    if (inner.kind === 'list' && node.element !== undefined) {
      visit({ x: at.many ? `flatten(${at.x})` : at.x, many: true }, inner.element, node.element, probes, depth + 1);
    }
    if (inner.kind === 'map' && node.map?.merged !== undefined) {
      const values = at.many
        ? `flatten(list_transform(${at.x}, lambda c${depth}: map_values(c${depth})))`
        : `map_values(${at.x})`;
      visit({ x: values, many: true }, inner.value, node.map.merged, probes, depth + 1);
    }
    if (inner.kind === 'struct') {
      for (const [name, value] of inner.fields) {
        const field = node.map?.fields.get(name);
        if (field !== undefined) visit(step(at, name, depth), value, field, probes, depth + 1);
      }
    }
  }
}

/** Member `name` of a place; below lists, only where it is there. */
function step(place: Place, name: string, depth: number): Place {
  if (!place.many) return { x: member(place.x, name), many: false };
  const v = `s${depth}`;
  const members = `list_transform(${place.x}, lambda ${v}: ${member(v, name)})`;
  return { x: `list_filter(${members}, lambda ${v}: ${v} IS NOT NULL)`, many: true };
}

const DIGITS = (n: string): string => `length(ltrim(split_part(${n}, '.', 1), '-0'))`;
const SCALE = (n: string): string => `length(split_part(${n}, '.', 2))`;
const NOT_LONG = (n: string): string =>
  `CASE WHEN ${n} IS NOT NULL THEN (contains(${n}, '.') OR try_cast(${n} AS BIGINT) IS NULL OR NOT ${matches(n, CANONICAL_NUMBER)})::INTEGER END`;

function numberProbes({ x, many }: Place, node: ValueNode, probes: Probe[]): void {
  const most = (figure: (n: string) => string): string =>
    many ? `max(list_max(list_transform(${x}, lambda n: ${figure('n')})))` : `max(${figure(x)})`;
  probes.push({ node, figure: 'intDigits', tag: 'N', sql: most(DIGITS) });
  probes.push({ node, figure: 'scale', tag: 'N', sql: most(SCALE) });
  probes.push({ node, figure: 'notLong', tag: 'N', sql: most(NOT_LONG) });
}
