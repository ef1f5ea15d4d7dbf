import type { SyncReport } from '../../model/report.ts';
import { labelled } from './labelled.ts';
import { visible } from './text-width.ts';
import { formatCount, formatDuration, formatSize, plural, priceText } from './units.ts';

/** What a scan of the table itself did, or would do: over which time, at which pace, and whether it is complete. */
export function scanLines({ scan, outcome }: SyncReport): string[] {
  if (scan === undefined || outcome === 'unchanged') return [];
  const { from, to, complete, segments, segmentsDone, rate, readUnits, throttled, repeated, runId } = scan;
  const pace = rate.unitsPerSecond === null ? 'as many as it gives' : `at most ${formatCount(rate.unitsPerSecond)}/s`;
  const reads = scan.consistent ? 'consistent' : 'eventually consistent';
  if (outcome === 'planned') {
    const size = `${plural(scan.itemsInTable, 'item')}, ${formatSize(scan.bytesInTable)}, as DynamoDB said in the last hours`;
    const goesOn = `run ${visible(runId)}, begun at ${from}: ${segmentsDone} of ${segments} segments are done`;
    return [
      ...(scan.resumed ? [labelled('goes on', goesOn)] : []),
      labelled('to read', size),
      labelled('pace', `${pace} read units (${rate.why}); ${reads}, ${plural(segments, 'segment')}`),
      labelled('takes', `${scan.resumed ? 'all in all ' : ''}${costText(scan.expected)}`),
      ...(scan.since === undefined ? [] : [labelled('since', sinceText(scan.since))]),
    ];
  }
  const times =
    from === undefined || to === undefined ? '' : `from ${from} to ${to}, each item as it was at some moment of it; `;
  const rest = complete
    ? ''
    : `; ${segmentsDone} of ${segments} segments were read, and the same command goes on behind the last commit`;
  const trouble = [
    ...(throttled === 0 ? [] : [`${plural(throttled, 'call')} throttled`]),
    ...(repeated === 0 ? [] : [`${plural(repeated, 'call')} repeated`]),
  ];
  return [
    labelled('scan', `${times}${reads}, ${plural(segments, 'segment')}, run ${visible(runId)}${rest}`),
    labelled('pace', [`${formatCount(readUnits)} read units, ${pace} (${rate.why})`, ...trouble].join('; ')),
    ...(scan.price === undefined
      ? []
      : [labelled('price', `${priceText(scan.price, scan.expected.currency)} (${scan.expected.why})`)]),
    ...(scan.writeMode === undefined ? [] : [labelled('rows', modeText(scan.writeMode, scan.rowsRemoved))]),
    ...(scan.since === undefined ? [] : [labelled('since', sinceText(scan.since))]),
  ];
}

type Scan = NonNullable<SyncReport['scan']>;

/** Units, time and price of reading a whole table. */
export function costText({ readUnits, seconds, price, currency, why }: Scan['expected']): string {
  const time = seconds === undefined ? '' : `, ${formatDuration(seconds * 1000)} at that pace`;
  return `${plural(readUnits, 'read unit')}${time}${price === undefined ? '' : `, ${priceText(price, currency)}`} (${why})`;
}

function modeText(mode: string, removed: number): string {
  return `${mode}; ${plural(removed, 'row')} deleted whose items are gone`;
}

function sinceText({ attribute, from, formats, missing, untimed }: NonNullable<Scan['since']>): string {
  const seen = Object.keys(formats).join(', ');
  const how = seen === '' ? '' : `, written as ${seen}`;
  const rest = untimed === 0 ? 'items without a time' : `${plural(untimed, 'item')} without a time`;
  return `${visible(attribute)} from ${from} on${how}; ${rest} ${missing === 'drop' ? 'left out' : 'taken, too'}`;
}
