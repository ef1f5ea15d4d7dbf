/** How many capacity units a second a run takes: as asked for, or a share of what the table can give. */
import type { CapacityRate } from '../model/options.ts';

/** Units a second that a table has; each absent where it has no such number. */
export interface Throughput {
  readonly provisioned?: number;
  /** The most that an on-demand table may take, where its owner set one. */
  readonly maximum?: number;
  /** What an on-demand table can take at once. */
  readonly warm?: number;
  /** What was taken of it in its busiest minutes lately; asked for only where there is no other number. */
  readonly recent?: number;
  /** Why that is not known, as part of a sentence. */
  readonly recentUnknown?: string;
}

export interface SettledRate {
  /** Infinity: as fast as it goes. */
  readonly unitsPerSecond: number;
  /** Where it comes from, for people: `25 % of 1000 provisioned`. */
  readonly why: string;
}

/** What is taken when nobody says: so that others who use the table do not feel it. */
export const DEFAULT_SHARE = 0.25;
/** Where a share is of nothing that is known. */
export const UNKNOWN_UNITS = 500;

/** The rate of a run on a table. */
export function settleRate(asked: CapacityRate | undefined, throughput: Throughput): SettledRate {
  if (asked?.kind === 'unlimited') return { unitsPerSecond: Number.POSITIVE_INFINITY, why: 'as asked' };
  if (asked?.kind === 'units') return { unitsPerSecond: asked.units, why: 'as asked' };
  const share = asked?.share ?? DEFAULT_SHARE;
  const percent = `${Math.round(share * 1000) / 10} %`;
  const { provisioned, maximum, warm, recent, recentUnknown } = throughput;
  const known: readonly [number | undefined, string][] = [
    [provisioned, `${provisioned} provisioned`],
    [maximum, `${maximum}, its on-demand maximum`],
    [warm, `${warm}, its warm throughput`],
    [recent, `${recent}, taken in its busiest minutes of the last day`],
  ];
  for (const [units, name] of known)
    if (units !== undefined) return { unitsPerSecond: Math.max(1, units * share), why: `${percent} of ${name}` };
  const why = `the table does not say what it can give${recentUnknown === undefined ? '' : `, and ${recentUnknown}`}`;
  if (asked === undefined) return { unitsPerSecond: UNKNOWN_UNITS, why };
  return { unitsPerSecond: Math.max(1, UNKNOWN_UNITS * share), why: `${percent} of ${UNKNOWN_UNITS}: ${why}` };
}

/** Whether a share was asked for, and nothing but the table's recent use can tell of what. */
export function needsRecent(asked: CapacityRate | undefined, throughput: Throughput): boolean {
  const { provisioned, maximum, warm } = throughput;
  return asked?.kind === 'share' && (provisioned ?? maximum ?? warm) === undefined;
}
