/** Metadata carried forward by one commit. Pure; what another writer put there and tailrace does not know is kept. */
import { randomUUID } from 'node:crypto';
import type { IcebergSchema, MetadataLogEntry, Snapshot, TableMetadata } from '../../catalog/metadata/wire.ts';
import { TailraceError } from '../../model/errors.ts';
import type { StagedCommit } from '../../model/table.ts';
import { MAPPING_PROPERTY, mappingProperties } from './mapping.ts';
import { LEDGER_PROPERTY, LEDGER_SEQUENCE, OPTIONS_PROPERTY } from './metadata.ts';
import { inParts, isPartOf } from './parts.ts';
import { ambiguousName, icebergSchema, nameMapping, sameSchema } from './schema.ts';
import { evolveSortOrder, evolveSpec } from './spec.ts';

/** Catalogs limit properties; a ledger must stay below this many bytes. */
const LEDGER_BYTES = 4096;
/** Former metadata files that the log names, unless the table says otherwise (Iceberg's default). */
const METADATA_LOG_LENGTH = 100;
const PREVIOUS_VERSIONS = 'write.metadata.previous-versions-max';

/** Metadata before it has the commit's snapshot: a rewrite changes nothing of it, all else brings schema and ledger. */
export function stageMetadata(
  former: TableMetadata | undefined,
  staged: StagedCommit,
  location: string,
  formerFile: string | undefined,
): TableMetadata {
  if (staged.operation !== 'rewrite' || former === undefined) return evolved(former, staged, location, formerFile);
  return {
    ...former,
    'last-updated-ms': nextTime(former, staged.timestampMs),
    'metadata-log': metadataLog(former, formerFile),
  };
}

/** A table's time never goes back, whatever the clocks of its writers say. */
export function nextTime(former: TableMetadata | undefined, timestampMs: number): number {
  return Math.max(timestampMs, (former?.['last-updated-ms'] ?? -1) + 1);
}

/** Metadata with the staged schema, spec, order and properties. */
function evolved(
  former: TableMetadata | undefined,
  staged: StagedCommit,
  location: string,
  formerFile: string | undefined,
): TableMetadata {
  const schemas = former?.schemas ?? [];
  const nextSchema = icebergSchema(
    staged.schema,
    schemas.reduce((most, { 'schema-id': id }) => Math.max(most, id + 1), 0),
  );
  refuseAmbiguousNames(nextSchema, location);
  const sameAs = schemas.find((schema) => sameSchema(schema, nextSchema));
  const specs = former?.['partition-specs'] ?? [];
  const { spec, lastPartitionId } = evolveSpec(
    staged.partition,
    staged.schema,
    specs,
    former?.['last-partition-id'] ?? 0,
  );
  const orders = former?.['sort-orders'] ?? [];
  const order = evolveSortOrder(staged.sort, staged.schema, orders);
  return {
    ...(former ?? {}),
    'format-version': 2,
    'table-uuid': former?.['table-uuid'] ?? randomUUID(),
    location: former?.location ?? location,
    'last-sequence-number': former?.['last-sequence-number'] ?? 0n,
    'last-updated-ms': nextTime(former, staged.timestampMs),
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
    'snapshot-log': [
      ...(metadata['snapshot-log'] ?? []),
      { 'timestamp-ms': snapshot['timestamp-ms'], 'snapshot-id': id },
    ],
  };
}

function properties(
  former: TableMetadata | undefined,
  staged: StagedCommit,
  schema: IcebergSchema,
): Record<string, string> {
  const ledger = JSON.stringify(staged.ledger);
  if (Buffer.byteLength(ledger) > LEDGER_BYTES) {
    throw new TailraceError('INTERNAL', `The ledger has outgrown its ${LEDGER_BYTES} bytes.`, {
      found: `${ledger.length} characters`,
    });
  }
  const anew = [MAPPING_PROPERTY, ...(staged.options === undefined ? [] : [OPTIONS_PROPERTY])];
  const kept = Object.entries(former?.properties ?? {}).filter(([name]) => !anew.some((each) => isPartOf(each, name)));
  return {
    'write.parquet.compression-codec': 'zstd',
    ...Object.fromEntries(kept),
    'schema.name-mapping.default': nameMapping(schema),
    ...mappingProperties(staged.schema),
    ...(staged.options === undefined ? {} : inParts(OPTIONS_PROPERTY, JSON.stringify(staged.options))),
    [LEDGER_PROPERTY]: ledger,
    [LEDGER_SEQUENCE]: String((former?.['last-sequence-number'] ?? 0n) + 1n),
  };
}

/** The log of former metadata files, with the last one in it. */
export function metadataLog(
  former: TableMetadata | undefined,
  formerFile: string | undefined,
): readonly MetadataLogEntry[] {
  const log = former?.['metadata-log'] ?? [];
  if (former === undefined || formerFile === undefined) return log;
  return [...log, { 'timestamp-ms': former['last-updated-ms'], 'metadata-file': formerFile }].slice(-logLength(former));
}

function refuseAmbiguousNames(schema: IcebergSchema, place: string): void {
  const name = ambiguousName(schema);
  if (name === undefined) return;
  throw new TailraceError('INTERNAL', `Two columns of the table have the full name ${name}, which Iceberg forbids.`, {
    place,
    expected: 'one field for each full name',
    found: name,
    hint: `Give one of them another name in a schema file, or leave it out: --exclude '${name}'.`,
  });
}

function logLength(metadata: TableMetadata): number {
  const length = Number(metadata.properties?.[PREVIOUS_VERSIONS]);
  return Number.isSafeInteger(length) && length > 0 ? length : METADATA_LOG_LENGTH;
}
