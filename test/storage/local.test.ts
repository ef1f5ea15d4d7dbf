import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, rmdir, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localStorage } from '../../src/storage/local/local.ts';
import { lock } from '../../src/storage/local/lock.ts';
import { storageContract } from '../contract/storage.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tailrace-local-'));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

storageContract('local', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tailrace-local-'));
  return { storage: localStorage(folder), stop: () => rm(folder, { recursive: true, force: true }) };
});

describe('local storage', () => {
  test('its keys below / are absolute paths', async () => {
    const storage = localStorage('/');
    const key = `${root.slice(1)}/a/b.txt`;
    await storage.put(key, bytes('x'));
    expect(storage.uri(key)).toBe(join(root, 'a/b.txt'));
    expect(storage.key(`file://${root}/a/b.txt`)).toBe(key);
    expect(storage.key(`file:${root}/a/b.txt`)).toBe(key);
    expect(storage.localPath(key)).toBe(join(root, 'a/b.txt'));
  });

  test('no call leaves a temporary file or a lock behind', async () => {
    const storage = localStorage(root);
    const { etag } = await storage.put('f', bytes('1'));
    await storage.putIf('f', bytes('2'), { ifAbsent: true });
    await storage.putIf('g', bytes('2'), { ifAbsent: true });
    await storage.putIf('f', bytes('2'), { ifMatch: etag });
    await storage.putIf('f', bytes('3'), { ifMatch: etag });
    await storage.putStream('h', Readable.from([bytes('4')]));
    const broken = new Readable({
      read() {
        this.destroy(new Error('broken'));
      },
    });
    await expect(storage.putStream('i', broken)).rejects.toThrow();
    expect((await readdir(root)).sort()).toEqual(['f', 'g', 'h']);
  });

  test('a copy is a hard link: it takes no space, also where it replaces a name of the same file', async () => {
    const storage = localStorage(root);
    await storage.put('a', bytes('1'));
    await storage.copy('a', 'sub/b');
    await storage.copy('a', 'sub/b');
    expect((await stat(join(root, 'sub/b'))).ino).toBe((await stat(join(root, 'a'))).ino);
    expect(await readdir(join(root, 'sub'))).toEqual(['b']);
    await symlink(join(root, 'a'), join(root, 'link'));
    await storage.copy('link', 'c');
    await rm(join(root, 'a'));
    expect(Buffer.from(await storage.get('c')).toString()).toBe('1');
  });

  test('fault 22: an unfinished file of a killed process is never listed', async () => {
    await writeFile(join(root, '.tailrace-0011223344556677.tmp'), 'half');
    await writeFile(join(root, '.tailrace-0011223344556677.lock'), '{}');
    await writeFile(join(root, 'whole'), 'x');
    const keys: string[] = [];
    for await (const info of localStorage(root).list('')) keys.push(info.key);
    expect(keys).toEqual(['whole']);
  });

  test('fault 22: the lock of a dead process does not hold anybody up', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((done) => child.once('exit', done));
    const storage = localStorage(root);
    const { etag } = await storage.put('pointer', bytes('1'));
    const held = await lock(join(root, 'pointer'));
    const [lockFile = ''] = (await readdir(root)).filter((name) => name.endsWith('.lock'));
    await writeFile(join(root, lockFile), JSON.stringify({ pid: child.pid, host: hostname(), id: 'dead' }));
    expect(await held.held()).toBe(false);
    const outcomes = await Promise.all(
      ['2', '3', '4', '5'].map((value) => storage.putIf('pointer', bytes(value), { ifMatch: etag })),
    );
    expect(outcomes.filter((outcome) => outcome.kind === 'written')).toHaveLength(1);
    expect(await readdir(root)).toEqual(['pointer']);
  });

  test('the lock of another host holds until it is old', async () => {
    const held = await lock(join(root, 'pointer'));
    const [lockFile = ''] = await readdir(root);
    await writeFile(join(root, lockFile), JSON.stringify({ pid: process.pid, host: 'another', id: 'x' }));
    let taken = false;
    const second = lock(join(root, 'pointer')).then((got) => {
      taken = true;
      return got;
    });
    await new Promise((done) => setTimeout(done, 200));
    expect(taken).toBe(false);
    const old = Date.now() / 1000 - 120;
    await utimes(join(root, lockFile), old, old);
    await (await second).release();
    await held.release();
    expect(await readdir(root)).toEqual([]);
  });

  test('an etag never comes back, however quickly a file is replaced', async () => {
    const storage = localStorage(root);
    const seen = new Set<string>();
    for (let index = 0; index < 200; index += 1) seen.add((await storage.put('same', bytes('same size'))).etag);
    expect(seen.size).toBe(200);
  });

  test('the time of a name only goes up, even when the clock went back: so no etag returns', async () => {
    const storage = localStorage(root);
    await storage.put('pointer', bytes('1'));
    const future = Date.now() / 1000 + 1_000;
    await utimes(join(root, 'pointer'), future, future);
    const before = await storage.head('pointer');
    const swapped = await storage.putIf('pointer', bytes('2'), { ifMatch: before?.etag ?? '' });
    expect(swapped).toEqual({ kind: 'written', etag: (await storage.head('pointer'))?.etag });
    expect((await stat(join(root, 'pointer'))).mtimeMs).toBeGreaterThan(future * 1000);
  });

  test('links are followed, but not those that lead back up', async () => {
    await mkdir(join(root, 'real/deep'), { recursive: true });
    await writeFile(join(root, 'real/deep/file'), 'x');
    await symlink(join(root, 'real'), join(root, 'linked'));
    await symlink(root, join(root, 'real/deep/loop'));
    const keys: string[] = [];
    for await (const info of localStorage(root).list('')) keys.push(info.key);
    expect(keys).toEqual(['linked/deep/file', 'real/deep/file']);
  });

  test('fault 28: a write goes on where another process takes away the folder while it is empty', async () => {
    const storage = localStorage(root);
    const local = join(root, 'local');
    const takeAway = async (ms: number): Promise<void> => {
      await sleep(ms);
      for (const empty of [join(root, 'a/b'), join(root, 'a')]) await rmdir(empty).catch(() => undefined);
    };
    for (let i = 0; i < 200; i += 1) {
      await Promise.all([takeAway(i % 5), storage.put('a/b/put', bytes('x'))]);
      await storage.delete('a/b/put');
      await writeFile(local, 'x');
      await Promise.all([takeAway(i % 5), storage.adopt('a/b/adopted', local)]);
      await storage.delete('a/b/adopted');
      await takeAway(0);
    }
  }, 60_000);

  test('a file in the way of a folder is one clear error', async () => {
    const storage = localStorage(root);
    await storage.put('file', bytes('x'));
    await expect(storage.put('file/below', bytes('y'))).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      place: join(root, 'file/below'),
    });
    expect(await storage.head('file/below')).toBeUndefined();
  });

  test.skipIf(process.getuid?.() === 0)('a folder without permission is ACCESS_DENIED', async () => {
    await mkdir(join(root, 'closed'));
    await chmod(join(root, 'closed'), 0o500);
    await expect(localStorage(root).put('closed/a', bytes('x'))).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(existsSync(join(root, 'closed/a'))).toBe(false);
  });

  test('a file system that takes no files is ACCESS_DENIED with a hint', async () => {
    // /proc refuses new files to everybody, root included.
    await expect(localStorage('/proc/self').put('tailrace-test', bytes('x'))).rejects.toMatchObject({
      name: 'TailraceError',
      hint: expect.stringMatching(/place|disk/),
    });
  });

  test.skipIf(!existsSync('/dev/shm'))('adopting across file systems copies', async () => {
    const other = await mkdtemp('/dev/shm/tailrace-');
    try {
      await writeFile(join(other, 'file'), 'across');
      const adopted = await localStorage(root).adopt('deep/er/file', join(other, 'file'));
      expect(adopted.sizeBytes).toBe(6);
      expect(await readdir(other)).toEqual([]);
      expect(await readdir(join(root, 'deep/er'))).toEqual(['file']);
    } finally {
      await rm(other, { recursive: true, force: true });
    }
  });
});
