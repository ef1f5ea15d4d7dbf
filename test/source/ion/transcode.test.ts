import fc from 'fast-check';
import { makeReader } from 'ion-js';
import { describe, expect, test } from 'vitest';
import { readItem } from '../../../src/source/ion/convert.ts';
import { transcodeItem } from '../../../src/source/ion/transcode.ts';
import { printLine } from '../../../src/source/lines/print.ts';
import { ionLine } from '../../data/ion.ts';
import { itemArbitrary } from '../../data/nasty.ts';

const RUNS = Number(process.env['TAILRACE_ION_RUNS'] ?? 3_000);
const styles = fc.constantFrom('point', 'exponent', 'mixed');

/** What the Ion reader makes of a line; undefined where it refuses it. */
function byReader(line: string): string | undefined {
  try {
    return printLine(readItem(makeReader(line)));
  } catch {
    return undefined;
  }
}

/** Pieces of Ion that mean something else than what they resemble. */
const PIECES = [
  ...[
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    '{{',
    '}}',
    ',',
    ':',
    '::',
    ' ',
    '\t',
    '\\',
    '\\n',
    '\\"',
    '\\u00e9',
    '\\x41',
    '\\0',
  ],
  ...[
    'null',
    'null.string',
    'true',
    'nan',
    '1',
    '-',
    '-0',
    '0.',
    '.5',
    '1_0',
    '0x1F',
    '007',
    '1e3',
    '1d400',
    '6d2',
    'd',
    '+inf',
  ],
  ...[
    '$dynamodb_SS::',
    '$dynamodb_NS::[1]',
    '$10',
    '$ion_1_0',
    'a::',
    "'''",
    '//',
    '/*',
    '2020-01-01T',
    'AA==',
    'AB==',
    '{{"x"}}',
  ],
  ...['\u0001', '\u007f', '\u2028', '\ufeff', 'é', '😀', 'Item', 'Item:{}', '(a)'],
];

describe('text of an item straight from Ion', () => {
  test('is what the Ion reader gives, or nothing', () => {
    let answered = 0;
    fc.assert(
      fc.property(itemArbitrary, styles, (item, style) => {
        const line = ionLine(item, style);
        const text = transcodeItem(line);
        if (text === undefined) return;
        answered += 1;
        expect(text).toBe(byReader(line));
      }),
      { numRuns: RUNS },
    );
    expect(answered).toBeGreaterThan(RUNS / 20);
  });

  test('is what the Ion reader gives, or nothing, when the line is spoilt', () => {
    const spoilt = fc.tuple(
      itemArbitrary,
      styles,
      fc.array(fc.tuple(fc.nat(), fc.nat(4), fc.constantFrom('', ...PIECES)), { minLength: 1, maxLength: 3 }),
    );
    let answered = 0;
    fc.assert(
      fc.property(spoilt, ([item, style, edits]) => {
        let line = ionLine(item, style);
        for (const [place, length, piece] of edits) {
          const at = place % (line.length + 1);
          line = line.slice(0, at) + piece + line.slice(at + length);
        }
        line = Buffer.from(line).toString().replaceAll('\n', ' ');
        const text = transcodeItem(line);
        if (text === undefined) return;
        answered += 1;
        expect(text).toBe(byReader(line));
      }),
      { numRuns: RUNS * 3 },
    );
    expect(answered).toBeGreaterThan(0);
  });

  test('the spelling of exports needs no reader', () => {
    const line =
      '$ion_1_0 {Item:{Authors:$dynamodb_SS::["A","B \\"C\\""],Id:103.,n:$dynamodb_NS::[1.50,-2d1,0.],PageCount:6d2,Price:2d3,' +
      'InPublication:false,gone:null,\'a b\':{{aGk=}},m:{e:{},l:[]},l:[1.,"x",{b:$dynamodb_BS::[{{AA==}}]}],t:"line\\nline"}}';
    expect(transcodeItem(line)).toBe(
      '{"Item":{"Authors":{"SS":["A","B \\"C\\""]},"Id":{"N":"103"},"n":{"NS":["1.5","-20","0"]},"PageCount":{"N":"600"},"Price":{"N":"2000"},' +
        '"InPublication":{"BOOL":false},"gone":{"NULL":true},"a b":{"B":"aGk="},"m":{"M":{"e":{"M":{}},"l":{"L":[]}}},' +
        '"l":{"L":[{"N":"1"},{"S":"x"},{"M":{"b":{"BS":["AA=="]}}}]},"t":{"S":"line\\nline"}}}',
    );
    expect(transcodeItem(line)).toBe(byReader(line));
  });

  test('other spellings are the reader’s', () => {
    for (const value of [
      '"\\u00e9"',
      '"\\x41"',
      "'s'",
      '{{AB==}}',
      '1e0',
      '1_000',
      '0x1F',
      '007',
      '2020T',
      'null.string',
      'a',
      '$dynamodb_SS::[]',
      'x::1',
    ])
      expect(transcodeItem(`{Item:{a:${value}}}`), value).toBeUndefined();
    for (const name of ['$a', 'null', "''", "'$1'", '"a"', "'a\\''"])
      expect(transcodeItem(`{Item:{${name}:1}}`), name).toBeUndefined();
    expect(transcodeItem('{Item:{a:1,a:1}}')).toBeUndefined();
    expect(transcodeItem(`{Item:{a:${'['.repeat(5_000)}`)).toBeUndefined();
  });
});
