import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { localStorage } from '../../src/storage/local/local.ts';
import { memoryStorage } from '../../src/storage/memory/memory.ts';
import type { Storage } from '../../src/storage/port.ts';
import { enumerateKills } from './enumerate.ts';
import { Killed, Laboratory } from './faulty-storage.ts';
import { faultsAt, faultsOn, killAt, randomFaults } from './scripts.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (body: Uint8Array): string => new TextDecoder().decode(body);

describe('a faulty storage', () => {
  test('numbers its calls over all storages, and prints them', async () => {
    const lab = new Laboratory(faultsAt({ 2: { kind: 'delay', ms: 1 } }));
    const [one, two] = [lab.wrap(memoryStorage('one')), lab.wrap(memoryStorage('two'))];
    await one.put('a', bytes('x'));
    await two.head('b');
    for await (const info of one.list('')) expect(info.key).toBe('a');
    expect(lab.log()).toBe(
      '   1 put memory://one/a\n   2 head memory://two/b  <-- {"kind":"delay","ms":1}\n   3 list memory://one/',
    );
  });

  test.each(['before', 'after'] as const)('dies %s a call, and stays dead', async (when) => {
    const inner = memoryStorage();
    await inner.put('stream', new Uint8Array(1_000_000));
    const lab = new Laboratory(killAt(2, when));
    const storage = lab.wrap(inner);
    const open = await storage.getStream('stream');
    await expect(storage.put('a', bytes('x'))).rejects.toBeInstanceOf(Killed);
    expect((await inner.head('a')) !== undefined).toBe(when === 'after');
    await expect(buffer(open)).rejects.toBeInstanceOf(Killed);
    await expect(storage.put('b', bytes('x'))).rejects.toBeInstanceOf(Killed);
    await expect(storage.putStream('c', Readable.from([bytes('x')]))).rejects.toBeInstanceOf(Killed);
    expect(await inner.head('b')).toBeUndefined();
    expect(await inner.head('c')).toBeUndefined();
    expect(lab.calls).toHaveLength(2);
  });

  test('a death ends an upload that is on its way', async () => {
    const inner = memoryStorage();
    const lab = new Laboratory(killAt(2, 'before'));
    const storage = lab.wrap(inner);
    const body = new Readable({ read() {} });
    body.push('begun');
    const put = storage.putStream('a', body);
    await expect(storage.head('b')).rejects.toBeInstanceOf(Killed);
    await expect(put).rejects.toBeInstanceOf(Killed);
    expect(await inner.head('a')).toBeUndefined();
    expect(body.destroyed).toBe(true);
  });

  test('a lost reply of a conditional put is unknown, whether applied or not', async () => {
    for (const kind of ['lose reply', 'lose request'] as const) {
      const inner = memoryStorage();
      const storage = new Laboratory(faultsOn({ operation: 'putIf' }, { kind })).wrap(inner);
      expect(await storage.putIf('a', bytes('x'), { ifAbsent: true })).toMatchObject({ kind: 'unknown' });
      expect((await inner.head('a')) !== undefined).toBe(kind === 'lose reply');
      expect(await storage.putIf('b', bytes('x'), { ifAbsent: true })).toMatchObject({ kind: 'written' });
    }
  });

  test('answers show as the port shows them', async () => {
    const storage = new Laboratory(
      faultsAt({
        1: { kind: 'answer', status: 412 },
        2: { kind: 'answer', status: 503 },
        3: { kind: 'answer', status: 403 },
        4: { kind: 'disk full' },
        5: { kind: 'lose reply' },
      }),
    ).wrap(memoryStorage());
    expect(await storage.putIf('a', bytes('x'), { ifAbsent: true })).toEqual({ kind: 'exists' });
    await expect(storage.putIf('a', bytes('x'), { ifAbsent: true })).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await expect(storage.get('a')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(storage.put('a', bytes('x'))).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(storage.put('a', bytes('x'))).rejects.toMatchObject({ code: 'UNREACHABLE' });
    expect(text(await storage.get('a'))).toBe('x');
  });

  test('reads are truncated, or break', async () => {
    const inner = memoryStorage();
    await inner.put('a', bytes('0123456789'));
    const storage = new Laboratory(
      faultsAt({
        1: { kind: 'truncate', bytes: 4 },
        2: { kind: 'truncate', bytes: 4 },
        3: { kind: 'break', bytes: 4 },
        4: { kind: 'break', bytes: 4 },
        5: { kind: 'truncate', bytes: 10 },
      }),
    ).wrap(inner);
    expect(text(await storage.get('a'))).toBe('0123');
    expect((await buffer(await storage.getStream('a'))).toString()).toBe('0123');
    await expect(storage.get('a')).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await expect(buffer(await storage.getStream('a'))).rejects.toMatchObject({ code: 'UNREACHABLE' });
    expect((await buffer(await storage.getStream('a'))).toString()).toBe('0123456789');
  });

  test('chance is the same for the same seed', () => {
    const draw = (seed: number) => {
      const script = randomFaults(seed, 0.3, [{ kind: 'lose reply' }, { kind: 'answer', status: 503 }]);
      return Array.from({ length: 200 }, (_, index) => script({ number: index + 1, operation: 'put', uri: 'x' })?.kind);
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    const hits = draw(7).filter((kind) => kind !== undefined).length;
    expect(hits).toBeGreaterThan(30);
    expect(hits).toBeLessThan(90);
  });
});

// A commit as tables make it: data first, then one conditional put that names it.
async function commit(storage: Storage): Promise<void> {
  const known = await storage.head('pointer');
  if (known) return;
  await storage.put('data/1', bytes('one'));
  await storage.putStream('data/2', Readable.from([bytes('two')]));
  const outcome = await storage.putIf('pointer', bytes('data/1 data/2'), { ifAbsent: true });
  if (outcome.kind !== 'written') throw new Error(`the pointer ${outcome.kind}`);
}

async function checkCommitted(storage: Storage): Promise<void> {
  const named = text(await storage.get('pointer')).split(' ');
  expect(named).toEqual(['data/1', 'data/2']);
  expect(text(await storage.get('data/1')) + text(await storage.get('data/2'))).toBe('onetwo');
}

describe('enumerated kills', () => {
  test('fault 8: a commit that puts its pointer last survives each of them', async () => {
    const report = await enumerateKills<Storage>({
      fresh: async () => memoryStorage(),
      run: (wrap, state) => commit(wrap(state)),
      check: checkCommitted,
      checkWreck: async (state) => {
        if (await state.head('pointer')) await checkCommitted(state);
      },
    });
    expect(report).toEqual({ calls: 4, kills: 8, notReached: 0 });
  });

  test('fault 22: so it does in a folder, where nothing half-written is seen', async () => {
    const report = await enumerateKills<{ storage: Storage; folder: string }>({
      fresh: async () => {
        const folder = await mkdtemp(join(tmpdir(), 'tailrace-kill-'));
        return { storage: localStorage(folder), folder };
      },
      run: (wrap, { storage }) => commit(wrap(storage)),
      check: ({ storage }) => checkCommitted(storage),
      checkWreck: async ({ storage }) => {
        for await (const { key } of storage.list('data/'))
          expect(['one', 'two']).toContain(text(await storage.get(key)));
      },
      dispose: ({ folder }) => rm(folder, { recursive: true, force: true }),
    });
    expect(report.kills).toBe(8);
  });

  test('one that puts its pointer first is found out', async () => {
    const wrong = async (storage: Storage): Promise<void> => {
      if ((await storage.putIf('pointer', bytes('data/1 data/2'), { ifAbsent: true })).kind !== 'written') return;
      await storage.put('data/1', bytes('one'));
      await storage.put('data/2', bytes('two'));
    };
    const enumeration = enumerateKills<Storage>({
      fresh: async () => memoryStorage(),
      run: (wrap, state) => wrong(wrap(state)),
      check: checkCommitted,
    });
    await expect(enumeration).rejects.toThrow(/Killed after call 1: .*\n +1 putIf memory:.*kill/);
  });

  test('a run that fails without being killed is found out', async () => {
    const enumeration = enumerateKills<Storage>({
      fresh: async () => memoryStorage(),
      run: async (wrap, state) => {
        await wrap(state).get('missing');
      },
      check: async () => undefined,
    });
    await expect(enumeration).rejects.toThrow('No object');
  });
});
