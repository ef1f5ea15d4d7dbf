import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cellValue, columnType } from '../../src/load/values/cells.ts';
import { parsePlainItem } from '../../src/load/values/plain.ts';
import { applyRules } from '../../src/load/values/rules.ts';
import { looksTagged, parseTaggedItem } from '../../src/load/values/tagged.ts';
import type { AttributeValue, Item } from '../../src/model/item.ts';
import { printLine } from '../../src/source/lines/print.ts';

const line = (text: string): string => printLine(parsePlainItem(text));

describe('plain JSON', () => {
  test('each JSON type has its attribute type', () => {
    expect(line('{"s":"x","n":1,"b":true,"z":null,"l":[1,"a",[]],"m":{"k":{}}, "e":""}')).toBe(
      '{"Item":{"s":{"S":"x"},"n":{"N":"1"},"b":{"BOOL":true},"z":{"NULL":true},"l":{"L":[{"N":"1"},{"S":"a"},{"L":[]}]},"m":{"M":{"k":{"M":{}}}},"e":{"S":""}}}',
    );
  });

  test('fault 74: numbers keep 38 digits; more, or a magnitude that DynamoDB has not, are refused', () => {
    const digits = '12345678901234567890123456789012345678';
    expect(line(`{"n":${digits}}`)).toContain(`"${digits}"`);
    expect(line('{"n":-0.00000000000000000001}')).toContain('"-0.00000000000000000001"');
    expect(line('{"n":9007199254740993}')).toContain('"9007199254740993"');
    for (const wrong of [`${digits}9`, '1e126', '1e-131']) {
      expect(() => parsePlainItem(`{"a":{"n":${wrong}}}`)).toThrow(
        'attribute a.n: not a number that DynamoDB can hold',
      );
    }
  });

  test('fault 82 and 87: names of objects, doubled names, lone surrogates, text behind the item', () => {
    expect(line('{"__proto__":1,"constructor":{"toString":2}}')).toBe(
      '{"Item":{"__proto__":{"N":"1"},"constructor":{"M":{"toString":{"N":"2"}}}}}',
    );
    expect(() => parsePlainItem('{"a":1,"a":2}')).toThrow('stands twice');
    expect(() => parsePlainItem('{"a":"\\ud800"}')).toThrow('lone surrogate');
    expect(() => parsePlainItem('{"a":1} x')).toThrow('text after the item');
    expect(() => parsePlainItem(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toThrow('not UTF-8');
    expect(() => parsePlainItem('[1]')).toThrow('not a JSON object');
  });

  test('fault 84: 32 levels, and no more', () => {
    const nested = (levels: number): string => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect(line(nested(32))).toContain('"L"');
    expect(() => parsePlainItem(nested(33))).toThrow('nested deeper than 32 levels');
  });

  test('whatever JSON says, the item says', () => {
    const back = (value: AttributeValue): unknown => {
      if (value.tag === 'N') return Number(value.value);
      if (value.tag === 'NULL') return null;
      if (value.tag === 'L') return value.value.map(back);
      if (value.tag === 'M') return Object.fromEntries([...value.value].map(([name, each]) => [name, back(each)]));
      return value.value;
    };
    const leaf = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null));
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string({ unit: 'grapheme' }).filter((n) => n !== '__proto__'),
          fc.oneof(leaf, fc.array(leaf), fc.dictionary(fc.string(), leaf, { noNullPrototype: true })),
          { noNullPrototype: true },
        ),
        (value) => {
          const item = parsePlainItem(JSON.stringify(value));
          expect(JSON.parse(JSON.stringify(Object.fromEntries([...item].map(([n, v]) => [n, back(v)]))))).toEqual(
            JSON.parse(JSON.stringify(value)),
          );
        },
      ),
    );
  });
});

describe('DynamoDB JSON', () => {
  test('lines of exports, requests of batches, attributes alone', () => {
    const wanted = '{"Item":{"id":{"S":"x"},"n":{"N":"1"}}}';
    for (const text of [wanted, `{"PutRequest": ${wanted} }`, '{"id":{"S":"x"},"n":{"N":"1.0"}}'])
      expect(printLine(parseTaggedItem(text))).toBe(wanted);
    expect(printLine(parseTaggedItem('{"Item":{"S":"x"}}'))).toBe('{"Item":{"Item":{"S":"x"}}}');
  });

  test('it is known by its type tags', () => {
    for (const yes of ['{"a":{"S":"x"}}', '{"Item":{"a":{"N":"1"}}}', '{"PutRequest":{"Item":{"a":{"BOOL":true}}}}'])
      expect(looksTagged(JSON.parse(yes)), yes).toBe(true);
    for (const no of ['{"a":"x"}', '{"a":{"S":"x"},"b":1}', '{}', '{"a":{"S":"x","N":"1"}}', '[]', '{"Item":"x"}'])
      expect(looksTagged(JSON.parse(no)), no).toBe(false);
  });
});

describe('cells of CSV', () => {
  test('a column is numbers or booleans if every cell is, and nothing is lost by it', () => {
    expect(columnType(['1', '-2.50', '', '0'])).toBe('number');
    expect(columnType(['1e-05', '0.1'])).toBe('number');
    expect(columnType(['true', 'FALSE', ''])).toBe('boolean');
    for (const codes of [
      ['007'],
      ['+1'],
      ['12e4567'],
      ['1', 'x'],
      ['1', 'true'],
      ['.5'],
      [' 1'],
      ['0x1F'],
      ['1_000'],
      ['NaN'],
      [''],
    ])
      expect(columnType(codes), String(codes)).toBe('string');
    expect(columnType(['9'.repeat(39)])).toBe('string');
  });

  test('a cell that does not fit stays the text that it is', () => {
    expect(cellValue('1.50', 'number')).toEqual({ value: { tag: 'N', value: '1.5' }, fits: true });
    expect(cellValue('n/a', 'number')).toEqual({ value: { tag: 'S', value: 'n/a' }, fits: false });
    expect(cellValue('True', 'boolean')).toEqual({ value: { tag: 'BOOL', value: true }, fits: true });
  });

  test('numbers print back what stood there, but for zeros at the end', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { value, fits } = cellValue(text, 'number');
        if (fits) expect(Number(text)).toBe(Number(value.value));
        else expect(value).toEqual({ tag: 'S', value: text });
      }),
    );
  });
});

describe('rules', () => {
  const item: Item = parsePlainItem('{"a":"","b":null,"l":["",null,1],"m":{"x":"","y":[]},"t":["q","p","q"],"e":[]}');
  const ruled = (rules: Partial<Parameters<typeof applyRules>[1]>): string =>
    printLine(applyRules(item, { empty: 'keep', nulls: 'keep', sets: [], ...rules }));

  test('fault 77: empty texts and nulls are kept, and differ from what is absent', () => {
    expect(ruled({})).toBe(printLine(item));
    expect(ruled({ empty: 'drop' })).toContain(
      '"b":{"NULL":true},"l":{"L":[{"NULL":true},{"NULL":true},{"N":"1"}]},"m":{"M":{"y"',
    );
    expect(ruled({ empty: 'null' })).toContain('{"Item":{"a":{"NULL":true},');
    expect(ruled({ nulls: 'drop' })).not.toContain('"b"');
  });

  test('sets: each value once; an empty one is left out; mixed lists are refused', () => {
    expect(ruled({ sets: ['t', 'e'] })).toContain('"t":{"SS":["q","p"]}');
    expect(ruled({ sets: ['t', 'e'] })).not.toContain('"e"');
    expect(() => ruled({ sets: ['l'] })).toThrow('attribute l:');
    expect(() => ruled({ sets: ['m'] })).toThrow('a M cannot become a set');
  });
});
