/** A front before a DynamoDB server that fails its calls in the ways of the real one, in the order of a script. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { crc32 } from 'node:zlib';

export type Mishap =
  /** Refused before it takes effect. */
  | { readonly kind: 'refuse'; readonly code: string; readonly status?: number; readonly message?: string }
  /** It takes effect, and its answer is lost. */
  | { readonly kind: 'cut' | 'reset' | 'flip' }
  /** Only every other put takes effect; the rest is given back. */
  | { readonly kind: 'half' }
  | { readonly kind: 'none' };

export interface Front {
  readonly endpoint: string;
  /** Batches that came, each with its puts. */
  readonly batches: readonly (readonly unknown[])[];
  /** Most batches that were under way at a time. */
  readonly most: () => number;
  readonly sockets: () => number;
  readonly close: () => Promise<void>;
}

/** `mishapOf`: what becomes of the batch of this number, from 0. */
export async function startFront(
  target: string,
  mishapOf: (batch: number) => Mishap | undefined | Promise<Mishap | undefined>,
): Promise<Front> {
  const batches: unknown[][] = [];
  const sockets = new Set<unknown>();
  let [now, most, socketsMost] = [0, 0, 0];
  const server: Server = createServer((incoming, outgoing) => {
    void (async () => {
      const body = await bytesOf(incoming);
      const batch = String(incoming.headers['x-amz-target']).endsWith('.BatchWriteItem');
      if (!batch) return pass(target, incoming, body, outgoing);
      now += 1;
      most = Math.max(most, now);
      outgoing.on('close', () => {
        now -= 1;
      });
      const sent = JSON.parse(body.toString()) as { RequestItems: Record<string, unknown[]> };
      const [[name, puts] = ['', []]] = Object.entries(sent.RequestItems);
      const mishap = (await mishapOf(batches.push(puts) - 1)) ?? { kind: 'none' };
      if (mishap.kind === 'refuse') return refuse(outgoing, mishap);
      if (mishap.kind !== 'half') return pass(target, incoming, body, outgoing, mishap.kind);
      const left = puts.filter((_, place) => place % 2 === 1);
      const kept = { ...sent, RequestItems: { [name]: puts.filter((_, place) => place % 2 === 0) } };
      const answer = await answered(target, incoming, Buffer.from(JSON.stringify(kept)));
      const told = {
        ...(JSON.parse(answer.body.toString()) as object),
        UnprocessedItems: left.length === 0 ? {} : { [name]: left },
      };
      send(outgoing, answer.status, Buffer.from(JSON.stringify(told)));
    })().catch((thrown: unknown) => outgoing.destroy(thrown as Error));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socketsMost = Math.max(socketsMost, sockets.size);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  return {
    endpoint: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    batches,
    most: () => most,
    sockets: () => socketsMost,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

async function pass(
  target: string,
  incoming: IncomingMessage,
  body: Buffer,
  outgoing: ServerResponse,
  mishap: 'cut' | 'reset' | 'flip' | 'none' = 'none',
): Promise<void> {
  const answer = await answered(target, incoming, body);
  if (mishap === 'reset') {
    outgoing.destroy();
    return;
  }
  if (mishap === 'cut') {
    outgoing.writeHead(answer.status, { 'content-length': answer.body.length + 10 });
    outgoing.write(answer.body.subarray(0, 5), () => outgoing.destroy());
    return;
  }
  send(outgoing, answer.status, answer.body, mishap === 'flip');
}

/** Flipped: a digit is another one, so that it is JSON all the same, and the checksum is that of the true body. */
function send(outgoing: ServerResponse, status: number, body: Buffer, flipped = false): void {
  const shown = flipped
    ? Buffer.from(body.toString().replace(/\d/, (digit) => String((Number(digit) + 1) % 10)))
    : body;
  outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amz-crc32': String(crc32(body)) });
  outgoing.end(shown);
}

function refuse(
  outgoing: ServerResponse,
  { code, status = 400, message = 'as the test asked' }: Mishap & { kind: 'refuse' },
): void {
  send(outgoing, status, Buffer.from(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message })));
}

async function answered(target: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((done, failed) => {
    const headers = { ...incoming.headers, host: new URL(target).host, 'content-length': body.length };
    const call = request(target, { method: 'POST', headers }, (reply) => {
      bytesOf(reply).then((bytes) => done({ status: reply.statusCode ?? 500, body: bytes }), failed);
    });
    call.on('error', failed);
    call.end(body);
  });
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
