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

test('settings of a Hive Metastore, in the file and on the command line', async () => {
  const uri = 'thrift://a:9083 thrift://[::1]:9084';
  const lines = [`uri: "${uri}"`, 'warehouse: s3://lake', 'user: etl', 'hiveEngine: true', 'lockTimeout: 90s'];
  const lake = { type: 'hive', uri, warehouse: 's3://lake', user: 'etl', hiveEngine: true, lockTimeoutMs: 90_000 };
  expect(await inFile('type: hive', ...lines)).toEqual({ lake });
  const flag = `lake=hive,uri=${uri},warehouse=s3://lake,user=etl,hiveEngine=true,lockTimeout=90s`;
  expect(await definedCatalogs([flag], '--catalog')).toEqual({ lake });
  const several = 'thrift://a:9083,thrift://b';
  expect(await inFile('type: hive', `uri: ${several}`)).toEqual({ lake: { type: 'hive', uri: several } });
});

test.each([
  ['uri: http://a:9083', 'thrift://host:9083'],
  ['uri: thrift://user@a:9083', 'thrift://host:9083'],
  ['{uri: thrift://a, lockTimeout: "90"}', 'a duration'],
  ['{uri: thrift://a, hiveEngine: maybe}', 'true or false'],
])('a Hive Metastore is refused with %s', async (line, told) => {
  const settings = line.startsWith('{') ? line.slice(1, -1).split(', ') : [line];
  await expect(inFile('type: hive', ...settings)).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining(told),
  });
});
