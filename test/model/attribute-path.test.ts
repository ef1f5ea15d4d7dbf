import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AttributePath, ELEMENT, isNested, pathText, VALUE } from '../../src/model/attribute-path.ts';

const ODD = [
  '',
  '.',
  'a.b',
  'a',
  'b',
  '"a"',
  '[]',
  '{}',
  '[0]',
  'é',
  'a b',
  'a,b',
  '\\',
  '"',
  '\n',
  'first-name',
  '-1',
];
const step = fc.oneof(fc.constantFrom(...ODD), fc.string(), fc.constantFrom(ELEMENT, VALUE, 0, 1));
const path = fc
  .tuple(fc.oneof(fc.constantFrom(...ODD), fc.string()), fc.array(step, { maxLength: 4 }))
  .map(([first, rest]): AttributePath => [first, ...rest]);

describe('the text of an attribute path', () => {
  test.each<readonly [AttributePath, string]>([
    [['city'], 'city'],
    [['address', 'city'], 'address.city'],
    [['address.city'], '"address.city"'],
    [['a.b', 'c'], '"a.b".c'],
    [['lines', ELEMENT, 'sku'], 'lines[].sku'],
    [['lines', '[]', 'sku'], 'lines."[]".sku'],
    [['prices', VALUE], 'prices{}'],
    [['lines', 3], 'lines[3]'],
    [[''], '""'],
    [['first name', 'größe-1$'], '"first name".größe-1$'],
    [['say "hi"'], '"say \\"hi\\""'],
  ])('%j is %s', (steps, text) => {
    expect(pathText(steps)).toBe(text);
    expect(isNested(text)).toBe(steps.length > 1);
  });

  test('no two paths share one, and it tells whether it leads into an attribute', () => {
    fc.assert(
      fc.property(path, path, (a, b) => {
        expect(pathText(a) === pathText(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
        expect(isNested(pathText(a))).toBe(a.length > 1);
      }),
      { numRuns: 2_000 },
    );
  });
});
