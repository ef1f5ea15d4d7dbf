import { TailraceError } from '../model/errors.ts';
import type { TableState } from '../model/table.ts';
import type { FullExport } from '../source/port.ts';

/** What to do with a full export, by the ledger of the table that is there. */
export function decide(
  from: FullExport,
  base: TableState | undefined,
  replace: boolean,
  /** Options are given that are others than the table was made with. */
  differs = false,
): 'create' | 'replace' | 'unchanged' {
  if (base === undefined) return 'create';
  const { ledger, location } = base;
  if (ledger === undefined) {
    throw new TailraceError('LEDGER_REFUSED', 'A table lies at the target that tailrace did not write.', {
      place: location,
      expected: 'no table, or one with a ledger',
      found: `a ${base.format} table of ${base.rows} rows without a ledger`,
      hint: 'Name another target.',
    });
  }
  if (ledger.tableId !== from.tableId) throw otherTable(from, ledger, location);
  if (ledger.entries.some((entry) => entry.exportArn === from.exportArn)) {
    return replace && differs ? 'replace' : 'unchanged';
  }
  if (replace) return 'replace';
  const held = ledger.entries
    .map(
      (entry) =>
        `${entry.exportArn} (${entry.kind === 'full-export' ? entry.exportTime : `${entry.from} to ${entry.to}`})`,
    )
    .join(', ');
  throw new TailraceError('LEDGER_REFUSED', 'The table holds another full export of the same DynamoDB table.', {
    place: location,
    expected: `the export that it holds: ${held}`,
    found: `${from.exportArn} (${from.exportTime})`,
    hint: 'With --replace all rows are swapped for those of this export, in one commit.',
  });
}

function otherTable(from: FullExport, ledger: { tableArn: string; tableId: string }, place: string): TailraceError {
  const recreated = ledger.tableArn === from.tableArn;
  const message = recreated
    ? 'The DynamoDB table was deleted and made again since this table was loaded.'
    : 'The target holds another DynamoDB table.';
  return new TailraceError('LEDGER_REFUSED', message, {
    place,
    expected: `${ledger.tableArn}, table id ${ledger.tableId}`,
    found: `${from.tableArn}, table id ${from.tableId}`,
    hint: 'Name another target for this export.',
  });
}
