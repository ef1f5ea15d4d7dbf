/** Manifest lists: the manifests of one snapshot. */

import { avroFile, avroType, readAvroFile } from './avro.ts';
import { MANIFEST_FILE_SCHEMA } from './avro-schemas.ts';
import type { FieldSummary } from './partition.ts';

/** One line of a manifest list, with the spec's names. */
export interface ManifestFile {
  readonly manifest_path: string;
  readonly manifest_length: bigint;
  readonly partition_spec_id: number;
  /** 0: data files, 1: delete files. */
  readonly content: number;
  readonly sequence_number: bigint;
  readonly min_sequence_number: bigint;
  readonly added_snapshot_id: bigint;
  readonly added_files_count: number;
  readonly existing_files_count: number;
  readonly deleted_files_count: number;
  readonly added_rows_count: bigint;
  readonly existing_rows_count: bigint;
  readonly deleted_rows_count: bigint;
  readonly partitions: readonly FieldSummary[] | null;
  readonly key_metadata: Buffer | null;
}

/** The Avro file of a snapshot's manifests. */
export async function writeManifestList(
  lines: readonly ManifestFile[],
  snapshotId: bigint,
  parentId: bigint | undefined,
  sequenceNumber: bigint,
): Promise<Buffer> {
  const type = await avroType(MANIFEST_FILE_SCHEMA);
  const header = {
    'snapshot-id': String(snapshotId),
    'parent-snapshot-id': parentId === undefined ? 'null' : String(parentId),
    'sequence-number': String(sequenceNumber),
    'format-version': '2',
  };
  return avroFile(
    MANIFEST_FILE_SCHEMA,
    header,
    lines.map((line) => type.toBuffer(line)),
  );
}

/** The lines of a manifest list, of whatever writer. */
export async function readManifestList(bytes: Uint8Array, place: string): Promise<readonly ManifestFile[]> {
  const { records } = await readAvroFile(bytes, place);
  return records.map((record) => record as ManifestFile);
}
