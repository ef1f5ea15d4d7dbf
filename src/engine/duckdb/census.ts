import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TAGS, type Tag, type TimestampFormat } from '../../model/schema.ts';
import { mergeNumbers } from '../../schema/numbers.ts';
import { emptyValue, type MapNode, onlyTime, recount, type ValueNode } from '../../schema/structure.ts';
import { TIMESTAMP_FORMATS, tagOfFormat } from '../../schema/times.ts';
import { isTime, numberFigures, type Probe, probesOf } from '../sql/census.ts';
import { list, str } from '../sql/quote.ts';
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
    const seed = seedOf(lines);
    const seedPath = join(dir, 'seed.json');
    await writeFile(seedPath, `${seed.lines.join('\n')}\n`);
    const relation = linesRelation(seedPath, seed, paths);
    if (reading.kind === 'open') await this.#countOpen(duck, root, relation, signal);
    else await this.#countStruct(duck, probesOf(reading.attrs, root, this.#countsTimes), relation, signal);
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
    learnNumbers(probe.node, value, scale, notLong);
  }

  /** A table with too many names for a struct: attributes by name and tag. */
  async #countOpen(duck: Duck, root: MapNode, relation: string, signal?: AbortSignal): Promise<void> {
    const [all] = await duck.rows(`SELECT count(*) AS items FROM ${relation}`, signal);
    this.items += Number(all?.['items'] ?? 0);
    const entries = `SELECT unnest(map_entries(from_json(Item, '"MAP(VARCHAR,JSON)"'))) AS e FROM ${relation}`;
    const numbers = numberFigures(`json_extract_string(e.value, '/N')`);
    const rows = duck.stream(
      `SELECT e.key, json_keys(e.value)[1], count(*), ${numbers.join(', ')} FROM (${entries}) GROUP BY ALL`,
      signal,
    );
    for await (const [name, tag, count, intDigits, scale, notLong] of rows) {
      if (typeof name !== 'string' || typeof tag !== 'string' || !isTag(tag)) continue;
      const node = root.fields.get(name) ?? emptyValue();
      if (root.fields.has(name) || !root.overflow) root.fields.set(name, node);
      this.#add(node, tag, Number(count));
      if (tag === 'N') learnNumbers(node, intDigits, scale, notLong);
    }
    if (this.#countsTimes) await this.#countOpenTimes(duck, root, entries, signal);
  }

  async #countOpenTimes(duck: Duck, root: MapNode, entries: string, signal?: AbortSignal): Promise<void> {
    for (const format of TIMESTAMP_FORMATS) {
      const tag = tagOfFormat(format);
      const names = [...root.fields].filter(([, node]) => onlyTime(node, tag) === format).map(([name]) => name);
      if (names.length === 0) continue;
      const fits = isTime(`json_extract_string(e.value, ${str(`/${tag}`)})`, format);
      const rows = duck.stream(
        `SELECT e.key, count(*) FROM (${entries}) WHERE list_contains(${list(names)}, e.key) AND ${fits} GROUP BY ALL`,
        signal,
      );
      for await (const [name, count] of rows) {
        const node = root.fields.get(String(name));
        if (node !== undefined) this.#addTimes(node, format, Number(count));
      }
    }
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

function learnNumbers(node: ValueNode, intDigits: Value = null, scale: Value = null, notLong: Value = null): void {
  if (intDigits === null) return;
  const long = Number(notLong ?? 0) === 0;
  node.numbers = mergeNumbers(node.numbers, { intDigits: Number(intDigits), scale: Number(scale ?? 0), long });
}

function isTag(text: string): text is Tag {
  return (TAGS as readonly string[]).includes(text);
}
