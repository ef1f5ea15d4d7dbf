/** What the values of attributes are, as far as a change of their columns asks for it. */
import { seeValues } from '../../engine/duckdb/merge/survey.ts';
import { tableRescues } from '../../engine/duckdb/rescues.ts';
import { type Field, physicalType, type TableSchema } from '../../model/schema.ts';
import type { LiveFile, TableState } from '../../model/table.ts';
import type { Wish } from '../../schema/evolve/evolution.ts';
import type { Place } from '../../schema/evolve/place.ts';
import { emptyValue, learnValue, type ValueNode } from '../../schema/structure.ts';
import { parseLine } from '../../source/lines/parse.ts';
import { type EvolveParts, readIn } from './files.ts';

/** Attributes of `_rescued` that are looked at where none is named. */
const MAX_ATTRS = 2_000;

/** Attributes with a value in `_rescued`, by bytes. */
export async function rescuedAttrs(parts: EvolveParts, base: TableState, live: readonly LiveFile[]): Promise<string[]> {
  const attrs = new Set<string>();
  const some = live.filter((file) => mayRescue(file, base.schema));
  for await (const read of readIn(parts, base, some, [rescuedId(base.schema)])) {
    const found = await tableRescues(parts.duck, base.schema, read, MAX_ATTRS, parts.context.signal);
    for (const { attr } of found) attrs.add(attr);
  }
  return [...attrs].sort();
}

/** What is known of the values that a wish asks for; undefined where it asks for none. */
export async function factsOf(
  parts: EvolveParts,
  base: TableState,
  live: readonly LiveFile[],
  wish: Wish,
  { attr, column, path }: Place,
): Promise<ValueNode | undefined> {
  if (wish.kind === 'unrescue' || path.length > 1) return undefined;
  const own = base.schema.columns.filter((each) => each.attr === attr);
  const open = wish.kind === 'type' && wish.type.kind === 'timestamp' && wish.type.format === undefined;
  if (wish.kind === 'type' && wish.type.kind !== 'auto' && !open) return undefined;
  // Of typed columns the type says enough.
  const looked =
    wish.kind === 'split' ? own.filter(isJson) : column === undefined ? own : open || isLoose(column) ? [column] : [];
  const files = looked.length > 0 ? live : live.filter((file) => mayRescue(file, base.schema));
  const node = emptyValue();
  const nested = emptyValue();
  const ids = [...looked.map(({ id }) => id), rescuedId(base.schema)];
  const flat = looked.every(({ type }) => physicalType(type) !== undefined);
  const names = looked.map(({ name }) => name);
  for await (const read of readIn(parts, base, files, flat ? ids : undefined)) {
    const seen = await seeValues(parts.duck, base.schema, read, attr, names, parts.context.signal);
    mergeSeen(node, seen.node);
    for (const text of seen.nested) {
      const parsed = parseLine(`{"Item":{"v":${text}}}`);
      const value = parsed.ok ? parsed.item.get('v') : undefined;
      if (value !== undefined) learnValue(nested, value);
    }
  }
  // Of what is nested, some values tell the structure; all are counted.
  node.element = nested.element;
  node.map = nested.map;
  return node;
}

function isJson({ type: { kind } }: Field): boolean {
  return kind === 'json' || kind === 'ddb-json';
}

/** A column whose type says less than its values do. */
function isLoose(column: Field): boolean {
  const { kind } = column.type;
  return isJson(column) || kind === 'string' || kind === 'number-text';
}

function mergeSeen(into: ValueNode, from: ValueNode): void {
  for (const [tag, count] of from.counts) into.counts.set(tag, (into.counts.get(tag) ?? 0) + count);
  for (const [tag, text] of from.examples) if (!into.examples.has(tag)) into.examples.set(tag, text);
  for (const [format, count] of from.times) into.times.set(format, (into.times.get(format) ?? 0) + count);
  const [a, b] = [into.numbers, from.numbers];
  if (a === undefined || b === undefined) into.numbers = a ?? b;
  else
    into.numbers = {
      intDigits: Math.max(a.intDigits, b.intDigits),
      scale: Math.max(a.scale, b.scale),
      long: a.long && b.long,
    };
}

/** Field id of `_rescued`. */
export function rescuedId({ system }: TableSchema): number {
  return system.find(({ name }) => name === '_rescued')?.id ?? -1;
}

/** Whether a file may hold a value in `_rescued`, by its statistics. */
export function mayRescue(file: LiveFile, schema: TableSchema): boolean {
  const leaf = file.stats[rescuedId(schema)];
  return leaf === undefined || leaf.valueCount > leaf.nullCount;
}
