import { ITEM_LINES, type Lines } from '../model/item.ts';
import type { DerivedColumn, Field, TableSchema } from '../model/schema.ts';
import type { Since } from './filter/since.ts';
import type { Filter } from './filter/tree.ts';
import { type ReadItem, type ReadValue, readingOf } from './reading.ts';
import type { MapNode } from './structure.ts';

/**
 * Shape × schema: how the line of an export becomes a row. A tree of values, free of any SQL dialect; an engine
 * prints it. `attrs` says for each attribute how it is read, which columns take it, and whether what no column
 * holds is rescued.
 */
export interface Projection {
  readonly lines: Lines;
  readonly reading: ReadItem;
  readonly attrs: readonly AttrPlan[];
  readonly derived: readonly DerivedColumn[];
  /** Attributes that every item must have; a line without them is refused. */
  readonly keyAttrs: readonly string[];
  readonly excluded: ReadonlySet<string>;
  /** Only items that meet it become rows; the key of a change whose new image does not is taken for deleted. */
  readonly filter?: Filter;
  /** Of items, only those that are as young become rows. */
  readonly since?: Since;
  readonly schema: TableSchema;
}

export interface AttrPlan {
  readonly attr: string;
  readonly read: ReadValue;
  /** None: the attribute is only rescued. Several: split by type tag. */
  readonly columns: readonly Field[];
  readonly isKey: boolean;
}

/** The projection for items that look like this root into a table of this schema. */
export function projectionOf(
  root: MapNode,
  schema: TableSchema,
  exclude: readonly string[],
  expectNulls = true,
  lines: Lines = ITEM_LINES,
  { filter, since }: { readonly filter?: Filter | undefined; readonly since?: Since | undefined } = {},
): Projection {
  const excluded = new Set(exclude);
  const reading = readingOf(root, schema.columns, excluded, expectNulls);
  const keyAttrs = schema.keys.map((name) => schema.columns.find((column) => column.name === name)?.attr ?? name);
  const names = new Set(schema.columns.map((column) => column.attr));
  if (reading.kind === 'struct') for (const name of reading.attrs.keys()) names.add(name);
  const attrs = [...names]
    .filter((name) => !excluded.has(name))
    .map(
      (attr): AttrPlan => ({
        attr,
        read: reading.attrs.get(attr) ?? { kind: 'raw' },
        columns: schema.columns.filter((column) => column.attr === attr),
        isKey: keyAttrs.includes(attr),
      }),
    );
  const where = { ...(filter === undefined ? {} : { filter }), ...(since === undefined ? {} : { since }) };
  return { lines, reading, attrs, derived: schema.derived, keyAttrs, excluded, schema, ...where };
}

/** Whether the lines of deleted items become no rows of the table: all but a history keep only what is there. */
export function dropsDeleted({ lines, schema }: Projection): boolean {
  return lines.shape === 'change' && !schema.system.some((column) => column.name === '_operation');
}
