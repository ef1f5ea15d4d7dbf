import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DynamoApi } from '../../../src/dynamodb/api.ts';
import type { DescribedTable } from '../../../src/dynamodb/describe.ts';
import { Pacer } from '../../../src/pacing/pacer.ts';
import { SCAN_LIMITS } from '../../../src/source/scan/limits.ts';
import { TableScan } from '../../../src/source/scan/scan.ts';
import { VirtualClock } from '../../pacing/virtual-clock.ts';

// A whole scan on a clock of its own: what it takes of a simulated table within any half minute, from the first call on.

const { signal } = new AbortController();
const PAGE_BYTES = 1_048_576;
const SECONDS = 100;

interface Asked {
  readonly Segment: number;
  readonly Limit?: number;
  readonly ConsistentRead?: boolean;
}

/** Bytes of the item with this number in a segment. */
type Sizes = (segment: number, item: number) => number;

/** A table without end, whose pages take 20 to 120 ms; units as DynamoDB counts them, by the bytes that were read. */
class Simulated {
  readonly spent: { readonly at: number; readonly units: number }[] = [];
  readonly #clock: VirtualClock;
  readonly #sizes: Sizes;
  readonly #next = new Map<number, number>();
  #seed = 1;

  constructor(clock: VirtualClock, sizes: Sizes) {
    this.#clock = clock;
    this.#sizes = sizes;
  }

  async call<T>(_operation: string, _table: string, body: string, read: (reply: Buffer) => T): Promise<T> {
    const {
      Segment: segment,
      Limit: limit = Number.POSITIVE_INFINITY,
      ConsistentRead: consistent,
    } = JSON.parse(body) as Asked;
    let [bytes, scanned, item] = [0, 0, this.#next.get(segment) ?? 0];
    for (; bytes < PAGE_BYTES && scanned < limit; scanned += 1, item += 1) bytes += this.#sizes(segment, item);
    this.#next.set(segment, item);
    const units = Math.ceil(bytes / 4_096) / (consistent === true ? 1 : 2);
    this.spent.push({ at: this.#clock.nowMs(), units });
    await this.#clock.sleep(20 + 100 * this.#random(), signal);
    const page = {
      ConsumedCapacity: { CapacityUnits: units },
      Count: 0,
      Items: [],
      ScannedCount: scanned,
      LastEvaluatedKey: { pk: { N: String(item) } },
    };
    return read(Buffer.from(JSON.stringify(page)));
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  #random(): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed / 2_147_483_647;
  }
}

/** The most and the least of the asked rate that a scan takes within any half minute. */
async function shares(
  rate: number,
  sizes: Sizes,
  consistent = false,
): Promise<{ readonly most: number; readonly least: number }> {
  const clock = new VirtualClock();
  const table = new Simulated(clock, sizes);
  const stop = new AbortController();
  const scan = new TableScan({
    api: table as unknown as DynamoApi,
    pacer: new Pacer({ unitsPerSecond: rate, firstEstimate: consistent ? 256 : 128, clock }),
    table: { named: 'orders' } as DescribedTable,
    ...{ from: 1_000, consistent, dir: await mkdtemp(join(tmpdir(), 'tailrace-pace-')) },
    ...{ budgetBytes: 1e9, commitEveryMs: 1e9, limits: SCAN_LIMITS, signal: stop.signal },
  });
  scan.begin();
  // What is not of the clock, such as the spool's folder, may take a moment.
  for (let idle = 0; idle < 20; idle += 1) {
    const { length } = table.spent;
    await clock.run(SECONDS * 1000);
    await new Promise((resolve) => setImmediate(resolve));
    if (table.spent.length > length) idle = 0;
  }
  stop.abort(new Error('enough'));
  const ended = scan.close().catch(() => undefined);
  void clock.run();
  await ended;
  const sums: number[] = [];
  for (let from = 0; from + 30 <= SECONDS; from += 1)
    sums.push(
      table.spent
        .filter(({ at }) => at >= from * 1000 && at < (from + 30) * 1000)
        .reduce((sum, { units }) => sum + units, 0),
    );
  return { most: Math.max(...sums) / (rate * 30), least: Math.min(...sums) / (rate * 30) };
}

const same = (): number => 1_000;
const mixed = (segment: number, item: number): number => 100 + ((segment * 7919 + item * 104_729) % 5_000);
/** Small items, and now and then many large ones in a row. */
const bursts = (segment: number, item: number): number => (Math.floor((segment + item) / 200) % 5 === 4 ? 40_000 : 400);
const largest = (segment: number, item: number): number => ((segment * 31 + item) % 50 === 0 ? 400_000 : 300);

describe('a scan takes what was asked for within 5 % over each half minute, from its first call on', () => {
  test.each<[string, Sizes]>([
    ['items of one size', same],
    ['items of many sizes', mixed],
    ['some items of 400 KB', largest],
  ])('%s', async (_, sizes) => {
    for (const rate of [50, 100, 200, 500, 2_000])
      for (const consistent of [false, true]) {
        const { most, least } = await shares(rate, sizes, consistent);
        expect(most, `${rate}`).toBeLessThan(1.05);
        expect(least, `${rate}`).toBeGreaterThan(0.95);
      }
  });

  test('bursts of items that are a hundred times as large', async () => {
    for (const rate of [50, 100, 200, 300, 500, 2_000])
      for (const consistent of [false, true]) {
        const { most, least } = await shares(rate, bursts, consistent);
        // At a slow pace nobody knows before a page that it will be a whole one: two of them may be too much.
        const pages = rate < 256 ? (consistent ? 512 : 256) / (30 * rate) : 0;
        expect(most, `${rate}`).toBeLessThan(Math.max(1.05, 1.035 + pages));
        expect(least, `${rate}`).toBeGreaterThan(Math.min(0.95, 0.965 - pages));
      }
  });
});
