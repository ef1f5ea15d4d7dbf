import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { str } from '../../../src/engine/sql/quote.ts';
import type { ColumnType, OriginTag, TableSchema, TimestampFormat } from '../../../src/model/schema.ts';
import { schemaBuilder } from '../duckdb/nested-schema.ts';
import { catRows, smallEngine } from '../duckdb/small-engine.ts';

const TEXT: ColumnType = { kind: 'string' };
const LONG: ColumnType = { kind: 'long' };
const BINARY: ColumnType = { kind: 'binary' };

describe('each kind of column goes back into its attribute value', () => {
  const engine = smallEngine();
  const cat = (schema: TableSchema, rows: Parameters<typeof catRows>[2], as?: 'ddb-json' | 'json'): Promise<string[]> =>
    catRows(engine, schema, rows, as);
  /** One column called v. */
  async function values(
    tag: OriginTag,
    type: (b: ReturnType<typeof schemaBuilder>) => ColumnType,
    sql: readonly string[],
  ) {
    const builder = schemaBuilder();
    const schema = builder.table([builder.field('i', 'N', LONG), builder.field('v', tag, type(builder))]);
    const lines = await cat(
      schema,
      sql.map((v, i) => ({ i: String(i + 1000), v })),
    );
    return lines.map((line) => line.replace(/^\{"Item":\{"i":\{"N":"\d+"\},?/, '').replace(/\}\}$/, ''));
  }

  test('faults 74, 75: numbers come out in canonical plain decimal', async () => {
    const decimal = (precision: number, scale: number) => (): ColumnType => ({ kind: 'decimal', precision, scale });
    expect(await values('N', () => LONG, ['-9223372036854775808', '0', '9223372036854775807'])).toEqual([
      '"v":{"N":"-9223372036854775808"}',
      '"v":{"N":"0"}',
      '"v":{"N":"9223372036854775807"}',
    ]);
    const wide = await values('N', decimal(38, 9), [
      "'12345678901234567890123456789.123456789'",
      "'-0.100000000'",
      '100',
      '0',
    ]);
    expect(wide).toEqual([
      '"v":{"N":"12345678901234567890123456789.123456789"}',
      '"v":{"N":"-0.1"}',
      '"v":{"N":"100"}',
      '"v":{"N":"0"}',
    ]);
    expect(await values('N', decimal(38, 0), ["'99999999999999999999999999999999999999'", '1000'])).toEqual([
      '"v":{"N":"99999999999999999999999999999999999999"}',
      '"v":{"N":"1000"}',
    ]);
    expect(await values('N', decimal(38, 38), ["'0.12345678901234567890123456789012345678'", "'-0.5'", '0'])).toEqual([
      '"v":{"N":"0.12345678901234567890123456789012345678"}',
      '"v":{"N":"-0.5"}',
      '"v":{"N":"0"}',
    ]);
    expect(
      await values('N', () => ({ kind: 'number-text' }), ["'0.00000000000000000000000000000000000000000000001'"]),
    ).toEqual(['"v":{"N":"0.00000000000000000000000000000000000000000000001"}']);
  });

  test('doubles come out with the shortest digits, without an exponent, and read back the same', async () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    const some = [
      0,
      -0,
      1,
      -1,
      0.1,
      1e15,
      1e16,
      1e17,
      12345678901234568,
      -1.5e-7,
      1e-7,
      9.99e125,
      5e-324,
      123456.789,
      1e5,
      ...fc.sample(double, { numRuns: 150, seed: 7 }),
    ];
    const lines = await values(
      'N',
      () => ({ kind: 'double' }),
      some.map((n) => `'${n}'::DOUBLE`),
    );
    const texts = lines.map(
      (line) => /^"v":\{"N":"(-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?)"\}$/.exec(line)?.[1] ?? `not canonical: ${line}`,
    );
    expect(texts.map(Number)).toEqual(some.map((n) => (n === 0 ? 0 : n)));
  });

  test('fault 77: empty texts, sets, lists and maps are values, NULL is absent', async () => {
    expect(await values('S', () => TEXT, ["''", 'NULL'])).toEqual(['"v":{"S":""}', '']);
    expect(await values('B', () => BINARY, ["''::BLOB", "'\\x00\\xFF'::BLOB"])).toEqual([
      '"v":{"B":""}',
      '"v":{"B":"AP8="}',
    ]);
    expect(await values('L', (b) => b.list('S', TEXT), ['[]', "['', 'a']"])).toEqual([
      '"v":{"L":[]}',
      '"v":{"L":[{"S":""},{"S":"a"}]}',
    ]);
    expect(await values('M', (b) => b.map('N', LONG), ['MAP {}', 'NULL'])).toEqual(['"v":{"M":{}}', '']);
    expect(await values('M', (b) => b.struct(b.field('a', 'N', LONG)), ["{'a': NULL}", 'NULL', "{'a': 1}"])).toEqual([
      '"v":{"M":{}}',
      '',
      '"v":{"M":{"a":{"N":"1"}}}',
    ]);
    expect(await values('BOOL', () => ({ kind: 'boolean' }), ['true', 'false'])).toEqual([
      '"v":{"BOOL":true}',
      '"v":{"BOOL":false}',
    ]);
  });

  test('sets, nested lists and maps keep their types', async () => {
    expect(await values('SS', (b) => b.list('S', TEXT), [`['a"b', '😀']`])).toEqual(['"v":{"SS":["a\\"b","😀"]}']);
    expect(
      await values('NS', (b) => b.list('N', { kind: 'decimal', precision: 18, scale: 4 }), ['[1.5, -2, 0]']),
    ).toEqual(['"v":{"NS":["1.5","-2","0"]}']);
    expect(await values('BS', (b) => b.list('B', BINARY), ["['\\x01'::BLOB]"])).toEqual(['"v":{"BS":["AQ=="]}']);
    expect(
      await values('L', (b) => b.list('L', b.list('SS', b.list('S', TEXT))), ["[[['a'], ['b', 'c']], []]"]),
    ).toEqual(['"v":{"L":[{"L":[{"SS":["a"]},{"SS":["b","c"]}]},{"L":[]}]}']);
    const deep = await values(
      'M',
      (b) =>
        b.map(
          'L',
          b.list('M', b.struct(b.field('x.y', 'M', b.map('N', LONG)), b.field('"', 'BOOL', { kind: 'boolean' }))),
        ),
      [`MAP {'k"': [{'x.y': MAP {'1': 2}, '"': NULL}, {'x.y': NULL, '"': true}]}`],
    );
    expect(deep).toEqual([
      '"v":{"M":{"k\\"":{"L":[{"M":{"x.y":{"M":{"1":{"N":"2"}}}}},{"M":{"\\"":{"BOOL":true}}}]}}}',
    ]);
  });

  test.each<[TimestampFormat, string, string, string]>([
    ['iso', 'S', '2020-02-29 23:59:59+00', '2020-02-29T23:59:59Z'],
    ['iso', 'S', '0001-01-01 00:00:00+00', '0001-01-01T00:00:00Z'],
    ['iso-ms', 'S', '1969-12-31 23:59:59.120+00', '1969-12-31T23:59:59.120Z'],
    ['iso-us', 'S', '2020-01-01 00:00:00.000001+00', '2020-01-01T00:00:00.000001Z'],
    ['epoch-s', 'N', '1969-12-31 23:59:59+00', '-1'],
    ['epoch-ms', 'N', '2001-09-09 01:46:40.001+00', '1000000000001'],
    ['epoch-us', 'N', '2001-09-09 01:46:40.000001+00', '1000000000000001'],
  ])('a time of format %s goes back into its text', async (format, tag, time, text) => {
    expect(await values(tag as OriginTag, () => ({ kind: 'timestamp', format }), [`'${time}'`])).toEqual([
      `"v":{"${tag}":"${text}"}`,
    ]);
  });

  test('JSON columns: DynamoDB JSON as it is, plain JSON turned back', async () => {
    expect(await values('*', () => ({ kind: 'ddb-json' }), [`'{"L":[{"NULL":true},{"N":"1"}]}'`])).toEqual([
      '"v":{"L":[{"NULL":true},{"N":"1"}]}',
    ]);
    const plain =
      '{"a":[1,-0.12345678901234567890123456789012345678,"x\\"{,:}",true,null,[],{}],"a:b":{"__proto__":"c"},"":false}';
    expect(await values('*', () => ({ kind: 'json' }), [str(plain), `'5'`, `'"s"'`, `'null'`])).toEqual([
      '"v":{"M":{"a":{"L":[{"N":"1"},{"N":"-0.12345678901234567890123456789012345678"},{"S":"x\\"{,:}"},{"BOOL":true},{"NULL":true},{"L":[]},{"M":{}}]},' +
        '"a:b":{"M":{"__proto__":{"S":"c"}}},"":{"BOOL":false}}}',
      '"v":{"N":"5"}',
      '"v":{"S":"s"}',
      '"v":{"NULL":true}',
    ]);
  });

  test('faults 85, 87: texts with NUL, quotes, line ends and 380 KB come out whole', async () => {
    const texts = ['a\0b', '"\\/\b\f\n\r\t', '\u2028\u007f\u001f', 'é😀', 'x'.repeat(380_000), "'"];
    const lines = await values('S', () => TEXT, texts.map(str));
    expect(lines.map((line) => (JSON.parse(`{${line}}`) as { v: { S: string } }).v.S)).toEqual(texts);
    expect(lines.every((line) => !line.includes('\n'))).toBe(true);
  });
});
