import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cat, parsePartition, query, sync } from '../../src/index.ts';
import { exportOf, optionsWith, quiet } from './harness.ts';

const EXPORT_INSTEAD = {
  code: 'TARGET_NOT_FOUND',
  message: 'An export lies there, and no table: an export is a source.',
  hint: 'Load it first: tailrace sync <export> <table>; schema show and inspect read exports, too.',
};

describe('an end that is not what the verb needs', () => {
  test.each(['', 'parquet:'])('cat and query of an export (%j) say that it is no table', async (form) => {
    const { exportDir } = await exportOf([[{ pk: { S: 'a' } }]]);
    const above = dirname(dirname(exportDir));
    for (const folder of [exportDir, above]) {
      const lines = cat(`${form}${folder}`, { ...optionsWith(), as: 'json' }, quiet());
      await expect(lines.next()).rejects.toMatchObject(EXPORT_INSTEAD);
      await expect(query(`${form}${folder}`, 'select 1', optionsWith(), quiet())).rejects.toMatchObject(EXPORT_INSTEAD);
    }
  });

  test.each([
    ['nothing', 'Nothing lies at', 'Check the path; relative paths start where the command runs.'],
    ['file.txt', 'A file lies at', 'Name the folder.'],
    ['table', 'A table lies there, and no export', 'The source comes first: tailrace sync <export> <table>.'],
    ['parquet', 'A table lies there, and no export', 'The source comes first: tailrace sync <export> <table>.'],
    [
      'empty',
      'No export lies at or below',
      "Name the export's folder (…/AWSDynamoDB/<ExportId>) or a folder above it.",
    ],
  ])('a source that is no export says what lies there: %s', async (name, message, hint) => {
    const { exportDir, dir } = await exportOf([[{ pk: { S: 'a' } }]]);
    await writeFile(join(dir, 'file.txt'), 'x');
    await mkdir(join(dir, 'empty', 'folder'), { recursive: true });
    await sync(exportDir, join(dir, 'table'), optionsWith(), quiet());
    await sync(exportDir, `parquet:${join(dir, 'parquet')}`, optionsWith(), quiet());
    const { error } = await sync(join(dir, name), join(dir, 'other'), optionsWith(), quiet());
    expect(error).toMatchObject({ code: 'SOURCE_NOT_FOUND', message: expect.stringContaining(message), hint });
  });

  test('a Parquet table that is named as an Iceberg one is called what it is', async () => {
    const { exportDir, dir } = await exportOf([[{ pk: { S: 'a' } }]]);
    await sync(exportDir, `parquet:${join(dir, 'table')}`, optionsWith(), quiet());
    const { error } = await sync(exportDir, `iceberg:${join(dir, 'table')}`, optionsWith(), quiet());
    expect(error).toMatchObject({ code: 'TARGET_BAD', found: 'a Parquet table' });
  });

  test.skipIf(!existsSync('/proc/self'))(
    'a folder that the file system will not make ends the run, and not never',
    async () => {
      const { exportDir } = await exportOf([[{ pk: { S: 'a' } }]]);
      const unmade = { code: 'ACCESS_DENIED', hint: expect.any(String) };
      expect((await sync(exportDir, '/proc/tailrace/x', optionsWith(), quiet())).error).toMatchObject(unmade);
      const temp = optionsWith({ tempDir: '/proc/tailrace/y' });
      expect((await sync(exportDir, '/proc/tailrace/x', temp, quiet())).error).toMatchObject(unmade);
    },
  );

  test('a folder as --schema is called a folder', async () => {
    const { exportDir, dir } = await exportOf([[{ pk: { S: 'a' } }]]);
    const report = await sync(exportDir, join(dir, 'table'), optionsWith({ schemaFile: exportDir }), quiet());
    expect(report.error).toMatchObject({
      code: 'SCHEMA_FILE',
      message: 'The schema file is a folder.',
      place: exportDir,
      hint: 'Name the file in it.',
    });
  });

  test('a partition of an export without items names no empty list of columns', async () => {
    const { exportDir, dir } = await exportOf([[]]);
    const options = optionsWith({ schema: { key: [] }, partition: parsePartition('region') });
    const report = await sync(exportDir, join(dir, 'table'), options, quiet());
    expect(report.error).toMatchObject({ code: 'USAGE', expected: 'a column; the data has none' });
  });
});
