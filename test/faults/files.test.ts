import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { appendFile, copyFile, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Storage } from '../../src/storage/port.ts';
import { type Fault, Laboratory } from '../crash/faulty-storage.ts';
import { faultsOn } from '../crash/scripts.ts';
import type { DdbItem } from '../data/ion.ts';
import type { ManifestEntry, WrittenExport } from '../data/make-export.ts';
import { canonical, FORMATS, type LoadOptions, visibleData, World } from './load.ts';

// Data files and manifests that are not what they should be: one clear error that names the file, and nothing committed.

const ITEMS: readonly DdbItem[] = Array.from({ length: 60 }, (_, index) => ({
  pk: { S: `${index}` },
  n: { N: `${index}` },
}));
const fourFiles = { items: ITEMS, filesCount: 4 };

/** What each of these errors may tell the user to do, exactly. */
const HINTS: Readonly<Record<string, readonly string[]>> = {
  COUNT_MISMATCH: [
    "Copy both manifests again from the export's folder; one of them was changed.",
    'The manifest or the file was changed after the export; run the export again.',
  ],
  DATA_CHECKSUM: ['Copy the file again from the export; nothing was loaded from it.'],
  DATA_MISSING: ['Copy the missing files from the export; nothing is loaded until all are there.'],
};

async function expectRefused(
  world: World,
  source: WrittenExport,
  code: string,
  file: string | undefined,
  options: LoadOptions = {},
): Promise<void> {
  for (const format of FORMATS) {
    // Each file is a batch: batches before the bad file are written when it is found.
    for (const batchBytes of [1, 1e6]) {
      const target = world.target(format, `refused-${batchBytes}`);
      const report = await world.sync(source, target, { ...options, batchBytes });
      expect(report.outcome).toBe('failed');
      expect(report.error?.code, JSON.stringify(report.error)).toBe(code);
      if (file !== undefined) expect(JSON.stringify(report.error)).toContain(basename(file));
      expect(HINTS[code]).toContain(report.error?.hint);
      expect((await world.table(target)).state).toBeUndefined();
      expect(await world.leftovers()).toEqual([]);
    }
  }
}

const third = (source: WrittenExport): string => source.dataPaths[2] ?? '';

describe('data files', () => {
  test('fault 35 and 39: a file that is cut short is named', async () => {
    await using world = await World.open();
    const source = await world.export(fourFiles);
    await truncate(third(source), 40);
    await expectRefused(world, source, 'DATA_CHECKSUM', third(source));
  });

  test('fault 37: a flipped bit is found, wherever it is, also in the header and the trailer of gzip', async () => {
    await using world = await World.open();
    const source = await world.export(fourFiles);
    const sound = await readFile(third(source));
    for (const at of [0, 4, 9, 40, sound.length - 8, sound.length - 1]) {
      const bytes = Buffer.from(sound);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      await writeFile(third(source), bytes);
      const report = await world.sync(source, world.target('iceberg', `at-${at}`), { batchBytes: 1 });
      expect(report.error?.code, `byte ${at}`).toBe('DATA_CHECKSUM');
      expect(JSON.stringify(report.error)).toContain(basename(third(source)));
      expect((await world.table(world.target('iceberg', `at-${at}`))).state).toBeUndefined();
    }
  });

  test('fault 37: two files that were swapped are found', async () => {
    await using world = await World.open();
    const source = await world.export(fourFiles);
    const [first = '', second = ''] = source.dataPaths;
    await copyFile(first, `${first}.away`);
    await rename(second, first);
    await rename(`${first}.away`, second);
    await expectRefused(world, source, 'DATA_CHECKSUM', first);
  });

  test('fault 38: junk behind a gzip stream, a second member, and what is no gzip, are not the file of the manifest', async () => {
    await using world = await World.open();
    const source = await world.export(fourFiles);
    const sound = await readFile(third(source));
    const line = '{"Item":{"pk":{"S":"smuggled"}}}\n';
    for (const bytes of [
      Buffer.concat([sound, Buffer.from('junk')]),
      Buffer.concat([sound, gzipSync(line)]),
      gunzipSync(sound),
    ]) {
      await writeFile(third(source), bytes);
      const report = await world.sync(source, world.target('iceberg'));
      expect(report.error?.code).toBe('DATA_CHECKSUM');
    }
  });

  test('fault 38: a broken gzip whose checksum the manifest has is an error, never a short read', async () => {
    await using world = await World.open();
    const whole = await world.export(fourFiles, 'whole');
    const sound = await readFile(third(whole));
    for (const [name, bytes] of [
      ['cut', sound.subarray(0, sound.length - 20)],
      ['empty', Buffer.alloc(0)],
      ['junk', Buffer.from('no gzip at all, but longer than an empty one: it must not be skipped')],
    ] as const) {
      const source = await world.export({ ...fourFiles, entries: (all) => withBytes(all, 2, bytes) }, name);
      await writeFile(third(source), bytes);
      const report = await world.sync(source, world.target('iceberg', name));
      expect(report.outcome, name).toBe('failed');
      expect(['DATA_CHECKSUM', 'DATA_MISSING', 'COUNT_MISMATCH']).toContain(report.error?.code);
      expect(JSON.stringify(report.error)).toContain(basename(third(source)));
      expect((await world.table(world.target('iceberg', name))).state).toBeUndefined();
    }
  });

  test('fault 38: members of gzip one behind the other are one file', async () => {
    await using world = await World.open();
    const lines = ITEMS.map((item) => `{"Item":${JSON.stringify(item)}}\n`);
    const bytes = Buffer.concat([gzipSync(lines.slice(30, 40).join('')), gzipSync(lines.slice(40, 45).join(''))]);
    const source = await world.export({ ...fourFiles, entries: (all) => withBytes(all, 2, bytes) });
    await writeFile(third(source), bytes);
    await world.load(source, world.target('iceberg'));
    expect(await world.items(world.target('iceberg'))).toEqual(canonical(ITEMS));
  });

  test('fault 39: files that are not there are named, all of them, before anything is read', async () => {
    await using world = await World.open();
    const source = await world.export(fourFiles);
    await rm(source.dataPaths[1] ?? '');
    await rm(third(source));
    await expectRefused(world, source, 'DATA_MISSING', third(source));
    const report = await world.sync(source, world.target('iceberg'));
    expect(JSON.stringify(report.error)).toContain(basename(source.dataPaths[1] ?? ''));
  });

  test('fault 36: a file that is replaced while it is read is noticed, and nothing is committed', async () => {
    await using world = await World.open();
    const source = await world.export({
      items: Array.from({ length: 4000 }, (_, index) => ({ pk: { S: `${index}` }, n: { N: `${index}` } })),
      filesCount: 4,
    });
    const other = gzipSync('{"Item":{"pk":{"S":"other"}}}\n'.repeat(1000));
    let replaced = false;
    const report = await world.sync(source, world.target('iceberg'), {
      batchBytes: 1,
      onProgress: ({ itemsDone }) => {
        if (itemsDone === 0 || replaced) return;
        replaced = true;
        for (const path of source.dataPaths.slice(1)) writeFileSync(path, other);
      },
    });
    expect(replaced).toBe(true);
    expect(report.error?.code).toBe('DATA_CHECKSUM');
    expect((await world.table(world.target('iceberg'))).state).toBeUndefined();
  });
});

describe('counts', () => {
  test.each([
    ['one more', 1],
    ['one less', -1],
  ])('fault 52: a manifest that counts %s in a file is refused, and the file named', async (_name, more) => {
    await using world = await World.open();
    const entries = (all: ManifestEntry[]): ManifestEntry[] =>
      all.map((entry, index) => (index === 2 ? { ...entry, itemCount: entry.itemCount + more } : entry));
    const source = await world.export({ ...fourFiles, entries, summary: { itemCount: ITEMS.length + more } });
    await expectRefused(world, source, 'COUNT_MISMATCH', third(source));
  });

  test.each([1, 1e9])(
    'fault 52: miscounts of two files that cancel out are found, in batches of %d',
    async (batchBytes) => {
      await using world = await World.open();
      const change = [0, 0, 1, -1];
      const entries = (all: ManifestEntry[]): ManifestEntry[] =>
        all.map((entry, index) => ({ ...entry, itemCount: entry.itemCount + (change[index] ?? 0) }));
      const source = await world.export({ ...fourFiles, entries });
      const report = await world.sync(source, world.target('iceberg'), { batchBytes });
      expect(report.error).toMatchObject({
        code: 'COUNT_MISMATCH',
        place: expect.stringMatching(third(source).split('/').at(-1) ?? ''),
        found: '15 items',
      });
      expect((await world.table(world.target('iceberg'))).state).toBeUndefined();
    },
  );

  test('fault 52: a file said to be empty that is not, is refused', async () => {
    await using world = await World.open();
    const entries = (all: ManifestEntry[]): ManifestEntry[] =>
      all.map((entry, index) => (index === 2 ? { ...entry, itemCount: 0 } : entry));
    const source = await world.export({ ...fourFiles, entries, summary: { itemCount: 45 } });
    await expectRefused(world, source, 'COUNT_MISMATCH', third(source));
  });

  test('fault 52: one short line in a file said to be empty is found; blank lines are nothing', async () => {
    await using world = await World.open();
    const noItem = (all: ManifestEntry[]): ManifestEntry[] =>
      all.map((entry, index) => (index === 1 ? { ...entry, itemCount: 0 } : entry));
    const good = ITEMS.map((item) => `{"Item":${JSON.stringify(item)}}`);
    for (const line of ['{"Item":{"pk":{"S":"x"}}}', '{"Item":{}}']) {
      const files = { files: [good, [line]], entries: noItem, summary: { itemCount: ITEMS.length } };
      const source = await world.export(files, `hidden-${line.length}`);
      const report = await world.sync(source, world.target('iceberg', 'hidden'));
      expect(report.error?.code, line).toBe('COUNT_MISMATCH');
    }
    const blank = await world.export({ files: [good, ['', '  ', '', '\t', ''.padEnd(300)]] }, 'blank');
    await world.load(blank, world.target('iceberg', 'blank'));
    expect(await world.items(world.target('iceberg', 'blank'))).toEqual(canonical(ITEMS));
  });

  test('fault 52: a summary that counts otherwise than its files is refused', async () => {
    await using world = await World.open();
    const source = await world.export({ ...fourFiles, summary: { itemCount: 61 } });
    await expectRefused(world, source, 'COUNT_MISMATCH', undefined);
  });

  test('fault 50: files that lie beside those of the manifest are not read', async () => {
    await using world = await World.open();
    const source = await world.export(fourFiles);
    const stray = join(source.exportDir, 'data', 'zzzzzzzzzzzzzzzzzzzzzzzzzz.json.gz');
    await writeFile(stray, gzipSync('{"Item":{"pk":{"S":"stray"}}}\n'));
    await appendFile(join(source.exportDir, 'data', '_SUCCESS'), '');
    await world.load(source, world.target('parquet'));
    expect(await world.items(world.target('parquet'))).toEqual(canonical(ITEMS));
  });
});

describe('a store that fails', () => {
  const laboratory = (fault: Fault, fits: Parameters<typeof faultsOn>[0], times = 1) => {
    const lab = new Laboratory(faultsOn(fits, fault, times));
    return {
      lab,
      at:
        (end: string) =>
        (storage: Storage, which: string): Storage =>
          which === end ? lab.wrap(storage) : storage,
    };
  };

  test.each(FORMATS)(
    'fault 40: a target that forbids writing midway stops the run; allowed again, it goes on where it was (%s)',
    async (format) => {
      await using world = await World.open();
      const source = await world.export(fourFiles);
      let adopted = 0;
      const lab = new Laboratory(({ operation }) =>
        operation === 'adopt' && ++adopted > 2 ? { kind: 'answer', status: 403 } : undefined,
      );
      const target = world.target(format);
      const denied = await world.sync(source, target, {
        batchBytes: 1,
        wrap: (storage, end) => (end === 'target' ? lab.wrap(storage) : storage),
      });
      expect(denied.error?.code).toBe('ACCESS_DENIED');
      expect((await world.table(target)).state).toBeUndefined();
      const report = await world.load(source, target, { batchBytes: 1 });
      expect(report.files.resumed).toBe(2);
      expect(await world.items(target)).toEqual(canonical(ITEMS));
    },
  );

  test('fault 33: a source that gives no answer is one error with a remedy, and a re-run completes', async () => {
    await using world = await World.open();
    const source = await world.export(fourFiles);
    const { at } = laboratory({ kind: 'answer', status: 503 }, { operation: 'get', uri: /manifest-summary/ }, 100);
    const failed = await world.sync(source, world.target('iceberg'), { wrap: at('source') });
    expect(failed.error).toMatchObject({ code: 'UNREACHABLE', hint: expect.any(String) });
    await world.load(source, world.target('iceberg'));
  });

  test.each(FORMATS)(
    'faults 1 and 7: the reply to the commit is lost: the table is looked at, no live file is deleted (%s)',
    async (format) => {
      await using world = await World.open();
      const source = await world.export(fourFiles);
      const target = world.target(format);
      const { at } = laboratory(
        { kind: 'lose reply' },
        { operation: 'putIf', uri: /metadata\.json$|_tailrace\.json$/ },
      );
      const report = await world.sync(source, target, { wrap: at('target') });
      expect(['committed', 'failed']).toContain(report.outcome);
      if (report.outcome === 'failed') expect(report.error?.code).toBe('COMMIT_UNKNOWN');
      expect(await world.items(target)).toEqual(canonical(ITEMS));
      expect((await world.sync(source, target)).outcome).toBe('unchanged');
    },
  );

  test.each(FORMATS)(
    'faults 1 and 7: the commit itself is lost: the run says unknown, deletes nothing, and a re-run commits (%s)',
    async (format) => {
      await using world = await World.open();
      const source = await world.export(fourFiles);
      const target = world.target(format);
      const { at } = laboratory(
        { kind: 'lose request' },
        { operation: 'putIf', uri: /metadata\.json$|_tailrace\.json$/ },
      );
      const report = await world.sync(source, target, { wrap: at('target') });
      expect(report.error).toMatchObject({ code: 'COMMIT_UNKNOWN', hint: expect.stringContaining('again') });
      const data = await visibleData(world, target);
      expect(data.length).toBeGreaterThan(0);
      const again = await world.load(source, target);
      expect(again.files.resumed).toBe(data.length);
      expect(await world.items(target)).toEqual(canonical(ITEMS));
    },
  );

  test.each(FORMATS)(
    'fault 14: another writer makes the table meanwhile: a conflict, and its table stays (%s)',
    async (format) => {
      await using world = await World.open();
      const source = await world.export(fourFiles);
      const other = await world.export({ items: ITEMS.slice(0, 3), exportTime: '2026-02-01T00:00:00Z' }, 'other');
      const target = world.target(format);
      let raced = false;
      const race = (storage: Storage, end: string): Storage =>
        end === 'source'
          ? storage
          : new Proxy(storage, {
              get: (inner, name) => {
                const method: unknown = Reflect.get(inner, name);
                if (typeof method !== 'function') return method;
                if (name !== 'putIf' || raced) return method.bind(inner);
                return async (...args: Parameters<Storage['putIf']>) => {
                  raced = true;
                  await world.load(other, target);
                  return inner.putIf(...args);
                };
              },
            });
      const report = await world.sync(source, target, { wrap: race });
      expect(report.error?.code).toBe('COMMIT_CONFLICT');
      expect(await world.items(target)).toEqual(canonical(ITEMS.slice(0, 3)));
    },
  );
});

/** The manifest with the checksums of these bytes for one file. */
function withBytes(entries: ManifestEntry[], index: number, bytes: Uint8Array): ManifestEntry[] {
  const md5 = createHash('md5').update(bytes).digest();
  const etag = `${createHash('md5').update(md5).digest('hex')}-1`;
  return entries.map((entry, i) => (i === index ? { ...entry, md5Checksum: md5.toString('base64'), etag } : entry));
}
