import { defaultOptions } from '../../src/index.ts';
import type { SchemaOptions } from '../../src/model/options.ts';
import type { TableSchema } from '../../src/model/schema.ts';
import { typeText } from '../../src/model/type-text.ts';
import { type Mapped, mapSchema } from '../../src/schema/map.ts';
import { emptyMap, learnItem, type MapNode } from '../../src/schema/structure.ts';
import { parseLine } from '../../src/source/lines/parse.ts';
import type { DdbItem } from '../data/ion.ts';

export function schemaOptions(change: Partial<SchemaOptions> = {}): SchemaOptions {
  return { ...defaultOptions().schema, ...change };
}

/** The tree of what these items show. */
export function learned(items: readonly DdbItem[]): MapNode {
  const root = emptyMap();
  for (const item of items) {
    const parsed = parseLine(JSON.stringify({ Item: item }));
    if (!parsed.ok) throw new Error(parsed.reason);
    learnItem(root, parsed.item);
  }
  return root;
}

export function mapped(items: readonly DdbItem[], change: Partial<SchemaOptions> = {}, recorded?: TableSchema): Mapped {
  return mapSchema(learned(items), schemaOptions(change), recorded);
}

/** Columns as `name: type`, in their order. */
export function columnTexts(schema: TableSchema): string[] {
  return schema.columns.map((column) => `${column.name}: ${typeText(column.type)}`);
}

/** The type of the column `a` for these values of it. */
export function typeOf(values: readonly unknown[], change: Partial<SchemaOptions> = {}): string {
  const { schema } = mapped(
    values.map((value) => ({ a: value }) as DdbItem),
    change,
  );
  const column = schema.columns.find(({ attr }) => attr === 'a');
  return column === undefined ? 'none' : typeText(column.type);
}
