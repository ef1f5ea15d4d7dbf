import { TailraceError } from '../../model/errors.ts';
import type { TimeRange } from '../../model/table.ts';
import type { FoundExport } from '../../source/port.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** DynamoDB exports windows of a quarter of an hour to a day, in whole seconds. */
const SHORTEST = 15 * MINUTE;
const LONGEST = 24 * 60 * MINUTE;
/** Calls that a hint spells out. */
const MAX_SHOWN = 2;

/** A time without milliseconds where it has none, as DynamoDB writes windows. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/**
 * The windows to export that close a gap: at most a day each, at least a quarter of an hour (they may overlap what the
 * table holds), and from a minute before a full export, to which the export is exact.
 */
export function missingWindows(gap: TimeRange, afterFullExport: boolean): TimeRange[] {
  const begin = Date.parse(gap.from) - (afterFullExport ? MINUTE : 0);
  const first = Math.floor(begin / SECOND) * SECOND;
  const end = Math.ceil(Date.parse(gap.to) / SECOND) * SECOND;
  const windows: TimeRange[] = [];
  for (let at = first; at < end; at += LONGEST) {
    const to = Math.min(at + LONGEST, end);
    windows.push({ from: isoTime(Math.min(at, to - SHORTEST)), to: isoTime(to) });
  }
  return windows;
}

/** The call that exports a window of the table to where its other exports lie. */
export function exportCommand(window: TimeRange, beside: FoundExport): string {
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/(?:(.*)\/)?AWSDynamoDB\//.exec(`${beside.uri}/`) ?? [];
  const epoch = (time: string): number => Date.parse(time) / SECOND;
  return [
    'aws dynamodb export-table-to-point-in-time',
    `--table-arn ${shellWord(beside.tableArn)}`,
    `--s3-bucket ${bucket === undefined ? 'BUCKET' : shellWord(bucket)}`,
    ...(prefix === undefined ? [] : [`--s3-prefix ${shellWord(prefix)}`]),
    '--export-type INCREMENTAL_EXPORT --incremental-export-specification',
    `ExportFromTime=${epoch(window.from)},ExportToTime=${epoch(window.to)},ExportViewType=NEW_AND_OLD_IMAGES`,
  ].join(' ');
}

/** What a manifest says is pasted into shells: anything unusual is quoted. */
function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export interface GapFacts {
  readonly gap: TimeRange;
  readonly afterFullExport: boolean;
  /** The first window behind the gap. */
  readonly next: FoundExport;
  /** A full export behind the gap, from which the table could begin anew. */
  readonly newer: FoundExport | undefined;
  readonly place: string | undefined;
}

/** The refusal of a chain that is not whole: what is missing, and what would close it. */
export function gapError({ gap, afterFullExport, next, newer, place }: GapFacts): TailraceError {
  const anew = newer === undefined ? '' : ` --replace begins anew with the full export of ${newer.from}.`;
  return new TailraceError('LEDGER_REFUSED', `No export covers ${gap.from} to ${gap.to}: the chain has a gap.`, {
    expected: afterFullExport
      ? `a window that begins at or before ${isoTime(Math.floor(Date.parse(gap.from) / SECOND) * SECOND)}, the full export's time`
      : `a window that begins at or before ${gap.from}`,
    found: `${next.uri}, which begins at ${next.from}`,
    ...(place === undefined ? {} : { place }),
    hint: `Export the missing ${calls(gap, afterFullExport, next)}, and run again; or go on without it with --accept-gap, which records the gap.${anew}`,
  });
}

/** The refusal of a newer full export that no window links to what the table holds. */
export function unlinkedError(
  full: FoundExport,
  gap: TimeRange,
  afterFullExport: boolean,
  place: string | undefined,
): TailraceError {
  return new TailraceError(
    'LEDGER_REFUSED',
    'There is a newer full export, and no window links what the table holds to it.',
    {
      expected: `windows from ${gap.from} to ${gap.to}`,
      found: `${full.exportArn} (${full.from}) in ${full.uri}`,
      ...(place === undefined ? {} : { place }),
      hint: `With --replace all rows are swapped for those of this export, in one commit. Or export the missing ${calls(gap, afterFullExport, full)}, and run again.`,
    },
  );
}

function calls(gap: TimeRange, afterFullExport: boolean, beside: FoundExport): string {
  const windows = missingWindows(gap, afterFullExport);
  const shown = windows.slice(0, MAX_SHOWN).map((window) => `\`${exportCommand(window, beside)}\``);
  const more = windows.length > MAX_SHOWN ? `, … (${windows.length} windows of at most 24 hours)` : '';
  return `${windows.length === 1 ? 'window' : 'windows'}: ${shown.join(', ')}${more}`;
}
