import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMetadata, printMetadata } from '../../../src/catalog/metadata/json.ts';
import type {
  ColumnType,
  DerivedColumn,
  Field,
  OriginTag,
  Slot,
  SystemColumn,
  TableSchema,
  TimestampFormat,
} from '../../../src/model/schema.ts';
import { TAGS } from '../../../src/model/schema.ts';
import { mappingProperties } from '../../../src/table/iceberg/mapping.ts';
import { currentSchema } from '../../../src/table/iceberg/metadata.ts';
import { icebergSchema } from '../../../src/table/iceberg/schema.ts';
import { stageMetadata } from '../../../src/table/iceberg/stage.ts';
import { tableSchema } from '../../../src/table/iceberg/table-schema.ts';
import { everyType, field, stagedOf, string } from './sample.ts';

type Bare = (next: () => number) => ColumnType;
const format = fc.constantFrom<TimestampFormat>('iso', 'iso-ms', 'iso-us', 'epoch-s', 'epoch-ms', 'epoch-us');
const tag = fc.constantFrom<OriginTag>(...TAGS, '*');
const name = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  fc.constantFrom('__proto__', 'constructor', 'Item', '"', '0'),
);

const leaf: fc.Arbitrary<ColumnType> = fc.oneof(
  fc.constantFrom<ColumnType>(
    ...(['string', 'long', 'double', 'boolean', 'binary', 'number-text', 'json', 'ddb-json'] as const).map((kind) => ({
      kind,
    })),
  ),
  fc
    .tuple(fc.integer({ min: 1, max: 38 }), fc.nat(1000))
    .map(([precision, n]): ColumnType => ({ kind: 'decimal', precision, scale: n % (precision + 1) })),
  format.map((value): ColumnType => ({ kind: 'timestamp', format: value })),
);
const { type } = fc.letrec<{ type: Bare }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf.map(
      (value): Bare =>
        () =>
          value,
    ),
    fc.tuple(tag, tie('type')).map(
      ([own, element]): Bare =>
        (next) => ({ kind: 'list', element: slot(own, element, next) }),
    ),
    fc.tuple(tag, tie('type')).map(
      ([own, value]): Bare =>
        (next) => ({ kind: 'map', keyId: next(), value: slot(own, value, next) }),
    ),
    fc
      .uniqueArray(fc.tuple(name, name, tag, tie('type')), { selector: ([own]) => own, minLength: 1, maxLength: 4 })
      .map(
        (fields): Bare =>
          (next) => ({ kind: 'struct', fields: fields.map((each) => named(each, next)) }),
      ),
  ),
}));

function slot(own: OriginTag, element: Bare, next: () => number): Slot {
  return { id: next(), tag: own, type: element(next) };
}

function named([own, attr, origin, bare]: readonly [string, string, OriginTag, Bare], next: () => number): Field {
  return { id: next(), name: own, attr, tag: origin, type: bare(next) };
}

const schema: fc.Arbitrary<TableSchema> = fc
  .tuple(
    fc.uniqueArray(fc.tuple(name, name, tag, type), { selector: ([own]) => own, minLength: 1, maxLength: 12 }),
    format,
    fc.nat(2),
    fc.boolean(),
    fc.nat(5),
    fc.infiniteStream(fc.integer({ min: 1, max: 3 })),
  )
  .map(([columns, timeFormat, keyCount, withSystem, spare, steps]) => {
    let last = 0;
    const next = (): number => (last += steps.next().value ?? 1);
    const fields = columns.map((each) => named(each, next));
    const first = fields[0]?.name ?? '';
    const derived: DerivedColumn[] = [{ id: next(), name: `${first}_ts of it`, from: first, format: timeFormat }];
    const system: SystemColumn[] = withSystem
      ? [
          { id: next(), name: '_rescued' },
          { id: next(), name: '_written_at' },
        ]
      : [];
    const keys = fields
      .filter(({ type: own }) => !['list', 'map', 'struct'].includes(own.kind))
      .slice(0, keyCount)
      .map((column) => column.name)
      .reverse();
    return { columns: fields, derived, system, keys, lastFieldId: last + spare };
  });

function roundTrip(value: TableSchema): TableSchema {
  const text = printMetadata(stageMetadata(undefined, stagedOf('c', { schema: value }), '/t', undefined));
  const metadata = parseMetadata(text, 'test');
  return tableSchema(currentSchema(metadata, 'test'), metadata.properties ?? {}, metadata['last-column-id'], 'test');
}

describe('the mapping', () => {
  test('any schema comes back from its metadata', () => {
    fc.assert(
      fc.property(schema, (value) => {
        expect(roundTrip(value)).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  test('holds only what is not the default', () => {
    expect(roundTrip(everyType)).toEqual(everyType);
    expect(JSON.parse(mappingProperties(everyType)['tailrace.mapping'] ?? '')).toEqual({
      version: 1,
      keys: [1, 2],
      fields: { 7: { a: 'Lat' }, 17: { k: 'json' }, 23: { t: 'SS' }, 25: { k: 'number-text' }, 26: { f: 'epoch-ms' } },
      derived: { 28: [11, 'iso'] },
    });
  });

  test('is split where a catalog would cut it, and never within a character', () => {
    const columns = Array.from({ length: 600 }, (_, n) =>
      field(n + 1, `c${n}`, 'S', string, `😀${'x'.repeat(n % 5)}${n}`),
    );
    const long: TableSchema = { columns, derived: [], system: [], keys: [], lastFieldId: 600 };
    const parts = Object.entries(mappingProperties(long));
    expect(parts.length).toBeGreaterThan(3);
    for (const [key, part] of parts) {
      expect(key).toMatch(/^tailrace\.mapping\.\d+$/);
      expect(part.length).toBeLessThanOrEqual(3800);
      expect(Buffer.from(part, 'utf8').toString('utf8')).toBe(part);
    }
    expect(roundTrip(long)).toEqual(long);
  });

  test('of another version, or edited, is refused', () => {
    const wire = icebergSchema(everyType, 0);
    for (const text of ['{"version":2}', '{', '{"version":1,"keys":[],"fields":{"1":{"t":"X"}},"derived":{}}']) {
      expect(() => tableSchema(wire, { 'tailrace.mapping': text }, 30, 'v1')).toThrowError(
        expect.objectContaining({ code: 'TARGET_BAD' }),
      );
    }
  });

  test('of a foreign table is the default one', () => {
    const loaded = tableSchema(icebergSchema(everyType, 0), {}, 30, 'v1');
    expect(loaded.keys).toEqual(['pk', 'sk']);
    expect(loaded.columns.find((column) => column.name === 'wide')).toEqual(field(25, 'wide', 'S', string));
  });
});

describe('identifier fields', () => {
  test('are the required keys, and none where a key is a double', () => {
    const wire = icebergSchema(everyType, 0);
    expect(wire['identifier-field-ids']).toEqual([1, 2]);
    expect(wire.fields.filter((each) => each.required).map((each) => each.name)).toEqual(['pk', 'sk']);
    const columns = everyType.columns.map((column) =>
      column.name === 'sk' ? { ...column, type: { kind: 'double' as const } } : column,
    );
    expect(icebergSchema({ ...everyType, columns }, 0)['identifier-field-ids']).toEqual([]);
  });
});

test('fault 80: a dotted name that meets a nested one is refused, because no reader would open the table', () => {
  const nested: readonly (readonly [string, ColumnType])[] = [
    ['a.b', { kind: 'struct', fields: [field(2, 'b', 'S', string)] }],
    ['a.element', { kind: 'list', element: { id: 2, tag: 'S', type: string } }],
    ['a.value', { kind: 'map', keyId: 4, value: { id: 2, tag: 'S', type: string } }],
  ];
  for (const [dotted, outer] of nested) {
    const schemaOf = (other: string): TableSchema => ({
      columns: [field(1, 'a', 'M', outer), field(3, other, 'S', string)],
      derived: [],
      system: [],
      keys: [],
      lastFieldId: 4,
    });
    const stage = (other: string) => () =>
      stageMetadata(undefined, stagedOf('c', { schema: schemaOf(other) }), '/t', undefined);
    expect(stage(dotted)).toThrowError(expect.objectContaining({ found: dotted }));
    expect(stage('a.c')).not.toThrow();
  }
});
