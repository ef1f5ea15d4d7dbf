import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SyncReport } from '../../src/model/report.ts';
import type { Reject } from '../../src/source/port.ts';
import type { DdbItem } from '../data/ion.ts';
import { canonical, FORMATS, World } from './load.ts';

// One line of poison among good items: the good ones load, it goes to the rejects with its file and line, counts close.

interface Poison {
  readonly fault: number;
  readonly name: string;
  readonly line: string | Uint8Array;
  readonly reason: RegExp;
}

const item = (attributes: string): string => `{"Item":{"pk":{"S":"poison"},${attributes}}}`;
const bytes = (before: string, middle: readonly number[], after: string): Uint8Array =>
  Buffer.concat([Buffer.from(before), Buffer.from(middle), Buffer.from(after)]);

const POISON: readonly Poison[] = [
  {
    fault: 87,
    name: 'a key that stands twice',
    line: item('"a":{"S":"1"},"a":{"S":"2"}'),
    reason: /attribute a: stands twice/,
  },
  {
    fault: 87,
    name: 'a key that stands twice in a map',
    line: item('"m":{"M":{"x":{"S":"1"},"x":{"S":"2"}}}'),
    reason: /stands twice/,
  },
  {
    fault: 87,
    name: '"Item" twice',
    line: '{"Item":{"pk":{"S":"poison"}},"Item":{"pk":{"S":"b"}}}',
    reason: /stands twice/,
  },
  { fault: 87, name: 'a lone surrogate', line: item('"a":{"S":"x\\ud800y"}'), reason: /surrogate/ },
  { fault: 87, name: 'a lone surrogate in a name', line: item('"a\\udc00":{"S":"x"}'), reason: /surrogate/ },
  {
    fault: 87,
    name: 'bytes that are not UTF-8',
    line: bytes('{"Item":{"pk":{"S":"poison', [0xff, 0xfe], '"}}}'),
    reason: /not UTF-8/,
  },
  {
    fault: 87,
    name: 'an overlong encoding',
    line: bytes('{"Item":{"pk":{"S":"poison', [0xc0, 0xaf], '"}}}'),
    reason: /not UTF-8/,
  },
  {
    fault: 87,
    name: 'a surrogate in UTF-8',
    line: bytes('{"Item":{"pk":{"S":"poison', [0xed, 0xa0, 0x80], '"}}}'),
    reason: /not UTF-8/,
  },
  { fault: 87, name: 'a byte order mark', line: `\ufeff${item('"a":{"S":"x"}')}`, reason: /byte order mark/ },
  { fault: 87, name: 'a raw control character', line: item('"a":{"S":"x\u0001"}'), reason: /control|character/i },
  { fault: 87, name: 'half a line', line: '{"Item":{"pk":{"S":"poison"},"a":{"S"', reason: /./ },
  { fault: 87, name: 'text behind the item', line: `${item('"a":{"S":"x"}')} {}`, reason: /after the item/ },
  { fault: 88, name: 'NULL:false', line: item('"a":{"NULL":false}'), reason: /NULL is not true/ },
  {
    fault: 88,
    name: 'NULL:false deep inside',
    line: item('"m":{"M":{"x":{"L":[{"NULL":false}]}}}'),
    reason: /NULL is not true/,
  },
  { fault: 88, name: 'an unknown type tag', line: item('"a":{"X":"1"}'), reason: /tag/ },
  { fault: 88, name: 'no type tag', line: item('"a":{}'), reason: /no type tag/ },
  { fault: 88, name: 'a value without a tag', line: item('"a":"1"'), reason: /type tag/ },
  { fault: 88, name: 'two tags in one value', line: item('"a":{"S":"1","N":"1"}'), reason: /two type tags/ },
  { fault: 88, name: 'N that is no number', line: item('"num":{"N":"five"}'), reason: /./ },
  { fault: 88, name: 'NaN', line: item('"num":{"N":"NaN"}'), reason: /./ },
  { fault: 88, name: 'a set that is no list', line: item('"tags":{"SS":"x"}'), reason: /./ },
  {
    fault: 88,
    name: 'an unknown member beside "Item"',
    line: '{"Item":{"pk":{"S":"poison"}},"More":1}',
    reason: /beside "Item"/,
  },
  { fault: 88, name: 'a line of another kind', line: '{"Keys":{"pk":{"S":"poison"}}}', reason: /unknown member/ },
  { fault: 88, name: 'JSON that is no item', line: '[1,2]', reason: /not a JSON object/ },
  { fault: 88, name: 'null within a list', line: item('"l":{"L":[null]}'), reason: /./ },
  { fault: 88, name: 'null within a list, later', line: item('"l":{"L":[{"S":"x"},null]}'), reason: /./ },
  { fault: 88, name: 'null within a set', line: item('"tags":{"SS":["x",null]}'), reason: /./ },
  { fault: 88, name: 'null for an item', line: '{"Item":null}', reason: /./ },
  { fault: 88, name: 'a line without an item', line: '{}', reason: /no member "Item"/ },
  { fault: 88, name: 'N of digits with an underscore', line: item('"num":{"N":"1_000"}'), reason: /./ },
  { fault: 88, name: 'N in hexadecimal', line: item('"num":{"N":"0x10"}'), reason: /./ },
  { fault: 88, name: 'N with a blank', line: item('"num":{"N":" 5"}'), reason: /./ },
  { fault: 88, name: 'N that is empty', line: item('"num":{"N":""}'), reason: /./ },
  { fault: 88, name: 'Infinity', line: item('"num":{"N":"Infinity"}'), reason: /./ },
  { fault: 88, name: 'a set of numbers that are none', line: item('"nums":{"NS":["1","x"]}'), reason: /./ },
  { fault: 88, name: 'null within a tag', line: item('"a":{"S":null}'), reason: /./ },
  // What the engine would read as what it means.
  { fault: 88, name: 'S as a number', line: item('"a":{"S":5}'), reason: /S is not a string/ },
  { fault: 88, name: 'S as an object', line: item('"a":{"S":{"x":1}}'), reason: /S is not a string/ },
  { fault: 88, name: 'S as true', line: item('"a":{"S":true}'), reason: /S is not a string/ },
  { fault: 88, name: 'N as a JSON number', line: item('"num":{"N":5}'), reason: /N is not a string/ },
  { fault: 88, name: 'N as a negative JSON number', line: item('"num":{"N": -5.5}'), reason: /N is not a string/ },
  { fault: 88, name: 'N as NaN without quotes', line: item('"num":{"N":NaN}'), reason: /N is not a string/ },
  { fault: 88, name: 'B as a number', line: item('"bin":{"B":1234}'), reason: /B is not a string/ },
  { fault: 88, name: 'BOOL as text', line: item('"flag":{"BOOL":"true"}'), reason: /BOOL is not true or false/ },
  { fault: 88, name: 'BOOL as a number', line: item('"flag":{"BOOL":1}'), reason: /BOOL is not true or false/ },
  { fault: 88, name: 'NULL as text', line: item('"a":{"NULL":"true"}'), reason: /NULL is not true/ },
  { fault: 88, name: 'NS as numbers', line: item('"nums":{"NS":[1,2]}'), reason: /NS holds something/ },
  { fault: 88, name: 'SS with a number', line: item('"tags":{"SS":["x",5]}'), reason: /SS holds something/ },
  { fault: 88, name: 'SS with an object', line: item('"tags":{"SS":[{"S":"x"}]}'), reason: /SS holds something/ },
  { fault: 88, name: 'an empty set', line: item('"tags":{"SS":[]}'), reason: /empty set/ },
  { fault: 88, name: 'null for a value', line: item('"a":null'), reason: /attribute a: not an object/ },
  {
    fault: 88,
    name: 'null for a value in a map',
    line: item('"m":{"M":{"x":null}}'),
    reason: /attribute m\.x: not an object/,
  },
  { fault: 88, name: 'null for M', line: item('"m":{"M":null}'), reason: /M is not an object/ },
  { fault: 88, name: 'null deep in a list', line: item('"l":{"L":[{"M":{"x":null}}]}'), reason: /not an object/ },
  { fault: 87, name: 'a comma too many', line: item('"m":{"M":{"x":{"S":"x"},}}'), reason: /./ },
  { fault: 86, name: 'base64 without its padding', line: item('"bin":{"B":"AAA"}'), reason: /base64/ },
  { fault: 86, name: 'base64 of the alphabet for URLs', line: item('"bin":{"B":"_-8="}'), reason: /base64/ },
  { fault: 86, name: 'what is not base64', line: item('"bin":{"B":"!!!!"}'), reason: /base64/ },
  { fault: 86, name: 'bad base64 in a set', line: item('"bins":{"BS":["AAAA","A"]}'), reason: /base64/ },
  {
    fault: 84,
    name: '101 levels',
    line: item(`"deep":${'{"L":['.repeat(101)}{"S":"x"}${']}'.repeat(101)}`),
    reason: /deep|nest|level/i,
  },
  {
    fault: 88,
    name: 'an item without its key',
    line: '{"Item":{"a":{"S":"poison"}}}',
    reason: /key attribute "pk" is missing/,
  },
  {
    fault: 88,
    name: 'a key of another type',
    line: '{"Item":{"pk":{"N":"7"},"a":{"S":"poison"}}}',
    reason: /key attribute "pk" has type N/,
  },
];

const GOOD: readonly DdbItem[] = Array.from({ length: 40 }, (_, index) => ({
  pk: { S: `good ${index}` },
  a: { S: `text ${index}` },
  num: { N: String(index) },
  flag: { BOOL: index % 2 === 0 },
  bin: { B: 'AAECAw==' },
  bins: { BS: ['AA=='] },
  tags: { SS: ['x', 'y'] },
  m: { M: { x: { S: 'x' } } },
}));
const lineOf = (good: DdbItem): string => `{"Item":${JSON.stringify(good)}}`;

describe.each(POISON)('$name', ({ fault, line, reason }) => {
  test(`fault ${fault}: is rejected with its place, and the rest loads`, async () => {
    await using world = await World.open();
    const lines = GOOD.map(lineOf);
    const source = await world.export({
      files: [lines.slice(0, 20), [...lines.slice(20, 25), line, ...lines.slice(25)]],
    });
    const target = world.target('iceberg');
    const report = await world.load(source, target);
    expect(await world.items(target)).toEqual(canonical(GOOD));
    const [reject, ...others] = await world.rejects();
    expect(others).toEqual([]);
    expect(reject?.reason).toMatch(reason);
    expect([reject?.file.split('/').at(-2), reject?.line]).toEqual(['data', 6]);
    expect(source.dataPaths[1]).toContain(reject?.file.split('/').at(-1));
    expect(wholeText(reject)).toBe(Buffer.from(line as string).toString('latin1'));
    expectClosed(report, 40, 1);
  });
});

describe.each(FORMATS)('all poison at once, to %s', (format) => {
  let world: World;
  const target = (): string => world.target(format);
  beforeAll(async () => {
    world = await World.open();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test('faults 84, 86, 87 and 88: each line is rejected at its place, whatever batches are made', async () => {
    const lines = POISON.flatMap(({ line }, index) => [line, lineOf(GOOD[index % GOOD.length] as DdbItem)]);
    const good = POISON.map((_, index) => GOOD[index % GOOD.length] as DdbItem);
    const source = await world.export({ lines, filesCount: 5 });
    const report = await world.load(source, target(), { batchBytes: 1_000 });
    expect(await world.items(target())).toEqual(canonical(good));
    const rejects = await world.rejects();
    expect(rejects.map(wholeText).sort()).toEqual(
      POISON.map(({ line }) => Buffer.from(line as string).toString('latin1')).sort(),
    );
    expectClosed(report, good.length, POISON.length);
  });

  test('faults 86 to 88: --strict stops at the first, names its place, and commits nothing', async () => {
    const lines = GOOD.map(lineOf);
    const source = await world.export({ files: [lines, [...lines.slice(0, 3), POISON[0]?.line ?? '']] }, 'strict');
    const strict = world.target(format, 'strict');
    const report = await world.sync(source, strict, { strict: true });
    expect(report.error).toMatchObject({ code: 'ITEM_REJECTED', place: expect.stringMatching(/data\/.*, line 4$/) });
    expect((await world.table(strict)).state).toBeUndefined();
    expect(await world.leftovers()).toEqual([]);
  });
});

describe('lines that are whole in spite of their look', () => {
  test.each([
    ['CRLF', { newline: '\r\n' }],
    ['a last line without a newline', { lastNewline: false }],
    ['blank lines', { newline: '\n\n' }],
    ['lines of blanks', { newline: '\n  \n' }],
    ['CRLF and no last one', { newline: '\r\n', lastNewline: false }],
  ])('fault 87: %s', async (_name, options) => {
    await using world = await World.open();
    const source = await world.export({ items: GOOD, ...options });
    const target = world.target('iceberg');
    expectClosed(await world.load(source, target), GOOD.length, 0);
    expect(await world.items(target)).toEqual(canonical(GOOD));
  });
});

// Known limit (docs/internals/faults.md).
test('fault 88: a number of 39 digits is kept as it stands on the bulk path', async () => {
  await using world = await World.open();
  const number = `"num":{"N":"${'1'.repeat(39)}"}`;
  const source = await world.export({ lines: [...GOOD.map(lineOf), item(number)] });
  const target = world.target('iceberg');
  expectClosed(await world.load(source, target), 41, 0);
  expect((await world.lines(target)).find((line) => line.includes('poison'))).toContain(number);
});

function wholeText(reject: Reject | undefined): string {
  const text = Buffer.from(reject?.text ?? '', reject?.encoding === 'base64' ? 'base64' : 'utf8');
  return text.toString('latin1');
}

function expectClosed(report: SyncReport, written: number, rejected: number): void {
  const { counts } = report;
  expect(counts).toMatchObject({ read: written + rejected, written, rejected });
  expect(counts.read).toBe(counts.written + counts.deleted + counts.unchanged + counts.filtered + counts.rejected);
}
