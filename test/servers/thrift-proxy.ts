import { createServer, type Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What happens to the next call of a method:
 * - `lose the reply`: the server gets it, and the connection is cut before its reply;
 * - `lose the call`: the connection is cut before the server gets it;
 * - a number: the connection is cut at once, and the server gets it so many milliseconds later.
 */
export type ThriftFault = 'lose the reply' | 'lose the call' | number;

export interface ThriftProxy {
  readonly uri: string;
  readonly port: number;
  /** Methods that were called, in order. */
  readonly calls: string[];
  fault(method: string, fault: ThriftFault): void;
  /** Called when a call of this method is about to go to the server, which waits for it. Once. */
  before(method: string, act: () => Promise<unknown>): void;
  stop(): Promise<void>;
}

/** A proxy before a Thrift server that loses and delays calls. */
export async function startThriftProxy(serverPort: number): Promise<ThriftProxy> {
  const calls: string[] = [];
  const faults = new Map<string, ThriftFault>();
  const acts = new Map<string, () => Promise<unknown>>();
  const sockets = new Set<Socket>();
  const late: Promise<unknown>[] = [];
  const server = createServer((client) => {
    const upstream = new Socket().connect(serverPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    let deaf = false;
    let turn = Promise.resolve();
    upstream.on('data', (bytes: Buffer) => {
      if (!deaf) client.write(bytes);
    });
    upstream.on('close', () => client.destroy());
    client.on('close', () => {
      if (!deaf) upstream.destroy();
    });
    const forward = async (bytes: Buffer): Promise<void> => {
      const method = methodOf(bytes);
      if (method === undefined) {
        upstream.write(bytes);
        return;
      }
      calls.push(method);
      const act = acts.get(method);
      acts.delete(method);
      await act?.();
      const fault = faults.get(method);
      faults.delete(method);
      if (fault === undefined) {
        upstream.write(bytes);
        return;
      }
      deaf = true;
      if (typeof fault === 'number') {
        client.destroy();
        await sleep(fault);
      }
      if (fault !== 'lose the call') {
        const replied = new Promise((resolve) => upstream.once('data', resolve).once('close', resolve));
        upstream.write(bytes);
        await replied;
      }
      client.destroy();
      upstream.destroy();
    };
    client.on('data', (bytes: Buffer) => {
      turn = turn.then(() => forward(bytes));
      late.push(turn);
    });
  });
  const port = await listen(server);
  return {
    uri: `thrift://127.0.0.1:${port}`,
    port,
    calls,
    fault: (method, fault) => void faults.set(method, fault),
    before: (method, act) => void acts.set(method, act),
    stop: async () => {
      await Promise.all(late);
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Name of the method that a call begins with; undefined: the bytes go on with an earlier one. */
function methodOf(bytes: Buffer): string | undefined {
  if (bytes.length < 8 || bytes.readUInt32BE(0) !== 0x80_01_00_01) return undefined;
  return bytes.toString('utf8', 8, 8 + bytes.readInt32BE(4));
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
