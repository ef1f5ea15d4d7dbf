import type { SchemaChange, SchemaDiff, SchemaReport, SchemaReportColumn } from '../../model/report.ts';
import { columnsText } from './columns-text.ts';
import { warningLines } from './report-text.ts';
import type { Style } from './style.ts';
import { cutText, textWidth, visible } from './text-width.ts';
import { formatCount, plural } from './units.ts';

/** Columns with their types and origins, and beneath each the reason, the counts by type tag and an example. */
export function schemaText(report: SchemaReport, style: Style): string {
  const key = report.key.length === 0 ? 'key unknown' : `key ${report.key.map(visible).join(', ')}`;
  const names = report.columns.map((column) => visible(column.name));
  const width = Math.min(40, Math.max(0, ...names.map(textWidth)));
  const typeWidth = Math.min(40, Math.max(0, ...report.columns.map((column) => column.type.length)));
  const lines = [
    `${style.bold(visible(report.end))}: ${columnsText(report.columns)} from ${plural(report.items, 'item')}, ${key}`,
  ];
  for (const [index, column] of report.columns.entries()) {
    const name = cutText(names[index] ?? '', 60);
    lines.push(
      '',
      `${style.bold(name)}${pad(name, width)}  ${column.type.padEnd(typeWidth)}  ${style.dim(originText(column))}`.trimEnd(),
    );
    lines.push(`  ${visible(column.reason)}`);
    const seen = seenText(column);
    if (seen !== '') lines.push(style.dim(`  ${seen}`));
  }
  const warnings = warningLines(report.warnings, style);
  return `${[...lines, ...(warnings.length === 0 ? [] : ['', ...warnings])].join('\n')}\n`;
}

function originText(column: SchemaReportColumn): string {
  if (column.attribute === undefined) return 'added by tailrace';
  return `from ${cutText(visible(column.attribute), 60)}${column.tag === undefined ? '' : ` (${column.tag})`}`;
}

function seenText(column: SchemaReportColumn): string {
  const counts = Object.entries(column.counts)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([tag, count]) => `${formatCount(count)} ${tag}`);
  const example = column.example === undefined ? [] : [`e.g. ${cutText(visible(column.example), 70)}`];
  return [...(counts.length === 0 ? [] : [`seen ${counts.join(', ')}`]), ...example].join('; ');
}

/** What would have to change in the first schema to become the second. */
export function diffText(diff: SchemaDiff, style: Style): string {
  if (diff.changes.length === 0) return `${visible(diff.a)} and ${visible(diff.b)} have the same schema.\n`;
  const heading = `${style.bold(plural(diff.changes.length, 'difference'))} from ${visible(diff.a)} to ${visible(diff.b)}`;
  return `${[heading, ...diff.changes.map((change) => changeText(change, style))].join('\n')}\n`;
}

function changeText({ path, change, from, to }: SchemaChange, style: Style): string {
  if (change === 'key') return style.warn(`~ key: ${visible(from ?? 'none')} → ${visible(to ?? 'none')}`);
  const name = visible(path);
  if (change === 'added') return style.good(`+ ${name}${to === undefined ? '' : `  ${visible(to)}`}`);
  if (change === 'removed') return style.bad(`- ${name}${from === undefined ? '' : `  ${visible(from)}`}`);
  return style.warn(`~ ${name}  ${change}: ${visible(from ?? 'none')} → ${visible(to ?? 'none')}`);
}

function pad(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - textWidth(text)));
}
