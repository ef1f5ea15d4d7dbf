/**
 * Table metadata as a value: read, printed, made, and carried forward by one snapshot. Pure; what another writer
 * put there and tailrace does not know is kept.
 */
import { createHash, randomUUID } from 'node:crypto';
import { isInteger, parse, stringify } from 'lossless-json';
import { TailraceError } from '../../model/errors.ts';
import type { Ledger, StagedCommit } from '../../model/table.ts';
import { isMappingProperty, mappingProperties } from './mapping.ts';
import { icebergSchema, nameMapping, sameSchema } from './schema.ts';
import { evolveSortOrder, evolveSpec } from './spec.ts';
import type { IcebergSchema, MetadataLogEntry, PartitionSpec, Snapshot, TableMetadata } from './wire.ts';

export const LEDGER_PROPERTY = 'tailrace.ledger';
export const COMMIT_ID = 'tailrace.commit-id';
/** Catalogs limit properties; a ledger must stay below this many bytes. */
export const LEDGER_BYTES = 4096;
/** Former metadata files that the log names (Iceberg's default). */
const METADATA_LOG_LENGTH = 100;

const WIDE_KEYS = new Set([
  'snapshot-id', 'parent-snapshot-id', 'current-snapshot-id', 'sequence-number', 'last-sequence-number',
]);

/** Metadata from its JSON, with 64-bit numbers exact. `place` is its URI, for errors. */
export function parseMetadata(text: string, place: string): TableMetadata {
  const metadata = parseJson(text, place);
  const version = metadata?.['format-version'];
  if (version !== 2 || !Array.isArray(metadata?.schemas) || !Array.isArray(metadata['partition-specs'])) {
    throw new TailraceError('TARGET_BAD', `${place} is not the metadata of an Iceberg table of format version 2.`, {
      place, expected: 'format-version 2', found: `format-version ${String(version)}`,
      hint: version === 1 ? "Upgrade the table ('format-version'='2') or choose another target." : 'Choose another target.',
    });
  }
  return metadata;
}

/** The metadata's JSON. */
export function printMetadata(metadata: TableMetadata): string {
  return stringify(metadata) ?? '';
}

/** The snapshot id of a commit: the same for every attempt, positive, 63 bits. */
export function snapshotIdOf(commitId: string): bigint {
  const id = createHash('sha256').update(commitId).digest().readBigUInt64BE() >> 1n;
  return id === 0n ? 1n : id;
}

/** The current snapshot, if the table has any. */
export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  const id = metadata['current-snapshot-id'] ?? undefined;
  return id === undefined || id === -1n ? undefined : metadata.snapshots?.find((snapshot) => snapshot['snapshot-id'] === id);
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
  return readLedger(metadata, metadata.location)?.commitId === commitId
    || (metadata.snapshots ?? []).some((snapshot) => snapshot.summary[COMMIT_ID] === commitId)
    || (metadata['snapshot-log'] ?? []).some((entry) => entry['snapshot-id'] === id);
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
      place, expected: 'version 1', found: error instanceof Error ? error.message : String(error), cause: error,
      hint: 'The table was written by a newer tailrace, or the property was edited. Use that version, or restore the property.',
    });
  }
}

/** Metadata with the staged schema, spec, order and properties, before it has the commit's snapshot. */
export function stageMetadata(
  former: TableMetadata | undefined, staged: StagedCommit, location: string, formerFile: string | undefined,
): TableMetadata {
  const schemas = former?.schemas ?? [];
  const nextSchema = icebergSchema(staged.schema, schemas.reduce((most, { 'schema-id': id }) => Math.max(most, id + 1), 0));
  const sameAs = schemas.find((schema) => sameSchema(schema, nextSchema));
  const specs = former?.['partition-specs'] ?? [];
  const { spec, lastPartitionId } = evolveSpec(staged.partition, staged.schema, specs, former?.['last-partition-id'] ?? 0);
  const orders = former?.['sort-orders'] ?? [];
  const order = evolveSortOrder(staged.sort, staged.schema, orders);
  return {
    ...(former ?? {}),
    'format-version': 2,
    'table-uuid': former?.['table-uuid'] ?? randomUUID(),
    location: former?.location ?? location,
    'last-sequence-number': former?.['last-sequence-number'] ?? 0n,
    // A table's time never goes back, whatever the clocks of its writers say.
    'last-updated-ms': Math.max(staged.timestampMs, (former?.['last-updated-ms'] ?? -1) + 1),
    'last-column-id': Math.max(staged.schema.lastFieldId, former?.['last-column-id'] ?? 0),
    'current-schema-id': (sameAs ?? nextSchema)['schema-id'],
    schemas: sameAs === undefined ? [...schemas, nextSchema] : schemas,
    'default-spec-id': spec['spec-id'],
    'partition-specs': specs.includes(spec) ? specs : [...specs, spec],
    'last-partition-id': lastPartitionId,
    'default-sort-order-id': order['order-id'],
    'sort-orders': orders.includes(order) ? orders : [...orders, order],
    properties: properties(former, staged, sameAs ?? nextSchema),
    'current-snapshot-id': former?.['current-snapshot-id'] ?? -1n,
    refs: former?.refs ?? {},
    snapshots: former?.snapshots ?? [],
    statistics: former?.statistics ?? [],
    'snapshot-log': former?.['snapshot-log'] ?? [],
    'metadata-log': metadataLog(former, formerFile),
  };
}

/** Metadata whose main branch is at this snapshot. */
export function withSnapshot(metadata: TableMetadata, snapshot: Snapshot): TableMetadata {
  const id = snapshot['snapshot-id'];
  return {
    ...metadata,
    'last-sequence-number': snapshot['sequence-number'],
    'current-snapshot-id': id,
    refs: { ...metadata.refs, main: { ...metadata.refs?.['main'], 'snapshot-id': id, type: 'branch' } },
    snapshots: [...(metadata.snapshots ?? []), snapshot],
    'snapshot-log': [...(metadata['snapshot-log'] ?? []), { 'timestamp-ms': snapshot['timestamp-ms'], 'snapshot-id': id }],
  };
}

function properties(former: TableMetadata | undefined, staged: StagedCommit, schema: IcebergSchema): Record<string, string> {
  const ledger = JSON.stringify(staged.ledger);
  if (Buffer.byteLength(ledger) > LEDGER_BYTES) {
    throw new TailraceError('INTERNAL', `The ledger has outgrown its ${LEDGER_BYTES} bytes.`, { found: `${ledger.length} characters` });
  }
  const kept = Object.entries(former?.properties ?? {}).filter(([name]) => !isMappingProperty(name));
  return {
    'write.parquet.compression-codec': 'zstd',
    ...Object.fromEntries(kept),
    'schema.name-mapping.default': nameMapping(schema),
    ...mappingProperties(staged.schema),
    [LEDGER_PROPERTY]: ledger,
  };
}

function metadataLog(former: TableMetadata | undefined, formerFile: string | undefined): readonly MetadataLogEntry[] {
  const log = former?.['metadata-log'] ?? [];
  if (former === undefined || formerFile === undefined) return log;
  return [...log, { 'timestamp-ms': former['last-updated-ms'], 'metadata-file': formerFile }].slice(-METADATA_LOG_LENGTH);
}

function parseJson(text: string, place: string): TableMetadata | undefined {
  const number = (digits: string): number | bigint =>
    isInteger(digits) && !Number.isSafeInteger(Number(digits)) ? BigInt(digits) : Number(digits);
  const widen = (key: string, value: unknown): unknown =>
    WIDE_KEYS.has(key) && typeof value === 'number' ? BigInt(value) : value;
  try {
    return parse(text, widen, number) as TableMetadata | undefined;
  } catch (error) {
    throw new TailraceError('TARGET_BAD', `${place} is not JSON.`, {
      place, cause: error, hint: 'The table is damaged; restore the file from a backup or a replica.',
    });
  }
}

function damaged(place: string, what: string): TailraceError {
  return new TailraceError('TARGET_BAD', `The table's metadata names ${what}, which it does not hold.`, {
    place, hint: 'The table is damaged; restore its metadata from a backup or a replica.',
  });
}
