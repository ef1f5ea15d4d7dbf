import type { RunContext, SyncOptions } from '../model/options.ts';
import type { ExportInspection, InspectReport, TableInspection } from '../model/report.ts';
import type { TableState } from '../model/table.ts';
import { printPartition, printSort } from '../schema/partition.ts';
import { readPath } from '../table/parquet/table.ts';
import { findTable, type OpenTarget, openSource } from './open.ts';
import { reportColumns } from './reporter.ts';

/** What lies at a place: a table, or an export. Only metadata is read. */
export async function inspect(end: string, options: SyncOptions, context: RunContext): Promise<InspectReport> {
  const found = await findTable(end, options);
  if (found === undefined) return inspectExport(end, options, context);
  try {
    return await inspectTable(found);
  } finally {
    await found.target.storage.close();
  }
}

async function inspectTable({ target, state }: { target: OpenTarget; state: TableState }): Promise<TableInspection> {
  const files = await target.table.dataFiles();
  const { ledger } = state;
  return {
    kind: 'table',
    format: state.format,
    uri: state.location,
    rows: state.rows,
    schema: reportColumns(state.schema),
    key: state.schema.keys,
    readPath: state.format === 'parquet' ? readPath(state) : state.location,
    ...(state.snapshot === undefined ? {} : { snapshot: state.snapshot }),
    files: { count: files.length, bytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) },
    partition: state.partition.map(printPartition),
    sort: state.sort.map(printSort),
    options: state.options ?? {},
    ...(ledger === undefined
      ? {}
      : {
          ledger: {
            tableArn: ledger.tableArn,
            tableId: ledger.tableId,
            watermark: ledger.watermark,
            commitId: ledger.commitId,
            entries: ledger.entries,
          },
        }),
    warnings: ledger === undefined ? [{ code: 'no-ledger', text: 'tailrace did not write this table.' }] : [],
  };
}

async function inspectExport(end: string, options: SyncOptions, context: RunContext): Promise<ExportInspection> {
  const source = await openSource(end, options, context);
  try {
    const { uri, exportArn, exportTime, tableArn, tableId, tableName, format, itemCount, files, warnings } =
      source.export;
    return {
      kind: 'export',
      uri,
      exportArn,
      exportTime,
      tableArn,
      tableId,
      tableName,
      format,
      items: itemCount,
      warnings,
      files: {
        count: files.length,
        empty: files.filter((file) => file.itemCount === 0).length,
        bytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
      },
    };
  } finally {
    await source.storage.close();
  }
}
