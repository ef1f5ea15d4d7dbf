/** What a REST catalog does with updates, by the words of the specification; shares no code with what makes them. */

import type { SnapshotRef, TableMetadata } from '../../../src/catalog/metadata/wire.ts';
import type { TableUpdate } from '../../../src/catalog/rest/changes.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export const NOTHING: TableMetadata = {
  'format-version': 2,
  'table-uuid': '',
  location: '',
  'last-sequence-number': 0n,
  'last-updated-ms': 0,
  'last-column-id': 0,
  'current-schema-id': -1,
  schemas: [],
  'default-spec-id': -1,
  'partition-specs': [],
  'last-partition-id': 999,
  'default-sort-order-id': -1,
  'sort-orders': [],
  properties: {},
  'current-snapshot-id': -1n,
  refs: {},
  snapshots: [],
};

/** The state after these updates, made one by one. Throws on what a catalog would refuse. */
export function applied(base: TableMetadata, updates: readonly TableUpdate[]): TableMetadata {
  const last = { schema: -1, spec: -1, order: -1 };
  const added = (id: number, of: keyof typeof last): number => {
    const given = id === -1 ? last[of] : id;
    if (given === -1) throw new Error(`no ${of} was added`);
    return given;
  };
  let table = base;
  for (const update of updates) {
    const next: Mutable<TableMetadata> = { ...table };
    switch (update.action) {
      case 'assign-uuid':
        next['table-uuid'] = update.uuid;
        break;
      case 'upgrade-format-version':
        next['format-version'] = update['format-version'];
        break;
      case 'add-schema':
        if (table.schemas.some((one) => one['schema-id'] === update.schema['schema-id'])) throw new Error('schema id');
        last.schema = update.schema['schema-id'];
        next.schemas = [...table.schemas, update.schema];
        next['last-column-id'] = Math.max(table['last-column-id'], update['last-column-id']);
        break;
      case 'set-current-schema':
        next['current-schema-id'] = added(update['schema-id'], 'schema');
        break;
      case 'add-spec':
        last.spec = update.spec['spec-id'];
        next['partition-specs'] = [...table['partition-specs'], update.spec];
        next['last-partition-id'] = update.spec.fields.reduce(
          (most, field) => Math.max(most, field['field-id']),
          table['last-partition-id'],
        );
        break;
      case 'set-default-spec':
        next['default-spec-id'] = added(update['spec-id'], 'spec');
        break;
      case 'add-sort-order':
        last.order = update['sort-order']['order-id'];
        next['sort-orders'] = [...table['sort-orders'], update['sort-order']];
        break;
      case 'set-default-sort-order':
        next['default-sort-order-id'] = added(update['sort-order-id'], 'order');
        break;
      case 'set-location':
        next.location = update.location;
        break;
      case 'set-properties':
        next.properties = { ...table.properties, ...update.updates };
        break;
      case 'remove-properties':
        next.properties = Object.fromEntries(
          Object.entries(table.properties ?? {}).filter(([name]) => !update.removals.includes(name)),
        );
        break;
      case 'add-snapshot':
        if (update.snapshot['sequence-number'] <= table['last-sequence-number']) throw new Error('sequence number');
        next.snapshots = [...(table.snapshots ?? []), update.snapshot];
        next['last-sequence-number'] = update.snapshot['sequence-number'];
        break;
      case 'set-snapshot-ref': {
        const { action: _, 'ref-name': name, ...ref } = update;
        if (!table.snapshots?.some((one) => one['snapshot-id'] === ref['snapshot-id'])) throw new Error('no snapshot');
        setRefs(next, { ...table.refs, [name]: ref });
        break;
      }
      case 'remove-snapshot-ref': {
        const { [update['ref-name']]: gone, ...refs } = table.refs ?? {};
        if (gone === undefined) throw new Error('no ref');
        setRefs(next, refs);
        break;
      }
      case 'remove-snapshots': {
        const ids = new Set(update['snapshot-ids']);
        if (Object.values(table.refs ?? {}).some((ref) => ids.has(ref['snapshot-id']))) throw new Error('referenced');
        next.snapshots = (table.snapshots ?? []).filter((one) => !ids.has(one['snapshot-id']));
        next.statistics = (table.statistics ?? []).filter((one) => !ids.has(one['snapshot-id']));
        break;
      }
      case 'set-statistics':
        next.statistics = [
          ...(table.statistics ?? []).filter((one) => one['snapshot-id'] !== update.statistics['snapshot-id']),
          update.statistics,
        ];
        break;
      case 'remove-statistics':
        next.statistics = (table.statistics ?? []).filter((one) => one['snapshot-id'] !== update['snapshot-id']);
        break;
      case 'set-partition-statistics':
        next['partition-statistics'] = [...(table['partition-statistics'] ?? []), update['partition-statistics']];
        break;
      case 'remove-partition-statistics':
        next['partition-statistics'] = (table['partition-statistics'] ?? []).filter(
          (one) => one['snapshot-id'] !== update['snapshot-id'],
        );
        break;
    }
    table = next;
  }
  return table;
}

function setRefs(table: Mutable<TableMetadata>, refs: Readonly<Record<string, SnapshotRef>>): void {
  table.refs = refs;
  table['current-snapshot-id'] = refs['main']?.['snapshot-id'] ?? -1n;
}
