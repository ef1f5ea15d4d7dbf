import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { S3Client } from '@aws-sdk/client-s3';
import type { TailraceSetting } from './contenders.ts';
import type { GeneratedExport } from './generate.ts';

const VERSITYGW = fileURLToPath(new URL('../../.cache/bin/versitygw', import.meta.url));
const BUCKET = 'tailrace-bench';
const CREDENTIALS = { accessKeyId: 'benchkey', secretAccessKey: 'benchsecret' };
const REGION = 'us-east-1';

/**
 * Puts an export into an S3 server on this machine and says how tailrace reaches it. The server shares
 * the processor with the contender; its memory is not part of the contender's.
 */
export async function withExportOnS3<T>(
  data: GeneratedExport,
  workDir: string,
  use: (place: TailraceSetting) => Promise<T>,
): Promise<T> {
  const serverDir = await mkdtemp(join(workDir, 's3-'));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = spawn(VERSITYGW, ['--port', `127.0.0.1:${port}`, 'posix', serverDir], {
    env: { ...process.env, ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId, ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey },
    stdio: 'ignore',
  });
  const ended = new Promise<void>((done) => server.on('close', () => done()).on('error', () => done()));
  try {
    const prefix = await upload(data.root, endpoint);
    return await use({
      source: `s3://${BUCKET}/${prefix}`,
      flags: ['--source-endpoint', endpoint, '--source-region', REGION],
      env: { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey },
    });
  } finally {
    server.kill();
    await ended;
    await rm(serverDir, { recursive: true, force: true });
  }
}

/** Uploads the tree below `AWSDynamoDB` and returns the prefix that holds the one export. */
async function upload(root: string, endpoint: string): Promise<string> {
  const { S3Client, CreateBucketCommand } = await import('@aws-sdk/client-s3');
  const { Upload } = await import('@aws-sdk/lib-storage');
  const client: S3Client = new S3Client({
    endpoint,
    region: REGION,
    forcePathStyle: true,
    credentials: CREDENTIALS,
    maxAttempts: 10,
  });
  try {
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    for (const entry of await readdir(join(root, 'AWSDynamoDB'), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const Key = relative(root, path).split('\\').join('/');
      await new Upload({ client, params: { Bucket: BUCKET, Key, Body: createReadStream(path) } }).done();
    }
    return 'AWSDynamoDB';
  } finally {
    client.destroy();
  }
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const probe = createServer().on('error', failed);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        address !== null && typeof address === 'object' ? done(address.port) : failed(new Error('no port')),
      );
    });
  });
}
