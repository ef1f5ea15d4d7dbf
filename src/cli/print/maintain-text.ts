import type { MaintainReport } from '../../model/maintain-report.ts';
import type { RewriteReport } from '../../model/report.ts';
import { labelled } from './labelled.ts';
import { warningLines } from './report-text.ts';
import type { Style } from './style.ts';
import { visible } from './text-width.ts';
import { formatCount, formatDuration, formatSize, plural } from './units.ts';

/** What upkeep did, or would do, for people. */
export function maintainText(report: MaintainReport, style: Style): string {
  const { rewritten, retired, expired, swept } = report;
  const lines = [headline(report, style)];
  if (report.outcome !== 'failed') {
    if (rewritten.filesBefore + rewritten.left > 0) lines.push(labelled('files', rewriteText(rewritten)));
    if (report.manifestsJoined) lines.push(labelled('manifests', 'joined'));
    if (retired.files > 0)
      lines.push(
        labelled('metadata', `${plural(retired.files, 'former file')} (${formatSize(retired.bytes)}) removed`),
      );
    if (expired !== undefined)
      lines.push(
        labelled(
          'expired',
          `${plural(expired.snapshots, 'snapshot')}, with ${plural(expired.files, 'file')}${refsText(expired.refs ?? [])}`,
        ),
      );
    if (swept !== undefined)
      lines.push(labelled('swept', `${plural(swept.files, 'file')} (${formatSize(swept.bytes)}) that nothing named`));
  }
  if (report.outcome === 'planned' && lines.length === 1) lines.push(labelled('nothing', 'it is in good shape'));
  lines.push(...warningLines(report.warnings, style));
  return `${lines.join('\n')}\n`;
}

function headline({ outcome, target, snapshot, format, timings }: MaintainReport, style: Style): string {
  const name = style.bold(visible(target));
  const kind = format === 'parquet' ? 'generation' : 'snapshot';
  const at = snapshot === undefined ? '' : ` ${style.dim(`(${kind} ${snapshot})`)}`;
  switch (outcome) {
    case 'committed':
      return `${style.good('Maintained')} ${name}${at} in ${formatDuration(timings.totalMs)}; no row has changed`;
    case 'unchanged':
      return `${style.good('Unchanged')}: ${name} is in good shape${at}`;
    case 'planned':
      return `${style.good('Planned')}: nothing was changed in ${name}; a run would do this`;
    case 'failed':
      return `${style.bad('Failed')}: no row of ${name} has changed.`;
  }
}

function refsText(refs: readonly string[]): string {
  return refs.length === 0 ? '' : `; ${refs.map(visible).join(', ')} outlived the age that its owner gave it`;
}

function rewriteText({ filesBefore, bytesBefore, filesAfter, bytesAfter, deletedRows, left }: RewriteReport): string {
  const rest = left === 0 ? '' : `; ${formatCount(left)} left: they do not fit the temporary budget`;
  const before = `${plural(filesBefore, 'data file')} (${formatSize(bytesBefore)})`;
  if (filesAfter === undefined || bytesAfter === undefined) return `${before} to be written anew${rest}`;
  const gone = deletedRows === undefined || deletedRows === 0 ? '' : `, without ${plural(deletedRows, 'deleted row')}`;
  return `${before} became ${formatCount(filesAfter)} (${formatSize(bytesAfter)})${gone}${rest}`;
}
