/** A commit that only joins small manifests. */

import type { CatalogTable } from '../../catalog/port.ts';
import type { CommitOutcome, JoinManifests, Ledger } from '../../model/table.ts';
import { commitStaged } from './commit.ts';
import { JOIN_DEFAULTS, joinable } from './join.ts';
import { manifestsOf } from './live.ts';
import { loadState } from './load.ts';
import { isLive } from './manifest-list.ts';
import { currentSnapshot } from './metadata.ts';

/** Joins the current snapshot's small manifests; undefined where there are too few of them, or no table. */
export async function compactManifests(
  table: CatalogTable,
  options: Partial<JoinManifests> & { readonly commitId: string; readonly timestampMs: number },
): Promise<CommitOutcome | undefined> {
  const { commitId, timestampMs, ...limits } = options;
  const joinManifests = { ...JOIN_DEFAULTS, ...limits };
  const [base, newest] = [await loadState(table), await table.load()];
  if (base?.ledger === undefined || newest === undefined) return undefined;
  const lines = await manifestsOf(table.storage, currentSnapshot(newest.metadata));
  if (joinable(lines.filter(isLive), joinManifests).length === 0) return undefined;
  const { schema, partition, sort } = base;
  const ledger: Ledger = base.ledger;
  const staged = { operation: 'rewrite', schema, partition, sort, files: [], ledger, commitId, timestampMs } as const;
  return commitStaged(table, { ...staged, joinManifests }, base);
}
