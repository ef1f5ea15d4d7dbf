import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TailraceError } from '../../src/model/errors.ts';
import type { ColumnType, TableSchema } from '../../src/model/schema.ts';
import { folderField, parsePartition, parseSort, resolvePartition, resolveSort } from '../../src/schema/partition.ts';

function schemaOf(
  columns: Record<string, ColumnType | ColumnType['kind']>,
  attrs: Record<string, string> = {},
): TableSchema {
  return {
    columns: Object.entries(columns).map(([name, type], index) => ({
      id: index + 1,
      name,
      attr: attrs[name] ?? name,
      tag: 'S' as const,
      type: typeof type === 'string' ? ({ kind: type } as ColumnType) : type,
    })),
    derived: [],
    system: [{ id: 1000, name: '_rescued' }],
    keys: [],
    lastFieldId: 1000,
  };
}

function resolve(text: string, schema: TableSchema, format: 'iso' | 'epoch-s' | null = 'iso') {
  let id = schema.lastFieldId;
  return resolvePartition(
    parsePartition(text),
    schema,
    () => format ?? undefined,
    () => (id += 1),
  );
}

function failure(work: () => unknown): TailraceError {
  try {
    work();
  } catch (error) {
    if (error instanceof TailraceError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parsePartition', () => {
  test('reads all forms, quoted names, and any case of the transforms', () => {
    expect(parsePartition('day(created_at), bucket(16, pk), region')).toEqual([
      { transform: 'day', column: 'created_at' },
      { transform: 'bucket', width: 16, column: 'pk' },
      { transform: 'identity', column: 'region' },
    ]);
    expect(parsePartition(' DAY( a-b.c ) ,identity(x),truncate(4,`a``(b)`),"say ""hi"", you"')).toEqual([
      { transform: 'day', column: 'a-b.c' },
      { transform: 'identity', column: 'x' },
      { transform: 'truncate', width: 4, column: 'a`(b)' },
      { transform: 'identity', column: 'say "hi", you' },
    ]);
    expect(parsePartition('')).toEqual([]);
    expect(parsePartition('day, "year"')).toEqual([
      { transform: 'identity', column: 'day' },
      { transform: 'identity', column: 'year' },
    ]);
  });

  test('any name comes back from quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        expect(parsePartition(`hour("${name.replaceAll('"', '""')}")`)).toEqual([{ transform: 'hour', column: name }]);
      }),
    );
  });

  test.each([
    ['days(x)', 'character 1', 'identity, bucket, truncate, year, month, day, hour'],
    ['a, bucket(pk)', 'character 11', 'whole number'],
    ['bucket(0, pk)', 'character 8', 'whole number'],
    ['bucket(1.5, pk)', 'character 8', 'whole number'],
    ['day(x', 'character 6', '“)”'],
    ['a b', 'character 3', '“,”'],
    ['a,', 'character 3', 'a column or a transform'],
    ['day()', 'character 5', 'a column'],
  ])('%s is refused at its place', (text, place, expected) => {
    const error = failure(() => parsePartition(text));
    expect(error.code).toBe('USAGE');
    expect(error.place).toContain(place);
    expect(error.expected).toContain(expected);
    expect(error.hint).toMatch(
      /^Write (name, identity\(name\), bucket\(n, name\), truncate\(n, name\), year\(name\), month\(name\), day\(name\), hour\(name\)[.;]|(bucket|truncate)\(16, name\)\.$)/,
    );
  });

  test('an open quote is refused', () => {
    expect(failure(() => parsePartition('day("x)')).message).toContain('not closed');
  });
});

describe('parseSort', () => {
  test('directions and places of nulls', () => {
    expect(parseSort('a desc, b nulls first, c ASC NULLS LAST, "desc" desc nulls first')).toEqual([
      { column: 'a', descending: true, nullsFirst: false },
      { column: 'b', descending: false, nullsFirst: true },
      { column: 'c', descending: false, nullsFirst: false },
      { column: 'desc', descending: true, nullsFirst: true },
    ]);
    expect(failure(() => parseSort('a nulls')).place).toContain('character 8');
    expect(failure(() => parseSort('a down')).found).toBe('down');
  });

  test('resolves attribute names, refuses what has no order, and doubles', () => {
    const schema = schemaOf(
      { Id_1: 'string', l: { kind: 'list', element: { id: 9, tag: 'S', type: { kind: 'string' } } } },
      { Id_1: 'id' },
    );
    expect(resolveSort(parseSort('id desc'), schema)).toEqual([
      { column: 'Id_1', descending: true, nullsFirst: false },
    ]);
    expect(failure(() => resolveSort(parseSort('l'), schema)).found).toBe('list');
    expect(failure(() => resolveSort(parseSort('id, Id_1'), schema)).message).toContain('twice');
  });
});

describe('resolvePartition', () => {
  const schema = schemaOf({
    pk: 'string',
    at: 'string',
    n: 'long',
    ts: { kind: 'timestamp', format: 'iso' },
    d: 'double',
    ok: 'boolean',
    doc: 'ddb-json',
  });

  test('names fields and adds a derived column for times in text', () => {
    expect(resolve('day(at), bucket(16, pk), truncate(3, pk), pk, month(ts)', schema)).toEqual({
      fields: [
        { column: 'at_ts', transform: 'day', name: 'at_ts_day' },
        { column: 'pk', transform: 'bucket', width: 16, name: 'pk_bucket' },
        { column: 'pk', transform: 'truncate', width: 3, name: 'pk_trunc' },
        { column: 'pk', transform: 'identity', name: 'pk' },
        { column: 'ts', transform: 'month', name: 'ts_month' },
      ],
      derived: [{ id: 1001, name: 'at_ts', from: 'at', format: 'iso' }],
    });
  });

  test('a derived column is made once and found again', () => {
    const first = resolve('year(n)', schema, 'epoch-s');
    expect(resolve('hour(n)', { ...schema, derived: first.derived }, null).derived).toEqual(first.derived);
    expect(resolve('hour(n_ts)', { ...schema, derived: first.derived }, null).fields[0]?.column).toBe('n_ts');
  });

  test('attribute names come before column names', () => {
    const renamed = schemaOf({ ID: 'string', id_2: 'string' }, { id_2: 'id' });
    expect(resolve('id', renamed).fields[0]?.column).toBe('id_2');
    expect(resolve('ID', renamed).fields[0]?.column).toBe('ID');
    expect(failure(() => resolve('Id', renamed)).message).toContain('several columns');
    expect(resolve('PK', schema).fields[0]?.column).toBe('pk');
  });

  test('a name that is taken gives way', () => {
    const crowded = schemaOf({ pk: 'string', PK_bucket: 'string', pk_part: 'string', at: 'string', at_TS: 'string' });
    const { fields, derived } = resolve('bucket(4, pk), pk, day(at)', crowded);
    expect(fields.map((field) => field.name).slice(0, 2)).toEqual(['pk_bucket_4', 'pk_identity']);
    expect(derived[0]?.name).toMatch(/^at_ts_[0-9a-f]{8}$/);
    const folders = fields.map((field) => folderField(field).toLowerCase());
    expect(new Set([...folders, ...crowded.columns.map((c) => c.name.toLowerCase())]).size).toBe(folders.length + 5);
  });

  test.each([
    ['d', 'double'],
    ['bucket(4, ok)', 'boolean'],
    ['truncate(4, ts)', 'timestamp'],
    ['day(ok)', 'boolean'],
  ])('%s is refused: Iceberg has no such partition', (text, kind) => {
    const error = failure(() => resolve(text, schema));
    expect([error.code, error.found]).toEqual(['USAGE', kind]);
  });

  test('text that holds no known times is refused with the formats', () => {
    expect(failure(() => resolve('day(pk)', schema, null)).expected).toContain('iso-ms');
  });

  test('doubles and unknown names are refused', () => {
    expect(failure(() => resolve('pk, pk', schema)).message).toContain('twice');
    expect(failure(() => resolve('day(at), month(at)', schema)).hint).toContain('finest');
    expect(failure(() => resolve('nope', schema)).expected).toContain('pk, at');
    expect(resolve('doc', schema).fields).toHaveLength(1);
  });

  test('folders are never hidden by an underscore', () => {
    expect(folderField({ name: '_x', transform: 'identity' })).toBe('p_x_part');
    expect(folderField({ name: 'region', transform: 'identity' })).toBe('region_part');
    expect(folderField({ name: 'at_ts_day', transform: 'day' })).toBe('at_ts_day');
  });
});
