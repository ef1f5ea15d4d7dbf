import type { ColumnType, Field, Slot, TableSchema } from '../model/schema.ts';
import { isUnheld } from './decide.ts';

/** A column, or something inside one, that becomes another under the same name: values outgrew it. */
export interface Drift {
  /** Attribute path; list elements are `[]`, a dictionary's values `{}`. */
  readonly path: readonly string[];
  /** Name of the top-level column. */
  readonly column: string;
  readonly before: Field | Slot;
  readonly after: Field | Slot;
}

/** `free`: readers that do not find it in a file miss nothing but its NULLs. */
interface Replaced extends Drift {
  readonly free: boolean;
}

/** What `after` has in place of columns of `before`, at any depth; columns and fields that are only added are none, nor is
 * what held nothing and now has its first values. */
export function drifts(before: TableSchema, after: TableSchema): Drift[] {
  return replaced(before, after).filter((drift) => !isUnheld(drift.before));
}

/** What `after` has in place of columns of `before` such that files which were written by these must be rewritten. */
export function rewrites(before: TableSchema, after: TableSchema): Drift[] {
  return replaced(before, after).filter((drift) => !(isUnheld(drift.before) && drift.free));
}

/** Ids of fields of `before` that files were written by and that `after` no longer has: such files must be rewritten. */
export function needsRewrite(before: TableSchema, after: TableSchema): readonly number[] {
  return rewrites(before, after).map((drift) => drift.before.id);
}

/** The schema with the recorded fields in place of those that they drifted to, but for keys; what is new stays. */
export function holdRecorded(schema: TableSchema, recorded: TableSchema): TableSchema {
  const columns = schema.columns.map((now) => {
    const old = sameName(now, recorded.columns);
    return old === undefined || schema.keys.includes(now.name) ? now : held(now, old, true);
  });
  // Ids of fields that were not taken must not be used up: a schema that is held twice is the same both times.
  const ids = [...columns.flatMap(idsOf), ...schema.system.map(({ id }) => id), ...schema.derived.map(({ id }) => id)];
  return { ...schema, columns, lastFieldId: Math.max(recorded.lastFieldId, ...ids) };
}

function sameName(field: Field, among: readonly Field[]): Field | undefined {
  return among.find((candidate) => candidate.name === field.name);
}

function replaced(before: TableSchema, after: TableSchema): Replaced[] {
  return before.columns.flatMap((old) => {
    const now = sameName(old, after.columns);
    return now === undefined ? [] : replacedIn(old, now, { path: [old.attr], column: old.name, free: true });
  });
}

function replacedIn(
  before: Field | Slot,
  after: Field | Slot,
  { path, column, free }: Pick<Replaced, 'path' | 'column' | 'free'>,
): Replaced[] {
  if (before.id !== after.id) return [{ path, column, before, after, free }];
  const [old, now] = [before.type, after.type];
  // Without its elements a list or a map would be NULL, not empty.
  const below = (step: string) => ({ path: [...path, step], column, free: false });
  if (old.kind === 'list' && now.kind === 'list') return replacedIn(old.element, now.element, below('[]'));
  if (old.kind === 'map' && now.kind === 'map') return replacedIn(old.value, now.value, below('{}'));
  if (old.kind !== 'struct' || now.kind !== 'struct') return [];
  return old.fields.flatMap((field) => {
    const next = sameName(field, now.fields);
    if (next === undefined) return [];
    return replacedIn(field, next, { ...below(field.attr), free: hasOther(old.fields, field, now.fields) });
  });
}

/** Whether a struct keeps another field, by which readers of older files tell it from NULL. */
function hasOther(fields: readonly Field[], field: Field, now: readonly Field[]): boolean {
  return fields.some((other) => other !== field && now.some(({ id }) => id === other.id));
}

function held<T extends Field | Slot>(now: T, old: T, free: boolean): T {
  if (now.id === old.id) return { ...now, type: heldType(now.type, old.type) };
  return isUnheld(old) && free ? now : old;
}

function heldType(now: ColumnType, old: ColumnType): ColumnType {
  if (now.kind === 'list' && old.kind === 'list') return { ...now, element: held(now.element, old.element, false) };
  if (now.kind === 'map' && old.kind === 'map') return { ...now, value: held(now.value, old.value, false) };
  if (now.kind !== 'struct' || old.kind !== 'struct') return now;
  const fields = now.fields.map((field) => {
    const before = sameName(field, old.fields);
    return before === undefined ? field : held(field, before, hasOther(old.fields, before, now.fields));
  });
  return { ...now, fields };
}

/** The ids of a column and of all that is within it. */
export function idsOf({ id, type }: Field | Slot): number[] {
  if (type.kind === 'list') return [id, ...idsOf(type.element)];
  if (type.kind === 'map') return [id, type.keyId, ...idsOf(type.value)];
  return type.kind === 'struct' ? [id, ...type.fields.flatMap(idsOf)] : [id];
}
