/** Many small windows in a row: the table ends in each state in turn, and does not fall apart into small files. */
import { describe, expect, test } from 'vitest';
import { newestVersion } from '../../src/catalog/files/version.ts';
import { TIER_FILES } from '../../src/maintain/policy.ts';
import type { LiveFile } from '../../src/model/table.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import { manifestsOf } from '../../src/table/iceberg/live.ts';
import { currentSnapshot } from '../../src/table/iceberg/metadata.ts';
import { type TableContent, writeChain } from '../data/chain-model.ts';
import { canonical, folderOf, World } from '../faults/load.ts';

const items = (state: TableContent | undefined): string[] => canonical([...(state?.values() ?? [])]);
const WINDOWS = 60;

interface Look {
  readonly data: number;
  readonly deletes: number;
  readonly manifests: number;
}

async function look(world: World, target: string): Promise<Look> {
  const { files } = await world.table(target);
  const storage = localStorage(folderOf(target));
  const newest = (await newestVersion(storage, '')) ?? expect.fail('no table');
  return {
    data: files.length,
    deletes: files.flatMap((file: LiveFile) => file.deletes ?? []).length,
    manifests: (await manifestsOf(storage, currentSnapshot(newest.metadata))).length,
  };
}

describe('fault 21: a row of small windows', () => {
  test('leaves few files, and each state is the model’s', async () => {
    await using world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, { seed: 3, keys: 400, windows: WINDOWS, writes: 10 });
    const target = world.target('iceberg');
    await world.load(chain.full?.exportDir ?? '', target);
    const looks: Look[] = [];
    let early: string[] = [];
    let rewritten = 0;
    for (const [index, window] of chain.windows.entries()) {
      const report = await world.load(window.exportDir, target);
      const joined = report.upkeep?.rewritten.filesBefore ?? 0;
      rewritten += joined;
      expect(report.warnings).toEqual([]);
      if (joined > 0 || index % 5 === 0) expect(await world.items(target)).toEqual(items(chain.states[index + 1]));
      looks.push(await look(world, target));
      if (index === 9) early = await world.filesOf(target);
    }
    // All is in the lowest tier: a join leaves one file there.
    expect(Math.max(...looks.map(({ data }) => data))).toBeLessThanOrEqual(TIER_FILES);
    expect(Math.max(...looks.map(({ deletes }) => deletes))).toBeLessThanOrEqual(TIER_FILES - 1);
    // Each window adds a manifest of data files; a join, and a window that empties a file, make one of those they touch.
    expect(Math.max(...looks.map(({ manifests }) => manifests))).toBeLessThanOrEqual(TIER_FILES + 2);
    expect(rewritten).toBeGreaterThanOrEqual(3 * TIER_FILES);
    expect(await world.items(target)).toEqual(items(chain.states.at(-1)));
    expect(await world.leftovers()).toEqual([]);
    // Readers of an old snapshot still find all its files.
    const after = new Set(await world.filesOf(target));
    expect(early.filter((path) => !after.has(path) && !path.endsWith('version-hint.text'))).toEqual([]);
    expect(early.length).toBeGreaterThan(20);
  }, 180_000);

  test('with --no-upkeep brings no commits but those of the windows', async () => {
    await using world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, { seed: 3, keys: 400, windows: 10, writes: 10 });
    const target = world.target('iceberg');
    const report = await world.load(chain.dir, target, { upkeep: false });
    expect(report.upkeep).toBeUndefined();
    const newest = await newestVersion(localStorage(folderOf(target)), '');
    expect(newest?.metadata.snapshots?.length).toBe(11);
  });
});
