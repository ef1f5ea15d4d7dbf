import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

interface Server {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/** A plain client of a test server, for what tests do behind tailrace's back. */
export function plainClient(server: Server): S3Client {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  return new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
  });
}

export async function makeBucket(server: Server, name: string): Promise<void> {
  const client = plainClient(server);
  await client.send(new CreateBucketCommand({ Bucket: name }));
  client.destroy();
}

/** Sets AWS's own variables to a server's credentials, and nothing else of the machine's; gives what sets them back. */
export function useCredentials(server: Pick<Server, 'accessKey' | 'secretKey'>): () => void {
  const before = new Map(Object.entries(process.env).filter(([name]) => name.startsWith('AWS_')));
  for (const name of before.keys()) delete process.env[name];
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: server.accessKey,
    AWS_SECRET_ACCESS_KEY: server.secretKey,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  });
  return () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
    Object.assign(process.env, Object.fromEntries(before));
  };
}
