/** What a change of columns on request comes to: the new schema, and which files must be written anew for it. */
import { closest } from '../../config/closest.ts';
import type { Misfit } from '../../engine/duckdb/merge/survey.ts';
import { TailraceError } from '../../model/errors.ts';
import type { SchemaOptions } from '../../model/options.ts';
import type { TableSchema } from '../../model/schema.ts';
import type { LiveFile, TableState } from '../../model/table.ts';
import { type AttrChange, type Evolution, evolve, type Wish } from '../../schema/evolve/evolution.ts';
import { type Place, placeOf } from '../../schema/evolve/place.ts';
import { isFault, parseTypeText } from '../../schema/files/type-text.ts';
import { heldDigits } from '../../schema/held.ts';
import { resolvePartition, resolveSort } from '../../schema/partition.ts';
import type { ValueNode } from '../../schema/structure.ts';
import { keepOptions, requestOf } from '../ends/keep.ts';
import type { EvolveParts } from './files.ts';
import { type Surveyed, surveyFiles } from './survey.ts';
import { factsOf, rescuedAttrs } from './values.ts';

/** A change of a table's columns: the type of one (`--type`), a column for each type of value, or what fits out of `_rescued`. */
export type ColumnChange =
  | { readonly column: string; readonly type: string }
  | { readonly column: string; readonly split: true }
  /** Without a column: of every attribute that has one. */
  | { readonly column?: string; readonly unrescue: true };

export interface EvolvePlan {
  readonly evolution: Evolution;
  /** Whether the table's columns become others; else only values move. */
  readonly newSchema: boolean;
  /** Files that must be written anew. */
  readonly files: readonly LiveFile[];
  readonly values: Surveyed['values'];
  readonly misfits: readonly Misfit[];
}

/** Works out what is wanted of this state, and counts what it does to the rows. Writes nothing. */
export async function planEvolution(
  parts: EvolveParts,
  base: TableState,
  live: readonly LiveFile[],
  asked: readonly ColumnChange[],
): Promise<EvolvePlan> {
  const wishes = await wishesOf(parts, base, live, asked);
  const { schema: options } = keepOptions(parts.options, undefined, base, false).options;
  const nodes = new Map<string, ValueNode>();
  for (const wish of wishes) {
    const place = placeOf(base.schema, wish.name);
    refuseExcluded(place, options, base.location);
    const node = await factsOf(parts, base, live, wish, place);
    if (node !== undefined) nodes.set(wish.name, node);
  }
  const evolution = evolve(base.schema, wishes, { nodes, held: heldDigits(base.schema, live), options });
  checkLayout(base, evolution.after);
  const newSchema = JSON.stringify(evolution.before) !== JSON.stringify(evolution.after);
  const survey = await surveyFiles(parts, base, live, evolution.changes);
  refuseUnknown(survey.rescued, evolution.changes, base.schema);
  const { format } = parts.target.table;
  const files = live.filter(({ path }) => {
    const { moved = 0, misfits = 0, held = 0 } = survey.files.get(path) ?? {};
    // Readers of Parquet folders take the columns from any one file, so there all files must have the same.
    return moved + misfits + held > 0 || (format === 'parquet' && newSchema);
  });
  return { evolution, newSchema, files, values: survey.values, misfits: survey.misfits };
}

async function wishesOf(
  parts: EvolveParts,
  base: TableState,
  live: readonly LiveFile[],
  asked: readonly ColumnChange[],
): Promise<Wish[]> {
  const wishes: Wish[] = [];
  for (const change of asked) {
    if ('type' in change) wishes.push({ kind: 'type', name: change.column, type: typeOf(change.type) });
    else if ('split' in change) wishes.push({ kind: 'split', name: change.column });
    else if (change.column !== undefined) wishes.push({ kind: 'unrescue', name: change.column });
    else {
      const found = await rescuedAttrs(parts, base, live);
      const own = new Set(base.schema.columns.map(({ attr }) => attr));
      wishes.push(...found.filter((attr) => own.has(attr)).map((name): Wish => ({ kind: 'unrescue', name })));
    }
  }
  return wishes;
}

function typeOf(text: string) {
  const type = parseTypeText(text);
  if (!isFault(type)) return type;
  throw new TailraceError('USAGE', `${type.fault}.`, {
    place: '--type',
    expected: type.expected.replace(', struct', ''),
    found: type.found,
    hint: 'Types are written as in schema files; auto takes the type that a load would take.',
  });
}

/** Refuses columns that the table's partitions and order cannot follow. */
function checkLayout({ schema, partition, sort, location }: TableState, after: TableSchema): void {
  const names = new Set([...after.columns, ...after.derived, ...after.system].map(({ name }) => name));
  const lost = [...partition, ...sort].find(({ column }) => !names.has(column));
  if (lost !== undefined) {
    throw new TailraceError(
      'USAGE',
      `The table is partitioned or sorted by “${lost.column}”, which would have another name.`,
      {
        place: location,
        expected: 'a column of that name',
        found: 'none',
        hint: 'Change its type instead, or load the table anew with --replace and another layout.',
      },
    );
  }
  let { lastFieldId } = after;
  const kind = (name: string): string => JSON.stringify(schema.columns.find((column) => column.name === name)?.type);
  const changed = (name: string): boolean =>
    kind(name) !== JSON.stringify(after.columns.find((column) => column.name === name)?.type);
  resolvePartition(
    partition.filter(({ column }) => changed(column)).map(requestOf),
    after,
    () => undefined,
    () => ++lastFieldId,
  );
  resolveSort(
    sort.filter(({ column }) => changed(column)),
    after,
  );
}

function refuseExcluded({ attr }: Place, { exclude }: SchemaOptions, place: string): void {
  if (!exclude.includes(attr)) return;
  throw new TailraceError('USAGE', `“${attr}” is excluded: the table holds no value of it.`, {
    place,
    expected: 'an attribute that the table holds',
    found: `--exclude ${exclude.join(',')}`,
    hint: 'A full export with --replace and another --exclude brings it in.',
  });
}

/** A name that stands for nothing is a slip, and must not become a column. */
function refuseUnknown(rescued: ReadonlySet<string>, changes: readonly AttrChange[], { columns }: TableSchema): void {
  const unknown = changes.find(({ attr, before }) => before.length === 0 && !rescued.has(attr));
  if (unknown === undefined) return;
  const names = columns.flatMap(({ name, attr }) => [name, attr]);
  const meant = closest(unknown.attr, names);
  throw new TailraceError('USAGE', `The table has no column “${unknown.attr}”, and no such attribute in _rescued.`, {
    place: '--column',
    expected: 'a column, an attribute, or a path within one, such as address.zip',
    found: unknown.attr,
    hint: meant === undefined ? 'tailrace schema show lists the columns.' : `Did you mean ${meant}?`,
  });
}
