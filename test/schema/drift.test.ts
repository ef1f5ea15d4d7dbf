import { describe, expect, test } from 'vitest';
import type { ColumnType, Field, TableSchema } from '../../src/model/schema.ts';
import { drifts, holdRecorded, needsRewrite } from '../../src/schema/drift.ts';

const field = (id: number, name: string, type: ColumnType, tag: Field['tag'] = 'N'): Field => ({
  id,
  name,
  attr: name,
  tag,
  type,
});
const long: ColumnType = { kind: 'long' };
const wide: ColumnType = { kind: 'decimal', precision: 18, scale: 4 };
const schema = (lastFieldId: number, columns: Field[]): TableSchema => ({
  columns,
  derived: [],
  system: [{ id: 2, name: '_rescued' }],
  keys: ['pk'],
  lastFieldId,
});
const struct = (...fields: Field[]): ColumnType => ({ kind: 'struct', fields });
const list = (id: number, type: ColumnType): ColumnType => ({ kind: 'list', element: { id, tag: 'N', type } });
const map = (id: number, type: ColumnType): ColumnType => ({
  kind: 'map',
  keyId: 10,
  value: { id, tag: 'M', type },
});

const before = schema(20, [
  field(1, 'pk', long),
  field(3, 'price', long),
  field(4, 'items', list(5, long), 'L'),
  field(6, 'byDay', map(7, struct(field(8, 'sum', long), field(9, 'n', long))), 'M'),
]);
const after = schema(40, [
  field(31, 'pk', wide),
  field(32, 'price', wide),
  field(4, 'items', list(33, wide), 'L'),
  field(6, 'byDay', map(7, struct(field(34, 'sum', wide), field(9, 'n', long), field(35, 'new', long))), 'M'),
  field(36, 'late', long),
]);

describe('drift', () => {
  test('names what became another, at any depth, and not what was added', () => {
    expect(drifts(before, after).map(({ path }) => path.join('.'))).toEqual([
      'pk',
      'price',
      'items.[]',
      'byDay.{}.sum',
    ]);
    expect(needsRewrite(before, after)).toEqual([1, 3, 5, 8]);
    expect(needsRewrite(before, before)).toEqual([]);
  });

  test('recorded columns are held, but for keys; what is new stays, and no id is used up', () => {
    const held = holdRecorded(after, before);
    expect(needsRewrite(before, held)).toEqual([1]);
    expect(held.columns.map(({ id }) => id)).toEqual([31, 3, 4, 6, 36]);
    expect(held.columns[3]?.type).toEqual(
      map(7, struct(field(8, 'sum', long), field(9, 'n', long), field(35, 'new', long))),
    );
    expect(held.lastFieldId).toBe(36);
    expect(holdRecorded({ ...held, lastFieldId: 50 }, before)).toEqual(held);
  });
});
