import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import type { DdbItem } from '../data/ion.ts';

/** One call, as the server sees it before it answers. */
export interface Call {
  readonly operation: string;
  readonly request: Readonly<Record<string, unknown>>;
  /** Calls of any kind before it. */
  readonly number: number;
  /** Whose signature it bears. */
  readonly accessKey: string | undefined;
  /** When it was signed, in ms. */
  readonly date: number;
}

/** What becomes of a call in place of an answer, or of the answer. */
export type Mishap =
  | { readonly kind: 'refuse'; readonly code: string; readonly status?: number; readonly message?: string }
  /** The body ends in its middle. */
  | { readonly kind: 'cut' }
  /** A byte of the body is another one than the checksum is of. */
  | { readonly kind: 'flip' }
  /** The connection is closed without an answer. */
  | { readonly kind: 'reset' }
  /** Whatever a hostile server, or one that stands between, makes of the answer. */
  | { readonly kind: 'own'; readonly answer: (outgoing: ServerResponse, body: Buffer, crc: number) => void };

export interface CannedTable {
  readonly name?: string;
  readonly key: readonly string[];
  items: readonly DdbItem[];
  id?: string;
  /** Bytes of items on a page; DynamoDB's are a megabyte. */
  readonly pageBytes?: number;
  readonly description?: Readonly<Record<string, unknown>>;
  /** Where an item lies; default: evenly by its place. Items of one partition key lie together. */
  readonly segmentOf?: (item: DdbItem, segments: number) => number;
  /** A page without items before each that has some. */
  readonly emptyPages?: boolean;
  /** Pages do not say what they took. */
  readonly silent?: boolean;
  readonly mishap?: (call: Call) => Mishap | undefined;
}

export interface CannedServer {
  readonly endpoint: string;
  readonly calls: Call[];
  /** Connections that were made to it until now. */
  readonly connections: number;
  /** Units that answers have said to take, and when, in ms. */
  readonly spent: { readonly at: number; readonly units: number }[];
  /** Forgets the pages: the table's items have changed. */
  refresh(): void;
  close(): Promise<void>;
}

interface Rendered {
  readonly body: Buffer;
  readonly crc: number;
  readonly units: number;
}

/** A table that answers DescribeTable and Scan, of any segment, with pages that are made once. */
export async function startCannedPages(table: CannedTable): Promise<CannedServer> {
  const calls: Call[] = [];
  const spent: { at: number; units: number }[] = [];
  let pages = new Map<string, Rendered>();
  let connections = 0;
  const server = createServer((incoming, outgoing) => {
    void bodyOf(incoming).then((text) => {
      const request = JSON.parse(text === '' ? '{}' : text) as Record<string, unknown>;
      const operation = String(incoming.headers['x-amz-target']).split('.')[1] ?? '';
      const accessKey = /Credential=([^/]+)\//.exec(incoming.headers.authorization ?? '')?.[1];
      const call = { operation, request, number: calls.length, accessKey, date: dateOf(incoming) };
      calls.push(call);
      // Node's own would not follow a test that moves the clock.
      outgoing.setHeader('date', new Date().toUTCString());
      const mishap = table.mishap?.(call);
      if (mishap?.kind === 'refuse') return refuse(outgoing, mishap);
      if (mishap?.kind === 'reset') return outgoing.destroy();
      if (operation === 'DescribeTable') return send(outgoing, rendered(describe(table), 0), mishap);
      if (operation !== 'Scan') return refuse(outgoing, { code: 'UnknownOperationException' });
      const page = scanned(table, request, pages);
      spent.push({ at: performance.now(), units: page.units });
      send(outgoing, page, mishap);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    get connections() {
      return connections;
    },
    spent,
    refresh: () => {
      pages = new Map();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function dateOf({ headers }: IncomingMessage): number {
  const [, day = '', time = ''] = /^(\d{8})T(\d{6})Z$/.exec(String(headers['x-amz-date'])) ?? [];
  return Date.parse(`${day.replace(/(....)(..)/, '$1-$2-')}T${time.replace(/(..)(..)/, '$1:$2:')}Z`);
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function refuse(outgoing: ServerResponse, mishap: { code: string; status?: number; message?: string }): void {
  const { code, status = 400, message = 'as the test wants it' } = mishap;
  outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
  outgoing.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message }));
}

function send(outgoing: ServerResponse, { body, crc }: Rendered, mishap: Mishap | undefined): void {
  if (mishap?.kind === 'own') {
    mishap.answer(outgoing, body, crc);
    return;
  }
  outgoing.writeHead(200, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': body.length,
    'x-amz-crc32': String(crc),
  });
  if (mishap?.kind === 'cut') {
    outgoing.write(body.subarray(0, body.length >> 1), () => outgoing.destroy());
    return;
  }
  if (mishap?.kind === 'flip') {
    const other = Buffer.from(body);
    // Within a text, where nothing but the checksum can tell.
    const at = body.lastIndexOf('x') < 0 ? body.lastIndexOf('"n"') + 1 : body.lastIndexOf('x');
    other[at] = (other[at] ?? 0) ^ 1;
    outgoing.end(other);
    return;
  }
  outgoing.end(body);
}

function describe({ name = 'orders', key, id = 'table-1', items, description }: CannedTable): string {
  const typeOf = (attr: string): string => Object.keys(items[0]?.[attr] ?? { S: '' })[0] ?? 'S';
  return JSON.stringify({
    Table: {
      TableName: name,
      TableArn: `arn:aws:dynamodb:us-east-1:123456789012:table/${name}`,
      TableId: id,
      TableStatus: 'ACTIVE',
      KeySchema: key.map((AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
      AttributeDefinitions: key.map((AttributeName) => ({ AttributeName, AttributeType: typeOf(AttributeName) })),
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      ItemCount: 0,
      TableSizeBytes: 0,
      ...description,
    },
  });
}

function rendered(text: string, units: number): Rendered {
  const body = Buffer.from(text);
  return { body, crc: crc32(body), units };
}

/** The page of a segment behind a key; all pages of the same number of segments are made at its first call. */
function scanned(
  table: CannedTable,
  request: Readonly<Record<string, unknown>>,
  pages: Map<string, Rendered>,
): Rendered {
  const { Segment: segment = 0, TotalSegments: total = 1, ExclusiveStartKey: start, Limit: limit } = request;
  const made = `${String(total)} ${String(limit)}`;
  if (!pages.has(made)) {
    render(table, Number(total), Number(limit ?? Number.POSITIVE_INFINITY), made, pages);
    pages.set(made, rendered('{}', 0));
  }
  const at = `${made} ${String(segment)} ${start === undefined ? '' : JSON.stringify(start)}`;
  return pages.get(at) ?? rendered('{"Count":0,"Items":[],"ScannedCount":0}', 0);
}

function render(table: CannedTable, total: number, limit: number, made: string, pages: Map<string, Rendered>): void {
  const { key, pageBytes = 1_000_000, segmentOf = byHash(key[0] ?? '') } = table;
  const segments = Array.from({ length: total }, () => [] as DdbItem[]);
  for (const item of table.items) segments[segmentOf(item, total)]?.push(item);
  for (const [segment, items] of segments.entries()) {
    let start = '';
    for (let at = 0; at < items.length; ) {
      const texts: string[] = [];
      let bytes = 0;
      for (; at < items.length && bytes < pageBytes && texts.length < limit; at += 1) {
        const text = JSON.stringify(items[at]);
        texts.push(text);
        bytes += text.length;
      }
      const last = at < items.length ? items[at - 1] : undefined;
      const next = last === undefined ? undefined : Object.fromEntries(key.map((attr) => [attr, last[attr]]));
      const units = Math.max(0.5, Math.ceil(bytes / 4096) / 2) * (table.emptyPages === true ? 0.5 : 1);
      if (table.emptyPages === true) {
        const empty = { 'tailrace:empty': { S: `${segment}-${at}` } };
        pages.set(`${made} ${segment} ${start}`, rendered(pageText(table, [], empty, units), units));
        start = JSON.stringify(empty);
      }
      pages.set(`${made} ${segment} ${start}`, rendered(pageText(table, texts, next, units), units));
      start = JSON.stringify(next);
    }
  }
}

function pageText({ silent }: CannedTable, items: readonly string[], next: unknown, units: number): string {
  const capacity =
    silent === true ? '"Told":false' : `"ConsumedCapacity":{"CapacityUnits":${units},"TableName":"orders"}`;
  const last = next === undefined ? '' : `"LastEvaluatedKey":${JSON.stringify(next)},`;
  return `{${capacity},"Count":${items.length},"Items":[${items.join(',')}],${last}"ScannedCount":${items.length}}`;
}

/** Items of one partition key lie in one segment, as DynamoDB has it. */
function byHash(attr: string): (item: DdbItem, segments: number) => number {
  return (item, segments) =>
    createHash('md5')
      .update(JSON.stringify(item[attr] ?? ''))
      .digest()
      .readUInt32BE() % segments;
}
