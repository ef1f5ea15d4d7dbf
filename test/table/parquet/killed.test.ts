import { describe, expect, test } from 'vitest';
import type { TableState } from '../../../src/model/table.ts';
import type { Storage } from '../../../src/storage/port.ts';
import { openParquetTable, readPath } from '../../../src/table/parquet/table.ts';
import { codeOf, MANIFEST, open, staged, withFault } from './small.ts';

describe('crashes', () => {
  const data = async (storage: Storage, table: ReturnType<typeof open>['table'], id: string) =>
    storage.put(storage.key(staged(table, id).files[0]?.path ?? ''), Buffer.from(id));

  test('fault 17: killed between files and swap, the old generation counts and lies there whole', async () => {
    const { storage, table } = open();
    await data(storage, table, 'c1');
    await table.commit(staged(table, 'c1'), undefined);
    await data(storage, table, 'c2');
    const state = (await table.load()) as TableState;
    expect(state.snapshot).toBe('g-c1');
    const found: string[] = [];
    for await (const { key } of storage.list(`${storage.key(readPath(state))}/`)) found.push(key);
    expect(found).toHaveLength(1);
    expect(Buffer.from(await storage.get(found[0] ?? '')).toString()).toBe('c1');
    expect((await table.commit(staged(table, 'c2', 'replace'), state)).kind).toBe('committed');
  });

  test('fault 8: folders of a killed first load are no table and no obstacle', async () => {
    const { storage, table } = open();
    await data(storage, table, 'c1');
    expect(await table.load()).toBeUndefined();
    expect((await table.commit(staged(table, 'c1'), undefined)).kind).toBe('committed');
  });

  test('fault 17: files that a killed attempt left in the generation leave it with the commit, and nothing else', async () => {
    const { storage, table } = open();
    await data(storage, table, 'c1');
    await table.commit(staged(table, 'c1'), undefined);
    const mine = staged(table, 'c2', 'replace');
    const keep = mine.files.map((file) => storage.key(file.path));
    for (const key of [
      ...keep,
      'shop/g-c2/run1-0-0.parquet',
      'shop/g-c2/n_part=1/run1-0-1.parquet',
      'shop/g-c2/_SUCCESS',
      'shop/g-c3/x.parquet',
    ]) {
      await storage.put(key, Buffer.from('x'));
    }
    const list = async () => {
      const keys: string[] = [];
      for await (const { key } of storage.list('shop/')) if (!key.startsWith('shop/g-c1/')) keys.push(key);
      return keys;
    };
    const before = await list();
    const base = await table.load();
    const late = openParquetTable(
      withFault(storage, {
        list: () => {
          throw new Error('killed');
        },
      }),
      table.location,
    );
    // The commit stands, and says what it could not do.
    expect(await late.commit(mine, base)).toEqual({ kind: 'committed', snapshot: 'g-c2', untidy: 'killed' });
    expect(await late.tidy?.()).toBe('killed');
    expect((await table.load())?.snapshot).toBe('g-c2');
    expect(await list()).toHaveLength(before.length);
    await table.tidy?.();
    expect(await list()).toEqual([MANIFEST, 'shop/g-c2/_SUCCESS', ...keep, 'shop/g-c3/x.parquet'].sort());
    // A twin of the winner that finds the commit made removes its own files, not the winner's.
    await storage.put('shop/g-c2/run2-0-0.parquet', Buffer.from('x'));
    expect((await table.commit(mine, base)).kind).toBe('committed');
    expect(await list()).toEqual([MANIFEST, 'shop/g-c2/_SUCCESS', ...keep, 'shop/g-c3/x.parquet'].sort());
  });

  test('fault 22: killed at any call, before or after its effect, a re-run ends in the same table', async () => {
    const deaths: string[] = [];
    for (let call = 1; call <= 10; call += 1) {
      for (const when of ['before', 'after'] as const) {
        const { storage, table } = open();
        await table.commit(staged(table, 'old'), undefined);
        const base = await table.load();
        await storage.put('shop/g-new/stray.parquet', Buffer.from('x'));
        let calls = 0;
        const dies = (moment: 'before' | 'after') => {
          if (moment === 'before') calls += 1;
          if (calls === call && when === moment) throw new Error('killed');
        };
        const dying = new Proxy(storage, {
          get(target, name) {
            const method: unknown = Reflect.get(target, name);
            if (typeof method !== 'function') return method;
            if (name === 'list') {
              return async function* (prefix: string) {
                dies('before');
                yield* target.list(prefix);
                dies('after');
              };
            }
            if (!['head', 'get', 'putIf', 'delete'].includes(String(name))) return method.bind(target);
            return async (...args: unknown[]) => {
              dies('before');
              const result: unknown = await Reflect.apply(method, target, args);
              dies('after');
              return result;
            };
          },
        });
        const attempt = open(dying).table.commit(staged(table, 'new', 'replace'), base);
        const died = await codeOf(attempt);
        // Behind the swap the commit stands, and only says that it could not tidy.
        const untidy = died === 'undefined' && 'untidy' in (await attempt);
        if (died !== 'undefined' || untidy) deaths.push(`${call} ${when}`);
        expect(['g-old', 'g-new']).toContain((await table.load())?.snapshot);
        expect((await table.commit(staged(table, 'new', 'replace'), base)).kind).toBe('committed');
        expect(await table.dataFiles()).toEqual(staged(table, 'new').files);
        expect(await storage.head('shop/g-new/stray.parquet')).toBeUndefined();
      }
    }
    // head, get, putIf; then head, get, list, delete for what lies astray: each both ways.
    expect(deaths).toHaveLength(14);
  });
});
