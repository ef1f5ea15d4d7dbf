import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { localStorage } from '../../../src/storage/local/local.ts';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import { MOTO, serverOrSkip } from '../../servers/available.ts';
import { fileOf, stagedOf } from '../../table/iceberg/sample.ts';
import { startGlueWorld } from './world.ts';

const COMMITS = 50;
const WRITER = ['--import', 'tsx', join(import.meta.dirname, 'writer.ts')];

serverOrSkip('Glue and two processes', [MOTO], () => {
  test(`faults 5, 11, 15: two processes of ${COMMITS} commits each at once: none is lost, none is there twice`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tailrace-glue-'));
    const world = await startGlueWorld(async () => localStorage('/'));
    try {
      const name = { namespace: [world.database()], table: 'orders' };
      const [database = ''] = name.namespace;
      const catalog = world.catalog({}, { warehouse: folder });
      const there = (await catalog.open(name, { purpose: 'write', createNamespace: true })) ?? expect.fail('no table');
      const handle = icebergTable(there);
      const first = fileOf(there.storage.uri(`${there.folder}/data/first.parquet`));
      await handle.commit(stagedOf('first', { files: [first] }), undefined);
      const write = async (writer: string): Promise<Record<string, number>> => {
        const words = [...WRITER, world.proxy.endpoint, folder, database, 'orders', writer, String(COMMITS)];
        const { stdout } = await promisify(execFile)(process.execPath, words);
        return JSON.parse(stdout) as Record<string, number>;
      };
      const outcomes = await Promise.all([write('a'), write('b')]);
      for (const { committed, unknown } of outcomes) expect({ committed, unknown }).toEqual({ committed: COMMITS });
      const files = (await handle.dataFiles()).map(({ path }) => path);
      expect(files.length).toBe(2 * COMMITS + 1);
      expect(new Set(files).size).toBe(files.length);
      expect((await handle.load())?.rows).toBe(3 * files.length);
      expect(world.proxy.archived()).toBe(0);
    } finally {
      await world.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
