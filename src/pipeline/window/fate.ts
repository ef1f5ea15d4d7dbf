import type { WriteMode } from '../../model/options.ts';

/** A file of which a merge deletes rows. */
export interface Touched {
  readonly rows: number;
  readonly formerlyDeleted: number;
  readonly newlyDeleted: number;
}

/** `leave`: no row is left, so the file leaves the table. `rewrite`: its live rows are written anew. */
export type Fate = 'leave' | 'rewrite' | 'position-deletes';

/**
 * From this share of deleted rows on, a file is written anew. Ten merges into 600,000 rows cost 1.0 s by position
 * deletes and 8.5 s by copy-on-write, but every later read pays for the deletes: half is where most of what is read
 * would be thrown away.
 */
const REWRITE_SHARE = 0.5;

/** What becomes of a touched file. Formats without position deletes give `allowDeletes` false. */
export function fateOf(
  { rows, formerlyDeleted, newlyDeleted }: Touched,
  write: WriteMode,
  allowDeletes: boolean,
): Fate {
  const gone = formerlyDeleted + newlyDeleted;
  if (gone >= rows) return 'leave';
  if (!allowDeletes || write === 'copy-on-write') return 'rewrite';
  return write === 'auto' && gone > rows * REWRITE_SHARE ? 'rewrite' : 'position-deletes';
}
