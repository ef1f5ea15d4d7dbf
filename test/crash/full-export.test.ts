import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parsePartition } from '../../src/index.ts';
import type { BatchRecord, SchemaRecord } from '../../src/pipeline/load/journal.ts';
import type { Storage } from '../../src/storage/port.ts';
import type { WrittenExport } from '../data/make-export.ts';
import { FORMATS, type Format, type LoadOptions, World } from '../faults/load.ts';
import { enumerateKills } from './enumerate.ts';
import * as small from './full-export.ts';

// A whole load dies at each call that it makes of the target, before and after the call's effect, and is run again.

interface Shop {
  readonly world: World;
  readonly source: WrittenExport;
  readonly target: string;
  /** The wreck held finished batches that fit the table's final schema. */
  mustResume: boolean;
  resumedFiles: number;
}

const OLD = small.smallItems(18, 1);
const ITEMS = small.smallItems(24);
const PARTITION = parsePartition('day(at), region');
const FEW_BATCHES = { ...small.SMALL, batchBytes: 700 };

const CASES: readonly (readonly [name: string, format: Format, options: LoadOptions])[] = FORMATS.flatMap((format) => [
  [`a first load to ${format}`, format, format === 'iceberg' ? small.SMALL : FEW_BATCHES],
  [`a first load to ${format}, partitioned`, format, { ...FEW_BATCHES, partition: PARTITION }],
  [`a load that replaces a table in ${format}`, format, { ...FEW_BATCHES, replace: true }],
]);

describe.each(CASES)('%s', (_name, format, options) => {
  test('faults 8, 9, 17 and 22: killed at any call, a re-run ends in the same table, and goes on where it was', async () => {
    // A load whose schema becomes another one starts anew, in the next epoch; a wreck of an earlier one need not resume.
    let lastEpoch = 0;
    let epochKnown = false;
    let resumedRuns = 0;
    const { calls, kills } = await enumerateKills<Shop>({
      fresh: async () => {
        const world = await World.open(small.FAST_DISK);
        const source = await small.smallExport(world, ITEMS);
        const target = world.target(format);
        if (options.replace === true) {
          const old = await world.export({ items: OLD, exportTime: '2026-02-01T00:00:00Z' }, 'old');
          await world.load(old, target, { ...options, replace: false });
        }
        return { world, source, target, mustResume: false, resumedFiles: 0 };
      },
      run: async (wrap, shop) => {
        const seeEpoch = (epoch: number): void => {
          if (!epochKnown) lastEpoch = Math.max(lastEpoch, epoch);
        };
        const wrapTarget = (storage: Storage, end: string): Storage =>
          end === 'target' ? wrap(watched(storage, seeEpoch)) : storage;
        const report = small.mustNotFail(
          await shop.world.sync(shop.source, shop.target, { ...options, wrap: wrapTarget }),
        );
        expect(await shop.world.leftovers()).toEqual([]);
        if (report.outcome === 'committed') expect(report.counts).toMatchObject(small.countsOf(ITEMS));
        shop.resumedFiles = report.files.resumed;
      },
      checkWreck: async (shop) => {
        await expectOldOrNew(shop, options.replace === true);
        shop.mustResume = !(await holdsNew(shop)) && (await finishedFiles(shop, lastEpoch)) > 0;
      },
      check: async (shop) => {
        await small.expectTable(shop.world, shop.target, ITEMS);
        expect((await shop.world.rejects()).map((reject) => reject.reason)).toEqual(small.REASONS);
        await small.expectNoStrays(shop.world, shop.target);
        await small.expectUnchanged(shop.world, shop.source, shop.target, options);
        epochKnown = true;
        if (!shop.mustResume) return;
        expect(shop.resumedFiles, 'it began again from nothing').toBeGreaterThan(0);
        resumedRuns += 1;
      },
      dispose: (shop) => shop.world[Symbol.asyncDispose](),
    });
    expect(kills).toBe(calls * 2);
    expect(resumedRuns).toBeGreaterThan(4);
  });
});

async function holdsNew({ world, target, source }: Shop): Promise<boolean> {
  const { state } = await world.table(target);
  return state?.ledger?.entries.some((entry) => entry.exportArn.endsWith(source.exportId)) ?? false;
}

/** The wreck holds the old table or the new one, whole. */
async function expectOldOrNew(shop: Shop, replaced: boolean): Promise<void> {
  const { world, target } = shop;
  if (await holdsNew(shop)) return small.expectTable(world, target, ITEMS);
  if (replaced) return small.expectTable(world, target, OLD);
  expect((await world.table(target)).state).toBeUndefined();
}

/** Tells the epoch of each schema that a load writes to its journal. */
function watched(storage: Storage, seeEpoch: (epoch: number) => void): Storage {
  return new Proxy(storage, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      if (name !== 'put') return method.bind(target);
      return (key: string, body: Uint8Array) => {
        if (key.endsWith('/schema.json')) seeEpoch((JSON.parse(Buffer.from(body).toString()) as SchemaRecord).epoch);
        return target.put(key, body);
      };
    },
  });
}

/** Data files in the journal of a wreck that a re-run must take over. */
async function finishedFiles({ world, target }: Shop, epoch: number): Promise<number> {
  const journal = (await world.filesOf(target)).filter((path) => path.includes('/.tailrace/'));
  const read = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T;
  const [schema] = journal.filter((path) => path.endsWith('/schema.json'));
  if (schema === undefined || (await read<SchemaRecord>(schema)).epoch !== epoch) return 0;
  const batches = await Promise.all(
    journal.filter((path) => /\/batch-\d+\.json$/.test(path)).map((path) => read<BatchRecord>(path)),
  );
  return batches.filter((batch) => batch.epoch === epoch).reduce((sum, batch) => sum + batch.files.length, 0);
}
