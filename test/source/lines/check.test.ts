import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CheckedLines, LineCheck } from '../../../src/source/lines/check.ts';
import { parseLine } from '../../../src/source/lines/parse.ts';
import type { DdbItem, DdbValue } from '../../data/ion.ts';
import { itemArbitrary, nastyItems } from '../../data/nasty.ts';

function check(text: string | Uint8Array, pieceBytes = Number.POSITIVE_INFINITY): CheckedLines {
  const bytes = Buffer.from(text as string);
  const lines = new LineCheck();
  for (let at = 0; at < bytes.length; at += pieceBytes) lines.add(bytes.subarray(at, at + pieceBytes));
  return lines.end();
}

const lineOf = (item: unknown): string => `{"Item":${JSON.stringify(item)}}`;
/** With a blank wherever JSON takes one. */
const spaced = (item: unknown): string => JSON.stringify({ Item: item }, null, 1).replace(/\n */g, ' ');

describe('LineCheck', () => {
  test('any items are sound, spaced or not, whatever pieces they come in', () => {
    fc.assert(
      fc.property(
        fc.array(itemArbitrary, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 200 }),
        (items, pieceBytes) => {
          for (const print of [lineOf, spaced])
            expect(check(items.map(print).join('\n'), pieceBytes)).toEqual({ lines: items.length, sound: true });
        },
      ),
    );
    const nasty = nastyItems(11, 400);
    expect(check(nasty.map(lineOf).join('\n'))).toEqual({ lines: 400, sound: true });
  });

  test('texts that look like JSON, or begin like structure, are texts', () => {
    const texts = [
      ':5',
      ',5',
      ',x',
      ':)',
      '" :',
      '","',
      '":5',
      'x\\',
      '\\',
      '\\\\":5',
      ':null',
      '{"a":5}',
      '{"a": null},}',
    ];
    const json = (depth: number, value: unknown): string =>
      depth === 0 ? JSON.stringify(value) : JSON.stringify(json(depth - 1, value));
    for (let depth = 0; depth < 6; depth++) texts.push(json(depth, { a: 5, b: [1, 2], 'c,': null, ':"': true }));
    for (const text of texts) {
      const values = [{ S: text }, { SS: [text, `${text}x`] }, { M: { [text]: { S: text } } }, { L: [{ S: text }] }];
      for (const value of values) {
        expect(check(lineOf({ a: value, [text]: value })), text).toEqual({ lines: 1, sound: true });
        // The same text does not hide what is wrong beside it.
        expect(check(lineOf({ a: value, [text]: { N: 5 } })), text).toMatchObject({ sound: false });
        expect(check(lineOf({ [text]: null, a: value })), text).toMatchObject({ sound: false });
        expect(check(lineOf({ a: value, s: { SS: [text, 5] } })), text).toMatchObject({ sound: false });
      }
    }
  });

  test('attributes may be called as type tags are', () => {
    const tags = ['S', 'N', 'B', 'BOOL', 'NULL', 'SS', 'NS', 'BS', 'L', 'M'];
    const item = Object.fromEntries(tags.map((tag) => [tag, { M: { [tag]: { S: 'x' }, URL: { BOOL: true } } }]));
    expect(check(lineOf(item))).toEqual({ lines: 1, sound: true });
    expect(check(lineOf({ ...item, S: { S: { S: 'x' } } }))).toMatchObject({ sound: false });
  });

  test('fault 88: what an engine would read although it is wrong is found anywhere in any item', () => {
    const wrongs = fc.record({ place: fc.nat(), what: fc.nat() });
    fc.assert(
      fc.property(
        itemArbitrary,
        wrongs,
        fc.integer({ min: 1, max: 500 }),
        fc.boolean(),
        (item, wrong, pieceBytes, spaces) => {
          const copy = structuredClone(item);
          const spoilt = spoil(copy, wrong.place, wrong.what);
          fc.pre(spoilt);
          const line = (spaces ? spaced : lineOf)(copy);
          expect(parseLine(line).ok).toBe(false);
          expect(check(`${lineOf({})}\n${line}\n${lineOf({})}\n`, pieceBytes), line).toMatchObject({ sound: false });
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test.each([
    '{"Item":{"a":{"S":"x",}}}',
    '{"Item":{"a":{"S":"x"},}}',
    '{"Item":{"a":{"L":[{"S":"x"},]}}}',
    '{"Item":{"a":{"N" : 5}}}',
    '{"Item":{"a":{"N"  :5}}}',
    '{"Item":{"a":{"N":\t5}}}',
    '{"Item":{"a":{"SS":["x" ,5]}}}',
    '{"Item":{"a":{"SS":[ 5]}}}',
    '{"Item":{"a":{"SS":["x", 5]}}}',
    '{"Item":{"a":{"N":-1}}}',
    '{"Item":{"a":{"N":inf}}}',
    '{"Item":{"\\\\":null}}',
    '{"Item":{"a\\"S":{"S":1}}}',
    '{"Item":null}',
  ])('fault 88: %s', (line) => {
    expect(check(line)).toMatchObject({ sound: false });
    for (let shift = 0; shift < 40; shift++)
      expect(check(`${lineOf({ a: { S: 'y'.repeat(shift) } })}\n${line}\n`)).toMatchObject({ sound: false });
  });

  test('fault 88: lines of incremental exports are held to their own rules', () => {
    const rules = { shape: 'change', oldImages: false } as const;
    const line = (image: string): string =>
      `{"Metadata":{"WriteTimestampMicros":{"N":"1700000000000000"}},"Keys":{"pk":{"S":"x"}},"NewImage":${image}}`;
    const sound = (text: string): boolean => {
      const lines = new LineCheck(rules);
      lines.add(Buffer.from(text));
      return lines.end().sound;
    };
    expect(sound(line('{"pk":{"S":"x"},"a":{"N":"5"}}'))).toBe(true);
    expect(sound(line('null'))).toBe(true);
    expect(sound(line('{"pk":{"S":"x"},"a":{"N":5}}'))).toBe(false);
    expect(sound(line('{"pk":{"S":"x"},"a":null}'))).toBe(false);
  });

  test('fault 52: lines are counted without blank ones', () => {
    const line = lineOf({ pk: { S: 'x' } });
    const counts = new Map([
      ['', 0],
      ['\n', 0],
      [' \t', 0],
      ['\r\n \r\n', 0],
      [line, 1],
      [`${line}\n`, 1],
      [`\n\n${line}\r\n\r\n  \n${line}`, 2],
      [`  ${line}\n${line}  \n\t\n\n`, 2],
      [`${line}\n`.repeat(30_000), 30_000],
    ]);
    for (const [text, lines] of counts)
      for (const pieceBytes of [1, 7, 64, 1e9])
        if (text.length < 1000 || pieceBytes > 1000)
          expect(check(text, pieceBytes), `${text.slice(0, 50)} by ${pieceBytes}`).toEqual({ lines, sound: true });
  });

  test('lines that no item can have are counted, too', () => {
    const huge = `{"Item":{"a":{"S":"${'x'.repeat(9 * 1024 * 1024)}"}}}`;
    const text = `${lineOf({})}\n${huge}\n${lineOf({})}\n${huge}`;
    expect(check(text)).toEqual({ lines: 4, sound: true });
    expect(check(text, 100_000)).toEqual({ lines: 4, sound: true });
    expect(check(`${huge}\n${lineOf({ a: null })}`)).toMatchObject({ sound: false });
  });
});

const SCALARS: readonly unknown[] = [5, -1.5, true, null, { x: 1 }, ['x']];

/** Puts something wrong in one place of an item; false where it has none. */
function spoil(item: DdbItem, place: number, what: number): boolean {
  const spoilers: (() => void)[] = [];
  const put = (into: Record<string, unknown>, name: string, wrongs: readonly unknown[]): void => {
    spoilers.push(() => {
      Object.defineProperty(into, name, { value: wrongs[what % wrongs.length] });
    });
  };
  const members = (map: Record<string, DdbValue>): void => {
    for (const [name, value] of Object.entries(map)) {
      put(map, name, [null]);
      visit(value);
    }
  };
  const visit = (value: DdbValue): void => {
    const [tag, inner] = Object.entries(value)[0] as [string, unknown];
    const record = value as unknown as Record<string, unknown>;
    if (tag === 'S' || tag === 'N' || tag === 'B') put(record, tag, SCALARS);
    else if (tag === 'BOOL' || tag === 'NULL') put(record, tag, ['true', 1, null]);
    else if (tag === 'M') members(inner as Record<string, DdbValue>);
    else if (tag === 'L') (inner as DdbValue[]).forEach(visit);
    else {
      const set = inner as unknown as Record<string, unknown>;
      for (const index of (inner as unknown[]).keys())
        put(set, String(index), [5, -1.5, null, { x: 'y' }, ['x'], true]);
    }
  };
  members(item as unknown as Record<string, DdbValue>);
  spoilers[place % Math.max(spoilers.length, 1)]?.();
  return spoilers.length > 0;
}
