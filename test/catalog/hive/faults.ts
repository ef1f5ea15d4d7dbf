import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { METHODS } from '../../../src/catalog/hive/api.ts';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import { LOCKS_END_AFTER_S } from '../../servers/hive.ts';
import type { HiveWorld } from './world.ts';

const ALTER = METHODS.alterTable.name;
/** When a late call arrives: after the locks of the table were looked at, and before they end. */
const LATE_MS = 3_000;
const CREATE = METHODS.createTable.name;

/**
 * A Metastore that loses replies and calls, or is slow, and writers that die. `compares`: it does so by itself. What has to
 * wait until a lock ends goes on beside the other tests: what is given back looks at the end of it, and comes last.
 */
export function hiveFaults(
  name: string,
  worldOf: () => HiveWorld,
  { compares }: { readonly compares: boolean },
): () => void {
  const waiting: Promise<void>[] = [];
  const later = (work: () => Promise<void>): void => {
    const end = work();
    end.catch(() => undefined);
    waiting.push(end);
  };

  describe(`faults of commits: ${name}`, () => {
    let tables = 0;
    const started = async (): Promise<{ readonly world: HiveWorld; readonly table: string }> => {
      const world = worldOf();
      tables += 1;
      const table = `f${tables}`;
      expect(await world.append(table, 'c-1')).toMatchObject({ kind: 'committed' });
      return { world, table };
    };
    const expectFiles = async (world: HiveWorld, table: string, commits: readonly string[]): Promise<void> => {
      expect(await world.files(table)).toEqual(commits.map((commit) => `${commit}.parquet`));
    };

    test('fault 1: the reply to a commit is lost: it is found by reading, and the lock is given back', async () => {
      const { world, table } = await started();
      const ours = await world.proxied(table);
      world.proxy.fault(ALTER, 'lose the reply');
      expect(await world.append(table, 'c-2', ours)).toMatchObject({ kind: 'committed' });
      expect(await world.locks(table)).toBe(0);
      await expectFiles(world, table, ['c-1', 'c-2']);
    });

    test('fault 1: the reply to the creation of a table is lost: it is found by reading', async () => {
      const world = worldOf();
      const ours = await world.proxied('created');
      world.proxy.fault(CREATE, 'lose the reply');
      expect(await world.append('created', 'c-1', ours)).toMatchObject({ kind: 'committed' });
      await expectFiles(world, 'created', ['c-1']);
    });

    test('fault 2: a commit that is applied late is found while its lock is held', async () => {
      const { world, table } = await started();
      const ours = await world.proxied(table);
      world.proxy.fault(ALTER, 1_000);
      expect(await world.append(table, 'c-2', ours)).toMatchObject({ kind: 'committed' });
      expect(await world.locks(table)).toBe(0);
      await expectFiles(world, table, ['c-1', 'c-2']);
    });

    test('faults 2 and 7: later still it is unknown, nothing is deleted, and nothing of others is overwritten', async () => {
      const { world, table } = await started();
      const ours = await world.proxied(table, { settleMs: 100 });
      world.proxy.fault(ALTER, LATE_MS);
      const base = await icebergTable(ours).load();
      const before = await metadataFiles(world, table);
      const outcome = await world.append(table, 'c-2', ours);
      expect(outcome).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('did not answer') });
      expect((await metadataFiles(world, table)).length).toBe(before.length + 1);
      expect(await icebergTable(await world.table(table)).load()).toEqual(base);
      const makeAgain = async (): Promise<void> => {
        expect(await world.append(table, 'c-2')).toMatchObject({ kind: 'committed' });
        await expectFiles(world, table, ['c-1', 'c-2', 'c-3']);
      };
      if (compares) {
        // Others go first, and what arrives late is refused.
        expect(await world.locks(table)).toBe(0);
        expect(await world.append(table, 'c-3')).toMatchObject({ kind: 'committed' });
        later(async () => {
          await sleep(LATE_MS + 1_000);
          await expectFiles(world, table, ['c-1', 'c-3']);
          await makeAgain();
        });
      } else {
        // The lock stays. Others wait until it ends, and by then the late commit is there.
        expect(await world.locks(table)).toBe(1);
        later(async () => {
          expect(await world.append(table, 'c-3')).toMatchObject({ kind: 'conflict' });
          await expectFiles(world, table, ['c-1', 'c-2']);
          expect(await world.append(table, 'c-3')).toMatchObject({ kind: 'committed' });
          await makeAgain();
        });
      }
    });

    test('fault 1: a commit that never arrived is unknown; the next run makes it', async () => {
      const { world, table } = await started();
      const ours = await world.proxied(table, { settleMs: 100 });
      world.proxy.fault(ALTER, 'lose the call');
      expect(await world.append(table, 'c-2', ours)).toMatchObject({ kind: 'unknown' });
      expect(await world.locks(table)).toBe(compares ? 0 : 1);
      await world.unlockAll(table);
      expect(await world.append(table, 'c-2')).toMatchObject({ kind: 'committed' });
      await expectFiles(world, table, ['c-1', 'c-2']);
    });

    test('fault 3: a call that the server gets twice does no harm, and its own success is no conflict', async () => {
      const { world, table } = await started();
      const ours = await world.proxied(table);
      // A server that repeats the change by itself, and answers with what the second time gave.
      world.proxy.before(ALTER, async () => {
        const to = await newest(world, table);
        await world.change(table, (entry) => ({
          ...entry,
          parameters: { ...entry.parameters, metadata_location: to },
        }));
      });
      expect(await world.append(table, 'c-2', ours)).toMatchObject({ kind: 'committed' });
      await expectFiles(world, table, ['c-1', 'c-2']);
    });

    test('fault 14: a writer that takes no lock and commits at the last moment', async () => {
      const { world, table } = await started();
      const ours = await world.proxied(table);
      const lockless = { ...(await world.entry(table)).parameters };
      world.proxy.before(ALTER, async () => {
        const moved = `${lockless['metadata_location']?.replace(/[^/]+$/, '')}00001-other.metadata.json`;
        await world.change(table, (entry) => ({
          ...entry,
          parameters: { ...entry.parameters, metadata_location: moved },
        }));
      });
      const outcome = world.append(table, 'c-2', ours);
      // An older server does not compare: there such a writer is overwritten, as by any Iceberg writer.
      if (compares) await expect(outcome).resolves.toMatchObject({ kind: 'unknown' });
      else await expect(outcome).resolves.toMatchObject({ kind: 'committed' });
      if (compares) expect((await world.entry(table)).parameters?.['metadata_location']).toContain('-other.');
    });

    test('the reply to a lock is lost: the lock is found by its name, and given back', async () => {
      const { world, table } = await started();
      const ours = await world.proxied(table);
      world.proxy.fault(METHODS.lock.name, 'lose the reply');
      expect(await world.append(table, 'c-2', ours)).toMatchObject({ kind: 'committed' });
      expect(await world.locks(table)).toBe(0);
    });

    test('a lock that never arrived: nothing is changed, and the error says that the Metastore does not answer', async () => {
      const { world, table } = await started();
      const ours = await world.proxied(table);
      world.proxy.fault(METHODS.lock.name, 'lose the call');
      await expect(world.append(table, 'c-2', ours)).rejects.toMatchObject({ code: 'UNREACHABLE' });
      expect(await world.locks(table)).toBe(0);
      await expectFiles(world, table, ['c-1']);
    });

    test('the reply to an unlock is lost: it is given back again', async () => {
      const { world, table } = await started();
      const ours = await world.proxied(table);
      world.proxy.fault(METHODS.unlock.name, 'lose the call');
      expect(await world.append(table, 'c-2', ours)).toMatchObject({ kind: 'committed' });
      expect(await world.locks(table)).toBe(0);
    });

    test('faults 8 and 22: a lock that a dead process left is waited for, and named', async () => {
      const { world, table } = await started();
      const lock = await world.lock(table, 'Iceberg-of-the-dead');
      const impatient = await world.table(table, world.catalog({}, { lockTimeoutMs: 300 }));
      await expect(world.append(table, 'c-2', impatient)).rejects.toMatchObject({
        code: 'COMMIT_CONFLICT',
        place: `lake.${world.database}.${table}`,
        found: expect.stringMatching(`lock ${lock} of ghost@elsewhere \\(Iceberg-of-the-dead\\), held since 20`),
        hint: expect.stringContaining('metastore.txn.timeout'),
      });
      expect(await world.locks(table)).toBe(1);
      const patient = await world.table(table, world.catalog({}, { lockTimeoutMs: 5_000 * LOCKS_END_AFTER_S }));
      later(async () => {
        expect(await world.append(table, 'c-2', patient)).toMatchObject({ kind: 'committed' });
        await expectFiles(world, table, ['c-1', 'c-2']);
      });
    });

    test('fault 11: a process whose lock ended while it stood still changes nothing', async () => {
      const { world, table } = await started();
      // It never believes that it still holds its lock; while it looks at the table, the lock is gone.
      const ours = await world.proxied(table, { lockTrustMs: 0 });
      let locked = false;
      world.proxy.before(METHODS.lock.name, async () => {
        world.proxy.before(METHODS.table.name, async () => {
          locked = (await world.locks(table)) === 1;
          await world.unlockAll(table);
        });
      });
      await expect(world.append(table, 'c-2', ours)).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' });
      expect(locked).toBe(true);
      expect(world.proxy.calls.at(-1)).toBe(METHODS.unlock.name);
      expect(await world.locks(table)).toBe(0);
      await expectFiles(world, table, ['c-1']);
    });
  });

  return () =>
    describe(`locks that end: ${name}`, () => {
      test('faults 2, 7, 8 and 22: whoever waited for one commits then, and undoes nothing', async () => {
        expect(waiting.length).toBeGreaterThan(0);
        await Promise.all(waiting);
      });
    });
}

async function metadataFiles(world: HiveWorld, table: string): Promise<readonly string[]> {
  const { storage, folder } = await world.table(table);
  const names: string[] = [];
  for await (const { key } of storage.list(`${folder}/metadata/`)) if (key.endsWith('.metadata.json')) names.push(key);
  return names;
}

async function newest(world: HiveWorld, table: string): Promise<string> {
  const { storage } = await world.table(table);
  return storage.uri((await metadataFiles(world, table)).at(-1) ?? '');
}
