/**
 * A DynamoDB table as the newest write of each key, and the exports that it would give: a full one that is exact only
 * to within a minute, and windows that hold the net change of each key. Everything follows from the seed.
 */
import type { DdbItem, DdbValue } from './ion.ts';
import { type ExportOptions, type WrittenExport, writeExport } from './make-export.ts';
import { type WindowChange, type WindowOptions, writeWindow } from './make-window.ts';
import { mulberry32, nastyItems } from './nasty.ts';

export interface ChainOptions {
  readonly seed: number;
  /** Keys that writes choose from. */
  readonly keys: number;
  readonly windows: number;
  /** Writes in a window, on average. */
  readonly writes: number;
  /** Items of every legal and hard kind, in place of plain ones. */
  readonly nasty?: boolean;
  readonly keyType?: 'S' | 'N' | 'B';
  readonly view?: 'NEW_AND_OLD_IMAGES' | 'NEW_IMAGE';
  readonly format?: 'DYNAMODB_JSON' | 'ION';
  /** The chain begins with the first window, on an empty table. */
  readonly noBaseline?: boolean;
  readonly filesCount?: number;
  readonly tableId?: string;
}

/** What the table held at some time, by key. */
export type TableContent = ReadonlyMap<string, DdbItem>;

export interface Chain {
  readonly dir: string;
  readonly full: WrittenExport | undefined;
  readonly windows: readonly WrittenExport[];
  readonly changes: readonly (readonly WindowChange[])[];
  /** Behind the full export (undefined without one: empty), then behind each window. */
  readonly states: readonly TableContent[];
}

interface Write {
  readonly at: bigint;
  readonly key: string;
  /** Undefined: a delete. */
  readonly item: DdbItem | undefined;
}

const START = Date.parse('2026-03-01T12:00:00Z');
const MINUTE = 60_000;
const WINDOW = 15 * MINUTE;

/** Writes a whole chain of exports below `dir`. */
export async function writeChain(dir: string, options: ChainOptions): Promise<Chain> {
  const random = mulberry32(options.seed);
  const writer = new Writer(random, options);
  const before = options.noBaseline === true ? [] : writer.writes(START - 3_600_000, START - MINUTE, options.keys * 2);
  // Changes of the last minute: a full export has them or not, one by one, and the first window has them all.
  const lastMinute =
    options.noBaseline === true ? [] : writer.writes(START - MINUTE, START, Math.ceil(options.writes / 4));
  const baseline = apply(new Map(), before);
  const first = [...lastMinute, ...writer.writes(START, START - MINUTE + WINDOW, options.writes)];
  const atEnd = apply(new Map(baseline), first);
  // What the window inserts and deletes appears in none of its lines, so a full export must not show it, either: that
  // such an item stays is the one thing a chain cannot mend.
  const seen = lastMinute.filter(({ key }) => (baseline.has(key) || atEnd.has(key)) && random() < 0.5);
  const shown = apply(new Map(baseline), seen);
  const shared = {
    ...(options.tableId === undefined ? {} : { tableId: options.tableId }),
    format: options.format ?? 'DYNAMODB_JSON',
  } as const;
  const full =
    options.noBaseline === true
      ? undefined
      : await writeExport(dir, {
          ...shared,
          items: [...shown.values()],
          exportTime: `${iso(START).slice(0, -1)}.123Z`,
          filesCount: options.filesCount ?? 2,
        } satisfies ExportOptions);
  const windows: WrittenExport[] = [];
  const changes: (readonly WindowChange[])[] = [];
  const states: TableContent[] = options.noBaseline === true ? [] : [shown];
  let state = baseline;
  for (let index = 0; index < options.windows; index += 1) {
    const from = START - MINUTE + index * WINDOW;
    const to = from + WINDOW;
    const share = index % 7 === 5 ? 0 : options.writes;
    const writes = index === 0 ? first : writer.writes(from, to, share, index % 5 === 3);
    const net = netChanges(state, writes, writer);
    state = apply(new Map(state), writes);
    changes.push(net);
    states.push(state);
    const { view = 'NEW_AND_OLD_IMAGES' } = options;
    windows.push(
      await writeWindow(dir, {
        ...shared,
        changes: net,
        from: iso(from),
        to: iso(to),
        view,
        filesCount: options.filesCount ?? 2,
      } satisfies WindowOptions),
    );
  }
  return { dir, full, windows, changes, states };
}

const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

function apply(state: Map<string, DdbItem>, writes: readonly Write[]): Map<string, DdbItem> {
  for (const { key, item } of writes) {
    if (item === undefined) state.delete(key);
    else state.set(key, item);
  }
  return state;
}

/** One change a key, in no order of time; what was inserted and deleted within the window does not appear. */
function netChanges(state: TableContent, writes: readonly Write[], writer: Writer): WindowChange[] {
  const last = new Map<string, Write>();
  for (const write of writes) last.set(write.key, write);
  return [...last.values()].flatMap(({ key, at, item }): WindowChange[] => {
    const old = state.get(key);
    if (old === undefined && item === undefined) return [];
    return [
      {
        at,
        keys: writer.keyOf(key),
        ...(old === undefined ? {} : { old }),
        ...(item === undefined ? {} : { new: item }),
      },
    ];
  });
}

/** Makes writes that get harder with time: attributes come and go, change their type, and outgrow their columns. */
class Writer {
  readonly #random: () => number;
  readonly #options: ChainOptions;
  readonly #keys: readonly string[];
  readonly #byKey = new Map<string, DdbItem>();
  readonly #hard: readonly DdbItem[];

  constructor(random: () => number, options: ChainOptions) {
    this.#random = random;
    this.#options = options;
    const { keyType = 'S', keys } = options;
    const hard = nastyItems(options.seed, keys, { keyType, noHuge: true });
    this.#hard = hard;
    this.#keys = hard.map((item) => JSON.stringify(item['pk']));
    for (const item of hard) this.#byKey.set(JSON.stringify(item['pk']), { pk: item['pk'] as DdbValue });
  }

  keyOf(key: string): DdbItem {
    return this.#byKey.get(key) ?? {};
  }

  /** Writes between two times (ms), in the order of time. */
  writes(from: number, to: number, count: number, deletesOnly = false): Write[] {
    const times = Array.from(
      { length: count },
      () => BigInt(from) * 1000n + BigInt(Math.floor(this.#random() * (to - from) * 1000)),
    );
    times.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    return times.map((at, index) => {
      const key = this.#keys[Math.floor(this.#random() * this.#keys.length)] ?? '';
      const gone = deletesOnly || this.#random() < 0.25;
      return { at: at + BigInt(index), key, item: gone ? undefined : this.#item(key, at) };
    });
  }

  #item(key: string, at: bigint): DdbItem {
    const random = this.#random;
    const hour = Number(at / 1_000_000n - BigInt(START / 1000)) / 3600;
    if (this.#options.nasty === true) {
      const other = this.#hard[Math.floor(random() * this.#hard.length)] ?? {};
      return Object.fromEntries([...Object.entries(other), ...Object.entries(this.keyOf(key))]);
    }
    return {
      ...this.keyOf(key),
      name: { S: `n${Math.floor(random() * 1e6)}` },
      qty: { N: String(Math.floor(random() * 1000)) },
      ...(random() < 0.7 ? { price: { N: (Math.floor(random() * 1e6) / (hour > 0.6 ? 1000 : 100)).toString() } } : {}),
      ...(random() < 0.3 ? { note: random() < 0.2 ? { NULL: true } : { S: '' } } : {}),
      ...(random() < 0.5 ? { address: { M: { city: { S: 'x' }, ...(hour > 1 ? { zip: { N: '1' } } : {}) } } } : {}),
      ...(hour > 0.4 && random() < 0.3 ? { late: { SS: ['b', 'a'] } } : {}),
      ...(hour > 0.8 && random() < 0.1 ? { qty: { S: 'many' } } : {}),
      ...(hour > 1.2 && random() < 0.2 ? { qty: { N: '12345678901234567890.5' } } : {}),
    };
  }
}
