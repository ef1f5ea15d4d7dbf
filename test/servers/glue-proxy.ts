/**
 * Glue as AWS runs it, on top of moto, which keeps entries but ignores much: the version of an update is compared, the
 * old version is archived unless told otherwise, pages and batches have their limits. On top of that, a catalog that
 * lies: rules make calls fail, late, or lose their replies. They are taken in order, each as often as it says.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

export type GlueAction =
  /** Glue never hears of it; the connection is reset. */
  | { readonly kind: 'reset' }
  /** Glue applies it; the connection is cut without an answer. */
  | { readonly kind: 'lose reply' }
  /** The connection is cut at once; Glue hears of it so much later. */
  | { readonly kind: 'apply late'; readonly ms: number }
  /** Glue applies it, but answers something else. */
  | { readonly kind: 'apply and answer'; readonly status: number; readonly code: string }
  /** Glue never hears of it. Without a code the body is a page of HTML. */
  | { readonly kind: 'answer'; readonly status: number; readonly code?: string; readonly message?: string }
  | { readonly kind: 'apply and say nothing' }
  | { readonly kind: 'delay'; readonly ms: number };

export interface GlueRule {
  /** `UpdateTable`, `GetTable` …; absent: any call. */
  readonly call?: string;
  readonly action: GlueAction;
  /** How often, counted from the first call that fits; 1 unless told. */
  readonly times?: number;
  /** How many calls that fit pass first. */
  readonly skip?: number;
  /** Runs when the call has arrived, before Glue hears of it. */
  readonly before?: () => Promise<void>;
}

export interface GlueCall {
  readonly call: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly action: GlueAction | undefined;
  status: number | undefined;
}

export interface GlueProxy {
  readonly endpoint: string;
  readonly calls: GlueCall[];
  /** Old versions that were kept, of all tables. */
  archived(): number;
  /** Forgets all rules and calls, and takes these rules. */
  play(...rules: readonly GlueRule[]): void;
  /** What each call of a kind meets, by chance. */
  lie(draw: ((call: string) => GlueAction | undefined) | undefined): void;
  /** Whether versions are compared: some services that speak Glue's language do not. */
  compares(versions: boolean): void;
  /** Changes the bodies of answers before they go out. */
  edit(change: (call: string, body: Record<string, unknown>) => void): void;
  stop(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

type Body = Readonly<Record<string, unknown>>;

const BATCH_MAX = 100;

/** Starts the proxy before a moto server. */
export async function startGlueProxy(upstream: string): Promise<GlueProxy> {
  let rules: { readonly rule: GlueRule; skip: number; left: number }[] = [];
  let draw: ((call: string) => GlueAction | undefined) | undefined;
  let change: ((call: string, body: Record<string, unknown>) => void) | undefined;
  const calls: GlueCall[] = [];
  const sockets = new Set<Socket>();
  const glue = new Glue(upstream);
  const take = (call: string): GlueRule | undefined => {
    for (const each of rules) {
      if ((each.rule.call ?? call) !== call || each.left === 0) continue;
      if (each.skip > 0) {
        each.skip -= 1;
        continue;
      }
      each.left -= 1;
      return each.rule;
    }
    const action = draw?.(call);
    return action === undefined ? undefined : { action };
  };
  const handle = async (client: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const call = String(client.headers['x-amz-target'] ?? '').replace(/^.*\./, '');
    const rule = take(call);
    const bytes = await buffer(client);
    const body = JSON.parse(bytes.length === 0 ? '{}' : bytes.toString('utf8')) as Body;
    const seen: GlueCall = { call, body, action: rule?.action, status: undefined };
    calls.push(seen);
    await rule?.before?.();
    const told = await act(rule?.action, client, () => glue.call(call, body, client));
    const answer = told === undefined || change === undefined ? told : edited(told, call, change);
    seen.status = answer?.status;
    if (answer === undefined || reply.destroyed) return;
    const type = answer.body.toString('utf8', 0, 1) === '<' ? 'text/html' : 'application/x-amz-json-1.1';
    reply.writeHead(answer.status, { 'content-type': type, 'content-length': answer.body.length });
    reply.end(answer.body);
  };
  const server = createServer((client, reply) => {
    handle(client, reply).catch(() => client.socket.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    archived: () => glue.archived,
    play: (...next) => {
      rules = next.map((rule) => ({ rule, skip: rule.skip ?? 0, left: rule.times ?? 1 }));
      draw = undefined;
      change = undefined;
      calls.length = 0;
    },
    lie: (next) => {
      draw = next;
    },
    compares: (versions) => {
      glue.compares = versions;
    },
    edit: (next) => {
      change = next;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

/** What the client hears; undefined: nothing. */
async function act(
  action: GlueAction | undefined,
  client: IncomingMessage,
  apply: () => Promise<Reply>,
): Promise<Reply | undefined> {
  switch (action?.kind) {
    case 'reset':
      client.socket.resetAndDestroy();
      return undefined;
    case 'lose reply':
      await apply();
      client.socket.destroy();
      return undefined;
    case 'apply late':
      client.socket.destroy();
      await sleep(action.ms);
      return apply();
    case 'apply and answer':
      await apply();
      return refusal(action.status, action.code);
    case 'apply and say nothing':
      await apply();
      return undefined;
    case 'answer':
      return action.code === undefined
        ? { status: action.status, body: Buffer.from(`<html><body>${action.status}</body></html>`) }
        : refusal(action.status, action.code, action.message);
    case 'delay':
      await sleep(action.ms);
  }
  return apply();
}

/** Moto, with what it leaves out. */
class Glue {
  archived = 0;
  compares = true;
  readonly #upstream: string;
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(upstream: string) {
    this.#upstream = upstream;
  }

  async call(call: string, body: Body, client: IncomingMessage): Promise<Reply> {
    const send = (to: string, what: Body): Promise<Reply> => this.#forward(to, what, client);
    if (call === 'UpdateTable') {
      const { Name } = body['TableInput'] as { readonly Name?: string };
      return this.#inTurn(`${String(body['DatabaseName'])}.${String(Name)}`, () => this.#update(body, Name, send));
    }
    const batch = body['PartitionInputList'] ?? body['PartitionsToDelete'] ?? body['Entries'];
    const batchMax = call === 'BatchDeletePartition' ? 25 : BATCH_MAX;
    if (Array.isArray(batch) && batch.length > batchMax) {
      const text = `1 validation error detected: Value at 'partitionInputList' failed to satisfy constraint: Member must have length less than or equal to ${batchMax}`;
      return refusal(400, 'ValidationException', text);
    }
    if (call === 'GetTables') return paged(await send(call, body), 'TableList', body);
    if (call === 'GetDatabases') return paged(await send(call, body), 'DatabaseList', body);
    if (call === 'GetPartitions') return paged(await send(call, body), 'Partitions', body);
    return send(call, body);
  }

  /** As AWS does: without a version the last one wins. */
  async #update(
    body: Body,
    name: string | undefined,
    send: (call: string, body: Body) => Promise<Reply>,
  ): Promise<Reply> {
    const { DatabaseName, CatalogId, VersionId } = body;
    if (VersionId !== undefined && this.compares) {
      const there = await send('GetTable', { DatabaseName, CatalogId, Name: name });
      if (there.status !== 200) return there;
      const { Table } = JSON.parse(there.body.toString('utf8')) as { readonly Table: { readonly VersionId: string } };
      if (Table.VersionId !== VersionId) {
        return refusal(400, 'ConcurrentModificationException', 'Update table failed due to concurrent modifications.');
      }
    }
    const reply = await send('UpdateTable', body);
    if (reply.status === 200 && body['SkipArchive'] !== true) this.archived += 1;
    return reply;
  }

  /** One update of a table at a time. */
  async #inTurn(key: string, work: () => Promise<Reply>): Promise<Reply> {
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#turns.set(key, turn);
    return turn;
  }

  #forward(call: string, body: Body, client: IncomingMessage): Promise<Reply> {
    const { hostname, port } = new URL(this.#upstream);
    const bytes = Buffer.from(JSON.stringify(body));
    const headers = {
      host: client.headers.host ?? '',
      authorization: client.headers.authorization ?? '',
      'content-type': 'application/x-amz-json-1.1',
      'content-length': bytes.length,
      'x-amz-target': `AWSGlue.${call}`,
      'x-amz-date': String(client.headers['x-amz-date'] ?? ''),
      connection: 'close',
    };
    return new Promise((done, fail) => {
      const options = { hostname, port, method: 'POST', path: '/', headers, agent: false as const };
      request(options, (reply) => {
        buffer(reply).then((read) => done({ status: reply.statusCode ?? 502, body: read }), fail);
      })
        .on('error', fail)
        .end(bytes);
    });
  }
}

function edited(reply: Reply, call: string, change: (call: string, body: Record<string, unknown>) => void): Reply {
  if (reply.status !== 200 || reply.body.length === 0) return reply;
  const body = JSON.parse(reply.body.toString('utf8')) as Record<string, unknown>;
  change(call, body);
  return { status: 200, body: Buffer.from(JSON.stringify(body)) };
}

/** One page of a listing: moto always gives all. */
function paged(reply: Reply, member: string, { MaxResults, NextToken }: Body): Reply {
  if (reply.status !== 200) return reply;
  const whole = JSON.parse(reply.body.toString('utf8')) as Record<string, unknown>;
  const all = (whole[member] ?? []) as readonly unknown[];
  const from = Number(NextToken ?? 0);
  const size = Math.min(BATCH_MAX, typeof MaxResults === 'number' ? MaxResults : BATCH_MAX);
  const next = from + size < all.length ? { NextToken: String(from + size) } : {};
  const body = { ...whole, [member]: all.slice(from, from + size), ...next };
  return { status: 200, body: Buffer.from(JSON.stringify(body)) };
}

function refusal(status: number, code: string, message = code): Reply {
  return { status, body: Buffer.from(JSON.stringify({ __type: code, Message: message })) };
}
