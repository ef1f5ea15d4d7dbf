/**
 * A table's schema changed on request. Ids follow Iceberg's rules: a decimal that gains digits before the point keeps its
 * id, and so does a column that only gets another name; every other type is a new column in place of the old one.
 */
import { pathText } from '../../model/attribute-path.ts';
import { compareBytes } from '../../model/byte-order.ts';
import { TailraceError } from '../../model/errors.ts';
import type { SchemaOptions } from '../../model/options.ts';
import type { DerivedColumn, Field, Slot, TableSchema } from '../../model/schema.ts';
import { fieldOf, slotOf } from '../apply.ts';
import { type DecideContext, decide, sameColumn } from '../decide.ts';
import { idsOf } from '../drift.ts';
import type { UserType } from '../files/user-schema.ts';
import type { HeldDigits } from '../held.ts';
import { assignNames, RESERVED_NAMES } from '../names.ts';
import { emptyValue, type ValueNode } from '../structure.ts';
import { tagOfFormat } from '../times.ts';
import { checkKey, checkSets, checkSiblings } from './check.ts';
import { type Place, placeOf, slotAt, withSlot } from './place.ts';
import { settled } from './settle.ts';
import { splitColumns } from './split.ts';

/** What is wanted of one place. `unrescue`: its columns stay, and take what fits out of `_rescued`. */
export type Wish =
  | { readonly kind: 'type'; readonly name: string; readonly type: UserType }
  | { readonly kind: 'split'; readonly name: string }
  | { readonly kind: 'unrescue'; readonly name: string };

/** An attribute whose values are laid out anew; with the same columns, they are only looked for in `_rescued`. */
export interface AttrChange {
  readonly attr: string;
  /** None: the attribute had no column. */
  readonly before: readonly Field[];
  readonly after: readonly Field[];
  readonly isKey: boolean;
}

export interface Evolution {
  readonly before: TableSchema;
  readonly after: TableSchema;
  readonly changes: readonly AttrChange[];
}

/** What is known of the values, as far as a wish asks for it. */
export interface EvolveFacts {
  /** By the wish's name: values that stand in `_rescued` or in text, and those that may be times. */
  readonly nodes: ReadonlyMap<string, ValueNode>;
  /** Digits that the numbers of the table need. */
  readonly held: HeldDigits;
  readonly options: SchemaOptions;
}

/** The schema that the wishes come to, one after the other. */
export function evolve(before: TableSchema, wishes: readonly Wish[], facts: EvolveFacts): Evolution {
  let lastFieldId = before.lastFieldId;
  const context: DecideContext = {
    options: { ...facts.options, key: keyAttrs(before) },
    nextId: () => ++lastFieldId,
    held: facts.held,
  };
  let columns = before.columns;
  const attrs = new Set<string>();
  for (const wish of wishes) {
    const place = placeOf({ ...before, columns }, wish.name);
    const old = columns.filter(({ attr }) => attr === place.attr);
    const others = columns.filter(({ attr }) => attr !== place.attr);
    const next = nextColumns(wish, place, old, { facts, context, taken: [...others, ...before.derived] });
    checkSiblings(place.attr, next);
    for (const column of next) checkSets(column, wish.name);
    columns = [...others, ...next];
    attrs.add(place.attr);
  }
  const after = assembled(before, columns);
  for (const name of before.keys) checkKey(byName(before, name), byName(after, name));
  const of = (schema: TableSchema, attr: string): Field[] => schema.columns.filter((column) => column.attr === attr);
  const keys = keyAttrs(before);
  const changes = [...attrs].map(
    (attr): AttrChange => ({ attr, before: of(before, attr), after: of(after, attr), isKey: keys.includes(attr) }),
  );
  return { before, after, changes };
}

interface Around {
  readonly facts: EvolveFacts;
  readonly context: DecideContext;
  /** Columns whose names are taken. */
  readonly taken: readonly { readonly name: string }[];
}

function nextColumns(wish: Wish, place: Place, old: readonly Field[], { facts, context, taken }: Around): Field[] {
  const node = facts.nodes.get(wish.name);
  if (wish.kind === 'unrescue') return [...old];
  if (wish.kind === 'split') return splitColumns(place.attr, old, node, context, taken);
  if (place.path.length > 1 && place.column !== undefined) {
    const next = retypedWithin(place.column, place, wish.type, context);
    return old.map((column) => (column === place.column ? next : column));
  }
  const { column } = place;
  const stay = column === undefined ? [] : old.filter((each) => each !== column);
  const name = column?.name ?? assignNames([place.attr], namesOf(taken), { reserved: RESERVED_NAMES }).get(place.attr);
  if (wish.type.kind === 'auto') return [...stay, ...chosen(place, name ?? place.attr, node, context)];
  const user = settled(wish.type, column, node, wish.name);
  const before = user.tag === column?.tag ? column : undefined;
  const asked = { attr: place.attr, ...user };
  return [...stay, fieldOf(asked, name ?? place.attr, node ?? emptyValue(), [place.attr], context, before)];
}

/** The column that a load would make of the values; one that is there keeps its tag, and holds what it held. */
function chosen({ attr, column }: Place, name: string, node: ValueNode | undefined, context: DecideContext): Field[] {
  if (node === undefined || node.counts.size === 0) return column === undefined ? [] : [column];
  // Text says nothing of the values that stand in it.
  const recorded = column === undefined || isText(column) ? undefined : column;
  const { tag, type } = decide(node, [attr], context, recorded);
  const kept = column !== undefined && column.tag === tag && sameColumn(column.type, type);
  return [{ id: kept ? column.id : context.nextId(), name, attr, tag, type }];
}

function isText({ type: { kind } }: Field): boolean {
  return kind === 'number-text' || kind === 'json' || kind === 'ddb-json';
}

/** The column with another type somewhere within it. */
function retypedWithin(column: Field, { path }: Place, type: UserType, context: DecideContext): Field {
  const place = pathText(path);
  const old = slotAt(column, path);
  if (type.kind === 'auto' || (type.kind === 'timestamp' && type.format === undefined)) {
    throw new TailraceError('USAGE', `Within a column the type must be named outright.`, {
      place: `--type, ${place}`,
      expected: type.kind === 'auto' ? 'a type' : 'timestamp(iso-ms) or another format',
      found: type.kind,
      hint: 'tailrace schema show tells what the values are.',
    });
  }
  const user = settled(type, old, undefined, place);
  return withSlot(column, path, (slot: Slot) => ({ ...slot, ...slotOf(user, emptyValue(), path, context, slot) }));
}

/** The table's schema with these columns: keys first, then by name; derived columns follow the time that they come from. */
function assembled(before: TableSchema, columns: readonly Field[]): TableSchema {
  const keys = before.keys.flatMap((name) => columns.filter((column) => column.name === name));
  const others = columns.filter((column) => !keys.includes(column)).sort((a, b) => compareBytes(a.name, b.name));
  const ordered = [...keys, ...others];
  const derived = before.derived.map((column) => ({ ...column, from: sourceOf(column, before, ordered) }));
  const ids = ordered.flatMap(idsOf);
  return { ...before, columns: ordered, derived, lastFieldId: Math.max(before.lastFieldId, ...ids) };
}

function sourceOf({ name, from, format }: DerivedColumn, before: TableSchema, columns: readonly Field[]): string {
  if (columns.some((column) => column.name === from)) return from;
  const attr = byName(before, from)?.attr;
  const own = columns.filter((column) => column.attr === attr);
  const found = own.find(({ tag }) => tag === tagOfFormat(format)) ?? own[0];
  if (found !== undefined) return found.name;
  throw new TailraceError('INTERNAL', `The derived column ${name} has lost its column ${from}.`);
}

export function keyAttrs(schema: TableSchema): string[] {
  return schema.keys.flatMap((name) => byName(schema, name)?.attr ?? []);
}

function byName({ columns }: TableSchema, name: string): Field | undefined {
  return columns.find((column) => column.name === name);
}

function namesOf(columns: readonly { readonly name: string }[]): Map<string, string> {
  return new Map(columns.map(({ name }) => [`\u0000${name}`, name]));
}
