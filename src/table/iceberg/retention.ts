/**
 * Which snapshots and references an expiry may take (Iceberg specification, “Snapshot Retention Policy”). What was asked
 * for is the least that stays: a branch's own retention can keep more, never less. Pure.
 */
import type { Snapshot, SnapshotRef, TableMetadata } from '../../catalog/metadata/wire.ts';
import { currentSnapshot } from './metadata.ts';

/** The branch that readers see, which never expires. */
const MAIN = 'main';
/** Table properties that stand in for what a reference does not say of itself. */
const MIN_KEEP = 'history.expire.min-snapshots-to-keep';
const MAX_REF_AGE = 'history.expire.max-ref-age-ms';

export interface RetentionRequest {
  readonly olderThanMs: number;
  readonly minKeep: number;
  /** The time by which ages count. */
  readonly timestampMs: number;
}

export interface Doomed {
  readonly snapshots: readonly Snapshot[];
  /** Names of branches and tags that have outlived the age that their owner gave them. */
  readonly refs: readonly string[];
}

/** Snapshots that no branch or tag needs any more, and the references that are too old themselves. */
export function doomed(metadata: TableMetadata, request: RetentionRequest): Doomed {
  const byId = new Map((metadata.snapshots ?? []).map((snapshot) => [snapshot['snapshot-id'], snapshot]));
  const refs = Object.entries(metadata.refs ?? {});
  const old = refs.filter(([name, ref]) => isTooOld(name, ref, byId, metadata, request)).map(([name]) => name);
  const kept = new Set<Snapshot>();
  const keep = (head: Snapshot | undefined, ref: SnapshotRef | undefined): void => {
    if (ref?.type === 'tag') {
      if (head !== undefined) kept.add(head);
      return;
    }
    const least = Math.max(request.minKeep, ref?.['min-snapshots-to-keep'] ?? numberOf(metadata, MIN_KEEP) ?? 1, 1);
    const olderThanMs = Math.min(
      request.olderThanMs,
      request.timestampMs - (ref?.['max-snapshot-age-ms'] ?? Number.NEGATIVE_INFINITY),
    );
    let count = 0;
    for (let at = head; at !== undefined; count += 1) {
      if (count < least || at['timestamp-ms'] >= olderThanMs) kept.add(at);
      const parent: bigint | undefined = at['parent-snapshot-id'];
      at = parent === undefined ? undefined : byId.get(parent);
    }
  };
  keep(currentSnapshot(metadata), metadata.refs?.[MAIN]);
  for (const [name, ref] of refs) if (!old.includes(name)) keep(byId.get(ref['snapshot-id']), ref);
  const { olderThanMs } = request;
  const snapshots = [...byId.values()].filter((one) => !kept.has(one) && one['timestamp-ms'] < olderThanMs);
  return { snapshots, refs: old };
}

function isTooOld(
  name: string,
  ref: SnapshotRef,
  byId: ReadonlyMap<bigint, Snapshot>,
  metadata: TableMetadata,
  { timestampMs }: RetentionRequest,
): boolean {
  const age = ref['max-ref-age-ms'] ?? numberOf(metadata, MAX_REF_AGE);
  const head = byId.get(ref['snapshot-id']);
  return name !== MAIN && age !== undefined && head !== undefined && timestampMs - head['timestamp-ms'] > age;
}

/** A property that is no positive number counts as not set. */
function numberOf({ properties }: TableMetadata, name: string): number | undefined {
  const value = Number(properties?.[name]);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
