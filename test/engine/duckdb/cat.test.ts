import { describe, expect, test } from 'vitest';
import { catLines } from '../../../src/engine/duckdb/cat.ts';
import { str } from '../../../src/engine/sql/quote.ts';
import { type ColumnType, systemColumns, type TableSchema } from '../../../src/model/schema.ts';
import { schemaBuilder } from './nested-schema.ts';
import { catRows, smallEngine } from './small-engine.ts';
import { asFile, writeTable } from './table-file.ts';

const TEXT: ColumnType = { kind: 'string' };
const LONG: ColumnType = { kind: 'long' };
const BINARY: ColumnType = { kind: 'binary' };

describe('from rows back to items', () => {
  const engine = smallEngine();
  const cat = (schema: TableSchema, rows: Parameters<typeof catRows>[2], as?: 'ddb-json' | 'json'): Promise<string[]> =>
    catRows(engine, schema, rows, as);

  test('JSON columns within structs, lists and maps', async () => {
    const json: ColumnType = { kind: 'json' };
    const typed: ColumnType = { kind: 'ddb-json' };
    const { field, list, map, struct, table } = schemaBuilder();
    const schema = table([
      field('l', 'L', list('*', json)),
      field('m', 'M', map('*', typed)),
      field('s', 'M', struct(field('a', '*', json), field('b', '*', typed))),
    ]);
    const rows = [
      {
        l: `['1', '{"x":[]}', 'null']`,
        m: `MAP {'k': '{"SS":["a"]}', '': '{"M":{}}'}`,
        s: `{'a': '[true]', 'b': '{"NS":["1","2.5"]}'}`,
      },
    ];
    expect(await cat(schema, rows)).toEqual([
      '{"Item":{"l":{"L":[{"N":"1"},{"M":{"x":{"L":[]}}},{"NULL":true}]},' +
        '"m":{"M":{"k":{"SS":["a"]},"":{"M":{}}}},"s":{"M":{"a":{"L":[{"BOOL":true}]},"b":{"NS":["1","2.5"]}}}}}',
    ]);
    expect(await cat(schema, rows, 'json')).toEqual([
      '{"l":[1,{"x":[]},null],"m":{"k":["a"],"":{}},"s":{"a":[true],"b":[1,2.5]}}',
    ]);
  });

  test('items marked as deleted are not printed', async () => {
    const { field, next, table } = schemaBuilder();
    const system = [
      { id: next(), name: '_rescued' },
      { id: next(), name: '_deleted' },
    ] as const;
    const schema = table([field('a', 'N', LONG)], { system });
    expect(await cat(schema, [{ a: '1' }, { a: '2', _deleted: 'true' }, { a: '3', _deleted: 'false' }])).toEqual([
      '{"Item":{"a":{"N":"1"}}}',
      '{"Item":{"a":{"N":"3"}}}',
    ]);
  });

  test('a history gives lines of exports: of a full one for the baseline, of incremental ones for changes', async () => {
    const { field, next, table } = schemaBuilder();
    const system = systemColumns('history').map((name) => ({ id: next(), name }));
    const schema = table([field('pk', 'S', TEXT), field('a', 'N', LONG)], { system, keys: ['pk'] });
    const at = "make_timestamp(1768387654353205)::TIMESTAMPTZ AT TIME ZONE 'UTC'";
    const old = `'{"pk":{"S":"x"},"a":{"N":"1"}}'`;
    const rows = [
      { pk: "'b'", a: '1', _operation: "'baseline'" },
      { pk: "'i'", a: '2', _operation: "'insert'", _written_at: at },
      { pk: "'u'", _operation: "'update'", _written_at: at, _old_image: old, _rescued: `'{"a":{"S":"two"}}'` },
      { pk: "'x'", _operation: "'delete'", _written_at: at, _old_image: old },
      { pk: "'y'", _operation: "'delete'", _written_at: at },
    ];
    const time = '{"Metadata":{"WriteTimestampMicros":{"N":"1768387654353205"}},';
    expect(await cat(schema, rows)).toEqual(
      [
        '{"Item":{"pk":{"S":"b"},"a":{"N":"1"}}}',
        `${time}"Keys":{"pk":{"S":"i"}},"NewImage":{"pk":{"S":"i"},"a":{"N":"2"}}}`,
        `${time}"Keys":{"pk":{"S":"u"}},"OldImage":{"pk":{"S":"x"},"a":{"N":"1"}},"NewImage":{"pk":{"S":"u"},"a":{"S":"two"}}}`,
        `${time}"Keys":{"pk":{"S":"x"}},"OldImage":{"pk":{"S":"x"},"a":{"N":"1"}}}`,
        `${time}"Keys":{"pk":{"S":"y"}}}`,
      ].sort(),
    );
    await expect(cat(schema, rows, 'json')).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('text in the table that is no DynamoDB JSON is an error, not a wrong item', async () => {
    const { field, table } = schemaBuilder();
    const schema = table([field('a', '*', { kind: 'ddb-json' })]);
    await expect(cat(schema, [{ a: str('{"X":1}') }], 'json')).rejects.toMatchObject({
      message: expect.stringContaining('not DynamoDB JSON'),
    });
  });

  test('faults 80, 82: any attribute name, whatever the column is called', async () => {
    const { field, table } = schemaBuilder();
    const names = [
      'Item',
      '__proto__',
      'constructor',
      'a"b',
      "it's",
      'a\u0000b',
      '😀',
      'x y',
      '',
      'S',
      '\n',
      'a.b',
      '1',
    ];
    const schema = table(names.map((attr, i) => field(attr, 'N', LONG, `c${i}`)));
    const [line] = await cat(schema, [Object.fromEntries(names.map((_, i) => [`c${i}`, String(i)]))]);
    const item = new Map(Object.entries((JSON.parse(line ?? '') as { Item: object }).Item));
    expect([...item.keys()].sort()).toEqual([...names].sort());
    for (const [i, name] of names.entries()) expect(item.get(name)).toEqual({ N: String(i) });
  });

  test('one attribute in several columns: the one that is there', async () => {
    const { field, table } = schemaBuilder();
    const schema = table([
      field('i', 'N', LONG),
      field('price', 'S', TEXT, 'price_s'),
      field('price', 'N', LONG, 'price_n'),
    ]);
    expect(await cat(schema, [{ i: '1', price_s: "'x'" }, { i: '2', price_n: '5' }, { i: '3' }])).toEqual([
      '{"Item":{"i":{"N":"1"},"price":{"S":"x"}}}',
      '{"Item":{"i":{"N":"2"},"price":{"N":"5"}}}',
      '{"Item":{"i":{"N":"3"}}}',
    ]);
  });

  test('what was rescued wins over the columns, and attributes without a column are there', async () => {
    const { next, field, list, table } = schemaBuilder();
    const schema = table([field('i', 'N', LONG), field('a"', 'N', LONG, 'a_'), field('l', 'L', list('N', LONG))], {
      derived: [{ id: next(), name: 'i_ts', from: 'i', format: 'epoch-s' }],
    });
    const rows = [
      { i: '1', a_: '1', l: '[1]', i_ts: 'now()' },
      {
        i: '2',
        a_: '7',
        l: '[1, NULL]',
        _rescued: str('{"l":{"L":[{"N":"1"},{"S":"x"}]},"a\\"":{"NULL":true},"z":{"S":"\\u0000}"}}'),
      },
      { i: '3', a_: '3', _rescued: str('{"z":{"M":{}}}') },
      { i: '4', a_: '4', _rescued: str('{}'), _written_at: 'now()' },
      { _rescued: str('{"z":{"M":{}}}') },
      {},
    ];
    expect(await cat(schema, rows)).toEqual([
      '{"Item":{"i":{"N":"1"},"a\\"":{"N":"1"},"l":{"L":[{"N":"1"}]}}}',
      '{"Item":{"i":{"N":"2"},"l":{"L":[{"N":"1"},{"S":"x"}]},"a\\"":{"NULL":true},"z":{"S":"\\u0000}"}}}',
      '{"Item":{"i":{"N":"3"},"a\\"":{"N":"3"},"z":{"M":{}}}}',
      '{"Item":{"i":{"N":"4"},"a\\"":{"N":"4"}}}',
      '{"Item":{"z":{"M":{}}}}',
      '{"Item":{}}',
    ]);
    expect(await cat(schema, rows, 'json')).toEqual(
      [
        '{"i":1,"a\\"":1,"l":[1]}',
        '{"i":2,"l":[1,"x"],"a\\"":null,"z":"\\u0000}"}',
        '{"i":3,"a\\"":3,"z":{}}',
        '{"i":4,"a\\"":4}',
        '{"z":{}}',
        '{}',
      ].sort(),
    );
  });

  test('plain JSON has exact numbers, sets as lists, binary as base64', async () => {
    const { field, list, struct, table } = schemaBuilder();
    const schema = table([
      field('d', 'N', { kind: 'decimal', precision: 38, scale: 20 }),
      field('ns', 'NS', list('N', LONG)),
      field('bs', 'BS', list('B', BINARY)),
      field('ss', 'SS', list('S', TEXT)),
      field('m', 'M', struct(field('b', 'BOOL', { kind: 'boolean' }))),
      field('j', '*', { kind: 'json' }),
    ]);
    expect(
      await cat(
        schema,
        [
          {
            d: "'123456789012345678.12345678901234567890'",
            ns: '[1, 2]',
            bs: "['\\x01'::BLOB]",
            ss: `['"']`,
            m: "{'b': true}",
            j: str('[1,{"a":null}]'),
          },
        ],
        'json',
      ),
    ).toEqual([
      '{"d":123456789012345678.1234567890123456789,"ns":[1,2],"bs":["AQ=="],"ss":["\\""],"m":{"b":true},"j":[1,{"a":null}]}',
    ]);
  });

  test('a table of no attributes, no files, and a limit', async () => {
    const { field, table } = schemaBuilder();
    expect(await cat(table([]), [{}, { _rescued: str('{"a":{"S":"x"}}') }])).toEqual([
      '{"Item":{"a":{"S":"x"}}}',
      '{"Item":{}}',
    ]);
    const schema = table([field('i', 'N', LONG)]);
    const none: string[] = [];
    for await (const line of catLines(engine.duck, schema, [], { as: 'ddb-json' })) none.push(line);
    expect(none).toEqual([]);
    const path = await writeTable(engine.duck, engine.dir, schema, [{ i: '1' }, { i: '2' }, { i: '3' }]);
    for await (const line of catLines(engine.duck, schema, [asFile(path)], { as: 'ddb-json', limit: 2 }))
      none.push(line);
    expect(none.length).toBe(2);
  });
});
