/** The permissions that guides give are those that their own commands take: no fewer, and no more. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, makeNamed } from '../load/dynamo.ts';
import { MOTO, serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, plainClient } from '../servers/buckets.ts';
import { type DynamoServer, startDynalite } from '../servers/dynamodb-local.ts';
import { startMoto } from '../servers/moto.ts';
import { type Recorder, startRecorder, type Taken } from '../servers/recorder.ts';
import { type S3Server, startVersitygw } from '../servers/versitygw.ts';

const root = join(import.meta.dirname, '..', '..');

interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: { readonly StringLike: { readonly 's3:prefix': readonly string[] } };
}

const list = (one: string | readonly string[]): readonly string[] => (typeof one === 'string' ? [one] : one);

/** Blocks of a guide, in a language. */
async function blocks(guide: string, language: string): Promise<readonly string[]> {
  const text = await readFile(join(root, 'docs', 'guides', `${guide}.md`), 'utf8');
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, block = '']) => block);
}

async function policyOf(guide: string): Promise<readonly Statement[]> {
  const found = (await blocks(guide, 'json')).find((block) => block.includes('"Statement"')) ?? '{}';
  return (JSON.parse(found) as { Statement: readonly Statement[] }).Statement;
}

/** `*` stands for anything. */
function like(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(text);
}

function allows({ Action, Resource, Condition }: Statement, { action, resource, prefix }: Taken): boolean {
  const prefixes = Condition?.StringLike['s3:prefix'];
  return (
    list(Action).includes(action) &&
    list(Resource).some((arn) => like(arn.replace(/^arn:aws:[a-z0-9]+:[^:]*:[^:]*:/, ''), resource)) &&
    (prefixes === undefined || prefixes.some((each) => like(each, prefix ?? '')))
  );
}

const told = ({ action, resource, prefix }: Taken): string =>
  `${action} on ${resource}${prefix === undefined ? '' : ` below ${prefix}`}`;

/** `unseen`: actions for what a good run never does. */
function compare(policy: readonly Statement[], taken: readonly Taken[], unseen: readonly string[]): void {
  const missing = taken.filter(
    (each) =>
      !policy.some((statement) => allows(statement, each)) &&
      // Whether the bucket is there: a refusal says that, too.
      !(each.action === 's3:ListBucket' && each.prefix === undefined),
  );
  expect([...new Set(missing.map(told))], 'missing in the guide').toEqual([]);
  const spare = policy.flatMap((statement) =>
    list(statement.Action).filter((action) => !taken.some((each) => each.action === action && allows(statement, each))),
  );
  expect(spare.sort(), 'given by the guide, and not needed').toEqual([...unseen].sort());
}

serverOrSkip('permissions of guides', [MOTO, VERSITYGW], () => {
  let dir = '';
  let dynamo: DynamoServer;
  let s3: S3Server;
  let moto: Omit<S3Server, 'dataDir'>;
  let recorders: readonly Recorder[] = [];
  let env: Record<string, string> = {};

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tailrace-permissions-'));
    [dynamo, s3, moto] = [await startDynalite(), await startVersitygw(), await startMoto()];
    recorders = await Promise.all([dynamo, s3, moto].map(({ endpoint }) => startRecorder(endpoint)));
    const [first = '', second = '', third = ''] = recorders.map(({ endpoint }) => endpoint);
    env = {
      AWS_ENDPOINT_URL_DYNAMODB: first,
      AWS_ENDPOINT_URL_S3: second,
      AWS_ENDPOINT_URL_GLUE: third,
      AWS_ENDPOINT_URL_CLOUDWATCH: third,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: s3.accessKey,
      AWS_SECRET_ACCESS_KEY: s3.secretKey,
      XDG_STATE_HOME: join(dir, 'state'),
    };
    for (const bucket of ['my-lake', 'drops']) await makeBucket(s3, bucket);
  });
  afterAll(async () => {
    for (const { stop } of [...recorders, dynamo, s3, moto]) await stop?.();
    await rm(dir, { recursive: true, force: true });
  });

  /** Runs lines of a shell, in which tailrace is this checkout's, and gives the actions that they took. */
  async function shell(lines: string): Promise<readonly Taken[]> {
    for (const { taken } of recorders) taken.length = 0;
    const tsx = createRequire(import.meta.url).resolve('tsx');
    const main = `node --import '${tsx}' '${join(root, 'src', 'cli', 'main.ts')}'`;
    const script = `set -e\ntailrace() { ${main} "$@"; }\nnpx() { "$@"; }\n${lines}`;
    await promisify(execFile)('bash', ['-c', script], { env: { ...process.env, ...env }, cwd: dir, maxBuffer: 64e6 });
    return recorders.flatMap(({ taken }) => taken);
  }

  const seen = new Date(Date.now() - 86_400_000).toISOString();
  const put = async (n: number, color: string, updatedAt: string): Promise<void> => {
    const Item = { id: { S: `f${n}` }, color: { S: color }, quantity: { N: '1' }, updatedAt: { S: updatedAt } };
    await call(dynamo.endpoint, 'PutItem', { TableName: 'flowers', Item });
  };

  test('load items: into a table that it makes, from an object of S3, at a share of recent use', async () => {
    await writeFile(join(dir, 'flowers.json'), '[{"id":"a"},{"id":"b"}]');
    const client = plainClient(s3);
    await client.send(new PutObjectCommand({ Bucket: 'drops', Key: 'flowers.jsonl', Body: '{"id":"c","tags":["x"]}' }));
    client.destroy();
    const commands = (await blocks('load-items', 'sh'))[0] ?? '';
    expect(commands).toContain('tailrace load flowers.json dynamodb:flowers --create-table --key id\n');
    const taken = await shell(`
      tailrace load flowers.json dynamodb:flowers --create-table --key id
      tailrace load s3://drops/flowers.jsonl dynamodb:flowers --sets tags --wcu 30%`);
    compare(await policyOf('load-items'), taken, []);
  });

  test('hourly Parquet for Athena: its two commands, and what changed in the hour', async () => {
    // The test before may have made it.
    const { TableNames } = await call(dynamo.endpoint, 'ListTables', {});
    if (!(TableNames as readonly string[]).includes('flowers')) await makeNamed(dynamo.endpoint, 'flowers', 'id:S');
    for (const [n, color] of ['red', 'blue'].entries()) await put(n, color, seen);
    const [commands = ''] = await blocks('hourly-parquet', 'sh');
    const [once = '', hourly = ''] = commands.split(/(?=# every hour)/);
    const taken = [...(await shell(once))];
    for (const [n, color] of [[0, 'white'] as const, [3, 'green'] as const])
      await put(n, color, new Date(Date.now() + 3_600_000).toISOString());
    taken.push(...(await shell(hourly)));
    // Of uploads in parts, which these files are too small for.
    compare(await policyOf('hourly-parquet'), taken, ['s3:AbortMultipartUpload']);
    expect(taken.map(({ action }) => action)).toContain('glue:BatchDeletePartition');
  });

  test('scan: looked at, planned and read at a share', async () => {
    await makeNamed(dynamo.endpoint, 'orders', 'id:S');
    const commands = (await blocks('scan', 'sh'))[0] ?? '';
    const taken = await shell(commands.replaceAll('s3://lake/orders', `'${dir}/lake/orders'`));
    compare(await policyOf('scan'), taken, []);
  });
});
