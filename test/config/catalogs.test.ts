import { expect, test } from 'vitest';
import { definedCatalogs } from '../../src/config/catalogs/flag.ts';
import { parseConfigFile } from '../../src/config/file.ts';

const inFile = async (...lines: readonly string[]) =>
  (
    await parseConfigFile(
      `catalogs:\n  lake:\n${lines.map((line) => `    ${line}\n`).join('')}`,
      'tailrace.yaml',
      '/x',
      {},
    )
  ).catalogs;

test('settings of a Glue catalog: its AWS settings apart from the rest, in the file and on the command line', async () => {
  const lake = {
    type: 'glue',
    catalogId: '011122223333',
    warehouse: 's3://lake',
    aws: { region: 'eu-west-1', roleArn: 'arn:aws:iam::1:role/x', endpoint: 'http://127.0.0.1:5000' },
  };
  const settings = [
    ['catalogId', '011122223333'],
    ['warehouse', 's3://lake'],
    ['region', 'eu-west-1'],
    ['roleArn', 'arn:aws:iam::1:role/x'],
    ['endpoint', 'http://127.0.0.1:5000'],
  ];
  const lines = settings.map(([key, value]) => `${key}: "${value}"`);
  expect(await inFile('type: glue', ...lines)).toEqual({ lake });
  const flag = `lake=glue,${settings.map((pair) => pair.join('=')).join(',')}`;
  expect(await definedCatalogs([flag], '--catalog')).toEqual({ lake });
  expect(await inFile('type: glue')).toEqual({ lake: { type: 'glue', aws: {} } });
});

test('what a Glue catalog does not know is named, with what it does', async () => {
  await expect(inFile('type: glue', 'region: eu-west-1', 'warehose: s3://lake')).rejects.toMatchObject({
    code: 'CONFIG',
    hint: 'Did you mean warehouse?',
    place: expect.stringContaining('tailrace.yaml:5'),
    expected: expect.not.stringContaining('oauth'),
  });
  // YAML takes an account for a number; one that begins with 0 would be another one.
  await expect(inFile('type: glue', 'catalogId: 111122223333')).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('quotes'),
  });
  await expect(inFile('type: glu')).rejects.toMatchObject({ message: expect.stringContaining('rest, glue') });
});
