/**
 * How windows link. Invariants:
 * - between windows: the next one begins at or before the watermark and ends behind it;
 * - behind a full export, which is exact to within a minute: a window that begins at least a minute before its time is
 *   proven to meet it; one that begins up to its time (as whole seconds) is taken, and marked; a later one leaves a gap.
 */
import type { TimeRange } from '../../model/table.ts';
import type { FoundExport } from '../../source/port.ts';
import { isoTime } from './missing.ts';

/** A full export is exact only to within this. */
const INEXACT_MS = 60_000;

/** Where a chain has come to. */
export interface Reached {
  /** The watermark, in milliseconds since 1970. */
  readonly at: number;
  /** True while a full export is all there is. */
  readonly baseline: boolean;
}

/** A window with its times in milliseconds since 1970. */
export interface Timed {
  readonly export: FoundExport;
  readonly from: number;
  readonly to: number;
}

export interface Link {
  readonly window: Timed;
  readonly gapBefore?: TimeRange;
  readonly withinMinute?: true;
}

export interface Extended extends Reached {
  readonly links: readonly Link[];
  /** What lies between the end and the next window; absent where there is none. */
  readonly gap?: TimeRange;
  readonly next?: Timed;
}

/** Windows in the order in which `extend` wants them: the earliest first, of those the longest. */
export function inOrder(windows: readonly FoundExport[]): Timed[] {
  return windows
    .map((each) => ({ export: each, from: Date.parse(each.from), to: Date.parse(each.to) }))
    .sort((a, b) => a.from - b.from || b.to - a.to || (a.export.exportArn < b.export.exportArn ? -1 : 1));
}

/** The fewest windows that carry on from a place, up to the first gap, or over gaps that are accepted. */
export function extend(start: Reached, windows: readonly Timed[], acceptGap: boolean): Extended {
  const links: Link[] = [];
  let reached = start;
  let longest: Timed | undefined;
  let index = 0;
  const begunBy = (limit: number): Timed | undefined => {
    for (let next = windows[index]; next !== undefined && next.from <= limit; next = windows[index]) {
      if (longest === undefined || next.to > longest.to) longest = next;
      index += 1;
    }
    return longest !== undefined && longest.to > reached.at ? longest : undefined;
  };
  const take = (window: Timed, more: Pick<Link, 'gapBefore' | 'withinMinute'> = {}): void => {
    links.push({ window, ...more });
    reached = { at: window.to, baseline: false };
  };
  for (;;) {
    const proven = begunBy(reached.baseline ? reached.at - INEXACT_MS : reached.at);
    if (proven !== undefined) {
      take(proven);
      continue;
    }
    const edge = reached.baseline ? Math.floor(reached.at / 1_000) * 1_000 : reached.at;
    const within = reached.baseline ? begunBy(edge) : undefined;
    if (within !== undefined) {
      take(within, { withinMinute: true });
      continue;
    }
    const next = windows[index];
    if (next === undefined) return { ...reached, links };
    if (next.to <= reached.at) {
      // It begins in the last second of a full export's time and ends there, too.
      index += 1;
      continue;
    }
    const gap = { from: isoTime(edge), to: isoTime(next.from) };
    if (!acceptGap) return { ...reached, links, gap, next };
    begunBy(next.from);
    take(longest ?? next, { gapBefore: gap });
  }
}
