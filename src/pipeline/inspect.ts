import { TailraceError } from '../model/errors.ts';
import { staleRows } from '../model/ledger.ts';
import type { RunContext, SyncOptions } from '../model/options.ts';
import type { ChainInspection, ExportInspection, InspectReport, TableInspection, Warning } from '../model/report.ts';
import type { TableState } from '../model/table.ts';
import { printPartition, printSort } from '../schema/partition.ts';
import { findExports } from '../source/export/discover.ts';
import { openExport } from '../source/export/open.ts';
import type { Export } from '../source/port.ts';
import { openStorage } from '../storage/locate.ts';
import { readPath } from '../table/parquet/table.ts';
import { planChain } from './chain/chain.ts';
import { tablesOf } from './chain/tables.ts';
import { isDynamo, parseExport, parseSource } from './ends/ends.ts';
import { listCatalog } from './ends/listing.ts';
import { findTable, type OpenTarget } from './ends/open.ts';
import { readersBehind } from './load/publish.ts';
import { chainReport } from './report/chain-report.ts';
import { reportColumns } from './report/columns.ts';
import { inspectDynamo } from './scan/inspect.ts';

/** What lies at a place: a table, an export, a chain of exports, a DynamoDB table; or what a catalog holds. Only metadata is read. */
export async function inspect(end: string, options: SyncOptions, context: RunContext): Promise<InspectReport> {
  const source = isDynamo(end) ? parseSource(end) : undefined;
  if (source?.kind === 'dynamodb') return inspectDynamo(source, options, context);
  const found = await findTable(end, options).catch(async (thrown: unknown) => {
    // A name that is no table may be a namespace, or a catalog.
    const listed = isNoTable(thrown) ? await listCatalog(end, options, context) : undefined;
    if (listed === undefined) throw thrown;
    return listed;
  });
  if (found !== undefined && 'kind' in found) return found;
  if (found === undefined) return inspectSource(end, options, context).catch(otherTable);
  try {
    return await inspectTable(found);
  } finally {
    await found.target.close();
  }
}

function isNoTable(thrown: unknown): boolean {
  return thrown instanceof TailraceError && (thrown.code === 'TARGET_NOT_FOUND' || thrown.code === 'USAGE');
}

/** What looks like a table from outside, and is none that its path leads to. */
function otherTable(thrown: unknown): never {
  if (!(thrown instanceof TailraceError) || thrown.code !== 'SOURCE_NOT_FOUND' || thrown.found !== 'a table')
    throw thrown;
  throw new TailraceError('TARGET_BAD', 'A table lies there, and none that can be read by its path.', {
    expected: 'a table in a folder of its own, or an export',
    ...(thrown.place === undefined ? {} : { place: thrown.place }),
    hint: 'Name a table of a catalog by it: iceberg:<catalog>.<namespace>.<table>.',
    cause: thrown,
  });
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
            mode: ledger.mode ?? 'mirror',
            stale: staleRows(ledger),
            ...(ledger.covered === undefined ? {} : { covered: ledger.covered }),
            ...(ledger.gaps === undefined ? {} : { gaps: ledger.gaps }),
          },
        }),
    warnings: [
      ...(ledger === undefined ? [{ code: 'no-ledger', text: 'tailrace did not write this table.' }] : []),
      ...(state.published === undefined
        ? []
        : [{ code: 'readers-behind', text: readersBehind('a run was stopped; the next one sends them on') }]),
    ],
  };
}

/** One export is told whole; of several, how they link. */
async function inspectSource(
  end: string,
  options: SyncOptions,
  context: RunContext,
): Promise<ExportInspection | ChainInspection> {
  const { location } = parseExport(end);
  const storage = await openStorage(location, { aws: options.sourceAws });
  try {
    const { exports, warnings } = await findExports(storage, location.key);
    context.log('info', 'found exports', { uri: location.uri, exports: exports.length });
    const [only] = exports;
    if (only !== undefined && exports.length === 1) {
      const opened = await openExport(storage, only.folder, { trustManifest: options.trustManifest });
      return inspectExport(opened, warnings);
    }
    const plans = tablesOf(exports).map((table) => planChain(table, undefined, { replace: false, acceptGap: false }));
    return {
      kind: 'chain',
      uri: location.uri,
      chains: plans.map(chainReport),
      warnings: [...warnings, ...plans.flatMap((plan) => plan.warnings)],
    };
  } finally {
    await storage.close();
  }
}

function inspectExport(opened: Export, found: readonly Warning[]): ExportInspection {
  const { uri, exportArn, tableArn, tableId, tableName, format, itemCount, files, warnings } = opened;
  return {
    kind: 'export',
    uri,
    exportArn,
    ...(opened.kind === 'full'
      ? { exportTime: opened.exportTime }
      : { from: opened.from, to: opened.to, view: opened.view }),
    tableArn,
    tableId,
    tableName,
    format,
    items: itemCount,
    files: {
      count: files.length,
      empty: files.filter((file) => file.itemCount === 0).length,
      bytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    },
    warnings: [...found, ...warnings],
  };
}
