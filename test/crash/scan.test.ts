import { describe, expect, test } from 'vitest';
import { syncThrough } from '../../src/pipeline/sync.ts';
import { FORMATS, quiet } from '../pipeline/harness.ts';
import { itemsOf, Shop } from '../pipeline/scan-harness.ts';
import { SEED } from '../seed.ts';
import { enumerateKills } from './enumerate.ts';

// A scan of several pieces that is killed at calls of its target, and run again. TAILRACE_EVERY=1: at each call.
const EVERY = Number(process.env.TAILRACE_EVERY ?? 24);

describe.each(FORMATS)('a scan into %s', (format) => {
  test(`fault 22: killed at calls of its target from a seed (${SEED}) on, and run again, has each item once`, async () => {
    const report = await enumerateKills({
      every: EVERY,
      offset: SEED % EVERY,
      fresh: () => Shop.open({ items: itemsOf(24), pageBytes: 500 }, format),
      run: (wrap, shop) =>
        syncThrough(wrap, 'dynamodb:orders', shop.target, shop.options({ commitEveryMs: 0, segments: 2 }), quiet()),
      check: async (shop) => {
        const report = await shop.scan({ segments: undefined, runId: undefined });
        // Where the killed run was complete, another one is refused: it would bring all items again.
        expect(report.error === undefined || report.error.code === 'LEDGER_REFUSED', JSON.stringify(report.error)).toBe(
          true,
        );
        expect(await shop.rows()).toEqual(shop.expected);
      },
      checkWreck: async (shop) => {
        const rows = await shop.rows().catch(() => []);
        expect(new Set(rows).size).toBe(rows.length);
        const all = new Set(shop.expected);
        expect(rows.filter((row) => !all.has(row))).toEqual([]);
      },
      dispose: (shop) => shop[Symbol.asyncDispose](),
    });
    expect(report.kills).toBeGreaterThan(3);
  });
});
