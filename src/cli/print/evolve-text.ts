import type { ColumnEvolution, EvolveReport, ReportColumn } from '../../model/report.ts';
import { labelled } from './labelled.ts';
import { warningLines } from './report-text.ts';
import type { Style } from './style.ts';
import { visible } from './text-width.ts';
import { formatCount, formatDuration, formatSize, plural } from './units.ts';

/** What a change of columns did, or would do, for people. */
export function evolveText(report: EvolveReport, style: Style): string {
  const lines = [headline(report, style)];
  if (report.outcome !== 'failed') {
    for (const column of report.columns.filter(({ change }) => change !== 'kept'))
      lines.push(labelled('column', columnText(column)));
    const { moved, rescued, left } = report.values;
    if (moved > 0) lines.push(labelled('values', `${plural(moved, 'value')} out of _rescued`));
    if (rescued > 0) lines.push(labelled('values', `${plural(rescued, 'value')} into _rescued`));
    if (left > 0) lines.push(labelled('values', `${plural(left, 'value')} still in _rescued`));
    if (report.outcome !== 'unchanged') lines.push(labelled('files', filesText(report)));
  }
  lines.push(...warningLines(report.warnings, style));
  return `${lines.join('\n')}\n`;
}

function headline({ outcome, target, snapshot, format, timings }: EvolveReport, style: Style): string {
  const name = style.bold(visible(target));
  const kind = format === 'parquet' ? 'generation' : 'snapshot';
  const at = snapshot === undefined ? '' : ` ${style.dim(`(${kind} ${snapshot})`)}`;
  switch (outcome) {
    case 'committed':
      return `${style.good('Changed')} columns of ${name}${at} in ${formatDuration(timings.totalMs)}; no item has changed`;
    case 'unchanged':
      return `${style.good('Unchanged')}: ${name} is as you wish${at}`;
    case 'planned':
      return `${style.good('Planned')}: nothing was changed in ${name}; a run would do this`;
    case 'failed':
      return `${style.bad('Failed')}: no column of ${name} has changed.`;
  }
}

function columnText({ change, before, after }: ColumnEvolution): string {
  const text = ({ name, type }: ReportColumn): string => `${visible(name)} ${type}`;
  if (before === undefined) return `${after === undefined ? '' : text(after)} (new)`;
  if (after === undefined) return `${text(before)} (gone)`;
  if (change === 'renamed') return `${visible(before.name)} → ${visible(after.name)}`;
  const name = before.name === after.name ? '' : `${visible(after.name)} `;
  return `${text(before)} → ${name}${after.type}${change === 'grown' ? ' (in place)' : ''}`;
}

function filesText({ files, outcome }: EvolveReport): string {
  const { total, rewritten, bytes, written = 0, bytesWritten = 0 } = files;
  if (rewritten === 0) return `none of ${formatCount(total)} ${outcome === 'planned' ? 'to be ' : ''}written anew`;
  const some = `${formatCount(rewritten)} of ${plural(total, 'data file')} (${formatSize(bytes)})`;
  if (outcome === 'planned') return `${some} to be written anew`;
  return `${some} became ${formatCount(written)} (${formatSize(bytesWritten)})`;
}
