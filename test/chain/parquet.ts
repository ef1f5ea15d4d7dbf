/** Small chains of exports with partitions, as the tests of Parquet tables need them. */
import { parsePartition } from '../../src/index.ts';
import type { DdbItem } from '../data/ion.ts';
import { type WrittenExport, writeExport } from '../data/make-export.ts';
import { writeWindow } from '../data/make-window.ts';
import type { World } from '../faults/load.ts';

const START = Date.parse('2026-03-01T12:00:00Z');
const WINDOW = 900_000;
const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** Partitions by an attribute, by the time in another one, and by the key. */
export const PARTITIONS = parsePartition('region, day(at), bucket(2, pk)');
export const REGIONS = ['eu/west=1', 'us', '', '日本 é%'] as const;

export function item(pk: string, index: number, more: DdbItem = {}): DdbItem {
  return {
    pk: { S: pk },
    region: { S: REGIONS[index % REGIONS.length] ?? '' },
    at: { S: `2026-03-0${(index % 3) + 1}T12:00:00Z` },
    n: { N: String(index) },
    ...more,
  };
}

/** A table in DynamoDB that is exported window by window. */
export class Shop {
  readonly dir: string;
  /** What the table holds, by key. */
  readonly state = new Map<string, DdbItem>();
  #window = 0;

  constructor(world: World, name = 'source') {
    this.dir = `${world.dir}/${name}`;
  }

  get items(): DdbItem[] {
    return [...this.state.values()];
  }

  /** The full export that all windows follow. */
  full(items: readonly DdbItem[]): Promise<WrittenExport> {
    for (const each of items) this.state.set(each['pk']?.['S'] as string, each);
    return writeExport(this.dir, { items, exportTime: iso(START).replace('Z', '.500Z') });
  }

  /** The next window: for each key its new item, or nothing where it was deleted. */
  window(changes: Readonly<Record<string, DdbItem | undefined>>): Promise<WrittenExport> {
    const from = START - 60_000 + this.#window++ * WINDOW;
    const net = Object.entries(changes).map(([key, now], index) => {
      const old = this.state.get(key);
      if (now === undefined) this.state.delete(key);
      else this.state.set(key, now);
      const at = BigInt(from + index) * 1000n;
      return { at, keys: { pk: { S: key } }, ...(old && { old }), ...(now && { new: now }) };
    });
    return writeWindow(this.dir, { changes: net, from: iso(from), to: iso(from + WINDOW) });
  }
}

export function shopItems(count: number): DdbItem[] {
  return Array.from({ length: count }, (_, index) => item(`k${index}`, index));
}
