import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TAGS, type Tag } from '../../model/schema.ts';
import { mergeNumbers } from '../../schema/numbers.ts';
import { emptyValue, type MapNode, type ValueNode } from '../../schema/structure.ts';
import { type Probe, probesOf } from '../sql/census.ts';
import type { Duck } from './instance.ts';
import { type LineReading, linesRelation, seedOf } from './seed.ts';
import type { Value } from './values.ts';

/** Exact figures by position, summed over batches; applied to the tree when all are in. */
export class Census {
  readonly #counts = new Map<ValueNode, Map<Tag, number>>();
  items = 0;

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
    else await this.#countStruct(duck, probesOf(reading.attrs, root), relation, signal);
  }

  /** Puts the exact counts in place of what samples showed. */
  apply(): void {
    for (const [node, counts] of this.#counts) {
      node.counts.clear();
      for (const [tag, count] of counts) if (count > 0) node.counts.set(tag, count);
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

  /** A table with too many names for a struct: attributes by name and tag. */
  async #countOpen(duck: Duck, root: MapNode, relation: string, signal?: AbortSignal): Promise<void> {
    const [all] = await duck.rows(`SELECT count(*) AS items FROM ${relation}`, signal);
    this.items += Number(all?.['items'] ?? 0);
    const entries = `SELECT unnest(map_entries(from_json(Item, '"MAP(VARCHAR,JSON)"'))) AS e FROM ${relation}`;
    const rows = duck.stream(`SELECT e.key, json_keys(e.value)[1], count(*) FROM (${entries}) GROUP BY ALL`, signal);
    for await (const [name, tag, count] of rows) {
      if (typeof name !== 'string' || typeof tag !== 'string' || !isTag(tag)) continue;
      const node = root.fields.get(name) ?? emptyValue();
      if (root.fields.has(name) || !root.overflow) root.fields.set(name, node);
      this.#add(node, tag, Number(count));
    }
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
