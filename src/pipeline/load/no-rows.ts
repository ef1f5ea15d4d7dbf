import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fieldIdsSql } from '../../engine/duckdb/field-ids.ts';
import type { Duck } from '../../engine/duckdb/instance.ts';
import { emptyRelation } from '../../engine/duckdb/read.ts';
import { str } from '../../engine/sql/quote.ts';
import type { RunContext } from '../../model/options.ts';
import type { TableSchema } from '../../model/schema.ts';
import type { DataFile, PartitionField, PartitionValue, TableHandle } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import type { Layout } from '../learn/learner.ts';
import type { Merged } from '../window/merge.ts';

interface NoRowsInput {
  readonly duck: Duck;
  readonly target: Storage;
  readonly table: TableHandle;
  readonly commitId: string;
  readonly runId: string;
  readonly workDir: string;
  readonly context: RunContext;
}

/** A file with the table's columns and no rows: a Parquet folder without any file is nothing that readers can open. */
export async function noRowsFile(
  { schema, partition }: Pick<Layout, 'schema' | 'partition'>,
  input: NoRowsInput,
): Promise<DataFile> {
  const { duck, target, table, commitId, runId, context } = input;
  const dir = join(input.workDir, 'no-rows');
  await mkdir(dir, { recursive: true });
  const local = join(dir, 'no-rows.parquet');
  const options = `FORMAT parquet, COMPRESSION zstd, FIELD_IDS ${fieldIdsSql(schema)}`;
  await duck.run(`COPY (${emptyRelation(schema)}) TO ${str(local)} (${options})`, context.signal);
  const values = partition.map((field) => anyValue(field, schema));
  const path = table.dataFilePath(commitId, partition, values, `${runId}-no-rows.parquet`);
  const { sizeBytes } = await target.adopt(target.key(path), local, { signal: context.signal });
  return { path, rows: 0, sizeBytes, partition: values, stats: {}, splitOffsets: [] };
}

/** A merge of a Parquet table that leaves it one file at least; beside others, a file without rows is of no use. */
export async function keepOneFile<M extends Pick<Merged, 'files' | 'removed' | 'own'>>(
  merged: M,
  live: readonly DataFile[],
  layout: Pick<Layout, 'schema' | 'partition'>,
  input: NoRowsInput,
): Promise<M> {
  const removed = new Set(merged.removed);
  const staying = live.filter(({ path }) => !removed.has(path));
  const empty = staying.filter(({ rows }) => rows === 0);
  if (merged.files.length + staying.length === empty.length) {
    if (empty.length > 0) return merged;
    const file = await noRowsFile(layout, input);
    return { ...merged, files: [file], own: [...merged.own, file.path] };
  }
  return { ...merged, removed: [...merged.removed, ...empty.map(({ path }) => path)] };
}

/** Some value: PyArrow cannot tell the type of a folder's column where null is all that folders name. */
function anyValue({ column, transform }: PartitionField, { columns, derived }: TableSchema): PartitionValue {
  if (transform !== 'identity' && transform !== 'truncate') return 0;
  if (derived.some(({ name }) => name === column)) return 0n;
  switch (columns.find(({ name }) => name === column)?.type.kind) {
    case 'long':
    case 'timestamp':
      return 0n;
    case 'decimal':
      return '0';
    case 'boolean':
      return false;
    case 'binary':
      return '00';
    default:
      return 'none';
  }
}
