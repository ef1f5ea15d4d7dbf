import { expect, test } from 'vitest';
import type { Field } from '../../src/model/schema.ts';
import { newFields } from '../../src/schema/grow.ts';
import { readingOf } from '../../src/schema/reading.ts';
import type { DdbItem } from '../data/ion.ts';
import { columnTexts, learned, mapped } from './items.ts';

const one = { N: '1' };
const map = (names: readonly string[]): DdbItem => ({ m: { M: Object.fromEntries(names.map((name) => [name, one])) } });
const recorded = mapped([map(['a', 'b'])]).schema;
const fieldsOf = (name: string): readonly Field[] => {
  const type = recorded.columns.find((column) => column.name === name)?.type;
  return type?.kind === 'struct' ? type.fields : [];
};

test.each([
  [
    ['c', 'd'],
    ['c', 'd'],
  ],
  [['A', 'c'], ['c']],
  [['c', 'C', 'd'], ['d']],
  [['', 'x\u0000', 'a'], []],
  [Array.from({ length: 499 }, (_, i) => `f${i}`), []],
])('beside fields a and b, of %j come %j', (names, fresh) => {
  expect(newFields(learned([map(names)]).fields.get('m')?.map, fieldsOf('m'))).toEqual(fresh);
});

test('names that are data become no fields, whatever the table recorded', () => {
  const items = Array.from({ length: 60 }, (_, i) => map(['a', `day-${i}`]));
  expect(columnTexts(mapped(items, {}, recorded).schema)).toEqual(columnTexts(recorded));
});

test('a recorded column that has all the positions an attribute may have takes no more fields', () => {
  const full = mapped([map(Array.from({ length: 199 }, (_, i) => `f${i}`))]).schema;
  expect(columnTexts(mapped([map(['f0', 'more'])], {}, full).schema)).toEqual(columnTexts(full));
});

test('maps whose names an engine’s struct cannot hold beside the column’s are read as text, others as structs', () => {
  const kindOf = (names: readonly string[]): string | undefined => {
    const root = learned([map(names)]);
    const reading = readingOf(root, mapped([map(names)], {}, recorded).schema.columns, new Set());
    const m = reading.attrs.get('m');
    return m?.kind === 'typed' ? m.tags.get('M')?.kind : undefined;
  };
  expect(kindOf(['a', 'c'])).toBe('struct');
  expect(kindOf(['A'])).toBe('text');
  expect(kindOf(['a', 'A'])).toBe('text');
});
