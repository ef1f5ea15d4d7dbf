import { TailraceError } from '../../model/errors.ts';
import type { SyncOptions } from '../../model/options.ts';
import type { TableState } from '../../model/table.ts';
import type { OptionChange } from '../ends/keep.ts';
import type { ChainPlan } from './chain.ts';

/** Refuses a table that is not tailrace's own, or is kept in another mode. */
export function refuseTable(base: TableState | undefined, options: SyncOptions): void {
  if (base === undefined) return;
  const { ledger, location } = base;
  if (ledger === undefined && options.adopt) return;
  if (ledger === undefined) {
    throw new TailraceError('LEDGER_REFUSED', 'A table lies at the target that tailrace did not write.', {
      place: location,
      expected: 'no table, or one with a ledger',
      found: `a ${base.format} table of ${base.rows} rows without a ledger`,
      hint: 'Name another target, or take the table over with --adopt.',
    });
  }
  const mode = ledger.mode ?? 'mirror';
  if (options.mode === undefined || options.mode === mode) return;
  throw new TailraceError('LEDGER_REFUSED', `The table's mode is ${mode}, and cannot become another one.`, {
    place: location,
    expected: `mode ${mode}`,
    found: `mode ${options.mode}`,
    hint: 'Leave the mode out, or name another target.',
  });
}

/** Refuses exports for a table that holds part of a scan: of such a table it is not known which items are missing. */
export function refusePart(base: TableState | undefined, { replace }: SyncOptions): void {
  if (base?.ledger === undefined || replace) return;
  const { entries } = base.ledger;
  const place = base.location;
  const last = entries.findLast((entry) => entry.kind === 'scan');
  if (last?.kind === 'scan' && last.partial === true) throw partialScan(last.exportArn, place);
  const part = entries.find((entry) => entry.kind === 'scan' && entry.rest !== undefined);
  if (part === undefined) return;
  throw new TailraceError('LEDGER_REFUSED', 'The table holds part of a scan that was interrupted.', {
    place,
    expected: 'a scan that is complete',
    found: part.exportArn,
    hint: 'Let tailrace sync dynamodb:<table> bring it to its end, or swap all rows for those of a full export with --replace.',
  });
}

/** A window carries on from a table that is what its source was; changes that a scan left out would stay missing. */
function partialScan(found: string, place: string): TailraceError {
  return new TailraceError(
    'LEDGER_REFUSED',
    'The table is no image of its source: its last scan took part of the items, or left rows.',
    {
      place,
      expected: 'a scan without --since and --filter, in mode mirror or overwrite',
      found,
      hint: 'Scan it once with --write-mode mirror, or swap all rows for those of a full export with --replace.',
    },
  );
}

/** Refuses to begin a table with a window while an export cannot be read: it may be the full export that is missed. */
export function refuseBlindStart({ steps: [first] }: ChainPlan, [fault]: readonly TailraceError[]): void {
  if (first?.kind === 'window' && fault !== undefined) throw fault;
}

/**
 * Options that cannot wait for the next full export: rows are matched by the key, older rows would still hold what is
 * excluded or filtered, and columns are never dropped. The others are only left for later, with a warning.
 */
const REFUSED = ['--key', '--exclude', '--schema', '--filter'];

/** Refuses to apply a window with other such options than the table was made with. */
export function refuseChanges(changes: readonly OptionChange[], base: TableState): void {
  const change = changes.find(({ flag, byWindow }) => REFUSED.includes(flag) && byWindow !== true);
  if (change === undefined) return;
  throw new TailraceError(
    'USAGE',
    `The table was made with another ${change.flag}, which only a load of all its rows can change.`,
    {
      place: `${change.flag}, ${base.location}`,
      expected: change.before,
      found: change.now,
      hint: `Leave ${change.flag} out, and the table's own holds; a full export with --replace makes all rows by the new one.`,
    },
  );
}
