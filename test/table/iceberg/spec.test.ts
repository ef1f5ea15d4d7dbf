import { describe, expect, test } from 'vitest';
import type { PartitionField } from '../../../src/model/table.ts';
import { icebergSchema } from '../../../src/table/iceberg/schema.ts';
import { evolveSortOrder, evolveSpec, partitionFields, sortFields } from '../../../src/table/iceberg/spec.ts';
import { everyType } from './sample.ts';

const WIRE = icebergSchema(everyType, 0);
const ALL: readonly PartitionField[] = [
  { column: 'region', transform: 'identity', name: 'region' },
  { column: 'pk', transform: 'bucket', width: 16, name: 'pk_bucket' },
  { column: 'region', transform: 'truncate', width: 8, name: 'region_trunc' },
  { column: 'created_ts', transform: 'day', name: 'created_ts_day' },
];

describe('partition specs', () => {
  test("have the spec's transforms, and come back as they went", () => {
    const { spec, lastPartitionId } = evolveSpec(ALL, everyType, [], 0);
    expect(spec).toEqual({
      'spec-id': 0,
      fields: [
        { name: 'region', transform: 'identity', 'source-id': 22, 'field-id': 1000 },
        { name: 'pk_bucket', transform: 'bucket[16]', 'source-id': 1, 'field-id': 1001 },
        { name: 'region_trunc', transform: 'truncate[8]', 'source-id': 22, 'field-id': 1002 },
        { name: 'created_ts_day', transform: 'day', 'source-id': 28, 'field-id': 1003 },
      ],
    });
    expect(lastPartitionId).toBe(1003);
    expect(partitionFields(spec, WIRE, 'v1')).toEqual(ALL);
  });

  test('reuse an equal spec and equal fields, and never give an id to another field', () => {
    const first = evolveSpec(ALL.slice(0, 2), everyType, [], 0);
    const none = evolveSpec([], everyType, [first.spec], first.lastPartitionId);
    expect(none).toEqual({ spec: { 'spec-id': 1, fields: [] }, lastPartitionId: 1001 });
    const mixed = evolveSpec(
      [...ALL.slice(1, 2), ...ALL.slice(3)],
      everyType,
      [first.spec, none.spec],
      none.lastPartitionId,
    );
    expect(mixed.spec['spec-id']).toBe(2);
    expect(mixed.spec.fields.map((field) => field['field-id'])).toEqual([1001, 1002]);
    const again = evolveSpec(ALL.slice(0, 2), everyType, [first.spec, none.spec, mixed.spec], mixed.lastPartitionId);
    expect(again).toEqual({ spec: first.spec, lastPartitionId: 1002 });
    expect(
      evolveSpec([{ ...ALL[1], width: 8 } as PartitionField], everyType, [first.spec], 1001).spec.fields[0]?.[
        'field-id'
      ],
    ).toBe(1002);
  });

  test('an unpartitioned table begins at 999', () => {
    expect(evolveSpec([], everyType, [], 0)).toEqual({ spec: { 'spec-id': 0, fields: [] }, lastPartitionId: 999 });
  });

  test('fault 83: a partition field that is called like a column gets a free name', () => {
    const fields: PartitionField[] = [
      { column: 'pk', transform: 'bucket', width: 4, name: 'region' },
      { column: 'sk', transform: 'bucket', width: 4, name: 'region' },
    ];
    expect(evolveSpec(fields, everyType, [], 0).spec.fields.map((field) => field.name)).toEqual([
      'region_2',
      'region_3',
    ]);
  });

  test('foreign transforms are refused, void ones passed over', () => {
    const spec = (transform: string) => ({
      'spec-id': 0,
      fields: [{ name: 'x', transform, 'source-id': 1, 'field-id': 1000 }],
    });
    expect(partitionFields(spec('void'), WIRE, 'v1')).toEqual([]);
    expect(() => partitionFields(spec('zorder'), WIRE, 'v1')).toThrowError(
      expect.objectContaining({ code: 'TARGET_BAD', place: 'v1' }),
    );
  });
});

test('sort orders begin at 1, 0 is unsorted, and equal ones are reused', () => {
  const unsorted = evolveSortOrder([], everyType, []);
  expect(unsorted).toEqual({ 'order-id': 0, fields: [] });
  const fields = [
    { column: 'sk', descending: true, nullsFirst: false },
    { column: 'pk', descending: false, nullsFirst: true },
  ];
  const sorted = evolveSortOrder(fields, everyType, [unsorted]);
  expect(sorted).toEqual({
    'order-id': 1,
    fields: [
      { transform: 'identity', 'source-id': 2, direction: 'desc', 'null-order': 'nulls-last' },
      { transform: 'identity', 'source-id': 1, direction: 'asc', 'null-order': 'nulls-first' },
    ],
  });
  expect(sortFields(sorted, WIRE)).toEqual(fields);
  expect(evolveSortOrder(fields, everyType, [unsorted, sorted])).toBe(sorted);
  expect(evolveSortOrder(fields.slice(0, 1), everyType, [unsorted, sorted])['order-id']).toBe(2);
});
