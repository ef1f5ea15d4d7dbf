import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineError, isBrokenGzip, refusalOf } from '../../../src/engine/duckdb/errors.ts';
import { type Duck, openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import { list, str } from '../../../src/engine/sql/quote.ts';
import { SMALL } from './small.ts';

const SEED = '{"Item":{"pk":{"S":"x"},"m":{"M":{"a":{"N":"1"}}},"l":{"L":[{"S":"x"}]},"b":{"BOOL":true}}}\n';
const GOOD = '{"Item":{"pk":{"S":"x"}}}\n';

describe('what the engine says of lines that it refuses', () => {
  let duck: Duck;
  let dir: string;
  beforeAll(async () => {
    duck = await openDuckDb(SMALL);
    dir = mkdtempSync(join(tmpdir(), 'tailrace-errors-'));
    writeFileSync(join(dir, 'seed.json'), SEED);
  });
  afterAll(() => {
    duck.close();
    rmSync(dir, { recursive: true });
  });

  /** Reads a file the way a load does, after a seed; gives the error, or the number of rows. */
  async function load(name: string, bytes: string | Uint8Array): Promise<unknown> {
    const path = join(dir, name);
    writeFileSync(path, bytes);
    const files = list([join(dir, 'seed.json'), path]);
    try {
      const rows =
        await duck.rows(`select filename, COLUMNS(*)::VARCHAR from read_json(${files}, format='newline_delimited',
        sample_size=1, maximum_sample_files=1, maximum_depth=-1, map_inference_threshold=1000,
        field_appearance_threshold=0, filename=true) where filename <> ${str(join(dir, 'seed.json'))}`);
      return rows.length;
    } catch (error) {
      return error;
    }
  }

  const refused: readonly (readonly [title: string, body: string | Uint8Array, kind: string, detail: string])[] = [
    ['unknown attribute', '{"Item":{"zz":{"S":"1"}}}', 'unknown-key', 'zz'],
    [
      'unknown attribute with a quote and a line break',
      '{"Item":{"z\\"z\\n has duplicate key":{"S":"1"}}}',
      'unknown-key',
      'z"z\n has duplicate key',
    ],
    ['unknown type tag', '{"Item":{"pk":{"X":"1"}}}', 'unknown-key', 'X'],
    ['another top-level name', '{"Itme":{}}', 'unknown-key', 'Itme'],
    ['duplicate attribute', '{"Item":{"pk":{"S":"1"},"pk":{"S":"2"}}}', 'duplicate', 'pk'],
    ['scalar where an object is expected', '{"Item":{"pk":"x"}}', 'type', 'Expected OBJECT, but got VARCHAR: "x"'],
    ['scalar item', '{"Item":5}', 'type', 'Expected OBJECT, but got UBIGINT: 5'],
    ['array line', '[1]', 'type', 'Expected OBJECT, but got ARRAY: [1]'],
    ['number line', '5', 'type', 'Expected OBJECT, but got UBIGINT: 5'],
    [
      'object where a list is expected',
      '{"Item":{"l":{"L":{"S":"x"}}}}',
      'type',
      'Expected ARRAY, but got OBJECT: {"S":"x"}',
    ],
    [
      'text where a boolean is expected',
      '{"Item":{"b":{"BOOL":"maybe"}}}',
      'type',
      'Failed to cast value to numerical: "maybe"',
    ],
    ['not JSON at all', 'hello there', 'malformed', 'unexpected character.'],
    ['cut line', '{"Item":{"pk":{"S":"x"', 'malformed', 'unexpected end of data.'],
    [
      'two documents',
      `${GOOD.trim()}${GOOD.trim()}`,
      'malformed',
      'unexpected content after document. Try auto-detecting the JSON format',
    ],
    [
      'invalid UTF-8',
      Buffer.concat([Buffer.from('{"Item":{"pk":{"S":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}}')]),
      'malformed',
      'invalid UTF-8 encoding in string.',
    ],
    ['lone surrogate', '{"Item":{"pk":{"S":"\\ud800"}}}', 'malformed', 'no low surrogate in string.'],
    ['bad escape', '{"Item":{"pk":{"S":"\\x"}}}', 'malformed', 'invalid escaped character in string.'],
    [
      'raw control character',
      '{"Item":{"pk":{"S":"a\u0000b"}}}',
      'malformed',
      'unexpected control character in string.',
    ],
  ];

  test.each(refused)('faults 87, 88: %s', async (title, body, kind, detail) => {
    const name = `${title}'"é.json`;
    const error = await load(name, Buffer.concat([Buffer.from(GOOD), Buffer.from(body), Buffer.from('\n')]));
    expect(refusalOf(error)).toEqual({ file: join(dir, name), line: expect.any(Number), kind, detail });
    expect(error).toMatchObject({ code: 'ENGINE', place: expect.stringContaining(name) });
  });

  test('fault 38: a truncated gzip file, and one that is none, are named', async () => {
    const cut = gzipSync(Buffer.from(GOOD.repeat(20000))).subarray(0, 200);
    expect(refusalOf(await load('cut.json.gz', cut))).toMatchObject({
      file: join(dir, 'cut.json.gz'),
      kind: 'malformed',
    });
    expect(refusalOf(await load('plain.json.gz', GOOD))).toMatchObject({
      file: join(dir, 'plain.json.gz'),
      kind: 'malformed',
    });
  });

  test('fault 38: junk behind a gzip stream is an error without a name', async () => {
    const error = await load('junk.json.gz', Buffer.concat([gzipSync(Buffer.from(GOOD)), Buffer.from('junkjunkjunk')]));
    expect(refusalOf(error)).toBeUndefined();
    expect(isBrokenGzip(error)).toBe(true);
  });

  test('an object over maximum_object_size is refused and named', async () => {
    const huge = `{"Item":{"pk":{"S":"${'x'.repeat(40_000_000)}"}}}\n`;
    expect(refusalOf(await load('huge.json', huge))).toMatchObject({
      file: join(dir, 'huge.json'),
      kind: 'malformed',
      detail: 'a line of more than 16777216 bytes',
    });
  });

  test('what the engine takes without a word: the load must look at it itself', async () => {
    expect(await load('noitem.json', '{}\n')).toBe(1);
    expect(await load('nullitem.json', '{"Item":null}\n')).toBe(1);
    expect(await load('number.json', '{"Item":{"pk":{"S":5}}}\n')).toBe(1);
    expect(await load('bom.json', `\ufeff${GOOD}`)).toBe(1);
    expect(await load('crlf.json', '{"Item":{"pk":{"S":"x"}}}\r\n\r\n\n')).toBe(1);
    expect(await load('empty.json', '')).toBe(0);
  });

  test('a bad line that a projection raised', async () => {
    const error = await duck.run("select error('tailrace-bad-line:' || '/a b/c.json.gz')").catch((e: unknown) => e);
    expect(refusalOf(error)).toEqual({ file: '/a b/c.json.gz', kind: 'bad-line', detail: expect.any(String) });
  });

  test('other errors are no refusals', async () => {
    const missing = await duck.run("select * from read_json('/no/such.json')").catch((e: unknown) => e);
    expect(refusalOf(missing)).toBeUndefined();
    expect(isBrokenGzip(missing)).toBe(false);
    expect(missing).toMatchObject({ code: 'ENGINE', message: expect.stringContaining('/no/such.json') });
    expect(refusalOf(new Error('other'))).toBeUndefined();
    expect(engineError('text')).toMatchObject({ code: 'ENGINE' });
  });
});
