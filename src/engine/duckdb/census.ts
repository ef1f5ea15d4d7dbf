import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TailraceError } from '../../model/errors.ts';
import { TAGS, type Tag, type TimestampFormat } from '../../model/schema.ts';
import { mergeNumbers } from '../../schema/numbers.ts';
import { type MapNode, recount, type ValueNode } from '../../schema/structure.ts';
import { type Probe, probesOf } from '../sql/census.ts';
import type { Duck } from './instance.ts';
import { type LineReading, linesRelation, seedOf } from './seed.ts';
import type { Value } from './values.ts';

/** Exact figures by position, summed over batches; applied to the tree when all are in. */
export class Census {
  readonly #counts = new Map<ValueNode, Map<Tag, number>>();
  readonly #times = new Map<ValueNode, Map<TimestampFormat, number>>();
  /** Whether times are counted: it takes a look at every text that may be one. */
  readonly #countsTimes: boolean;
  items = 0;

  constructor(countsTimes = false) {
    this.#countsTimes = countsTimes;
  }

  /** Counts all lines of these files. Throws the engine's refusal when they hold what the reading does not name. */
  async count(
    duck: Duck,
    root: MapNode,
    lines: LineReading,
    paths: readonly string[],
    dir: string,
    signal?: AbortSignal,
  ): Promise<void> {
    await mkdir(dir, { recursive: true });
    const { reading } = lines;
    if (reading.kind === 'open')
      throw new TailraceError('INTERNAL', 'Items read as text are not counted by the engine.');
    const seed = seedOf(lines);
    const seedPath = join(dir, 'seed.json');
    await writeFile(seedPath, `${seed.lines.join('\n')}\n`);
    const relation = linesRelation(seedPath, seed, paths);
    await this.#countStruct(duck, probesOf(reading.attrs, root, this.#countsTimes), relation, signal);
  }

  /** Puts the exact counts in place of what samples showed. */
  apply(): void {
    for (const [node, counts] of this.#counts) {
      for (const tag of TAGS) if (counts.has(tag) || node.counts.has(tag)) recount(node, tag, counts.get(tag) ?? 0);
      // A format that was not looked for everywhere is not that of all values.
      for (const [format, count] of this.#times.get(node) ?? []) {
        node.times.set(format, Math.min(count, node.times.get(format) ?? 0));
      }
    }
  }

  async #countStruct(duck: Duck, probes: readonly Probe[], relation: string, signal?: AbortSignal): Promise<void> {
    const selects = probes.map((probe, i) => `${probe.sql} AS f${i}`);
    const [row] = await duck.rows(
      `SELECT count(*) AS items${selects.length === 0 ? '' : `, ${selects.join(', ')}`} FROM ${relation}`,
      signal,
    );
    this.items += Number(row?.['items'] ?? 0);
    for (const [i, probe] of probes.entries()) this.#take(probe, probes, i, row ?? {});
  }

  #take(probe: Probe, probes: readonly Probe[], i: number, row: Record<string, Value>): void {
    const value = row[`f${i}`] ?? null;
    if (probe.figure === 'count' && probe.tag !== undefined) this.#add(probe.node, probe.tag, Number(value ?? 0));
    if (probe.figure === 'rawTags' && value !== null && typeof value === 'object') {
      for (const [tag, count] of Object.entries(value)) if (isTag(tag)) this.#add(probe.node, tag, Number(count));
    }
    if (probe.figure === 'times' && probe.format !== undefined)
      this.#addTimes(probe.node, probe.format, Number(value ?? 0));
    if (probe.figure !== 'intDigits' || value === null) return;
    const scale = row[`f${i + 1}`] ?? 0;
    const notLong = row[`f${i + 2}`] ?? 0;
    if (probes[i + 2]?.figure !== 'notLong') return;
    const { node } = probe;
    node.numbers = mergeNumbers(node.numbers, {
      intDigits: Number(value),
      scale: Number(scale),
      long: Number(notLong) === 0,
    });
  }

  #addTimes(node: ValueNode, format: TimestampFormat, count: number): void {
    const counts = this.#times.get(node) ?? new Map<TimestampFormat, number>();
    this.#times.set(node, counts);
    counts.set(format, (counts.get(format) ?? 0) + count);
  }

  #add(node: ValueNode, tag: Tag, count: number): void {
    const counts = this.#counts.get(node) ?? new Map<Tag, number>();
    this.#counts.set(node, counts);
    counts.set(tag, (counts.get(tag) ?? 0) + count);
  }
}

function isTag(text: string): text is Tag {
  return (TAGS as readonly string[]).includes(text);
}
