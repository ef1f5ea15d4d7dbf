/** What a scan does with the rows of a table that is there, and when it must not. */
import { TailraceError } from '../../model/errors.ts';
import type { LoadMode, StateOptions, SyncOptions } from '../../model/options.ts';
import type { LedgerEntry, ScanEntry, TableState } from '../../model/table.ts';
import { isoOf, type Since } from '../../schema/filter/since.ts';

/** Refuses what only a scan can do, for exports. */
export function refuseForExports({ state: { mode, since } }: SyncOptions): void {
  if (since !== undefined)
    throw usage(
      '--since',
      'A chain of exports brings every change already, and windows would go on from a table without the older items.',
      'Leave --since out; --filter takes part of the items, and the table keeps it.',
    );
  if (mode === undefined || mode === 'mirror') return;
  throw usage(
    `--write-mode ${mode}`,
    'Exports say by themselves what they do: a full one makes all rows, a window changes some.',
    'Leave --write-mode out; a full export with --replace swaps all rows.',
  );
}

/** Refuses what only an export can do, for scans. */
export function refuseForScans({ adopt, replace }: SyncOptions): void {
  if (adopt)
    throw usage(
      '--adopt',
      'A scan takes over no table of another tool: it is not known when its rows were written.',
      'Take it over with an export of the table first; scans can follow.',
    );
  if (!replace) return;
  throw usage(
    '--replace',
    'It swaps all rows for those of a full export, and this is a scan.',
    'Leave it out: a mirror makes the table what the source is; --write-mode overwrite --yes does so however many rows go.',
  );
}

/** The mode of a scan that begins on a table that is there. */
export function modeOf({ state }: SyncOptions, { ledger, partition, location }: TableState): LoadMode {
  const mode = state.mode ?? 'mirror';
  if (ledger?.mode === 'history')
    throw new TailraceError('LEDGER_REFUSED', 'A table of history has a row for each change, and a scan sees none.', {
      place: location,
      expected: '--mode mirror',
      found: '--mode history',
      hint: 'Name another target.',
    });
  if (mode === 'overwrite' && !state.yes)
    throw usage(
      '--write-mode overwrite',
      'It takes all rows away that the scan does not bring.',
      'Add --yes if that is meant.',
    );
  if (mode === 'overwrite' && state.since?.start === 'last')
    throw usage(
      '--write-mode overwrite',
      'With --since last it would take away all rows but those of the newest items.',
      'Take upsert: rows of changed items are replaced, and the others stay.',
    );
  if (mode !== 'overwrite-partitions') return mode;
  if (partition.length === 0)
    throw usage(
      '--write-mode overwrite-partitions',
      'The table has no partitions.',
      'Take mirror, upsert or overwrite.',
    );
  if (state.since === undefined) return mode;
  throw usage(
    '--write-mode overwrite-partitions',
    'With --since it would take away the older rows of each partition, which the scan leaves out.',
    'Take upsert: rows of changed items are replaced, wherever they lie.',
  );
}

/** Why rows without items stay at the end; undefined: they go. */
export function holdsBack(
  mode: LoadMode,
  {
    filter,
    since,
    rejected,
  }: { readonly filter: string; readonly since: Since | undefined; readonly rejected: number },
): string | undefined {
  if (mode !== 'mirror') return undefined;
  if (since !== undefined)
    return 'only items since a time were taken (--since), so an item that is missing may be an older one';
  if (filter !== '')
    return 'items are left out by --filter, so an item that is missing may be one of those (--write-mode overwrite --yes leaves the rows that the filter takes now, and no others)';
  if (rejected > 0) return `${rejected} items could not be loaded, and their rows may be among them`;
  return undefined;
}

/** What the ledger says of a choice of items, and back. */
export function sinceEntry(since: Since | undefined): ScanEntry['since'] {
  return since === undefined ? undefined : { ...since, micros: String(since.micros) };
}

/**
 * The choice of a scan that goes on is that with which it began; another one is refused. A part of a scan moves no
 * watermark, so `last` is the same time in the same command again.
 */
export function sinceAgain(
  { since: held }: Pick<ScanEntry, 'since'>,
  options: StateOptions,
  base: TableState | undefined,
): Since | undefined {
  const began = held === undefined ? undefined : { ...held, micros: BigInt(held.micros) };
  const given = sinceOf(options, base);
  if (options.since === undefined || sinceText(given) === sinceText(began)) return began;
  throw new TailraceError('USAGE', 'The interrupted scan takes another part of the items.', {
    place: '--since',
    expected: sinceText(began),
    found: sinceText(given),
    hint: 'Let it come to its end first, with its own --since and --since-attribute or without any; or begin a new one with --new-scan.',
  });
}

function sinceText(since: Since | undefined): string {
  if (since === undefined) return 'all items';
  const { attr, micros, unit, untimed } = since;
  const more = [
    ...(unit === 'auto' ? [] : [`--since-format ${unit}`]),
    ...(untimed === 'keep' ? [] : ['--since-missing drop']),
  ];
  return [`--since ${isoOf(micros)} --since-attribute ${attr}`, ...more].join(' ');
}

/** The time that items must have at least, in µs. `last`: what the table holds, less the overlap. */
export function sinceOf({ since }: StateOptions, base: TableState | undefined): Since | undefined {
  if (since === undefined) return undefined;
  const { attribute: attr, start, format: unit, missing, overlapMs } = since;
  const ledger = base?.ledger;
  if (start !== 'last') return { attr, micros: BigInt(start), unit, untimed: missing };
  const reached = Date.parse(ledger?.watermark ?? '');
  // A table that holds nothing, or part of its first scan, has all still to come.
  if (Number.isNaN(reached) || reached <= 0) return undefined;
  return { attr, micros: BigInt(reached - overlapMs) * 1000n, unit, untimed: missing };
}

/** Items have no versions, so they must not come over rows that were read, or changed, after the scan began. */
export function refuseNewer(base: TableState | undefined, entry: Pick<ScanEntry, 'exportArn' | 'from'>): void {
  const { ledger, location } = base ?? {};
  if (ledger === undefined) return;
  const from = Date.parse(entry.from);
  const others = ledger.entries.filter(({ exportArn }) => exportArn !== entry.exportArn);
  const newest = others.map(endOf).filter((time) => Date.parse(time) > from);
  const [newer] = newest;
  if (newer === undefined) return;
  throw new TailraceError('LEDGER_REFUSED', 'The table holds something newer than what this scan read.', {
    ...(location === undefined ? {} : { place: location }),
    expected: `nothing from after ${entry.from}, when the scan began`,
    found: `a load that reaches until ${newer}`,
    hint: 'Another run was faster. Give this scan up and begin a new one with --new-scan.',
  });
}

function endOf(entry: LedgerEntry): string {
  return entry.kind === 'full-export' ? entry.exportTime : entry.to;
}

function usage(place: string, message: string, hint: string): TailraceError {
  return new TailraceError('USAGE', message, { place, hint });
}
