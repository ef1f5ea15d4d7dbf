import { TailraceError } from '../model/errors.ts';
import type { RunContext, SyncOptions } from '../model/options.ts';
import type { ExportInspection, InspectReport, TableInspection } from '../model/report.ts';
import type { PartitionField, SortField } from '../model/table.ts';
import { readPath } from '../table/parquet/table.ts';
import { openSource, openTarget, type OpenTarget } from './open.ts';
import { reportColumns } from './reporter.ts';

/** What lies at a place: a table, or an export. Only metadata is read. */
export async function inspect(end: string, options: SyncOptions, context: RunContext): Promise<InspectReport> {
  const found = await asTable(end, options);
  return found ?? inspectExport(end, options, context);
}

/** The table at this place, or undefined when there is none. */
export async function asTable(end: string, options: SyncOptions): Promise<TableInspection | undefined> {
  if (/^export:/.test(end)) return undefined;
  const target = await openTarget(end, options).catch((thrown: unknown) => {
    if (thrown instanceof TailraceError && thrown.code === 'USAGE') return undefined;
    throw thrown;
  });
  if (target === undefined) return undefined;
  try {
    return await inspectTable(target);
  } finally {
    await target.storage.close();
  }
}

async function inspectTable(target: OpenTarget): Promise<TableInspection | undefined> {
  const state = await target.table.load();
  if (state === undefined) return undefined;
  const files = await target.table.dataFiles();
  const { ledger } = state;
  return {
    kind: 'table', format: state.format, uri: state.location, rows: state.rows, schema: reportColumns(state.schema), key: state.schema.keys,
    readPath: state.format === 'parquet' ? readPath(state) : state.location,
    ...(state.snapshot === undefined ? {} : { snapshot: state.snapshot }),
    files: { count: files.length, bytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) },
    partition: state.partition.map(partitionText), sort: state.sort.map(sortText),
    ...(ledger === undefined ? {} : {
      ledger: { tableArn: ledger.tableArn, tableId: ledger.tableId, watermark: ledger.watermark, commitId: ledger.commitId, entries: ledger.entries },
    }),
    warnings: ledger === undefined ? [{ code: 'no-ledger', text: 'tailrace did not write this table.' }] : [],
  };
}

function partitionText({ transform, width, column }: PartitionField): string {
  if (transform === 'identity') return column;
  return width === undefined ? `${transform}(${column})` : `${transform}(${width}, ${column})`;
}

function sortText({ column, descending, nullsFirst }: SortField): string {
  return `${column}${descending ? ' desc' : ''} nulls ${nullsFirst ? 'first' : 'last'}`;
}

async function inspectExport(end: string, options: SyncOptions, context: RunContext): Promise<ExportInspection> {
  const source = await openSource(end, options, context);
  try {
    const { uri, exportArn, exportTime, tableArn, tableId, tableName, format, itemCount, files, warnings } = source.export;
    return {
      kind: 'export', uri, exportArn, exportTime, tableArn, tableId, tableName, format, items: itemCount, warnings,
      files: {
        count: files.length, empty: files.filter((file) => file.itemCount === 0).length, bytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
      },
    };
  } finally {
    await source.storage.close();
  }
}
