import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { smallChain } from '../crash/chain.ts';
import type { DdbItem } from '../data/ion.ts';
import { writeExport } from '../data/make-export.ts';
import { type WindowChange, writeWindow } from '../data/make-window.ts';
import { canonical, World } from './load.ts';

// Faults that concern windows, and those of the jobs that people merge windows with today (document 2).

const AT = Date.parse('2026-03-01T12:00:00Z');
const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const pk = (key: string): DdbItem => ({ pk: { S: key } });

function change(key: string, seconds: number, image?: DdbItem, old?: DdbItem): WindowChange {
  return {
    at: BigInt(AT + seconds * 1000) * 1000n,
    keys: pk(key),
    ...(old === undefined ? {} : { old: { ...pk(key), ...old } }),
    ...(image === undefined ? {} : { new: { ...pk(key), ...image } }),
  };
}

/** A full export at 12:00, and a window that begins so many seconds before it. */
async function fullAndWindow(
  world: World,
  items: readonly DdbItem[],
  changes: readonly WindowChange[],
  before = 60,
): Promise<string> {
  const dir = join(world.dir, 'source');
  await writeExport(dir, { items, exportTime: iso(AT) });
  await writeWindow(dir, { changes, from: iso(AT - before * 1000), to: iso(AT + 840_000) });
  return dir;
}

describe.each(['iceberg', 'parquet'] as const)('to %s', (format) => {
  test("a baseline's last minute: an image older than exportTime by 59 s, then a change 40 s before exportTime, ends with the change", async () => {
    for (const write of ['merge-on-read', 'copy-on-write'] as const) {
      await using world = await World.open();
      const old = { n: { N: '1' } };
      const dir = await fullAndWindow(
        world,
        [
          { ...pk('updated'), ...old },
          { ...pk('deleted'), ...old },
          { ...pk('same'), ...old },
        ],
        [
          change('updated', -40, { n: { N: '2' } }, old),
          change('deleted', -40, undefined, old),
          // The image that the baseline shows is that of this very change.
          change('same', -59, old, { n: { N: '0' } }),
        ],
      );
      const target = world.target(format);
      const report = await world.load(dir, target, { write });
      expect(await world.items(target)).toEqual(
        canonical([
          { ...pk('updated'), n: { N: '2' } },
          { ...pk('same'), ...old },
        ]),
      );
      expect(report.counts).toMatchObject({ read: 6, written: 5, deleted: 1 });
    }
  });

  test.each(['truncated', 'not JSON'])(
    'fault 35: a full export whose summary is %s is an error, and no table begins with the windows behind it',
    async (how) => {
      await using world = await World.open();
      const chain = await smallChain(join(world.dir, 'source'), 2);
      const summary = join(chain.exports[0]?.exportDir ?? '', 'manifest-summary.json');
      const whole = await readFile(summary);
      if (how === 'truncated') await truncate(summary, 40);
      else await writeFile(summary, 'no JSON');
      const target = world.target(format);
      const report = await world.sync(chain.dir, target);
      expect(report).toMatchObject({ outcome: 'failed', error: { code: 'MANIFEST_BAD', place: summary } });
      expect((await world.table(target)).state).toBeUndefined();
      await writeFile(summary, whole);
      await world.load(chain.dir, target);
      expect(await world.items(target)).toEqual(canonical([...(chain.states.at(-1)?.values() ?? [])]));
    },
  );
});
