import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DynamoServer, startDynalite } from '../servers/dynamodb-local.ts';
import { describeTable, itemsOf, makeTable } from './dynamo.ts';
import { loadInto, useFolder } from './run.ts';

const folder = useFolder();
let server: DynamoServer;
beforeAll(async () => {
  server = await startDynalite();
});
afterAll(() => server?.stop());

let files = 0;
async function file(name: string, content: string | Buffer): Promise<string> {
  files += 1;
  const path = join(folder.path(), `${files}-${name}`);
  await writeFile(path, content);
  return path;
}

describe('formats', () => {
  test.each([
    ['an array', 'a.json', '[{"id":"a","n":1},\n {"id":"b","n":2.50}]', {}],
    ['documents', 'b.json', '{"id":"a","n":1}{"id":"b","n":2.50}', {}],
    [
      'items within a document',
      'c.json',
      '{"data":{"rows":[{"id":"a","n":1},{"id":"b","n":2.5}]},"next":null}',
      { items: 'data.rows' },
    ],
    ['JSON lines', 'd.jsonl', '{"id":"a","n":1}\r\n\n{"id":"b","n":2.5}', {}],
    ['JSON lines in a file called json', 'e.json', '{"id":"a","n":1}\n{"id":"b","n":2.5}\n', {}],
    ['CSV', 'f.csv', '\ufeffid,n\r\na,1\r\n"b",2.50\r\n', {}],
    ['CSV with tabs', 'g.tsv', 'id\tn\na\t1\nb\t2.5\n', {}],
    ['CSV without names', 'h.csv', 'a;1\nb;2.5', { columns: ['id', 'n'], delimiter: ';' }],
    [
      'lines of an export',
      'i.json',
      '{"Item":{"id":{"S":"a"},"n":{"N":"1"}}}\n{"Item":{"n":{"N":"2.5"},"id":{"S":"b"}}}',
      {},
    ],
    ['attributes alone', 'j.json', '[{"id":{"S":"a"},"n":{"N":"1"}},{"id":{"S":"b"},"n":{"N":"2.5"}}]', {}],
  ] as const)('%s', async (_, name, text, options) => {
    const table = await makeTable(server.endpoint, 'id:S');
    for (const path of [await file(name, text), await file(`${name}.gz`, gzipSync(text))]) {
      const report = await loadInto(server.endpoint, path, table, options);
      expect(report).toMatchObject({ outcome: 'loaded', counts: { read: 2, written: 2, rejected: 0 } });
    }
    expect(await itemsOf(server.endpoint, table)).toEqual([
      '{"id":{"S":"a"},"n":{"N":"1"}}',
      '{"id":{"S":"b"},"n":{"N":"2.5"}}',
    ]);
  });

  test('what is no format is told; a file that is not there, too', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const told = await loadInto(server.endpoint, await file('x.txt', 'hello'), table);
    expect(told.error).toMatchObject({ code: 'INPUT_BAD', hint: 'Name it with --format.' });
    expect((await loadInto(server.endpoint, '/nothing/here.json', table)).error?.code).toBe('SOURCE_NOT_FOUND');
    expect((await loadInto(server.endpoint, folder.path(), table)).error?.code).toBe('SOURCE_NOT_FOUND');
    expect((await loadInto(server.endpoint, await file('e.json', ' '), table)).counts.read).toBe(0);
    const astray = await loadInto(server.endpoint, await file('p.json', '{"a":[]}'), table, { items: 'b' });
    expect(astray.error?.hint).toContain('--items');
  });

  test('fault 38: a file that ends too early stops the load; what came before is written', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const cut = await loadInto(server.endpoint, await file('cut.json', '[{"id":"a"},{"id":"b"},{"id'), table);
    expect(cut.error?.code).toBe('INPUT_BAD');
    expect(cut.counts).toMatchObject({ read: 2 });
    const gz = gzipSync(Array.from({ length: 5000 }, (_, n) => `{"id":"${n}-${Math.sin(n)}"}`).join('\n'));
    const half = await loadInto(server.endpoint, await file('half.jsonl.gz', gz.subarray(0, gz.length / 2)), table);
    expect(half.error?.code).toBe('INPUT_BAD');
  });
});

describe('items', () => {
  test('bad ones go to the rejects with file, line and reason, and take no other with them', async () => {
    const table = await makeTable(server.endpoint, 'id:S,at:N', ['mail:S']);
    const lines = [
      '{"id":"a","at":1}',
      '{"id":"a"}',
      '{"id":1,"at":1}',
      '{"id":"","at":1}',
      '{"id":"b","at":1,"mail":7}',
      '{"id":"b","at":1,"mail":""}',
      '{"id":"c","at":1',
      `{"id":"d","at":1,"x":"${'x'.repeat(410_000)}"}`,
      `{"id":"${'k'.repeat(2049)}","at":1}`,
      '{"id":"z","at":1,"n":1e200}',
      '{"id":"e","at":2}',
    ];
    const path = await file('bad.jsonl', lines.join('\n'));
    const rejects = join(folder.path(), 'rejects');
    const report = await loadInto(server.endpoint, path, table, { rejects });
    expect(report.counts).toEqual({ read: 11, written: 2, replaced: 0, rejected: 9, resumed: 0 });
    expect(report.rejects).toBe(join(rejects, 'rejects.jsonl'));
    const kept = (await readFile(join(rejects, 'rejects.jsonl'), 'utf8')).trim().split('\n');
    const told = kept.map((line) => JSON.parse(line) as { file: string; line: number; reason: string; text: string });
    expect(told.map(({ line, reason }) => `${line} ${reason}`)).toEqual([
      '2 key attribute at is missing',
      "3 key attribute id is of type N, and the table's key is a string",
      '4 key attribute id is empty',
      '5 attribute mail is of type N, and an index has it as a string',
      '6 attribute mail is empty, and it is the key of an index',
      '7 expected } at the end of the line',
      '8 410008 bytes, and an item may have 409600',
      '9 key attribute id is longer than 2048 bytes',
      '10 attribute n: not a number that DynamoDB can hold',
    ]);
    expect(told.every((each) => each.file === path && each.text === lines[each.line - 1])).toBe(true);
    const strict = await loadInto(server.endpoint, path, table, { strict: true });
    expect(strict.error).toMatchObject({ code: 'ITEM_REJECTED', place: `${path}, 2` });
  });

  test('a document around the items is told apart from an item', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const rejects = join(folder.path(), 'wrapped');
    await loadInto(server.endpoint, await file('w.json', '{"meta":[1],"data":[{"id":"a"}]}'), table, { rejects });
    expect(await readFile(join(rejects, 'rejects.jsonl'), 'utf8')).toContain('name it: --items data');
  });

  test('of items with one key the last one stays, within a batch and over batches', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const items = Array.from({ length: 500 }, (_, n) => `{"id":"${n % 40}","n":${n}}`);
    const report = await loadInto(server.endpoint, await file('twice.jsonl', items.join('\n')), table);
    expect(report.counts.read).toBe(500);
    expect(report.counts.written + report.counts.replaced).toBe(500);
    const there = (await itemsOf(server.endpoint, table)).map(
      (line) => JSON.parse(line) as { id: { S: string }; n: { N: string } },
    );
    expect(there).toHaveLength(40);
    for (const { id, n } of there) expect(Number(n.N)).toBe(Number(id.S) + (Number(id.S) < 20 ? 480 : 440));
  });

  test('columns of CSV: types by their cells, empty cells are absent, misfits stay texts and are counted', async () => {
    const table = await makeTable(server.endpoint, 'no:N');
    const rows = Array.from(
      { length: 1200 },
      (_, n) => `${n},${n === 1100 ? 'n/a' : `${n}.50`},00${n},${n % 2 === 0},,"a ""b""\n${n}"`,
    );
    const path = await file('typed.csv', `no,price,zip,even,nothing,text\n${rows.join('\n')}\n1,2\n`);
    const report = await loadInto(server.endpoint, path, table);
    expect(report.counts).toMatchObject({ written: 1200, rejected: 1 });
    expect(report.columns).toEqual({
      no: 'number',
      price: 'number',
      zip: 'string',
      even: 'boolean',
      nothing: 'string',
      text: 'string',
    });
    expect(report.warnings.map(({ code, text }) => `${code} ${text}`)).toContainEqual(
      expect.stringMatching(/^cells-of-another-type 1 cell of the column “price”/),
    );
    const items = await itemsOf(server.endpoint, table);
    expect(items).toContain(
      '{"even":{"BOOL":false},"no":{"N":"7"},"price":{"N":"7.5"},"text":{"S":"a \\"b\\"\\n7"},"zip":{"S":"007"}}',
    );
    expect(items.find((line) => line.includes('"no":{"N":"1100"}'))).toContain('"price":{"S":"n/a"}');
  });

  test('fault 87: a record in another encoding is refused, and no letter replaced', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const bytes = Buffer.concat([
      Buffer.from('id,t\na,é\nb,'),
      Buffer.from([0xe9]),
      Buffer.from('\nc,"x""y"\nd,"open" z\ne,1\n'),
    ]);
    const report = await loadInto(server.endpoint, await file('latin.csv', bytes), table);
    expect(report.counts).toMatchObject({ read: 5, written: 3, rejected: 2 });
    expect(await itemsOf(server.endpoint, table)).toEqual([
      '{"id":{"S":"a"},"t":{"S":"é"}}',
      '{"id":{"S":"c"},"t":{"S":"x\\"y"}}',
      '{"id":{"S":"e"},"t":{"S":"1"}}',
    ]);
    const twice = await loadInto(server.endpoint, await file('twice.csv', 'id,id\n1,2'), table);
    expect(twice.error).toMatchObject({ code: 'INPUT_BAD', found: 'the name id twice' });
  });

  test('sets, empty texts and transforms', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const path = await file('t.json', '[{"Id":7,"tags":["b","a","b"],"e":"","d":{"zip":"01"}}]');
    await loadInto(server.endpoint, path, table, {
      sets: ['tags'],
      empty: 'null',
      transform: "rename(Id, id), cast(id, string), rename(d.zip, zip), default(color, 'none')",
    });
    expect(await itemsOf(server.endpoint, table)).toEqual([
      '{"color":{"S":"none"},"d":{"M":{}},"e":{"NULL":true},"id":{"S":"7"},"tags":{"SS":["a","b"]},"zip":{"S":"01"}}',
    ]);
  });
});

describe('the table', () => {
  test('is made by the first item that has its key, on demand or with capacity; a plan makes nothing', async () => {
    const path = await file('n.json', '[{"x":1},{"pk":1,"sk":"a"},{"pk":"2","sk":"b"},{"pk":3,"sk":"c"}]');
    const options = { createTable: true, key: ['pk', 'sk'] };
    const plan = await loadInto(server.endpoint, path, 'made-by-load', { ...options, dryRun: true });
    expect(plan).toMatchObject({
      outcome: 'planned',
      counts: { read: 4, written: 2, rejected: 2 },
      units: 2,
      example: '{"Item":{"pk":{"N":"1"},"sk":{"S":"a"}}}',
      cost: { price: 1.25e-6, currency: 'USD', why: expect.stringContaining('on demand in us-east-1: 0.625 USD') },
    });
    expect(plan.rejects).toBeUndefined();
    await expect(describeTable(server.endpoint, 'made-by-load')).rejects.toThrow('ResourceNotFound');
    const report = await loadInto(server.endpoint, path, 'made-by-load', options);
    expect(report).toMatchObject({ table: { key: ['pk', 'sk'], created: true }, counts: { written: 2, rejected: 2 } });
    const again = await loadInto(server.endpoint, path, 'made-by-load', options);
    expect(again).toMatchObject({ outcome: 'loaded', table: { created: false } });
    expect(report.cost?.price).toBeCloseTo(1.25e-6, 12);
    const paid = await loadInto(server.endpoint, path, 'made-with-capacity', {
      ...options,
      provisioned: '3,4',
      wcu: { kind: 'share', share: 1 },
    });
    expect(paid).toMatchObject({ units: 2, pace: 4, paceWhy: '100 % of 4 provisioned' });
    expect(paid.cost).toEqual({ why: expect.stringContaining('by the hour') });
    expect((await describeTable(server.endpoint, 'made-with-capacity')).ProvisionedThroughput?.WriteCapacityUnits).toBe(
      4,
    );
  });

  test('that is not there, or has another key, is told', async () => {
    const path = await file('n.json', '[{"id":"1"}]');
    const missing = await loadInto(server.endpoint, path, 'not-there');
    expect(missing.error).toMatchObject({ code: 'TARGET_NOT_FOUND', place: 'dynamodb:not-there' });
    const table = await makeTable(server.endpoint, 'id:S');
    expect((await loadInto(server.endpoint, path, table, { key: ['other'] })).error).toMatchObject({
      code: 'USAGE',
      expected: 'id',
    });
    expect((await loadInto(server.endpoint, path, 'no/table')).error?.code).toBe('USAGE');
  });
});
