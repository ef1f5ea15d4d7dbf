import type { AttributeValue, Item } from '../model/item.ts';
import type { PartitionRequest, SchemaOptions } from '../model/options.ts';
import type { ColumnType, Field, TableSchema, TimestampFormat } from '../model/schema.ts';
import type { PartitionField, SortField } from '../model/table.ts';
import { applySchemaFile } from '../schema/apply.ts';
import { mainTag, sameColumn } from '../schema/decide.ts';
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
  #root: MapNode = emptyMap();
  readonly #options: LearnerOptions;
  /** Items of each file that were learned from, by the file's name in the manifest. */
  readonly #seen = new Map<string, number>();
  /** After a surprise, NULL is expected everywhere, so that rare NULLs do not surprise one by one. */
  #surprised = false;

  constructor(options: LearnerOptions) {
    this.#options = options;
  }

  get root(): MapNode {
    return this.#root;
  }

  /** Takes the sound items of one file in their order; undefined for one that is refused. A file may be read twice:
   * each item counts once. */
  sink(file: string): (item: Item | undefined) => void {
    let place = 0;
    return (item) => {
      place += 1;
      if (place <= (this.#seen.get(file) ?? 0)) return;
      this.#seen.set(file, place);
      if (item !== undefined) learnItem(this.#root, item);
    };
  }

  /** Puts what another learner knows in place of what this one does. */
  adopt(other: Pick<Learner, 'knowledge'>): void {
    this.restore(JSON.parse(JSON.stringify(other.knowledge())));
  }

  /** The same knowledge by a user's schema file. */
  withFile(file: SchemaFile | undefined): Learner {
    if (file === undefined) return this;
    const other = new Learner({ ...this.#options, file });
    other.adopt(this);
    return other;
  }

  /** All that was learned, as a JSON value. */
  knowledge(): unknown {
    return { root: plain(this.#root), seen: [...this.#seen], surprised: this.#surprised };
  }

  restore(knowledge: unknown): void {
    const { root, seen, surprised } = knowledge as { root: unknown; seen: [string, number][]; surprised: boolean };
    this.#root = unplain(root) as MapNode;
    this.#seen.clear();
    for (const [file, count] of seen) this.#seen.set(file, count);
    this.#surprised = surprised;
  }

  /** Adds values of one attribute that the engine could not put in its column. */
  value(attr: string, value: AttributeValue): void {
    let node = this.#root.fields.get(attr);
    if (node === undefined) {
      node = emptyValue();
      this.#root.fields.set(attr, node);
    }
    learnValue(node, value);
  }

  /** Why an item cannot be loaded although it is sound: its key is missing or of another type. */
  refuses(item: Item): string | undefined {
    for (const attr of this.#options.schema.key) {
      const value = item.get(attr);
      if (value === undefined) return `key attribute ${JSON.stringify(attr)} is missing`;
      const tag = mainTag(this.#root.fields.get(attr) ?? emptyValue());
      if (tag !== undefined && value.tag !== tag)
        return `key attribute ${JSON.stringify(attr)} has type ${value.tag}, others have ${tag}`;
    }
    return undefined;
  }

  /** Whether an attribute that nobody knew of would get a column in place of being rescued. */
  wants(attr: string, schema: TableSchema): boolean {
    const { file, schema: options } = this.#options;
    if (file !== undefined || this.#root.fields.has(attr)) return false;
    if (options.include.length > 0 && !options.include.includes(attr)) return false;
    return (
      schema.columns.length < options.maxColumns ||
      new Set(schema.columns.map((column) => column.attr)).size < options.maxColumns
    );
  }

  surprised(): void {
    this.#surprised = true;
  }

  /** The layout for all that was seen; `keep`: a layout that files were already written by, to be extended only. */
  layout(keep?: TableSchema): Layout {
    const { schema: options, file, recorded } = this.#options;
    const mapped =
      file === undefined
        ? mapSchema(this.#root, options, keep ?? recorded)
        : applySchemaFile(file, this.#root, options, keep ?? recorded);
    let { lastFieldId } = mapped.schema;
    const nextId = (): number => ++lastFieldId;
    const { fields, derived } = resolvePartition(
      this.#options.partition,
      mapped.schema,
      (name) => this.#format(name, mapped.schema),
      nextId,
    );
    const schema = { ...mapped.schema, derived, lastFieldId };
    return {
      schema,
      mapped,
      partition: fields,
      sort: resolveSort(this.#options.sort, schema),
      projection: projectionOf(this.#root, schema, options.exclude, this.#surprised),
    };
  }

  /** The format that most values of a column have, when most are times at all. */
  #format(column: string, schema: TableSchema): TimestampFormat | undefined {
    const field = schema.columns.find((candidate) => candidate.name === column);
    const node = field === undefined ? undefined : this.#root.fields.get(field.attr);
    const [best] = [...(node?.times ?? [])].sort((a, b) => b[1] - a[1]);
    if (best === undefined || node === undefined || field === undefined || field.tag === '*') return undefined;
    return best[1] * 2 >= (node.counts.get(field.tag) ?? 0) ? best[0] : undefined;
  }
}

/** Maps as lists of their entries, marked; nothing else in the tree is a list of one name. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return { entries: [...value].map(([key, member]) => [key, plain(member)]) };
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

function unplain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('entries' in value)
    return new Map((value.entries as [unknown, unknown][]).map(([key, member]) => [key, unplain(member)]));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, unplain(member)]));
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

/** Whether two schemas give the attributes that both have the same columns, whatever their ids and the order of fields. */
export function sameColumns(a: TableSchema, b: TableSchema): boolean {
  const others = new Map<string, string>();
  for (const [attr, text] of columnTexts(b)) others.set(attr, text);
  return columnTexts(a).every(([attr, text]) => (others.get(attr) ?? text) === text);
}

function columnTexts({ columns }: TableSchema): [string, string][] {
  const byAttr = new Map<string, string[]>();
  for (const column of columns) byAttr.set(column.attr, [...(byAttr.get(column.attr) ?? []), fieldText(column)]);
  return [...byAttr].map(([attr, texts]) => [attr, texts.sort().join()]);
}

function fieldText({ attr, name, tag, type }: Field): string {
  return JSON.stringify([attr, name, tag, shapeText(type)]);
}

function shapeText(type: ColumnType): string {
  switch (type.kind) {
    case 'list':
      return `list ${type.element.tag} ${shapeText(type.element.type)}`;
    case 'map':
      return `map ${type.value.tag} ${shapeText(type.value.type)}`;
    case 'struct':
      return `struct ${type.fields.map(fieldText).sort().join()}`;
    default:
      return JSON.stringify(type);
  }
}

/** Whether two schemas lay out files alike. */
export function sameLayout(a: TableSchema, b: TableSchema): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
