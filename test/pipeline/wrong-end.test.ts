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
