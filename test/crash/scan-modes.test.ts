import { describe, expect, test } from 'vitest';
import { parsePartition } from '../../src/index.ts';
import type { SyncOptions } from '../../src/model/options.ts';
import { inspect } from '../../src/pipeline/inspect.ts';
import { syncThrough } from '../../src/pipeline/sync.ts';
import type { DdbItem } from '../data/ion.ts';
import { canonicalItems, FORMATS, quiet } from '../pipeline/harness.ts';
import { itemsOf, Shop } from '../pipeline/scan-harness.ts';
import { SEED } from '../seed.ts';
import { enumerateKills } from './enumerate.ts';

// A scan into a table that is there, killed at calls of its target, and run again. TAILRACE_EVERY=1: at each call.
const EVERY = Number(process.env.TAILRACE_EVERY ?? 40);

const colored = (items: readonly DdbItem[], color: string): DdbItem[] =>
  items.map((item) => ({ ...item, color: { S: color } }));
const BEFORE = [...colored(itemsOf(12), 'red'), ...colored(itemsOf(12, 12), 'blue')];
const NOW = [...BEFORE.slice(2, 10), ...colored(itemsOf(4, 10), 'green'), ...BEFORE.slice(14, 20), ...itemsOf(3, 100)];

/** Rows behind a whole run, by mode. */
const AFTER: Readonly<Record<string, readonly DdbItem[]>> = {
  mirror: NOW,
  append: [...BEFORE, ...NOW],
  // The run brings rows for all partitions.
  'overwrite-partitions': NOW,
};

const key = (row: string): string => JSON.stringify((JSON.parse(row) as DdbItem).pk);

describe.each(FORMATS)('a scan into %s', (format) => {
  test.each(['mirror', 'append', 'overwrite-partitions'] as const)(
    `fault 22: %s, killed at calls of its target from a seed (${SEED}) on, and run again, ends as one whole run does`,
    async (mode) => {
      const options = (shop: Shop): SyncOptions => {
        const standard = shop.options({ commitEveryMs: 0, segments: 2, runId: 'second' });
        return { ...standard, state: { ...standard.state, mode, maxDelete: { share: 0.6 } } };
      };
      const expected = canonicalItems(AFTER[mode] ?? []);
      const known = new Set(canonicalItems([...BEFORE, ...NOW]));
      const report = await enumerateKills({
        every: EVERY,
        offset: SEED % EVERY,
        fresh: async () => {
          const shop = await Shop.open({ items: BEFORE, pageBytes: 500 }, format);
          await shop.scan({ runId: 'first' }, { partition: parsePartition('color') });
          shop.table.items = NOW;
          shop.server.refresh();
          return shop;
        },
        run: (wrap, shop) => syncThrough(wrap, 'dynamodb:orders', shop.target, options(shop), quiet()),
        check: async (shop) => {
          const again = await syncThrough((storage) => storage, 'dynamodb:orders', shop.target, options(shop), quiet());
          expect([again.outcome, again.error]).toEqual(['unchanged', undefined]);
          expect(await shop.rows()).toEqual(expected);
          // Readers of a Parquet folder are sent to all of it, too.
          expect(await inspect(shop.target, options(shop), quiet())).toMatchObject({ warnings: [] });
        },
        checkWreck: async (shop) => {
          const rows = await shop.rows();
          expect(rows.filter((row) => !known.has(row))).toEqual([]);
          if (mode !== 'append') expect(new Set(rows.map(key)).size).toBe(rows.length);
        },
        dispose: (shop) => shop[Symbol.asyncDispose](),
      });
      expect(report.kills).toBeGreaterThan(3);
    },
  );
});
