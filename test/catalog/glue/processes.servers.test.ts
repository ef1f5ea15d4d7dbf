import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localStorage } from '../../../src/storage/local/local.ts';
import { MOTO, serverOrSkip } from '../../servers/available.ts';
import { COMMITS, tryTwoProcesses } from '../processes.ts';
import { startGlueWorld } from './world.ts';

serverOrSkip('Glue and two processes', [MOTO], () => {
  test(`faults 5, 11, 15: two processes of ${COMMITS} commits each at once: none is lost, none is there twice`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tailrace-glue-'));
    const world = await startGlueWorld(async () => localStorage('/'));
    try {
      const name = { namespace: [world.database()], table: 'orders' };
      const catalog = world.catalog({}, { warehouse: folder });
      const there = (await catalog.open(name, { purpose: 'write', createNamespace: true })) ?? expect.fail('no table');
      const aws = { endpoint: world.proxy.endpoint, region: 'us-east-1' };
      await tryTwoProcesses({ type: 'glue', aws, warehouse: folder }, name, there);
      expect(world.proxy.archived()).toBe(0);
    } finally {
      await world.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
