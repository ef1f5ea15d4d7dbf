import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { writeChain } from './chain-model.ts';
import type { DdbItem } from './ion.ts';

test('windows lead from each state to the next, and the first one mends the last minute of the full export', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tailrace-chain-'));
  try {
    const chain = await writeChain(dir, { seed: 3, keys: 60, windows: 8, writes: 40 });
    const state = new Map(chain.states[0]);
    for (const [index, window] of chain.windows.entries()) {
      for (const path of window.dataPaths) {
        for (const line of gunzipSync(await readFile(path))
          .toString()
          .split('\n')
          .filter(Boolean)) {
          const change = JSON.parse(line) as { Keys: DdbItem; NewImage?: DdbItem };
          const key = JSON.stringify(change.Keys['pk']);
          if (change.NewImage === undefined) state.delete(key);
          else state.set(key, change.NewImage);
        }
      }
      expect(state).toEqual(chain.states[index + 1]);
    }
    expect(chain.changes.some((changes) => changes.length === 0)).toBe(true);
    expect(chain.changes.flat().some((change) => change.new === undefined)).toBe(true);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
