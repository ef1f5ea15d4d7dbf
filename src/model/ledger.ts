/**
 * Reading positions: how a ledger moves with each load. Invariants:
 * - the watermark never goes back;
 * - `covered` and `gaps` are in order of time and do not overlap; between two ranges of `covered` lies a gap;
 * - a gap is never told smaller than it is: where there are more than the ledger has room for, neighbours become one;
 * - the JSON of a ledger has at most LEDGER_BYTES_MAX bytes, however many windows and gaps there were.
 */
import { TailraceError } from './errors.ts';
import type { FullExportEntry, Ledger, LedgerEntry, TimeRange, WindowEntry } from './table.ts';

/** Hive's catalogs copy table properties into columns of 4,000 characters. */
export const LEDGER_BYTES_MAX = 3_800;
/** Windows that keep an entry of their own; older ones are counted in `covered`. */
export const WINDOWS_KEPT = 10;
/** Accepted gaps that stand on their own. */
export const GAPS_KEPT = 8;

/** What a ledger says from its first load on. */
export type LedgerTable = Pick<Ledger, 'tableArn' | 'tableId' | 'mode'>;

/** The ledger of a table that holds a full export and nothing else. */
export function withFullExport(table: LedgerTable, entry: FullExportEntry, commitId: string): Ledger {
  return { ...startOf(table), watermark: entry.exportTime, commitId, entries: [entry] };
}

/** The ledger with one more window; of a new table, when it begins with a window. `gapBefore` was accepted. */
export function withWindow(
  base: Ledger | LedgerTable,
  entry: WindowEntry,
  commitId: string,
  gapBefore?: TimeRange,
): Ledger {
  const held: Partial<Ledger> = 'watermark' in base ? base : {};
  if (held.watermark !== undefined && ms(entry.to) <= ms(held.watermark)) {
    throw new TailraceError('LEDGER_REFUSED', 'A window that ends before the watermark must not be applied.', {
      expected: `a window that ends behind ${held.watermark}`,
      found: `${entry.exportArn} (${entry.from} to ${entry.to})`,
      hint: 'Run the command again: it looks at what the table holds now.',
    });
  }
  const covered = joined([...(held.covered ?? []), { from: entry.from, to: entry.to, windows: 1 }]);
  const gaps = without([...(held.gaps ?? []), ...leftOpen(held, gapBefore)], entry);
  const stale = staleRows(held) + entry.rejected;
  return fitted({
    ...startOf(base),
    watermark: entry.to,
    commitId,
    entries: [...(held.entries ?? []), entry],
    covered,
    ...(gaps.length === 0 ? {} : { gaps }),
    ...(stale === 0 ? {} : { stale }),
    ...(held.runs === undefined ? {} : { runs: held.runs }),
  });
}

/**
 * Rows that may not be as their items are, because changes of them were rejected: as many at most. A later change makes
 * a row right again, but whose change was rejected is not kept, so the number goes back only where all rows are made anew.
 */
export function staleRows({ stale, entries = [] }: Pick<Partial<Ledger>, 'stale' | 'entries'>): number {
  if (stale !== undefined) return stale;
  return entries.reduce((sum, { kind, rejected }) => (kind === 'window' ? sum + rejected : sum), 0);
}

function startOf({ tableArn, tableId, mode }: LedgerTable): Pick<Ledger, 'version' | 'tableArn' | 'tableId' | 'mode'> {
  return { version: 1, tableArn, tableId, ...(mode === undefined ? {} : { mode }) };
}

type Covered = NonNullable<Ledger['covered']>[number];

const ms = (time: string): number => Date.parse(time);
const byFrom = (a: TimeRange, b: TimeRange): number => ms(a.from) - ms(b.from);

/** Ranges in order, joined where they overlap or meet. */
function joined(ranges: readonly Covered[]): Covered[] {
  const result: Covered[] = [];
  for (const range of [...ranges].sort(byFrom)) {
    const last = result.at(-1);
    if (last === undefined || ms(range.from) > ms(last.to)) {
      result.push(range);
      continue;
    }
    const to = ms(range.to) > ms(last.to) ? range.to : last.to;
    result[result.length - 1] = { from: last.from, to, windows: last.windows + range.windows };
  }
  return result;
}

/** What of an accepted gap is still one: another run may have closed some of it since it was planned. */
function leftOpen({ watermark, covered }: Partial<Ledger>, gap: TimeRange | undefined): readonly TimeRange[] {
  if (gap === undefined || watermark === undefined || covered === undefined) return gap === undefined ? [] : [gap];
  const from = ms(gap.from) < ms(watermark) ? watermark : gap.from;
  return ms(from) < ms(gap.to) ? [{ from, to: gap.to }] : [];
}

/** What remains of gaps when a window covers part of them: a long window may close one that was accepted before. */
function without(gaps: readonly TimeRange[], window: TimeRange): TimeRange[] {
  return gaps.flatMap((gap) => {
    const before = { from: gap.from, to: ms(window.from) < ms(gap.to) ? window.from : gap.to };
    const after = { from: ms(window.to) > ms(gap.from) ? window.to : gap.from, to: gap.to };
    const apart = ms(window.to) <= ms(gap.from) || ms(window.from) >= ms(gap.to);
    return (apart ? [gap] : [before, after]).filter(({ from, to }) => ms(from) < ms(to));
  });
}

/** Old entries and names of old runs leave, and gaps become coarser, until the ledger fits. */
export function fitted(ledger: Ledger): Ledger {
  let result: Ledger = { ...ledger, entries: newest(ledger.entries, WINDOWS_KEPT) };
  while ((result.gaps?.length ?? 0) > GAPS_KEPT) result = coarser(result);
  for (let kept = WINDOWS_KEPT - 1; isTooLong(result) && kept > 0; kept -= 1)
    result = { ...result, entries: newest(ledger.entries, kept) };
  while (isTooLong(result) && (result.runs?.length ?? 0) > 0) result = { ...result, runs: result.runs?.slice(1) ?? [] };
  while (isTooLong(result) && (result.gaps?.length ?? 0) > 1) result = coarser(result);
  if (!isTooLong(result)) return result;
  throw new TailraceError('LEDGER_REFUSED', 'What the table holds does not fit into its ledger.', {
    expected: `at most ${LEDGER_BYTES_MAX} bytes`,
    found: `${JSON.stringify(result).length} characters`,
    hint: 'The ARN of the table or of the export is far longer than those that AWS gives; check the manifests.',
  });
}

function isTooLong(ledger: Ledger): boolean {
  return Buffer.byteLength(JSON.stringify(ledger)) > LEDGER_BYTES_MAX;
}

/** The full export, a first window that is not proven to meet it, and the newest windows. */
function newest(entries: readonly LedgerEntry[], windows: number): LedgerEntry[] {
  const from = entries.filter(({ kind }) => kind === 'window').length - windows;
  let index = 0;
  return entries.filter((entry) => {
    if (entry.kind !== 'window') return true;
    index += 1;
    return index > from || entry.withinMinute === true;
  });
}

/** The two gaps that lie nearest to each other become one, with what was covered between them. */
function coarser(ledger: Ledger): Ledger {
  const gaps = [...(ledger.gaps ?? [])].sort(byFrom);
  let at = 1;
  const distance = (index: number): number => ms(gaps[index]?.from ?? '') - ms(gaps[index - 1]?.to ?? '');
  for (let index = 2; index < gaps.length; index += 1) if (distance(index) < distance(at)) at = index;
  const [first, second] = [gaps[at - 1], gaps[at]];
  if (first === undefined || second === undefined) return ledger;
  const wide = { from: first.from, to: second.to };
  const inside = (range: TimeRange): boolean => ms(range.from) >= ms(wide.from) && ms(range.to) <= ms(wide.to);
  const all = ledger.covered ?? [];
  const swallowed = all.filter(inside).reduce((sum, { windows }) => sum + windows, 0);
  const rest = all.filter((range) => !inside(range));
  // Their windows stay counted: with the range before the gap, or behind it where there is none.
  const heir = Math.max(0, rest.filter((range) => ms(range.to) <= ms(wide.from)).length - 1);
  return {
    ...ledger,
    gaps: [...gaps.slice(0, at - 1), wide, ...gaps.slice(at + 1)],
    covered: rest.map((range, index) => (index === heir ? { ...range, windows: range.windows + swallowed } : range)),
  };
}
