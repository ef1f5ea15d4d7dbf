import { type AttributePath, ELEMENT, VALUE } from '../model/attribute-path.ts';
import { compareBytes } from '../model/byte-order.ts';
import type { NumbersMode, SchemaOptions } from '../model/options.ts';
import type { ColumnType, Field, OriginTag, Slot, Tag } from '../model/schema.ts';
import { isFull, newFields } from './grow.ts';
import { type HeldDigits, heldAt } from './held.ts';
import { assignNames } from './names.ts';
import { capacity, grownDecimal, mergeNumbers, type NumberFacts, numberReason, numberType } from './numbers.ts';
import { isDictionary, isPlain, opaqueReason } from './shape.ts';
import { dictionaryValue, type MapNode, type ValueNode } from './structure.ts';
import { chosenTime } from './times.ts';

/** What a value position becomes, and why. */
export interface Choice {
  readonly tag: OriginTag;
  readonly type: ColumnType;
  readonly reason: string;
}

export interface DecideContext {
  readonly options: SchemaOptions;
  /** Gives a field id that was never used. */
  readonly nextId: () => number;
  /** Nested attributes that are kept as text. */
  readonly asText?: ReadonlySet<string>;
  /** Digits before the point of what the table holds, where it is known. */
  readonly held?: HeldDigits;
  /** Structs take no more fields. */
  readonly full?: boolean;
  /** Called for every struct field, so that `schema show` can explain nested ones, too. */
  readonly onField?: (path: AttributePath, field: Field, reason: string, node: ValueNode) => void;
}

/** A recorded column, list element or map value that the new choice should keep where it can. */
export type Recorded = { readonly tag: OriginTag; readonly type: ColumnType } | undefined;

/** The tag that most values have (NULL does not count); the first by name where two are equal. */
export function mainTag(node: ValueNode): Tag | undefined {
  let best: Tag | undefined;
  for (const [tag, count] of [...node.counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (tag !== 'NULL' && (best === undefined || count > (node.counts.get(best) ?? 0))) best = tag;
  }
  return best;
}

/** Chooses tag and type for a position by its most frequent tag, keeping what the table has recorded. */
export function decide(node: ValueNode, path: AttributePath, context: DecideContext, before: Recorded): Choice {
  const opaque = opaqueHere(node, path, context);
  const first = isUnheld(before) ? mainTag(node) : undefined;
  // A struct without fields would hold nothing.
  if (context.full === true && (first === 'L' || first === 'M'))
    return { tag: '*', type: { kind: 'ddb-json' }, reason: 'the attribute takes no more positions' };
  // The first value of a position chooses its type.
  const recorded = first === undefined ? before : undefined;
  if (recorded !== undefined && (recorded.tag === '*' || isText(recorded.type))) {
    return { ...recorded, reason: 'as recorded in the table' };
  }
  if (opaque !== undefined && recorded === undefined) return { tag: '*', type: { kind: 'ddb-json' }, reason: opaque };
  const tag = recorded === undefined ? mainTag(node) : (recorded.tag as Tag);
  if (tag === undefined) return unheld();
  const full = recorded !== undefined && (opaque !== undefined || (path.length === 1 && isFull(recorded.type)));
  return decideTag(node, tag, path, full ? { ...context, full } : context, recorded?.type);
}

function opaqueHere(node: ValueNode, path: AttributePath, context: DecideContext): string | undefined {
  if (path.length === 1 && context.asText?.has(String(path[0])))
    return 'nested values of this table have too many positions together';
  return opaqueReason(node, path.length, context.options.maxDepth);
}

/** Chooses the type for a new column that holds the values of one tag alone, beside columns of the others. */
export function decideAlone(node: ValueNode, tag: Tag, path: AttributePath, context: DecideContext): Choice {
  const opaque = tag === 'L' || tag === 'M' ? opaqueHere(node, path, context) : undefined;
  if (opaque !== undefined) return { tag, type: { kind: 'ddb-json' }, reason: opaque };
  return decideTag(node, tag, path, context, undefined);
}

/** Chooses the type for values of one tag at a position. */
export function decideTag(
  node: ValueNode,
  tag: Tag,
  path: AttributePath,
  context: DecideContext,
  recorded: ColumnType | undefined,
): Choice {
  const { options } = context;
  const element = recorded?.kind === 'list' ? recorded.element : undefined;
  switch (tag) {
    case 'N':
      return { tag, ...numberChoice(node, path, context, recorded) };
    case 'S':
      return { tag, ...textChoice(node, path, options, recorded) };
    case 'B':
      return { tag, type: { kind: 'binary' }, reason: 'all values are binary' };
    case 'BOOL':
      return { tag, type: { kind: 'boolean' }, reason: 'all values are true or false' };
    case 'SS':
      return setChoice(tag, 'S', { kind: 'string' }, 'a set of strings', context, element);
    case 'BS':
      return setChoice(tag, 'B', { kind: 'binary' }, 'a set of binaries', context, element);
    case 'NS': {
      const facts =
        element === undefined ? node.numbers : widen(element.type, node.numbers, context, [...path, ELEMENT]);
      const type = keepNumber(element?.type, node.numbers) ?? widerType(element?.type, facts, options.numbers);
      return setChoice(
        tag,
        'N',
        type,
        `a set of numbers: ${numberReason(node.numbers, options.numbers)}`,
        context,
        element,
      );
    }
    case 'L':
      return listChoice(node, path, context, element);
    case 'M':
      return mapChoice(node, path, context, recorded);
    default:
      return unheld();
  }
}

/** Whether a position has held nothing but NULL: text by lack of anything better, until its first value comes. */
export function isUnheld(slot: Recorded): boolean {
  return slot?.tag === 'NULL' && slot.type.kind === 'string';
}

function unheld(): Choice {
  return { tag: 'NULL', type: { kind: 'string' }, reason: 'only NULL was seen' };
}

function isText(type: ColumnType): boolean {
  return type.kind === 'json' || type.kind === 'ddb-json';
}

function numberChoice(node: ValueNode, path: AttributePath, context: DecideContext, recorded: ColumnType | undefined) {
  const { options } = context;
  const isKey = path.length === 1 && options.key.includes(String(path[0]));
  const mode = isKey && options.numbers === 'double' ? 'exact' : options.numbers;
  const time = recorded?.kind === 'timestamp' ? recorded.format : autoTime(node, 'N', path, options);
  if (time !== undefined)
    return { type: { kind: 'timestamp', format: time }, reason: `every number is a time (${time})` } as const;
  const kept = keepNumber(recorded, node.numbers);
  if (kept !== undefined) return { type: kept, reason: 'as recorded in the table' };
  const facts = recorded === undefined ? node.numbers : widen(recorded, node.numbers, context, path);
  return { type: widerType(recorded, facts, mode), reason: numberReason(facts, mode) };
}

/** The type for numbers that a recorded column does not hold; the recorded one with more digits where that will do. */
function widerType(recorded: ColumnType | undefined, facts: NumberFacts | undefined, mode: NumbersMode): ColumnType {
  return (mode === 'exact' ? grownDecimal(recorded, facts) : undefined) ?? numberType(facts, mode);
}

function textChoice(node: ValueNode, path: AttributePath, options: SchemaOptions, recorded: ColumnType | undefined) {
  const time = recorded?.kind === 'timestamp' ? recorded.format : autoTime(node, 'S', path, options);
  if (time !== undefined)
    return { type: { kind: 'timestamp', format: time }, reason: `every text is a time (${time})` } as const;
  return { type: { kind: 'string' }, reason: 'text' } as const;
}

function autoTime(node: ValueNode, tag: 'S' | 'N', path: AttributePath, options: SchemaOptions) {
  if (options.timestamps !== 'auto' || (path.length === 1 && options.key.includes(String(path[0])))) return undefined;
  return chosenTime(node.times, node.counts.get(tag) ?? 0, tag, String(path.at(-1)));
}

/** The recorded numeric type where it holds every number that was seen. */
export function keepNumber(recorded: ColumnType | undefined, facts: NumberFacts | undefined): ColumnType | undefined {
  if (recorded === undefined) return undefined;
  if (recorded.kind === 'number-text' || recorded.kind === 'double') return recorded;
  if (facts === undefined) return recorded;
  if (recorded.kind === 'long') return facts.long ? recorded : undefined;
  if (recorded.kind !== 'decimal') return undefined;
  const fits = facts.scale <= recorded.scale && facts.intDigits <= recorded.precision - recorded.scale;
  return fits ? recorded : undefined;
}

/**
 * Facts that cover both what was seen and what a recorded column holds. Rows that stay must fit: as the bounds of their
 * files tell, else whatever the column may hold. Where all rows are swapped, what it is likely to hold will do.
 */
function widen(recorded: ColumnType, facts: NumberFacts | undefined, context: DecideContext, path: AttributePath) {
  if (facts === undefined) return undefined;
  const room = capacity(recorded);
  if (room === undefined) return facts;
  const likely = recorded.kind === 'long' ? 0 : Math.min(room.intDigits, room.intDigits + room.scale > 18 ? 20 : 12);
  const intDigits = context.held === undefined ? likely : (heldAt(context.held, path) ?? room.intDigits);
  return mergeNumbers({ ...room, intDigits }, facts);
}

function slot(choice: { tag: OriginTag; type: ColumnType }, recorded: Slot | undefined, context: DecideContext): Slot {
  return { id: keepsId(recorded, choice) ? recorded.id : context.nextId(), tag: choice.tag, type: choice.type };
}

function setChoice(
  tag: Tag,
  elementTag: Tag,
  type: ColumnType,
  reason: string,
  context: DecideContext,
  recorded: Slot | undefined,
): Choice {
  return { tag, type: { kind: 'list', element: slot({ tag: elementTag, type }, recorded, context) }, reason };
}

function listChoice(node: ValueNode, path: AttributePath, context: DecideContext, recorded: Slot | undefined): Choice {
  const element = node.element;
  if (element === undefined && recorded === undefined) {
    const empty = slot(unheld(), recorded, context);
    return { tag: 'L', type: { kind: 'list', element: empty }, reason: 'only empty lists were seen' };
  }
  if (element === undefined)
    return { tag: 'L', type: { kind: 'list', element: recorded as Slot }, reason: 'as recorded' };
  if (isMixed(element) && recorded === undefined) {
    return isPlain(node)
      ? { tag: 'L', type: { kind: 'json' }, reason: `list elements have several types (${tagsOf(element)})` }
      : {
          tag: '*',
          type: { kind: 'ddb-json' },
          reason: `list elements have several types (${tagsOf(element)}) that plain JSON would lose`,
        };
  }
  const inner = decide(element, [...path, ELEMENT], context, recorded);
  if (inner.tag === '*' && recorded === undefined)
    return { tag: '*', type: { kind: 'ddb-json' }, reason: inner.reason };
  // The list stays, and text of whole values is none of its elements.
  if (inner.tag === '*' && recorded !== undefined && isUnheld(recorded))
    return { tag: 'L', type: { kind: 'list', element: recorded }, reason: 'as recorded' };
  return {
    tag: 'L',
    type: { kind: 'list', element: slot(inner, recorded, context) },
    reason: `list elements have one type`,
  };
}

function mapChoice(
  node: ValueNode,
  path: AttributePath,
  context: DecideContext,
  recorded: ColumnType | undefined,
): Choice {
  const map = node.map;
  if (recorded?.kind === 'map' || (recorded === undefined && map !== undefined && isDictionary(map))) {
    const choice = dictionaryChoice(map, path, context, recorded?.kind === 'map' ? recorded : undefined);
    if (choice !== undefined) return choice;
  }
  if ((map === undefined || map.fields.size === 0) && recorded === undefined) {
    return { tag: '*', type: { kind: 'ddb-json' }, reason: 'only empty maps were seen' };
  }
  const recordedFields = recorded?.kind === 'struct' ? recorded.fields : [];
  return {
    tag: 'M',
    type: { kind: 'struct', fields: structFields(map, path, context, recordedFields) },
    reason: `maps with ${map?.fields.size ?? 0} known names`,
  };
}

function dictionaryChoice(
  map: MapNode | undefined,
  path: AttributePath,
  context: DecideContext,
  recorded: Extract<ColumnType, { kind: 'map' }> | undefined,
): Choice | undefined {
  const value = map === undefined ? undefined : dictionaryValue(map);
  if (value === undefined) return recorded && { tag: 'M', type: recorded, reason: 'as recorded in the table' };
  const names = `${map?.overflow ? 'more than ' : ''}${map?.fields.size} names in ${map?.maps} maps: names are data`;
  if (isMixed(value) && recorded === undefined) {
    return {
      tag: '*',
      type: { kind: 'ddb-json' },
      reason: `${names}, and values have several types (${tagsOf(value)})`,
    };
  }
  const inner = decide(value, [...path, VALUE], context, recorded?.value);
  if (inner.tag === '*' && recorded === undefined)
    return { tag: '*', type: { kind: 'ddb-json' }, reason: `${names}; ${inner.reason}` };
  if (inner.tag === '*' && recorded !== undefined && isUnheld(recorded.value))
    return { tag: 'M', type: recorded, reason: names };
  const keyId = recorded?.keyId ?? context.nextId();
  return { tag: 'M', type: { kind: 'map', keyId, value: slot(inner, recorded?.value, context) }, reason: names };
}

function structFields(
  map: MapNode | undefined,
  path: AttributePath,
  context: DecideContext,
  recorded: readonly Field[],
): Field[] {
  const byAttr = new Map(recorded.map((field) => [field.attr, field]));
  const attrs = [...byAttr.keys(), ...(context.full === true ? [] : newFields(map, recorded))];
  const names = assignNames(attrs, new Map(recorded.map((field) => [field.attr, field.name])), { reserved: [] });
  const fields = attrs.map((attr) => {
    const node = map?.fields.get(attr);
    const old = byAttr.get(attr);
    if (node === undefined && old !== undefined) return old;
    const id = old?.id ?? context.nextId();
    const choice = decide(node as ValueNode, [...path, attr], context, old);
    const kept = old === undefined || sameColumn(old.type, choice.type);
    const field = {
      id: kept ? id : context.nextId(),
      name: names.get(attr) ?? attr,
      attr,
      tag: choice.tag,
      type: choice.type,
    };
    context.onField?.([...path, attr], field, choice.reason, node as ValueNode);
    return field;
  });
  const order = (field: Field): number => (byAttr.has(field.attr) ? 0 : 1);
  return fields.sort((a, b) => order(a) - order(b) || (order(a) === 0 ? 0 : compareBytes(a.name, b.name)));
}

/** Two tags besides NULL at one position. */
export function isMixed(node: ValueNode): boolean {
  return [...node.counts.keys()].filter((tag) => tag !== 'NULL').length > 1;
}

export function tagsOf(node: ValueNode): string {
  return [...node.counts]
    .map(([tag, count]) => `${tag} ${count}`)
    .sort()
    .join(', ');
}

/** Whether what was recorded keeps its id as the slot that is chosen now: files that hold it can be read so. */
export function keepsId(
  recorded: Slot | undefined,
  { tag, type }: { readonly tag: OriginTag; readonly type: ColumnType },
): recorded is Slot {
  if (recorded === undefined || !sameColumn(recorded.type, type)) return false;
  return recorded.tag === tag || isUnheld(recorded);
}

/** Whether files written with `a` can be read as `b` under the same field id: a decimal may gain digits before the point. */
export function sameColumn(a: ColumnType, b: ColumnType): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === 'decimal' && b.kind === 'decimal') return a.scale === b.scale && a.precision <= b.precision;
  if (a.kind === 'timestamp' && b.kind === 'timestamp') return a.format === b.format;
  return true;
}
