import { mkdtempSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseConfigFile, readConfigFile } from '../../src/config/file.ts';
import { TailraceError } from '../../src/model/errors.ts';

const parse = (text: string, env: Record<string, string> = {}) => parseConfigFile(text, 'tailrace.yaml', '/work', env);

async function refusal(text: string, env: Record<string, string> = {}): Promise<TailraceError> {
  const thrown = await parse(text, env).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof TailraceError)) throw new Error(`expected a TailraceError, got ${String(thrown)}`);
  expect(thrown.code).toBe('CONFIG');
  return thrown;
}

describe('tailrace.yaml', () => {
  test('a misspelt key is named rather than the one that it leaves missing', async () => {
    const error = await refusal('tables:\n  a:\n    source: ./x\n    traget: ./y\n');
    expect(error).toMatchObject({ found: 'traget', hint: 'Did you mean target?' });
    expect(error.place).toBe('tailrace.yaml:4 (tables.a.traget)');
  });

  test('holds settings, ends and pipelines', async () => {
    const file = await parse(`
region: eu-west-1
memoryLimit: 1GiB
source:
  aws: {roleArn: 'arn:aws:iam::1:role/r', forcePathStyle: true}
tables:
  orders:
    source: export:s3://exports/orders
    target: {location: s3://lake/orders, aws: {region: us-east-1}}
    key: [pk, sk]
    partition: [day(created_at), 'bucket(16, pk)']
    strict: true
`);
    expect(file.layer.values).toEqual({
      region: 'eu-west-1',
      memoryLimit: 2 ** 30,
      sourceRoleArn: 'arn:aws:iam::1:role/r',
      sourceForcePathStyle: true,
    });
    expect(file.pipelines).toHaveLength(1);
    const [orders] = file.pipelines;
    expect(orders).toMatchObject({ name: 'orders', source: 'export:s3://exports/orders', target: 's3://lake/orders' });
    expect(orders?.layer.values).toEqual({
      key: ['pk', 'sk'],
      partition: 'day(created_at), bucket(16, pk)',
      strict: true,
      targetRegion: 'us-east-1',
    });
    expect(orders?.layer.places.targetRegion).toBe('tailrace.yaml:9 (tables.orders.target.aws.region)');
  });

  test.each([
    ['memry: 1GB', 'tailrace.yaml:1 (memry)', undefined],
    ['memory-limit: 1GB', 'tailrace.yaml:1 (memory-limit)', 'memoryLimit'],
    ['\nmemoryLimt: 1GB', 'tailrace.yaml:2 (memoryLimt)', 'memoryLimit'],
    [
      'tables:\n  a:\n    source: ./x\n    target: ./y\n    partitions: z',
      'tailrace.yaml:5 (tables.a.partitions)',
      'partition',
    ],
    ['tables:\n  a:\n    source: ./x\n    target: ./y\n    json: true', 'tailrace.yaml:5 (tables.a.json)', undefined],
    ['source:\n  aws:\n    rolearn: z', 'tailrace.yaml:3 (source.aws.rolearn)', 'roleArn'],
    ['target:\n  asw: {}', 'tailrace.yaml:2 (target.asw)', 'aws'],
    [
      'tables:\n  a:\n    source: ./x\n    target:\n      location: ./y\n      awss: {}',
      'tailrace.yaml:6 (tables.a.target.awss)',
      'aws',
    ],
  ])('refuses the unknown key in %j', async (text, place, meant) => {
    const error = await refusal(text);
    expect(error.place).toBe(place);
    expect(error.expected).toContain('one of ');
    if (meant === undefined) expect(error.hint).not.toContain('Did you mean');
    else expect(error.hint).toBe(`Did you mean ${meant}?`);
  });

  test.each([
    ['numbers: exakt', 'tailrace.yaml:1 (numbers)', 'exact, double or string'],
    ['memoryLimit: 512M', 'tailrace.yaml:1 (memoryLimit)', 'a size such as 512MB, 1.5GiB or a number of bytes'],
    ['memoryLimit: 1KB', 'tailrace.yaml:1 (memoryLimit)', 'a size of at least 128 MB'],
    ['maxDepth: 40', 'tailrace.yaml:1 (maxDepth)', 'a whole number from 1 to 32'],
    ['strict: perhaps', 'tailrace.yaml:1 (strict)', 'true or false'],
    ['key: [1]', 'tailrace.yaml:1 (key)', 'a list of attribute names'],
    ['schema: []', 'tailrace.yaml:1 (schema)', 'a path'],
    ['schema: ~bob/s.yaml', 'tailrace.yaml:1 (schema)', 'a path'],
    [
      'tables:\n  a: {source: ./x, target: ./y, onMixed: keep}',
      'tailrace.yaml:2 (tables.a.onMixed)',
      'rescue, json, split or fail',
    ],
  ])('refuses the value in %j', async (text, place, expected) => {
    const error = await refusal(text);
    expect(error.place).toBe(place);
    expect(error.expected).toBe(expected);
  });

  test.each([
    ['tables:\n  a:\n    source: ./x', 'tailrace.yaml:2 (tables.a.target)', 'must be a location'],
    ['tables: [a]', 'tailrace.yaml:1 (tables)', 'must be pipelines by name'],
    ['- a', 'tailrace.yaml', 'must be a map of settings'],
    ['a: 1\na: 2', 'tailrace.yaml:2', 'not valid YAML'],
    ['a: [1', 'tailrace.yaml:1', 'not valid YAML'],
  ])('refuses the shape of %j', async (text, place, message) => {
    const error = await refusal(text);
    expect(error.message).toContain(message);
    expect(error.place?.startsWith(place)).toBe(true);
  });

  test('an empty file has no settings', async () => {
    expect((await parse('')).layer.values).toEqual({});
    expect((await parse('# nothing\n')).pipelines).toEqual([]);
  });
});

describe('${ENV} in tailrace.yaml', () => {
  test('is replaced in values, as text that cannot change the structure', async () => {
    const file = await parse(
      'profile: "${P}"\nmaxColumns: ${N}\ntables:\n  a: {source: "s3://${B}/x", target: s3://t/x}',
      {
        P: 'a\nstrict: true',
        N: '12',
        B: 'exports',
      },
    );
    expect(file.layer.values).toEqual({ profile: 'a\nstrict: true', maxColumns: 12 });
    expect(file.pipelines[0]?.source).toBe('s3://exports/x');
  });

  test('a missing variable names file, line and key path', async () => {
    const error = await refusal('tables:\n  a:\n    source: s3://${BUCKET}/x\n    target: ./y');
    expect(error.place).toBe('tailrace.yaml:3 (tables.a.source)');
    expect(error.message).toContain('BUCKET');
    const inList = await refusal('key:\n  - pk\n  - ${SK}');
    expect(inList.place).toBe('tailrace.yaml:3 (key.1)');
  });

  test('a doubled dollar keeps the text', async () => {
    expect((await parse('profile: $${P}')).layer.values).toEqual({ profile: '${P}' });
  });
});

describe('the place of the file', () => {
  test('the default file may be missing, a named one not', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tailrace-config-'));
    expect(await readConfigFile(undefined, folder, {})).toBeUndefined();
    await expect(readConfigFile('other.yaml', folder, {})).rejects.toMatchObject({
      code: 'CONFIG',
      place: 'other.yaml',
    });
    writeFileSync(path.join(folder, 'tailrace.yaml'), 'threads: 3\n');
    expect((await readConfigFile(undefined, folder, {}))?.layer.values).toEqual({ threads: 3 });
  });

  test('relative paths start at its folder', async () => {
    const file = await parseConfigFile(
      'schema: s.yaml\nrejects: s3://b/r\ntempDir: ~/tmp\ntables:\n  a: {source: "export:./x", target: "parquet:../y"}\n  b: {source: /abs, target: iceberg:shop.db.t}\n  c: {source: "~/x", target: "parquet:~/y"}',
      'conf/tailrace.yaml',
      '/work',
      {},
    );
    expect(file.layer.values).toEqual({
      schema: '/work/conf/s.yaml',
      rejects: 's3://b/r',
      tempDir: path.join(homedir(), 'tmp'),
    });
    expect(file.pipelines[0]).toMatchObject({ source: 'export:/work/conf/x', target: 'parquet:/work/y' });
    expect(file.pipelines[1]).toMatchObject({ source: '/abs', target: 'iceberg:shop.db.t' });
    // What the ends are is known when they are opened.
    expect(file.pipelines[2]).toMatchObject({ source: '~/x', target: 'parquet:~/y' });
    expect((await parse('tables:\n  a: {source: ./x, target: ./y}')).pipelines[0]?.source).toBe('./x');
  });
});

describe('load: in tailrace.yaml', () => {
  test('holds each option of load, in the forms of flags and of YAML', async () => {
    const { load, layer } = await parse(`
region: eu-west-1
load:
  format: csv
  wcu: 30%
  columns: [id, x]
  sets: a,b
  transform: ['rename(a, b)', now(t)]
  limit: 9
  createTable: true
  header: ['A: $\${KEY}', 'B: 2']
  maxPageSize: 1MB
  httpTimeout: 5s
`);
    expect(load).toEqual({
      format: 'csv',
      wcu: { kind: 'share', share: 0.3 },
      columns: ['id', 'x'],
      sets: ['a', 'b'],
      transform: 'rename(a, b), now(t)',
      limit: 9,
      createTable: true,
      header: ['A: ${KEY}', 'B: 2'],
      maxPageSize: 1_000_000,
      httpTimeout: 5_000,
    });
    expect(layer.values).toEqual({ region: 'eu-west-1' });
    expect((await parse('region: x')).load).toEqual({});
  });

  test.each([
    ['load:\n  formt: csv', 'tailrace.yaml:2 (load.formt)', 'format'],
    ['load:\n  rcu: 5', 'tailrace.yaml:2 (load.rcu)', 'wcu'],
    ['load:\n  wcu: fast', 'tailrace.yaml:2 (load.wcu)', undefined],
    ['load: csv', 'tailrace.yaml:1 (load)', undefined],
    ['tables:\n  a:\n    source: ./x\n    target: ./y\n    load: {}', 'tailrace.yaml:5 (tables.a.load)', undefined],
  ])('refuses %j', async (text, place, meant) => {
    const { place: told, hint } = await refusal(text);
    expect(told).toBe(place);
    if (meant !== undefined) expect(hint).toBe(`Did you mean ${meant}?`);
  });
});
