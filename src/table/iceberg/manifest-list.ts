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
  /** Counts are negative where a writer left them out. */
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

/** Whether the manifest may name a file that is live. */
export function isLive(line: ManifestFile): boolean {
  return line.added_files_count !== 0 || line.existing_files_count !== 0;
}

/** Whether the line says how many files and rows the manifest has, as every line of format version 2 must. */
export function isCounted(line: ManifestFile): boolean {
  const files = [line.added_files_count, line.existing_files_count, line.deleted_files_count];
  const rows = [line.added_rows_count, line.existing_rows_count, line.deleted_rows_count];
  return files.every((count) => count >= 0) && rows.every((count) => count >= 0n);
}

/** The lines of a manifest list, of whatever writer. */
export async function readManifestList(bytes: Uint8Array, place: string): Promise<readonly ManifestFile[]> {
  const { records, schema } = await readAvroFile(bytes, place);
  const names = new Map((schema as AvroRecord).fields.map((field) => [field['field-id'], field.name] as const));
  const read = FIELDS.map((field) => [field.name, names.get(field['field-id']) ?? field.name] as const);
  return records.map((record) => {
    const raw = record as Readonly<Record<string, unknown>>;
    return {
      ...DEFAULTS,
      ...Object.fromEntries(read.flatMap(([name, from]) => (raw[from] == null ? [] : [[name, raw[from]]]))),
    } as ManifestFile;
  });
}

interface AvroRecord {
  readonly fields: readonly { readonly name: string; readonly 'field-id': number }[];
}

const FIELDS = (MANIFEST_FILE_SCHEMA as AvroRecord).fields;

/** What older writers leave out: format version 1 has no contents and no sequence numbers, and need not count. */
const DEFAULTS = {
  content: 0,
  sequence_number: 0n,
  min_sequence_number: 0n,
  added_files_count: -1,
  existing_files_count: -1,
  deleted_files_count: -1,
  added_rows_count: -1n,
  existing_rows_count: -1n,
  deleted_rows_count: -1n,
  partitions: null,
  key_metadata: null,
};
