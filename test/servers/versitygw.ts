import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERSITYGW } from './available.ts';
import { freePort, startServer } from './child.ts';

export interface S3Server {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Buckets are folders of it, objects are files (versitygw only). */
  readonly dataDir: string;
  stop(): Promise<void>;
}

/**
 * An S3 server with real conditional puts, on a free port and an empty folder of its own. `iamDir`: an empty folder for
 * users beside the owner, who may do what policies of buckets allow.
 */
export async function startVersitygw(iamDir?: string): Promise<S3Server> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tailrace-versitygw-'));
  const port = await freePort();
  const [accessKey, secretKey] = ['tailraceaccess', 'tailracesecretkey'];
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = await startServer({
    command: VERSITYGW,
    args: [
      ...['--port', `127.0.0.1:${port}`, '--quiet', '--keep-alive'],
      ...(iamDir === undefined ? [] : ['--iam-dir', iamDir, '--iam-cache-disable']),
      ...['posix', dataDir],
    ],
    env: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
    ready: async () => (await fetch(endpoint)).status > 0,
  }).catch(async (error: unknown) => {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  });
  return {
    endpoint,
    accessKey,
    secretKey,
    dataDir,
    stop: async () => {
      await stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Makes a user, to whom policies of buckets may allow something. */
export function addUser(server: S3Server, access: string, secret: string): void {
  const { endpoint, accessKey, secretKey } = server;
  const root = ['--access', accessKey, '--secret', secretKey, '--endpoint-url', endpoint];
  const user = ['--access', access, '--secret', secret, '--role', 'user'];
  const done = spawnSync(VERSITYGW, ['admin', ...root, 'create-user', ...user], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`versitygw admin: ${done.stderr}${done.stdout}`);
}
