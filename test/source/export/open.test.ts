import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findFullExport } from '../../../src/source/export/discover.ts';
import { openFullExport } from '../../../src/source/export/open.ts';
import type { FullExport } from '../../../src/source/port.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import { type ExportOptions, type WrittenExport, writeExport } from '../../data/make-export.ts';

const items = Array.from({ length: 10 }, (_, index) => ({ pk: { S: `k${index}` } }));

async function written(options: ExportOptions = {}): Promise<WrittenExport> {
  return writeExport(await mkdtemp(join(tmpdir(), 'open-')), { items, ...options });
}

const opened = (at: WrittenExport, trustManifest = false): Promise<FullExport> =>
  openFullExport(localStorage(at.exportDir), '', { trustManifest });

describe('openFullExport', () => {
  test('a real export', async ({ skip }) => {
    if (!existsSync('../shared/data/exports')) skip('skipped: no shared data');
    const storage = localStorage('../shared/data/exports');
    const source = await openFullExport(storage, await findFullExport(storage, ''));
    expect(source).toMatchObject({
      tableName: 'S3ExportTest',
      tableId: '11991185-e7ab-4da5-8bab-03f0db0b7bfd',
      exportTime: '2024-05-14T11:14:20.608Z',
      format: 'DYNAMODB_JSON',
      itemCount: 3,
      trusted: false,
    });
    expect(source.files).toHaveLength(1);
    expect(source.files[0]).toMatchObject({ index: 0, itemCount: 3, md5Base64: 'rzAeIrtALbOlNdK5Hh8tgA==' });
    expect(source.warnings.map(({ code }) => code)).toEqual(['manifest-checksum-missing', 'manifest-checksum-missing']);
  });

  test('both names of checksum files are known; a missing one is a warning', async () => {
    for (const checksums of ['md5', 'checksum'] as const) {
      const source = await opened(await written({ checksums }));
      expect(source).toMatchObject({ trusted: false, warnings: [], itemCount: 10, tableName: 'Shop' });
    }
    const source = await opened(await written({ checksums: 'none' }));
    expect(source.warnings.map(({ code }) => code)).toEqual(['manifest-checksum-missing', 'manifest-checksum-missing']);
  });

  test('a manifest that disagrees with its checksum file is refused, both named, unless it is trusted', async () => {
    for (const checksums of ['md5', 'checksum'] as const) {
      for (const manifest of ['manifest-summary', 'manifest-files']) {
        const at = await written({ checksums });
        await writeFile(
          join(at.exportDir, `${manifest}.json`),
          ` \n${await readFile(join(at.exportDir, `${manifest}.json`), 'utf8')}`,
        );
        await expect(opened(at)).rejects.toMatchObject({
          code: 'MANIFEST_CHECKSUM',
          message: expect.stringContaining(`${manifest}.json does not agree with ${manifest}.${checksums}`),
          place: join(at.exportDir, `${manifest}.json`),
          hint: expect.stringContaining('--trust-manifest'),
        });
        expect(await opened(at, true)).toMatchObject({
          trusted: true,
          itemCount: 10,
          warnings: [{ code: 'manifest-trusted' }],
        });
      }
    }
  });

  test('a broken line in a changed manifest is told as a change first, and as broken where that is trusted', async () => {
    const at = await written();
    await writeFile(join(at.exportDir, 'manifest-files.json'), '{"itemCount":');
    await expect(opened(at)).rejects.toMatchObject({ code: 'MANIFEST_CHECKSUM' });
    await expect(opened(at, true)).rejects.toMatchObject({
      code: 'MANIFEST_BAD',
      place: expect.stringContaining('manifest-files.json:1'),
    });
  });

  test('fault 52: counts of summary and files disagree', async () => {
    await expect(opened(await written({ summary: { itemCount: 11 } }))).rejects.toMatchObject({
      code: 'COUNT_MISMATCH',
      expected: expect.stringContaining('11'),
      found: expect.stringContaining('10'),
    });
  });

  test('fault 54: extra fields, CRLF, blank lines and byte order marks are fine; known fields are held to their form', async () => {
    const at = await written({ checksums: 'none', summary: { newField: { a: 1 }, exportType: 'FULL_EXPORT' } });
    for (const name of ['manifest-files.json', 'manifest-summary.json']) {
      const path = join(at.exportDir, name);
      await writeFile(
        path,
        `\ufeff${(await readFile(path, 'utf8')).replaceAll('\n', '\r\n\r\n').replaceAll('"etag"', '"x":[],"etag"')}`,
      );
    }
    expect(await opened(at)).toMatchObject({ itemCount: 10 });
    const summaries: Record<string, unknown>[] = [
      { version: '2031-01-01' },
      { version: undefined },
      { itemCount: -1 },
      { itemCount: '10' },
      { itemCount: 1.5 },
      { tableArn: 'x' },
      { tableId: '' },
      { exportTime: 'yesterday' },
      { exportTime: undefined },
      { outputFormat: 'CSV' },
      { exportType: 'OTHER' },
      { exportArn: null },
      { exportType: 'INCREMENTAL_EXPORT' },
    ];
    for (const summary of summaries)
      await expect(opened(await written({ summary }))).rejects.toMatchObject({ code: 'MANIFEST_BAD' });
    for (const change of [
      { itemCount: -1 },
      { md5Checksum: 'x' },
      { md5Checksum: undefined },
      { dataFileS3Key: '' },
      { dataFileS3Key: 7 },
    ]) {
      const at = await written({
        entries: (entries) => entries.map((entry, index) => (index === 1 ? { ...entry, ...change } : entry)),
      });
      await expect(opened(at)).rejects.toMatchObject({
        code: 'MANIFEST_BAD',
        place: expect.stringMatching(/manifest-files\.json:2$/),
      });
    }
  });

  test('keys that lead out of the folder are refused', async () => {
    for (const key of [
      '../x',
      'a/../../x',
      '/etc/passwd',
      'a//b',
      'a/./b',
      's3://b/k',
      'file:x',
      'C:\\x',
      'a\\..\\b',
      '..',
      'a\u0000b',
    ]) {
      const at = await written({
        entries: (entries) => entries.map((entry, index) => (index === 0 ? { ...entry, dataFileS3Key: key } : entry)),
      });
      await expect(opened(at)).rejects.toMatchObject({
        code: 'MANIFEST_BAD',
        message: expect.stringContaining('lead out'),
      });
    }
  });

  test('fault 12: a data file that is listed twice is refused', async () => {
    const at = await written({ entries: (entries) => [...entries, ...entries.slice(0, 1)] });
    await expect(opened(at)).rejects.toMatchObject({
      code: 'MANIFEST_BAD',
      found: expect.stringContaining('in lines 1 and 3'),
    });
  });

  test('fault 39: all missing data files are named at once', async () => {
    const at = await written({ filesCount: 10 });
    for (const path of at.dataPaths.slice(3, 5)) await rm(path);
    const failed = (await opened(at).catch((thrown: unknown) => thrown)) as {
      code: string;
      message: string;
      expected: string;
    };
    expect(failed).toMatchObject({ code: 'DATA_MISSING', message: expect.stringContaining('2 of 10') });
    for (const path of at.dataPaths.slice(3, 5))
      expect(failed.expected).toContain(path.slice(path.lastIndexOf('/') + 1));
    for (const path of at.dataPaths.slice(5)) await rm(path);
    await rm(at.dataPaths[0] ?? '');
    expect(await opened(at).catch((thrown: unknown) => thrown)).toMatchObject({
      message: expect.stringContaining('8 of 10'),
    });
  });

  test('fault 51: empty files, an empty first file and no items at all are fine', async () => {
    const source = await opened(await written({ emptyFirst: true }));
    expect(source.files.map(({ itemCount }) => itemCount)).toEqual([0, 5, 5]);
    expect(source.files[0]?.sizeBytes).toBe(20);
    expect(await opened(await written({ items: [] }))).toMatchObject({ itemCount: 0 });
    expect(await opened(await written({ items: [], filesCount: 0 }))).toMatchObject({ itemCount: 0, files: [] });
  });

  test('a missing manifest says so', async () => {
    const at = await written();
    await rm(join(at.exportDir, 'manifest-files.json'));
    await expect(opened(at)).rejects.toMatchObject({ code: 'MANIFEST_BAD', expected: 'manifest-files.json' });
  });

  test('a local copy is found by the tails of its keys, wherever it begins', async () => {
    const at = await written();
    const relative = at.exportDir.slice(at.dir.length + 1);
    for (const [root, prefix] of [
      [at.dir, relative],
      [join(at.dir, 'dynamodb-export'), `AWSDynamoDB/${at.exportId}`],
      ['/', at.exportDir.slice(1)],
    ] as const) {
      expect((await openFullExport(localStorage(root), prefix)).files).toHaveLength(2);
    }
    // Data that lies elsewhere in the tree: a key of the manifest counts from a folder above the export.
    const key = 'dynamodb-export/AWSDynamoDB/other/data/moved.json.gz';
    const moved = await written({
      entries: (entries) => entries.map((entry, index) => (index === 0 ? { ...entry, dataFileS3Key: key } : entry)),
    });
    await mkdir(dirname(join(moved.dir, key)), { recursive: true });
    await rename(moved.dataPaths[0] ?? '', join(moved.dir, key));
    const source = await openFullExport(localStorage(moved.dir), moved.exportDir.slice(moved.dir.length + 1));
    expect(source.files[0]?.key).toBe(key);
  });

  test('the digest names the content of the export', async () => {
    const at = await written();
    const digest = (await opened(at)).digest;
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    const copy = await mkdtemp(join(tmpdir(), 'open-'));
    await mkdir(join(copy, 'data'));
    for (const name of ['manifest-files.json', 'manifest-summary.json'])
      await copyFile(join(at.exportDir, name), join(copy, name));
    for (const path of at.dataPaths) await copyFile(path, join(copy, 'data', path.slice(path.lastIndexOf('/') + 1)));
    expect((await openFullExport(localStorage(copy), '')).digest).toBe(digest);
    expect((await opened(await written({ summary: { x: 1 } }))).digest).not.toBe(digest);
  });

  test('a manifest of 100,000 files opens in seconds', async () => {
    const at = await written({
      items: [],
      filesCount: 1,
      summary: { itemCount: 100_000 },
      entries: ([entry]) =>
        Array.from({ length: 100_000 }, (_, index) => ({
          ...entry,
          itemCount: 1,
          dataFileS3Key: `e/AWSDynamoDB/1/data/f${index}.json.gz`,
        })),
    });
    const storage = memoryStorage();
    for (const name of ['manifest-files.json', 'manifest-summary.json'])
      await storage.put(`x/${name}`, await readFile(join(at.exportDir, name)));
    for (let index = 0; index < 100_000; index += 1) await storage.put(`x/data/f${index}.json.gz`, Buffer.alloc(0));
    const started = performance.now();
    const source = await openFullExport(storage, 'x');
    expect(source.files).toHaveLength(100_000);
    expect(source.files[99_999]).toMatchObject({ index: 99_999, key: 'x/data/f99999.json.gz' });
    expect(performance.now() - started).toBeLessThan(8_000);
  });
});
