import { mkdtempSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { DataFile, StagedCommit, TableHandle, TableState } from '../../../src/model/table.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { Storage } from '../../../src/storage/port.ts';
import { openParquetTable } from '../../../src/table/parquet/table.ts';
import { enumerateKills } from '../../crash/enumerate.ts';
import { Laboratory } from '../../crash/faulty-storage.ts';
import { codeOf, keysBelow, open, partition, staged, withFault } from './small.ts';

const folder = mkdtempSync(join(tmpdir(), 'parquet-carry-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Puts a data file for a commit, and describes it. */
async function written(
  storage: Storage,
  table: TableHandle,
  commitId: string,
  name: string,
  n = 1n,
): Promise<DataFile> {
  const [like] = staged(table, commitId).files;
  if (like === undefined) throw new Error('no file');
  const path = table.dataFilePath(commitId, partition, [n, 3], name);
  const body = Buffer.from(`${commitId} ${name}`);
  await storage.put(storage.key(path), body);
  return { ...like, path, sizeBytes: body.length, partition: [n, 3] };
}

/** A table of three files, and a merge that is to replace the first of them. */
async function threeFiles(storage: Storage) {
  const { table } = open(storage);
  const files = [
    await written(storage, table, 'c1', 'a.parquet'),
    await written(storage, table, 'c1', 'b.parquet'),
    await written(storage, table, 'c1', 'c.parquet', 2n),
  ];
  await table.commit({ ...staged(table, 'c1'), files }, undefined);
  return { table, files, base: (await table.load()) as TableState };
}

async function merging(storage: Storage, table: TableHandle, removed: readonly string[]): Promise<StagedCommit> {
  const files = [await written(storage, table, 'c2', 'm.parquet')];
  return { ...staged(table, 'c2'), operation: 'merge', files, removed };
}

const textOf = async (storage: Storage, path: string): Promise<string> =>
  Buffer.from(await storage.get(storage.key(path))).toString();

describe.each([
  ['memory', () => memoryStorage()],
  ['local', () => localStorage(mkdtempSync(join(folder, 'root-')))],
])('on %s storage', (_, make) => {
  test('a merge makes a generation of what stays and what is new; nothing that stays is read', async () => {
    const storage = make();
    const { table, files, base } = await threeFiles(storage);
    const lab = new Laboratory();
    const seen = openParquetTable(lab.wrap(storage), table.location);
    const merge = await merging(storage, table, [files[0]?.path ?? '']);
    expect(await seen.commit(merge, base)).toEqual({ kind: 'committed', snapshot: 'g-c2' });
    const after = await table.dataFiles();
    expect(await Promise.all(after.map(({ path }) => textOf(storage, path)))).toEqual([
      'c1 b.parquet',
      'c1 c.parquet',
      'c2 m.parquet',
    ]);
    const inGeneration = (file: DataFile | undefined) => ({ ...file, path: file?.path.replace('/g-c1/', '/g-c2/') });
    expect(after).toEqual([inGeneration(files[1]), inGeneration(files[2]), ...merge.files]);
    expect(await table.load()).toMatchObject({ snapshot: 'g-c2', rows: 21, ledger: merge.ledger });
    // Who reads the former generation still finds all of it.
    for (const { path } of files) expect(await storage.head(storage.key(path))).toBeDefined();
    const touched = lab.calls.filter(({ uri }) => uri.endsWith('.parquet'));
    expect(touched.map(({ operation }) => operation)).toEqual(['copy', 'copy']);
    if (storage.kind !== 'local') return;
    const ino = async (path = '') => (await stat(path)).ino;
    expect(await ino(after[0]?.path)).toBe(await ino(files[1]?.path));
  });

  test('where no file comes or goes, the generation stays and the ledger moves', async () => {
    const storage = make();
    const { table, files, base } = await threeFiles(storage);
    // New rows that all turned out to be stale lie in the commit's own folder.
    await written(storage, table, 'c2', 'stale.parquet');
    const empty = { ...staged(table, 'c2'), operation: 'merge', files: [], removed: [] } as const;
    expect(await table.commit(empty, base)).toEqual({ kind: 'committed', snapshot: 'g-c1' });
    expect(await table.load()).toEqual({ ...base, ledger: empty.ledger });
    expect(await table.dataFiles()).toEqual(files);
    expect(await keysBelow(storage, 'shop/')).toEqual(
      ['shop/_tailrace.json', ...files.map(({ path }) => storage.key(path))].sort(),
    );
    // Found again, and by its own id, when the reply was lost and others came after.
    expect(await table.commit(empty, base)).toEqual({ kind: 'committed', snapshot: 'g-c1' });
    await table.commit(staged(table, 'c3', 'replace'), await table.load());
    expect(await table.commit(empty, base)).toEqual({ kind: 'committed', snapshot: 'g-c1' });
  });
});

describe('conflicts', () => {
  test('fault 14: a base whose ledger moved is another base, even where its generation stayed', async () => {
    const { storage } = open();
    const { table, base } = await threeFiles(storage);
    await table.commit({ ...staged(table, 'other'), operation: 'merge', files: [], removed: [] }, base);
    const late = await merging(storage, table, []);
    expect(await table.commit(late, base)).toMatchObject({ kind: 'conflict' });
    expect((await table.load())?.ledger?.commitId).toBe('other');
    expect(await table.commit(late, await table.load())).toMatchObject({ kind: 'committed' });
  });

  test('fault 14: another writer that commits while files are carried is a conflict', async () => {
    const { storage } = open();
    const { table, base } = await threeFiles(storage);
    const merge = await merging(storage, table, []);
    const slow = withFault(storage, {
      async copy(from, to) {
        if ((await table.load())?.snapshot === 'g-c1') await table.commit(staged(table, 'other', 'replace'), base);
        return storage.copy(from, to);
      },
    });
    expect(await open(slow).table.commit(merge, base)).toMatchObject({ kind: 'conflict' });
    expect((await table.load())?.snapshot).toBe('g-other');
  });

  test('a base that was replaced and swept away meanwhile is a conflict; a file that is gone by itself is not', async () => {
    const { storage } = open();
    const { table, base, files } = await threeFiles(storage);
    const merge = await merging(storage, table, []);
    await storage.delete(storage.key(files[1]?.path ?? ''));
    expect(await codeOf(table.commit(merge, base))).toBe('TARGET_BAD');
    const replaced = withFault(storage, {
      async copy(from, to) {
        if ((await table.load())?.snapshot === 'g-c1') await table.commit(staged(table, 'other', 'replace'), base);
        return storage.copy(from, to);
      },
    });
    expect(await open(replaced).table.commit(merge, base)).toMatchObject({ kind: 'conflict' });
  });
});

describe('refusals', () => {
  test('files that the table does not hold, position deletes, and files that are not there', async () => {
    const { storage } = open();
    const { table, base, files } = await threeFiles(storage);
    const merge = await merging(storage, table, []);
    const elsewhere = files.map(({ path }) => path.replace('g-c1', 'g-c0'));
    expect(await codeOf(table.commit({ ...merge, removed: elsewhere }, base))).toBe('INTERNAL');
    const deletes = [{ path: 'd', rows: 1, sizeBytes: 1, dataFile: files[0]?.path ?? '' }];
    expect(await codeOf(table.commit({ ...merge, deletes }, base))).toBe('INTERNAL');
    await storage.delete(storage.key(merge.files[0]?.path ?? ''));
    expect(await codeOf(table.commit(merge, base))).toBe('TARGET_BAD');
    expect(await table.load()).toEqual(base);
  });

  test('a run that is interrupted while files are carried leaves the table as it was', async () => {
    const { storage } = open();
    const { table, base } = await threeFiles(storage);
    const merge = await merging(storage, table, []);
    const abort = new AbortController();
    const interrupting = withFault(storage, {
      copy(from, to, options) {
        abort.abort();
        return storage.copy(from, to, options);
      },
    });
    const attempt = open(interrupting).table.commit(merge, base, { signal: abort.signal });
    expect(await codeOf(attempt)).toBe('INTERRUPTED');
    expect(await table.load()).toEqual(base);
  });

  test('a file of the same name from an earlier commit gives way', async () => {
    const { storage } = open();
    const { table, base } = await threeFiles(storage);
    const twin = await written(storage, table, 'c2', 'b.parquet');
    await table.commit({ ...staged(table, 'c2'), operation: 'merge', files: [twin], removed: [] }, base);
    const files = await table.dataFiles();
    expect(new Set(files.map(({ path }) => path)).size).toBe(4);
    expect((await Promise.all(files.map(({ path }) => textOf(storage, path)))).sort()).toEqual([
      'c1 a.parquet',
      'c1 b.parquet',
      'c1 c.parquet',
      'c2 b.parquet',
    ]);
  });
});

test('faults 17 and 22: killed at any call of a merge, a re-run completes the generation, and copies nothing twice', async () => {
  let copies = 0;
  const counted = (storage: Storage): Storage =>
    withFault(storage, {
      copy(from, to, options) {
        copies += 1;
        return storage.copy(from, to, options);
      },
    });
  const { calls, kills } = await enumerateKills<{ storage: Storage; base: TableState; removed: string }>({
    fresh: async () => {
      const storage = memoryStorage();
      const { base, files } = await threeFiles(storage);
      copies = 0;
      return { storage, base, removed: files[0]?.path ?? '' };
    },
    run: async (wrap, { storage, base, removed }) => {
      const { table } = open(wrap(counted(storage)));
      const merge = await merging(storage, table, [removed]);
      const outcome = await table.commit(merge, base);
      expect(outcome.kind).toBe('committed');
    },
    checkWreck: async ({ storage, base }) => {
      const { table } = open(storage);
      const state = await table.load();
      expect(['g-c1', 'g-c2']).toContain(state?.snapshot);
      const files = await table.dataFiles();
      for (const { path } of files) expect(await storage.head(storage.key(path))).toBeDefined();
      // Files of an attempt with another run's names.
      if (state?.snapshot === base.snapshot) await storage.put('shop/g-c2/stray.parquet', Buffer.from('x'));
    },
    check: async ({ storage }) => {
      const { table } = open(storage);
      const files = await table.dataFiles();
      expect(files).toHaveLength(3);
      expect(await keysBelow(storage, 'shop/g-c2/')).toEqual(files.map(({ path }) => storage.key(path)).sort());
      expect(copies).toBe(2);
    },
  });
  // head, get, list, copy, copy, putIf; then head, get and list for what lies astray.
  expect({ calls, kills }).toEqual({ calls: 9, kills: 18 });
});
