import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Item } from '../../../src/model/item.ts';
import { readLines } from '../../../src/source/lines/open.ts';
import { parseLine } from '../../../src/source/lines/parse.ts';
import { appendRejects, withoutExcluded } from '../../../src/source/lines/rejects.ts';
import { sampleItems, spreadOver } from '../../../src/source/lines/sample.ts';
import { sieveFile } from '../../../src/source/lines/sieve.ts';
import { splitLines } from '../../../src/source/lines/split.ts';
import type { Reject } from '../../../src/source/port.ts';
import { canonicalItem, canonicalLine } from '../../data/canonical.ts';
import { nastyItems } from '../../data/nasty.ts';

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'lines-'));

async function* chunked(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    yield bytes.subarray(from, to);
    from = to;
  }
}

async function splitAt(
  text: string | Buffer,
  cuts: readonly number[],
  maxBytes?: number,
): Promise<[number, string, boolean][]> {
  const lines: [number, string, boolean][] = [];
  for await (const { number, bytes, cut } of splitLines(chunked(Buffer.from(text as string), cuts), maxBytes))
    lines.push([number, bytes.toString(), cut]);
  return lines;
}

describe('splitLines', () => {
  test('fault 85: a line across chunks, cut at every offset, and at every two', async () => {
    const text = '{"a":"é😀"}\r\n\n  \n{"b":1}\n\r\nlast';
    const expected = [
      [1, '{"a":"é😀"}', false],
      [4, '{"b":1}', false],
      [6, 'last', false],
    ];
    const length = Buffer.byteLength(text);
    for (let at = 0; at <= length; at += 1) {
      expect(await splitAt(text, [at])).toEqual(expected);
      for (let second = at; second <= length; second += 3) expect(await splitAt(text, [at, second])).toEqual(expected);
    }
    expect(
      await splitAt(
        text,
        Array.from({ length }, (_, at) => at),
      ),
    ).toEqual(expected);
  });

  test('fault 87: blank lines are counted, not given out; the last line needs no newline', async () => {
    expect(await splitAt('', [])).toEqual([]);
    expect(await splitAt('\n\n\n', [])).toEqual([]);
    expect(await splitAt('a\nb', [])).toEqual(await splitAt('a\r\nb\r\n', []));
    expect(await splitAt('a\rb\n', [])).toEqual([[1, 'a\rb', false]]);
  });

  test('a line without an end is cut at the limit, and the next line is whole again', async () => {
    for (let at = 0; at <= 14; at += 1) {
      expect(await splitAt('0123456789\nabc\n', [at], 5)).toEqual([
        [1, '01234', true],
        [2, 'abc', false],
      ]);
    }
  });

  test('random bytes: the lines, joined again, are the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: fc.constantFrom('a', '\n', 'é') })), async (parts) => {
        const text = parts.join('');
        const cuts = parts.map((_, index) => Buffer.byteLength(parts.slice(0, index).join('')));
        const expected = text
          .split('\n')
          .map((line, index) => [index + 1, line, false])
          .filter(([, line]) => line !== '');
        expect(await splitAt(text, cuts)).toEqual(expected);
      }),
    );
  });
});

describe('readLines', () => {
  test('fault 38: a gzip file cut at each offset, with junk behind it, or of several members', async () => {
    const path = join(await newFolder(), 'x.json.gz');
    const whole = gzipSync('{"a":1}\n{"b":2}\n');
    const count = async (bytes: Buffer): Promise<number> => {
      await writeFile(path, bytes);
      let lines = 0;
      for await (const _ of readLines(path, 'data/x.json.gz')) lines += 1;
      return lines;
    };
    expect(await count(whole)).toBe(2);
    expect(await count(Buffer.concat([whole, whole]))).toBe(4);
    for (let length = 0; length < whole.length; length += 1) {
      await expect(count(whole.subarray(0, length))).rejects.toMatchObject({
        code: 'DATA_CHECKSUM',
        place: 'data/x.json.gz',
      });
    }
    for (const junk of ['j', 'junk', '\x1f', '\x1f\x8b']) {
      await expect(count(Buffer.concat([whole, Buffer.from(junk, 'latin1')]))).rejects.toMatchObject({
        code: 'DATA_CHECKSUM',
      });
    }
    await expect(count(Buffer.from('{"a":1}'))).rejects.toMatchObject({ code: 'DATA_CHECKSUM' });
  });

  test('fault 38: a bomb passes in bounded memory', async () => {
    const path = join(await newFolder(), 'x.json.gz');
    const line = `${' '.repeat(1_000_000)}\n`;
    await writeFile(path, gzipSync(line.repeat(100)));
    const before = process.memoryUsage.rss();
    for await (const _ of readLines(path, 'x')) expect.unreachable();
    expect(process.memoryUsage.rss() - before).toBeLessThan(150_000_000);
  });

  test('interrupted', async () => {
    const path = join(await newFolder(), 'x.json');
    await writeFile(path, '{}\n'.repeat(1_000_000));
    const abort = new AbortController();
    const read = async (): Promise<void> => {
      for await (const { number } of readLines(path, 'x', abort.signal)) if (number === 10) abort.abort();
    };
    await expect(read()).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

const good = nastyItems(21, 300);
const goodLines = good.map((item) => `{"Item":${JSON.stringify(item)}}`);
const poison: readonly (string | Buffer)[] = [
  '{"Item":{"a":{"X":"1"}}}',
  '{"Item":{"a":{"S":"\\ud800"}}}',
  Buffer.from([0x7b, 0xff, 0x7d]),
  'no json',
  '{"Item":{"a":{"NULL":false}}}',
];

describe('sieveFile', () => {
  test('fault 85, 87 and 88: good lines are kept in canonical form, the others come back whole with their numbers', async () => {
    const dir = await newFolder();
    const parts = [
      ...goodLines.slice(0, 100),
      ...poison,
      '',
      ...goodLines.slice(100),
      '{"Item":{"n":{"N":"1.0"}}}',
    ].map((line) => Buffer.from(line as string));
    const bytes = Buffer.concat(parts.flatMap((part) => [part, Buffer.from('\r\n')])).subarray(0, -2);
    for (const [name, content] of [
      ['x.json.gz', gzipSync(bytes)],
      ['x.json', bytes],
    ] as const) {
      await writeFile(join(dir, name), content);
      const items: Item[] = [];
      const sieved = await sieveFile(join(dir, name), 'data/x', {
        tempDir: join(dir, 'temp'),
        sink: (item) => {
          items.push(item);
        },
      });
      const text = await readFile(sieved.path, 'utf8');
      expect(sieved).toMatchObject({ lines: 301, rejected: 5, tempBytes: Buffer.byteLength(text) });
      expect(items).toHaveLength(301);
      const lines = text.trimEnd().split('\n');
      expect(lines.slice(0, 300).map(canonicalLine)).toEqual(good.map(canonicalItem));
      expect(lines[300]).toBe('{"Item":{"n":{"N":"1"}}}');
      expect(sieved.rejects.map(({ file, line, encoding }) => [file, line, encoding])).toEqual(
        [101, 102, 103, 104, 105].map((line) => ['data/x', line, line === 103 ? 'base64' : 'utf8']),
      );
      for (const [index, reject] of sieved.rejects.entries()) {
        expect(Buffer.from(reject.text, reject.encoding)).toEqual(Buffer.from(poison[index] as string));
      }
    }
  });

  test('rejects can be handed on one by one, and a damaged file leaves nothing behind', async () => {
    const dir = await newFolder();
    await writeFile(join(dir, 'x.json'), 'bad\n'.repeat(1000));
    const seen: number[] = [];
    const sieved = await sieveFile(join(dir, 'x.json'), 'x', {
      tempDir: dir,
      onReject: async ({ line }) => {
        seen.push(line);
      },
    });
    expect(sieved).toMatchObject({ lines: 0, rejected: 1000, rejects: [] });
    expect(seen).toHaveLength(1000);
    const temp = join(dir, 'temp');
    await writeFile(join(dir, 'y.json.gz'), gzipSync(goodLines.join('\n')).subarray(0, -20));
    await expect(sieveFile(join(dir, 'y.json.gz'), 'data/y', { tempDir: temp })).rejects.toMatchObject({
      code: 'DATA_CHECKSUM',
      place: 'data/y',
    });
    await expect(sieveFile(join(dir, 'gone.json'), 'data/z', { tempDir: temp })).rejects.toMatchObject({
      code: 'DATA_MISSING',
    });
    expect(await readdir(temp)).toEqual([]);
  });
});

describe('sampleItems', () => {
  async function files(count: number, lines: readonly string[]): Promise<{ dir: string; paths: string[] }> {
    const dir = await newFolder();
    const paths = Array.from({ length: count }, (_, index) => join(dir, `${index}.json.gz`));
    for (const [index, path] of paths.entries())
      await writeFile(path, gzipSync(lines.map((line) => line.replace('#', String(index))).join('\n')));
    return { dir, paths };
  }
  const small = Array.from({ length: 20 }, (_, index) => `{"Item":{"f":{"S":"#"},"n":{"N":"${index}"}}}`);

  test('is complete exactly if every line of every file was seen', async () => {
    const { paths, dir } = await files(3, [...small, 'bad']);
    const keepTo = join(dir, 'kept.json');
    const items: Item[] = [];
    const options = {
      linesPerFile: 21,
      maxBytes: 1e6,
      sink: (item: Item) => {
        items.push(item);
      },
    };
    expect(await sampleItems(paths, { ...options, keepTo })).toEqual({ items: 60, complete: true, rejects: 3 });
    expect(items).toHaveLength(60);
    const kept = (await readFile(keepTo, 'utf8')).trimEnd().split('\n');
    expect(kept).toHaveLength(60);
    expect(kept.every((line) => parseLine(line).ok)).toBe(true);
    expect(await sampleItems(paths, { ...options, linesPerFile: 20 })).toEqual({
      items: 60,
      complete: false,
      rejects: 0,
    });
    expect(await sampleItems(paths, { ...options, maxFiles: 2 })).toMatchObject({ items: 40, complete: false });
    expect(await sampleItems([], options)).toEqual({ items: 0, complete: true, rejects: 0 });
  });

  test('stays within its bytes, and still sees something of every file', async () => {
    const { paths } = await files(4, small);
    let items = 0;
    const line = (small[0] ?? '').length;
    expect(
      await sampleItems(paths, {
        linesPerFile: 1000,
        maxBytes: line * 12 + 20,
        sink: () => {
          items += 1;
        },
      }),
    ).toMatchObject({ complete: false });
    expect(items).toBe(12);
    expect(await sampleItems(paths, { linesPerFile: 1000, maxBytes: 0, sink: () => {} })).toMatchObject({ items: 4 });
  });

  test('chooses the first, the last, and evenly between', () => {
    const all = Array.from({ length: 101 }, (_, index) => index);
    expect(spreadOver(all, 5)).toEqual([0, 25, 50, 75, 100]);
    expect(spreadOver(all, 1)).toEqual([0]);
    expect(spreadOver(all, 200)).toBe(all);
    expect(spreadOver([], 3)).toEqual([]);
  });
});

describe('appendRejects', () => {
  const reject = (text: string, encoding: 'utf8' | 'base64' = 'utf8'): Reject => ({
    file: 'f',
    line: 1,
    reason: 'why',
    text,
    encoding,
  });

  test('appends one JSON object a line to a file that only its owner may read', async () => {
    const dir = join(await newFolder(), 'a/b');
    const path = await appendRejects(dir, [reject('one\u2028"\\')]);
    expect(await appendRejects(dir, [reject('two'), reject('//8=', 'base64')])).toBe(join(dir, 'rejects.jsonl'));
    const lines = (await readFile(path, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Reject);
    expect(lines).toEqual([reject('one\u2028"\\'), reject('two'), reject('//8=', 'base64')]);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('excluded attributes do not reach the disk; all else keeps its spelling', () => {
    const exclude = new Set(['ssn', 'a"b']);
    const cut = (text: string): string => withoutExcluded(reject(text), exclude).text;
    expect(
      cut('{"Item":{"pk":{"N":12345678901234567890.10},"ssn":{"S":"1,}"},"x":{"S":"\\ud800"},"x":{"S":"\\u0041"}}}'),
    ).toBe('{"Item":{"pk":{"N":12345678901234567890.10},"x":{"S":"\\ud800"},"x":{"S":"\\u0041"}}}');
    expect(cut(' { "Item" : { "\\u0073sn" : {"L":[{"S":"]"}]} , "a\\"b":[1] } , "ssn" : "top" } ')).toBe(
      '{"Item" : {}}',
    );
    expect(cut('{"Item":{"ssn":1},"Item":{"ssn":2,"m":{"M":{"ssn":{"S":"nested stays"}}}}}')).toBe(
      '{"Item":{},"Item":{"m":{"M":{"ssn":{"S":"nested stays"}}}}}',
    );
    expect(cut('{"a":1,"b":true,"c":null,"d":"s","ssn":false}')).toBe('{"a":1,"b":true,"c":null,"d":"s"}');
    for (const unsure of [
      reject('{"Item":{"ssn":'),
      reject('[{"ssn":1}]'),
      reject('$ion_1_0 {Item:{ssn:"1"}}'),
      reject('AAAA', 'base64'),
    ]) {
      expect(withoutExcluded(unsure, exclude)).toMatchObject({
        text: '',
        reason: expect.stringContaining('text left out'),
      });
    }
    expect(withoutExcluded(reject('{"Item":'), new Set()).text).toBe('{"Item":');
  });

  test('any attribute of any item can be excluded, and only it goes', () => {
    for (const item of nastyItems(8, 200, { noHuge: true })) {
      const names = Object.keys(item);
      const name = names[names.length >> 1] ?? '';
      const rest = Object.fromEntries(Object.entries(item).filter(([other]) => other !== name));
      const { text } = withoutExcluded(reject(`{"Item":${JSON.stringify(item)}}`), new Set([name]));
      expect(text).toBe(`{"Item":${JSON.stringify(rest)}}`);
    }
  });
});
