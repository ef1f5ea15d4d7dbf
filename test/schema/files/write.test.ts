import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Field, TableSchema } from '../../../src/model/schema.ts';
import { hiveType, writeHiveDdl } from '../../../src/schema/files/hive-ddl.ts';
import { readSchemaFile } from '../../../src/schema/files/read.ts';
import { typeText } from '../../../src/schema/files/type-text.ts';
import type { UserColumn } from '../../../src/schema/files/user-schema.ts';
import { writeFlat } from '../../../src/schema/files/write-flat.ts';
import { writeSchemaYaml } from '../../../src/schema/files/write-yaml.ts';
import { tableSchema } from './arbitrary.ts';

/** Only NULL was seen, at any depth: what is read back leaves the type open. */
function opened<T>(slot: T): T {
  return JSON.parse(
    JSON.stringify(slot, (_, value: unknown) => {
      const { tag, type, ...rest } = (value ?? {}) as { tag?: string; type?: { kind?: string } };
      return tag === 'NULL' && type?.kind === 'string' ? { ...rest, type: { kind: 'auto' } } : value;
    }),
  ) as T;
}

/** Without ids, and with the name that a column has when none is given. */
function bare(columns: readonly (Field | UserColumn)[]): unknown {
  return JSON.parse(
    JSON.stringify(columns, (key, value: unknown) => {
      if (key === 'id' || key === 'keyId') return undefined;
      if (typeof value === 'object' && value !== null && 'attr' in value) return { name: value.attr, ...value };
      return value;
    }),
  );
}

const S = { kind: 'string' } as const;
const shop: TableSchema = {
  columns: [
    { id: 1, name: 'pk', attr: 'pk', tag: 'S', type: S },
    { id: 2, name: 'at', attr: 'at', tag: 'S', type: { kind: 'timestamp', format: 'iso-ms' } },
    { id: 3, name: 'total', attr: 'total', tag: 'N', type: { kind: 'decimal', precision: 18, scale: 4 } },
    { id: 4, name: 'tags', attr: 'tags', tag: 'SS', type: { kind: 'list', element: { id: 5, tag: 'S', type: S } } },
    {
      id: 6,
      name: 'a_b',
      attr: "a'b",
      tag: 'M',
      type: {
        kind: 'struct',
        fields: [
          { id: 7, name: 'date', attr: 'date', tag: 'N', type: { kind: 'long' } },
          { id: 8, name: '_x', attr: '_x', tag: 'B', type: { kind: 'binary' } },
        ],
      },
    },
    {
      id: 9,
      name: 'm',
      attr: 'm',
      tag: 'M',
      type: { kind: 'map', keyId: 10, value: { id: 11, tag: 'BOOL', type: { kind: 'boolean' } } },
    },
    { id: 12, name: 'doc', attr: 'doc', tag: '*', type: { kind: 'ddb-json' } },
  ],
  derived: [{ id: 13, name: 'at_ts', from: 'at', format: 'iso-ms' }],
  system: [
    { id: 14, name: '_rescued' },
    { id: 15, name: '_written_at' },
  ],
  keys: ['pk'],
  lastFieldId: 15,
};

describe('YAML', () => {
  test('reads as a person would write it', () => {
    const text = writeSchemaYaml(shop, new Map([['total', 'all 12 values fit\nexample: 1.25']]));
    expect(text.slice(text.indexOf('version:'))).toBe(`version: 1
key: [pk]
columns:
  pk: string
  at: timestamp(iso-ms)
  # all 12 values fit
  # example: 1.25
  total: decimal(18,4)
  tags: {type: list<string>, tag: SS}
  a'b: {type: struct, name: a_b, fields: {date: long, _x: binary}}
  m: map<boolean>
  doc: ddb-json
derived: {at_ts: {from: at, format: iso-ms}}
`);
  });

  test('faults 80 and 82: property: what was written is read back, but for ids', () => {
    fc.assert(
      fc.property(tableSchema, fc.string({ unit: 'binary' }), (schema, comment) => {
        const text = writeSchemaYaml(schema, new Map(schema.columns.map((column) => [column.name, comment])));
        const read = readSchemaFile(text, 'x');
        expect(bare(read.columns)).toEqual(bare(opened(schema.columns)));
        expect(read.derived).toEqual(schema.derived.map(({ name, from, format }) => ({ name, from, format })));
        const keys = schema.columns.filter((column) => schema.keys.includes(column.name)).map((column) => column.attr);
        expect(read.key ?? []).toEqual(keys);
        expect(writeSchemaYaml(schema)).toBe(writeSchemaYaml({ ...schema, system: shop.system } as TableSchema));
      }),
      { numRuns: 300 },
    );
  });

  test('an attribute that was split comes back as several columns', () => {
    const columns: Field[] = [
      { id: 1, name: 'p_n', attr: 'p', tag: 'N', type: { kind: 'long' } },
      { id: 2, name: 'p_s', attr: 'p', tag: 'S', type: S },
    ];
    expect(bare(readSchemaFile(writeSchemaYaml({ columns, derived: [], keys: [] }), 'x').columns)).toEqual(
      bare(columns),
    );
  });

  test('other YAML parsers read the same names', () => {
    const names = ['null', '1', 'true', '~', 'a: b', '- c', '#d'];
    const columns = names.map((attr, index): Field => ({ id: index, name: `c${index}`, attr, tag: 'S', type: S }));
    const parsed = parse(writeSchemaYaml({ columns, derived: [], keys: [] })) as { columns: object };
    expect(Object.keys(parsed.columns).sort()).toEqual([...names].sort());
  });

  test('a schema without columns', () => {
    expect(readSchemaFile(writeSchemaYaml({ columns: [], derived: [], keys: [] }), 'x').columns).toEqual([]);
  });
});

describe('flat', () => {
  test('is document 2’s form, and is read back', () => {
    expect(writeFlat(shop)).toBe(
      '{\n  "pk": "S",\n  "at": "S",\n  "total": "N",\n  "tags": "SS",\n  "a\'b": "M",\n  "m": "M",\n  "doc": "*"\n}\n',
    );
    fc.assert(
      fc.property(tableSchema, (schema) => {
        const read = readSchemaFile(writeFlat(schema), 'x.json');
        expect(read.form).toBe('flat');
        expect(read.columns.map(({ attr, tag }) => [attr, tag])).toEqual(
          schema.columns.map(({ attr, tag }) => [attr, tag === 'NULL' ? undefined : tag]),
        );
      }),
    );
  });
});

describe('Hive DDL', () => {
  test('Athena’s types, quoted names, origins in comments', () => {
    expect(writeHiveDdl(shop, 'lake.shop', 's3://b/shop/g-1')).toBe(`CREATE EXTERNAL TABLE \`lake\`.\`shop\` (
  \`pk\` string,
  \`at\` timestamp,
  \`total\` decimal(18,4),
  \`tags\` array<string> COMMENT 'attribute tags, SS',
  \`a_b\` struct<\`date\`:bigint,\`_x\`:binary> COMMENT 'attribute a\\'b, M',
  \`m\` map<string,boolean>,
  \`doc\` string COMMENT 'attribute doc, *, ddb-json',
  \`at_ts\` timestamp COMMENT 'derived from at',
  \`_rescued\` string,
  \`_written_at\` timestamp
)
STORED AS PARQUET
LOCATION 's3://b/shop/g-1/';
`);
    expect(writeHiveDdl({ ...shop, columns: shop.columns.slice(0, 1), derived: [], system: [] }, 't')).toBe(
      'CREATE EXTERNAL TABLE `t` (\n  `pk` string\n)\nSTORED AS PARQUET;\n',
    );
  });

  test('numbers that no numeric column holds, doubles and nested lists', () => {
    expect(['number-text', 'json', 'double'].map((kind) => hiveType({ kind } as { kind: 'json' }))).toEqual([
      'string',
      'string',
      'double',
    ]);
    expect(
      hiveType({
        kind: 'list',
        element: { id: 1, tag: 'L', type: { kind: 'list', element: { id: 2, tag: 'N', type: { kind: 'long' } } } },
      }),
    ).toBe('array<array<bigint>>');
  });
});

test('types in one line, for people', () => {
  expect(shop.columns.map((column) => typeText(column.type, column.tag))).toEqual([
    'string',
    'timestamp(iso-ms)',
    'decimal(18,4)',
    'list<string> from SS',
    'struct<date: long, _x: binary>',
    'map<boolean>',
    'ddb-json',
  ]);
});
