import type { SyncOptions } from '../../model/options.ts';
import type { TableSchema } from '../../model/schema.ts';
import type { LiveFile, TableState } from '../../model/table.ts';
import { type HeldDigits, heldDigits } from '../../schema/held.ts';
import { settleUnheld } from '../../schema/unheld.ts';

/** What a table whose rows stay says of the columns that new ones may need. */
export interface Held {
  /** What its numbers need, at least. */
  readonly held?: HeldDigits;
  /** Its schema, in which only what still may become another type has none. */
  readonly recorded?: TableSchema;
}

/** What the rows of a table ask of the columns of new ones. */
export function heldBy(
  base: TableState | undefined,
  live: readonly LiveFile[],
  { onDrift, rewriteLimitBytes }: Pick<SyncOptions, 'onDrift' | 'rewriteLimitBytes'>,
): Held {
  if (base === undefined) return {};
  const byId = base.format === 'iceberg';
  // A first value is no reason to stop, nor to write more anew than the user would have written.
  const small = live.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) <= rewriteLimitBytes;
  const mayRewrite = small && (!byId || onDrift === 'rewrite');
  const recorded = settleUnheld({ ...base, files: live, mayRewrite, byId });
  return { held: heldDigits(base.schema, live), recorded };
}
