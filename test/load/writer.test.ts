import { expect, test } from 'vitest';
import type { DynamoApi } from '../../src/dynamodb/api.ts';
import type { Put } from '../../src/load/write/put.ts';
import { BatchWriter } from '../../src/load/write/writer.ts';
import { Pacer } from '../../src/pacing/pacer.ts';

const item = (n: string): string => `{"Item":{"id":{"N":"${n}"}}}`;
const put = (n: string, number: number): Put => ({
  ...{ id: `${n.length}:${n}`, number, line: number, text: `{"PutRequest":${item(n)}}`, textBytes: 40, units: 1 },
  raw: Buffer.from(n),
});

test('unprocessed items whose keys come back in another spelling are sent again, with all of their batch', async () => {
  const sent: string[][] = [];
  const call = async (_: string, __: string, body: Buffer, read: (reply: Buffer) => unknown): Promise<unknown> => {
    const { RequestItems } = JSON.parse(body.toString()) as {
      RequestItems: Record<string, { PutRequest: { Item: { id: { N: string } } } }[]>;
    };
    sent.push((RequestItems['numbers'] ?? []).map(({ PutRequest }) => PutRequest.Item.id.N));
    const left = sent.length === 1 ? `{"numbers":[{"PutRequest":${item('2.0')}}]}` : '{}';
    return read(Buffer.from(`{"UnprocessedItems":${left},"ConsumedCapacity":[{"CapacityUnits":1}]}`));
  };
  const writer = new BatchWriter({
    api: { call } as unknown as DynamoApi,
    table: {
      ...{ named: 'numbers', arn: undefined, id: '', status: 'ACTIVE', billing: 'on-demand', writes: {} },
      ...{ key: [{ attr: 'id', tag: 'N' }], indexKeys: [] },
    },
    pacer: new Pacer({ unitsPerSecond: Number.POSITIVE_INFINITY, firstEstimate: 25 }),
    onRefused: () => expect.fail('nothing is refused'),
    signal: new AbortController().signal,
  });
  await writer.write([put('1', 1), put('2', 2)]);
  expect(sent).toEqual([
    ['1', '2'],
    ['1', '2'],
  ]);
  expect(writer.totals.written).toBe(2);
});
