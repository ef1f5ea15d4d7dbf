import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Asked {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What becomes of a request: it is passed on or not, and what comes back, or a connection that is cut. */
export type Lie = (asked: Asked, pass: () => Promise<Answer>) => Promise<Answer | 'cut'>;

export interface RestProxy {
  readonly uri: string;
  /** For every request, until it is changed. */
  lie: Lie;
  /** Everything that was asked, in order. */
  readonly asked: Asked[];
  stop(): Promise<void>;
}

/** A catalog's address that does not always tell the truth; without another one behind it, it makes everything up. */
export async function startRestProxy(behind?: string): Promise<RestProxy> {
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked: Asked = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
      body: await text(request),
    };
    proxy.asked.push(asked);
    const told = await proxy.lie(asked, () => passOn(asked));
    if (told === 'cut') response.destroy();
    else response.writeHead(told.status, { 'content-type': 'application/json', ...told.headers }).end(told.body);
  };
  const passOn = async ({ method, path, headers, body }: Asked): Promise<Answer> => {
    if (behind === undefined) throw new Error(`nothing is behind, and ${method} ${path} was asked`);
    const { host: _, connection: _connection, 'content-length': _length, ...rest } = headers;
    const reply = await fetch(`${behind}${path}`, { method, headers: rest, ...(body === '' ? {} : { body }) });
    const etag = reply.headers.get('etag');
    return { status: reply.status, body: await reply.text(), ...(etag === null ? {} : { headers: { etag } }) };
  };
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const proxy: RestProxy = {
    uri: `http://127.0.0.1:${address.port}`,
    lie: (_, pass) => pass(),
    asked: [],
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return proxy;
}
