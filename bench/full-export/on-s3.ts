import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { makeBucket, plainClient } from '../../test/servers/buckets.ts';
import { type S3Server, startVersitygw } from '../../test/servers/versitygw.ts';
import type { TailraceSetting } from './contenders.ts';
import type { GeneratedExport } from './generate.ts';

const BUCKET = 'tailrace-bench';

/**
 * Puts an export into an S3 server on this machine and says how tailrace reaches it. The server shares
 * the processor with the contender; its memory is not part of the contender's.
 */
export async function withExportOnS3<T>(
  data: GeneratedExport,
  use: (place: Omit<TailraceSetting, 'name' | 'main'>) => Promise<T>,
): Promise<T> {
  const server = await startVersitygw();
  try {
    await makeBucket(server, BUCKET);
    await upload(data.root, server);
    return await use({
      source: `s3://${BUCKET}/AWSDynamoDB`,
      flags: ['--source-endpoint', server.endpoint, '--source-region', 'us-east-1'],
      env: {
        AWS_ACCESS_KEY_ID: server.accessKey,
        AWS_SECRET_ACCESS_KEY: server.secretKey,
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        AWS_EC2_METADATA_DISABLED: 'true',
      },
    });
  } finally {
    await server.stop();
  }
}

/** Uploads the tree below `AWSDynamoDB` under the same keys. */
async function upload(root: string, server: S3Server): Promise<void> {
  const { Upload } = await import('@aws-sdk/lib-storage');
  const client = plainClient(server);
  try {
    for (const entry of await readdir(join(root, 'AWSDynamoDB'), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const Key = relative(root, path).split(sep).join('/');
      await new Upload({ client, params: { Bucket: BUCKET, Key, Body: createReadStream(path) } }).done();
    }
  } finally {
    client.destroy();
  }
}
