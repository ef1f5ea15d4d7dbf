import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { newestVersion } from '../../../src/catalog/files/version.ts';
import type { TableMetadata } from '../../../src/catalog/metadata/wire.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { PutOutcome, Storage } from '../../../src/storage/port.ts';
import { snapshotIdOf } from '../../../src/table/iceberg/metadata.ts';
import { openIcebergTable } from '../../../src/table/iceberg/open.ts';
import { contents, dying, faulty } from './faulty.ts';
import {
  dataFiles,
  dataPath,
  deletesIn,
  entriesOf,
  foreign,
  loaded,
  manifestLines,
  merge,
  newestMetadata,
  newestSnapshot,
  tableWith,
} from './merging.ts';
import { fileOf, stagedOf } from './sample.ts';

const upkeepOf = (storage: Storage) => openIcebergTable(storage, 't').upkeep ?? expect.fail('no upkeep');
const NOW = 1_704_448_800_000;
const HOUR = 3_600_000;

/** Commits c-1 … c-n, an hour apart; each from the second on adds a file, removes the one before and deletes a row. */
async function chain(storage: Storage, commits: number): Promise<void> {
  await tableWith(storage, ['base', 'f1'], { timestampMs: NOW });
  for (const name of ['base', 'f1']) await storage.put(`t/data/${name}.parquet`, Buffer.from(name));
  for (let n = 2; n <= commits; n += 1) {
    const former = (await dataFiles(storage)).find((file) => file.path.endsWith('/base.parquet'))?.deletes ?? [];
    for (const name of [`f${n}`, `d${n}-deletes`]) await storage.put(`t/data/${name}.parquet`, Buffer.from(name));
    await merge(storage, `c-${n}`, {
      files: [fileOf(dataPath(storage, `f${n}`), { rows: n })],
      removed: [dataPath(storage, `f${n - 1}`)],
      removedDeletes: former.map(({ path }) => path),
      deletes: [deletesIn(storage, 'base', `d${n}`, n - 1)],
      timestampMs: NOW + (n - 1) * HOUR,
    });
  }
}

const keysOf = async (storage: Storage, prefix: string): Promise<string[]> =>
  [...(await contents(storage, prefix)).keys()].map((key) => key.slice(prefix.length));

describe('joining manifests', () => {
  test('fault 21: keeps files, rows and numbers, in fewer manifests', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a', 'b']);
    for (let n = 2; n < 12; n += 1) {
      await merge(storage, `c-${n}`, {
        files: [fileOf(dataPath(storage, `f${n}`))],
        ...(n % 2 === 0 ? { deletes: [deletesIn(storage, `f${n}`, `d${n}`, 1)] } : {}),
      });
    }
    const before = await manifestLines(storage);
    const entries = async () =>
      (await Promise.all((await manifestLines(storage)).map((line) => entriesOf(storage, line))))
        .flat()
        .map(({ file, snapshotId, sequenceNumber, fileSequenceNumber }) => [
          file.file_path,
          snapshotId,
          sequenceNumber,
          fileSequenceNumber,
        ])
        .sort();
    const [files, rows, all] = [await dataFiles(storage), (await loaded(storage)).rows, await entries()];
    expect(before.length).toBe(16);
    const { joinManifests } = upkeepOf(storage);
    expect(await joinManifests({ commitId: 'm-0', timestampMs: NOW, minCount: 12 })).toBeUndefined();
    expect(await joinManifests({ commitId: 'm-1', timestampMs: NOW, minCount: 5 })).toMatchObject({
      kind: 'committed',
    });
    expect((await manifestLines(storage)).map((line) => [line.content, line.existing_files_count])).toEqual([
      [0, 12],
      [1, 5],
    ]);
    expect(new Set(await dataFiles(storage))).toEqual(new Set(files));
    expect([(await loaded(storage)).rows, await entries()]).toEqual([rows, all]);
    expect((await newestSnapshot(storage)).summary).toMatchObject({ operation: 'replace', 'total-data-files': '12' });
    expect((await loaded(storage)).ledger?.commitId).toBe('c-11');
  });

  test('stays below the size that is aimed at, and joins within a merge, too', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a']);
    for (let n = 2; n < 10; n += 1) await merge(storage, `c-${n}`, { files: [fileOf(dataPath(storage, `f${n}`))] });
    const size = Math.max(...(await manifestLines(storage)).map((line) => Number(line.manifest_length)));
    const joinManifests = { minCount: 2, targetBytes: Math.ceil(size * 3.5) };
    await merge(storage, 'c-10', { files: [fileOf(dataPath(storage, 'f10'))], joinManifests });
    expect((await manifestLines(storage)).map((line) => line.existing_files_count).sort()).toEqual([0, 3, 3, 3]);
    expect((await dataFiles(storage)).length).toBe(10);
  });
});

describe('expiring snapshots', () => {
  test('forgets the old ones and deletes exactly the files that only they reach', async () => {
    const storage = memoryStorage();
    await chain(storage, 6);
    const [files, state] = [await dataFiles(storage), await loaded(storage)];
    const expired = await upkeepOf(storage).expireSnapshots({
      olderThanMs: NOW + 3.5 * HOUR,
      minKeep: 1,
      timestampMs: NOW + 6 * HOUR,
    });
    expect(expired).toMatchObject({ outcome: 'expired', snapshots: 4 });
    expect(await keysOf(storage, 't/data/')).toEqual([
      'base.parquet',
      'd5-deletes.parquet',
      'd6-deletes.parquet',
      'f5.parquet',
      'f6.parquet',
    ]);
    const metadata = await newestMetadata(storage);
    expect(metadata.snapshots?.map((each) => each['snapshot-id'])).toEqual(['c-5', 'c-6'].map(snapshotIdOf));
    expect(metadata['snapshot-log']?.map((each) => each['snapshot-id'])).toEqual(['c-5', 'c-6'].map(snapshotIdOf));
    expect([await dataFiles(storage), await loaded(storage)]).toEqual([files, state]);
    // Every snapshot that is left can still be read.
    await foreign(storage, (each) => ({ ...each, 'current-snapshot-id': snapshotIdOf('c-5'), properties: {} }));
    expect((await dataFiles(storage)).map((file) => file.path.split('/').at(-1))).toEqual([
      'f5.parquet',
      'base.parquet',
    ]);
    // A second time nothing is left to do.
    const again = await upkeepOf(storage).expireSnapshots({ olderThanMs: NOW, minKeep: 1, timestampMs: NOW });
    expect(again).toMatchObject({ outcome: 'nothing' });
  });

  test('keeps so many, and what tags and branches name', async () => {
    const storage = memoryStorage();
    await chain(storage, 6);
    await foreign(storage, (metadata) => ({
      ...metadata,
      refs: { ...metadata.refs, audit: { 'snapshot-id': snapshotIdOf('c-2'), type: 'tag' } },
    }));
    const options = { olderThanMs: NOW + 99 * HOUR, minKeep: 2, timestampMs: NOW };
    expect(await upkeepOf(storage).expireSnapshots(options)).toMatchObject({ snapshots: 3 });
    expect((await newestMetadata(storage)).snapshots?.map((each) => each['snapshot-id'])).toEqual(
      ['c-2', 'c-5', 'c-6'].map(snapshotIdOf),
    );
    expect(await keysOf(storage, 't/data/')).toContain('f2.parquet');
    await foreign(storage, (metadata) => ({
      ...metadata,
      properties: { ...metadata.properties, 'gc.enabled': 'false' },
    }));
    await expect(upkeepOf(storage).expireSnapshots({ ...options, minKeep: 1 })).rejects.toMatchObject({
      code: 'TARGET_BAD',
    });
  });

  describe('a reference with a retention of its own', () => {
    const ids = async (storage: Storage): Promise<bigint[]> =>
      ((await newestMetadata(storage)).snapshots ?? []).map((each) => each['snapshot-id']);
    const snapshots = (...names: readonly string[]): bigint[] => names.map(snapshotIdOf);
    /** Commits c-1 … c-6, an hour apart, the last one at NOW + 5 hours; then these references and properties. */
    async function withRefs(refs: TableMetadata['refs'], properties: Record<string, string> = {}): Promise<Storage> {
      const storage = memoryStorage();
      await chain(storage, 6);
      await foreign(storage, (metadata) => ({
        ...metadata,
        refs: { ...metadata.refs, ...refs },
        properties: { ...metadata.properties, ...properties },
      }));
      return storage;
    }
    const [main, early] = [
      { 'snapshot-id': snapshotIdOf('c-6'), type: 'branch' },
      { 'snapshot-id': snapshotIdOf('c-4'), type: 'branch' },
    ] as const;
    /** All that is older than 30 minutes, at NOW + 6 hours, but for the newest. */
    const asked = { olderThanMs: NOW + 5.5 * HOUR, minKeep: 1, timestampMs: NOW + 6 * HOUR };

    test.each<[string, TableMetadata['refs'], Record<string, string>, string[]]>([
      ['none: the heads stay', { early }, {}, ['c-4', 'c-6']],
      ['a number', { early: { ...early, 'min-snapshots-to-keep': 2 } }, {}, ['c-3', 'c-4', 'c-6']],
      [
        'a number as property',
        { early },
        { 'history.expire.min-snapshots-to-keep': '2' },
        ['c-3', 'c-4', 'c-5', 'c-6'],
      ],
      ['an age', { early: { ...early, 'max-snapshot-age-ms': 4 * HOUR } }, {}, ['c-3', 'c-4', 'c-6']],
      ['main, a number', { main: { ...main, 'min-snapshots-to-keep': 3 } }, {}, ['c-4', 'c-5', 'c-6']],
      ['main, an age', { main: { ...main, 'max-snapshot-age-ms': 2 * HOUR } }, {}, ['c-5', 'c-6']],
      ['less than asked for', { main: { ...main, 'max-snapshot-age-ms': 1 } }, {}, ['c-6']],
    ])('%s', async (_name, refs, properties, left) => {
      const storage = await withRefs(refs, properties);
      const before = (await newestMetadata(storage)).refs;
      expect(await upkeepOf(storage).expireSnapshots(asked)).toMatchObject({ outcome: 'expired', refs: [] });
      expect(await ids(storage)).toEqual(snapshots(...left));
      expect((await newestMetadata(storage)).refs).toEqual(before);
    });

    test('nothing younger than asked for goes, whatever a branch says', async () => {
      const storage = await withRefs({ main: { ...main, 'max-snapshot-age-ms': 1, 'min-snapshots-to-keep': 1 } });
      await upkeepOf(storage).expireSnapshots({ ...asked, olderThanMs: NOW + 2.5 * HOUR });
      expect(await ids(storage)).toEqual(snapshots('c-4', 'c-5', 'c-6'));
    });

    test('a branch and a tag go when they have outlived their own age, and main never', async () => {
      const tag = { 'snapshot-id': snapshotIdOf('c-2'), type: 'tag' } as const;
      const [old, young] = [{ 'max-ref-age-ms': 2 * HOUR }, { 'max-ref-age-ms': 6 * HOUR }];
      const refs = {
        main: { ...main, ...old },
        early: { ...early, ...old },
        gone: { ...tag, ...old },
        audit: { ...tag, ...young },
      };
      const storage = await withRefs(refs);
      const planned = await upkeepOf(storage).expireSnapshots({ ...asked, dryRun: true });
      expect(planned).toMatchObject({ outcome: 'expired', snapshots: 4, refs: ['early', 'gone'] });
      expect(await ids(storage)).toHaveLength(6);
      expect(await upkeepOf(storage).expireSnapshots(asked)).toMatchObject({ ...planned });
      const metadata = await newestMetadata(storage);
      expect(Object.keys(metadata.refs ?? {}).sort()).toEqual(['audit', 'main']);
      expect(await ids(storage)).toEqual(snapshots('c-2', 'c-6'));
      expect(await keysOf(storage, 't/data/')).toContain('f2.parquet');
      expect(await keysOf(storage, 't/data/')).not.toContain('f4.parquet');
      expect(await upkeepOf(storage).expireSnapshots(asked)).toMatchObject({ outcome: 'nothing' });
    });

    test('the age that a property gives goes for those that say none, even where no snapshot goes with them', async () => {
      const storage = await withRefs(
        { early, kept: { ...early, 'max-ref-age-ms': 99 * HOUR } },
        { 'history.expire.max-ref-age-ms': `${HOUR}` },
      );
      const none = { ...asked, olderThanMs: NOW };
      expect(await upkeepOf(storage).expireSnapshots(none)).toMatchObject({
        outcome: 'expired',
        snapshots: 0,
        refs: ['early'],
      });
      expect(Object.keys((await newestMetadata(storage)).refs ?? {}).sort()).toEqual(['kept', 'main']);
      expect(await ids(storage)).toHaveLength(6);
    });
  });

  test('faults 7, 14: a lost reply or another commit deletes nothing', async () => {
    for (const kind of ['unknown', 'exists'] as const) {
      const storage = memoryStorage();
      await chain(storage, 4);
      const before = await keysOf(storage, 't/data/');
      const lost = faulty(storage, {
        putIf: async (key, body): Promise<PutOutcome> => {
          if (kind === 'exists') await storage.put(key, await storage.get('t/metadata/v4.metadata.json'));
          return kind === 'exists' ? { kind } : { kind, cause: new Error(String(body.length)) };
        },
      });
      const options = { olderThanMs: NOW + 99 * HOUR, minKeep: 1, timestampMs: NOW };
      expect(await upkeepOf(lost).expireSnapshots(options)).toMatchObject({
        outcome: kind === 'exists' ? 'conflict' : 'unknown',
        files: 0,
      });
      expect(await keysOf(storage, 't/data/')).toEqual(before);
    }
  });

  test('faults 8, 22: killed at any call, the newest state is whole, and a sweep removes the rest', async () => {
    const options = { olderThanMs: NOW + 99 * HOUR, minKeep: 1, timestampMs: NOW };
    const prepared = async (): Promise<Storage> => {
      const storage = memoryStorage('same');
      await chain(storage, 4);
      return storage;
    };
    const whole = await prepared();
    const counting = faulty(whole, {});
    await upkeepOf(counting).expireSnapshots(options);
    const calls = counting.calls.filter((call) => !/^(uri|key|list) /.test(call)).length;
    const left = await keysOf(whole, 't/data/');
    for (let n = 0; n < calls; n += 1) {
      const storage = await prepared();
      await upkeepOf(dying(storage, n, n % 2 === 0))
        .expireSnapshots(options)
        .catch(() => undefined);
      for (const file of await dataFiles(storage))
        for (const { path } of [file, ...(file.deletes ?? [])])
          expect(await storage.head(storage.key(path))).toBeDefined();
      await upkeepOf(storage).expireSnapshots(options);
      await upkeepOf(storage).sweepOrphans({ olderThanMs: Date.now() + HOUR });
      expect([n, await keysOf(storage, 't/data/')]).toEqual([n, left]);
    }
  });
});

describe('sweeping orphans', () => {
  test('takes what is old and named by nothing, and leaves loads that go on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tailrace-sweep-'));
    try {
      const storage = localStorage(folder);
      await chain(storage, 3);
      const before = await keysOf(storage, 't/');
      const orphans = [
        'data/x/c-8-0.parquet',
        'metadata/c-8-v4-m0.avro',
        'data/.c-8-0.parquet.crc',
        '.tailrace/c-8/b.json',
      ];
      const young = ['data/c-7-1.parquet', 'data/c-9-0.parquet', '.tailrace/c-9/schema.json'];
      for (const key of [...orphans, ...young]) await storage.put(`t/${key}`, Buffer.from('x'));
      const old = new Date(Date.now() - 48 * HOUR);
      for (const key of [...before, ...orphans, 'data/c-9-0.parquet']) await utimes(join(folder, 't', key), old, old);
      const olderThanMs = Date.now() - 24 * HOUR;
      expect(await upkeepOf(storage).sweepOrphans({ olderThanMs, dryRun: true })).toMatchObject({ files: 4 });
      expect(await upkeepOf(storage).sweepOrphans({ olderThanMs })).toMatchObject({ files: 4 });
      expect((await keysOf(storage, 't/')).sort()).toEqual([...before, ...young].sort());
      expect((await readdir(join(folder, 't/metadata'))).length).toBeGreaterThan(3);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('without a table touches nothing', async () => {
    const storage = memoryStorage();
    await storage.put('t/data/c-1-0.parquet', Buffer.from('x'));
    expect(await upkeepOf(storage).sweepOrphans({ olderThanMs: Date.now() + HOUR })).toMatchObject({ files: 0 });
    expect(await storage.head('t/data/c-1-0.parquet')).toBeDefined();
  });
});

describe('retiring metadata', () => {
  test('fault 21: leaves the newest versions, those that the log names, and those from the hint on', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a'], { timestampMs: NOW });
    await foreign(storage, (metadata) => ({
      ...metadata,
      properties: { ...metadata.properties, 'write.metadata.previous-versions-max': '3' },
    }));
    for (let n = 2; n < 10; n += 1) await merge(storage, `c-${n}`, { timestampMs: NOW + n * HOUR });
    const { retireMetadata } = upkeepOf(storage);
    expect((await newestMetadata(storage))['metadata-log']?.length).toBe(3);
    expect(await retireMetadata({ keep: 3, olderThanMs: NOW })).toMatchObject({ files: 0 });
    await storage.put('t/metadata/version-hint.text', Buffer.from('5'));
    expect(await retireMetadata({ keep: 3, olderThanMs: NOW + 99 * HOUR })).toMatchObject({ files: 4 });
    await storage.put('t/metadata/version-hint.text', Buffer.from('10'));
    expect(await retireMetadata({ keep: 2, olderThanMs: NOW + 99 * HOUR })).toMatchObject({ files: 2 });
    const left = (await keysOf(storage, 't/metadata/')).filter((key) => key.endsWith('.json'));
    expect(left.sort()).toEqual([7, 8, 9, 10].map((n) => `v${n}.metadata.json`).sort());
    expect((await loaded(storage)).ledger?.commitId).toBe('c-9');
  });

  test('fault 11: a writer that slept until its version was retired conflicts, and readers never see it', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a']);
    const base = await loaded(storage);
    const files = [fileOf(dataPath(storage, 'late'))];
    const slept = faulty(storage, {
      putIf: async (key, body, condition): Promise<PutOutcome> => {
        for (let n = 3; n < 8; n += 1) await merge(storage, `c-${n}`, {});
        for (let n = 1; n < 5; n += 1) await storage.delete(`t/metadata/v${n}.metadata.json`);
        return storage.putIf(key, body, condition);
      },
    });
    const staged = stagedOf('c-2', { operation: 'merge', files });
    expect(await openIcebergTable(slept, 't').commit(staged, base)).toMatchObject({ kind: 'conflict' });
    expect(await storage.head('t/metadata/v2.metadata.json')).toBeUndefined();
    expect((await newestVersion(storage, 't'))?.version).toBe(6);
    expect((await loaded(storage)).ledger?.commitId).toBe('c-7');
  });
});
