import type { SyncReport } from '../../model/report.ts';

/** A warning's sentence: a full export's reject is a row that is missing, a window's may be one that is wrong. */
export function staleText(rejected: number, { stale, mode }: NonNullable<SyncReport['position']>): string {
  const [count, all] = [rejected, stale].map((n) => `${n} change${n === 1 ? '' : 's'}`);
  const what = mode === 'history' ? 'is not in the table' : 'left the row of its item as it was, or missing';
  return `Each of ${count} that could not be loaded ${what}; since all rows were last made anew, ${all} in all. A full export with --replace makes them anew.`;
}
