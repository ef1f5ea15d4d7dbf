/** Before a server that speaks one of AWS's APIs: passes every call on, and keeps the IAM action that it takes. */
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An action with the resource as policies name it. */
export interface Taken {
  readonly action: string;
  readonly resource: string;
  /** Of `s3:ListBucket`. */
  readonly prefix?: string;
}

export interface Recorder {
  readonly endpoint: string;
  readonly taken: Taken[];
  readonly stop: () => Promise<void>;
}

/** Starts one. The host of a call stays, so that its signature holds. */
export async function startRecorder(upstream: string): Promise<Recorder> {
  const taken: Taken[] = [];
  const { hostname, port } = new URL(upstream);
  const server = createServer((client, reply) => {
    const chunks: Buffer[] = [];
    const onward = request(
      { hostname, port, method: client.method, path: client.url, headers: client.headers },
      (answer) => {
        reply.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(reply);
      },
    );
    onward.on('error', () => client.socket.destroy());
    client.on('data', (chunk: Buffer) => chunks.push(chunk));
    client.on('end', () => taken.push(...actionsOf(client, Buffer.concat(chunks))));
    client.pipe(onward);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function actionsOf(client: IncomingMessage, body: Buffer): Taken[] {
  const target = String(client.headers['x-amz-target'] ?? '');
  const [service = '', action = ''] = target.split('.');
  if (service.startsWith('DynamoDB')) return dynamo(action, JSON.parse(body.toString()) as Body);
  if (service.startsWith('Granite')) return [{ action: `cloudwatch:${action}`, resource: '*' }];
  if (service === 'AWSGlue') return glue(action, JSON.parse(body.toString()) as Body);
  return s3(client);
}

type Body = Readonly<Record<string, unknown>>;

function dynamo(action: string, body: Body): Taken[] {
  const names = action === 'BatchWriteItem' ? Object.keys(body['RequestItems'] as object) : [String(body['TableName'])];
  return names.map((name) => ({ action: `dynamodb:${action}`, resource: `table/${name}` }));
}

/** Glue wants an action on each level down to the one that it is about. */
function glue(action: string, body: Body): Taken[] {
  const { Name } = (body['TableInput'] ?? {}) as { readonly Name?: string };
  const table = String(Name ?? body['TableName'] ?? (/Table$/.test(action) ? body['Name'] : ''));
  const database = String(
    body['DatabaseName'] ?? body['Name'] ?? (body['DatabaseInput'] as Body | undefined)?.['Name'],
  );
  const levels = ['catalog', `database/${database}`, ...(table === '' ? [] : [`table/${database}/${table}`])];
  return levels.map((resource) => ({ action: `glue:${action}`, resource }));
}

function s3({ method, url = '/', headers }: IncomingMessage): Taken[] {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const [bucket = '', ...rest] = decodeURIComponent(pathname).slice(1).split('/');
  const key = rest.join('/');
  const object = { resource: `${bucket}/${key}` };
  if (key === '' && method === 'POST') return [{ action: 's3:DeleteObject', resource: `${bucket}/` }];
  if (key === '') {
    const prefix = searchParams.get('prefix');
    return [{ action: 's3:ListBucket', resource: bucket, ...(prefix === null ? {} : { prefix }) }];
  }
  if (method === 'GET' || method === 'HEAD') return [{ action: 's3:GetObject', ...object }];
  if (method === 'DELETE')
    return [{ action: searchParams.has('uploadId') ? 's3:AbortMultipartUpload' : 's3:DeleteObject', ...object }];
  const source = headers['x-amz-copy-source'];
  const put = { action: 's3:PutObject', ...object };
  if (source === undefined) return [put];
  return [put, { action: 's3:GetObject', resource: decodeURIComponent(String(source)).replace(/^\//, '') }];
}
