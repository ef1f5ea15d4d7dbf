import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DdbItem, DdbValue } from '../data/ion.ts';
import { canonicalItems, catItems, exportOf, FORMATS, load, optionsWith } from './harness.ts';

/** Items with a map whose names are data. */
function dictionaries(value: (name: string) => DdbValue): DdbItem[] {
  return Array.from({ length: 200 }, (_, j) => {
    const names = Array.from({ length: 6 }, (_, k) => `id-${j * 6 + k}`);
    return { pk: { S: `p${j}` }, d: { M: Object.fromEntries(names.map((name) => [name, value(name)])) } };
  });
}

const mixedList: DdbValue = { L: [{ N: '1' }, { S: 'z' }] };

describe('a dictionary whose values hold lists of several types', () => {
  test.each([
    ['as they are', 'map<string,string (json)>', () => mixedList],
    ['in maps', 'map<string,struct<a:string,m:string (json)>>', () => ({ M: { a: { S: 'x' }, m: mixedList } })],
    [
      'in dictionaries',
      'map<string,map<string,string (json)>>',
      (name: string) => ({ M: Object.fromEntries([0, 1, 2, 3].map((i) => [`${name}.${i}`, mixedList])) }),
    ],
  ] as const)('is a map column and comes back: %s', async (_, type, value) => {
    const items = dictionaries(value);
    items.push({ pk: { S: 'odd' }, d: { M: { 'qu"o\\te': { NULL: true }, 'é\n': value('odd') } } });
    items.push({ pk: { S: 'empty' }, d: { M: {} } }, { pk: { S: 'none' } });
    const { exportDir, dir } = await exportOf([items]);
    for (const format of FORMATS) {
      const target = join(dir, format);
      const report = await load(exportDir, `${format}:${target}`, optionsWith());
      expect(report.schema.find(({ name }) => name === 'd')?.type).toBe(type);
      expect(report.counts).toMatchObject({ read: items.length, written: items.length, rescued: 1 });
      expect(await catItems(`${format}:${target}`, optionsWith())).toEqual(canonicalItems(items));
    }
  });
});
