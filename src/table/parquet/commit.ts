import { TailraceError } from '../../model/errors.ts';
import type { CommitOutcome } from '../../model/table.ts';
import { ObjectNotFound, type PutCondition, type PutOutcome } from '../../storage/port.ts';
import { encodeManifest, type Manifest, PREVIOUS_MAX, type PreviousGeneration, type ReadManifest } from './manifest.ts';

/** What a change was prepared against. A generation may outlive a commit that changes no file, but its ledger does not. */
export interface ManifestBase {
  readonly generation: string | undefined;
  readonly ledgerId: string | undefined;
}

export interface ManifestCommit {
  readonly commitId: string;
  /** When it was staged, which tells two runs of one commit apart. */
  readonly committedMs: number;
  /** Undefined: no table. */
  readonly base: ManifestBase | undefined;
  readonly read: () => Promise<ReadManifest | undefined>;
  /** Puts the files in their places and gives the manifest that names them, on top of the base's. */
  readonly prepare: (before: Manifest | undefined) => Promise<Omit<Manifest, 'previous'>>;
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
  let manifest: Omit<Manifest, 'previous'>;
  try {
    manifest = await commit.prepare(before?.manifest);
  } catch (error) {
    if (!(error instanceof ObjectNotFound)) throw error;
    // Whoever replaced the base may have swept its files away since.
    const overtaken = judge(commit, await commit.read());
    if (overtaken !== undefined) return overtaken;
    throw fileGone(error);
  }
  const body = encodeManifest({ ...manifest, previous: previousOf(before?.manifest) });
  const condition: PutCondition = before === undefined ? { ifAbsent: true } : { ifMatch: before.etag };
  const outcome = await attempt(() => commit.put(body, condition));
  if (outcome.kind === 'written') return committed(manifest.generation, manifest.published);
  return readBack(commit, outcome);
}

/** Committed or conflict as far as a manifest tells; undefined: it is still the base. */
function judge(commit: ManifestCommit, now: ReadManifest | undefined): CommitOutcome | undefined {
  const own = now && [now.manifest, ...now.manifest.previous].find((former) => former.commitId === commit.commitId);
  if (own !== undefined) {
    const elsewhere = own.committedMs === commit.committedMs ? {} : { elsewhere: true as const };
    return { ...committed(own.generation, now?.manifest.published), ...elsewhere };
  }
  const { base } = commit;
  const isBase = now?.manifest.generation === base?.generation && now?.manifest.ledger.commitId === base?.ledgerId;
  if (isBase) return undefined;
  if (now === undefined) return { kind: 'conflict', reason: 'The table’s manifest is gone.' };
  const { ledger } = now.manifest;
  return {
    kind: 'conflict',
    reason: `Another writer committed generation ${now.manifest.generation}, commit ${ledger.commitId}.`,
  };
}

function committed(snapshot: string, published: string | undefined): CommitOutcome {
  return { kind: 'committed', snapshot, ...(published === undefined ? {} : { published }) };
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
  const { generation, commitId, committedMs, published, previous } = before;
  const last = { generation, commitId, committedMs, ...(published === undefined ? {} : { scattered: true }) };
  return [last, ...previous].slice(0, PREVIOUS_MAX);
}

function fileGone(cause: ObjectNotFound): TailraceError {
  return new TailraceError('TARGET_BAD', 'A data file that the table’s manifest names is gone.', {
    place: cause.uri,
    found: cause.message,
    cause,
    hint: 'Another program deleted it: restore it, or load the table anew with --replace.',
  });
}
