import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { ReplyReader, type WireReply } from '../../src/dynamodb/reply.ts';
import { Wire } from '../../src/dynamodb/wire.ts';

const { signal } = new AbortController();
const alloc = (bytes: number): Buffer => Buffer.alloc(bytes);
const limits = { socketsMax: 8, connectTimeoutMs: 2_000, replyTimeoutMs: 2_000 };
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Gives a reply in pieces, into the reader's own room where it has some. */
function feed(reply: Buffer, cuts: readonly number[]): WireReply | undefined {
  const reader = new ReplyReader(alloc);
  let done: WireReply | undefined;
  for (let at = 0, turn = 0; at < reply.length; turn += 1) {
    const bytes = Math.min(cuts[turn % cuts.length] ?? 1, reply.length - at);
    const { room } = reader;
    const taken = room === undefined ? bytes : Math.min(bytes, room.length);
    const piece = reply.subarray(at, at + taken);
    if (room !== undefined) piece.copy(room);
    done = reader.add(room?.subarray(0, taken) ?? piece, room !== undefined);
    at += taken;
    if (done !== undefined && at < reply.length) throw new Error('it was done too early');
  }
  return done ?? reader.end();
}

describe('a reply', () => {
  const bodies = fc.uint8Array({ maxLength: 3_000 });
  const cuts = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 8 });
  const chunked = (body: Buffer): Buffer => {
    const parts: (Buffer | string)[] = [];
    for (let at = 0; at < body.length; at += 700) {
      const part = body.subarray(at, at + 700);
      parts.push(`${part.length.toString(16)};x=y\r\n`, part, '\r\n');
    }
    return Buffer.concat([...parts, '0\r\n\r\n'].map((part) => Buffer.from(part)));
  };

  test('is the same in whatever pieces it comes, of stated length, in chunks, or to the end of the connection', () => {
    fc.assert(
      fc.property(bodies, cuts, fc.constantFrom('length', 'chunks', 'end'), fc.boolean(), (bytes, pieces, kind, go) => {
        const body = Buffer.from(bytes);
        const how = { length: `Content-Length: ${body.length}\r\n`, chunks: 'Transfer-Encoding: chunked\r\n', end: '' };
        const head = `${go ? 'HTTP/1.1 100 Continue\r\n\r\n' : ''}HTTP/1.1 200 OK\r\nX-Amz-Crc32:  17 \r\n${how[kind]}\r\n`;
        const reply = feed(Buffer.concat([Buffer.from(head), kind === 'chunks' ? chunked(body) : body]), pieces);
        expect(reply?.statusCode).toBe(200);
        expect(reply?.headers['x-amz-crc32']).toBe('17');
        expect(reply?.body.equals(body)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['no HTTP', 'SSH-2.0-x\r\n\r\n'],
    ['an endless head', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`],
    ['a length that is none', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n'],
    ['too long', 'HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n'],
    ['cut', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345'],
    ['cut in a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n123'],
    ['longer than it says', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n12345'],
  ])('fault 33: %s is a failure that passes', (_, text) => {
    expect(() => feed(Buffer.from(text), [100_000])).toThrow(expect.objectContaining({ code: 'ReplyCutShort' }));
  });
});

interface Front {
  readonly port: number;
  readonly sockets: Set<Socket>;
}

async function front(server: Server): Promise<Front> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

function wire(some: Partial<typeof limits> = {}): Wire {
  const made = new Wire({ ...limits, ...some });
  closing.push(() => made.close());
  return made;
}

const request = (port: number, protocol = 'http:') =>
  ({ protocol, hostname: '127.0.0.1', port, method: 'POST', path: '/', headers: { 'x-amz-target': 'Scan' } }) as const;

describe('connections', () => {
  const large = Buffer.alloc(900_000, 'page of items ');

  test('are kept, one for each request at a time, and opened anew where the other side has closed them', async () => {
    const seen: string[] = [];
    const { port, sockets } = await front(
      createHttp((incoming, outgoing) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => {
          seen.push(Buffer.concat(chunks).toString());
          outgoing.writeHead(200, { 'content-length': large.length });
          outgoing.end(large);
        });
      }),
    );
    const client = wire();
    const send = (body: string): Promise<WireReply> => client.send(request(port), body, alloc, signal);
    for (let i = 0; i < 5; i += 1) expect((await send(`“${i}”`)).body.equals(large)).toBe(true);
    expect(seen).toEqual(['“0”', '“1”', '“2”', '“3”', '“4”']);
    expect(sockets.size).toBe(1);
    const replies = await Promise.all(Array.from({ length: 4 }, (_, i) => send(String(i))));
    expect(replies.every(({ body }) => body.equals(large))).toBe(true);
    expect(new Set(replies.map(({ body }) => body.buffer)).size).toBe(4);
    expect(sockets.size).toBe(4);
    for (const socket of sockets) socket.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await send('again')).body.equals(large)).toBe(true);
    expect(sockets.size).toBe(5);
  });

  test('are encrypted where the endpoint is, and its certificate must be right', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tailrace-wire-'));
    closing.push(() => rmSync(dir, { recursive: true }));
    const [key, cert] = [join(dir, 'key'), join(dir, 'cert')];
    const args = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      '-subj',
      '/CN=localhost',
    ];
    execFileSync('openssl', args, { stdio: 'ignore' });
    const pair = { key: readFileSync(key), cert: readFileSync(cert) };
    const { port } = await front(createHttps(pair, (_, outgoing) => outgoing.end(large)));
    await expect(wire().send(request(port, 'https:'), '{}', alloc, signal)).rejects.toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      const client = wire();
      for (let i = 0; i < 3; i += 1)
        expect((await client.send(request(port, 'https:'), '{}', alloc, signal)).body.equals(large)).toBe(true);
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
  });

  test('that stay silent, or end before a reply, are failures of the network; an interruption ends a call', async () => {
    const { port } = await front(createServer(() => undefined));
    await expect(wire({ replyTimeoutMs: 50 }).send(request(port), '{}', alloc, signal)).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    const abort = new AbortController();
    const call = wire().send(request(port), '{}', alloc, abort.signal);
    setTimeout(() => abort.abort(new Error('stop')), 20);
    await expect(call).rejects.toThrow('stop');
    const hung = await front(createServer((socket) => socket.once('data', () => socket.end())));
    await expect(wire().send(request(hung.port), '{}', alloc, signal)).rejects.toMatchObject({ code: 'ECONNRESET' });
    const half = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345';
    const cut = await front(createServer((socket) => socket.once('data', () => socket.end(half))));
    await expect(wire().send(request(cut.port), '{}', alloc, signal)).rejects.toMatchObject({ code: 'ReplyCutShort' });
    const nobody = await front(createServer());
    for (const close of closing.splice(-1)) close();
    await expect(wire().send(request(nobody.port), '{}', alloc, signal)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });
});
