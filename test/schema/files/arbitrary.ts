import fc from 'fast-check';
import type { ColumnType, Field, OriginTag, TableSchema } from '../../../src/model/schema.ts';
import { allowedTags, TIMESTAMP_FORMATS } from '../../../src/schema/files/user-schema.ts';
import { assignNames, RESERVED_NAMES } from '../../../src/schema/names.ts';

/** Schemas as tailrace makes them, with attribute names that YAML takes for something else. */
const attr = fc.oneof(
  fc.constantFrom(
    'pk',
    'a',
    'A',
    '',
    'null',
    'true',
    '1',
    '01',
    '~',
    '<<',
    '__proto__',
    'constructor',
    'a.b',
    '- x',
    'x: y',
    '#',
    '"',
    "'",
    '[a]',
    '{b}',
    '*x',
    '&y',
    '!z',
    '%',
    '@',
    '`',
    '|',
    '>',
    '?',
    ',',
    'columns',
    'version',
    'type',
    'a\nb',
    ' ',
    'tab\t',
    '\u0000',
    '\u0085',
    '\u2028',
    '\ufeff',
    '😀',
    '\r\n',
    'k'.repeat(1500),
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
);

const leaf: fc.Arbitrary<ColumnType> = fc.oneof(
  fc
    .constantFrom('string', 'long', 'double', 'boolean', 'binary', 'number-text', 'json', 'ddb-json' as const)
    .map((kind): ColumnType => ({ kind })),
  fc
    .integer({ min: 1, max: 38 })
    .chain((precision) =>
      fc.integer({ min: 0, max: precision }).map((scale): ColumnType => ({ kind: 'decimal', precision, scale })),
    ),
  fc.constantFrom(...TIMESTAMP_FORMATS).map((format): ColumnType => ({ kind: 'timestamp', format })),
);

const { type } = fc.letrec<{ type: ColumnType; field: readonly Field[] }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small' },
    leaf,
    tie('type').chain((inner) =>
      tagOf(inner).map((tag): ColumnType => ({ kind: 'list', element: { id: 0, tag, type: inner } })),
    ),
    tie('type').chain((inner) =>
      tagOf(inner).map((tag): ColumnType => ({ kind: 'map', keyId: 0, value: { id: 0, tag, type: inner } })),
    ),
    tie('field').map((fields): ColumnType => ({ kind: 'struct', fields })),
  ),
  field: fieldsOf(tie('type') as fc.Arbitrary<ColumnType>, []),
}));

function tagOf(of: ColumnType): fc.Arbitrary<OriginTag> {
  return fc.constantFrom(...allowedTags(of));
}

function fieldsOf(types: fc.Arbitrary<ColumnType>, reserved: readonly string[]): fc.Arbitrary<readonly Field[]> {
  return fc.uniqueArray(attr, { minLength: 1, maxLength: 6 }).chain((attrs) => {
    const names = assignNames(attrs, new Map(), { reserved });
    return fc.tuple(
      ...attrs.map((name) =>
        types.chain((inner) =>
          tagOf(inner).map((tag): Field => ({ id: 0, name: names.get(name) ?? name, attr: name, tag, type: inner })),
        ),
      ),
    );
  });
}

/** Whole schemas, without ids; the first column that may be a key is one. */
export const tableSchema: fc.Arbitrary<TableSchema> = fieldsOf(type, RESERVED_NAMES).map((columns) => {
  const key = columns.find((column) => column.tag === 'S' || column.tag === 'N' || column.tag === 'B');
  const text = columns.find((column) => column.type.kind === 'string' && column.tag === 'S');
  return {
    columns,
    keys: key === undefined ? [] : [key.name],
    system: [],
    lastFieldId: 0,
    derived: text === undefined ? [] : [{ id: 0, name: 'zz_derived_ts', from: text.name, format: 'iso' as const }],
  };
});
