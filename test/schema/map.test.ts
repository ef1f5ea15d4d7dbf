import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Field } from '../../src/model/schema.ts';
import { itemsArbitrary } from '../data/nasty.ts';
import { columnTexts, mapped, typeOf } from './items.ts';

const N = (text: string) => ({ N: text });
const S = (text: string) => ({ S: text });

describe('several types in one attribute', () => {
  const values = [N('1'), S('x'), S('y')];

  test('rescue: the most frequent type has the column', () => {
    expect(typeOf(values)).toBe('string');
    expect(typeOf([N('1'), N('2'), S('y')])).toBe('long');
  });
  test('NULL is no type, however frequent', () => {
    expect(typeOf([N('1'), { NULL: true }, { NULL: true }])).toBe('long');
    expect(typeOf([{ NULL: true }])).toBe('string');
  });
  test('json: one column of text for all; DynamoDB JSON where plain JSON would lose a type', () => {
    expect(typeOf(values, { onMixed: 'json' })).toBe('string (json)');
    expect(typeOf([N('1'), { SS: ['x'] }], { onMixed: 'json' })).toBe('string (DynamoDB JSON)');
    expect(typeOf([N('1'), { M: { b: { B: 'AA==' } } }], { onMixed: 'json' })).toBe('string (DynamoDB JSON)');
  });
  test('split: a column for each type, whose names stay apart from other attributes', () => {
    const items = values.map((value) => ({ a: value, a_s: S('another attribute') }));
    expect(columnTexts(mapped(items, { onMixed: 'split' }).schema)).toEqual([
      'a_n: long',
      'a_s: string',
      'a_s_: string',
    ]);
  });
  test('fail: refused with the attribute and what was found', () => {
    expect(() => typeOf(values, { onMixed: 'fail' })).toThrow(
      expect.objectContaining({ code: 'SCHEMA_DRIFT', found: 'N 1, S 2', place: 'attribute a' }),
    );
    expect(typeOf([N('1'), { NULL: true }], { onMixed: 'fail' })).toBe('long');
  });
  test('split: maps that no struct can hold are text, and so are lists beside them', () => {
    const items = [{ a: { M: { x: { N: '1' }, X: { N: '2' } } } }, { a: { L: [{ S: 'x' }] } }, { a: { S: 'y' } }];
    expect(columnTexts(mapped(items, { onMixed: 'split' }).schema)).toEqual([
      'a_l: string (DynamoDB JSON)',
      'a_m: string (DynamoDB JSON)',
      'a_s: string',
    ]);
  });
  test('a key is never split', () => {
    const { schema } = mapped(
      values.map((a) => ({ a })),
      { onMixed: 'split', key: ['a'] },
    );
    expect(columnTexts(schema)).toEqual(['a: string']);
  });
});

describe('which attributes are columns', () => {
  const items = [{ b: N('1') }, { b: N('1'), c: N('1') }, { a: N('1'), b: N('1'), c: N('1') }];

  test('the most frequent up to the most columns; keys always', () => {
    expect(columnTexts(mapped(items, { maxColumns: 2 }).schema)).toEqual(['b: long', 'c: long']);
    expect(mapped(items, { maxColumns: 2 }).unmapped).toEqual(['a']);
    expect(columnTexts(mapped(items, { maxColumns: 2, key: ['a'] }).schema)).toEqual(['a: long', 'b: long']);
  });
  test('those included, and none that is excluded', () => {
    expect(columnTexts(mapped(items, { include: ['a', 'b'] }).schema)).toEqual(['a: long', 'b: long']);
    const without = mapped(items, { exclude: ['b'] });
    expect(columnTexts(without.schema)).toEqual(['a: long', 'c: long']);
    expect(without.unmapped).toEqual([]);
  });
  test('keys first, then names by bytes', () => {
    const { schema } = mapped([{ b: N('1'), B: N('1'), z: S('x'), é: S('x'), sk: S('x') }], { key: ['z', 'sk'] });
    expect(schema.columns.map(({ attr }) => attr).slice(0, 2)).toEqual(['z', 'sk']);
    expect(schema.keys).toEqual(['z', 'sk']);
    const names = schema.columns.slice(2).map(({ name }) => Buffer.from(name));
    expect([...names].sort(Buffer.compare)).toEqual(names);
    expect(new Set(schema.columns.map(({ name }) => name.toLowerCase())).size).toBe(5);
  });
});

test('the schema follows from the items, not from their order', () => {
  fc.assert(
    fc.property(itemsArbitrary, (items) => {
      const there = mapped(items, { key: ['pk'] }).schema;
      const back = mapped([...items].reverse(), { key: ['pk'] }).schema;
      expect(columnTexts(back).map(sortedFields)).toEqual(columnTexts(there).map(sortedFields));
    }),
  );
});

const sortedFields = (text: string): string => text.split(/[<>,]/).sort().join();

describe('a schema that the table has', () => {
  const before = mapped([{ pk: S('k'), a: N('1'), m: { M: { x: N('1') } }, gone: S('x') }], { key: ['pk'] }).schema;
  const loadedAfter = (items: readonly Readonly<Record<string, never>>[] | readonly object[]) =>
    mapped(items as never, { key: ['pk'] }, before).schema;
  const column = (schema: { readonly columns: readonly Field[] }, name: string) =>
    schema.columns.find((each) => each.name === name);

  test('keeps names and ids, and columns that the data lacks', () => {
    const now = loadedAfter([{ pk: S('k'), a: N('2'), m: { M: { x: N('2') } } }]);
    expect(now.columns).toEqual(before.columns);
    expect(now.lastFieldId).toBe(before.lastFieldId);
  });
  test('gives new attributes and fields ids that were never used', () => {
    const now = loadedAfter([{ pk: S('k'), a: N('2'), new: S('x'), m: { M: { x: N('2'), y: S('y') } } }]);
    const type = column(now, 'm')?.type;
    const fields = type?.kind === 'struct' ? type.fields : [];
    expect(fields.map(({ name }) => name)).toEqual(['x', 'y']);
    expect(fields[1]?.id).toBeGreaterThan(before.lastFieldId);
    expect(column(now, 'new')?.id).toBeGreaterThan(before.lastFieldId);
    expect(column(now, 'm')?.id).toBe(column(before, 'm')?.id);
  });
  test('widens a number under the same name with a new id', () => {
    const now = loadedAfter([{ pk: S('k'), a: N('9.99') }]);
    expect(column(now, 'a')?.type).toEqual({ kind: 'decimal', precision: 18, scale: 4 });
    expect(column(now, 'a')?.id).toBeGreaterThan(before.lastFieldId);
  });
  test('holds what the old type held when it widens', () => {
    const wide = mapped([{ a: N('123456789012.5') }]).schema;
    const now = mapped([{ a: N('0.12345') }], {}, wide).schema.columns[0]?.type;
    expect(now).toMatchObject({ kind: 'decimal', scale: 8 });
    expect(now?.kind === 'decimal' && now.precision - now.scale).toBeGreaterThanOrEqual(12);
  });
  test('keeps the type tag, whatever is frequent now', () => {
    expect(
      column(
        loadedAfter([
          { pk: S('k'), a: S('x') },
          { pk: S('l'), a: S('y') },
        ]),
        'a',
      ),
    ).toEqual(column(before, 'a'));
  });
  test('keeps a name that another attribute would take by byte order', () => {
    const now = loadedAfter([{ pk: S('k'), A: N('1'), a: N('1') }]);
    expect(column(now, 'a')?.attr).toBe('a');
    expect(now.columns.find(({ attr }) => attr === 'A')?.name).toMatch(/^A_[0-9a-f]{8}$/);
  });
});
