import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket } from '../servers/buckets.ts';
import { startVersitygw } from '../servers/versitygw.ts';

// Every example runs as a reader of it would run it: in a checkout that is built, without AWS.

const examples = join(import.meta.dirname, '..', '..', 'examples');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tailrace-examples-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(example: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const script = ['run.sh', 'run.mjs'].map((name) => join(examples, example, name)).find(existsSync);
  if (script === undefined) throw new Error(`${example} has no script`);
  const [command, args] = script.endsWith('.mjs') ? [process.execPath, [script]] : ['bash', [script]];
  const options = { env: { ...process.env, NO_COLOR: '1', ...env }, maxBuffer: 64e6 };
  return (await promisify(execFile)(command, [...args, join(folder, example)], options)).stdout;
}

describe('examples', () => {
  test('all are tried here', () => {
    const there = readdirSync(examples, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(there.map(({ name }) => name).sort()).toEqual([
      '01-first-export',
      '02-schema-file',
      '03-parquet-partitions',
      '04-s3',
      '05-library',
      '06-chain',
      '07-hourly-parquet',
    ]);
  });

  test('01: the first export: rows, rescues, items, and a second run that changes nothing', async () => {
    const said = await run('01-first-export');
    expect(said).toContain('apac,166,20857.2500');
    expect(said).toContain('o-000007,,"{""discount"":{""S"":""staff""}}"');
    expect(said.split('\n').filter((line) => line.startsWith('{"Item":{'))).toHaveLength(2);
    expect(said).toMatch(/unchanged/i);
  });

  test('06: a chain: windows are merged once, a gap stops, and its closing takes up what waited', async () => {
    const said = await run('06-chain');
    expect(said).toContain('502,20,6');
    expect(said).toContain('exit code 4');
    expect(said).toContain('504,40,12');
    expect(said).toMatch(/unchanged/i);
    expect(said).toContain('4 windows');
  });

  test('02: a schema file: a column gets another type, and the flat form leaves the rest to _rescued', async () => {
    const said = await run('02-schema-file');
    expect(said).toMatch(/total\s.*decimal\(12,2\)/);
    expect(said).toContain('o-000001,9.25');
  });

  test('03: Parquet in folders of regions and days', async () => {
    const said = await run('03-parquet-partitions');
    expect(said).toMatch(/\.\/g-[^/]+\/region_part=apac\/created_at_ts_day=2025-12-\d\d\/\S+\.parquet/);
    expect(said).toContain('167');
  });

  test('07: an API into a DynamoDB table, the table into Parquet by colour, and each hour what is new', async () => {
    // No server is named: it starts its own.
    const said = await run('07-hourly-parquet', {
      AWS_ENDPOINT_URL_DYNAMODB: '',
      XDG_STATE_HOME: join(folder, 'state'),
    });
    expect(said).toContain('200 read = 200 written');
    expect(said).toContain('16.6 kB in 5 pages');
    // 2^53 and more, and flowers without a colour: what a loop over floats and missing values loses.
    expect(said).toContain('undefined,50,50,9007199254741192');
    expect(said).toMatch(/\/color_part=red\/\S+\.parquet/);
    expect(said).toContain('200 read = 0 written + 200 unchanged');
    expect(said).toMatch(/unchanged: .* already holds this run/i);
    expect(said).not.toContain('example-key');
  });

  test('05: the library', async () => {
    expect(await run('05-library')).toContain('500 orders');
  });
});

serverOrSkip('04: S3', [VERSITYGW], () => {
  test('a local export becomes a table on S3, and one on S3, too', async () => {
    const server = await startVersitygw();
    try {
      await makeBucket(server, 'lake');
      const said = await run('04-s3', {
        BUCKET: 'lake',
        AWS_ENDPOINT_URL_S3: server.endpoint,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: server.accessKey,
        AWS_SECRET_ACCESS_KEY: server.secretKey,
      });
      expect(said).toContain('500');
    } finally {
      await server.stop();
    }
  });
});
