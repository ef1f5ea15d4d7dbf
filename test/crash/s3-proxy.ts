/**
 * An HTTP proxy before a real S3 server: each request passes untouched (signatures stay good, because the Host header
 * does), unless a rule takes it. Rules are taken in order, each as often as it says.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

export type Action =
  /** The upstream never hears of it; the connection is reset. */
  | { readonly kind: 'reset' }
  /** The upstream applies it; the connection is cut without an answer. */
  | { readonly kind: 'lose reply' }
  /** The connection is cut at once; the upstream applies the request so much later. */
  | { readonly kind: 'apply late'; readonly ms: number }
  /** The upstream applies it, but its answer is replaced. */
  | { readonly kind: 'apply and answer'; readonly status: number; readonly code: string }
  /** The upstream never hears of it. Status 200 is an error inside a success. */
  | { readonly kind: 'answer'; readonly status: number; readonly code: string; readonly message?: string }
  | { readonly kind: 'delay'; readonly ms: number }
  /** The answer's body is cut after so many bytes, or goes silent. */
  | { readonly kind: 'cut' | 'stall'; readonly bytes: number };

export interface Rule {
  readonly method?: string;
  /** Tried on the path with its query. */
  readonly path?: RegExp;
  readonly action: Action;
  /** How often, counted from the first request that fits; 1 unless told. */
  readonly times?: number;
  /** How many requests that fit pass first. */
  readonly skip?: number;
  /** Runs after the upstream has answered, or would have, and before the client hears. */
  readonly meanwhile?: () => Promise<void>;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly action: Action | undefined;
}

export interface S3Proxy {
  readonly endpoint: string;
  readonly requests: SeenRequest[];
  /** Most connections open at one time. */
  connectionsMax(): number;
  /** Forgets all rules and requests, and takes these rules. */
  play(...rules: readonly Rule[]): void;
  stop(): Promise<void>;
}

export async function startS3Proxy(upstream: string): Promise<S3Proxy> {
  let rules: { readonly rule: Rule; skip: number; left: number }[] = [];
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  let most = 0;
  const take = (method: string, path: string): Rule | undefined => {
    for (const each of rules) {
      const fits = (each.rule.method ?? method) === method && (each.rule.path?.test(path) ?? true);
      if (!fits || each.left === 0) continue;
      if (each.skip > 0) {
        each.skip -= 1;
        continue;
      }
      each.left -= 1;
      return each.rule;
    }
    return undefined;
  };
  const server = createServer((client, reply) => {
    const [method, path] = [client.method ?? '', client.url ?? ''];
    const rule = take(method, path);
    requests.push({ method, path, headers: client.headers, action: rule?.action });
    handle(upstream, client, reply, rule).catch(() => client.socket.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connectionsMax: () => most,
    play: (...next) => {
      rules = next.map((rule) => ({ rule, skip: rule.skip ?? 0, left: rule.times ?? 1 }));
      requests.length = 0;
      most = sockets.size;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

async function handle(
  upstream: string,
  client: IncomingMessage,
  reply: ServerResponse,
  rule: Rule | undefined,
): Promise<void> {
  const body = await buffer(client);
  const action = rule?.action;
  switch (action?.kind) {
    case 'reset':
      await rule?.meanwhile?.();
      client.socket.resetAndDestroy();
      return;
    case 'apply late':
      client.socket.destroy();
      await sleep(action.ms);
      await buffer(await forward(upstream, client, body));
      return;
    case 'answer':
      await rule?.meanwhile?.();
      refuse(reply, action.status, action.code, action.message);
      return;
    case 'lose reply':
    case 'apply and answer':
      await buffer(await forward(upstream, client, body));
      await rule?.meanwhile?.();
      if (action.kind === 'lose reply') client.socket.destroy();
      else refuse(reply, action.status, action.code);
      return;
    case 'delay':
      await sleep(action.ms);
  }
  const answer = await forward(upstream, client, body);
  await rule?.meanwhile?.();
  reply.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
  if (action?.kind !== 'cut' && action?.kind !== 'stall') {
    answer.pipe(reply);
    return;
  }
  const part = (await buffer(answer)).subarray(0, action.bytes);
  reply.flushHeaders();
  reply.write(part, () => {
    if (action.kind === 'cut') client.socket.destroySoon();
  });
}

function forward(upstream: string, client: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
  const { hostname, port } = new URL(upstream);
  return new Promise((done, fail) => {
    const options = {
      hostname,
      port,
      method: client.method,
      path: client.url,
      headers: client.headers,
      agent: false as const,
    };
    request({ ...options, headers: { ...client.headers, connection: 'close' } }, done)
      .on('error', fail)
      .end(body);
  });
}

function refuse(reply: ServerResponse, status: number, code: string, message = code): void {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  reply.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(text) });
  reply.end(text);
}
