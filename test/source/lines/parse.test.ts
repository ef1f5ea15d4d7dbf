import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalNumber } from '../../../src/model/number.ts';
import { MAX_NESTING, parseLine } from '../../../src/source/lines/parse.ts';
import { printLine } from '../../../src/source/lines/print.ts';
import { canonicalItem, canonicalLine } from '../../data/canonical.ts';
import { itemArbitrary, nastyItems, numberArbitrary } from '../../data/nasty.ts';

const reasonOf = (line: string | Uint8Array): string => {
  const parsed = parseLine(line);
  return parsed.ok ? `accepted: ${printLine(parsed.item)}` : parsed.reason;
};
const attribute = (value: string): string => `{"Item":{"pk":{"S":"k"},"a":${value}}}`;

describe('parseLine', () => {
  test('a name with a dot is not a path', () => {
    expect(reasonOf('{"Item":{"a.b":{"X":1}}}')).toBe('attribute "a.b": unknown type tag "X"');
    expect(reasonOf('{"Item":{"a":{"M":{"b":{"X":1}}}}}')).toBe('attribute a.b: unknown type tag "X"');
  });

  test('any item comes back as it was, from text and from bytes', () => {
    fc.assert(
      fc.property(itemArbitrary, (item) => {
        const line = `{"Item":${JSON.stringify(item)}}`;
        for (const input of [line, Buffer.from(line)]) {
          const parsed = parseLine(input);
          expect(parsed.ok && canonicalLine(printLine(parsed.item))).toBe(canonicalItem(item));
          expect(parsed.ok && printLine(parsed.item)).toBe(line);
        }
      }),
    );
    for (const item of nastyItems(3, 500)) {
      expect(reasonOf(`{"Item":${JSON.stringify(item)}}`)).toBe(`accepted: {"Item":${JSON.stringify(item)}}`);
    }
  });

  test('white space and escapes do not matter', () => {
    expect(
      reasonOf(
        ' { "Item" : { "\\u0061" : { "S" : "\\/\\ud83d\\ude00\\n" } , "b":{"L":[ {"N":"1"} , {"NULL": true} ]} } } \r',
      ),
    ).toBe('accepted: {"Item":{"a":{"S":"/😀\\n"},"b":{"L":[{"N":"1"},{"NULL":true}]}}}');
  });

  test('fault 74 and 75: numbers keep all digits and take one spelling', () => {
    for (const [text, plain] of [
      ['1.0', '1'],
      ['1e3', '1000'],
      ['-0', '0'],
      ['0.0', '0'],
      ['-0.00e5', '0'],
      ['+5', '5'],
      ['.5', '0.5'],
      ['5.', '5'],
      ['007', '7'],
      ['1E-130', `0.${'0'.repeat(129)}1`],
      ['9.99E125', `999${'0'.repeat(123)}`],
      ['12.50', '12.5'],
      ['-1.5e1', '-15'],
      ['100e-2', '1'],
      ['0e999999', '0'],
      ['12345678901234567890123456789012345678', '12345678901234567890123456789012345678'],
      ['0.00012345678901234567890123456789012345678', '0.00012345678901234567890123456789012345678'],
    ]) {
      expect(reasonOf(attribute(`{"N":"${text}"}`))).toBe(`accepted: {"Item":{"pk":{"S":"k"},"a":{"N":"${plain}"}}}`);
    }
    for (const text of [
      '',
      ' 1',
      '1 ',
      'NaN',
      'Infinity',
      '-',
      '.',
      'e5',
      '1e',
      '0x1F',
      '1_000',
      '1,5',
      '1.2.3',
      '--1',
      '1E126',
      '1e-131',
      '9'.repeat(39),
      `1.${'0'.repeat(37)}1`,
      '1e9999999999',
    ]) {
      expect(reasonOf(attribute(`{"N":"${text}"}`))).toBe('attribute a: not a number that DynamoDB can hold');
    }
    fc.assert(fc.property(numberArbitrary, (text) => canonicalNumber(text) === text));
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }),
        fc.integer({ min: 0, max: 60 }),
        (digits, zeros) => canonicalNumber(`${digits}.${'0'.repeat(zeros)}`) === String(digits),
      ),
    );
  });

  test('a long run of zeros does not take quadratic time', () => {
    const started = performance.now();
    expect(canonicalNumber(`1${'0'.repeat(200_000)}1`)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(500);
  });

  test('fault 82: names that JavaScript gives a meaning are names like any other', () => {
    const names = ['__proto__', 'constructor', 'toString', 'S', 'N', 'M', 'Item', 'Keys'];
    const line = `{"Item":{${names.map((name) => `"${name}":{"M":{"__proto__":{"S":"x"}}}`).join(',')}}}`;
    const parsed = parseLine(line);
    expect(parsed.ok && [...parsed.item.keys()]).toEqual(names);
    expect(parsed.ok && printLine(parsed.item)).toBe(line);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('fault 84: nesting ends in a reason, never in an overflow', () => {
    const nested = (levels: number): string => attribute(`${'{"L":['.repeat(levels)}{"S":"x"}${']}'.repeat(levels)}`);
    expect(reasonOf(nested(MAX_NESTING))).toMatch(/^accepted/);
    expect(reasonOf(nested(MAX_NESTING + 1))).toContain('nested deeper than 100 levels');
    expect(reasonOf(nested(1_000_000))).toContain('nested deeper than 100 levels');
    expect(reasonOf(attribute('['.repeat(1_000_000)))).toBe('attribute a: not an object with a type tag');
    expect(reasonOf(attribute('{"M":{"m":'.repeat(100_000)))).toContain('nested deeper');
  });

  test('fault 86: base64 is taken strictly', () => {
    for (const good of [
      '',
      'AA==',
      'AAA=',
      'AAAA',
      '0000',
      'test',
      '+/+/',
      Buffer.alloc(400_000, 7).toString('base64'),
    ]) {
      expect(reasonOf(attribute(`{"B":"${good}"}`))).toMatch(/^accepted/);
    }
    for (const bad of ['A', 'AA', 'AAA', 'AA=', 'AAAA=', 'AB==', 'AAB=', '-_-_', 'AA==\\n', ' AAAA', 'AAA*', '====']) {
      expect(reasonOf(attribute(`{"B":"${bad}"}`))).toBe('attribute a: not base64');
      expect(reasonOf(attribute(`{"BS":["AAAA","${bad}"]}`))).toBe('attribute a: not base64');
    }
  });

  test('fault 87: text that is not well-formed is refused with its reason', () => {
    expect(reasonOf(attribute('{"S":"\\ud800"}'))).toMatch(/^attribute a: lone surrogate in a string/);
    expect(reasonOf(attribute('{"S":"\\udc00\\ud800"}'))).toMatch(/lone surrogate/);
    expect(reasonOf(`{"Item":{"\\ud800":{"S":"x"}}}`)).toMatch(/^lone surrogate in a string/);
    expect(reasonOf(attribute('{"S":"\ud800"}'))).toBe('lone surrogate');
    expect(reasonOf(Buffer.from([...Buffer.from('{"Item":{"a":{"S":"'), 0xff, ...Buffer.from('"}}}')]))).toBe(
      'not UTF-8',
    );
    expect(reasonOf(Buffer.from([0xed, 0xa0, 0x80]))).toBe('not UTF-8');
    expect(reasonOf(Buffer.from('\ufeff{"Item":{}}'))).toBe('begins with a byte order mark');
    expect(reasonOf(attribute('{"S":"\u0000"}'))).toMatch(/control character/);
    expect(reasonOf(attribute('{"S":"\\u0000\ufeff"}'))).toBe(`accepted: ${attribute('{"S":"\\u0000\ufeff"}')}`);
    expect(reasonOf('{"Item":{"a":{"S":"1"},"a":{"S":"2"}}}')).toBe('attribute a: stands twice');
    expect(reasonOf(attribute('{"M":{"x":{"S":"1"},"\\u0078":{"S":"2"}}}'))).toBe('attribute a.x: stands twice');
    expect(reasonOf('{"Item":{},"Item":{}}')).toBe('"Item" stands twice');
    expect(reasonOf(attribute('{"S":"1","S":"2"}'))).toBe('attribute a: two type tags, "S" and "S"');
  });

  test('fault 88: wrong tags and values are refused with their place', () => {
    const reasons: readonly [string, string][] = [
      ['{"NULL":false}', 'NULL is not true'],
      ['{"NULL":null}', 'NULL is not true'],
      ['{"X":"1"}', 'unknown type tag "X"'],
      ['{"s":"1"}', 'unknown type tag "s"'],
      ['{}', 'no type tag'],
      ['{"S":"1","N":"1"}', 'two type tags, "S" and "N"'],
      ['{"N":1}', 'N is not a string'],
      ['{"NS":[1]}', 'NS holds something that is not a string'],
      ['{"S":null}', 'S is not a string'],
      ['{"S":{"S":"x"}}', 'S is not a string'],
      ['{"BOOL":"true"}', 'BOOL is not true or false'],
      ['{"SS":[]}', 'SS is an empty set'],
      ['{"SS":"x"}', 'SS is not an array'],
      ['{"L":{}}', 'L is not an array'],
      ['{"M":[]}', 'M is not an object'],
      ['"x"', 'not an object with a type tag'],
      ['null', 'not an object with a type tag'],
      ['{"__proto__":"x"}', 'unknown type tag "__proto__"'],
    ];
    for (const [value, reason] of reasons) expect(reasonOf(attribute(value))).toBe(`attribute a: ${reason}`);
    expect(reasonOf(attribute('{"M":{"b":{"L":[{"S":"1"},{"X":1}]}}}'))).toBe('attribute a.b[1]: unknown type tag "X"');
  });

  test('lines that are no item are refused', () => {
    const reasons: readonly [string, RegExp][] = [
      ['', /^not a JSON object/],
      ['[]', /^not a JSON object/],
      ['null', /^not/],
      ['{}', /^no member "Item"/],
      ['{"item":{}}', /^unknown member "item"/],
      ['{"Keys":{},"Item":{}}', /^unknown member "Keys"/],
      ['{"Item":{},"x":1}', /^unknown member "x" beside "Item"/],
      ['{"Item":[]}', /^"Item" is not an object/],
      ['{"Item":{}} x', /^text after the item/],
      ['{"Item":{}', /^expected }/],
      ['{"Item":{"a":{"S":"x', /^attribute a: string is not closed at the end of the line/],
      [attribute('{"S":"\\x"}'), /unknown escape/],
      [attribute('{"S":"\\u12g4"}'), /broken \\u escape/],
      ["{'Item':{}}", /^expected "/],
      [`{"Item":{"a":{"S":"x"},}}`, /^expected "/],
    ];
    for (const [line, reason] of reasons) expect(reasonOf(line)).toMatch(reason);
  });

  test('a reason never shows a value, nor a name at full length', () => {
    const secret = 'secret-4711';
    for (const value of [
      `{"N":"${secret}"}`,
      `{"B":"${secret}"}`,
      `{"S":"${secret}\\ud800"}`,
      `"${secret}"`,
      `{"BOOL":"${secret}"}`,
    ]) {
      expect(reasonOf(attribute(value))).not.toContain(secret);
    }
    expect(reasonOf(`{"Item":{"${'n'.repeat(60_000)}":1}}`).length).toBeLessThan(200);
  });

  test('what it accepts, JSON.parse reads the same: random damage to good lines', () => {
    fc.assert(
      fc.property(
        itemArbitrary,
        fc.nat(),
        fc.constantFrom('', '"', '\\', '{', '}', ',', '0', '\u0000'),
        (item, seed, put) => {
          const line = `{"Item":${JSON.stringify(item)}}`;
          const at = seed % line.length;
          const parsed = parseLine(line.slice(0, at) + put + line.slice(at + 1));
          if (!parsed.ok) return;
          const plain = JSON.parse(line.slice(0, at) + put + line.slice(at + 1)) as { Item: typeof item };
          expect(canonicalLine(printLine(parsed.item))).toBe(canonicalItem(plain.Item));
        },
      ),
      { numRuns: 500 },
    );
  });
});
