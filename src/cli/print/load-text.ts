import type { LoadReport } from '../../model/load.ts';
import { labelled } from './labelled.ts';
import { warningLines } from './report-text.ts';
import type { Style } from './style.ts';
import { visible } from './text-width.ts';
import { formatCount, formatDuration, formatSize, plural, priceText } from './units.ts';

/** What a load did, for people. */
export function loadText(report: LoadReport, style: Style): string {
  const { table, columns, pages, example } = report;
  const lines = [headline(report, style), labelled('items', countsText(report))];
  if (table !== undefined) {
    const made = table.created && report.outcome !== 'planned' ? ', made by this load' : '';
    lines.push(labelled('table', visible(`${table.name}, key ${table.key.join(', ')}${made}`)));
  }
  if (report.format !== undefined) lines.push(labelled('input', inputText(report)));
  if (columns !== undefined) {
    const typed = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
    lines.push(labelled('columns', visible(typed.join(', '))));
  }
  lines.push(labelled('work', workText(report, pages)));
  if (report.cost !== undefined) lines.push(labelled('price', costText(report.cost)));
  if (example !== undefined) lines.push(labelled('first', visible(example.slice(0, 400))));
  if (report.rejects !== undefined) lines.push(labelled('rejects', report.rejects));
  lines.push(
    ...warningLines(
      report.warnings.filter(({ code }) => code !== 'items-rejected'),
      style,
    ),
  );
  return `${lines.join('\n')}\n`;
}

function headline(report: LoadReport, style: Style): string {
  const target = style.bold(visible(report.target));
  switch (report.outcome) {
    case 'loaded':
      return `${style.good('Loaded')} into ${target} in ${formatDuration(report.timings.totalMs)}`;
    case 'planned':
      return `${style.good('Planned')}: nothing was written to ${target}`;
    case 'failed':
      return `${style.bad('Stopped')}: what was written to ${target} stays; the same command goes on where it can`;
  }
}

function countsText({ counts }: LoadReport): string {
  const parts = (['written', 'replaced', 'rejected'] as const)
    .filter((name) => name === 'written' || counts[name] > 0)
    .map((name) => `${formatCount(counts[name])} ${name}`);
  const resumed = counts.resumed === 0 ? '' : `; ${formatCount(counts.resumed)} by the interrupted run`;
  return `${formatCount(counts.read)} read = ${parts.join(' + ')}${resumed}`;
}

function inputText({ format, bytes, pages }: LoadReport): string {
  const paged = pages === undefined ? '' : ` in ${plural(pages, 'page')}`;
  return `${format}, ${formatSize(bytes.read)}${paged}`;
}

function workText({ units, pace, paceWhy, requests }: LoadReport, pages: number | undefined): string {
  const why = paceWhy === undefined ? '' : ` (${paceWhy})`;
  const limit = pace === undefined ? '' : `, at most ${formatCount(Math.round(pace))} a second${why}`;
  const parts = [`${formatCount(Math.round(units))} write units${limit}`, plural(requests.sent, 'batch request')];
  if (requests.throttled > 0) parts.push(`${formatCount(requests.throttled)} throttled`);
  if (requests.retried > 0)
    parts.push(`${formatCount(requests.retried)} ${pages === undefined ? 'repeated' : 'requests repeated'}`);
  return parts.join('; ');
}

function costText({ price, currency = '', why }: NonNullable<LoadReport['cost']>): string {
  return price === undefined ? why.replace(/^price /, '') : `${priceText(price, currency)} (${why})`;
}
