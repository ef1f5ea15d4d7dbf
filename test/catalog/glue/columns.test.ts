import { describe, expect, test } from 'vitest';
import { glueColumns, glueType } from '../../../src/catalog/glue/columns.ts';
import { metadataLocationOf, tableInput } from '../../../src/catalog/glue/input.ts';
import type { IcebergField, IcebergSchema, IcebergType, TableMetadata } from '../../../src/catalog/metadata/wire.ts';
import { stageMetadata } from '../../../src/table/iceberg/stage.ts';
import { stagedOf } from '../../table/iceberg/sample.ts';

const field = (
  id: number,
  name: string,
  type: IcebergType = 'string',
  more: Partial<IcebergField> = {},
): IcebergField => ({
  id,
  name,
  required: false,
  type,
  ...more,
});

const schemaOf = (id: number, ...fields: readonly IcebergField[]): IcebergSchema => ({
  type: 'struct',
  'schema-id': id,
  fields,
});

function metadataOf(...schemas: readonly IcebergSchema[]): TableMetadata {
  const made = stageMetadata(undefined, stagedOf('c-1'), 's3://b/t', undefined);
  return { ...made, schemas, 'current-schema-id': schemas.at(-1)?.['schema-id'] ?? 0 };
}

describe('the columns of an Iceberg table in Glue', () => {
  test('types are those of Hive and Athena, nested ones too', () => {
    const types: readonly (readonly [IcebergType, string])[] = [
      ['boolean', 'boolean'],
      ['int', 'int'],
      ['long', 'bigint'],
      ['float', 'float'],
      ['double', 'double'],
      ['date', 'date'],
      ['time', 'string'],
      ['timestamp', 'timestamp'],
      ['timestamptz', 'timestamp'],
      ['string', 'string'],
      ['uuid', 'string'],
      ['binary', 'binary'],
      ['fixed[16]', 'binary'],
      ['decimal(38, 9)', 'decimal(38,9)'],
    ];
    for (const [type, text] of types) expect(glueType(type)).toBe(text);
    const struct: IcebergType = { type: 'struct', fields: [field(2, 'city'), field(3, 'Lat', 'decimal(9, 6)')] };
    expect(glueType(struct)).toBe('struct<city:string,Lat:decimal(9,6)>');
    const list: IcebergType = { type: 'list', 'element-id': 4, element: struct, 'element-required': false };
    expect(glueType(list)).toBe('array<struct<city:string,Lat:decimal(9,6)>>');
    const map = { 'key-id': 5, key: 'string', 'value-id': 6, value: list, 'value-required': false } as const;
    expect(glueType({ type: 'map', ...map })).toBe('map<string,array<struct<city:string,Lat:decimal(9,6)>>>');
  });

  test('a column tells its field id, whether it may be null, and whether it is current', () => {
    const metadata = metadataOf(
      schemaOf(0, field(1, 'pk'), field(2, 'gone', 'long')),
      schemaOf(1, field(1, 'pk', 'string', { required: true }), field(3, 'n', 'int', { doc: 'how many' })),
    );
    const of = (id: number, optional: boolean, current: boolean) => ({
      'iceberg.field.id': String(id),
      'iceberg.field.optional': String(optional),
      'iceberg.field.current': String(current),
    });
    expect(glueColumns(metadata)).toEqual([
      { Name: 'pk', Type: 'string', Parameters: of(1, false, true) },
      { Name: 'n', Type: 'int', Comment: 'how many', Parameters: of(3, true, true) },
      { Name: 'gone', Type: 'bigint', Parameters: of(2, true, false) },
    ]);
  });

  test('comments and parameters of others stay, unless the table has a comment itself', () => {
    const metadata = metadataOf(schemaOf(0, field(1, 'a'), field(2, 'b', 'string', { doc: 'ours' })));
    const former = [
      { Name: 'a', Type: 'string', Comment: 'theirs', Parameters: { owner: 'them', 'iceberg.field.id': '9' } },
      { Name: 'b', Type: 'string', Comment: 'theirs' },
    ];
    expect(glueColumns(metadata, former)).toMatchObject([
      { Name: 'a', Comment: 'theirs', Parameters: { owner: 'them', 'iceberg.field.id': '1' } },
      { Name: 'b', Comment: 'ours' },
    ]);
  });

  test('what Glue cannot take is left out: no commit fails for it', () => {
    const deep: IcebergType = {
      type: 'struct',
      fields: Array.from({ length: 5_000 }, (_, n) => field(n + 10, `${'x'.repeat(30)}${n}`)),
    };
    const fields = [field(1, 'a'), field(2, 'A', 'long'), field(3, 'x'.repeat(256)), field(4, 'new\nline')];
    const doc = `two\nlines ${'y'.repeat(300)}`;
    const columns = glueColumns(
      metadataOf(schemaOf(0, ...fields, field(5, 'deep', deep), field(6, 'b', 'int', { doc }))),
    );
    expect(columns.map(({ Name }) => Name)).toEqual(['a', 'b']);
    expect(columns[1]?.Comment).toMatch(/^two lines y{245}$/);
  });
});

describe('the entry of an Iceberg table', () => {
  const metadata = metadataOf(schemaOf(0, field(1, 'pk')));

  test('is as Athena wants it', () => {
    expect(tableInput('orders', undefined, metadata, 's3://b/t/metadata/00000-x.metadata.json')).toEqual({
      Name: 'orders',
      TableType: 'EXTERNAL_TABLE',
      Parameters: { table_type: 'ICEBERG', metadata_location: 's3://b/t/metadata/00000-x.metadata.json' },
      StorageDescriptor: { Location: 's3://b/t', Columns: [expect.objectContaining({ Name: 'pk', Type: 'string' })] },
    });
  });

  test('keeps what others put there; copies of table properties follow the table', () => {
    const former = {
      Name: 'orders',
      DatabaseName: 'shop',
      VersionId: '7',
      CreatedBy: 'arn:aws:iam::1:user/x',
      Description: 'all orders',
      Owner: 'them',
      Retention: 3,
      TableType: 'EXTERNAL_TABLE',
      Parameters: { metadata_location: 's3://b/old.json', table_type: 'iceberg', team: 'shop', 'write.x': '1' },
      StorageDescriptor: { Location: 's3://b/other', Columns: [], Parameters: { hint: 'y' } },
    };
    const next = { ...metadata, properties: { 'write.x': '2', 'write.y': '3' } };
    const input = tableInput('orders', former, next, 's3://b/new.json');
    expect(input).toMatchObject({
      Description: 'all orders',
      Owner: 'them',
      Retention: 3,
      StorageDescriptor: { Location: 's3://b/t', Parameters: { hint: 'y' } },
    });
    expect(input.Parameters).toEqual({
      metadata_location: 's3://b/new.json',
      previous_metadata_location: 's3://b/old.json',
      table_type: 'ICEBERG',
      team: 'shop',
      'write.x': '2',
    });
    // Members that only Glue itself sets are no part of an update.
    expect(Object.keys(input)).not.toEqual(expect.arrayContaining(['CreatedBy', 'DatabaseName', 'VersionId']));
    const described = { ...metadata, properties: { comment: 'from the table' } };
    expect(tableInput('orders', former, described, 's3://b/new.json').Description).toBe('from the table');
  });

  test('of another kind is refused, and says what it is', () => {
    const place = 'lake.shop.orders';
    const at = { metadata_location: 's3://b/x.json' };
    expect(metadataLocationOf({ Name: 'o', Parameters: { ...at, table_type: 'ICEBERG' } }, place)).toBe(
      's3://b/x.json',
    );
    const kinds = [
      { table: { Name: 'o', Parameters: { classification: 'parquet' } }, found: 'parquet' },
      { table: { Name: 'o', Parameters: { 'spark.sql.sources.provider': 'delta' } }, found: 'delta' },
      { table: { Name: 'o', Parameters: at }, found: 'table_type=undefined' },
      { table: { Name: 'o', TableType: 'VIRTUAL_VIEW' }, found: 'view' },
      {
        table: { Name: 'o', TargetTable: { CatalogId: '1', DatabaseName: 'd', Name: 't' } },
        found: 'a resource link to 1.d.t',
      },
    ];
    for (const { table, found } of kinds)
      expect(() => metadataLocationOf(table, place)).toThrow(
        expect.objectContaining({ code: 'TARGET_BAD', place, found }),
      );
  });
});
