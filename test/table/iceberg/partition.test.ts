import { describe, expect, test } from 'vitest';
import type { PartitionField, PartitionValue } from '../../../src/model/table.ts';
import {
  avroTuple,
  fromAvro,
  partitionValues,
  summarise,
  tupleFields,
  tupleOf,
} from '../../../src/table/iceberg/partition.ts';
import { icebergSchema } from '../../../src/table/iceberg/schema.ts';
import { evolveSpec } from '../../../src/table/iceberg/spec.ts';
import { everyType } from './sample.ts';
import { murmur3, transformed } from './transforms.ts';

const SCHEMAS = [icebergSchema(everyType, 0)];

interface Row {
  readonly column: string;
  readonly transform: PartitionField['transform'];
  readonly width?: number;
  /** In no order; a null is added. */
  readonly values: readonly PartitionValue[];
  readonly type: string;
  readonly lower: string;
  readonly upper: string;
}

const int = (value: number): string => {
  const b = Buffer.alloc(4);
  b.writeInt32LE(value);
  return b.toString('hex');
};
const long = (value: bigint): string => {
  const b = Buffer.alloc(8);
  b.writeBigInt64LE(value);
  return b.toString('hex');
};
const utf8 = (value: string): string => Buffer.from(value).toString('hex');

const ROWS: readonly Row[] = [
  { column: 'region', transform: 'identity', values: ['é', '', 'z'], type: 'string', lower: '', upper: utf8('é') },
  {
    column: 'sk',
    transform: 'identity',
    values: [5n, -7n, 3_000_000_000n],
    type: 'long',
    lower: long(-7n),
    upper: long(3_000_000_000n),
  },
  {
    column: 'amount',
    transform: 'identity',
    values: ['12.50', '-0.01', '1.28'],
    type: 'decimal(18, 2)',
    lower: 'ff',
    upper: '04e2',
  },
  { column: 'flag', transform: 'identity', values: [true, false], type: 'boolean', lower: '00', upper: '01' },
  { column: 'bin', transform: 'identity', values: ['80', '7FFF', ''], type: 'binary', lower: '', upper: '80' },
  {
    column: 'ratio',
    transform: 'identity',
    values: [0.5, -2],
    type: 'double',
    lower: '00000000000000c0',
    upper: '000000000000e03f',
  },
  { column: 'seen', transform: 'identity', values: [1n, -1n], type: 'timestamptz', lower: long(-1n), upper: long(1n) },
  { column: 'pk', transform: 'bucket', width: 16, values: [3, 15, 0], type: 'int', lower: int(0), upper: int(15) },
  {
    column: 'region',
    transform: 'truncate',
    width: 2,
    values: ['ab', 'b', ''],
    type: 'string',
    lower: '',
    upper: utf8('b'),
  },
  {
    column: 'sk',
    transform: 'truncate',
    width: 10,
    values: [-10n, 20n],
    type: 'long',
    lower: long(-10n),
    upper: long(20n),
  },
  {
    column: 'amount',
    transform: 'truncate',
    width: 50,
    values: ['1.00', '0.50'],
    type: 'decimal(18, 2)',
    lower: '32',
    upper: '64',
  },
  { column: 'bin', transform: 'truncate', width: 1, values: ['AA', '0B'], type: 'binary', lower: '0b', upper: 'aa' },
  { column: 'created_ts', transform: 'year', values: [54, -1], type: 'int', lower: int(-1), upper: int(54) },
  { column: 'created_ts', transform: 'month', values: [648, -1], type: 'int', lower: int(-1), upper: int(648) },
  { column: 'created_ts', transform: 'day', values: [19727, -2, 0], type: 'date', lower: int(-2), upper: int(19727) },
  { column: 'created_ts', transform: 'hour', values: [473_458, -1], type: 'int', lower: int(-1), upper: int(473_458) },
];

describe('summaries of the manifest list', () => {
  test.each(ROWS)('$transform of $column is a $type', ({ column, transform, width, values, type, lower, upper }) => {
    const field: PartitionField = { column, transform, name: `${column}_p`, ...(width === undefined ? {} : { width }) };
    const { spec } = evolveSpec([field], everyType, [], 0);
    const fields = tupleFields(spec, SCHEMAS);
    expect(fields.map((each) => each.type)).toEqual([type]);
    const tuples = [...values, null].map((value) => tupleOf([value], fields, 'test'));
    const [summary] = summarise(tuples, fields);
    expect(summary).toMatchObject({ contains_null: true, contains_nan: false });
    expect([summary?.lower_bound?.toString('hex'), summary?.upper_bound?.toString('hex')]).toEqual([lower, upper]);
    expect(summarise(tuples.slice(0, -1), fields)[0]?.contains_null).toBe(false);
    expect(tuples.map((tuple) => partitionValues(tuple, fields)[0])).toEqual([...values, null]);
  });

  test('a column that was promoted has the newest of its types: a narrower one would cut its values', () => {
    const { spec } = evolveSpec([{ column: 'amount', transform: 'identity', name: 'amount' }], everyType, [], 0);
    const wide = everyType.columns.map((column) =>
      column.name === 'amount' ? { ...column, type: { kind: 'decimal', precision: 38, scale: 2 } as const } : column,
    );
    const fields = tupleFields(spec, [...SCHEMAS, icebergSchema({ ...everyType, columns: wide }, 1)]);
    expect(fields.map(({ type }) => type)).toEqual(['decimal(38, 2)']);
    const value = `${'9'.repeat(36)}.25`;
    const tuple = tupleOf([value], fields, 'test');
    const record = avroTuple(tuple, fields)['amount'];
    expect(partitionValues([fromAvro('decimal(38, 2)', record)], fields)).toEqual([value]);
  });

  test('nothing but nulls has no bounds', () => {
    const { spec } = evolveSpec([{ column: 'region', transform: 'identity', name: 'region' }], everyType, [], 0);
    const fields = tupleFields(spec, SCHEMAS);
    expect(summarise([[null]], fields)).toEqual([
      { contains_null: true, contains_nan: false, lower_bound: null, upper_bound: null },
    ]);
  });

  test('a value of another type is a fault of the caller', () => {
    const { spec } = evolveSpec([{ column: 'sk', transform: 'identity', name: 'sk' }], everyType, [], 0);
    const fields = tupleFields(spec, SCHEMAS);
    expect(() => tupleOf(['5'], fields, 'f')).toThrowError(expect.objectContaining({ code: 'INTERNAL' }));
    expect(() => tupleOf([], fields, 'f')).toThrowError(expect.objectContaining({ code: 'INTERNAL' }));
  });

  test('names that Avro refuses are spelled as Iceberg does, and stay apart', () => {
    const fields: PartitionField[] = ['a b/ü.x', 'region', 'pk'].map((column, n) => ({
      column,
      transform: 'identity',
      name: ['9 é', '_9_x20_xE9', '😀'][n] ?? '',
    }));
    const { spec } = evolveSpec(fields, everyType, [], 0);
    expect(tupleFields(spec, SCHEMAS).map((each) => each.avroName)).toEqual([
      '_9_x20_xE9',
      '_9_x20_xE9_1001',
      '_x1F600',
    ]);
  });
});

test("the tests' own transforms give the spec's values", () => {
  const bucketOf = (kind: 'string' | 'long' | 'decimal', text: string): PartitionValue =>
    transformed({ column: 'c', name: 'c', transform: 'bucket', width: 2 ** 31 }, kind, text);
  expect(murmur3(Buffer.from('iceberg'))).toBe(1_210_000_089);
  expect(bucketOf('string', 'iceberg')).toBe(1_210_000_089);
  expect(bucketOf('long', '34')).toBe(2_017_239_379);
  expect(murmur3(Buffer.from([0x05, 0x8c]))).toBe(-500_754_589);
  const truncated = (kind: 'long' | 'decimal', width: number, text: string): PartitionValue =>
    transformed({ column: 'c', name: 'c', transform: 'truncate', width }, kind, text);
  expect([truncated('long', 10, '-1'), truncated('decimal', 50, '10.65')]).toEqual([-10n, '10.50']);
});
