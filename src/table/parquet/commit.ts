import { TailraceError } from '../../model/errors.ts';
import type { CommitOutcome } from '../../model/table.ts';
import type { PutCondition, PutOutcome } from '../../storage/port.ts';
import { encodeManifest, type Manifest, type PreviousGeneration, type ReadManifest } from './manifest.ts';

/** How many former generations a manifest remembers. */
const PREVIOUS_MAX = 50;

export interface ManifestCommit {
  readonly manifest: Omit<Manifest, 'previous'>;
  /** The generation that the change was prepared against; undefined: no table. */
  readonly base: string | undefined;
  readonly read: () => Promise<ReadManifest | undefined>;
  readonly put: (body: Uint8Array, condition: PutCondition) => Promise<PutOutcome>;
}

/**
 * Swaps the manifest if it is still the one that the change was prepared against. The put is never repeated:
 * where its reply says little, reading back for the own commit id settles it, or the outcome stays unknown.
 */
export async function commitManifest(commit: ManifestCommit): Promise<CommitOutcome> {
  const before = await commit.read();
  const settled = judge(commit, before);
  if (settled !== undefined) return settled;
  const body = encodeManifest({ ...commit.manifest, previous: previousOf(before?.manifest) });
  const condition: PutCondition = before === undefined ? { ifAbsent: true } : { ifMatch: before.etag };
  const outcome = await attempt(() => commit.put(body, condition));
  if (outcome.kind === 'written') return { kind: 'committed', snapshot: commit.manifest.generation };
  return readBack(commit, outcome);
}

/** Committed or conflict as far as a manifest tells; undefined: it is still the base. */
function judge(commit: ManifestCommit, now: ReadManifest | undefined): CommitOutcome | undefined {
  const { commitId, generation } = commit.manifest;
  const landed =
    now !== undefined && [now.manifest, ...now.manifest.previous].some((former) => former.commitId === commitId);
  if (landed) return { kind: 'committed', snapshot: generation };
  if (now?.manifest.generation === commit.base) return undefined;
  if (now === undefined) return { kind: 'conflict', reason: 'The table’s manifest is gone.' };
  const { ledger } = now.manifest;
  return {
    kind: 'conflict',
    reason: `Another writer committed generation ${now.manifest.generation}, commit ${ledger.commitId}.`,
  };
}

async function attempt(put: () => Promise<PutOutcome>): Promise<PutOutcome> {
  try {
    return await put();
  } catch (error) {
    // A store that does not answer may have taken the object all the same.
    if (error instanceof TailraceError && error.code === 'UNREACHABLE') return { kind: 'unknown', cause: error };
    throw error;
  }
}

async function readBack(commit: ManifestCommit, outcome: PutOutcome): Promise<CommitOutcome> {
  const cause = outcome.kind === 'unknown' ? outcome.cause : undefined;
  try {
    const settled = judge(commit, await commit.read());
    if (settled !== undefined) return settled;
    if (outcome.kind === 'exists') {
      return {
        kind: 'conflict',
        reason: 'The manifest was changed and changed back, or the store refused to swap it.',
      };
    }
  } catch (error) {
    return { kind: 'unknown', reason: 'The manifest could not be read back.', cause: cause ?? error };
  }
  // The put may still land: the base is untouched, so its condition still holds.
  return {
    kind: 'unknown',
    reason: 'The reply of the store was lost, and the manifest is still the one before.',
    cause,
  };
}

function previousOf(before: Manifest | undefined): readonly PreviousGeneration[] {
  if (before === undefined) return [];
  const { generation, commitId, committedMs, previous } = before;
  return [{ generation, commitId, committedMs }, ...previous].slice(0, PREVIOUS_MAX);
}
