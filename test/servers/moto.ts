import { MOTO } from './available.ts';
import { freePort, startServer } from './child.ts';
import type { S3Server } from './versitygw.ts';

/** AWS's services in one process: S3, STS, Glue, DynamoDB. Accepts any credentials. */
export async function startMoto(): Promise<Omit<S3Server, 'dataDir'>> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = await startServer({
    command: MOTO,
    args: ['-H', '127.0.0.1', '-p', String(port)],
    env: { AWS_ACCESS_KEY_ID: 'testing', AWS_SECRET_ACCESS_KEY: 'testing' },
    ready: async () => (await fetch(`${endpoint}/moto-api/`)).ok,
  });
  return { endpoint, accessKey: 'testing', secretKey: 'testing', stop };
}
