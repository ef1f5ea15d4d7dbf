import { describe, expect, test } from 'vitest';
import type { Pointer, PointerStore, SwapOutcome } from '../../src/catalog/pointer.ts';
import { pointerTable } from '../../src/catalog/pointer.ts';
import { memoryStorage } from '../../src/storage/memory/memory.ts';
import type { Storage } from '../../src/storage/port.ts';
import { icebergTable } from '../../src/table/iceberg/open.ts';
import { stagedOf } from '../table/iceberg/sample.ts';

/** A pointer that compares tokens, and whose swaps can be tampered with. */
class Tampered implements PointerStore {
  now: Pointer | undefined;
  tamper: (swap: () => SwapOutcome) => SwapOutcome | Promise<SwapOutcome> = (swap) => swap();

  async read(): Promise<Pointer | undefined> {
    return this.now;
  }

  async swap(from: Parameters<PointerStore['swap']>[0], to: { readonly metadataLocation: string }) {
    return this.tamper(() => {
      if (this.now?.token !== from?.token) return { kind: 'lost', reason: 'Another writer was first.' };
      this.now = { metadataLocation: to.metadataLocation, token: String(Number(from?.token ?? 0) + 1) };
      return { kind: 'swapped' };
    });
  }
}

const LOST: SwapOutcome = { kind: 'unknown', reason: 'The reply was lost.' };

async function started(): Promise<{ pointer: Tampered; storage: Storage; commit: (id: string) => Promise<unknown> }> {
  const storage = memoryStorage();
  const pointer = new Tampered();
  const handle = icebergTable(pointerTable({ name: 't', storage, folder: 't', pointer }));
  await handle.commit(stagedOf('c-1'), undefined);
  const commit = async (id: string) => handle.commit(stagedOf(id, { operation: 'merge' }), await handle.load());
  return { pointer, storage, commit };
}

async function metadataFiles(storage: Storage): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { key } of storage.list('t/metadata/')) if (key.endsWith('.json')) names.push(key);
  return names;
}

describe('a pointer that is swapped', () => {
  test('fault 1: a swap whose reply is lost is found by reading', async () => {
    const { pointer, commit } = await started();
    pointer.tamper = (swap) => {
      swap();
      return LOST;
    };
    expect(await commit('c-2')).toMatchObject({ kind: 'committed' });
  });

  test('fault 1: it is found although another commit came after it', async () => {
    const { pointer, commit } = await started();
    pointer.tamper = async (swap) => {
      swap();
      pointer.tamper = (next) => next();
      expect(await commit('c-3')).toMatchObject({ kind: 'committed' });
      return LOST;
    };
    expect(await commit('c-2')).toMatchObject({ kind: 'committed' });
  });

  test('fault 3: a retry that met its own success is no conflict', async () => {
    const { pointer, commit, storage } = await started();
    pointer.tamper = (swap) => {
      swap();
      return swap();
    };
    expect(await commit('c-2')).toMatchObject({ kind: 'committed' });
    expect((await metadataFiles(storage)).length).toBe(2);
  });

  test('faults 2, 7: what does not show yet is unknown, and no file goes; applied late, it is there once', async () => {
    const { pointer, commit, storage } = await started();
    let late: (() => SwapOutcome) | undefined;
    pointer.tamper = (swap) => {
      late = swap;
      return LOST;
    };
    expect(await commit('c-2')).toMatchObject({ kind: 'unknown' });
    expect((await metadataFiles(storage)).length).toBe(2);
    expect(late?.()).toEqual({ kind: 'swapped' });
    pointer.tamper = (swap) => swap();
    expect(await commit('c-2')).toMatchObject({ kind: 'committed' });
    expect((await metadataFiles(storage)).length).toBe(2);
  });

  test('fault 2: when the table has moved on, a late swap can no longer take place: a conflict', async () => {
    const { pointer, commit, storage } = await started();
    let late: (() => SwapOutcome) | undefined;
    pointer.tamper = async (swap) => {
      late = swap;
      pointer.tamper = (next) => next();
      expect(await commit('c-3')).toMatchObject({ kind: 'committed' });
      return LOST;
    };
    expect(await commit('c-2')).toMatchObject({ kind: 'conflict' });
    expect(late?.()).toMatchObject({ kind: 'lost' });
    expect((await metadataFiles(storage)).length).toBe(3);
  });

  test('faults 2, 7: where a late swap may still take place, it stays unknown although the table has moved on, and its files stay', async () => {
    const { pointer, commit, storage } = await started();
    pointer.tamper = async () => {
      pointer.tamper = (next) => next();
      expect(await commit('c-3')).toMatchObject({ kind: 'committed' });
      return { kind: 'unknown', reason: 'The reply was lost.', late: true };
    };
    expect(await commit('c-2')).toMatchObject({ kind: 'unknown' });
    expect((await metadataFiles(storage)).length).toBe(3);
  });

  test('fault 14: a swap that was lost takes its metadata file along', async () => {
    const { pointer, commit, storage } = await started();
    pointer.tamper = async (swap) => {
      pointer.tamper = (next) => next();
      expect(await commit('c-3')).toMatchObject({ kind: 'committed' });
      return swap();
    };
    expect(await commit('c-2')).toMatchObject({ kind: 'conflict' });
    expect(await metadataFiles(storage)).toEqual([
      expect.stringMatching(/\/00000-[0-9a-f-]{36}\.metadata\.json$/),
      expect.stringMatching(/\/00001-[0-9a-f-]{36}\.metadata\.json$/),
    ]);
  });

  test('fault 21: metadata files that the log no longer names go, once they are old', async () => {
    const { pointer, commit, storage } = await started();
    for (let n = 2; n < 120; n += 1) await commit(`c-${n}`);
    const table = pointerTable({ name: 't', storage, folder: 't', pointer });
    const options = { keep: 5, olderThanMs: Date.now() + 1_000 };
    expect(await table.retireMetadata?.({ ...options, olderThanMs: 0 })).toMatchObject({ files: 0 });
    expect(await table.retireMetadata?.({ ...options, dryRun: true })).toMatchObject({ files: 18 });
    expect(await table.retireMetadata?.(options)).toMatchObject({ files: 18 });
    expect((await metadataFiles(storage)).length).toBe(101);
    expect(await commit('c-120')).toMatchObject({ kind: 'committed' });
  });
});
