/**
 * Connections that replies are read from into buffers of the caller's choice. Node's own HTTP client makes two fresh
 * buffers for every 64 KB; at hundreds of megabytes a second the collector, which marks the whole heap for them every few
 * milliseconds, takes more time than all else that receiving needs. One request at a time on a connection, which is kept.
 */
import { isIP, type Socket, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { DynamoLimits } from './limits.ts';
import { ReplyReader, type WireReply } from './reply.ts';

/** A request as it is signed. */
export interface WireRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Heads of replies are read to it, and what comes with them. */
const SCRATCH_BYTES = 16 * 1024;

export class Wire {
  readonly #limits: DynamoLimits;
  readonly #idle = new Map<string, Connection[]>();
  readonly #open = new Set<Connection>();
  #closed = false;

  constructor(limits: DynamoLimits) {
    this.#limits = limits;
  }

  /** Sends a request; gives its reply, whatever its status. */
  async send(
    request: WireRequest,
    body: string | Uint8Array,
    alloc: (bytes: number) => Buffer,
    signal: AbortSignal,
  ): Promise<WireReply> {
    signal.throwIfAborted();
    const { protocol, hostname } = request;
    const port = request.port ?? (protocol === 'https:' ? 443 : 80);
    const place = `${protocol}//${hostname}:${port}`;
    const connection = this.#idle.get(place)?.pop() ?? this.#connect(protocol, hostname.replace(/^\[|\]$/g, ''), port);
    const reply = await connection.send(request, body, alloc, signal);
    if (connection.usable && !this.#closed) this.#keep(place, connection);
    else connection.destroy();
    return reply;
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#open) connection.destroy();
  }

  #connect(protocol: string, host: string, port: number): Connection {
    const connection = new Connection(protocol === 'https:', host, port, this.#limits);
    this.#open.add(connection);
    connection.socket.once('close', () => {
      this.#open.delete(connection);
      for (const idle of this.#idle.values()) if (idle.includes(connection)) idle.splice(idle.indexOf(connection), 1);
    });
    return connection;
  }

  #keep(place: string, connection: Connection): void {
    const idle = this.#idle.get(place) ?? [];
    idle.push(connection);
    this.#idle.set(place, idle);
  }
}

interface Waiting {
  readonly reader: ReplyReader;
  readonly resolve: (reply: WireReply) => void;
  readonly reject: (cause: unknown) => void;
}

class Connection {
  readonly socket: Socket;
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  #waiting: Waiting | undefined;
  #room: Buffer | undefined;
  #keptOpen = true;

  constructor(secure: boolean, host: string, port: number, { connectTimeoutMs, replyTimeoutMs }: DynamoLimits) {
    const onread = {
      buffer: (): Buffer => {
        this.#room = this.#waiting?.reader.room;
        return this.#room ?? this.#scratch;
      },
      callback: (bytes: number, buffer: Uint8Array): boolean => {
        this.#read(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
        return true;
      },
    };
    const servername = isIP(host) === 0 ? { servername: host } : {};
    this.socket = secure
      ? (tlsConnect({ host, port, ...servername, ALPNProtocols: ['http/1.1'], ...{ onread } }) as Socket)
      : tcpConnect({ host, port, onread });
    const slow = setTimeout(
      () => this.socket.destroy(timedOut(`no connection within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    );
    this.socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(slow));
    this.socket.setNoDelay(true);
    this.socket.setTimeout(replyTimeoutMs, () => this.socket.destroy(timedOut(`silence for ${replyTimeoutMs} ms`)));
    this.socket.on('error', (cause) => this.#fail(cause));
    this.socket.once('end', () => this.#ended());
    this.socket.once('close', () => {
      clearTimeout(slow);
      this.#ended();
    });
  }

  /** Whether another request may follow. */
  get usable(): boolean {
    return this.#keptOpen && this.socket.writable && !this.socket.destroyed;
  }

  async send(
    { method, path, hostname, headers }: WireRequest,
    body: string | Uint8Array,
    alloc: (bytes: number) => Buffer,
    signal: AbortSignal,
  ): Promise<WireReply> {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const all: Record<string, string> = { host: hostname, ...headers, connection: 'keep-alive' };
    all['content-length'] = String(bytes.length);
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    const aborted = (): void => this.#fail(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
    this.socket.ref();
    try {
      return await new Promise<WireReply>((resolve, reject) => {
        this.#waiting = { reader: new ReplyReader(alloc), resolve, reject };
        this.socket.cork();
        this.socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
        this.socket.write(bytes);
        this.socket.uncork();
      });
    } finally {
      signal.removeEventListener('abort', aborted);
      this.socket.unref();
    }
  }

  destroy(): void {
    this.socket.destroy();
  }

  #read(bytes: Buffer): void {
    const waiting = this.#waiting;
    // Nobody asked for these.
    if (waiting === undefined) {
      this.destroy();
      return;
    }
    try {
      const reply = waiting.reader.add(bytes, this.#room !== undefined);
      if (reply !== undefined) this.#answer(waiting, reply);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #answer({ resolve }: Waiting, reply: WireReply): void {
    this.#waiting = undefined;
    this.#keptOpen = reply.headers['connection']?.toLowerCase() !== 'close';
    resolve(reply);
  }

  #ended(): void {
    this.#keptOpen = false;
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    try {
      const reply = waiting.reader.end();
      if (reply !== undefined) this.#answer(waiting, reply);
      else this.#fail(Object.assign(new Error('the connection ended before a reply'), { code: 'ECONNRESET' }));
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #fail(cause: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#keptOpen = false;
    this.destroy();
    waiting?.reject(cause);
  }
}

function timedOut(message: string): Error {
  return Object.assign(new Error(message), { name: 'TimeoutError' });
}
