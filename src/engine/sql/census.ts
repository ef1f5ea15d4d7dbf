import type { Tag, TimestampFormat } from '../../model/schema.ts';
import type { ReadValue } from '../../schema/reading.ts';
import { type MapNode, onlyTime, type ValueNode } from '../../schema/structure.ts';
import { epochRange } from '../../schema/times.ts';
import { CANONICAL_NUMBER, leafFits, matches } from './leaf.ts';
import { member } from './values.ts';

/** One figure of the census: an aggregate over all items, and where it goes. */
export interface Probe {
  readonly node: ValueNode;
  readonly figure: 'count' | 'intDigits' | 'scale' | 'notLong' | 'rawTags' | 'times';
  readonly tag: Tag | undefined;
  /** Of `times`. */
  readonly format?: TimestampFormat;
  readonly sql: string;
}

/** Values of a position: one expression for each item, or a list of them below lists and dictionaries. */
interface Place {
  readonly x: string;
  readonly many: boolean;
}

/**
 * The probes of an item read as a struct: counts by tag for every position, and the room that numbers need; `times`:
 * also how many values are times.
 */
export function probesOf(attrs: ReadonlyMap<string, ReadValue>, root: MapNode, times = false): Probe[] {
  const probes: Probe[] = [];
  for (const [name, read] of attrs) {
    const node = root.fields.get(name);
    if (node !== undefined) visit({ x: member('Item', name), many: false }, read, node, probes, 0);
  }
  return times ? probes : probes.filter(({ figure }) => figure !== 'times');
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
    if (tag === 'S' || tag === 'N') timeProbe(at, tag, node, probes);
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

/** How many digits a number's text has before and behind the point, and whether it is no long. */
export const DIGITS = (n: string): string => `length(ltrim(split_part(${n}, '.', 1), '-0'))`;
export const SCALE = (n: string): string => `length(split_part(${n}, '.', 2))`;
export const NOT_LONG = (n: string): string =>
  `CASE WHEN ${n} IS NOT NULL THEN (contains(${n}, '.') OR try_cast(${n} AS BIGINT) IS NULL OR NOT ${matches(n, CANONICAL_NUMBER)})::INTEGER END`;

/** How many values are times, where all that were seen are: one that is not makes the column another. */
function timeProbe({ x, many }: Place, tag: 'S' | 'N', node: ValueNode, probes: Probe[]): void {
  const format = onlyTime(node, tag);
  if (format === undefined) return;
  const sql = many
    ? `coalesce(sum(len(list_filter(${x}, lambda t: ${isTime('t', format)}))), 0)`
    : `count(*) FILTER (WHERE ${isTime(x, format)})`;
  probes.push({ node, figure: 'times', tag, format, sql });
}

/** Whether a text would be taken for such a time. */
export function isTime(text: string, format: TimestampFormat): string {
  const range = epochRange(format);
  const fits = leafFits(text, { kind: 'timestamp', format });
  const within = range === undefined ? '' : ` AND try_cast(${text} AS BIGINT) BETWEEN ${range[0]} AND ${range[1] - 1}`;
  return `coalesce(${text} IS NOT NULL AND ${fits}${within}, false)`;
}

function numberProbes({ x, many }: Place, node: ValueNode, probes: Probe[]): void {
  const most = (figure: (n: string) => string): string =>
    many ? `max(list_max(list_transform(${x}, lambda n: ${figure('n')})))` : `max(${figure(x)})`;
  probes.push({ node, figure: 'intDigits', tag: 'N', sql: most(DIGITS) });
  probes.push({ node, figure: 'scale', tag: 'N', sql: most(SCALE) });
  probes.push({ node, figure: 'notLong', tag: 'N', sql: most(NOT_LONG) });
}
