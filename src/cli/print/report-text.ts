import type { SyncReport, UpkeepReport, Warning } from '../../model/report.ts';
import { chainText } from './chain-text.ts';
import { columnsText } from './columns-text.ts';
import { labelled } from './labelled.ts';
import { readNext, tableFolder } from './read-next.ts';
import { scanLines } from './scan-text.ts';
import type { Style } from './style.ts';
import { visible } from './text-width.ts';
import { formatCount, formatDuration, formatSize, plural } from './units.ts';

/** Warnings as lines; the same one, said often, once. */
export function warningLines(warnings: readonly Warning[], style: Style): string[] {
  const lines = new Set(
    warnings.map((warning) => `${style.warn('warning')} ${visible(warning.text)} ${style.dim(`(${warning.code})`)}`),
  );
  return [...lines];
}

/** What a run did, for people: what came of it, the counts, and where to look next. */
export function syncReportText(report: SyncReport, style: Style): string {
  const lines = [headline(report, style)];
  if (report.outcome === 'failed') {
    if (report.applied > 0)
      lines.push(labelled('rows', countsText(report)), ...scanLines(report), ...heldLines(report));
    lines.push(...rejectLines(report, style), ...otherWarnings(report, style));
    return `${lines.join('\n')}\n`;
  }
  if (report.outcome === 'committed') lines.push(labelled('rows', countsText(report)));
  if (report.filter !== undefined) lines.push(labelled('filter', visible(report.filter)));
  if (report.plan !== undefined) {
    const { items, files, bytes } = report.plan;
    lines.push(labelled('to read', `${plural(items, 'item')} in ${plural(files, 'file')}, ${formatSize(bytes)}`));
  }
  lines.push(...scanLines(report));
  if (report.outcome === 'planned' && report.chain !== undefined) lines.push(...chainText(report.chain, style));
  if (report.schema.length > 0) lines.push(labelled('columns', schemaText(report)));
  if (report.outcome === 'committed') lines.push(labelled('work', workText(report)));
  if (report.upkeep !== undefined && report.upkeep.rewritten.filesBefore > 0)
    lines.push(labelled('upkeep', upkeepText(report.upkeep)));
  lines.push(...heldLines(report));
  if (report.readPath !== undefined && report.outcome !== 'planned') {
    lines.push(labelled('table', report.format === 'iceberg' ? tableFolder(report.readPath) : report.readPath));
  }
  lines.push(...rejectLines(report, style), ...otherWarnings(report, style));
  if (report.outcome !== 'planned') {
    lines.push('', style.bold('Read it next'), ...readNext(report).map(([label, text]) => labelled(label, text)));
  }
  return `${lines.join('\n')}\n`;
}

function heldLines({ position, scan }: SyncReport): string[] {
  if (position === undefined || scan?.complete === false) return [];
  const { tableArn, watermark, loads, gaps } = position;
  const missing = gaps.length === 0 ? '' : `, but for ${plural(gaps.length, 'gap')}`;
  return [
    labelled(
      'holds',
      `${tableArn}, all changes before ${watermark} (${plural(loads, scan === undefined ? 'export' : 'load')})${missing}`,
    ),
  ];
}

function headline(report: SyncReport, style: Style): string {
  const target = visible(report.target);
  const snapshot =
    report.snapshot === undefined
      ? ''
      : ` ${style.dim(`(${report.format === 'parquet' ? 'generation' : 'snapshot'} ${report.snapshot})`)}`;
  switch (report.outcome) {
    case 'committed':
      return `${style.good('Committed')} to ${style.bold(target)}${snapshot} in ${formatDuration(report.timings.totalMs)}`;
    case 'unchanged':
      return `${style.good('Unchanged')}: ${style.bold(target)} ${heldText(report)}${snapshot}; nothing was read or written`;
    case 'planned':
      return `${style.good('Planned')}: nothing was written to ${style.bold(target)}`;
    case 'failed':
      if (report.applied > 0 && report.error?.code !== 'COMMIT_UNKNOWN')
        return `${style.bad('Stopped')}: ${plural(report.applied, report.scan === undefined ? 'export' : 'piece')} ${report.applied === 1 ? 'is' : 'are'} in ${style.bold(target)}${snapshot}, and it is as the last of them left it.`;
      return report.error?.code === 'COMMIT_UNKNOWN'
        ? `${style.bad('Failed')}: it is not known whether ${style.bold(target)} was changed. Run the same command again: it looks first.`
        : `${style.bad('Failed')}: ${style.bold(target)} is as it was.`;
  }
}

function heldText({ chain, scan, warnings }: SyncReport): string {
  if (warnings.some(({ code }) => code === 'window-late')) return 'can take up nothing of what is offered';
  if (scan !== undefined) return 'already holds this run';
  return chain === undefined ? 'already holds this export' : 'already holds all exports';
}

function countsText({ counts }: SyncReport): string {
  const sum = (['written', 'deleted', 'unchanged', 'filtered', 'rejected'] as const)
    .filter((name) => name === 'written' || counts[name] > 0)
    .map((name) => `${formatCount(counts[name])} ${name}`);
  const rescued = counts.rescued === 0 ? '' : `; ${formatCount(counts.rescued)} with values in _rescued`;
  return `${formatCount(counts.read)} read = ${sum.join(' + ')}${rescued}`;
}

function schemaText(report: SyncReport): string {
  const key = report.key.length === 0 ? 'key unknown' : `key ${report.key.map(visible).join(', ')}`;
  const { plan } = report;
  const guessed = plan === undefined || plan.seen >= plan.items ? '' : `; a guess from ${plural(plan.seen, 'item')}`;
  return `${columnsText(report.schema)}; ${key}${guessed}`;
}

function workText(report: SyncReport): string {
  const { bytes, files, timings } = report;
  const resumed = files.resumed === 0 ? '' : ` (${formatCount(files.resumed)} from the interrupted run)`;
  const rate = timings.totalMs > 0 ? `, ${formatSize((bytes.read * 1000) / timings.totalMs)}/s` : '';
  return (
    `${plural(files.read, 'file')} read, ${formatSize(bytes.read)}${rate}; ` +
    `${plural(files.written, 'file')} written${resumed}, ${formatSize(bytes.written)}; peak memory ${formatSize(report.peakMemoryBytes)}`
  );
}

function upkeepText({ rewritten: { filesBefore, filesAfter = 0, bytesAfter = 0 } }: UpkeepReport): string {
  return `${plural(filesBefore, 'data file')} became ${formatCount(filesAfter)} (${formatSize(bytesAfter)})`;
}

/** The rejects have a line of their own. */
function otherWarnings({ warnings, counts }: SyncReport, style: Style): string[] {
  const told = counts.rejected > 0;
  return warningLines(
    warnings.filter(({ code }) => !told || code !== 'items-rejected'),
    style,
  );
}

function rejectLines(report: SyncReport, style: Style): string[] {
  if (report.counts.rejected === 0) return [];
  const place = report.rejects === undefined ? '' : `: they lie, whole and with their reasons, in ${report.rejects}`;
  return [`${style.warn('rejected')} ${plural(report.counts.rejected, 'item')} could not be loaded${place}`];
}
