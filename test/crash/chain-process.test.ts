import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { SyncReport } from '../../src/model/report.ts';
import { writeChain } from '../data/chain-model.ts';
import { canonical, FORMATS, World } from '../faults/load.ts';
import { SEED } from '../seed.ts';
import { expectDone, expectFiles, expectKeysOnce } from './chain.ts';
import { seeded } from './scripts.ts';

// The command as a process, stopped in the middle of a chain.
// TAILRACE_KILLS=100 TAILRACE_SEED=7 npx vitest run --project crash test/crash/chain-process.test.ts

const KILLS = Number(process.env.TAILRACE_KILLS ?? 3);
const root = join(import.meta.dirname, '..', '..');
const MAIN = ['--import', 'tsx', join(root, 'src', 'cli', 'main.ts')];

interface Ended {
  readonly code: number | null;
  readonly ms: number;
  readonly report: SyncReport | undefined;
}

/** Runs the command; after so many milliseconds it gets a signal. */
async function command(
  world: World,
  source: string,
  target: string,
  stop?: { signal: NodeJS.Signals; afterMs: number },
) {
  const words = ['sync', source, target, '--key', 'pk', '--json', '--threads', '1', '--temp-dir', world.temp];
  const started = performance.now();
  const child = spawn(process.execPath, [...MAIN, ...words], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  if (stop !== undefined) {
    await Promise.race([sleep(stop.afterMs), ended]);
    child.kill(stop.signal);
  }
  const code = await ended;
  const report = text === '' ? undefined : (JSON.parse(text) as SyncReport);
  return { code, report, ms: performance.now() - started } satisfies Ended;
}

describe.each(FORMATS)('to %s', (format) => {
  test.each(['SIGINT', 'SIGKILL'] as const)(
    `faults 22 and 23: %s at ${KILLS} random moments of a chain, seed ${SEED}: the table is a state of the model, and the next run finishes`,
    async (signal) => {
      await using world = await World.open();
      const chain = await writeChain(`${world.dir}/source`, { seed: SEED, keys: 200, windows: 5, writes: 200 });
      const whole = await command(world, chain.dir, world.target(format, 'whole'));
      expect(whole).toMatchObject({ code: 0, report: { outcome: 'committed' } });
      const random = seeded(SEED);
      for (let kill = 0; kill < KILLS; kill += 1) {
        const target = world.target(format, `kill-${kill}`);
        const afterMs = Math.round(whole.ms * (0.3 + 0.65 * random()));
        const what = `seed ${SEED}, kill ${kill} after ${afterMs} ms`;
        const stopped = await command(world, chain.dir, target, { signal, afterMs });
        if (signal === 'SIGINT' && stopped.code !== 0) {
          expect([what, stopped.code]).toEqual([what, 130]);
          expect([what, stopped.report?.error?.code ?? 'INTERRUPTED']).toEqual([what, 'INTERRUPTED']);
          expect(await world.leftovers()).toEqual([]);
        }
        const { state, files } = await world.table(target);
        const held = state?.ledger === undefined ? 0 : (state.ledger.covered?.[0]?.windows ?? 0) + 1;
        if (held > 0) {
          expect(await world.items(target), what).toEqual(canonical([...(chain.states[held - 1]?.values() ?? [])]));
          await expectFiles(files);
        }
        const last = await command(world, chain.dir, target);
        expect([what, last.code]).toEqual([what, 0]);
        expect(await world.items(target), what).toEqual(canonical([...(chain.states.at(-1)?.values() ?? [])]));
        await expectKeysOnce(world, target);
        await expectDone(world, chain.dir, target);
      }
    },
  );
});
