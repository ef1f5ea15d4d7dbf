import type { CatalogInspection, ExportInspection, InspectReport, TableInspection } from '../../model/report.ts';
import type { DynamoInspection } from '../../model/scan-report.ts';
import { chainText } from './chain-text.ts';
import { columnsText } from './columns-text.ts';
import { labelled } from './labelled.ts';
import { ledgerText } from './ledger-text.ts';
import { warningLines } from './report-text.ts';
import { costText } from './scan-text.ts';
import type { Style } from './style.ts';
import { visible } from './text-width.ts';
import { formatCount, formatSize, plural } from './units.ts';

/** What lies at an end, for people. */
export function inspectText(report: InspectReport, style: Style): string {
  const lines = linesOf(report, style);
  return `${[...lines, ...warningLines(report.warnings, style)].join('\n')}\n`;
}

function linesOf(report: InspectReport, style: Style): string[] {
  if (report.kind === 'export') return exportLines(report, style);
  if (report.kind === 'table') return tableLines(report, style);
  if (report.kind === 'dynamodb') return dynamoLines(report, style);
  if (report.kind === 'catalog') return catalogLines(report, style);
  const count = report.chains.reduce((sum, chain) => sum + chain.exports.length, 0);
  return [
    `${style.bold(visible(report.uri))}: ${plural(count, 'export')} of ${plural(report.chains.length, 'table')}`,
    ...report.chains.flatMap((chain) => ['', ...chainText(chain, style)]),
  ];
}

function catalogLines(report: CatalogInspection, style: Style): string[] {
  const { tables, namespaces, catalog } = report;
  const title = `${style.bold(visible(catalog))}: ${report.type} catalog, ${plural(namespaces.length, 'namespace')}, ${plural(tables.length, 'table')}`;
  const shown = ({ namespace, name, format }: CatalogInspection['tables'][number]): string =>
    `  ${visible(`${format}:${catalog}.${namespace}.${name}`)}`;
  const empty = namespaces.filter((namespace) => !tables.some((table) => table.namespace === namespace));
  return [title, ...tables.map(shown), ...empty.map((namespace) => `  ${visible(namespace)} (no tables)`)];
}

function exportLines(report: ExportInspection, style: Style): string[] {
  const { files } = report;
  const empty = files.empty === 0 ? '' : ` (${formatCount(files.empty)} empty)`;
  return [
    `${style.bold(visible(report.uri))}: ${report.exportTime === undefined ? 'an incremental' : 'a full'} export of table ${style.bold(visible(report.tableName))}`,
    report.exportTime === undefined
      ? labelled('window', `${report.from ?? ''} … ${report.to ?? ''}, ${report.view ?? ''}`)
      : labelled('time', report.exportTime),
    labelled('items', formatCount(report.items)),
    labelled('files', `${formatCount(files.count)}${empty}, ${formatSize(files.bytes)}, ${report.format}`),
    labelled('table', visible(report.tableArn)),
    labelled('table id', report.tableId),
    labelled('export', visible(report.exportArn)),
  ];
}

function dynamoLines(report: DynamoInspection, style: Style): string[] {
  const { items, bytes, status, billing, key, rate } = report;
  const shown = key.map(({ attribute, type }) => visible(`${attribute} ${type}`)).join(', ');
  const numbers = (of: DynamoInspection['reads']): string =>
    Object.entries(of)
      .map(([name, units]) => `${formatCount(units)} ${name}`)
      .join(', ') || 'no number';
  const pace = rate.unitsPerSecond === null ? 'as many as it gives' : `${formatCount(rate.unitsPerSecond)}/s`;
  return [
    `${style.bold(visible(report.uri))}: a DynamoDB table, ${status.toLowerCase()}`,
    labelled('items', `${formatCount(items)}, ${formatSize(bytes)}, as DynamoDB said in the last hours`),
    labelled('key', shown),
    labelled('billing', billing),
    labelled('reads', `${numbers(report.reads)} (units a second)`),
    labelled('writes', `${numbers(report.writes)} (units a second)`),
    labelled('a scan', `${costText(report.expected)}`),
    labelled('pace', `${pace} (${rate.why})`),
    labelled('table', visible(report.tableArn)),
    labelled('table id', report.tableId),
  ];
}

function tableLines(report: TableInspection, style: Style): string[] {
  const list = (names: readonly string[], none: string): string =>
    names.length === 0 ? none : names.map(visible).join(', ');
  const what = report.format === 'iceberg' ? 'an Iceberg table' : 'a Parquet table';
  return [
    `${style.bold(visible(report.uri))}: ${what}`,
    labelled('rows', formatCount(report.rows)),
    labelled('files', `${formatCount(report.files.count)}, ${formatSize(report.files.bytes)}`),
    labelled(report.format === 'iceberg' ? 'snapshot' : 'load', report.snapshot ?? 'none'),
    labelled('read at', visible(report.readPath)),
    labelled('columns', columnsText(report.schema)),
    labelled('key', list(report.key, 'unknown')),
    labelled('partition', list(report.partition, 'none')),
    labelled('sort', list(report.sort, 'none')),
    ...optionLines(report),
    ...ledgerText(report, style),
  ];
}

/** What later loads keep, unless it is given anew. */
function optionLines({ options }: TableInspection): string[] {
  const given = Object.entries(options).map(([name, value]) => {
    const text = Array.isArray(value) ? value.join(', ') : String(value);
    return visible(name === 'schema' ? 'a schema file' : `${name}: ${text}`);
  });
  return given.length === 0 ? [] : [labelled('options', given.join('; '))];
}
