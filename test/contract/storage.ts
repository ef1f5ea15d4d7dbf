import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TailraceError } from '../../src/model/errors.ts';
import { ObjectNotFound, PreconditionFailed, type Storage } from '../../src/storage/port.ts';

const RACERS = 20;
const MULTIPART_BYTES = 12 * 1024 * 1024;
/** More than one page of any store's listing. */
const MANY = 1_050;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (body: Uint8Array): string => new TextDecoder().decode(body);
const collect = async <T>(items: AsyncIterable<T>): Promise<readonly T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** What every storage does alike. `make` gives the storage under test; each test writes below a folder of its own. */
export function storageContract(
  name: string,
  make: () => Promise<{ storage: Storage; stop?: () => Promise<void> }>,
): void {
  describe(`storage contract: ${name}`, () => {
    let storage: Storage;
    let stop: (() => Promise<void>) | undefined;
    let scratch: string;

    beforeAll(async () => {
      ({ storage, stop } = await make());
      scratch = await mkdtemp(join(tmpdir(), 'tailrace-contract-'));
    });
    afterAll(async () => {
      await storage?.close();
      await stop?.();
      if (scratch) await rm(scratch, { recursive: true, force: true });
    });

    const folder = (): string => `contract/${randomUUID()}/`;

    test('what is put is what is read', async () => {
      const key = `${folder()}a.txt`;
      const { etag } = await storage.put(key, bytes('hello'));
      expect(text(await storage.get(key))).toBe('hello');
      expect(await storage.head(key)).toEqual({ key, sizeBytes: 5, etag });
      const second = await storage.put(key, bytes('world!'));
      expect(second.etag).not.toBe(etag);
      expect(text(await storage.get(key))).toBe('world!');
    });

    test('an empty object is an object', async () => {
      const key = `${folder()}empty`;
      await storage.put(key, new Uint8Array());
      expect((await storage.head(key))?.sizeBytes).toBe(0);
      expect(await storage.get(key)).toHaveLength(0);
      expect(await buffer(await storage.getStream(key))).toHaveLength(0);
      expect(await storage.get(key, { offset: 0, length: 10 })).toHaveLength(0);
    });

    test('URIs and keys turn into each other', () => {
      const key = 'a b/ü%20/c=1+2.json';
      expect(storage.key(storage.uri(key))).toBe(key);
      expect(() => storage.key('gopher://elsewhere/a')).toThrow(TailraceError);
    });

    test('a missing object is ObjectNotFound, and head says undefined', async () => {
      const key = `${folder()}missing`;
      expect(await storage.head(key)).toBeUndefined();
      await expect(storage.get(key)).rejects.toBeInstanceOf(ObjectNotFound);
      await expect(storage.getStream(key)).rejects.toBeInstanceOf(ObjectNotFound);
      await expect(storage.get(key, { offset: 2, length: 2 })).rejects.toBeInstanceOf(ObjectNotFound);
    });

    test('a folder is not an object', async () => {
      const under = folder();
      await storage.put(`${under}sub/file`, bytes('x'));
      expect(await storage.head(`${under}sub`)).toBeUndefined();
      await expect(storage.get(`${under}sub`)).rejects.toBeInstanceOf(ObjectNotFound);
    });

    test.each(['', '/a', 'a/../b', '..', '../a', 'a/..', 'a/./b', 'a/', 'a\0b'])(
      'the key %j is refused',
      async (key) => {
        await expect(storage.head(key)).rejects.toBeInstanceOf(TailraceError);
        await expect(storage.get(key)).rejects.toBeInstanceOf(TailraceError);
        await expect(storage.put(key, bytes('x'))).rejects.toBeInstanceOf(TailraceError);
        await expect(storage.putIf(key, bytes('x'), { ifAbsent: true })).rejects.toBeInstanceOf(TailraceError);
        await expect(storage.delete(key)).rejects.toBeInstanceOf(TailraceError);
      },
    );

    test.each<[number, number | undefined, string]>([
      [0, 4, '0123'],
      [3, 2, '34'],
      [7, undefined, '789'],
      [8, 100, '89'],
      [9, 1, '9'],
      [10, 5, ''],
      [50, undefined, ''],
      [2, 0, ''],
      [0, undefined, '0123456789'],
    ])('a range from %i, %s long', async (offset, length, expected) => {
      const key = `${folder()}digits`;
      await storage.put(key, bytes('0123456789'));
      const options = { offset, ...(length === undefined ? {} : { length }) };
      expect(text(await storage.get(key, options))).toBe(expected);
      expect((await buffer(await storage.getStream(key, options))).toString()).toBe(expected);
    });

    test('fault 36: a read that names an etag refuses another object', async () => {
      const key = `${folder()}pinned`;
      const { etag } = await storage.put(key, bytes('first'));
      expect(text(await storage.get(key, { ifMatch: etag }))).toBe('first');
      await storage.put(key, bytes('other'));
      await expect(storage.get(key, { ifMatch: etag })).rejects.toBeInstanceOf(PreconditionFailed);
      await expect(storage.getStream(key, { ifMatch: etag, offset: 1 })).rejects.toBeInstanceOf(PreconditionFailed);
    });

    test.each([
      'a b c',
      'a+b',
      '100%',
      '%41',
      'café-日本-🚀',
      'day=2024-01-01',
      'quote\'"`',
      'a&b;c',
      'x@y:z',
      '#?!',
      '~()[]{}',
      '.hidden',
      'a..b',
    ])('the name %j survives every call', async (name) => {
      const under = folder();
      const key = `${under}${name}/${name}`;
      await storage.put(key, bytes(name));
      expect(text(await storage.get(key))).toBe(name);
      expect((await storage.head(key))?.key).toBe(key);
      expect((await collect(storage.list(under))).map((info) => info.key)).toEqual([key]);
      expect((await collect(storage.list(`${under}${name.slice(0, 1)}`))).map((info) => info.key)).toEqual([key]);
      expect(await collect(storage.listFolder(under))).toEqual([`${name}/`]);
      expect(await storage.putIf(key, bytes('y'), { ifAbsent: true })).toEqual({ kind: 'exists' });
      await storage.delete(key);
      expect(await storage.head(key)).toBeUndefined();
    });

    test('listing is by prefix, in byte order, with sizes and etags', async () => {
      const under = folder();
      const names = ['b', 'a.txt', 'a/x', 'a/y/z', 'a-b', 'aé', 'a0', 'B', 'a/y.z', 'ab/c'];
      for (const each of names) await storage.put(under + each, bytes(each));
      const all = await collect(storage.list(under));
      expect(all.map((info) => info.key)).toEqual(names.map((each) => under + each).sort(byBytes));
      for (const { modifiedMs, ...info } of all) {
        expect(info).toEqual(await storage.head(info.key));
        expect(Math.abs((modifiedMs ?? 0) - Date.now())).toBeLessThan(3_600_000);
      }
      expect((await collect(storage.list(`${under}a/y`))).map((info) => info.key)).toEqual([
        `${under}a/y.z`,
        `${under}a/y/z`,
      ]);
      expect((await collect(storage.list(`${under}ab`))).map((info) => info.key)).toEqual([`${under}ab/c`]);
      expect(await collect(storage.list(`${under}nothing`))).toEqual([]);
      expect(await collect(storage.list(`${under}nothing/below/`))).toEqual([]);
    });

    test('a folder lists its names, folders with a slash', async () => {
      const under = folder();
      for (const each of ['b', 'a/x', 'a/y/z', 'c/d', 'a.txt']) await storage.put(under + each, bytes(each));
      expect(await collect(storage.listFolder(under))).toEqual(['a.txt', 'a/', 'b', 'c/']);
      expect(await collect(storage.listFolder(`${under}a/`))).toEqual(['x', 'y/']);
      expect(await collect(storage.listFolder(`${under}none/`))).toEqual([]);
      await expect(collect(storage.listFolder('..'))).rejects.toBeInstanceOf(TailraceError);
      await expect(collect(storage.listFolder('../'))).rejects.toBeInstanceOf(TailraceError);
      await expect(collect(storage.list('../'))).rejects.toBeInstanceOf(TailraceError);
    });

    test(`listing goes on past a page: ${MANY} keys`, async () => {
      const under = folder();
      const keys = Array.from({ length: MANY }, (_, index) => `${under}k${index % 7}/n${index}`);
      for (let at = 0; at < MANY; at += 50) {
        await Promise.all(keys.slice(at, at + 50).map((key) => storage.putStream(key, Readable.from([bytes(key)]))));
      }
      expect((await collect(storage.list(under))).map((info) => info.key)).toEqual([...keys].sort(byBytes));
      expect(await collect(storage.listFolder(under))).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => `k${index}/`));
    });

    test(`of ${RACERS} racing puts-if-absent exactly one wins`, async () => {
      for (let round = 0; round < 3; round += 1) {
        const key = `${folder()}v1.metadata.json`;
        const outcomes = await Promise.all(
          Array.from({ length: RACERS }, (_, racer) => storage.putIf(key, bytes(`racer ${racer}`), { ifAbsent: true })),
        );
        const winners = outcomes.flatMap((outcome, racer) => (outcome.kind === 'written' ? [racer] : []));
        expect(winners).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome.kind === 'exists')).toHaveLength(RACERS - 1);
        expect(text(await storage.get(key))).toBe(`racer ${winners[0]}`);
        const winner = outcomes[winners[0] ?? 0];
        expect(winner).toEqual({ kind: 'written', etag: (await storage.head(key))?.etag });
      }
    });

    test('a put-if-match swaps only what it was told of', async () => {
      const key = `${folder()}pointer`;
      const first = await storage.put(key, bytes('1'));
      const second = await storage.putIf(key, bytes('2'), { ifMatch: first.etag });
      expect(second).toEqual({ kind: 'written', etag: (await storage.head(key))?.etag });
      expect(await storage.putIf(key, bytes('3'), { ifMatch: first.etag })).toEqual({ kind: 'exists' });
      expect(text(await storage.get(key))).toBe('2');
      const missing = `${folder()}none`;
      expect(await storage.putIf(missing, bytes('x'), { ifMatch: first.etag })).toEqual({ kind: 'exists' });
      expect(await storage.head(missing)).toBeUndefined();
    });

    test(`of ${RACERS} racing puts-if-match exactly one wins`, async () => {
      const key = `${folder()}pointer`;
      let { etag } = await storage.put(key, bytes('start'));
      for (let round = 0; round < 3; round += 1) {
        const base = etag;
        const outcomes = await Promise.all(
          Array.from({ length: RACERS }, (_, racer) =>
            storage.putIf(key, bytes(`${round} ${racer}`), { ifMatch: base }),
          ),
        );
        const winners = outcomes.flatMap((outcome, racer) => (outcome.kind === 'written' ? [racer] : []));
        expect(winners).toHaveLength(1);
        expect(text(await storage.get(key))).toBe(`${round} ${winners[0]}`);
        etag = (await storage.head(key))?.etag ?? '';
      }
    });

    test('a counter that is compared and swapped loses no step', async () => {
      const key = `${folder()}counter`;
      await storage.put(key, bytes('0'));
      const step = async (): Promise<void> => {
        for (;;) {
          const info = await storage.head(key);
          if (!info) throw new Error('the counter is gone');
          const value = await storage.get(key, { ifMatch: info.etag }).catch((error: unknown) => {
            if (error instanceof PreconditionFailed) return undefined;
            throw error;
          });
          if (!value) continue;
          const put = await storage.putIf(key, bytes(String(Number(text(value)) + 1)), { ifMatch: info.etag });
          if (put.kind === 'written') return;
        }
      };
      await Promise.all(
        Array.from({ length: 5 }, async () => {
          for (let index = 0; index < 4; index += 1) await step();
        }),
      );
      expect(text(await storage.get(key))).toBe('20');
    });

    test('12 MB stream in, out and in ranges', async () => {
      const key = `${folder()}large.bin`;
      const body = randomBytes(MULTIPART_BYTES);
      const parts = Array.from({ length: 12 }, (_, index) =>
        body.subarray(index * 1024 * 1024, (index + 1) * 1024 * 1024),
      );
      const put = await storage.putStream(key, Readable.from(parts));
      expect(put.sizeBytes).toBe(MULTIPART_BYTES);
      expect(await storage.head(key)).toEqual({ key, ...put });
      expect((await buffer(await storage.getStream(key, { ifMatch: put.etag }))).equals(body)).toBe(true);
      const range = await storage.get(key, { offset: 8 * 1024 * 1024 - 5, length: 10 });
      expect(Buffer.from(range).equals(body.subarray(8 * 1024 * 1024 - 5, 8 * 1024 * 1024 + 5))).toBe(true);
    });

    test('an empty stream makes an empty object', async () => {
      const key = `${folder()}nothing`;
      expect((await storage.putStream(key, Readable.from([]))).sizeBytes).toBe(0);
      expect(await storage.get(key)).toHaveLength(0);
    });

    test('fault 41: a stream that breaks leaves nothing', async () => {
      const under = folder();
      async function* broken(): AsyncGenerator<Buffer> {
        for (let index = 0; index < 9; index += 1) yield randomBytes(1024 * 1024);
        throw new Error('the disk went away');
      }
      await expect(storage.putStream(`${under}broken`, Readable.from(broken()))).rejects.toThrow('the disk went away');
      expect(await collect(storage.list(under))).toEqual([]);
    });

    test('a stream that is not read to its end can be dropped', async () => {
      const key = `${folder()}large.bin`;
      await storage.put(key, randomBytes(3 * 1024 * 1024));
      const stream = await storage.getStream(key);
      for await (const chunk of stream) {
        expect((chunk as Buffer).length).toBeGreaterThan(0);
        break;
      }
      expect(stream.destroyed).toBe(true);
    });

    test('an aborted signal ends a read and a write', async () => {
      const key = `${folder()}aborted`;
      await storage.put(key, bytes('x'));
      const signal = AbortSignal.abort();
      await expect(storage.get(key, { signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
      const other = `${folder()}never`;
      await expect(storage.putStream(other, Readable.from([bytes('x')]), { signal })).rejects.toMatchObject({
        code: 'INTERRUPTED',
      });
      expect(await storage.head(other)).toBeUndefined();
    });

    test('a signal that comes midway ends a read and a write', async () => {
      const key = `${folder()}midway`;
      const abort = new AbortController();
      async function* endless(): AsyncGenerator<Buffer> {
        for (let index = 0; ; index += 1) {
          if (index === 30) abort.abort();
          yield randomBytes(512 * 1024);
          await new Promise((done) => setTimeout(done, 1));
        }
      }
      const put = storage.putStream(key, Readable.from(endless()), { signal: abort.signal });
      await expect(put).rejects.toMatchObject({ code: 'INTERRUPTED' });
      expect(await storage.head(key)).toBeUndefined();
      await storage.put(key, randomBytes(3 * 1024 * 1024));
      const second = new AbortController();
      const stream = await storage.getStream(key, { signal: second.signal });
      const reading = (async () => {
        for await (const chunk of stream) {
          expect((chunk as Buffer).length).toBeGreaterThan(0);
          second.abort();
        }
      })();
      if (storage.kind === 'memory') await reading;
      else await expect(reading).rejects.toMatchObject({ code: 'INTERRUPTED' });
    });

    test('a finished local file is adopted, and gone from where it was', async () => {
      const key = `${folder()}adopted.parquet`;
      const path = join(scratch, randomUUID());
      const body = randomBytes(100_000);
      await writeFile(path, body);
      const adopted = await storage.adopt(key, path);
      expect(adopted.sizeBytes).toBe(body.length);
      expect(await storage.head(key)).toEqual({ key, ...adopted });
      expect(Buffer.from(await storage.get(key)).equals(body)).toBe(true);
      expect(existsSync(path)).toBe(false);
    });

    test('adopting 12 MB takes parts', async () => {
      const key = `${folder()}adopted.parquet`;
      const path = join(scratch, randomUUID());
      const body = randomBytes(MULTIPART_BYTES + 1);
      await writeFile(path, body);
      expect((await storage.adopt(key, path)).sizeBytes).toBe(body.length);
      expect((await buffer(await storage.getStream(key))).equals(body)).toBe(true);
      expect(existsSync(path)).toBe(false);
    });

    test('a copy is an object of its own', async () => {
      const under = folder();
      const [from, to] = [`${under}a/one`, `${under}b/c/one`];
      await storage.put(from, bytes('first'));
      const copied = await storage.copy(from, to);
      expect(copied.sizeBytes).toBe(5);
      expect(await storage.head(to)).toEqual({ key: to, ...copied });
      await storage.put(from, bytes('changed'));
      expect(text(await storage.get(to))).toBe('first');
      await storage.copy(from, to);
      await storage.copy(from, to);
      await storage.delete(from);
      expect(text(await storage.get(to))).toBe('changed');
      expect((await collect(storage.list(under))).map((info) => info.key)).toEqual([to]);
    });

    test.each(['a b', 'a+b', '100%', '%41', 'café-日本-🚀', 'day=2024-01-01', 'quote\'"', '#?!', 'x@y:z', 'a..b'])(
      'a copy from and to the name %j',
      async (name) => {
        const under = folder();
        await storage.put(`${under}${name}/${name}`, bytes(name));
        await storage.copy(`${under}${name}/${name}`, `${under}to/${name}`);
        expect(text(await storage.get(`${under}to/${name}`))).toBe(name);
      },
    );

    test('a copy of what is not there is ObjectNotFound, and leaves what was there', async () => {
      const under = folder();
      await storage.put(`${under}there`, bytes('x'));
      await expect(storage.copy(`${under}none`, `${under}there`)).rejects.toBeInstanceOf(ObjectNotFound);
      await expect(storage.copy(`${under}none`, `${under}new`)).rejects.toBeInstanceOf(ObjectNotFound);
      await expect(storage.copy(`${under}there`, `${under}../x`)).rejects.toBeInstanceOf(TailraceError);
      const signal = AbortSignal.abort();
      const interrupted = storage.copy(`${under}there`, `${under}new`, { signal });
      await expect(interrupted).rejects.toMatchObject({ code: 'INTERRUPTED' });
      expect((await collect(storage.list(under))).map((info) => info.key)).toEqual([`${under}there`]);
    });

    test('an empty object and one of 12 MB are copied whole', async () => {
      const under = folder();
      const body = randomBytes(MULTIPART_BYTES);
      await storage.put(`${under}large`, body);
      await storage.put(`${under}empty`, new Uint8Array());
      expect((await storage.copy(`${under}empty`, `${under}e`)).sizeBytes).toBe(0);
      expect((await storage.copy(`${under}large`, `${under}l`)).sizeBytes).toBe(MULTIPART_BYTES);
      expect(Buffer.from(await storage.get(`${under}l`)).equals(body)).toBe(true);
    });

    test('deleting twice is as good as once', async () => {
      const key = `${folder()}gone`;
      await storage.put(key, bytes('x'));
      await storage.delete(key);
      await storage.delete(key);
      expect(await storage.head(key)).toBeUndefined();
      expect(await storage.putIf(key, bytes('y'), { ifAbsent: true })).toMatchObject({ kind: 'written' });
    });
  });
}
