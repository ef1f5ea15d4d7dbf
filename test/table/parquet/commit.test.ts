import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { TailraceError } from '../../../src/model/errors.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { PutOutcome } from '../../../src/storage/port.ts';
import { codeOf, MANIFEST, open, partition, schema, staged, withFault } from './small.ts';

const folder = mkdtempSync(join(tmpdir(), 'parquet-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  ['memory', () => memoryStorage()],
  ['local', () => localStorage(mkdtempSync(join(folder, 'root-')))],
])('on %s storage', (_, make) => {
  test('a table is created, read and replaced', async () => {
    const { table } = open(make());
    expect(await table.load()).toBeUndefined();
    expect(await table.dataFiles()).toEqual([]);
    const first = staged(table, 'c1');
    expect(await table.commit(first, undefined)).toEqual({ kind: 'committed', snapshot: 'g-c1' });
    const state = await table.load();
    expect(state).toEqual({
      format: 'parquet',
      location: table.location,
      snapshot: 'g-c1',
      schema,
      partition,
      sort: [],
      ledger: first.ledger,
      rows: 7,
    });
    expect(await table.dataFiles()).toEqual(first.files);
    expect(await table.commit(staged(table, 'c2', 'replace'), state)).toEqual({ kind: 'committed', snapshot: 'g-c2' });
    expect((await table.load())?.ledger?.commitId).toBe('c2');
  });

  test('two writers, one wins: at creation and at a replace', async () => {
    const { table } = open(make());
    for (const round of [1, 2, 3]) {
      const base = await table.load();
      const ids = Array.from({ length: 6 }, (__, index) => `r${round}w${index}`);
      const outcomes = await Promise.all(ids.map((id) => table.commit(staged(table, id), base)));
      expect(outcomes.map((o) => o.kind).sort()).toEqual(['committed', ...Array.from({ length: 5 }, () => 'conflict')]);
      const winner = ids[outcomes.findIndex((o) => o.kind === 'committed')];
      expect((await table.load())?.ledger?.commitId).toBe(winner);
    }
  });
});

describe('outcomes', () => {
  test('fault 9: a repeated commit finds itself, also below newer ones', async () => {
    const { table } = open();
    const first = staged(table, 'c1');
    await table.commit(first, undefined);
    expect(await table.commit(first, undefined)).toEqual({ kind: 'committed', snapshot: 'g-c1' });
    await table.commit(staged(table, 'c2', 'replace'), await table.load());
    expect((await table.commit(first, undefined)).kind).toBe('committed');
    expect((await table.load())?.snapshot).toBe('g-c2');
  });

  test('fault 3: an own put that comes back as “exists” is committed', async () => {
    const { storage } = open();
    const put = async (key: string, body: Uint8Array): Promise<PutOutcome> => {
      await storage.put(key, body);
      return { kind: 'exists' };
    };
    const { table } = open(withFault(storage, { putIf: put }));
    expect(await table.commit(staged(table, 'c1'), undefined)).toEqual({ kind: 'committed', snapshot: 'g-c1' });
  });

  test.each([
    ['as a value', false],
    ['as an error', true],
  ])('fault 1: a lost reply (%s) is settled by reading', async (_, thrown) => {
    const { storage } = open();
    const lost = (applied: boolean) =>
      withFault(storage, {
        async putIf(key, body, condition) {
          if (applied) await storage.putIf(key, body, condition);
          if (thrown) throw new TailraceError('UNREACHABLE', 'No reply.');
          return { kind: 'unknown', cause: 'no reply' };
        },
      });
    const never = open(lost(false)).table;
    expect((await never.commit(staged(never, 'c1'), undefined)).kind).toBe('unknown');
    const applied = open(lost(true)).table;
    expect((await applied.commit(staged(applied, 'c1'), undefined)).kind).toBe('committed');
  });

  test('a lost put that another writer overtook can no longer land', async () => {
    const { storage, table } = open();
    await table.commit(staged(table, 'c1'), undefined);
    const base = await table.load();
    let late: (() => Promise<PutOutcome>) | undefined;
    const slow = open(
      withFault(storage, {
        async putIf(key, body, condition) {
          late = () => storage.putIf(key, body, condition);
          await table.commit(staged(table, 'other', 'replace'), base);
          return { kind: 'unknown', cause: 'no reply' };
        },
      }),
    ).table;
    expect((await slow.commit(staged(slow, 'mine', 'replace'), base)).kind).toBe('conflict');
    expect((await late?.())?.kind).toBe('exists');
  });

  test('a manifest that cannot be read back leaves the outcome unknown', async () => {
    const { storage } = open();
    let puts = 0;
    const blind = open(
      withFault(storage, {
        async putIf() {
          puts += 1;
          return { kind: 'unknown', cause: 'reset' };
        },
        async head(key) {
          if (puts > 0) throw new TailraceError('UNREACHABLE', 'gone');
          return storage.head(key);
        },
      }),
    ).table;
    expect(await blind.commit(staged(blind, 'c1'), undefined)).toMatchObject({ kind: 'unknown', cause: 'reset' });
    expect(puts).toBe(1);
  });

  test('fault 19: a table that was removed or recreated since is a conflict', async () => {
    const { storage, table } = open();
    await table.commit(staged(table, 'c1'), undefined);
    const base = await table.load();
    await storage.delete(MANIFEST);
    expect((await table.commit(staged(table, 'c2', 'replace'), base)).kind).toBe('conflict');
    await table.commit(staged(table, 'c3'), undefined);
    expect((await table.commit(staged(table, 'c2', 'replace'), base)).kind).toBe('conflict');
  });

  test('a refusal of the store goes through as it is', async () => {
    const { table } = open(
      withFault(memoryStorage(), { putIf: () => Promise.reject(new TailraceError('ACCESS_DENIED', 'no')) }),
    );
    expect(await codeOf(table.commit(staged(table, 'c1'), undefined))).toBe('ACCESS_DENIED');
  });
});

describe('refusals', () => {
  test('a folder that holds something else is no table', async () => {
    const { storage, table } = open();
    await storage.put('shop/.DS_Store', Buffer.from('x'));
    expect(await table.load()).toBeUndefined();
    await storage.put('shop/metadata/v1.metadata.json', Buffer.from('{}'));
    expect(await codeOf(table.load())).toBe('TARGET_BAD');
  });

  test('fault 12: a commit that names a file twice, or a file of another commit, is refused', async () => {
    const { table } = open();
    const commit = staged(table, 'c1');
    expect(await codeOf(table.commit({ ...commit, files: [...commit.files, ...commit.files] }, undefined))).toBe(
      'INTERNAL',
    );
    expect(await codeOf(table.commit({ ...commit, files: staged(table, 'c2').files }, undefined))).toBe('INTERNAL');
    expect(() => table.dataFilePath('../x', [], [], 'f.parquet')).toThrow(TailraceError);
  });

  test('a manifest that is swapped while it is read is read again', async () => {
    const { storage, table } = open();
    await table.commit(staged(table, 'c1'), undefined);
    let swaps = 0;
    const moving = withFault(storage, {
      async head(key) {
        const info = await storage.head(key);
        if (swaps < 2) {
          swaps += 1;
          await table.commit(staged(table, `s${swaps}`, 'replace'), await table.load());
        }
        return info;
      },
    });
    expect((await open(moving).table.load())?.snapshot).toBe('g-s2');
  });
});
