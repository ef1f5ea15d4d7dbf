import { pathText } from '../../model/attribute-path.ts';
import type { SchemaOptions } from '../../model/options.ts';
import type { Warning } from '../../model/report.ts';
import { type ColumnType, type Field, physicalType } from '../../model/schema.ts';
import type { DataFile } from '../../model/table.ts';
import type { SchemaFile } from '../../schema/files/user-schema.ts';
import { filterPaths } from '../../schema/filter/tree.ts';
import type { Layout, Learner } from './learner.ts';

export interface Seen {
  readonly learner: Learner;
  readonly layout: Layout;
  /** Those that were written; none yet in a plan. */
  readonly files: readonly DataFile[];
}

const SHOWN_MAX = 10;

/** Warnings of names that the run was given and that no item has: slips of the pen, mostly, and nothing tells otherwise. */
export function unseenNames(
  given: Pick<SchemaOptions, 'key' | 'include' | 'exclude'>,
  file: SchemaFile | undefined,
  seen: Seen,
): Warning[] {
  const has = (attr: string): boolean => isSeen(attr, seen);
  const absent = (names: readonly string[]): readonly string[] => [...new Set(names)].filter((name) => !has(name));
  // Where items are read as text, names that have no column are not looked for.
  const told = seen.layout.projection.reading.kind === 'struct';
  return [
    ...warning('key-unseen', '--key', absent(given.key)),
    ...warning('include-unseen', '--include', absent(given.include)),
    ...warning('exclude-unseen', '--exclude', told ? absent(given.exclude) : []),
    ...warning('filter-unseen', '--filter', told ? absent(filterNames(seen.layout)) : []),
    ...warning('schema-unseen', 'The schema file', absent((file?.columns ?? []).map((column) => column.attr))),
  ];
}

function filterNames({ projection: { filter } }: Layout): string[] {
  return filter === undefined ? [] : filterPaths(filter).map(([name]) => String(name));
}

function warning(code: string, where: string, names: readonly string[]): Warning[] {
  if (names.length === 0) return [];
  const what = names.length === 1 ? 'an attribute that no item has' : `${names.length} attributes that no item has`;
  return [{ code, text: `${where} names ${what}: ${listed(names)}.` }];
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_MAX).map((name) => pathText([name]));
  return `${shown.join(', ')}${names.length > SHOWN_MAX ? ', …' : ''}`;
}

/** Learned of, or, where a column was there to take it without being learned of, written. */
function isSeen(attr: string, { learner, layout, files }: Seen): boolean {
  if (learner.root.fields.has(attr)) return true;
  const columns = layout.schema.columns.filter((column) => column.attr === attr);
  const leaves = columns.flatMap(leafIds);
  return files.some(({ stats }) =>
    leaves.some((id) => {
      const leaf = stats[id];
      return leaf !== undefined && leaf.valueCount > leaf.nullCount;
    }),
  );
}

function leafIds({ id, type }: Pick<Field, 'id' | 'type'>): number[] {
  return physicalType(type) === undefined ? innerIds(type) : [id];
}

function innerIds(type: ColumnType): number[] {
  switch (type.kind) {
    case 'list':
      return leafIds(type.element);
    case 'map':
      return [type.keyId, ...leafIds(type.value)];
    case 'struct':
      return type.fields.flatMap(leafIds);
    default:
      return [];
  }
}

/** Attributes that have no column; `where`: the option that is why, as far as there is one. */
export function unmappedWarning(attrs: readonly string[], where = ''): Warning[] {
  if (attrs.length === 0) return [];
  const what = attrs.length === 1 ? 'attribute has no column and stays' : 'attributes have no column and stay';
  return [{ code: 'unmapped', text: `${attrs.length} ${what} in _rescued${where}: ${listed(attrs)}.` }];
}

/** Attributes beyond the most columns that a table may have. */
export function beyondColumns({ schema, mapped }: Layout, maxColumns: number): Warning[] {
  if (new Set(schema.columns.map(({ attr }) => attr)).size < maxColumns) return [];
  return unmappedWarning(mapped.unmapped, `, because the table has ${maxColumns} columns (--max-columns)`);
}
