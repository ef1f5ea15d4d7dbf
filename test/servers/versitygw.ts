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

/** An S3 server with real conditional puts, on a free port and an empty folder of its own. */
export async function startVersitygw(): Promise<S3Server> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tailrace-versitygw-'));
  const port = await freePort();
  const [accessKey, secretKey] = ['tailraceaccess', 'tailracesecretkey'];
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = await startServer({
    command: VERSITYGW,
    args: ['--port', `127.0.0.1:${port}`, '--quiet', '--keep-alive', 'posix', dataDir],
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
