/**
 * One connection to a Thrift server, one call at a time. A call ends with the server's reply, or with Lost, which tells
 * whether the server may have seen it. After that the connection is over.
 */
import { connect, type Socket } from 'node:net';
import { Underrun } from './binary.ts';
import { callMessage, type Method, Refusal, readReply } from './message.ts';

/** No reply came. */
export class Lost extends Error {
  /** The server may have the call, and may do it now or later. */
  readonly sent: boolean;

  constructor(message: string, sent: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Lost';
    this.sent = sent;
  }
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ConnectionLimits {
  readonly connectTimeoutMs: number;
  readonly replyTimeoutMs: number;
  readonly replyBytesMax: number;
}

/** Connects; a server that cannot be reached is Lost. */
export async function openConnection(address: Address, limits: ConnectionLimits): Promise<Connection> {
  const socket = connect({ host: address.host, port: address.port, noDelay: true, keepAlive: true });
  const timer = setTimeout(
    () => socket.destroy(new Error(`no connection within ${limits.connectTimeoutMs} ms`)),
    limits.connectTimeoutMs,
  );
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  } catch (thrown) {
    throw new Lost(reasonOf(thrown), false, thrown);
  } finally {
    clearTimeout(timer);
  }
  return new Connection(socket, limits);
}

export class Connection {
  readonly #socket: Socket;
  readonly #limits: ConnectionLimits;
  #over: Error | undefined;
  #sequence = 0;
  #onBytes: ((bytes: Buffer) => void) | undefined;
  #onEnd: ((reason: Error) => void) | undefined;

  constructor(socket: Socket, limits: ConnectionLimits) {
    this.#socket = socket;
    this.#limits = limits;
    socket.on('data', (bytes: Buffer) => this.#onBytes?.(bytes));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('the connection was closed')));
    // Between calls a connection keeps no process alive.
    socket.unref();
  }

  get open(): boolean {
    return this.#over === undefined;
  }

  /** Calls the server. Throws its Refusal, or Lost. */
  async call<A, R>(method: Method<A, R>, args: A): Promise<R> {
    if (this.#over !== undefined) throw new Lost(this.#over.message, false, this.#over);
    this.#sequence += 1;
    let reply: R | Refusal;
    try {
      this.#socket.ref();
      reply = await this.#exchange(method, callMessage(method, args, this.#sequence), this.#sequence);
    } catch (thrown) {
      this.close();
      throw new Lost(reasonOf(thrown), true, thrown);
    } finally {
      this.#socket.unref();
      this.#onBytes = undefined;
      this.#onEnd = undefined;
    }
    if (reply instanceof Refusal) throw reply;
    return reply;
  }

  close(): void {
    this.#end(new Error('the connection was closed'));
    this.#socket.destroy();
  }

  async #exchange<A, R>(method: Method<A, R>, message: Buffer, sequence: number): Promise<R | Refusal> {
    const { replyTimeoutMs, replyBytesMax } = this.#limits;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`no reply within ${replyTimeoutMs} ms`)), replyTimeoutMs);
        const received: Buffer[] = [];
        let [size, wanted] = [0, 1];
        this.#onEnd = reject;
        this.#onBytes = (bytes) => {
          received.push(bytes);
          size += bytes.length;
          if (size < wanted) return;
          try {
            resolve(readReply(method, Buffer.concat(received), sequence));
          } catch (thrown) {
            if (!(thrown instanceof Underrun) || thrown.bytesMin > replyBytesMax) reject(thrown);
            else wanted = thrown.bytesMin;
          }
        };
        this.#socket.write(message);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #end(reason: Error): void {
    this.#over ??= reason;
    this.#onEnd?.(reason);
  }
}

function reasonOf(thrown: unknown): string {
  // Node tries all addresses of a host, and tells of each apart.
  if (thrown instanceof AggregateError) return thrown.errors.map(reasonOf).join('; ');
  return thrown instanceof Error ? thrown.message : String(thrown);
}
