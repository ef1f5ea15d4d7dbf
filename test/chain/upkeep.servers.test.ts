/** Tables on S3 that are looked after, whose columns change, and that are larger than the temporary folder may be. */
import { createHash } from 'node:crypto';
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MaintainReport } from '../../src/model/maintain-report.ts';
import type { SyncOptions } from '../../src/model/options.ts';
import { openTarget } from '../../src/pipeline/ends/open.ts';
import { type MaintainOptions, maintain } from '../../src/pipeline/upkeep/maintain.ts';
import type { Storage } from '../../src/storage/port.ts';
import { evolveBetween } from '../catalog/evolve.ts';
import { Laboratory } from '../crash/faulty-storage.ts';
import { randomFaults } from '../crash/scripts.ts';
import { writeChain } from '../data/chain-model.ts';
import { writeExport } from '../data/make-export.ts';
import { writeWindow } from '../data/make-window.ts';
import { canonical, contextOf, FORMATS, type Format, World } from '../faults/load.ts';
import { SEED } from '../seed.ts';
import { serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { type S3Server, startVersitygw } from '../servers/versitygw.ts';

const SEEDS = Number(process.env.TAILRACE_SEEDS ?? 2);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const UNKEPT = { upkeep: false, write: 'merge-on-read', onDrift: 'rescue' } as const;

serverOrSkip('tables on S3', [VERSITYGW], () => {
  let server: S3Server;
  let restore: () => void;
  let targetAws: SyncOptions['targetAws'];

  beforeAll(async () => {
    server = await startVersitygw();
    restore = useCredentials(server);
    await makeBucket(server, 'lake');
    targetAws = { endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true };
  });
  afterAll(async () => {
    restore();
    await server.stop();
  });

  async function opened(): Promise<World> {
    const world = await World.open();
    world.always = { targetAws };
    return world;
  }

  /** All objects below the table become older than any grace period. */
  async function age(key: string): Promise<void> {
    const old = new Date(Date.now() - 2 * DAY);
    const entries = await readdir(join(server.dataDir, 'lake', key), { recursive: true, withFileTypes: true });
    for (const entry of entries) if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), old, old);
  }

  /** Every file that the newest state names is there with its size. */
  async function expectFiles(world: World, target: string): Promise<void> {
    const { table, storage, close } = await openTarget(target, world.options());
    for (const file of (await table.dataFiles()).flatMap((each) => [each, ...(each.deletes ?? [])]))
      expect([file.path, (await storage.head(storage.key(file.path)))?.sizeBytes]).toEqual([file.path, file.sizeBytes]);
    await close();
  }

  const everything = (format: Format): Partial<MaintainOptions> => ({
    ...(format === 'iceberg' ? { expireSnapshotsMs: 0, keepSnapshots: 2 } : {}),
    sweepOrphansMs: HOUR,
  });
  const run = (
    world: World,
    target: string,
    format: Format,
    wrap = (storage: Storage) => storage,
  ): Promise<MaintainReport> => maintain(target, { ...world.options(), ...everything(format) }, contextOf(), wrap);

  test.each(FORMATS)(
    'fault 21: %s: upkeep within sync, and by request, keeps every row, and nothing that is named goes',
    async (format) => {
      await using world = await opened();
      const key = `tables/kept-${format}`;
      const target = `${format}:s3://lake/${key}`;
      // Windows of a Parquet table write anew what they touch: many small files come with the full export.
      const shape = format === 'iceberg' ? { keys: 60, writes: 8 } : { keys: 600, writes: 2, filesCount: 60 };
      const chain = await writeChain(`${world.dir}/source`, { seed: 5, windows: 14, ...shape });
      const rows = (index: number): string[] => canonical([...(chain.states[index]?.values() ?? [])]);
      // A new column would make a window write all files of a Parquet table anew.
      const few = format === 'parquet' ? { schema: { maxColumns: 2 } } : {};
      await world.load(chain.full ?? '', target, { ...UNKEPT, ...few, batchBytes: 1 });
      for (const one of chain.windows.slice(0, 9)) await world.load(one, target, UNKEPT);
      const report = await world.load(chain.windows[9] ?? '', target, { ...UNKEPT, upkeep: true });
      expect(report.upkeep?.rewritten.filesBefore).toBeGreaterThanOrEqual(8);
      expect(await world.items(target)).toEqual(rows(10));
      for (const one of chain.windows.slice(10)) await world.load(one, target, UNKEPT);
      await age(key);
      const kept = await run(world, target, format);
      // Replaced generations of a Parquet table are too young to be swept.
      expect(kept).toMatchObject({ outcome: format === 'iceberg' ? 'committed' : 'unchanged', warnings: [] });
      if (format === 'iceberg') expect(kept.expired?.snapshots).toBeGreaterThan(10);
      expect(await world.items(target)).toEqual(rows(14));
      await expectFiles(world, target);
      expect(await run(world, target, format)).toMatchObject({ outcome: 'unchanged', warnings: [] });
      expect((await world.sync(chain.dir, target)).outcome).toBe('unchanged');
      expect(await world.leftovers()).toEqual([]);
    },
  );

  test.each(FORMATS.flatMap((format) => Array.from({ length: SEEDS }, (_, index) => [format, SEED + index] as const)))(
    'faults 1, 2, 3, 4, 7, 22 and 33: %s: whatever befalls its calls, seed %i: upkeep loses no row and no file, and a quiet run ends well',
    async (format, seed) => {
      await using world = await opened();
      const key = `tables/faulty-${format}-${seed}`;
      const target = `${format}:s3://lake/${key}`;
      const chain = await writeChain(`${world.dir}/source`, { seed, keys: 40, windows: 10, writes: 6 });
      const rows = canonical([...(chain.states.at(-1)?.values() ?? [])]);
      await world.load(chain.dir, target, UNKEPT);
      await age(key);
      for (let round = 0; round < 4; round += 1) {
        const lab = new Laboratory(
          randomFaults(seed * 100 + round, 0.05, [
            { kind: 'lose reply' },
            { kind: 'lose request' },
            { kind: 'apply late', ms: 5 },
            { kind: 'answer', status: 412 },
            { kind: 'answer', status: 503 },
            { kind: 'truncate', bytes: 40 },
            { kind: 'kill', when: 'before' },
            { kind: 'kill', when: 'after' },
          ]),
        );
        await run(world, target, format, (storage) => lab.wrap(storage));
        await lab.settle();
        expect(await world.items(target)).toEqual(rows);
        await expectFiles(world, target);
      }
      expect((await run(world, target, format)).error).toBeUndefined();
      expect(await world.items(target)).toEqual(rows);
      await expectFiles(world, target);
      expect((await world.sync(chain.dir, target)).outcome).toBe('unchanged');
    },
  );

  test.each(FORMATS)('%s: columns change on request between windows', async (format) => {
    await using world = await opened();
    await evolveBetween(world, 'source', `${format}:s3://lake/tables/evolved-${format}`);
  });

  test.each(FORMATS)(
    '%s: a table that is larger than the temporary budget is written anew a few files at a time, or refused whole',
    async (format) => {
      await using world = await opened();
      const target = `${format}:s3://lake/tables/large-${format}`;
      // Text that no compression shortens: each file is some 100 kB, the table 800 kB.
      const noise = (seed: string): string =>
        Array.from({ length: 25 }, (_, i) => createHash('sha512').update(`${seed} ${i}`).digest('base64')).join('');
      const items = Array.from({ length: 400 }, (_, i) => ({
        pk: { S: `k${i}` },
        n: { N: `${i}` },
        noise: { S: noise(`${i}`) },
      }));
      const full = await writeExport(`${world.dir}/source`, {
        items,
        exportTime: '2026-03-01T12:00:00Z',
        filesCount: 8,
      });
      await world.load(full, target, { batchBytes: 1 });
      const before = await world.table(target);
      expect((await world.items(target)).length).toBe(400);
      const bytes = before.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const largest = Math.max(...before.files.map(({ sizeBytes }) => sizeBytes));
      expect([before.files.length, bytes > 3 * largest]).toEqual([8, true]);
      const late = { pk: { S: 'k1' }, n: { N: '1.5' } };
      const window = await writeWindow(`${world.dir}/source`, {
        changes: [{ at: 1_772_366_500_000_000n, keys: { pk: { S: 'k1' } }, new: late }],
        from: '2026-03-01T11:59:00Z',
        to: '2026-03-01T12:14:00Z',
      });
      const small = Math.floor(largest * 0.9);
      const refused = await world.sync(window, target, { tempBudgetBytes: small });
      expect(refused).toMatchObject({ outcome: 'failed', error: { code: 'TEMP_BUDGET', hint: expect.any(String) } });
      const change = [{ column: 'n', type: 'decimal(20,2)' }] as const;
      const evolved = await world.evolve(target, change, { tempBudgetBytes: small });
      expect(evolved).toMatchObject({ outcome: 'failed', error: { code: 'TEMP_BUDGET' } });
      expect((await world.table(target)).state).toEqual(before.state);

      const budget = { tempBudgetBytes: Math.floor(largest * 2.5) };
      await world.load(window, target, budget);
      const model = canonical([...items.filter(({ pk }) => pk.S !== 'k1'), late]);
      expect(await world.items(target)).toEqual(model);
      const again = await world.evolve(target, change, budget);
      expect(again.error).toBeUndefined();
      expect(again.outcome).toBe('committed');
      expect(again.files.rewritten).toBeGreaterThanOrEqual(8);
      expect(await world.items(target)).toEqual(model);
      expect(await world.leftovers()).toEqual([]);
    },
  );
});
