import { TailraceError } from '../../../src/model/errors.ts';
import type { TableSchema } from '../../../src/model/schema.ts';
import type { DataFile, Ledger, PartitionField, StagedCommit, TableHandle } from '../../../src/model/table.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { Storage } from '../../../src/storage/port.ts';
import { openParquetTable } from '../../../src/table/parquet/table.ts';

export const schema: TableSchema = {
  columns: [
    { id: 1, name: 'pk', attr: 'pk', tag: 'S', type: { kind: 'string' } },
    { id: 2, name: 'n', attr: '__proto__', tag: 'N', type: { kind: 'long' } },
  ],
  derived: [],
  system: [
    { id: 3, name: '_rescued' },
    { id: 4, name: '_written_at' },
  ],
  keys: ['pk'],
  lastFieldId: 4,
};

export const partition: readonly PartitionField[] = [
  { column: 'n', transform: 'identity', name: 'n' },
  { column: 'pk', transform: 'bucket', width: 4, name: 'pk_bucket' },
];

function ledgerOf(commitId: string): Ledger {
  return {
    version: 1,
    tableArn: 'arn:aws:dynamodb:eu-west-1:000000000000:table/shop',
    tableId: 't-1',
    watermark: '2024-01-01T00:00:00Z',
    commitId,
    entries: [
      { kind: 'full-export', exportArn: `arn/${commitId}`, exportTime: '2024-01-01T00:00:00Z', items: 7, rejected: 0 },
    ],
  };
}

/** A commit of one small file, as a run would stage it. */
export function staged(table: TableHandle, commitId: string, operation: 'create' | 'replace' = 'create'): StagedCommit {
  const file: DataFile = {
    path: table.dataFilePath(commitId, partition, [9007199254740993n, 3], 'part-0.parquet'),
    rows: 7,
    sizeBytes: 99,
    partition: [9007199254740993n, 3],
    splitOffsets: [4],
    stats: { 1: { valueCount: 7, nullCount: 0, sizeBytes: 9, min: 'a', max: 'ü' } },
  };
  return {
    operation,
    schema,
    partition,
    sort: [],
    files: [file],
    ledger: ledgerOf(commitId),
    commitId,
    timestampMs: 1_704_067_200_000,
  };
}

export const MANIFEST = 'shop/_tailrace.json';

/** A table in memory, or on the given storage. */
export function open(storage: Storage = memoryStorage()) {
  return { storage, table: openParquetTable(storage, storage.uri('shop')) };
}

/** All keys below a prefix. */
export async function keysBelow(storage: Storage, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix)) keys.push(key);
  return keys;
}

/** The storage with some of its methods replaced. */
export function withFault(storage: Storage, fault: Partial<Storage>): Storage {
  return new Proxy(storage, {
    get(target, name) {
      const method: unknown = Reflect.get(fault, name) ?? Reflect.get(target, name);
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });
}

/** The code of the error that the work ends in. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof TailraceError ? error.code : String(error);
}
