import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cat, defaultOptions, type LoadOptions, type RunContext, type SyncOptions, sync } from '../../src/index.ts';
import { openStorage, parseLocation } from '../../src/storage/locate.ts';
import { JAVA, serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket } from '../servers/buckets.ts';
import { DYNAMODB_LOCAL, type DynamoServer, startDynalite, startDynamoDbLocal } from '../servers/dynamodb-local.ts';
import { startVersitygw } from '../servers/versitygw.ts';
import { call, canonical, itemsOf, makeTable } from './dynamo.ts';
import { loadInto, useFolder } from './run.ts';

// Real data goes from its files into real servers, and is read back value by value. What must be there is worked out
// from the files by JSON.parse alone: their numbers are short.

const data = join(import.meta.dirname, '../../../shared/data/items');
const folder = useFolder();

type Tagged = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Plain JSON as DynamoDB JSON. */
function tagged(value: unknown): Record<string, unknown> {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (Array.isArray(value)) return { L: value.map(tagged) };
  return { M: taggedItem(value as object) };
}

function taggedItem(item: object): Tagged {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, tagged(value)]));
}

/** The last item of each key, in canonical text; without those that have not the key. */
function lastOf(items: readonly Tagged[], key: readonly (readonly [string, string])[]): string[] {
  const kept = new Map<string, Tagged>();
  for (const item of items) {
    const values = key.map(([name, tag]) => item[name]?.[tag]);
    if (values.every((value) => typeof value === 'string' && value !== '')) kept.set(JSON.stringify(values), item);
  }
  return [...kept.values()].map(canonical).sort();
}

const text = (name: string): string => readFileSync(join(data, name), 'utf8');

interface Case {
  readonly name: string;
  readonly key: string;
  readonly options?: Partial<LoadOptions>;
  readonly items: () => readonly Tagged[];
}

const csvItems = (): Tagged[] => {
  const [header = '', ...rows] = text('persons.csv').trim().split(/\r?\n/);
  const names = header.split(',');
  return rows.map((row) =>
    Object.fromEntries(
      row.split(',').flatMap((cell, place) => {
        const name = names[place] ?? '';
        return cell === '' ? [] : [[name, name === 'age' ? { N: cell } : { S: cell }]];
      }),
    ),
  );
};

const CASES: readonly Case[] = [
  {
    name: 'movies.json',
    key: 'year:N,title:S',
    items: () => (JSON.parse(text('movies.json')) as object[]).map(taggedItem),
  },
  {
    name: 'game-players.json',
    key: 'PK:S,SK:S',
    items: () =>
      text('game-players.json')
        .trim()
        .split('\n')
        .map((line) => taggedItem(JSON.parse(line) as object)),
  },
  { name: 'persons.json', key: 'id:S', items: () => (JSON.parse(text('persons.json')) as object[]).map(taggedItem) },
  { name: 'persons.ddb.json', key: 'id:S', items: () => JSON.parse(text('persons.ddb.json')) as Tagged[] },
  { name: 'persons.csv', key: 'id:S', items: csvItems },
  {
    name: 'workbench/OneTable.json',
    key: 'PK:S,SK:S',
    options: { items: 'data' },
    items: () =>
      Object.values((JSON.parse(text('workbench/OneTable.json')) as { data: object[] }).data).map(taggedItem),
  },
  {
    name: 'product_en.json',
    key: 'ProductID:S',
    options: { items: 'ProductDetails' },
    items: () =>
      (
        JSON.parse(text('product_en.json')) as { ProductDetails: { PutRequest: { Item: Tagged } }[] }
      ).ProductDetails.map(({ PutRequest }) => PutRequest.Item),
  },
];

interface Model {
  readonly KeyAttributes: Record<
    'PartitionKey' | 'SortKey',
    { AttributeName: string; AttributeType: string } | undefined
  >;
  readonly TableData?: readonly Tagged[];
}

function models(): Case[] {
  return readdirSync(join(data, 'workbench')).flatMap((name) => {
    const { DataModel } = JSON.parse(text(`workbench/${name}`)) as { DataModel?: readonly Model[] };
    return (DataModel ?? []).flatMap(({ KeyAttributes, TableData = [] }, place) => {
      const parts = [KeyAttributes.PartitionKey, KeyAttributes.SortKey].flatMap((part) =>
        part === undefined ? [] : [part],
      );
      const key = parts.map(({ AttributeName, AttributeType }) => `${AttributeName}:${AttributeType}`).join(',');
      const options = { items: `DataModel[${place}].TableData`, format: 'ddb-json' as const };
      return TableData.length === 0 ? [] : [{ name: `workbench/${name}`, key, options, items: () => TableData }];
    });
  });
}

const silent = (): RunContext => ({
  signal: new AbortController().signal,
  onProgress: () => undefined,
  log: () => undefined,
});

function lakeOptions(endpoint: string): SyncOptions {
  return { ...defaultOptions(), sourceAws: { endpoint, region: 'us-east-1' } };
}

function realData(start: () => Promise<DynamoServer>): void {
  const shared = existsSync(data);
  let server: DynamoServer;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());

  const all = shared ? [...CASES, ...models()] : [];
  test.skipIf(!shared).each(all.map((each) => [`${each.name} ${each.options?.items ?? ''}`, each] as const))(
    '%s',
    async (_, { name, key, options = {}, items }) => {
      const table = await makeTable(server.endpoint, key);
      const report = await loadInto(server.endpoint, join(data, name), table, options);
      const wanted = lastOf(
        items(),
        key.split(',').map((part) => part.split(':') as [string, string]),
      );
      expect(report).toMatchObject({ outcome: 'loaded' });
      expect(report.counts.read).toBe(items().length);
      expect(report.counts.written + report.counts.replaced + report.counts.rejected).toBe(items().length);
      expect(wanted.length).toBeGreaterThan(0);
      expect((await itemsOf(server.endpoint, table)).map((line) => canonical(JSON.parse(line)))).toEqual(wanted);
      // And on into the lake, and out again.
      const lake = join(folder.path(), table);
      const scanned = await sync(`dynamodb:${table}`, lake, lakeOptions(server.endpoint), silent());
      expect(scanned.error).toBeUndefined();
      const out: string[] = [];
      const cells = cat(lake, { ...lakeOptions(server.endpoint), as: 'ddb-json' }, silent());
      for await (const chunk of cells) out.push(chunk);
      const printed = out
        .join('\n')
        .split('\n')
        .filter((line) => line !== '');
      expect(printed.map((line) => canonical((JSON.parse(line) as { Item: Tagged }).Item)).sort()).toEqual(wanted);
    },
  );
  test.runIf(!shared)('skipped: no shared data', () => undefined);
}

describe('real data, by dynalite', () => realData(startDynalite));
serverOrSkip('an object of S3', [VERSITYGW], () => {
  test('is loaded like a file, gzip too, and one that is not there is told', async () => {
    const [store, server] = [await startVersitygw(), await startDynalite()];
    const aws = { endpoint: store.endpoint, region: 'us-east-1', forcePathStyle: true };
    const before = { ...process.env };
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: store.accessKey, AWS_SECRET_ACCESS_KEY: store.secretKey });
    try {
      await makeBucket(store, 'drops');
      const storage = await openStorage(parseLocation('s3://drops'), { aws });
      const text = Array.from({ length: 3000 }, (_, n) => `{"id":"${n}"}`).join('\n');
      await storage.put('in/items.jsonl.gz', gzipSync(text));
      const table = await makeTable(server.endpoint, 'id:S');
      const options = { sourceAws: aws };
      const report = await loadInto(server.endpoint, 's3://drops/in/items.jsonl.gz', table, options);
      expect(report).toMatchObject({ outcome: 'loaded', counts: { written: 3000 } });
      const missing = await loadInto(server.endpoint, 's3://drops/in/nothing.json', table, options);
      expect(missing.error?.code).toBe('SOURCE_NOT_FOUND');
      await storage.close();
    } finally {
      process.env = before;
      await store.stop();
      await server.stop();
    }
  });
});

serverOrSkip('real data, by DynamoDB Local', [DYNAMODB_LOCAL, JAVA], () => {
  realData(startDynamoDbLocal);

  test('what dynalite takes, DynamoDB Local takes, too: keys of every type, every type of value', async () => {
    const server = await startDynamoDbLocal();
    try {
      const { writeFile } = await import('node:fs/promises');
      const path = join(folder.path(), 'types.jsonl');
      const lines = [
        '{"Item":{"k":{"B":"AAEC"},"n":{"N":"-1"},"e":{"S":""},"b":{"B":""},"ss":{"SS":["a",""]},"ns":{"NS":["1","-2.5"]},"bs":{"BS":["AA=="]},"l":{"L":[]},"m":{"M":{"x":{"NULL":true}}},"z":{"BOOL":false}}}',
        '{"Item":{"k":{"B":"AAED"},"n":{"N":"12345678901234567890123456789012345678"},"x":{"N":"0.0000000001"}}}',
      ];
      await writeFile(path, lines.join('\n'));
      const table = await makeTable(server.endpoint, 'k:B,n:N');
      const report = await loadInto(server.endpoint, path, table);
      expect(report.counts).toMatchObject({ written: 2, rejected: 0 });
      const wanted = lines.map((line) => canonical((JSON.parse(line) as { Item: Tagged }).Item)).sort();
      expect((await itemsOf(server.endpoint, table)).map((line) => canonical(JSON.parse(line)))).toEqual(wanted);
      expect(report.units).toBe(2);
    } finally {
      await server.stop();
    }
  });

  test('fault 85: an item of 400 KB to the byte is taken, one more is refused, as DynamoDB counts each type', async () => {
    const server = await startDynamoDbLocal();
    try {
      const { writeFile } = await import('node:fs/promises');
      const values: Tagged[string][] = [
        ...[{ S: 'é' }, { N: '12345' }, { N: '-12345' }, { N: '1000' }, { N: '0.001' }, { N: '0' }, { BOOL: true }],
        ...[{ NULL: true }, { B: 'AAEC' }, { SS: ['q', 'rs'] }, { NS: ['12', '-3'] }, { BS: ['AAEC'] }],
        ...[{ L: [] }, { L: [{ S: 'q' }, { N: '1' }] }, { M: {} }, { M: { a: { S: 'q' }, b: { L: [] } } }],
      ];
      const sizes = [3, 5, 6, 3, 3, 2, 2, 2, 4, 4, 6, 4, 4, 9, 4, 12];
      const item = (place: number, more: number): string => {
        const id = `${String(place).padStart(2, '0')}-${more}`;
        const filler = 'x'.repeat(409_600 - ('id'.length + 4 + 'v'.length) - (sizes[place] ?? 0) + more);
        return JSON.stringify({ id: { S: id }, x: values[place], v: { S: filler } });
      };
      const path = join(folder.path(), 'edge.jsonl');
      await writeFile(path, values.flatMap((_, place) => [item(place, 0), item(place, 1)]).join('\n'));
      const table = await makeTable(server.endpoint, 'id:S');
      // DynamoDB's own word, one item at a time, without us.
      const taken: string[] = [];
      for (const line of readFileSync(path, 'utf8').split('\n')) {
        const Item = JSON.parse(line) as Tagged;
        const answer = call(server.endpoint, 'PutItem', { TableName: table, Item }).then(() => taken.push(line));
        await answer.catch((thrown: Error) => expect(thrown.message).toContain('Item size'));
      }
      const own = await makeTable(server.endpoint, 'id:S');
      const report = await loadInto(server.endpoint, path, own, { format: 'ddb-json' });
      expect(report.counts).toMatchObject({ written: values.length, rejected: values.length });
      expect(await itemsOf(server.endpoint, own)).toEqual(taken.map((line) => canonical(JSON.parse(line))).sort());
      const rejects = readFileSync(report.rejects ?? '', 'utf8')
        .trim()
        .split('\n');
      // Found here, each by one byte: none took a batch apart.
      for (const line of rejects) expect(line).toContain('409601 bytes, and an item may have 409600');
    } finally {
      await server.stop();
    }
  });
});
