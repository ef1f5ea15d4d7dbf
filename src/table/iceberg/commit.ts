/**
 * One atomic commit: the snapshot's files, then `v<N+1>.metadata.json` put only if it is absent.
 * - Before that put nothing is visible; after it, everything.
 * - Nothing is ever deleted here: after an unknown outcome every file may be live.
 */
import type { CommitOutcome, StagedCommit, TableState } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import { identityOf } from './load.ts';
import { currentSnapshot, holdsCommit, printMetadata, snapshotIdOf } from './metadata.ts';
import { metadataKey } from './paths.ts';
import { writeSnapshot } from './snapshot.ts';
import { newestVersion, readVersion, writeHint } from './version.ts';
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
  const key = metadataKey(location, version);
  const put = await storage.putIf(key, Buffer.from(printMetadata(metadata)), { ifAbsent: true });
  switch (put.kind) {
    case 'written':
      await writeHint(storage, location, version);
      return committed(staged);
    case 'exists':
      return settleExisting(storage, staged, version, key);
    case 'unknown':
      return settleUnknown(storage, location, staged, put.cause);
  }
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

/** The version is taken: by us, if a retry below met its own first try, else by another writer. */
async function settleExisting(
  storage: Storage,
  staged: StagedCommit,
  version: number,
  key: string,
): Promise<CommitOutcome> {
  try {
    const there = await readVersion(storage, version, key);
    if (holdsCommit(there.metadata, staged.commitId)) return committed(staged);
    return { kind: 'conflict', reason: `Another writer has committed version ${version}.` };
  } catch (cause) {
    return { kind: 'unknown', reason: `Version ${version} of the metadata is there, but cannot be read.`, cause };
  }
}

/** Absent now may still arrive later, so "not found" stays unknown. */
async function settleUnknown(
  storage: Storage,
  location: string,
  staged: StagedCommit,
  cause: unknown,
): Promise<CommitOutcome> {
  try {
    const newest = await newestVersion(storage, location);
    if (newest !== undefined && holdsCommit(newest.metadata, staged.commitId)) {
      await writeHint(storage, location, newest.version);
      return committed(staged);
    }
  } catch {
    return { kind: 'unknown', reason: 'The reply to the commit was lost, and the table cannot be read.', cause };
  }
  return { kind: 'unknown', reason: 'The reply to the commit was lost, and the table does not show it yet.', cause };
}
