import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findFullExport } from '../../../src/source/export/discover.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import type { Storage } from '../../../src/storage/port.ts';
import { writeExport } from '../../data/make-export.ts';

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'discover-'));
const incremental = {
  exportType: 'INCREMENTAL_EXPORT',
  version: '2023-08-01',
  exportTime: undefined,
  exportFromTime: 'a',
  exportToTime: 'b',
};

describe('findFullExport', () => {
  test('finds the one full export from its folder, from above, and by its summary', async () => {
    const dir = await folder();
    const { exportId } = await writeExport(join(dir, 'copy', 'data'), {});
    const key = `copy/data/dynamodb-export/AWSDynamoDB/${exportId}`;
    const storage = localStorage(dir);
    for (const prefix of [
      '',
      'copy',
      'copy/',
      'copy/data/dynamodb-export/AWSDynamoDB/',
      key,
      `${key}/`,
      `${key}/manifest-summary.json`,
    ]) {
      expect(await findFullExport(storage, prefix)).toBe(key);
    }
    expect(await findFullExport(localStorage(join(dir, key)), '')).toBe('');
  });

  test('fault 50: incremental exports beside it, with their shared data folder, do not matter', async () => {
    const dir = await folder();
    const { exportId } = await writeExport(dir, {});
    await writeExport(dir, { exportId: '01-inc', summary: incremental });
    await mkdir(join(dir, 'dynamodb-export/AWSDynamoDB/data'));
    await writeFile(join(dir, 'dynamodb-export/AWSDynamoDB/data/x.json.gz'), '');
    const storage = localStorage(dir);
    const listed: string[] = [];
    const watched = Object.assign(Object.create(storage) as Storage, {
      listFolder: (prefix: string) => {
        listed.push(prefix);
        return storage.listFolder(prefix);
      },
      get: (key: string) => storage.get(key),
      uri: (key: string) => storage.uri(key),
    });
    expect(await findFullExport(watched, '')).toBe(`dynamodb-export/AWSDynamoDB/${exportId}`);
    expect(listed).toContain('dynamodb-export/AWSDynamoDB/');
    expect(listed.filter((prefix) => prefix.includes('data/'))).toEqual([]);
  });

  test('fault 43: an export that has only been started is said to be unfinished', async () => {
    const dir = await folder();
    await mkdir(join(dir, 'AWSDynamoDB/017-a/data'), { recursive: true });
    await writeFile(join(dir, 'AWSDynamoDB/017-a/_started'), '');
    await expect(findFullExport(localStorage(dir), '')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('not finished'),
      place: join(dir, 'AWSDynamoDB/017-a'),
    });
  });

  test('nothing, a place that is not there, and incremental exports alone are told apart', async () => {
    const dir = await folder();
    await writeFile(join(dir, 'a.json'), '{}');
    await expect(findFullExport(localStorage(dir), '')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      hint: expect.stringContaining('AWSDynamoDB/<ExportId>'),
    });
    await expect(findFullExport(localStorage(dir), 'nowhere')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: `Nothing lies at ${join(dir, 'nowhere')}.`,
    });
    await writeExport(dir, { summary: incremental });
    await expect(findFullExport(localStorage(dir), '')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('only 1 incremental'),
      hint: expect.stringContaining('full exports'),
    });
  });

  test('of several full exports none is chosen; they are listed with table and time', async () => {
    const dir = await folder();
    await writeExport(dir, { exportTime: '2026-03-01T00:00:00.000Z', tableName: 'Orders' });
    await writeExport(dir, { exportTime: '2026-03-02T00:00:00.000Z', tableName: 'Customers' });
    const failed = await findFullExport(localStorage(dir), '').catch((thrown: unknown) => thrown);
    expect(failed).toMatchObject({ code: 'SOURCE_NOT_FOUND', message: expect.stringContaining('2 full exports') });
    expect((failed as { found: string }).found).toMatch(
      /table Orders, 2026-03-01T00:00:00\.000Z.*table Customers, 2026-03-02/,
    );
    expect((failed as { found: string }).found).toContain(`${dir}/dynamodb-export/`);
    for (let hour = 10; hour < 22; hour += 1) await writeExport(dir, { exportTime: `2026-03-03T${hour}:00:00.000Z` });
    const many = (await findFullExport(localStorage(dir), '').catch((thrown: unknown) => thrown)) as {
      message: string;
      found: string;
    };
    expect(many.message).toContain('more than 10');
    expect(many.found.split('table ').length - 1).toBe(10);
    await rm(dir, { recursive: true });
  });

  test('a summary that cannot be read is left to whoever opens it', async () => {
    const dir = await folder();
    await writeFile(join(dir, 'manifest-summary.json'), '{');
    expect(await findFullExport(localStorage(dir), '')).toBe('');
  });
});
