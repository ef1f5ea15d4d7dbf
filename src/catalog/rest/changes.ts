/**
 * What a REST catalog is told of a commit: the updates that lead from one state of a table to the next, and the
 * requirements under which they may be made (REST specification, “CommitTableRequest”). Pure. Logs and times are the
 * catalog's own; ids that it gives out itself are named by -1, “the one added last”, as other clients do.
 */
import { TailraceError } from '../../model/errors.ts';
import type {
  IcebergSchema,
  PartitionSpec,
  Snapshot,
  SnapshotRef,
  SortOrder,
  StatisticsFile,
  TableMetadata,
} from '../metadata/wire.ts';

export type TableUpdate =
  | { readonly action: 'assign-uuid'; readonly uuid: string }
  | { readonly action: 'upgrade-format-version'; readonly 'format-version': number }
  | { readonly action: 'add-schema'; readonly schema: IcebergSchema; readonly 'last-column-id': number }
  | { readonly action: 'set-current-schema'; readonly 'schema-id': number }
  | { readonly action: 'add-spec'; readonly spec: PartitionSpec }
  | { readonly action: 'set-default-spec'; readonly 'spec-id': number }
  | { readonly action: 'add-sort-order'; readonly 'sort-order': SortOrder }
  | { readonly action: 'set-default-sort-order'; readonly 'sort-order-id': number }
  | { readonly action: 'set-location'; readonly location: string }
  | { readonly action: 'set-properties'; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: 'remove-properties'; readonly removals: readonly string[] }
  | { readonly action: 'add-snapshot'; readonly snapshot: Snapshot }
  | ({ readonly action: 'set-snapshot-ref'; readonly 'ref-name': string } & SnapshotRef)
  | { readonly action: 'remove-snapshot-ref'; readonly 'ref-name': string }
  | { readonly action: 'remove-snapshots'; readonly 'snapshot-ids': readonly bigint[] }
  | {
      readonly action: 'set-statistics';
      readonly 'snapshot-id': bigint;
      readonly statistics: StatisticsFile;
    }
  | { readonly action: 'remove-statistics' | 'remove-partition-statistics'; readonly 'snapshot-id': bigint }
  | { readonly action: 'set-partition-statistics'; readonly 'partition-statistics': StatisticsFile };

export interface TableChanges {
  readonly requirements: readonly Requirement[];
  readonly updates: readonly TableUpdate[];
}

export type Requirement =
  | { readonly type: 'assert-create' }
  | { readonly type: 'assert-table-uuid'; readonly uuid: string }
  | { readonly type: 'assert-ref-snapshot-id'; readonly ref: string; readonly 'snapshot-id': bigint | null }
  | { readonly type: 'assert-last-assigned-field-id'; readonly 'last-assigned-field-id': number }
  | { readonly type: 'assert-current-schema-id'; readonly 'current-schema-id': number }
  | { readonly type: 'assert-last-assigned-partition-id'; readonly 'last-assigned-partition-id': number }
  | { readonly type: 'assert-default-spec-id'; readonly 'default-spec-id': number }
  | { readonly type: 'assert-default-sort-order-id'; readonly 'default-sort-order-id': number };

type Refs = Readonly<Record<string, SnapshotRef>>;

/** The difference between two states; undefined: the table is made by it. */
export function changesOf(base: TableMetadata | undefined, next: TableMetadata): TableChanges {
  const updates: readonly TableUpdate[] = [
    ...identity(base, next),
    ...schemas(base, next),
    ...specs(base, next),
    ...sortOrders(base, next),
    ...(base?.location === next.location ? [] : [{ action: 'set-location', location: next.location } as const]),
    ...properties(base, next),
    ...snapshots(base, next),
    ...statistics(base, next),
  ];
  return { requirements: requirementsOf(base, next), updates };
}

/** Whether a state of the table meets a requirement; undefined: there is no table. */
export function meets(there: TableMetadata | undefined, requirement: Requirement): boolean {
  if (requirement.type === 'assert-create') return there === undefined;
  if (there === undefined) return false;
  switch (requirement.type) {
    case 'assert-table-uuid':
      return there['table-uuid'] === requirement.uuid;
    case 'assert-ref-snapshot-id':
      return (refsOf(there)[requirement.ref]?.['snapshot-id'] ?? null) === requirement['snapshot-id'];
    case 'assert-last-assigned-field-id':
      return there['last-column-id'] === requirement['last-assigned-field-id'];
    case 'assert-current-schema-id':
      return there['current-schema-id'] === requirement['current-schema-id'];
    case 'assert-last-assigned-partition-id':
      return there['last-partition-id'] === requirement['last-assigned-partition-id'];
    case 'assert-default-spec-id':
      return there['default-spec-id'] === requirement['default-spec-id'];
    case 'assert-default-sort-order-id':
      return there['default-sort-order-id'] === requirement['default-sort-order-id'];
  }
}

/** Everything that a change was prepared on, whether the change touches it or not. */
function requirementsOf(base: TableMetadata | undefined, next: TableMetadata): readonly Requirement[] {
  if (base === undefined) return [{ type: 'assert-create' }];
  const [former, refs] = [refsOf(base), refsOf(next)];
  const touched = [...Object.keys(former), ...Object.keys(refs)].filter((name) => !sameRef(former[name], refs[name]));
  return [
    { type: 'assert-table-uuid', uuid: base['table-uuid'] },
    ...[...new Set(['main', ...touched])].map((ref) => ({
      type: 'assert-ref-snapshot-id' as const,
      ref,
      'snapshot-id': former[ref]?.['snapshot-id'] ?? null,
    })),
    { type: 'assert-current-schema-id', 'current-schema-id': base['current-schema-id'] },
    { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': base['last-column-id'] },
    { type: 'assert-default-spec-id', 'default-spec-id': base['default-spec-id'] },
    { type: 'assert-last-assigned-partition-id', 'last-assigned-partition-id': base['last-partition-id'] },
    { type: 'assert-default-sort-order-id', 'default-sort-order-id': base['default-sort-order-id'] },
  ];
}

function identity(base: TableMetadata | undefined, next: TableMetadata): readonly TableUpdate[] {
  if (base !== undefined && base['table-uuid'] !== next['table-uuid']) throw inexpressible('another table-uuid');
  return [
    ...(base === undefined ? [{ action: 'assign-uuid', uuid: next['table-uuid'] } as const] : []),
    ...(base?.['format-version'] === next['format-version']
      ? []
      : [{ action: 'upgrade-format-version', 'format-version': next['format-version'] } as const]),
  ];
}

function schemas(base: TableMetadata | undefined, next: TableMetadata): readonly TableUpdate[] {
  const { added, lastAdded } = addedOf(base?.schemas, next.schemas, 'schema-id', 'a schema');
  const current = next['current-schema-id'];
  return [
    ...added.map((schema) => ({ action: 'add-schema' as const, schema, 'last-column-id': next['last-column-id'] })),
    ...(base?.['current-schema-id'] === current
      ? []
      : [{ action: 'set-current-schema', 'schema-id': current === lastAdded ? -1 : current } as const]),
  ];
}

function specs(base: TableMetadata | undefined, next: TableMetadata): readonly TableUpdate[] {
  const former = base?.['partition-specs'];
  const { added, lastAdded } = addedOf(former, next['partition-specs'], 'spec-id', 'a partition spec');
  const current = next['default-spec-id'];
  return [
    ...added.map((spec) => ({ action: 'add-spec' as const, spec })),
    ...(base?.['default-spec-id'] === current
      ? []
      : [{ action: 'set-default-spec', 'spec-id': current === lastAdded ? -1 : current } as const]),
  ];
}

function sortOrders(base: TableMetadata | undefined, next: TableMetadata): readonly TableUpdate[] {
  const former = base?.['sort-orders'];
  const { added, lastAdded } = addedOf(former, next['sort-orders'], 'order-id', 'a sort order');
  const current = next['default-sort-order-id'];
  return [
    ...added.map((order) => ({ action: 'add-sort-order' as const, 'sort-order': order })),
    ...(base?.['default-sort-order-id'] === current
      ? []
      : [{ action: 'set-default-sort-order', 'sort-order-id': current === lastAdded ? -1 : current } as const]),
  ];
}

function properties(base: TableMetadata | undefined, next: TableMetadata): readonly TableUpdate[] {
  const [former, now] = [base?.properties ?? {}, next.properties ?? {}];
  const updates = Object.fromEntries(Object.entries(now).filter(([name, value]) => former[name] !== value));
  const removals = Object.keys(former).filter((name) => now[name] === undefined);
  return [
    ...(Object.keys(updates).length === 0 ? [] : [{ action: 'set-properties', updates } as const]),
    ...(removals.length === 0 ? [] : [{ action: 'remove-properties', removals } as const]),
  ];
}

function snapshots(base: TableMetadata | undefined, next: TableMetadata): readonly TableUpdate[] {
  const former = new Set((base?.snapshots ?? []).map((snapshot) => snapshot['snapshot-id']));
  const now = new Set((next.snapshots ?? []).map((snapshot) => snapshot['snapshot-id']));
  const removed = [...former].filter((id) => !now.has(id));
  const [formerRefs, refs] = [base === undefined ? {} : refsOf(base), refsOf(next)];
  return [
    ...(next.snapshots ?? [])
      .filter((snapshot) => !former.has(snapshot['snapshot-id']))
      .map((snapshot) => ({ action: 'add-snapshot' as const, snapshot })),
    ...Object.entries(refs)
      .filter(([name, ref]) => !sameRef(formerRefs[name], ref))
      .map(([name, ref]) => ({ action: 'set-snapshot-ref' as const, 'ref-name': name, ...ref })),
    ...Object.keys(formerRefs)
      .filter((name) => refs[name] === undefined)
      .map((name) => ({ action: 'remove-snapshot-ref' as const, 'ref-name': name })),
    ...(removed.length === 0 ? [] : [{ action: 'remove-snapshots' as const, 'snapshot-ids': removed }]),
  ];
}

/** Catalogs forget the statistics of snapshots that go; not all did so always, and to say it twice does no harm. */
function statistics(base: TableMetadata | undefined, next: TableMetadata): readonly TableUpdate[] {
  const table = difference(base?.statistics, next.statistics);
  const partitions = difference(base?.['partition-statistics'], next['partition-statistics']);
  return [
    ...table.set.map((one) => ({
      action: 'set-statistics' as const,
      'snapshot-id': one['snapshot-id'],
      statistics: one,
    })),
    ...table.removed.map((id) => ({ action: 'remove-statistics' as const, 'snapshot-id': id })),
    ...partitions.set.map((one) => ({ action: 'set-partition-statistics' as const, 'partition-statistics': one })),
    ...partitions.removed.map((id) => ({ action: 'remove-partition-statistics' as const, 'snapshot-id': id })),
  ];
}

function difference(
  former: readonly StatisticsFile[] = [],
  now: readonly StatisticsFile[] = [],
): { readonly set: readonly StatisticsFile[]; readonly removed: readonly bigint[] } {
  const paths = new Map(former.map((one) => [one['snapshot-id'], one['statistics-path']]));
  const ids = new Set(now.map((one) => one['snapshot-id']));
  return {
    set: now.filter((one) => paths.get(one['snapshot-id']) !== one['statistics-path']),
    removed: [...paths.keys()].filter((id) => !ids.has(id)),
  };
}

/** Definitions with an id are added, and never changed; catalogs forget old ones by themselves. */
function addedOf<K extends string, T extends Readonly<Record<K, number>>>(
  former: readonly T[] = [],
  now: readonly T[],
  key: K,
  what: string,
): { readonly added: readonly T[]; readonly lastAdded: number | undefined } {
  const known = new Set(former.map((one) => one[key]));
  if (former.some((one) => !now.some((other) => other[key] === one[key]))) throw inexpressible(`${what} less`);
  const added = now.filter((one) => !known.has(one[key]));
  return { added, lastAdded: added.at(-1)?.[key] };
}

/** Metadata of other writers may name the main branch by its snapshot alone. */
function refsOf(metadata: TableMetadata): Refs {
  const current = metadata['current-snapshot-id'] ?? -1n;
  const { refs = {} } = metadata;
  return refs['main'] !== undefined || current === -1n
    ? refs
    : { ...refs, main: { 'snapshot-id': current, type: 'branch' } };
}

function sameRef(a: SnapshotRef | undefined, b: SnapshotRef | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const members = (ref: SnapshotRef): readonly string[] =>
    Object.entries(ref)
      .map(([name, value]) => `${name} ${String(value)}`)
      .sort();
  return members(a).join('\n') === members(b).join('\n');
}

function inexpressible(what: string): TailraceError {
  return new TailraceError('INTERNAL', `A commit would give the table ${what}, which no catalog can be told.`);
}
