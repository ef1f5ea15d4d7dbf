import type { AttributePath } from '../model/attribute-path.ts';
import { compareBytes } from '../model/byte-order.ts';
import { TailraceError } from '../model/errors.ts';
import type { SchemaOptions } from '../model/options.ts';
import { type Field, systemColumns, type TableSchema, type Tag } from '../model/schema.ts';
import {
  type Choice,
  type DecideContext,
  decide,
  decideAlone,
  isMixed,
  isUnheld,
  sameColumn,
  tagsOf,
} from './decide.ts';
import { slots } from './grow.ts';
import type { HeldDigits } from './held.ts';
import { assignNames, RESERVED_NAMES } from './names.ts';
import { isPlain, overBudget } from './shape.ts';
import { emptyValue, type MapNode, type ValueNode } from './structure.ts';

/** Why a column is what it is; nested fields have decisions of their own. */
export interface Decision {
  readonly path: AttributePath;
  readonly field: Field;
  readonly reason: string;
  readonly node: ValueNode;
}

export interface Mapped {
  readonly schema: TableSchema;
  readonly decisions: readonly Decision[];
  /** Attributes that stay in `_rescued`: beyond the most columns, or not included. */
  readonly unmapped: readonly string[];
}

/** A column before it has a name: the attribute, and in split mode the tag that tells it from its siblings. */
interface Draft {
  readonly attr: string;
  /** What the name is made from: the attribute, or `<attr>_s` in split mode. */
  readonly label: string;
  readonly choice: Choice;
  readonly id: number;
  readonly node: ValueNode;
}

/**
 * The table's schema for everything that was seen. `recorded` is the schema that a table has: its columns keep
 * names and ids, widen where they must, and none is dropped. `held`: what the table's numbers need, at least.
 */
export function mapSchema(root: MapNode, options: SchemaOptions, recorded?: TableSchema, held?: HeldDigits): Mapped {
  const decisions: Decision[] = [];
  let lastFieldId = recorded?.lastFieldId ?? 0;
  const nextId = (): number => ++lastFieldId;
  const context: DecideContext = {
    options,
    nextId,
    ...(held === undefined ? {} : { held }),
    asText: overBudget(root.fields, recordedSlots(recorded)),
    onField: (path, field, reason, node) => decisions.push({ path, field, reason, node }),
  };
  const attrs = chosenAttrs(root, options, recorded);
  const drafts = attrs.flatMap((attr) => draftsOf(attr, root, context, recorded));
  const fields = named(drafts, recorded);
  for (const [i, draft] of drafts.entries()) {
    const field = fields[i];
    if (field !== undefined)
      decisions.push({ path: [draft.attr], field, reason: draft.choice.reason, node: draft.node });
  }
  const keyNames = keyColumns(fields, options.key);
  const system = recorded?.system ?? systemColumns(options.mode ?? 'mirror').map((name) => ({ id: nextId(), name }));
  const columns = inOrder(fields, keyNames);
  const schema = { columns, derived: recorded?.derived ?? [], system, keys: keyNames, lastFieldId };
  return {
    schema,
    decisions: decisions.sort(byPath),
    unmapped: [...root.fields.keys()].filter((name) => !attrs.includes(name) && !options.exclude.includes(name)),
  };
}

function recordedSlots(recorded: TableSchema | undefined): Map<string, number> {
  return new Map((recorded?.columns ?? []).map(({ attr, type }) => [attr, slots(type)]));
}

/** Recorded attributes, then keys, then the most frequent others up to the most columns. */
function chosenAttrs(root: MapNode, options: SchemaOptions, recorded: TableSchema | undefined): string[] {
  const { sure, others } = candidates(root, options, recorded);
  const rest = others
    .map(([name, node]) => ({ name, seen: [...node.counts.values()].reduce((a, b) => a + b, 0) }))
    .sort((a, b) => b.seen - a.seen || compareBytes(a.name, b.name));
  const room = Math.max(0, options.maxColumns - sure.size);
  return [...sure, ...rest.slice(0, room).map(({ name }) => name)].sort(compareBytes);
}

/** Whether the most columns are too few, so that the attributes that get one are chosen by how often they were seen. */
export function isCrowded(root: MapNode, options: SchemaOptions, recorded: TableSchema | undefined): boolean {
  const { sure, others } = candidates(root, options, recorded);
  const room = options.maxColumns - sure.size;
  return room > 0 && others.length > room;
}

/** Attributes that have a column in any case, and those that may get one. */
function candidates(root: MapNode, options: SchemaOptions, recorded: TableSchema | undefined) {
  const { exclude, include, key } = options;
  const before = (recorded?.columns ?? []).map((column) => column.attr).filter((attr) => !exclude.includes(attr));
  const sure = new Set([...key, ...before]);
  const others = [...root.fields].filter(
    ([name]) =>
      !sure.has(name) &&
      !name.includes('\u0000') &&
      !exclude.includes(name) &&
      (include.length === 0 || include.includes(name)),
  );
  return { sure, others };
}

function draftsOf(attr: string, root: MapNode, context: DecideContext, recorded: TableSchema | undefined): Draft[] {
  const node = root.fields.get(attr) ?? emptyValue();
  const before = recorded?.columns.filter((column) => column.attr === attr) ?? [];
  const { onMixed } = context.options;
  const isKey = context.options.key.includes(attr);
  // A column is never given up, but one that held nothing may become any other.
  if (before.every(isUnheld) && isMixed(node) && !isKey) {
    if (onMixed === 'fail') throw mixed(attr, node);
    if (onMixed === 'split' && before.length === 0) return splitDrafts(attr, node, context);
    if (onMixed === 'json') {
      const kind = isPlain(node) ? 'json' : 'ddb-json';
      const choice: Choice = {
        tag: '*',
        type: { kind },
        reason: `several types (${tagsOf(node)}), kept together as asked`,
      };
      return [{ attr, label: before[0]?.name ?? attr, choice, id: context.nextId(), node }];
    }
  }
  const olds = before.length > 0 ? before : [undefined];
  return olds.map((old) => {
    const id = old?.id ?? context.nextId();
    const choice = explained(decide(node, [attr], context, old), node);
    const kept = old === undefined || sameColumn(old.type, choice.type);
    return { attr, label: old?.name ?? attr, choice, id: kept ? id : context.nextId(), node };
  });
}

function explained(choice: Choice, node: ValueNode): Choice {
  const others = [...node.counts].filter(([tag]) => tag !== choice.tag && choice.tag !== '*');
  if (others.length === 0) return choice;
  const list = others.map(([tag, count]) => `${count} ${tag}`).join(', ');
  return { ...choice, reason: `${choice.reason}; ${list} go to _rescued` };
}

function splitDrafts(attr: string, node: ValueNode, context: DecideContext): Draft[] {
  const tags = [...node.counts.keys()].filter((tag): tag is Tag => tag !== 'NULL').sort();
  const choices = tags.map((tag) => [tag, decideAlone(node, tag, [attr], context)] as const);
  // Where one of the types is kept as text, the attribute is read as text, and so are its other nested types.
  const text = choices.some(([, choice]) => choice.type.kind === 'json' || choice.type.kind === 'ddb-json');
  return choices.map(([tag, typed]) => {
    const id = context.nextId();
    const nested = typed.type.kind === 'list' || typed.type.kind === 'struct' || typed.type.kind === 'map';
    const choice: Choice =
      text && (nested || typed.tag === '*') ? { ...typed, tag, type: { kind: 'ddb-json' } } : typed;
    return {
      attr,
      label: `${attr}_${tag.toLowerCase()}`,
      choice: { ...choice, reason: `${choice.reason}; split by type as asked` },
      id,
      node,
    };
  });
}

function mixed(attr: string, node: ValueNode): TailraceError {
  return new TailraceError('SCHEMA_DRIFT', `Attribute “${attr}” has values of several types.`, {
    place: `attribute ${attr}`,
    expected: 'one type',
    found: tagsOf(node),
    hint: 'Choose --on-mixed rescue, json or split, or exclude the attribute.',
  });
}

/** Columns with their names; recorded ones keep theirs. */
function named(drafts: readonly Draft[], recorded: TableSchema | undefined): Field[] {
  const taken = new Map((recorded?.columns ?? []).map((column) => [column.name, column.name]));
  const labels = uniqueLabels(drafts);
  const names = assignNames(labels, taken, {
    reserved: [...RESERVED_NAMES, ...(recorded?.derived ?? []).map((d) => d.name)],
  });
  return drafts.map(
    ({ attr, choice, id }, i): Field => ({
      id,
      name: names.get(labels[i] ?? '') ?? attr,
      attr,
      tag: choice.tag,
      type: choice.type,
    }),
  );
}

/** A split column's label may be another attribute's name; then it is made longer. */
function uniqueLabels(drafts: readonly Draft[]): string[] {
  const seen = new Set(drafts.filter((draft) => draft.label === draft.attr).map((draft) => draft.label));
  return drafts.map((draft) => {
    if (draft.label === draft.attr) return draft.label;
    let label = draft.label;
    while (seen.has(label)) label = `${label}_`;
    seen.add(label);
    return label;
  });
}

function keyColumns(fields: readonly Field[], key: readonly string[]): string[] {
  return key.flatMap((attr) => fields.find((field) => field.attr === attr)?.name ?? []);
}

function inOrder(fields: readonly Field[], keyNames: readonly string[]): Field[] {
  const keys = keyNames.flatMap((name) => fields.filter((field) => field.name === name));
  const others = fields.filter((field) => !keyNames.includes(field.name)).sort((a, b) => compareBytes(a.name, b.name));
  return [...keys, ...others];
}

function byPath(a: Decision, b: Decision): number {
  return compareBytes(a.path.join('\u0000'), b.path.join('\u0000'));
}
