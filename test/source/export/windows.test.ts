import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findExports } from '../../../src/source/export/discover.ts';
import { openExport, openFullExport, openIncrementalExport } from '../../../src/source/export/open.ts';
import type { IncrementalExport } from '../../../src/source/port.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { type WrittenExport, writeExport } from '../../data/make-export.ts';
import { type WindowOptions, writeWindow } from '../../data/make-window.ts';

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'windows-'));
const hour = (from: number): { from: string; to: string } => ({
  from: `2026-03-01T${String(from).padStart(2, '0')}:00:00Z`,
  to: `2026-03-01T${String(from + 1).padStart(2, '0')}:00:00Z`,
});
const changes = ['a', 'b', 'c'].map((pk) => ({
  at: 1768387654353205n,
  keys: { pk: { S: pk } },
  new: { pk: { S: pk } },
}));

async function window(dir: string, options: Partial<WindowOptions> = {}): Promise<WrittenExport> {
  return writeWindow(dir, { changes, ...hour(12), ...options });
}

function below(at: WrittenExport): string {
  return at.exportDir.slice(at.dir.length + 1);
}

const opened = (at: WrittenExport, trustManifest = false): Promise<IncrementalExport> =>
  openIncrementalExport(localStorage(at.dir), below(at), { trustManifest });

describe('findExports', () => {
  test('passes over exports that were begun before a time, but for the newest two of them; not one that is named', async () => {
    const dir = await folder();
    const windows: WrittenExport[] = [];
    for (let from = 1; from <= 6; from += 1) windows.push(await window(dir, hour(from)));
    const since = Date.parse('2026-03-01T06:00:00Z');
    const { exports, passed } = await findExports(localStorage(dir), '', since);
    expect(exports.map(({ from }) => from.slice(11, 13)).sort()).toEqual(['03', '04', '05', '06']);
    expect(passed).toBe(2);
    const first = windows[0] as WrittenExport;
    expect((await findExports(localStorage(dir), below(first), since)).exports).toHaveLength(1);
    expect((await findExports(localStorage(dir), '', Date.parse('2027-01-01T00:00:00Z'))).exports).toHaveLength(2);
  });

  test('finds full and incremental exports of all tables, from above, from their folder, and by a summary', async () => {
    const dir = await folder();
    const full = await writeExport(join(dir, 'deep/er'), {});
    const first = await window(join(dir, 'deep/er'));
    const second = await window(join(dir, 'elsewhere'), { ...hour(13), tableName: 'Other', tableId: 'other-id' });
    const { exports, warnings } = await findExports(localStorage(dir), '');
    expect(warnings).toEqual([]);
    const byUri = new Map(exports.map((each) => [each.uri, each]));
    expect(byUri.size).toBe(3);
    expect(byUri.get(first.exportDir)).toEqual({
      folder: `deep/er/dynamodb-export/AWSDynamoDB/${first.exportId}`,
      uri: first.exportDir,
      kind: 'incremental',
      exportArn: `${first.tableArn}/export/${first.exportId}`,
      tableArn: first.tableArn,
      tableId: first.tableId,
      tableName: 'Shop',
      ...hour(12),
      items: 3,
    });
    expect(byUri.get(full.exportDir)).toMatchObject({ kind: 'full', from: full.exportTime, to: full.exportTime });
    expect(byUri.get(second.exportDir)).toMatchObject({ tableName: 'Other', tableId: 'other-id', ...hour(13) });
    for (const prefix of [below(first), `${below(first)}/manifest-summary.json`]) {
      expect((await findExports(localStorage(join(dir, 'deep/er')), prefix)).exports).toHaveLength(1);
    }
    expect((await findExports(localStorage(second.exportDir), '')).exports).toMatchObject([{ folder: '' }]);
  });

  test('faults 43 and 50: unfinished and unreadable exports are warnings, unless nothing else is there', async () => {
    const dir = await folder();
    const root = join(dir, 'dynamodb-export/AWSDynamoDB');
    await mkdir(join(root, '01768387654353-aaaaaaaa'), { recursive: true });
    await writeFile(join(root, '01768387654353-aaaaaaaa/_started'), '');
    await expect(findExports(localStorage(dir), '')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('not finished'),
    });
    await window(dir, { exportId: '01768387654353-bbbbbbbb', summary: { outputFormat: 'CSV' } });
    await expect(findExports(localStorage(dir), '')).rejects.toMatchObject({ code: 'MANIFEST_BAD', found: 'CSV' });
    await window(dir);
    const { exports, warnings } = await findExports(localStorage(dir), '');
    expect(exports).toHaveLength(1);
    expect(warnings).toEqual([
      { code: 'export-unfinished', text: expect.stringContaining('01768387654353-aaaaaaaa') },
      { code: 'export-unreadable', text: expect.stringMatching(/01768387654353-bbbbbbbb is left out: .*CSV/) },
    ]);
  });

  test('an empty place has none', async () => {
    await expect(findExports(localStorage(await folder()), '')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('No export lies'),
    });
  });
});

describe('openIncrementalExport', () => {
  test.each(['DYNAMODB_JSON', 'ION'] as const)('window, view and files of an export in %s', async (format) => {
    const dir = await folder();
    expect(await opened(await window(dir, { format }))).toMatchObject({
      kind: 'incremental',
      ...hour(12),
      view: 'NEW_AND_OLD_IMAGES',
      format,
      itemCount: 3,
      tableName: 'Shop',
      trusted: false,
      warnings: [],
      files: [{ itemCount: 2 }, { itemCount: 1 }],
    });
    for (const outputView of ['NEW_IMAGE', 'NEW_IMAGES']) {
      expect(await opened(await window(dir, { summary: { outputView } }))).toMatchObject({ view: 'NEW_IMAGE' });
    }
  });

  test('fault 50: of the shared data folder only those files are read that the manifest names', async () => {
    const dir = await folder();
    const first = await window(dir, { filesCount: 1 });
    const second = await window(dir, { ...hour(13), filesCount: 3 });
    await writeFile(join(dir, 'dynamodb-export/AWSDynamoDB/data/foreign.json.gz'), 'x');
    for (const at of [first, second]) {
      expect((await opened(at)).files.map(({ key }) => join(dir, key))).toEqual(at.dataPaths);
    }
  });

  test('a copy whose folders have other names is found by the tails of its keys', async () => {
    const at = await window(await folder());
    const copy = await folder();
    await cp(join(at.dir, 'dynamodb-export/AWSDynamoDB'), join(copy, 'x/mine'), { recursive: true });
    const source = await openIncrementalExport(localStorage(copy), `x/mine/${at.exportId}`);
    expect(source.files.map(({ key }) => key)).toEqual(at.dataPaths.map((path) => `x/mine/data/${basename(path)}`));
    await rename(join(copy, 'x/mine/data'), join(copy, 'x/mine', at.exportId, 'data'));
    expect((await openIncrementalExport(localStorage(copy), `x/mine/${at.exportId}`)).files[0]?.key).toMatch(
      new RegExp(`^x/mine/${at.exportId}/data/`),
    );
  });

  test('fault 39: a data file that is not there is named', async () => {
    const at = await window(await folder());
    await rm(at.dataPaths[1] ?? '');
    await expect(opened(at)).rejects.toMatchObject({
      code: 'DATA_MISSING',
      expected: expect.stringContaining(basename(at.dataPaths[1] ?? 'x')),
    });
  });

  test('fault 54: what the summary says of a window is held to its form', async () => {
    const dir = await folder();
    const wrong: Record<string, unknown>[] = [
      { version: '2020-06-30' },
      { exportFromTime: 'soon' },
      { exportFromTime: '2026-03-01T12:00:00' },
      { exportFromTime: 1768387654 },
      { exportToTime: undefined },
      { exportToTime: hour(12).from },
      { exportToTime: '2026-03-01T11:00:00Z' },
      { outputView: 'OLD_IMAGE' },
      { outputView: undefined },
      { exportType: 'FULL_EXPORT', exportTime: '2026-03-01T12:00:00Z', version: '2023-08-01' },
      { tableId: '' },
    ];
    for (const summary of wrong)
      await expect(opened(await window(dir, { summary }))).rejects.toMatchObject({ code: 'MANIFEST_BAD' });
    // A time with an offset is the same moment, written otherwise.
    expect(
      await opened(await window(dir, { summary: { exportFromTime: '2026-03-01T13:00:00.000+01:00' } })),
    ).toMatchObject({ from: '2026-03-01T13:00:00.000+01:00' });
  });

  test('faults 52 and 54: counts that disagree and edited manifests are refused; a trusted one is marked', async () => {
    await expect(opened(await window(await folder(), { summary: { itemCount: 4 } }))).rejects.toMatchObject({
      code: 'COUNT_MISMATCH',
    });
    const at = await window(await folder());
    const path = join(at.exportDir, 'manifest-summary.json');
    await writeFile(path, (await readFile(path, 'utf8')).replaceAll('13:00:00Z', '14:00:00Z'));
    await expect(opened(at)).rejects.toMatchObject({ code: 'MANIFEST_CHECKSUM' });
    expect(await opened(at, true)).toMatchObject({ trusted: true, to: '2026-03-01T14:00:00Z' });
  });

  test('keys that lead out of the folder are refused', async () => {
    const at = await window(await folder());
    const path = join(at.exportDir, 'manifest-files.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace(/dynamodb-export\/AWSDynamoDB/, '../../etc'));
    await expect(opened(at, true)).rejects.toMatchObject({
      code: 'MANIFEST_BAD',
      message: expect.stringContaining('lead out'),
    });
  });

  test('each kind is opened as what it is', async () => {
    const dir = await folder();
    const storage = localStorage(dir);
    const [full, incremental] = [await writeExport(dir, {}), await window(dir)];
    expect((await openExport(storage, below(full))).kind).toBe('full');
    expect((await openExport(storage, below(incremental))).kind).toBe('incremental');
    await expect(openFullExport(storage, below(incremental))).rejects.toMatchObject({ code: 'MANIFEST_BAD' });
    await expect(openIncrementalExport(storage, below(full))).rejects.toMatchObject({
      code: 'MANIFEST_BAD',
      expected: 'an incremental export',
    });
  });
});
