import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ColumnType, Field, OriginTag } from '../../../src/model/schema.ts';
import { diffText, schemaDiff } from '../../../src/schema/files/diff.ts';
import { tableSchema } from './arbitrary.ts';

const field = (attr: string, type: ColumnType, tag: OriginTag = 'S', name = attr): Field => ({
  id: 1,
  name,
  attr,
  tag,
  type,
});
const S: ColumnType = { kind: 'string' };
const L: ColumnType = { kind: 'long' };
const struct = (...fields: Field[]): ColumnType => ({ kind: 'struct', fields });
const list = (type: ColumnType, tag: OriginTag): ColumnType => ({ kind: 'list', element: { id: 1, tag, type } });
const of = (columns: Field[], keys: string[] = []) => ({ columns, keys });

describe('schemaDiff', () => {
  test('added, removed, retyped, renamed, key; paths go through structs, lists and maps', () => {
    const map = (type: ColumnType): ColumnType => ({ kind: 'map', keyId: 1, value: { id: 2, tag: 'N', type } });
    const a = of(
      [
        field('pk', S),
        field('gone', S),
        field('n', L, 'N'),
        field('id', S),
        field('addr', struct(field('zip', S), field('old', S)), 'M'),
        field('lines', list(struct(field('qty', L, 'N')), 'M'), 'L'),
        field('m', map(L), 'M'),
      ],
      ['pk'],
    );
    const b = of(
      [
        field('pk', S),
        field('n', { kind: 'decimal', precision: 18, scale: 2 }, 'N'),
        field('id', S, 'S', 'id_2'),
        field('addr', struct(field('zip', L, 'N'), field('a.b', S)), 'M'),
        field('lines', list(struct(field('qty', { kind: 'double' }, 'N')), 'M'), 'L'),
        field('m', map({ kind: 'number-text' }), 'M'),
        field('tags', list(S, 'S'), 'SS'),
      ],
      ['pk', 'n'],
    );
    expect(diffText(schemaDiff(a, b))).toBe(`~ key: (pk) → (pk, n)
~ n: long → decimal(18,2)
~ id: column id → id_2
~ addr.zip: string → long
+ addr."a.b": string
- addr.old: string
~ lines[].qty: long → double
~ m{}: long → number-text
+ tags: list<string> from SS
- gone: string
`);
  });

  test('columns that share an attribute are told apart by tag', () => {
    const split = of([field('p', L, 'N', 'p_n'), field('p', S, 'S', 'p_s')]);
    expect(schemaDiff(split, of([field('p', S, 'S', 'p_s'), field('p', L, 'N', 'p_n')]))).toEqual([]);
    expect(schemaDiff(split, of([field('p', S, 'S', 'p_s')]))).toEqual([
      { kind: 'removed', path: ['p'], before: 'long' },
    ]);
    expect(schemaDiff(of([field('p', L, 'N')]), of([field('p', S)]))).toEqual([
      { kind: 'retyped', path: ['p'], before: 'long', after: 'string' },
    ]);
  });

  test('a set that becomes a list is a change', () => {
    expect(schemaDiff(of([field('t', list(S, 'S'), 'SS')]), of([field('t', list(S, 'S'), 'L')]))).toEqual([
      { kind: 'retyped', path: ['t'], before: 'list<string> from SS', after: 'list<string>' },
    ]);
  });

  test('property: a schema does not differ from itself; from nothing, every column is added', () => {
    fc.assert(
      fc.property(tableSchema, (schema) => {
        expect(schemaDiff(schema, { ...schema, columns: [...schema.columns].reverse() })).toEqual([]);
        expect(schemaDiff(of([]), { ...schema, keys: [] }).map((c) => c.kind)).toEqual(
          schema.columns.map(() => 'added'),
        );
        expect(schemaDiff({ ...schema, keys: [] }, of([])).map((c) => c.kind)).toEqual(
          schema.columns.map(() => 'removed'),
        );
      }),
      { numRuns: 100 },
    );
  });
});
