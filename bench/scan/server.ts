/**
 * A DynamoDB table of canned pages, in a process of its own: pages of a megabyte of items as DynamoDB writes them, made
 * before the first call, for any number of segments. It does nothing but answer.
 *
 *   npx tsx bench/scan/server.ts <items> <times>      prints its port; the pages are given out `times` times
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import { ordersOf } from './orders.ts';

const [items = 205_000, times = 1] = process.argv.slice(2).map(Number);
const PAGE_ITEMS = 1_250;
const UNITS = 128.5;

interface Page {
  readonly body: Buffer;
  readonly crc: string;
}

const pages = makePages();
/** Where each segment is: its pages come round again where they are given out several times. */
const turns = new Map<number, number>();

function makePages(): { readonly more: Page; readonly last: Page }[] {
  const texts = ordersOf(items).map((line) => line.trimEnd().slice('{"Item":'.length, -1));
  const made: { readonly more: Page; readonly last: Page }[] = [];
  for (let from = 0; from < items; from += PAGE_ITEMS) {
    const of = texts.slice(from, from + PAGE_ITEMS);
    const head = `{"ConsumedCapacity":{"CapacityUnits":${UNITS},"TableName":"orders"},"Count":${of.length},"Items":[${of.join(',')}],`;
    const key = `"LastEvaluatedKey":{"pk":{"S":"page"},"sk":{"S":"${made.length}"}},`;
    made.push({
      more: pageOf(`${head}${key}"ScannedCount":${of.length}}`),
      last: pageOf(`${head}"ScannedCount":${of.length}}`),
    });
  }
  return made;
}

function pageOf(text: string): Page {
  const body = Buffer.from(text);
  return { body, crc: String(crc32(body)) };
}

const EMPTY = pageOf('{"Count":0,"Items":[],"ScannedCount":0}');
const TABLE = pageOf(
  JSON.stringify({
    Table: {
      TableName: 'orders',
      TableArn: 'arn:aws:dynamodb:us-east-1:123456789012:table/orders',
      TableId: '00000000-0000-4000-8000-000000000000',
      TableStatus: 'ACTIVE',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      ProvisionedThroughput: { ReadCapacityUnits: 0, WriteCapacityUnits: 0 },
      ItemCount: items * times,
      TableSizeBytes: items * times * 700,
    },
  }),
);

/** awswrangler and boto3 read without segments, too. */
function scanned({ Segment: segment = 0, TotalSegments: total = 1, ExclusiveStartKey: start }: Request): Page {
  const turn = start === undefined ? 0 : (turns.get(segment) ?? 0) + 1;
  turns.set(segment, turn);
  const at = segment + turn * total;
  const page = pages[at % pages.length];
  if (page === undefined || at >= pages.length * times) return EMPTY;
  return at + total < pages.length * times ? page.more : page.last;
}

interface Request {
  readonly Segment?: number;
  readonly TotalSegments?: number;
  readonly ExclusiveStartKey?: unknown;
}

const server = createServer((incoming, outgoing) => {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    const operation = String(incoming.headers['x-amz-target']).split('.')[1];
    const request = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Request;
    const { body, crc } = operation === 'DescribeTable' ? TABLE : scanned(request);
    const type = 'application/x-amz-json-1.0';
    outgoing.writeHead(200, { 'content-type': type, 'content-length': body.length, 'x-amz-crc32': crc });
    outgoing.end(body);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const bytes = pages.reduce((sum, { more }) => sum + more.body.length, 0);
  process.stdout.write(
    `${JSON.stringify({ port: (server.address() as AddressInfo).port, pages: pages.length, bytes })}\n`,
  );
});
