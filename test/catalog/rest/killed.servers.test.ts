import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RestSettings } from '../../../src/model/catalog.ts';
import { expectKeysOnce, expectState, smallChain } from '../../crash/chain.ts';
import { seeded } from '../../crash/scripts.ts';
import { World } from '../../faults/load.ts';
import { SEED } from '../../seed.ts';
import { JAVA, REST_JARS, serverOrSkip } from '../../servers/available.ts';
import { startRestCatalog } from '../../servers/rest-catalog.ts';
import { type RestProxy, startRestProxy } from '../../servers/rest-proxy.ts';

// The command as a process, killed at one of its requests to the catalog, before or after the request's effect.
// TAILRACE_KILLS=100 TAILRACE_SEED=7 npx vitest run --project servers test/catalog/rest/killed.servers.test.ts

const KILLS = Number(process.env.TAILRACE_KILLS ?? 8);
const root = join(import.meta.dirname, '..', '..', '..');
const MAIN = ['--import', 'tsx', join(root, 'src', 'cli', 'main.ts')];

serverOrSkip('killed at a request to the catalog', [JAVA, REST_JARS], () => {
  let server: Awaited<ReturnType<typeof startRestCatalog>>;
  let proxy: RestProxy;
  let world: World;

  beforeAll(async () => {
    server = await startRestCatalog();
    proxy = await startRestProxy(server.uri);
    world = await World.open();
    const lab: RestSettings = { type: 'rest', uri: server.uri, auth: { kind: 'none' }, credentials: 'vended' };
    world.always = { catalogs: { lab } };
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await proxy.stop();
    await server.stop();
  });

  /** Runs the command; at its nth request to the catalog it is killed. Gives its exit code. */
  async function command(source: string, target: string, nth: number, after: boolean): Promise<number | null> {
    const words = ['sync', source, target, '--key', 'pk', '--create-namespace', '--threads', '1', '--no-upkeep'];
    const where = ['--catalog', `lab=rest,uri=${proxy.uri}`, '--temp-dir', world.temp, '--rejects', `${world.dir}/r`];
    const child = spawn(process.execPath, [...MAIN, ...words, ...where], { cwd: root, stdio: 'ignore' });
    let left = nth;
    proxy.lie = async (_asked, pass) => {
      left -= 1;
      if (left > 0) return pass();
      if (after && left === 0) await pass();
      child.kill('SIGKILL');
      return 'cut';
    };
    return new Promise((resolve) => child.once('close', resolve));
  }

  test(`faults 1, 8, 9, 22: ${KILLS} kills of a chain, seed ${SEED}: each leaves a state of the model, and the last run the last`, async () => {
    const chain = await smallChain(join(world.dir, 'chain'));
    const random = seeded(SEED);
    const target = 'iceberg:lab.shop.orders';
    const held = async (): Promise<number> => ((await isThere(world, target)) ? expectState(world, target, chain) : 0);
    let [before, kills] = [0, 0];
    while (kills < KILLS) {
      const [nth, after] = [1 + Math.floor(random() * 14), random() < 0.5];
      const code = await command(chain.dir, target, nth, after);
      const now = await held();
      expect(now, `kill ${kills} at request ${nth}`).toBeGreaterThanOrEqual(before);
      before = now;
      if (code === 0) break;
      kills += 1;
    }
    expect(kills).toBeGreaterThan(0);
    await world.sync(chain.dir, target, { createNamespace: true });
    expect(await expectState(world, target, chain)).toBe(chain.exports.length);
    await expectKeysOnce(world, target);
    expect((await world.sync(chain.dir, target)).outcome).toBe('unchanged');
  });
});

async function isThere(world: World, target: string): Promise<boolean> {
  return world.table(target).then(
    ({ state }) => state !== undefined,
    (thrown: { code?: string }) => {
      if (thrown.code === 'TARGET_NOT_FOUND') return false;
      throw thrown;
    },
  );
}
