import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { TableState } from '../../../src/model/table.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { Storage } from '../../../src/storage/port.ts';
import { sweepGenerations } from '../../../src/table/parquet/generations.ts';
import { keysBelow, open, staged } from './small.ts';

const HOUR = 3_600_000;
const NOW = Date.now();
const folder = mkdtempSync(join(tmpdir(), 'parquet-sweep-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Commits states one after the other, an hour apart, the newest just now; each is a generation of one file. */
async function states(storage: Storage, ids: readonly string[]) {
  const { table } = open(storage);
  for (const [i, id] of ids.entries()) {
    const commit = {
      ...staged(table, id, i === 0 ? 'create' : 'replace'),
      timestampMs: NOW - (ids.length - 1 - i) * HOUR,
    };
    await storage.put(storage.key(commit.files[0]?.path ?? ''), Buffer.from(id));
    expect((await table.commit(commit, await table.load())).kind).toBe('committed');
  }
  return table;
}

const generations = async (storage: Storage): Promise<string[]> => [
  ...new Set((await keysBelow(storage, 'shop/g-')).map((key) => key.split('/')[1] ?? '')),
];

test('generations that were replaced before a time go, those replaced since stay, and so does the one that counts', async () => {
  const storage = memoryStorage();
  const { location } = await states(storage, ['c1', 'c2', 'c3', 'c4']);
  // c1 was replaced two hours ago, c2 one hour ago, c3 just now.
  const sweep = (olderThanMs: number) => sweepGenerations(storage, location, { olderThanMs });
  expect(await sweep(NOW - 2 * HOUR)).toMatchObject({ generations: 0, files: 0 });
  expect(await sweep(NOW - 1.5 * HOUR)).toMatchObject({ generations: 1, files: 1 });
  expect(await generations(storage)).toEqual(['g-c2', 'g-c3', 'g-c4']);
  expect(await sweep(NOW + 99 * HOUR)).toMatchObject({ generations: 2, files: 2 });
  expect(await generations(storage)).toEqual(['g-c4']);
  expect((await open(storage).table.load())?.rows).toBe(7);
});

test('a generation that outlived commits without changes was replaced when its files were', async () => {
  const storage = memoryStorage();
  const table = await states(storage, ['c1']);
  for (const [id, hours] of [
    ['c2', 3],
    ['c3', 2],
  ] as const) {
    const same = {
      ...staged(table, id),
      operation: 'merge',
      files: [],
      removed: [],
      timestampMs: NOW - hours * HOUR,
    } as const;
    await table.commit(same, await table.load());
  }
  const next = { ...staged(table, 'c4', 'replace'), timestampMs: NOW - HOUR };
  await table.commit(next, await table.load());
  expect(await sweepGenerations(storage, table.location, { olderThanMs: NOW - 1.5 * HOUR })).toMatchObject({
    files: 0,
  });
  expect(await sweepGenerations(storage, table.location, { olderThanMs: NOW - 0.5 * HOUR })).toMatchObject({
    files: 1,
  });
});

test('fault 7: what a killed load left goes once all of it is old; a journal that is written keeps its generation', async () => {
  const root = mkdtempSync(join(folder, 'root-'));
  const storage = localStorage(root);
  const { location } = await states(storage, ['c1']);
  const old = [
    'g-dead/region_part=eu/a.parquet',
    'g-dead/b.parquet',
    '.tailrace/dead/batch-0.json',
    'g-resumed/a.parquet',
  ];
  const others = [
    '.tailrace/resumed/batch-1.json',
    'g-young/a.parquet',
    '.tailrace/c1/batch-0.json',
    'notes/x.txt',
    'g/x',
  ];
  for (const key of [...old, ...others]) await storage.put(`shop/${key}`, Buffer.from('x'));
  const longAgo = new Date(NOW - 48 * HOUR);
  const own = (await keysBelow(storage, 'shop/g-c1/')).map((key) => key.slice('shop/'.length));
  for (const key of [...old, '.tailrace/c1/batch-0.json', ...own])
    await utimes(join(root, 'shop', key), longAgo, longAgo);
  expect(await sweepGenerations(storage, location, { olderThanMs: NOW - 24 * HOUR })).toMatchObject({
    generations: 1,
    files: 4,
  });
  expect(await keysBelow(storage, 'shop/')).toEqual(
    [
      'shop/.tailrace/resumed/batch-1.json',
      'shop/_tailrace.json',
      ...own.map((key) => `shop/${key}`),
      'shop/g-resumed/a.parquet',
      'shop/g-young/a.parquet',
      'shop/g/x',
      'shop/notes/x.txt',
    ].sort(),
  );
  // Empty folders would stay on a disk.
  expect((await readdir(join(root, 'shop'))).sort()).toEqual(
    ['.tailrace', '_tailrace.json', 'g', 'g-c1', 'g-resumed', 'g-young', 'notes'].sort(),
  );
  expect(await readdir(join(root, 'shop/.tailrace'))).toEqual(['resumed']);
});

test('fault 22: a sweep that is killed midway is finished by the next; a load that commits meanwhile keeps its files', async () => {
  const storage = memoryStorage();
  const table = await states(storage, ['c1', 'c2']);
  const base = (await table.load()) as TableState;
  const late = staged(table, 'late', 'replace');
  await storage.put(storage.key(late.files[0]?.path ?? ''), Buffer.from('x'));
  let lists = 0;
  const meanwhile = new Proxy(storage, {
    get(target, name) {
      if (name !== 'list') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
      return async function* (prefix: string) {
        yield* target.list(prefix);
        lists += 1;
        await table.commit(late, base);
      };
    },
  });
  await sweepGenerations(meanwhile, table.location, { olderThanMs: NOW + 99 * HOUR });
  expect(lists).toBe(1);
  expect(await generations(storage)).toEqual(['g-late']);
});

test('without a manifest everything is what killed loads left', async () => {
  const storage = memoryStorage();
  await storage.put('shop/g-x/a.parquet', Buffer.from('x'));
  const location = storage.uri('shop');
  expect(await sweepGenerations(storage, location, { olderThanMs: NOW - HOUR })).toMatchObject({
    generations: 0,
    files: 0,
  });
  expect(await sweepGenerations(storage, location, { olderThanMs: NOW + 9 * HOUR })).toMatchObject({
    generations: 1,
    files: 1,
  });
});

test('of more former generations than a manifest names, those it forgot go by the oldest that it names', async () => {
  const storage = memoryStorage();
  const ids = Array.from({ length: 54 }, (_, i) => `c${i}`);
  const { location } = await states(storage, ids);
  // Carried files keep old times: no time of a file tells when its generation was replaced.
  const aged = new Proxy(storage, {
    get(target, name) {
      if (name !== 'list') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
      return async function* (prefix: string) {
        for await (const info of target.list(prefix)) yield { ...info, modifiedMs: 1 };
      };
    },
  });
  // The manifest names c3 to c52; c3 was committed 50 hours ago, and replaced 49 hours ago.
  expect(await sweepGenerations(aged, location, { olderThanMs: NOW - 50 * HOUR })).toMatchObject({ generations: 0 });
  expect(await sweepGenerations(aged, location, { olderThanMs: NOW - 49.5 * HOUR })).toMatchObject({ generations: 3 });
  expect(await generations(storage)).toHaveLength(51);
});
