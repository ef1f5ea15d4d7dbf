import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BrokenJson, type Element, ElementCutter } from '../../src/load/input/elements.ts';
import { parsePath } from '../../src/load/input/path.ts';

function cut(text: string | Buffer, path = '', sizes: readonly number[] = []): Element[] {
  const cutter = new ElementCutter(path === '' ? [] : parsePath(path, '--items'));
  const bytes = Buffer.from(text as string);
  const found: Element[] = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[turn % sizes.length] ?? 1);
    // A chunk's memory is used again by its owner.
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    found.push(...cutter.push(chunk));
    chunk.fill(0);
    at += size;
  }
  found.push(...cutter.end());
  return found;
}

const texts = (elements: readonly Element[]): string[] => elements.map(({ bytes }) => bytes.toString());

describe('items are cut out of JSON', () => {
  test('elements of an array, one document, several documents, none', () => {
    expect(texts(cut(' [ {"a":1} ,\n{"b":"]}"}, 3 ] '))).toEqual(['{"a":1}', '{"b":"]}"}', '3']);
    expect(texts(cut('{"a":[1,2]}'))).toEqual(['{"a":[1,2]}']);
    expect(texts(cut('{"a":1}{"a":2}\n{"a":3} 4'))).toEqual(['{"a":1}', '{"a":2}', '{"a":3}', '4']);
    expect([cut('[]'), cut(''), cut(' \n')]).toEqual([[], [], []]);
    expect(texts(cut('\ufeff[{"é":"ü"}]'))).toEqual(['{"é":"ü"}']);
  });

  test('by a path, through objects and lists', () => {
    const text = '{"x":{"items":[9]},"data":{"n":[1],"items":[{"a":1},{"a":2}]},"items":[7]}';
    expect(texts(cut(text, 'data.items'))).toEqual(['{"a":1}', '{"a":2}']);
    expect(texts(cut(text, 'data'))).toEqual(['{"n":[1],"items":[{"a":1},{"a":2}]}']);
    expect(texts(cut('{"m":[{"t":[1,2]},{"u":0},{"t":[3]}]}', 'm[].t'))).toEqual(['1', '2', '3']);
    expect(texts(cut('{"m":[{"t":[1,2]},{"t":[3]}]}', 'm[1].t'))).toEqual(['3']);
    expect(texts(cut('{"a.b":{"\\u0063":[1]}}', '"a.b".c'))).toEqual(['1']);
    expect(texts(cut('{"data":null}', 'data'))).toEqual([]);
  });

  test('a text that ends too early, or is none, is told; what came before was given', () => {
    const cutter = new ElementCutter();
    expect(texts([...cutter.push(Buffer.from('[{"a":1},{"b":'))])).toEqual(['{"a":1}']);
    expect(() => [...cutter.end()]).toThrow(BrokenJson);
    for (const wrong of ['[1 2]', '[1,,2]', '{"a" 1}', '[{"a":1}', '"abc', '[,1]'])
      expect(() => cut(wrong, wrong.startsWith('{') ? 'a' : ''), wrong).toThrow(BrokenJson);
  });

  test('fault 85: an item that is too long is cut, and the next one is whole', () => {
    const cutter = new ElementCutter([], 10);
    const found = [...cutter.push(Buffer.from('["0123456789abc","x"]'))];
    expect(found.map(({ cut }) => cut)).toEqual([true, false]);
    expect(found[0]?.bytes.length).toBe(10);
  });

  test('whatever the values and the chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue()),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        fc.nat(2),
        (values, sizes, space) => {
          const text = JSON.stringify(values, undefined, space);
          expect(cut(text, '', sizes).map(({ bytes }) => JSON.parse(bytes.toString()))).toEqual(
            values.map((value) => JSON.parse(JSON.stringify(value))),
          );
          const inner = JSON.stringify({ no: values, a: [{ '': 1 }, { b: values }] }, undefined, space);
          expect(texts(cut(inner, 'a[1].b', sizes)).length).toBe(values.length);
        },
      ),
    );
  });
});
