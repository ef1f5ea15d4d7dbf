/** What lies beside a table of an interrupted scan that a new one took the place of. */
import type { TableState } from '../../model/table.ts';
import type { OpenTarget } from '../ends/target.ts';
import { dropPlaces } from './places.ts';
import { dropSeen, NOTHING_SEEN, readSeen } from './seen.ts';

/** Drops it; the new scan's first piece is in the table. What cannot be read or deleted is left to a sweep of orphans. */
export async function dropGivenUp(target: OpenTarget, before: TableState | undefined): Promise<void> {
  for (const entry of before?.ledger?.entries ?? []) {
    if (entry.kind !== 'scan' || entry.rest === undefined) continue;
    const index = await readSeen(target, entry.seen).catch(() => NOTHING_SEEN);
    await dropSeen(target, entry.seen, index);
    await dropPlaces(target, entry.rest);
  }
}
