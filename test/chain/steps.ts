/** A table's history told item by item: a full export, then windows of puts and deletes. */
import { typeText } from '../../src/model/type-text.ts';
import type { DdbItem } from '../data/ion.ts';
import { writeExport } from '../data/make-export.ts';
import { type WindowChange, writeWindow } from '../data/make-window.ts';
import { canonical, type LoadOptions, type World } from '../faults/load.ts';

const START = Date.parse('2026-03-01T12:00:00Z');
const STEP = 15 * 60_000;
const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** A put, or the delete of an item that has only its key. */
export type Put = DdbItem & { readonly pk: DdbItem[string] };

export interface Steps {
  readonly dir: string;
  /** Folders of the exports, the full one first. */
  readonly exports: readonly string[];
  /** Canonical items behind each export. */
  readonly states: readonly (readonly string[])[];
}

/** Writes the exports; an item of a window with nothing but its key is a delete. */
export async function writeSteps(
  dir: string,
  baseline: readonly Put[],
  windows: readonly (readonly Put[])[],
): Promise<Steps> {
  const state = new Map(baseline.map((item) => [JSON.stringify(item.pk), item as DdbItem]));
  const full = await writeExport(dir, { items: [...baseline], exportTime: `${iso(START).slice(0, -1)}.000Z` });
  const exports = [full.exportDir];
  const states = [canonical([...state.values()])];
  for (const [index, puts] of windows.entries()) {
    const from = START - 60_000 + index * STEP;
    const changes = puts.map((item, i): WindowChange => {
      const key = JSON.stringify(item.pk);
      const old = state.get(key);
      const gone = Object.keys(item).length === 1;
      if (gone) state.delete(key);
      else state.set(key, item);
      const at = BigInt(from + 61_000) * 1000n + BigInt(i);
      return { at, keys: { pk: item.pk }, ...(old === undefined ? {} : { old }), ...(gone ? {} : { new: item }) };
    });
    exports.push((await writeWindow(dir, { changes, from: iso(from), to: iso(from + STEP) })).exportDir);
    states.push(canonical([...state.values()]));
  }
  return { dir, exports, states };
}

/** The table's columns as `name type #id`, in their order. */
export async function columnsOf(world: World, target: string): Promise<string[]> {
  const { state } = await world.table(target);
  return (state?.schema.columns ?? []).map(({ name, type, id }) => `${name} ${typeText(type)} #${id}`);
}

/** Numbered items. */
export function items(count: number, more: (i: number) => DdbItem = () => ({}), from = 0): Put[] {
  return Array.from({ length: count }, (_, i) => ({ pk: { S: `k${from + i}` }, ...more(from + i) }));
}

/** Applies the exports one by one, and holds the table against the state behind each. */
export async function applySteps(
  world: World,
  steps: Steps,
  target: string,
  options: LoadOptions,
  check: (items: readonly string[], expected: readonly string[]) => void,
  then: () => Promise<void> = async () => undefined,
): Promise<void> {
  for (const [index, dir] of steps.exports.entries()) {
    await world.load(dir, target, options);
    check(await world.items(target), steps.states[index] ?? []);
    await then();
  }
}
