/** One atomic commit: the snapshot's files, then the metadata. Before that put nothing is visible; after it, everything. */

import type { TableMetadata } from '../../catalog/metadata/wire.ts';
import type { CatalogState, CatalogTable } from '../../catalog/port.ts';
import type { CommitOutcome, StagedCommit, TableState } from '../../model/table.ts';
import { discard } from '../../storage/remove.ts';
import { freshOrigin, identityOf } from './load.ts';
import { currentSnapshot, holdsCommit, isElsewhere, snapshotIdOf } from './metadata.ts';
import { type WrittenSnapshot, writeSnapshot } from './snapshot.ts';

/**
 * Commits a staged change against the state that it was prepared on. If that was loaded a moment ago, it is tried at once
 * where the catalog notices by itself that the table has moved on; otherwise, and where it has, after another look.
 */
export async function commitStaged(
  table: CatalogTable,
  staged: StagedCommit,
  base: TableState | undefined,
): Promise<CommitOutcome> {
  const tried = table.uniqueTokens === true && base !== undefined ? await tryAtOnce(table, staged, base) : undefined;
  if (tried !== undefined) return tried;
  const current = await table.load();
  if (current !== undefined && holdsCommit(current.metadata, staged.commitId))
    return committed(staged, current.metadata);
  const reason = conflictReason(staged, base, current?.metadata);
  if (reason !== undefined) return { kind: 'conflict', reason };
  const ground = current ?? (await table.ground?.());
  return swap(table, staged, ground, await writeSnapshot(table, staged, ground, base?.rows ?? 0));
}

/** Undefined: the table has to be looked at. */
async function tryAtOnce(
  table: CatalogTable,
  staged: StagedCommit,
  base: TableState,
): Promise<CommitOutcome | undefined> {
  const seen = freshOrigin(base);
  if (seen === undefined || staged.operation === 'create' || holdsCommit(seen.metadata, staged.commitId))
    return undefined;
  // A table that was dropped meanwhile may have lost its files.
  const written = await writeSnapshot(table, staged, seen, base.rows).catch(() => undefined);
  const outcome = written && (await swap(table, staged, seen, written));
  return outcome?.kind === 'conflict' ? undefined : outcome;
}

/** Makes a snapshot whose files are written visible; after a conflict they are gone. */
async function swap(
  table: CatalogTable,
  staged: StagedCommit,
  ground: CatalogState | undefined,
  { metadata, uris }: WrittenSnapshot,
): Promise<CommitOutcome> {
  let found: TableMetadata | undefined;
  const outcome = await table.commit(ground, metadata, (there) => {
    const own = holdsCommit(there.metadata, staged.commitId);
    if (own) found = there.metadata;
    return own;
  });
  if (outcome.kind === 'conflict') await discard(table.storage, uris);
  return outcome.kind === 'committed' ? committed(staged, found) : outcome;
}

/** `found`: the table in which the commit was found, where it was looked for. */
function committed(staged: StagedCommit, found: TableMetadata | undefined): CommitOutcome {
  const elsewhere = found !== undefined && isElsewhere(found, staged) ? { elsewhere: true as const } : {};
  return { kind: 'committed', snapshot: snapshotIdOf(staged.commitId).toString(), ...elsewhere };
}

/** Why the change no longer fits the table; undefined when it does. */
function conflictReason(
  staged: StagedCommit,
  base: TableState | undefined,
  current: TableMetadata | undefined,
): string | undefined {
  if (current === undefined)
    return base === undefined && staged.operation === 'create' ? undefined : 'The table is no longer there.';
  if (base === undefined || staged.operation === 'create') return 'A table has been created there meanwhile.';
  const loaded = identityOf(base);
  if (loaded !== undefined && loaded.uuid !== current['table-uuid']) {
    return `The table was dropped and created anew: its uuid was ${loaded.uuid} and is ${current['table-uuid']}.`;
  }
  const snapshot = currentSnapshot(current)?.['snapshot-id'].toString();
  if (snapshot !== base.snapshot) return `Another writer has committed snapshot ${snapshot ?? 'none'}.`;
  if (
    loaded !== undefined &&
    (loaded.schemaId !== current['current-schema-id'] || loaded.lastColumnId !== current['last-column-id'])
  ) {
    return 'Another writer has changed the schema.';
  }
  if (
    loaded !== undefined &&
    (loaded.specId !== current['default-spec-id'] || loaded.orderId !== current['default-sort-order-id'])
  ) {
    return 'Another writer has changed the partition spec or the sort order.';
  }
  return undefined;
}
