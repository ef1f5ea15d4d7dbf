/** An HTTP API on loopback, whose answers a test decides. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';

export interface Api {
  readonly origin: string;
  /** Addresses that were asked for, with the headers. */
  readonly calls: readonly { readonly url: URL; readonly headers: IncomingMessage['headers'] }[];
  readonly close: () => Promise<void>;
}

export type Answer = (url: URL, reply: ServerResponse, call: number, request: IncomingMessage) => void;

export async function startApi(answer: Answer): Promise<Api> {
  const calls: { url: URL; headers: IncomingMessage['headers'] }[] = [];
  let origin = '';
  const server = createServer((request, reply) => {
    const url = new URL(request.url ?? '/', origin);
    calls.push({ url, headers: request.headers });
    answer(url, reply, calls.length, request);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  return {
    origin,
    calls,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

export function json(reply: ServerResponse, body: unknown, headers: Record<string, string> = {}): void {
  reply.writeHead(200, { 'content-type': 'application/json', ...headers });
  reply.end(JSON.stringify(body));
}

/** An API for the test that is running; it ends with it. */
export async function api(answer: Answer): Promise<Api> {
  const started = await startApi(answer);
  onTestFinished(started.close);
  return started;
}
