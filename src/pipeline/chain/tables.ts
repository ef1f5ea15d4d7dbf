import { TailraceError } from '../../model/errors.ts';
import type { Warning } from '../../model/report.ts';
import type { Ledger } from '../../model/table.ts';
import type { FoundExport } from '../../source/port.ts';

export type SkipReason = 'held' | 'covered' | 'before-watermark' | 'older-full-export' | 'copy' | 'other-table';

export interface SkippedExport {
  readonly export: FoundExport;
  readonly reason: SkipReason;
  /** A sentence for people. */
  readonly text: string;
}

/** The same export, copied to two places, counts once; two that only claim to be the same are refused. */
export function withoutCopies(found: readonly FoundExport[]): {
  readonly exports: readonly FoundExport[];
  readonly copies: readonly SkippedExport[];
} {
  const byArn = new Map<string, FoundExport>();
  const copies: SkippedExport[] = [];
  for (const each of [...found].sort((a, b) => (a.folder < b.folder ? -1 : 1))) {
    const first = byArn.get(each.exportArn);
    if (first === undefined) byArn.set(each.exportArn, each);
    else if (factsOf(first) !== factsOf(each)) throw contradiction(first, each);
    else copies.push({ export: each, reason: 'copy', text: `It is a copy of ${first.uri}.` });
  }
  return { exports: [...byArn.values()], copies };
}

function factsOf({ kind, tableArn, tableId, from, to, items }: FoundExport): string {
  return JSON.stringify([kind, tableArn, tableId, from, to, items]);
}

function contradiction(a: FoundExport, b: FoundExport): TailraceError {
  return new TailraceError('MANIFEST_BAD', `Two folders claim to be the export ${a.exportArn}, and disagree.`, {
    expected: `${a.from} to ${a.to}, ${a.items} items (${a.uri})`,
    found: `${b.from} to ${b.to}, ${b.items} items`,
    place: b.uri,
    hint: 'One of the manifests was changed: copy it again, or take the folder away.',
  });
}

export interface ChosenTable {
  /** Exports of the one table that counts. */
  readonly own: readonly FoundExport[];
  readonly skipped: readonly SkippedExport[];
  readonly warnings: readonly Warning[];
  readonly refusal?: TailraceError;
}

/** The table that the target holds, or the only one that was found. Others are never applied, and always told. */
export function chooseTable(
  found: readonly FoundExport[],
  ledger: Ledger | undefined,
  place: string | undefined,
): ChosenTable {
  const tables = tablesOf(found);
  if (ledger === undefined) {
    const [only] = tables;
    if (only === undefined || tables.length > 1) throw severalTables(tables, place);
    return { own: only, skipped: [], warnings: [] };
  }
  const own = tables.find(([first]) => first?.tableArn === ledger.tableArn && first.tableId === ledger.tableId);
  const others = tables.filter((table) => table !== own);
  const [another] = others.map(([first]) => first);
  if (own === undefined) throw otherTable(another, ledger, place);
  const newest = Math.max(Date.parse(ledger.watermark), ...own.map(({ to }) => Date.parse(to)));
  const recreated = others.find(
    ([first, ...rest]) =>
      first?.tableArn === ledger.tableArn && [first, ...rest].some(({ to }) => Date.parse(to) > newest),
  )?.[0];
  return {
    own,
    skipped: others.flat().map((each) => ({
      export: each,
      reason: 'other-table',
      text:
        each.tableArn === ledger.tableArn
          ? `Its table had the same name, but another id (${each.tableId}): it was deleted and made again.`
          : `It is of another table, ${each.tableArn}.`,
    })),
    warnings: others.map((table) => ({
      code: 'other-table',
      text: `${table.length === 1 ? 'An export' : `${table.length} exports`} of ${nameOf(table)} ${table.length === 1 ? 'is' : 'are'} left out: the target holds ${ledger.tableArn}, table id ${ledger.tableId}.`,
    })),
    ...(recreated === undefined ? {} : { refusal: otherTable(recreated, ledger, place) }),
  };
}

/** Exports by table, in order of the tables' ARNs. */
export function tablesOf(found: readonly FoundExport[]): FoundExport[][] {
  const tables = new Map<string, FoundExport[]>();
  for (const each of found) {
    const key = JSON.stringify([each.tableArn, each.tableId]);
    const table = tables.get(key);
    if (table === undefined) tables.set(key, [each]);
    else table.push(each);
  }
  return [...tables].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, table]) => table);
}

function nameOf([first]: readonly FoundExport[]): string {
  return `${first?.tableArn ?? ''} (table id ${first?.tableId ?? ''})`;
}

function severalTables(tables: readonly (readonly FoundExport[])[], place: string | undefined): TailraceError {
  return new TailraceError(
    'LEDGER_REFUSED',
    `There are exports of ${tables.length} tables here, and the target is new.`,
    {
      expected: 'exports of one table',
      found: tables.map(nameOf).join(', '),
      ...(place === undefined ? {} : { place }),
      hint: 'Name a folder that holds the exports of one of them, a target for each.',
    },
  );
}

function otherTable(another: FoundExport | undefined, ledger: Ledger, place: string | undefined): TailraceError {
  const message =
    another?.tableArn === ledger.tableArn
      ? 'The DynamoDB table was deleted and made again since this table was loaded.'
      : 'The target holds another DynamoDB table.';
  return new TailraceError('LEDGER_REFUSED', message, {
    ...(place === undefined ? {} : { place }),
    expected: `${ledger.tableArn}, table id ${ledger.tableId}`,
    found: `${another?.tableArn ?? ''}, table id ${another?.tableId ?? ''}`,
    hint: 'Name another target for this export.',
  });
}
