import type { Duck } from '../engine/duckdb/instance.ts';
import { rescueCounts, rescuedValues } from '../engine/duckdb/rescues.ts';
import type { StagedFile } from '../engine/duckdb/write.ts';
import type { Tag } from '../model/schema.ts';
import { parseLine } from '../source/lines/parse.ts';
import { type Layout, type Learner, sameLayout } from './learner.ts';

/** Attributes of one batch whose rescues are looked at. */
const MAX_ATTRS = 2_000;
/** Values of one attribute that the schema learns from at a time. */
const VALUES = 1_000;

/**
 * What the guess got wrong: after a batch is written, its rescues tell which values had no room in their column. The
 * schema learns from them; only when that changes a column is the batch written again.
 */
export class Surprises {
  readonly #duck: Duck;
  readonly #learner: Learner;
  readonly #signal: AbortSignal;
  readonly #layout: () => Layout;

  constructor(duck: Duck, learner: Learner, layout: () => Layout, signal: AbortSignal) {
    this.#duck = duck;
    this.#learner = learner;
    this.#layout = layout;
    this.#signal = signal;
  }

  /** True when the layout is another now, so that the files must be written again. */
  async learn(files: readonly StagedFile[], layout: Layout): Promise<boolean> {
    const rescued = layout.schema.system.find((column) => column.name === '_rescued')?.id ?? -1;
    const some = files.filter((file) => (file.stats[rescued]?.nullCount ?? 0) < (file.stats[rescued]?.valueCount ?? 0));
    if (some.length === 0) return false;
    const paths = some.map((file) => file.path);
    for (const { attr, tag, count } of await rescueCounts(this.#duck, paths, MAX_ATTRS, this.#signal)) {
      const columns = layout.schema.columns.filter((column) => column.attr === attr);
      if (columns.length === 0 || tag === 'NULL') continue;
      if (columns.some((column) => column.tag === tag)) await this.#learnValues(paths, attr, tag);
      else this.#learnCount(attr, tag, count, columnValues(files, columns.map((column) => column.id)));
    }
    return !sameLayout(layout.schema, this.#layout().schema);
  }

  /** Values of the column's own type that did not fit: numbers that need more room, or something inside. */
  async #learnValues(paths: readonly string[], attr: string, tag: string): Promise<void> {
    for (const text of await rescuedValues(this.#duck, paths, attr, tag, VALUES, this.#signal)) {
      const parsed = parseLine(`{"Item":{"v":${text}}}`);
      const value = parsed.ok ? parsed.item.get('v') : undefined;
      if (value !== undefined) this.#learner.value(attr, value);
    }
  }

  /** Values of another type than the column's: when they are the more frequent ones, the column should be theirs. */
  #learnCount(attr: string, tag: string, rescued: number, inColumn: number): void {
    const node = this.#learner.root.fields.get(attr);
    if (node === undefined || inColumn < 0) return;
    const before = node.counts.get(tag as Tag) ?? 0;
    if (rescued > inColumn && rescued > before) node.counts.set(tag as Tag, Math.max(before, rescued));
  }
}

/** Values that are not NULL in these columns of the files; -1 where a column has no statistics of its own. */
function columnValues(files: readonly StagedFile[], ids: readonly number[]): number {
  let sum = 0;
  for (const file of files) {
    for (const id of ids) {
      const stats = file.stats[id];
      if (stats === undefined) return -1;
      sum += stats.valueCount - stats.nullCount;
    }
  }
  return sum;
}
