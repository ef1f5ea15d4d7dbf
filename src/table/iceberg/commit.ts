/** One atomic commit: the snapshot's files, then the metadata. Before that put nothing is visible; after it, everything. */
import type { CommitOutcome, StagedCommit, TableState } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import { identityOf } from './load.ts';
import { currentSnapshot, holdsCommit, snapshotIdOf } from './metadata.ts';
import { publish } from './publish.ts';
import { writeSnapshot } from './snapshot.ts';
import { newestVersion } from './version.ts';
import type { TableMetadata } from './wire.ts';

/** Commits a staged change against the state that it was prepared on. */
export async function commitStaged(
  storage: Storage,
  location: string,
  staged: StagedCommit,
  base: TableState | undefined,
): Promise<CommitOutcome> {
  const current = await newestVersion(storage, location);
  if (current !== undefined && holdsCommit(current.metadata, staged.commitId)) return committed(staged);
  const reason = conflictReason(staged, base, current?.metadata);
  if (reason !== undefined) return { kind: 'conflict', reason };
  const version = (current?.version ?? 0) + 1;
  const metadata = await writeSnapshot(storage, location, staged, current, version, base?.rows ?? 0);
  const published = await publish(storage, location, version, metadata, (there) =>
    holdsCommit(there.metadata, staged.commitId),
  );
  return published.kind === 'published' ? committed(staged) : published;
}

function committed(staged: StagedCommit): CommitOutcome {
  return { kind: 'committed', snapshot: snapshotIdOf(staged.commitId).toString() };
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
  return undefined;
}
