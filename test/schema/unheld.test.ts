import { describe, expect, test } from 'vitest';
import type { Field, TableSchema } from '../../src/model/schema.ts';
import { decide } from '../../src/schema/decide.ts';
import { drifts, holdRecorded, needsRewrite } from '../../src/schema/drift.ts';
import { emptyValue, learnValue } from '../../src/schema/structure.ts';
import { type Around, settleUnheld } from '../../src/schema/unheld.ts';

const nulls = (id: number, name: string): Field => ({ id, name, attr: name, tag: 'NULL', type: { kind: 'string' } });
const text = (id: number, name: string): Field => ({ id, name, attr: name, tag: 'S', type: { kind: 'string' } });
const number = (id: number, name: string): Field => ({ id, name, attr: name, tag: 'N', type: { kind: 'long' } });
const struct = (id: number, name: string, ...fields: Field[]): Field => ({
  ...{ id, name, attr: name, tag: 'M' },
  type: { kind: 'struct', fields },
});
const list = (id: number, name: string, element: Field): Field => ({
  ...{ id, name, attr: name, tag: 'L' },
  type: { kind: 'list', element: { id: element.id, tag: element.tag, type: element.type } },
});
const tableOf = (columns: readonly Field[]): TableSchema => ({
  columns: [text(1, 'pk'), ...columns],
  derived: [{ id: 80, name: 'at_ts', from: 'at', format: 'iso' }],
  system: [{ id: 90, name: '_rescued' }],
  keys: ['pk'],
  lastFieldId: 90,
});
const leaf = (valueCount: number, nullCount: number) => ({ valueCount, nullCount, sizeBytes: 1 });
const ours = { rows: 2, stats: { 1: leaf(2, 0), 10: leaf(2, 2), 90: leaf(2, 2) } };

/** Whether column 10 may still become another. */
function open(column: Field, change: Partial<Around> = {}): boolean {
  const around = { partition: [], sort: [], files: [ours], mayRewrite: false, byId: true, ...change };
  return JSON.stringify(settleUnheld({ ...around, schema: tableOf([column]) })).includes('"NULL"');
}

describe('what was only NULL may become another column', () => {
  test('where every file says so, or is older than the column', () => {
    expect(open(nulls(10, 'a'))).toBe(true);
    const { 10: _, ...older } = ours.stats;
    expect(open(nulls(10, 'a'), { files: [ours, { rows: 2, stats: older }] })).toBe(true);
    expect(open(nulls(10, 'a'), { files: [{ rows: 0, stats: {} }] })).toBe(true);
  });

  test('but not where another writer put a value there, or kept no statistics that tell', () => {
    expect(open(nulls(10, 'a'), { files: [ours, { rows: 2, stats: { ...ours.stats, 10: leaf(2, 1) } }] })).toBe(false);
    expect(open(nulls(10, 'a'), { files: [ours, { rows: 2, stats: { 1: leaf(2, 0) } }] })).toBe(false);
  });

  test('nor one that the table is laid out by', () => {
    const partition = [{ column: 'a', transform: 'identity' as const, name: 'a' }];
    expect(open(nulls(10, 'a'), { partition, mayRewrite: true })).toBe(false);
    const sort = [{ column: 'a', descending: false, nullsFirst: true }];
    expect(open(nulls(10, 'a'), { sort, mayRewrite: true })).toBe(false);
    expect(open(nulls(10, 'at'), { mayRewrite: true })).toBe(false);
  });

  test('within lists, alone in a struct, and in Parquet only where files may be written anew', () => {
    for (const column of [list(9, 'l', nulls(10, 'e')), struct(9, 's', nulls(10, 'x'))]) {
      expect(open(column)).toBe(false);
      expect(open(column, { mayRewrite: true })).toBe(true);
    }
    expect(open(struct(9, 's', text(8, 'a'), nulls(10, 'x')))).toBe(true);
    expect(open(nulls(10, 'a'), { byId: false })).toBe(false);
    expect(open(nulls(10, 'a'), { byId: false, mayRewrite: true })).toBe(true);
  });
});

test('a first value is no drift; files are only written anew where readers would miss more than NULL', () => {
  const before = tableOf([
    nulls(10, 'a'),
    list(11, 'l', nulls(12, 'e')),
    struct(13, 's', text(14, 't'), nulls(15, 'x')),
    struct(16, 'o', nulls(17, 'x')),
    nulls(18, 'same'),
  ]);
  const after = tableOf([
    number(20, 'a'),
    list(11, 'l', number(21, 'e')),
    struct(13, 's', text(14, 't'), number(22, 'x')),
    struct(16, 'o', number(23, 'x')),
    text(18, 'same'),
  ]);
  expect(drifts(before, after)).toEqual([]);
  expect(needsRewrite(before, after)).toEqual([12, 17]);
  const held = holdRecorded(after, before);
  expect(needsRewrite(before, held)).toEqual([]);
  expect(held.columns).toEqual(
    tableOf([
      number(20, 'a'),
      list(11, 'l', nulls(12, 'e')),
      struct(13, 's', text(14, 't'), number(22, 'x')),
      struct(16, 'o', nulls(17, 'x')),
      text(18, 'same'),
    ]).columns,
  );
});

test('an attribute that takes no more positions keeps its first nested value as text', () => {
  const options = { onMixed: 'rescue', numbers: 'exact', timestamps: 'off', maxDepth: 16, key: [] } as never;
  const node = emptyValue();
  learnValue(node, { tag: 'M', value: new Map([['a', { tag: 'S', value: 'x' }]]) });
  const context = { options, nextId: () => 99, full: true };
  expect(decide(node, ['top', 'x'], context, nulls(10, 'x')).type.kind).toBe('ddb-json');
  expect(decide(node, ['top', 'x'], { ...context, full: false }, nulls(10, 'x')).type.kind).toBe('struct');
});
