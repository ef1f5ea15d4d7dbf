import { createHash } from 'node:crypto';
import type { StagedFile } from '../../engine/duckdb/copy.ts';
import type { Duck } from '../../engine/duckdb/instance.ts';
import { rescueCounts, rescuedValues } from '../../engine/duckdb/rescues.ts';
import { ident, list } from '../../engine/sql/quote.ts';
import { type Field, physicalType, TAGS, type Tag } from '../../model/schema.ts';
import type { DataFile } from '../../model/table.ts';
import { isUnheld } from '../../schema/decide.ts';
import { recount } from '../../schema/structure.ts';
import { parseLine } from '../../source/lines/parse.ts';
import { type Layout, type Learner, sameLayout } from './learner.ts';
import { learnStrangeTimes } from './strange-times.ts';

/** Attributes of one batch whose rescues are looked at. */
const MAX_ATTRS = 2_000;
/** Values of one attribute that the schema learns from at a time. */
const VALUES = 1_000;
/** Rescued values that are remembered as learned, some 60 bytes each. */
const LEARNED_MAX = 50_000;

/** How many values of one type tag an attribute has in a batch. */
export interface TagCount {
  readonly attr: string;
  readonly tag: Tag;
  readonly count: number;
  /** Where they are: in a column without statistics of its own, or rescued. */
  readonly where: 'column' | 'rescued';
}

/** A batch that was written earlier by a layout that the current one extends. */
export interface CountedBatch {
  readonly files: readonly Pick<DataFile, 'stats'>[];
  readonly tags: readonly TagCount[];
}

/**
 * What the guess got wrong: after a batch is written, its rescues tell which values had no room in their column. The
 * schema learns from them; only when that changes a column is the batch written again.
 */
export class Surprises {
  readonly #duck: Duck;
  readonly #learner: Learner;
  readonly #signal: AbortSignal;
  readonly #layout: () => Layout;
  readonly #earlier: () => readonly CountedBatch[];
  /** Values that were learned from a rescue: learned at each attempt, two types of one field would outbid each other. */
  readonly #learned = new Set<string>();

  constructor(
    duck: Duck,
    learner: Learner,
    layout: () => Layout,
    earlier: () => readonly CountedBatch[],
    signal: AbortSignal,
  ) {
    this.#duck = duck;
    this.#learner = learner;
    this.#layout = layout;
    this.#earlier = earlier;
    this.#signal = signal;
  }

  /** The batch's counts, or undefined when the layout is another now, so that the files must be written again. */
  async learn(files: readonly StagedFile[], layout: Layout): Promise<readonly TagCount[] | undefined> {
    const rescues = await this.#rescues(files, layout);
    const tags = [...rescues, ...(await this.#nestedCounts(files, layout, rescues))];
    for (const { attr, tag } of rescues) {
      const columns = layout.schema.columns.filter((column) => column.attr === attr);
      if (tag !== 'NULL' && columns.some((column) => column.tag === tag || isUnheld(column)))
        await this.#learnValues(files, attr, tag);
    }
    learnStrangeTimes(this.#learner.root, layout.schema, files);
    const batches = [...this.#earlier(), { files, tags }];
    for (const attr of new Set(batches.flatMap((batch) => batch.tags.map((each) => each.attr)))) {
      this.#learnCounts(
        attr,
        layout.schema.columns.filter((column) => column.attr === attr),
        batches,
      );
    }
    return sameLayout(layout.schema, this.#layout().schema) ? tags : undefined;
  }

  /** Whether the files rescue attributes that nobody knew of and that could have columns. Where items are read as
   * structs the engine refuses such lines; items that are read as text say so only here. */
  async unknownAttributes(files: readonly StagedFile[], layout: Layout): Promise<boolean> {
    if (layout.projection.reading.kind !== 'open') return false;
    const paths = withRescues(files, layout).map((file) => file.path);
    const counts = await rescueCounts(this.#duck, paths, MAX_ATTRS, this.#signal);
    return counts.some(({ attr }) => this.#learner.wants(attr));
  }

  async #rescues(files: readonly StagedFile[], layout: Layout): Promise<TagCount[]> {
    const some = withRescues(files, layout);
    if (some.length === 0) return [];
    const mapped = new Set(layout.schema.columns.map((column) => column.attr));
    const counts = await rescueCounts(
      this.#duck,
      some.map((file) => file.path),
      MAX_ATTRS,
      this.#signal,
    );
    return counts.flatMap(({ attr, tag, count }) =>
      mapped.has(attr) && isTag(tag) ? [{ attr, tag, count, where: 'rescued' as const }] : [],
    );
  }

  /** Values in list, map and struct columns of attributes that have values of other types, too: files do not count them. */
  async #nestedCounts(files: readonly StagedFile[], layout: Layout, rescues: readonly TagCount[]): Promise<TagCount[]> {
    const rescued = new Set(rescues.filter(({ tag }) => tag !== 'NULL').map(({ attr }) => attr));
    const mixed = (attr: string): boolean =>
      rescued.has(attr) ||
      [...(this.#learner.root.fields.get(attr)?.counts.keys() ?? [])].filter((tag) => tag !== 'NULL').length > 1;
    const nested = layout.schema.columns.filter(
      (column) => physicalType(column.type) === undefined && mixed(column.attr),
    );
    if (nested.length === 0 || files.length === 0) return [];
    const counts = nested.map((column, i) => `count(${ident(column.name)}) AS c${i}`).join(', ');
    const paths = list(files.map((file) => file.path));
    const [row] = await this.#duck.rows(
      `SELECT ${counts} FROM read_parquet(${paths}, hive_partitioning=false)`,
      this.#signal,
    );
    return nested.flatMap(({ attr, tag }, i) =>
      tag === '*' ? [] : [{ attr, tag, count: Number(row?.[`c${i}`] ?? 0), where: 'column' as const }],
    );
  }

  /** Values of the column's own type that did not fit: numbers that need more room, or something inside. */
  async #learnValues(files: readonly StagedFile[], attr: string, tag: string): Promise<void> {
    for (const text of await rescuedValues(
      this.#duck,
      files.map((file) => file.path),
      attr,
      tag,
      VALUES,
      this.#signal,
    )) {
      const digest = createHash('md5').update(`${attr}\0${text}`).digest('base64');
      if (this.#learned.has(digest)) continue;
      if (this.#learned.size >= LEARNED_MAX) this.#learned.clear();
      this.#learned.add(digest);
      const parsed = parseLine(`{"Item":{"v":${text}}}`);
      const value = parsed.ok ? parsed.item.get('v') : undefined;
      if (value !== undefined) this.#learner.value(attr, value);
    }
  }

  /** Puts exact counts by type in place of what samples showed: the column should be the most frequent type's. */
  #learnCounts(attr: string, columns: readonly Field[], batches: readonly CountedBatch[]): void {
    const node = this.#learner.root.fields.get(attr);
    if (node === undefined || columns.length === 0 || columns.some((column) => column.tag === '*')) return;
    const counts = new Map<Tag, number>();
    for (const batch of batches) {
      for (const { attr: of, tag, count } of batch.tags)
        if (of === attr && isForeign(tag, columns)) add(counts, tag, count);
      for (const column of columns) add(counts, column.tag as Tag, heldBy(column, batch));
    }
    for (const [tag, count] of counts) if (count > 0) recount(node, tag, count);
  }
}

function withRescues(files: readonly StagedFile[], layout: Layout): StagedFile[] {
  const id = layout.schema.system.find((column) => column.name === '_rescued')?.id ?? -1;
  return files.filter((file) => (file.stats[id]?.nullCount ?? 0) < (file.stats[id]?.valueCount ?? 0));
}

function isForeign(tag: Tag, columns: readonly Field[]): boolean {
  return columns.every((column) => column.tag !== tag);
}

/**
 * Values of the column's type in a batch. None where nobody counted them: at worst the column then seems to be the
 * wrong one, and before the load begins anew all is counted.
 */
function heldBy(column: Field, { files, tags }: CountedBatch): number {
  const own = (where: TagCount['where']): number | undefined =>
    tags.find((each) => each.attr === column.attr && each.tag === column.tag && each.where === where)?.count;
  if (physicalType(column.type) === undefined) return own('column') ?? 0;
  let sum = own('rescued') ?? 0;
  for (const file of files) {
    const stats = file.stats[column.id];
    // A file that was written before the column came holds none of it.
    sum += stats === undefined ? 0 : stats.valueCount - stats.nullCount;
  }
  return sum;
}

function add(counts: Map<Tag, number>, tag: Tag, count: number): void {
  counts.set(tag, (counts.get(tag) ?? 0) + count);
}

function isTag(text: string): text is Tag {
  return (TAGS as readonly string[]).includes(text);
}
