import { compareBytes } from '../../model/byte-order.ts';
import { TailraceError } from '../../model/errors.ts';
import { type AttributeValue, type Change, ITEM_LINES, type Item, type Lines } from '../../model/item.ts';
import type { OnDrift, PartitionRequest, SchemaOptions } from '../../model/options.ts';
import type { ColumnType, Field, OriginTag, TableSchema, TimestampFormat } from '../../model/schema.ts';
import type { PartitionField, SortField } from '../../model/table.ts';
import { typeText } from '../../model/type-text.ts';
import { applySchemaFile } from '../../schema/apply.ts';
import { isUnheld, keepNumber, mainTag, sameColumn } from '../../schema/decide.ts';
import { type Drift, drifts, holdRecorded } from '../../schema/drift.ts';
import type { SchemaFile } from '../../schema/files/user-schema.ts';
import { parseFilter } from '../../schema/filter/parse.ts';
import type { Since } from '../../schema/filter/since.ts';
import type { Filter } from '../../schema/filter/tree.ts';
import type { HeldDigits } from '../../schema/held.ts';
import { isCrowded, type Mapped, mapSchema } from '../../schema/map.ts';
import { numberFacts } from '../../schema/numbers.ts';
import { resolvePartition, resolveSort } from '../../schema/partition.ts';
import { type Projection, projectionOf } from '../../schema/projection.ts';
import { emptyMap, emptyValue, learnItem, learnValue, type MapNode } from '../../schema/structure.ts';

export interface LearnerOptions {
  readonly schema: SchemaOptions;
  readonly partition: readonly PartitionRequest[];
  readonly sort: readonly SortField[];
  /** The schema of the table that is replaced: names and ids stay. */
  readonly recorded: TableSchema | undefined;
  /** What its numbers need, at least, when their column becomes a wider one. */
  readonly held?: HeldDigits;
  /** The user's own schema: nothing is added to it; what it does not name is rescued. */
  readonly file: SchemaFile | undefined;
  /** Default: items of a full export. */
  readonly lines?: Lines;
  /** What becomes of numbers that outgrow their recorded column; default: it is rewritten. */
  readonly onDrift?: OnDrift;
  /** The table's rows stay beside the new ones, so that their columns count: of changes always, of items in a piece of a scan. */
  readonly keepsRows?: boolean;
  /** Of items, only those that are as young become rows. */
  readonly since?: Since;
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
  /** The sets of names that Keys of changes have, as JSON lists, and how often. */
  readonly #keySets = new Map<string, number>();
  /** Settled by the first layout that needs it. */
  #key: readonly string[] | undefined;
  /** Where a drift is to stop the run: numbers that their recorded column does not hold, by attribute. */
  readonly #outgrown = new Map<string, string>();
  readonly #filter: Filter | undefined;

  constructor(options: LearnerOptions) {
    this.#options = options;
    const { filter } = options.schema;
    this.#filter = filter === '' ? undefined : parseFilter(filter);
  }

  get lines(): Lines {
    return this.#options.lines ?? ITEM_LINES;
  }

  /** The key's attributes, partition key first where that is known: as named, else what Keys of most changes have. */
  get key(): readonly string[] {
    if (this.#options.schema.key.length > 0) return this.#options.schema.key;
    if (this.#key !== undefined) return this.#key;
    const [most] = [...this.#keySets].sort(([a, m], [b, n]) => n - m || compareBytes(a, b));
    return most === undefined ? [] : (JSON.parse(most[0]) as string[]);
  }

  /** Two key attributes whose order nobody named: a line does not tell which is the partition key. */
  get keyOrderGuessed(): boolean {
    return this.#options.schema.key.length === 0 && this.key.length > 1;
  }

  get root(): MapNode {
    return this.#root;
  }

  /** Takes the sound items of one file in their order; undefined for one that is refused. A file may be read twice:
   * each item counts once. */
  sink(file: string): (item: Item | undefined, change?: Change) => void {
    let place = 0;
    return (item, change) => {
      place += 1;
      if (place <= (this.#seen.get(file) ?? 0)) return;
      this.#seen.set(file, place);
      if (item === undefined) return;
      if (change !== undefined) {
        const names = JSON.stringify([...change.keys.keys()].sort(compareBytes));
        this.#keySets.set(names, (this.#keySets.get(names) ?? 0) + 1);
      }
      for (const [attr, value] of item) this.#watch(attr, value);
      learnItem(this.#root, item);
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
    const keys = { sets: [...this.#keySets], settled: this.#key };
    return { root: plain(this.#root), seen: [...this.#seen], surprised: this.#surprised, keys };
  }

  restore(knowledge: unknown): void {
    const { root, seen, surprised, keys } = knowledge as Knowledge;
    this.#root = unplain(root) as MapNode;
    this.#seen.clear();
    for (const [file, count] of seen) this.#seen.set(file, count);
    this.#surprised = surprised;
    this.#keySets.clear();
    for (const [names, count] of keys?.sets ?? []) this.#keySets.set(names, count);
    this.#key ??= keys?.settled;
  }

  /** Adds values of one attribute that the engine could not put in its column. */
  value(attr: string, value: AttributeValue): void {
    let node = this.#root.fields.get(attr);
    if (node === undefined) {
      node = emptyValue();
      this.#root.fields.set(attr, node);
    }
    this.#watch(attr, value);
    learnValue(node, value);
  }

  #watch(attr: string, value: AttributeValue): void {
    if (this.#options.onDrift !== 'fail' || value.tag !== 'N' || this.#outgrown.has(attr)) return;
    const column = this.#options.recorded?.columns.find(
      (candidate) => candidate.attr === attr && candidate.tag === 'N',
    );
    if (column !== undefined && keepNumber(column.type, numberFacts(value.value)) === undefined)
      this.#outgrown.set(attr, value.value);
  }

  /** Why an item cannot be loaded although it is sound: its key is missing or of another type. */
  refuses(item: Item, change?: Change): string | undefined {
    const { key } = this;
    const other = change === undefined ? undefined : [...change.keys.keys()].find((attr) => !key.includes(attr));
    if (other !== undefined) return `"Keys" has attribute ${JSON.stringify(other)}, which is not of the table's key`;
    for (const attr of key) {
      const value = (change?.keys ?? item).get(attr);
      if (value === undefined) return `key attribute ${JSON.stringify(attr)} is missing`;
      const tag = this.#recordedTag(attr) ?? mainTag(this.#root.fields.get(attr) ?? emptyValue());
      if (tag !== undefined && value.tag !== tag)
        return `key attribute ${JSON.stringify(attr)} has type ${value.tag}, others have ${tag}`;
    }
    return undefined;
  }

  #recordedTag(attr: string): OriginTag | undefined {
    const tag = this.#options.recorded?.columns.find((column) => column.attr === attr)?.tag;
    return tag === '*' || tag === 'NULL' ? undefined : tag;
  }

  /** Whether an attribute that nobody knew of might get a column in place of being rescued. */
  wants(attr: string): boolean {
    const { file, schema: options, recorded } = this.#options;
    if (file !== undefined || this.#root.fields.has(attr)) return false;
    if (options.include.length > 0 && !options.include.includes(attr)) return false;
    return new Set(recorded?.columns.map((column) => column.attr)).size < options.maxColumns;
  }

  /** Whether there are more attributes than columns, so that it takes exact counts to tell which are the frequent ones. */
  get crowded(): boolean {
    const { file, recorded, schema } = this.#options;
    return file === undefined && isCrowded(this.#root, { ...schema, key: this.key }, recorded);
  }

  surprised(): void {
    this.#surprised = true;
  }

  /** The layout for all that was seen; `keep`: a layout that files were already written by, to be extended only. */
  layout(keep?: TableSchema): Layout {
    const { file, recorded, held } = this.#options;
    const { key } = this;
    const options = { ...this.#options.schema, key };
    if (key.length > 0) this.#key ??= key;
    const found =
      file === undefined
        ? mapSchema(this.#root, options, keep ?? recorded, held)
        : applySchemaFile(file, this.#root, options, keep ?? recorded, held);
    const mapped = this.#drifted(found);
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
      projection: projectionOf(this.#root, schema, options.exclude, this.#surprised, this.lines, {
        filter: this.#filter,
        since: this.#options.since,
      }),
    };
  }

  /** Numbers that outgrow a column of the table: it is rewritten, or kept, or the run stops. Keys are always rewritten. */
  #drifted(mapped: Mapped): Mapped {
    const { recorded, onDrift, lines, keepsRows = lines?.shape === 'change' } = this.#options;
    if (recorded === undefined || !keepsRows || onDrift === undefined || onDrift === 'rewrite') return mapped;
    if (onDrift === 'rescue') return { ...mapped, schema: holdRecorded(mapped.schema, recorded) };
    const [first] = drifts(recorded, mapped.schema);
    if (first === undefined) return mapped;
    throw driftError(first, this.#outgrown.get(first.path[0] ?? ''));
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

interface Knowledge {
  readonly root: unknown;
  readonly seen: [string, number][];
  readonly surprised: boolean;
  readonly keys?: { readonly sets: [string, number][]; readonly settled?: readonly string[] };
}

function driftError({ path, column, before, after }: Drift, value: string | undefined): TailraceError {
  return new TailraceError('SCHEMA_DRIFT', `A number no longer fits its column “${column}”.`, {
    place: `attribute ${path.join('.')}`,
    expected: typeText(before.type),
    found: `${value ?? 'a number'}, which needs ${typeText(after.type)}`,
    hint: 'With --on-drift rewrite the column becomes wider; with --on-drift rescue such numbers go to _rescued.',
  });
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
    return now !== undefined && now.name === column.name && keepsTag(column, now) && extends_(column.type, now.type);
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

function keepsTag(before: Field, after: Field): boolean {
  return after.tag === before.tag || isUnheld(before);
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
