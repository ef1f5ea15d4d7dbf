import type { ColumnType, Field, Slot, TableSchema } from '../model/schema.ts';

/** A column, or something inside one, that becomes another under the same name: values outgrew it. */
export interface Drift {
  /** Attribute path; list elements are `[]`, a dictionary's values `{}`. */
  readonly path: readonly string[];
  /** Name of the top-level column. */
  readonly column: string;
  readonly before: Field | Slot;
  readonly after: Field | Slot;
}

/** What `after` has in place of columns of `before`, at any depth; columns and fields that are only added are none. */
export function drifts(before: TableSchema, after: TableSchema): Drift[] {
  return before.columns.flatMap((old) => {
    const now = sameName(old, after.columns);
    return now === undefined ? [] : driftOf(old, now, [old.attr], old.name);
  });
}

/** Ids of fields of `before` that files were written by and that `after` no longer has: such files must be rewritten. */
export function needsRewrite(before: TableSchema, after: TableSchema): readonly number[] {
  return drifts(before, after).map((drift) => drift.before.id);
}

/** The schema with the recorded fields in place of those that they drifted to, but for keys; what is new stays. */
export function holdRecorded(schema: TableSchema, recorded: TableSchema): TableSchema {
  const columns = schema.columns.map((now) => {
    const old = sameName(now, recorded.columns);
    return old === undefined || schema.keys.includes(now.name) ? now : held(now, old);
  });
  // Ids of fields that were not taken must not be used up: a schema that is held twice is the same both times.
  const ids = [...columns.flatMap(idsOf), ...schema.system.map(({ id }) => id), ...schema.derived.map(({ id }) => id)];
  return { ...schema, columns, lastFieldId: Math.max(recorded.lastFieldId, ...ids) };
}

function sameName(field: Field, among: readonly Field[]): Field | undefined {
  return among.find((candidate) => candidate.name === field.name);
}

function driftOf(before: Field | Slot, after: Field | Slot, path: readonly string[], column: string): Drift[] {
  if (before.id !== after.id) return [{ path, column, before, after }];
  const [old, now] = [before.type, after.type];
  if (old.kind === 'list' && now.kind === 'list') return driftOf(old.element, now.element, [...path, '[]'], column);
  if (old.kind === 'map' && now.kind === 'map') return driftOf(old.value, now.value, [...path, '{}'], column);
  if (old.kind !== 'struct' || now.kind !== 'struct') return [];
  return old.fields.flatMap((field) => {
    const next = sameName(field, now.fields);
    return next === undefined ? [] : driftOf(field, next, [...path, field.attr], column);
  });
}

function held<T extends Field | Slot>(now: T, old: T): T {
  return now.id === old.id ? { ...now, type: heldType(now.type, old.type) } : old;
}

function heldType(now: ColumnType, old: ColumnType): ColumnType {
  if (now.kind === 'list' && old.kind === 'list') return { ...now, element: held(now.element, old.element) };
  if (now.kind === 'map' && old.kind === 'map') return { ...now, value: held(now.value, old.value) };
  if (now.kind !== 'struct' || old.kind !== 'struct') return now;
  const fields = now.fields.map((field) => {
    const before = sameName(field, old.fields);
    return before === undefined ? field : held(field, before);
  });
  return { ...now, fields };
}

/** The ids of a column and of all that is within it. */
export function idsOf({ id, type }: Field | Slot): number[] {
  if (type.kind === 'list') return [id, ...idsOf(type.element)];
  if (type.kind === 'map') return [id, type.keyId, ...idsOf(type.value)];
  return type.kind === 'struct' ? [id, ...type.fields.flatMap(idsOf)] : [id];
}
