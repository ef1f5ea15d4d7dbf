import type { AttributeValue, Item } from '../model/item.ts';
import type { PartitionRequest, SchemaOptions } from '../model/options.ts';
import type { ColumnType, TableSchema, TimestampFormat } from '../model/schema.ts';
import type { PartitionField, SortField } from '../model/table.ts';
import { mainTag, sameColumn } from '../schema/decide.ts';
import { applySchemaFile } from '../schema/apply.ts';
import type { SchemaFile } from '../schema/files/user-schema.ts';
import { type Mapped, mapSchema } from '../schema/map.ts';
import { resolvePartition, resolveSort } from '../schema/partition.ts';
import { type Projection, projectionOf } from '../schema/projection.ts';
import { emptyMap, emptyValue, learnItem, learnValue, type MapNode } from '../schema/structure.ts';

export interface LearnerOptions {
  readonly schema: SchemaOptions;
  readonly partition: readonly PartitionRequest[];
  readonly sort: readonly SortField[];
  /** The schema of the table that is replaced: names and ids stay. */
  readonly recorded: TableSchema | undefined;
  /** The user's own schema: nothing is added to it; what it does not name is rescued. */
  readonly file: SchemaFile | undefined;
}

/** Layout of the table for what was learned so far. */
export interface Layout {
  readonly schema: TableSchema;
  readonly partition: readonly PartitionField[];
  readonly sort: readonly SortField[];
  readonly projection: Projection;
  readonly mapped: Mapped;
}

/** Collects what is seen of the items, and makes the table's layout of it. */
export class Learner {
  readonly root: MapNode = emptyMap();
  readonly #options: LearnerOptions;
  /** After a surprise, NULL is expected everywhere, so that rare NULLs do not surprise one by one. */
  #surprised = false;

  constructor(options: LearnerOptions) {
    this.#options = options;
  }

  readonly item = (item: Item): void => learnItem(this.root, item);

  /** Adds values of one attribute that the engine could not put in its column. */
  value(attr: string, value: AttributeValue): void {
    let node = this.root.fields.get(attr);
    if (node === undefined) {
      node = emptyValue();
      this.root.fields.set(attr, node);
    }
    learnValue(node, value);
  }

  /** Why an item cannot be loaded although it is sound: its key is missing or of another type. */
  refuses(item: Item): string | undefined {
    for (const attr of this.#options.schema.key) {
      const value = item.get(attr);
      if (value === undefined) return `key attribute ${JSON.stringify(attr)} is missing`;
      const tag = mainTag(this.root.fields.get(attr) ?? emptyValue());
      if (tag !== undefined && value.tag !== tag) return `key attribute ${JSON.stringify(attr)} has type ${value.tag}, others have ${tag}`;
    }
    return undefined;
  }

  surprised(): void {
    this.#surprised = true;
  }

  /** The layout for all that was seen; `keep`: a layout that files were already written by, to be extended only. */
  layout(keep?: TableSchema): Layout {
    const { schema: options, file, recorded } = this.#options;
    const mapped = file === undefined ? mapSchema(this.root, options, keep ?? recorded)
      : applySchemaFile(file, this.root, options, keep ?? recorded);
    let { lastFieldId } = mapped.schema;
    const nextId = (): number => ++lastFieldId;
    const { fields, derived } = resolvePartition(this.#options.partition, mapped.schema, (name) => this.#format(name, mapped.schema), nextId);
    const schema = { ...mapped.schema, derived, lastFieldId };
    return {
      schema, mapped, partition: fields, sort: resolveSort(this.#options.sort, schema),
      projection: projectionOf(this.root, schema, options.exclude, this.#surprised),
    };
  }

  /** The format that most values of a column have, when most are times at all. */
  #format(column: string, schema: TableSchema): TimestampFormat | undefined {
    const field = schema.columns.find((candidate) => candidate.name === column);
    const node = field === undefined ? undefined : this.root.fields.get(field.attr);
    const [best] = [...(node?.times ?? [])].sort((a, b) => b[1] - a[1]);
    if (best === undefined || node === undefined || field === undefined || field.tag === '*') return undefined;
    return best[1] * 2 >= (node.counts.get(field.tag) ?? 0) ? best[0] : undefined;
  }
}

/** Whether files written by `before` can stay when the table's schema becomes `after`: columns were only added. */
export function isExtension(before: TableSchema, after: TableSchema): boolean {
  return before.columns.every((column) => {
    const now = after.columns.find((candidate) => candidate.id === column.id);
    return now !== undefined && now.name === column.name && now.tag === column.tag && extends_(column.type, now.type);
  });
}

function extends_(before: ColumnType, after: ColumnType): boolean {
  if (!sameColumn(before, after)) return false;
  if (before.kind === 'list' && after.kind === 'list') {
    return before.element.id === after.element.id && extends_(before.element.type, after.element.type);
  }
  if (before.kind === 'map' && after.kind === 'map') {
    return before.value.id === after.value.id && extends_(before.value.type, after.value.type);
  }
  if (before.kind !== 'struct' || after.kind !== 'struct') return true;
  return before.fields.every((field) => {
    const now = after.fields.find((candidate) => candidate.id === field.id);
    return now !== undefined && now.name === field.name && extends_(field.type, now.type);
  });
}

/** Whether two schemas lay out files alike. */
export function sameLayout(a: TableSchema, b: TableSchema): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
