import { describe, expect, test } from 'vitest';
import { transformItem } from '../../src/load/transform/apply.ts';
import { fixedTypes } from '../../src/load/transform/origin.ts';
import { parseTransforms } from '../../src/load/transform/parse.ts';
import { parsePlainItem } from '../../src/load/values/plain.ts';
import { printLine } from '../../src/source/lines/print.ts';

const NOW = Date.UTC(2026, 0, 31, 10, 59, 59, 900);
const done = (text: string, transforms: string): string =>
  printLine(transformItem(parsePlainItem(text), parseTransforms(transforms), () => NOW)).slice('{"Item":'.length, -1);

describe('transforms', () => {
  test('rename, also into and out of maps, in their order', () => {
    expect(done('{"Id":1}', 'rename(Id, id)')).toBe('{"id":{"N":"1"}}');
    expect(done('{"d":{"c":"red","x":1}}', 'rename(d.c, color), rename(color, a.b)')).toBe(
      '{"d":{"M":{"x":{"N":"1"}}},"a":{"M":{"b":{"S":"red"}}}}',
    );
    expect(done('{"a.b":1}', 'rename("a.b", c)')).toBe('{"c":{"N":"1"}}');
    expect(done('{"x":1}', 'rename(y, z)')).toBe('{"x":{"N":"1"}}');
    expect(() => done('{"a":1,"b":2}', 'rename(a, b)')).toThrow('there is an attribute b already');
  });

  test('cast: what cannot be one is refused, NULL stays, what is absent stays absent', () => {
    expect(done('{"a":"12345678901234567890"}', 'cast(a, number)')).toBe('{"a":{"N":"12345678901234567890"}}');
    expect(done('{"a":1.5}', 'cast(a, string)')).toBe('{"a":{"S":"1.5"}}');
    expect(done('{"a":"0","b":true}', 'cast(a, boolean), cast(b, string)')).toBe(
      '{"a":{"BOOL":false},"b":{"S":"true"}}',
    );
    expect(done('{"a":"aGk="}', 'cast(a, binary)')).toBe('{"a":{"B":"aGk="}}');
    expect(done('{"a":[3,1,3]}', 'cast(a, set)')).toBe('{"a":{"NS":["3","1"]}}');
    expect(done('{"a":"[1,{\\"b\\":null}]"}', 'cast(a, json)')).toBe(
      '{"a":{"L":[{"N":"1"},{"M":{"b":{"NULL":true}}}]}}',
    );
    expect(done('{"a":null}', 'cast(a, number), cast(b, number)')).toBe('{"a":{"NULL":true}}');
    for (const [text, cast] of [
      ['{"a":"x"}', 'cast(a, number)'],
      ['{"a":"maybe"}', 'cast(a, boolean)'],
      ['{"a":"hi!"}', 'cast(a, binary)'],
      ['{"a":{}}', 'cast(a, string)'],
      ['{"a":"{"}', 'cast(a, json)'],
    ] as const)
      expect(() => done(text, cast), cast).toThrow(/^cast: /);
  });

  test('default, now and drop', () => {
    expect(done('{"a":null}', "default(a, 1), default(b, 'it''s, (so)'), default(c, true), default(d, -1.50)")).toBe(
      '{"a":{"NULL":true},"b":{"S":"it\'s, (so)"},"c":{"BOOL":true},"d":{"N":"-1.5"}}',
    );
    expect(
      done('{"t":0}', 'now(t), now(e, epoch-ms), now(s, epoch-s), now(u, epoch-us), now(i, iso), default(n, now)'),
    ).toBe(
      `{"t":{"S":"2026-01-31T10:59:59.900Z"},"e":{"N":"${NOW}"},"s":{"N":"${Math.floor(NOW / 1000)}"},"u":{"N":"${NOW}000"},"i":{"S":"2026-01-31T10:59:59Z"},"n":{"S":"2026-01-31T10:59:59.900Z"}}`,
    );
    expect(done('{"a":{"b":1,"c":2},"d":3}', 'drop(a.b), drop(d), drop(e)')).toBe('{"a":{"M":{"c":{"N":"2"}}}}');
  });

  test('what is not understood is refused, with what is allowed', () => {
    for (const wrong of [
      'rename(a)',
      'cast(a, float)',
      'default(a, red)',
      'now()',
      'upper(a)',
      'rename a b',
      'drop(a[0])',
      'cast(a, number) cast(b, number)',
      'rename(a,,b)',
    ])
      expect(() => parseTransforms(wrong), wrong).toThrow(/--transform/);
    expect(parseTransforms(' ')).toEqual([]);
  });

  test('columns of CSV: a key has its type, and a cast sees the text, under the names of the file', () => {
    const transforms = parseTransforms('rename(Zip, zip), cast(zip, string), rename(No, id)');
    const key = [{ attr: 'id', tag: 'N' as const }];
    expect([...fixedTypes(transforms, key)]).toEqual([
      ['No', 'number'],
      ['Zip', 'string'],
    ]);
    // A cast sees the column that has its name then, not one that takes the name later.
    const later = parseTransforms('cast(zip, string), rename(zip, old), rename(plz, zip)');
    expect([...fixedTypes(later, [])]).toEqual([['zip', 'string']]);
  });
});
