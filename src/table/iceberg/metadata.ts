/** Table metadata as a value: the questions that are asked of it. */
import { createHash } from 'node:crypto';
import type { IcebergSchema, PartitionSpec, Snapshot, TableMetadata } from '../../catalog/metadata/wire.ts';
import { TailraceError } from '../../model/errors.ts';
import type { Ledger, StagedCommit, TableOptions } from '../../model/table.ts';
import { fromParts } from './parts.ts';

/** Table property: the ledger as JSON. */
export const LEDGER_PROPERTY = 'tailrace.ledger';
/** Table property: the options that the columns follow from, as JSON; in parts when it is long. */
export const OPTIONS_PROPERTY = 'tailrace.options';
/** Key in snapshot summaries: the id of the commit that made the snapshot. */
export const COMMIT_ID = 'tailrace.commit-id';
/** Snapshot summary: when the commit was staged, which tells two runs of one commit apart. */
export const STAGED_MS = 'tailrace.staged-ms';
/** Table property: the sequence number of the snapshot that the ledger belongs to. */
export const LEDGER_SEQUENCE = 'tailrace.ledger-sequence-number';
/** Key in summaries of snapshots with delete files: the rows that readers see. */
export const LIVE_RECORDS = 'tailrace.live-records';

/** The snapshot id of a commit: the same for every attempt, positive, 63 bits. */
export function snapshotIdOf(commitId: string): bigint {
  const id = createHash('sha256').update(commitId).digest().readBigUInt64BE() >> 1n;
  return id === 0n ? 1n : id;
}

/** The current snapshot, if the table has any. */
export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  const id = metadata['current-snapshot-id'] ?? undefined;
  return id === undefined || id === -1n
    ? undefined
    : metadata.snapshots?.find((snapshot) => snapshot['snapshot-id'] === id);
}

/** The current schema. */
export function currentSchema(metadata: TableMetadata, place: string): IcebergSchema {
  const schema = metadata.schemas.find((candidate) => candidate['schema-id'] === metadata['current-schema-id']);
  if (schema === undefined) throw damaged(place, `schema ${metadata['current-schema-id']}`);
  return schema;
}

/** A partition spec by its id. */
export function specOf(metadata: TableMetadata, specId: number, place: string): PartitionSpec {
  const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === specId);
  if (spec === undefined) throw damaged(place, `partition spec ${specId}`);
  return spec;
}

/** Whether the table has taken this commit: by its ledger, a summary, or the log of snapshots that have expired since. */
export function holdsCommit(metadata: TableMetadata, commitId: string): boolean {
  const id = snapshotIdOf(commitId);
  return (
    readLedger(metadata, metadata.location)?.commitId === commitId ||
    (metadata.snapshots ?? []).some((snapshot) => snapshot.summary[COMMIT_ID] === commitId) ||
    (metadata['snapshot-log'] ?? []).some((entry) => entry['snapshot-id'] === id)
  );
}

/** Whether the snapshot of a commit that the table holds was staged at another time: by another run. */
export function isElsewhere(metadata: TableMetadata, { commitId, timestampMs }: StagedCommit): boolean {
  const snapshot = (metadata.snapshots ?? []).find(({ summary }) => summary[COMMIT_ID] === commitId);
  const staged = snapshot?.summary[STAGED_MS];
  return staged !== undefined && staged !== String(timestampMs);
}

/** The sequence number of the ledger's snapshot; undefined in tables of earlier versions. */
export function ledgerSequence(metadata: TableMetadata): bigint | undefined {
  const text = metadata.properties?.[LEDGER_SEQUENCE];
  return text !== undefined && /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
}

/** The ledger that the table holds; undefined for a table that tailrace did not write. */
export function readLedger(metadata: TableMetadata, place: string): Ledger | undefined {
  const text = metadata.properties?.[LEDGER_PROPERTY];
  if (text === undefined) return undefined;
  try {
    const ledger = JSON.parse(text) as Ledger;
    if (ledger.version !== 1) throw new Error(`its version is ${String(ledger.version)}`);
    return ledger;
  } catch (error) {
    throw new TailraceError('TARGET_BAD', `The property ${LEDGER_PROPERTY} of the table cannot be read.`, {
      place,
      expected: 'version 1',
      found: error instanceof Error ? error.message : String(error),
      cause: error,
      hint: 'The table was written by a newer tailrace, or the property was edited. Use that version, or restore the property.',
    });
  }
}

/** The options that the table's columns follow from; undefined where none are recorded. */
export function readOptions(metadata: TableMetadata, place: string): TableOptions | undefined {
  const text = fromParts(OPTIONS_PROPERTY, metadata.properties ?? {});
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as TableOptions;
  } catch (cause) {
    throw new TailraceError('TARGET_BAD', `The property ${OPTIONS_PROPERTY} of the table cannot be read.`, {
      place,
      expected: 'JSON',
      cause,
      hint: 'The property was edited; restore it, or remove it: the next load then needs its options again.',
    });
  }
}

function damaged(place: string, what: string): TailraceError {
  return new TailraceError('TARGET_BAD', `The table's metadata names ${what}, which it does not hold.`, {
    place,
    hint: 'The table is damaged; restore its metadata from a backup or a replica.',
  });
}
