/**
 * Which exports a run applies, in which order, and why not the others. Pure: what was found and what the table holds
 * go in, a plan comes out. Invariants:
 * - steps are in the order in which they are to be applied, and each carries on from where the one before it ends;
 * - every export that was found is a step, skipped with its reason, or waits;
 * - a plan made again behind its own steps has none.
 */
import { TailraceError } from '../../model/errors.ts';
import type { LedgerTable } from '../../model/ledger.ts';
import type { Warning } from '../../model/report.ts';
import type { Ledger, TimeRange } from '../../model/table.ts';
import type { FoundExport } from '../../source/port.ts';
import { type Extended, extend, inOrder, type Reached, type Timed } from './links.ts';
import { gapError, isoTime, unlinkedError } from './missing.ts';
import { chooseTable, type SkippedExport, withoutCopies } from './tables.ts';

export interface ChainOptions {
  readonly replace: boolean;
  readonly acceptGap: boolean;
  /** With `replace`: all rows are made anew even if the table holds the export (its options have changed). */
  readonly remake?: boolean;
  /** Where the table lies, for messages. */
  readonly place?: string;
}

export interface ChainStep {
  readonly export: FoundExport;
  readonly kind: 'full' | 'window';
  /** The full export swaps all rows of a table that is there. */
  readonly replaces?: true;
  /** An accepted gap. */
  readonly gapBefore?: TimeRange;
  /** The first window begins within the minute before the full export's time: it is not proven that they meet. */
  readonly withinMinute?: true;
}

export interface ChainPlan {
  readonly table: LedgerTable & { readonly tableName: string };
  readonly steps: readonly ChainStep[];
  readonly skipped: readonly SkippedExport[];
  /** Exports that cannot be applied before what is missing is there, in order of time. */
  readonly waiting: readonly FoundExport[];
  /** The time that no export covers, where the chain stops. */
  readonly gap?: TimeRange;
  /** The gap begins at a full export: a window that closes it begins a minute earlier. */
  readonly gapAfterFullExport?: true;
  /** The error with which a run ends once the steps are applied. */
  readonly refusal?: TailraceError;
  readonly warnings: readonly Warning[];
}

/** Orders what was found by window, links it to what the table holds, and says what is left out and why. */
export function planChain(found: readonly FoundExport[], ledger: Ledger | undefined, options: ChainOptions): ChainPlan {
  const { exports, copies } = withoutCopies(found);
  const chosen = chooseTable(exports, ledger, options.place);
  const own: Own = {
    fulls: chosen.own.filter(({ kind }) => kind === 'full').sort((a, b) => Date.parse(b.from) - Date.parse(a.from)),
    windows: inOrder(chosen.own.filter(({ kind }) => kind === 'incremental')),
  };
  const plan = ledger === undefined ? beginning(own, options) : continuing(own, ledger, options);
  const first = chosen.own[0] ?? exports[0];
  const refusal = plan.refusal ?? chosen.refusal;
  return {
    ...plan,
    table: {
      tableArn: first?.tableArn ?? '',
      tableId: first?.tableId ?? '',
      tableName: first?.tableName ?? '',
      ...(ledger?.mode === undefined ? {} : { mode: ledger.mode }),
    },
    skipped: [...plan.skipped, ...copies, ...chosen.skipped],
    warnings: [...plan.warnings, ...chosen.warnings],
    ...(refusal === undefined ? {} : { refusal }),
  };
}

/** The exports of one table: full ones from the newest, windows in order. */
interface Own {
  readonly fulls: readonly FoundExport[];
  readonly windows: readonly Timed[];
}

type Planned = Omit<ChainPlan, 'table'>;

const timeOf = (full: FoundExport): number => Date.parse(full.to);

/** A table that is new, or begun anew: the newest full export from which the newest state can be reached. */
function beginning({ fulls, windows }: Own, options: ChainOptions, replaces = false): Planned {
  const best = bestFull(fulls, windows);
  if (best === undefined) return withoutBaseline(windows, options);
  const { full } = best;
  const chain = extend({ at: timeOf(full), baseline: true }, windows, options.acceptGap);
  const rest = { fulls: fulls.filter((each) => each !== full), windows };
  const step: ChainStep = { export: full, kind: 'full', ...(replaces ? { replaces: true } : {}) };
  return planned([step], chain, rest, undefined, timeOf(full), options);
}

function withoutBaseline(windows: readonly Timed[], options: ChainOptions): Planned {
  const begin = windows[0]?.from ?? 0;
  const chain = extend({ at: begin, baseline: false }, windows, options.acceptGap);
  const plan = planned([], chain, { fulls: [], windows }, undefined, begin, options);
  const text = `There is no full export: the table begins with the window from ${isoTime(begin)}, and items that did not change since then are not in it.`;
  return { ...plan, warnings: [...plan.warnings, { code: 'no-baseline', text }] };
}

/** The full export whose unbroken chain reaches farthest; of equal ones the newest, which leaves the least to do. */
function bestFull(
  fulls: readonly FoundExport[],
  windows: readonly Timed[],
): { readonly full: FoundExport; readonly at: number } | undefined {
  let best: { full: FoundExport; at: number } | undefined;
  for (const full of fulls) {
    const { at } = extend({ at: timeOf(full), baseline: true }, windows, false);
    if (best === undefined || at > best.at) best = { full, at };
  }
  return best;
}

/** A table that is there: what carries on from its watermark. */
function continuing(own: Own, ledger: Ledger, options: ChainOptions): Planned {
  const start = reachedBy(ledger, options.place);
  const held = new Set(ledger.entries.map(({ exportArn }) => exportArn));
  const fulls = own.fulls.filter(({ exportArn }) => !held.has(exportArn));
  // An export that is named alone is meant: it is not passed over for being older.
  const meant = own.windows.length === 0 && fulls.length > 0 && fulls.length === own.fulls.length;
  if (options.replace && options.remake === true && own.fulls.length > 0) return beginning(own, options, true);
  if (options.replace) {
    const best = bestFull(fulls, own.windows);
    const without = extend(start, own.windows, false);
    if (best !== undefined && (meant || best.at > without.at)) return beginning(own, options, true);
  }
  const chain = extend(start, own.windows, options.acceptGap);
  const plan = planned([], chain, own, ledger, start.at, options);
  const [newest] = fulls;
  if (!meant || newest === undefined || plan.refusal !== undefined) return plan;
  return { ...plan, refusal: anotherFullExport(newest, ledger, options.place) };
}

/** The position of a ledger; a full export is the whole of it until the first window. */
function reachedBy(ledger: Ledger, place: string | undefined): Reached {
  const at = Date.parse(ledger.watermark);
  if (Number.isNaN(at)) {
    throw new TailraceError('TARGET_BAD', 'The watermark in the ledger of the table is no time.', {
      found: ledger.watermark,
      ...(place === undefined ? {} : { place }),
      hint: 'The ledger was edited; restore it.',
    });
  }
  const baseline = (ledger.covered ?? []).length === 0 && ledger.entries.some(({ kind }) => kind !== 'window');
  return { at, baseline };
}

/** Puts every export in its place: a step, skipped, or waiting. */
function planned(
  first: readonly ChainStep[],
  chain: Extended,
  { fulls, windows }: Own,
  ledger: Ledger | undefined,
  start: number,
  options: ChainOptions,
): Planned {
  const steps = [
    ...first,
    ...chain.links.map(({ window, ...more }): ChainStep => ({ export: window.export, kind: 'window', ...more })),
  ];
  const taken = new Set(steps.map((step) => step.export));
  const held = new Set(ledger?.entries.map(({ exportArn }) => exportArn));
  const left = windows.filter((window) => !taken.has(window.export));
  const newer = fulls.filter((full) => timeOf(full) > chain.at && !held.has(full.exportArn));
  const skipped = [
    ...fulls.filter((full) => !newer.includes(full)).map((full) => skipFull(full, held, steps)),
    ...left.filter(({ to }) => to <= chain.at).map((window) => skipWindow(window, held, ledger, start)),
  ];
  const refusal = refusalOf(chain, newer, options);
  return {
    steps,
    skipped,
    waiting: [...left.filter(({ to }) => to > chain.at).map((window) => window.export), ...newer].sort(
      (a, b) => Date.parse(a.to) - Date.parse(b.to),
    ),
    ...(chain.gap === undefined ? {} : { gap: chain.gap }),
    ...(chain.gap !== undefined && chain.baseline ? { gapAfterFullExport: true } : {}),
    ...(refusal === undefined ? {} : { refusal }),
    warnings: [...stepWarnings(steps), ...lateWarnings(left, held, ledger, start)],
  };
}

function refusalOf(
  { gap, next, baseline, at }: Extended,
  [newest]: readonly FoundExport[],
  { place }: ChainOptions,
): TailraceError | undefined {
  if (gap !== undefined && next !== undefined)
    return gapError({ gap, afterFullExport: baseline, next: next.export, newer: newest, place });
  return newest === undefined
    ? undefined
    : unlinkedError(newest, { from: isoTime(at), to: isoTime(timeOf(newest)) }, baseline, place);
}

function skipFull(full: FoundExport, held: ReadonlySet<string>, steps: readonly ChainStep[]): SkippedExport {
  if (held.has(full.exportArn)) return { export: full, reason: 'held', text: 'The table holds it.' };
  const text =
    steps[0]?.kind === 'full'
      ? 'The chain begins with another full export, and reaches past this one.'
      : 'The table is past its time.';
  return { export: full, reason: 'older-full-export', text };
}

function skipWindow(
  window: Timed,
  held: ReadonlySet<string>,
  ledger: Ledger | undefined,
  start: number,
): SkippedExport {
  const inside = ({ from, to }: TimeRange): boolean => Date.parse(from) <= window.from && Date.parse(to) >= window.to;
  if (held.has(window.export.exportArn) || ledger?.covered?.some(inside) === true)
    return { export: window.export, reason: 'held', text: 'The table holds its window.' };
  if (window.to > start)
    return { export: window.export, reason: 'covered', text: 'Other windows of the chain cover all of it.' };
  const text =
    gapOf(window, ledger) !== undefined
      ? 'It ends before the watermark, and lies in a gap that was accepted: it can no longer be applied.'
      : 'It ends before what the table holds, or begins with.';
  return { export: window.export, reason: 'before-watermark', text };
}

/** The accepted gap that a window would have closed. */
function gapOf(window: Timed, ledger: Ledger | undefined): TimeRange | undefined {
  return ledger?.gaps?.find(({ from, to }) => Date.parse(from) < window.to && Date.parse(to) > window.from);
}

/** Windows that come when their gap was accepted already: the table does not hold them, and never will. */
function lateWarnings(
  left: readonly Timed[],
  held: ReadonlySet<string>,
  ledger: Ledger | undefined,
  start: number,
): Warning[] {
  return left.flatMap((window) => {
    const gap = gapOf(window, ledger);
    if (gap === undefined || skipWindow(window, held, ledger, start).reason !== 'before-watermark') return [];
    const { from, to, uri } = window.export;
    const text = `The window ${from} to ${to} (${uri}) can no longer be applied: the gap ${gap.from} to ${gap.to} was accepted, and newer changes are in the table. Changes of that time stay missing.`;
    return [{ code: 'window-late', text }];
  });
}

function stepWarnings(steps: readonly ChainStep[]): Warning[] {
  return steps.flatMap(({ export: { from, uri }, gapBefore, withinMinute }) => [
    ...(gapBefore === undefined
      ? []
      : [
          {
            code: 'gap-accepted',
            text: `No export covers ${gapBefore.from} to ${gapBefore.to}, as accepted: changes of that time are missing.`,
          },
        ]),
    ...(withinMinute === undefined
      ? []
      : [
          {
            code: 'within-minute',
            text: `The first window (${uri}) begins at ${from}, within the minute to which the full export is exact: it is not proven that they meet.`,
          },
        ]),
  ]);
}

function anotherFullExport(full: FoundExport, ledger: Ledger, place: string | undefined): TailraceError {
  const held = ledger.entries
    .map(
      (each) => `${each.exportArn} (${each.kind === 'full-export' ? each.exportTime : `${each.from} to ${each.to}`})`,
    )
    .join(', ');
  return new TailraceError('LEDGER_REFUSED', 'The table holds another full export of the same DynamoDB table.', {
    ...(place === undefined ? {} : { place }),
    expected: `the export that it holds: ${held}`,
    found: `${full.exportArn} (${full.from})`,
    hint: 'With --replace all rows are swapped for those of this export, in one commit.',
  });
}
