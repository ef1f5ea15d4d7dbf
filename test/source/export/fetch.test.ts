import { appendFile, copyFile, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { TailraceError } from '../../../src/model/errors.ts';
import { download } from '../../../src/source/export/download.ts';
import { fetchFile } from '../../../src/source/export/fetch.ts';
import { openFullExport } from '../../../src/source/export/open.ts';
import type { FullExport, SourceFile } from '../../../src/source/port.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { canonicalItem, canonicalLine } from '../../data/canonical.ts';
import { writeExport } from '../../data/make-export.ts';
import { nastyItems } from '../../data/nasty.ts';
import { cutOff, newFolder, tampered, uploaded } from './uploaded.ts';

const items = nastyItems(5, 400, { noHuge: true });

function fileOf(source: FullExport, index: number): SourceFile {
  const file = source.files[index];
  if (file === undefined) throw new Error(`no file ${index}`);
  return file;
}

async function local(): Promise<{
  dir: string;
  storage: ReturnType<typeof localStorage>;
  source: FullExport;
  paths: readonly string[];
}> {
  const at = await writeExport(await mkdtemp(join(tmpdir(), 'fetch-')), { items, filesCount: 3 });
  const storage = localStorage(at.exportDir);
  return { dir: at.dir, storage, source: await openFullExport(storage, ''), paths: at.dataPaths };
}

describe('fetchFile from a local folder', () => {
  test('reads in place, verified, and counts its bytes', async () => {
    const { storage, source, paths } = await local();
    const tempDir = await newFolder();
    let bytes = 0;
    const fetched = await fetchFile(storage, source, fileOf(source, 1), {
      tempDir,
      onBytes: (more) => {
        bytes += more;
      },
    });
    expect(fetched).toMatchObject({ path: paths[1], tempBytes: 0, rejects: [] });
    expect(bytes).toBe(fileOf(source, 1).sizeBytes);
    await fetched.recheck();
    await fetched.release();
    expect(await readFile(paths[1] ?? '')).toHaveLength(bytes);
    expect(await readdir(tempDir)).toEqual([]);
  });

  test('fault 37: a flipped byte anywhere is found, and the file named', async () => {
    const { storage, source, paths } = await local();
    const whole = await readFile(paths[0] ?? '');
    for (const at of [0, 3, 9, Math.floor(whole.length / 2), whole.length - 8, whole.length - 1]) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      await writeFile(paths[0] ?? '', flipped);
      const file = fileOf(source, 0);
      await expect(fetchFile(storage, source, file, { tempDir: tmpdir() })).rejects.toMatchObject({
        code: 'DATA_CHECKSUM',
        place: file.manifestKey,
        expected: `MD5 ${file.md5Base64}`,
        found: expect.stringMatching(/^MD5 /),
      });
    }
  });

  test('fault 37: two files that were swapped are told as such', async () => {
    const { dir, storage, source, paths } = await local();
    await rename(paths[0] ?? '', join(dir, 'a'));
    await rename(paths[1] ?? '', paths[0] ?? '');
    await rename(join(dir, 'a'), paths[1] ?? '');
    await expect(fetchFile(storage, source, fileOf(source, 0), { tempDir: dir })).rejects.toMatchObject({
      code: 'DATA_CHECKSUM',
      found: expect.stringContaining(`the bytes of ${fileOf(source, 1).manifestKey}`),
    });
  });

  test('fault 35 and 39: a file cut short, and one that is gone', async () => {
    const { storage, source, paths, dir } = await local();
    await writeFile(paths[0] ?? '', (await readFile(paths[0] ?? '')).subarray(0, -1));
    await expect(fetchFile(storage, source, fileOf(source, 0), { tempDir: dir })).rejects.toMatchObject({
      code: 'DATA_CHECKSUM',
    });
    await rm(paths[0] ?? '');
    await expect(fetchFile(storage, source, fileOf(source, 0), { tempDir: dir })).rejects.toMatchObject({
      code: 'DATA_MISSING',
    });
  });

  test('fault 36: a file that is replaced after it was verified is noticed by recheck', async () => {
    const { storage, source, paths, dir } = await local();
    const change: (() => Promise<unknown>)[] = [
      () => appendFile(paths[0] ?? '', 'x'),
      () => utimes(paths[1] ?? '', new Date(), new Date()),
      async () => {
        await copyFile(paths[2] ?? '', join(dir, 'copy'));
        await rename(join(dir, 'copy'), paths[2] ?? '');
      },
    ];
    for (const [index, act] of change.entries()) {
      const fetched = await fetchFile(storage, source, fileOf(source, index), { tempDir: dir });
      await act();
      await expect(fetched.recheck()).rejects.toMatchObject({
        code: 'DATA_CHECKSUM',
        message: expect.stringContaining('replaced'),
      });
    }
  });
});

describe('fetchFile from a store', () => {
  test('streams to the temporary folder, the bytes unchanged', async () => {
    const { storage, source } = await uploaded({ items, filesCount: 2, emptyFirst: true });
    const tempDir = join(await newFolder(), 'new');
    for (const file of source.files) {
      const fetched = await fetchFile(storage, source, file, { tempDir });
      expect(fetched.path.endsWith('.json.gz')).toBe(true);
      expect(await readFile(fetched.path)).toEqual(Buffer.from(await storage.get(file.key)));
      expect(fetched.tempBytes).toBe(file.sizeBytes);
      await fetched.release();
    }
    expect(await readdir(tempDir)).toEqual([]);
  });

  test('fault 33 and 35: a body that breaks off, or ends early, is continued where it stopped', async () => {
    const { storage, source } = await uploaded({ items, filesCount: 1 });
    const offsets: (number | undefined)[] = [];
    const flaky = tampered(storage, (body, _key, options, call) => {
      offsets.push(options.offset);
      expect(options.ifMatch).toBe(fileOf(source, 0).etag);
      if (call > 6) return body;
      return call % 2 === 0 ? cutOff(body, 1000) : cutOff(body, 1000, new Error('ECONNRESET'));
    });
    const fetched = await fetchFile(flaky, source, fileOf(source, 0), { tempDir: await newFolder(), firstPauseMs: 1 });
    expect(await readFile(fetched.path)).toEqual(Buffer.from(await storage.get(fileOf(source, 0).key)));
    expect(offsets).toEqual([undefined, 1000, 2000, 3000, 4000, 5000, 6000]);
  });

  test('fault 35: a body that stalls is cut and asked for again', async () => {
    const { storage, source } = await uploaded({ items, filesCount: 1 });
    const file = fileOf(source, 0);
    const stalling = tampered(storage, (body, _key, _options, call) =>
      call === 1 ? cutOff(body, 500).pipe(new PassThrough(), { end: false }) : body,
    );
    const result = await download(stalling, file, join(await newFolder(), 'x'), { stallMs: 50 });
    expect(result).toEqual({ md5Base64: file.md5Base64, bytes: file.sizeBytes });
  });

  test('fault 35: a body that never comes to its end is given up, and nothing is left', async () => {
    const { storage, source } = await uploaded({ items, filesCount: 1 });
    const tempDir = await newFolder();
    const short = tampered(storage, (body, _key, options) => cutOff(body, options.offset === undefined ? 1000 : 0));
    await expect(fetchFile(short, source, fileOf(source, 0), { tempDir, firstPauseMs: 1 })).rejects.toMatchObject({
      code: 'DATA_MISSING',
      message: expect.stringContaining('cut short'),
      found: '1000 bytes',
    });
    const broken = tampered(storage, (body) => cutOff(body, 0, new Error('ECONNRESET')));
    await expect(fetchFile(broken, source, fileOf(source, 0), { tempDir, firstPauseMs: 1 })).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
    expect(await readdir(tempDir)).toEqual([]);
  });

  test('fault 36: an object that is replaced between two ranges is refused', async () => {
    const { storage, source } = await uploaded({ items, filesCount: 1 });
    const tempDir = await newFolder();
    const file = fileOf(source, 0);
    const replacing = tampered(storage, (body, key, _options, call) => {
      if (call > 1) return body;
      void storage.put(key, Buffer.alloc(file.sizeBytes));
      return cutOff(body, 1000, new Error('ECONNRESET'));
    });
    await expect(fetchFile(replacing, source, file, { tempDir })).rejects.toMatchObject({
      code: 'DATA_CHECKSUM',
      message: expect.stringContaining('replaced'),
    });
    expect(await readdir(tempDir)).toEqual([]);
  });

  test('fault 37 and 39: other bytes of the same length, and an object that is gone', async () => {
    const { storage, source } = await uploaded({ items, filesCount: 1 });
    const tempDir = await newFolder();
    const flipping = tampered(storage, (body) => body.map((chunk: Buffer) => Buffer.from(chunk).fill(0, 0, 1)));
    await expect(fetchFile(flipping, source, fileOf(source, 0), { tempDir })).rejects.toMatchObject({
      code: 'DATA_CHECKSUM',
    });
    await storage.delete(fileOf(source, 0).key);
    await expect(fetchFile(storage, source, fileOf(source, 0), { tempDir })).rejects.toMatchObject({
      code: 'DATA_MISSING',
    });
    expect(await readdir(tempDir)).toEqual([]);
  });

  test('fault 40: what the store forbids is said at once, not tried again', async () => {
    const { storage, source } = await uploaded({ items, filesCount: 1 });
    let calls = 0;
    const denied = tampered(storage, () => {
      calls += 1;
      throw new TailraceError('ACCESS_DENIED', 'KMS key disabled.');
    });
    await expect(fetchFile(denied, source, fileOf(source, 0), { tempDir: await newFolder() })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    });
    expect(calls).toBe(1);
  });

  test('interrupted, it ends soon and leaves nothing', async () => {
    const { storage, source } = await uploaded({ items, filesCount: 1 });
    const tempDir = await newFolder();
    const abort = new AbortController();
    const stalling = tampered(storage, (body, _key, { signal }) => {
      const silent = cutOff(body, 500).pipe(new PassThrough(), { end: false });
      signal?.addEventListener('abort', () => silent.destroy(new Error('aborted')));
      return silent;
    });
    setTimeout(() => abort.abort(), 20);
    await expect(
      fetchFile(stalling, source, fileOf(source, 0), { tempDir, signal: abort.signal }),
    ).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await readdir(tempDir)).toEqual([]);
  });

  test('an Ion export comes out as DynamoDB JSON, from a folder and from a store', async () => {
    const options = { items, filesCount: 1, format: 'ION' as const };
    const remote = await uploaded(options);
    const at = await writeExport(await newFolder(), options);
    const storage = localStorage(at.exportDir);
    for (const { store, source } of [
      { store: remote.storage, source: remote.source },
      { store: storage, source: await openFullExport(storage, '') },
    ]) {
      const tempDir = await newFolder();
      const fetched = await fetchFile(store, source, fileOf(source, 0), { tempDir });
      expect(fetched.path.endsWith('.json')).toBe(true);
      const lines = (await readFile(fetched.path, 'utf8')).trimEnd().split('\n');
      expect(lines.map(canonicalLine)).toEqual(items.map(canonicalItem));
      expect(await readdir(tempDir)).toHaveLength(1);
      await fetched.release();
      expect(await readdir(tempDir)).toEqual([]);
    }
    expect(
      gunzipSync(await readFile(at.dataPaths[0] ?? ''))
        .toString()
        .slice(0, 9),
    ).toBe('$ion_1_0 ');
  });
});
