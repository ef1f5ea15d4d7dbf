/** Sample values of the model: a schema with every type, a ledger, a staged commit. */
import type { ColumnType, Field, OriginTag, TableSchema } from '../../../src/model/schema.ts';
import type { DataFile, Ledger, StagedCommit } from '../../../src/model/table.ts';

export const field = (id: number, name: string, tag: OriginTag, type: ColumnType, attr = name): Field => ({
  id,
  name,
  attr,
  tag,
  type,
});

export const string: ColumnType = { kind: 'string' };
export const long: ColumnType = { kind: 'long' };
export const decimal = (precision: number, scale: number): ColumnType => ({ kind: 'decimal', precision, scale });

/** A schema with every kind of column. */
export const everyType: TableSchema = {
  columns: [
    field(1, 'pk', 'S', string),
    field(2, 'sk', 'N', long),
    field(3, 'address', 'M', {
      kind: 'struct',
      fields: [
        field(4, 'city', 'S', string),
        field(5, 'geo', 'M', {
          kind: 'struct',
          fields: [field(6, 'lat', 'N', decimal(18, 6)), field(7, 'Lat_9f86d081', 'S', string, 'Lat')],
        }),
      ],
    }),
    field(8, 'amount', 'N', decimal(18, 2)),
    field(9, 'big', 'N', decimal(38, 9)),
    field(10, 'bin', 'B', { kind: 'binary' }),
    field(11, 'created', 'S', string),
    field(12, 'flag', 'BOOL', { kind: 'boolean' }),
    field(13, 'lines', 'L', {
      kind: 'list',
      element: {
        id: 14,
        tag: 'M',
        type: { kind: 'struct', fields: [field(15, 'sku', 'S', string), field(16, 'qty', 'N', long)] },
      },
    }),
    field(17, 'meta', '*', { kind: 'json' }),
    field(18, 'prices', 'M', { kind: 'map', keyId: 19, value: { id: 20, tag: 'N', type: decimal(18, 4) } }),
    field(21, 'ratio', 'N', { kind: 'double' }),
    field(22, 'region', 'S', string),
    field(23, 'tags', 'SS', { kind: 'list', element: { id: 24, tag: 'S', type: string } }),
    field(25, 'wide', 'N', { kind: 'number-text' }),
    field(26, 'seen', 'N', { kind: 'timestamp', format: 'epoch-ms' }),
    field(27, 'a b/ü.x', 'S', string),
  ],
  derived: [{ id: 28, name: 'created_ts', from: 'created', format: 'iso' }],
  system: [
    { id: 29, name: '_rescued' },
    { id: 30, name: '_written_at' },
  ],
  keys: ['pk', 'sk'],
  lastFieldId: 30,
};

export function ledgerOf(commitId: string): Ledger {
  return {
    version: 1,
    tableArn: 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders',
    tableId: '6f1f0d9e-0000-4000-8000-000000000001',
    entries: [
      {
        kind: 'full-export',
        exportArn: 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders/export/01700000000000-abcd1234',
        exportTime: '2024-01-05T10:00:00Z',
        items: 3,
        rejected: 0,
      },
    ],
    watermark: '2024-01-05T10:00:00Z',
    commitId,
  };
}

export function stagedOf(commitId: string, change: Partial<StagedCommit> = {}): StagedCommit {
  return {
    operation: 'create',
    schema: everyType,
    partition: [],
    sort: [],
    files: [],
    ledger: ledgerOf(commitId),
    commitId,
    timestampMs: 1_704_448_800_000,
    ...change,
  };
}

export function fileOf(path: string, change: Partial<DataFile> = {}): DataFile {
  return { path, rows: 3, sizeBytes: 1000, partition: [], stats: {}, splitOffsets: [4], ...change };
}
