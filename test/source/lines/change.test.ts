import { makeReader } from 'ion-js';
import { describe, expect, test } from 'vitest';
import { readChange } from '../../../src/source/ion/convert.ts';
import { parseLine } from '../../../src/source/lines/parse.ts';
import { printLine } from '../../../src/source/lines/print.ts';

const KEYS = '"Keys":{"pk":{"S":"a"}}';
const META = '"Metadata":{"WriteTimestampMicros":{"N":"1768387654353205"}}';
const IMAGE = '{"pk":{"S":"a"},"n":{"N":"1"}}';
const CANONICAL = `{${META},${KEYS},"NewImage":${IMAGE}}`;

function read(line: string, oldImages = true): string {
  const parsed = parseLine(line, { shape: 'change', oldImages });
  return parsed.ok ? printLine(parsed.item, parsed.change) : parsed.reason;
}

describe('lines of an incremental export', () => {
  test('every form of the time that is documented or real', () => {
    expect(read(CANONICAL)).toBe(CANONICAL);
    for (const time of ['"1768387654353205"', '1768387654353205', '{"N":1768387654353205}']) {
      expect(
        read(`{"NewImage":${IMAGE}, ${KEYS}, "Metadata":{"WriteTimestampMicros":${time},"New":[{"x":null}]}}`),
      ).toBe(CANONICAL);
    }
  });

  test('fault 53: insert, update and delete by what the line has', () => {
    const update = `{${META},${KEYS},"OldImage":${IMAGE},"NewImage":${IMAGE}}`;
    const gone = `{${META},${KEYS},"OldImage":${IMAGE}}`;
    for (const line of [update, gone, `{${META},${KEYS}}`]) expect(read(line)).toBe(line);
    expect(read(`{${META},${KEYS},"OldImage":null,"NewImage":null}`)).toBe(`{${META},${KEYS}}`);
    const parsed = parseLine(gone, { shape: 'change', oldImages: true });
    expect(parsed.ok && [...parsed.item.keys()]).toEqual(['pk']);
  });

  test('an old image that nobody keeps is only stepped over', () => {
    const odd = `{${META},${KEYS},"OldImage":{"pk":{"S":"a"},"x":[1e5,-0.5,{"}":"\\"]"}]},"NewImage":${IMAGE}}`;
    expect(read(odd, false)).toBe(CANONICAL);
    expect(read(odd, true)).toBe('attribute x: not an object with a type tag');
    expect(read(`{${META},${KEYS},"OldImage":{"x":tru}}`, false)).toBe('expected a value at character 103');
  });

  test.each([
    [`{${META},"NewImage":${IMAGE}}`, 'no "Keys"'],
    [`{${META},"Keys":{},"NewImage":${IMAGE}}`, 'no "Keys"'],
    [`{${KEYS},"NewImage":${IMAGE}}`, 'no "WriteTimestampMicros" in "Metadata"'],
    [`{"Metadata":{"WriteTimestampMicros":"x"},${KEYS}}`, '"WriteTimestampMicros" is not a time in microseconds'],
    [`{"Metadata":{"WriteTimestampMicros":1.5},${KEYS}}`, '"WriteTimestampMicros" is not a time in microseconds'],
    [`{"Metadata":{"WriteTimestampMicros":{"S":"1"}},${KEYS}}`, '"WriteTimestampMicros" is not a number'],
    [`{"Metadata":7,${KEYS}}`, '"Metadata" is not an object'],
    [`{${META},${KEYS},"Item":${IMAGE}}`, 'unknown member "Item" in the line of a change'],
    [`{${META},${KEYS},${KEYS}}`, '"Keys" stands twice'],
    [`{${META},${KEYS},"NewImage":{"pk":{"S":"b"}}}`, 'key attribute "pk" of "NewImage" is not that of "Keys"'],
    [`{${META},${KEYS},"NewImage":{"n":{"N":"1"}}}`, 'key attribute "pk" of "NewImage" is not that of "Keys"'],
    [`{${META},"Keys":{"pk":{"BOOL":true}}}`, 'key attribute "pk" has type BOOL'],
    [`{${META},"Keys":{"a":{"S":"1"},"b":{"S":"1"},"c":{"S":"1"}}}`, 'more than 2 attributes in "Keys"'],
    [`{${META},${KEYS}} x`, 'text after the change at character 88'],
    [`{"Item":${IMAGE}}`, 'unknown member "Item" in the line of a change'],
    ['{}', 'no "Keys"'],
  ])('%s is rejected', (line, reason) => {
    expect(read(line)).toBe(reason);
  });

  test.each([
    `$ion_1_0 {Record:{Keys:{pk:"a"},Metadata:{WriteTimestampMicros:1768387654353205.},NewImage:{pk:"a",n:1.}}}`,
    `{Metadata:{WriteTimestampMicros:"1768387654353205"},Keys:{pk:"a"},NewImage:{pk:"a",n:1}}`,
    `{Record:{NewImage:{pk:"a",n:10d-1},Keys:{pk:"a"},Metadata:{WriteTimestampMicros:1768387654353205}}}`,
  ])('Ion: %s', (line) => {
    const change = readChange(makeReader(line));
    expect(printLine(change.keys, change)).toBe(CANONICAL);
  });

  test.each([
    ['{Record:{Keys:{pk:"a"}}}', 'no "WriteTimestampMicros" in "Metadata"'],
    ['{Record:{Metadata:{WriteTimestampMicros:1.}}}', 'no "Keys"'],
    ['{Record:{Item:{pk:"a"}}}', 'unknown member "Item" in the line of a change'],
    ['{Item:{pk:"a"}}', 'unknown member "Item" in the line of a change'],
    ['{Record:7}', '"Record" is not a struct'],
    ['{Record:{Keys:{pk:"a"},Metadata:{WriteTimestampMicros:1}},More:1}', 'more than "Record" in the line'],
  ])('Ion: %s is rejected', (line, reason) => {
    expect(() => readChange(makeReader(line))).toThrow(reason);
  });
});
