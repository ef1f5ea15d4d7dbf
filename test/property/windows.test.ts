/**
 * Changes → window → load gives exactly the new images as rows, exactly the deleted keys, and exact times, for chains of
 * items of every kind. TAILRACE_CHAINS sets the number of chains (default 3).
 */
import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { canonicalLine } from '../data/canonical.ts';
import { writeChain } from '../data/chain-model.ts';
import type { DdbItem, DdbValue } from '../data/ion.ts';
import { canonicalItems, freshFolder, optionsWith } from '../pipeline/harness.ts';
import { catLoaded, type Loaded, loadExport, timesOf } from '../pipeline/window-load.ts';

const CHAINS = Number(process.env['TAILRACE_CHAINS'] ?? 3);
const SEED = Number(process.env['TAILRACE_SEED'] ?? 20_261_121);

const CASES = [
  { nasty: true, keyType: 'S', format: 'DYNAMODB_JSON' },
  { nasty: true, keyType: 'B', format: 'ION' },
  { nasty: false, keyType: 'N', format: 'DYNAMODB_JSON', view: 'NEW_IMAGE' },
] as const;

describe.each(
  Array.from({ length: CHAINS }, (_, i) => ({
    seed: SEED + i,
    ...(CASES[i % CASES.length] as (typeof CASES)[number]),
  })),
)('$keyType keys, $format, seed $seed', ({ seed, ...kind }) => {
  test('rows are the new images, deletes the keys of the others, each with its time', async () => {
    const dir = await freshFolder();
    const chain = await writeChain(dir, { seed, keys: 60, windows: 4, writes: 50, ...kind });
    let recorded: Loaded['layout']['schema'] | undefined;
    try {
      for (const [index, window] of chain.windows.entries()) {
        const changes = chain.changes[index] ?? [];
        const options = optionsWith({ batchBytes: index % 2 === 0 ? 1 : 1_000_000, schema: { key: [] } });
        const loaded = await loadExport(window.exportDir, options, recorded === undefined ? {} : { recorded });
        const puts = changes.flatMap((change): DdbItem[] => (change.new === undefined ? [] : [change.new]));
        expect(loaded).toMatchObject({ read: changes.length, rejected: 0 });
        expect((await catLoaded(loaded)).map(canonicalLine).sort()).toEqual(canonicalItems(puts));
        expect(sorted(await timesOf(loaded, loaded.files))).toEqual(
          sorted(times(changes.filter((c) => c.new !== undefined))),
        );
        expect(sorted(await timesOf(loaded, loaded.deletes))).toEqual(
          sorted(times(changes.filter((c) => c.new === undefined))),
        );
        if (changes.length > 0) recorded = loaded.layout.schema;
        loaded.duck.close();
        await rm(loaded.dir, { recursive: true, force: true });
      }
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }, 120_000);
});

/** Times alone where keys print differently in the engine; a time is one change's. */
function sorted(times: Map<string, bigint>): bigint[] {
  return [...times.values()].sort((a, b) => (a < b ? -1 : 1));
}

function times(changes: readonly { readonly at: bigint; readonly keys: DdbItem }[]): Map<string, bigint> {
  return new Map(changes.map(({ at, keys }) => [JSON.stringify(keys['pk'] as DdbValue), at]));
}
