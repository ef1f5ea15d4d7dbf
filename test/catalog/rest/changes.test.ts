import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printWide } from '../../../src/catalog/metadata/wide-json.ts';
import type { Snapshot, SnapshotRef, TableMetadata } from '../../../src/catalog/metadata/wire.ts';
import { changesOf, meets } from '../../../src/catalog/rest/changes.ts';
import { applied, NOTHING } from './apply.ts';

type Step = (table: TableMetadata) => TableMetadata;

const nextOf = (ids: readonly number[]): number => Math.max(-1, ...ids) + 1;
const snapshotIds = (table: TableMetadata): bigint[] => (table.snapshots ?? []).map((one) => one['snapshot-id']);

/** One thing that a writer may do, by a number that chooses and a number that varies. */
const STEPS: readonly ((vary: number) => Step)[] = [
  (vary) => (table) => {
    const id = nextOf(table.schemas.map((one) => one['schema-id']));
    const last = table['last-column-id'] + 1 + (vary % 3);
    const field = { id: last, name: `c${last}`, required: false, type: 'string' };
    const fields = [...(table.schemas.at(-1)?.fields ?? []), field];
    return {
      ...table,
      'last-column-id': last,
      schemas: [...table.schemas, { type: 'struct', 'schema-id': id, fields }],
      ...(vary % 2 === 0 ? { 'current-schema-id': id } : {}),
    };
  },
  (vary) => (table) => ({
    ...table,
    'current-schema-id': table.schemas[vary % table.schemas.length]?.['schema-id'] ?? -1,
  }),
  (vary) => (table) => {
    const id = nextOf(table['partition-specs'].map((one) => one['spec-id']));
    const fieldId = table['last-partition-id'] + 1;
    const field = { name: `p${fieldId}`, transform: 'identity', 'source-id': 1, 'field-id': fieldId };
    return {
      ...table,
      'last-partition-id': fieldId,
      'partition-specs': [...table['partition-specs'], { 'spec-id': id, fields: [field] }],
      ...(vary % 2 === 0 ? { 'default-spec-id': id } : {}),
    };
  },
  (vary) => (table) => {
    const id = nextOf(table['sort-orders'].map((one) => one['order-id']));
    const field = { transform: 'identity', 'source-id': 1, direction: 'asc', 'null-order': 'nulls-first' } as const;
    return {
      ...table,
      'sort-orders': [...table['sort-orders'], { 'order-id': id, fields: [field] }],
      ...(vary % 2 === 0 ? { 'default-sort-order-id': id } : {}),
    };
  },
  (vary) => (table) => ({ ...table, properties: { ...table.properties, [`p${vary % 5}`]: `v${vary}` } }),
  (vary) => (table) => {
    const { [`p${vary % 5}`]: _, ...properties } = table.properties ?? {};
    return { ...table, properties };
  },
  (vary) => (table) => {
    const sequence = table['last-sequence-number'] + 1n;
    const current = table['current-snapshot-id'] ?? -1n;
    const snapshot: Snapshot = {
      'snapshot-id': 2n ** 62n + sequence * 7n + BigInt(vary % 7),
      ...(current === -1n ? {} : { 'parent-snapshot-id': current }),
      'sequence-number': sequence,
      'timestamp-ms': Number(sequence),
      summary: { operation: 'append' },
      'manifest-list': `s3://b/${sequence}`,
    };
    const id = snapshot['snapshot-id'];
    return {
      ...table,
      'last-sequence-number': sequence,
      snapshots: [...(table.snapshots ?? []), snapshot],
      'current-snapshot-id': id,
      refs: { ...table.refs, main: { ...table.refs?.['main'], 'snapshot-id': id, type: 'branch' } },
    };
  },
  (vary) => (table) => {
    const ids = snapshotIds(table);
    const id = ids[vary % ids.length];
    if (id === undefined) return table;
    const ref: SnapshotRef = { 'snapshot-id': id, type: vary % 2 === 0 ? 'tag' : 'branch' };
    return { ...table, refs: { ...table.refs, [`r${vary % 3}`]: ref } };
  },
  (vary) => (table) => {
    const { [`r${vary % 3}`]: _, ...refs } = table.refs ?? {};
    return { ...table, refs };
  },
  (vary) => (table) => {
    const named = new Set(Object.values(table.refs ?? {}).map((ref) => ref['snapshot-id']));
    const gone = snapshotIds(table).filter((id, i) => !named.has(id) && (i + vary) % 2 === 0);
    const stays = (one: { readonly 'snapshot-id': bigint }): boolean => !gone.includes(one['snapshot-id']);
    return {
      ...table,
      snapshots: (table.snapshots ?? []).filter(stays),
      ...(table.statistics === undefined ? {} : { statistics: table.statistics.filter(stays) }),
    };
  },
  (vary) => (table) => ({ ...table, location: `s3://b/l${vary % 2}` }),
  (vary) => (table) => {
    const ids = snapshotIds(table);
    const id = ids[vary % ids.length];
    if (id === undefined) return table;
    const others = (table.statistics ?? []).filter((one) => one['snapshot-id'] !== id);
    return { ...table, statistics: [...others, { 'snapshot-id': id, 'statistics-path': `s3://b/s${vary}` }] };
  },
];

const steps = fc.array(fc.tuple(fc.nat(STEPS.length - 1), fc.nat(100)), { maxLength: 12 });
const made = (table: TableMetadata, list: readonly (readonly [number, number])[]): TableMetadata =>
  list.reduce((now, [step, vary]) => STEPS[step]?.(vary)(now) ?? now, table);

/** What every table has from its creation on. */
const FIRST: TableMetadata = {
  ...NOTHING,
  'table-uuid': '0b9ad1a6-5d4c-4b0e-9c39-0c1f0f8b3a55',
  location: 's3://b/l0',
  'last-column-id': 1,
  'current-schema-id': 0,
  schemas: [{ type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'pk', required: false, type: 'string' }] }],
  'default-spec-id': 0,
  'partition-specs': [{ 'spec-id': 0, fields: [] }],
  'default-sort-order-id': 0,
  'sort-orders': [{ 'order-id': 0, fields: [] }],
};

/** As texts that do not depend on the order of members, without what no catalog is told. */
function compared(table: TableMetadata): unknown {
  const statistics = [...(table.statistics ?? [])].map((one) => printWide(one)).sort();
  const { 'last-updated-ms': _, 'last-sequence-number': _sequence, ...rest } = table;
  return { ...rest, statistics };
}

describe('the changes between two states', () => {
  test('lead from any state to any later one', () => {
    fc.assert(
      fc.property(steps, steps, (before, after) => {
        const base = made(FIRST, before);
        const next = made(base, after);
        const { updates } = changesOf(base, next);
        expect(compared(applied(base, updates))).toEqual(compared(next));
      }),
      { numRuns: 2000 },
    );
  });

  test('make any table from nothing', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const next = made(FIRST, list);
        const { updates, requirements } = changesOf(undefined, next);
        expect(requirements).toEqual([{ type: 'assert-create' }]);
        expect(compared(applied(NOTHING, updates))).toEqual(compared(next));
      }),
      { numRuns: 1000 },
    );
  });

  test('are none between a state and itself', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const state = made(FIRST, list);
        expect(changesOf(state, structuredClone(state)).updates).toEqual([]);
      }),
    );
  });

  test('faults 2, 3, 11: require the state that they were made from, and no longer hold once a snapshot was added', () => {
    const commit = STEPS[6]?.(3) ?? expect.fail('no step');
    fc.assert(
      fc.property(steps, steps, (before, after) => {
        const base = made(FIRST, before);
        const next = commit(made(base, after));
        const { requirements } = changesOf(base, next);
        expect(requirements.filter((requirement) => !meets(base, requirement))).toEqual([]);
        expect(requirements.some((requirement) => !meets(next, requirement))).toBe(true);
        expect(requirements.some((requirement) => !meets(undefined, requirement))).toBe(true);
        const other = { ...next, 'table-uuid': 'another' };
        expect(requirements.some((requirement) => !meets(other, requirement))).toBe(true);
        const create = changesOf(undefined, next).requirements;
        expect(create.map((requirement) => [meets(undefined, requirement), meets(base, requirement)])).toEqual([
          [true, false],
        ]);
      }),
    );
  });

  test('what no catalog can be told is a fault of ours', () => {
    expect(() => changesOf(FIRST, { ...FIRST, 'table-uuid': 'another' })).toThrow(/no catalog can be told/);
    expect(() => changesOf(FIRST, { ...FIRST, schemas: [] })).toThrow(/no catalog can be told/);
  });

  test('a main branch that is named by its snapshot alone is the same', () => {
    const base = made(FIRST, [[6, 1]]);
    const { refs: _, ...bare } = base;
    expect(changesOf(bare, base).updates).toEqual([]);
    expect(changesOf(bare, made(base, [[6, 2]])).requirements).toContainEqual({
      type: 'assert-ref-snapshot-id',
      ref: 'main',
      'snapshot-id': base['current-snapshot-id'],
    });
  });
});

describe('fault 14: a change that touches none of it is refused where another writer has changed', () => {
  const base: TableMetadata = { ...NOTHING, 'current-snapshot-id': 5n, properties: {} };
  const { requirements } = changesOf(base, { ...base, properties: { team: 'shop' } });
  const OTHERS: Readonly<Record<string, Partial<TableMetadata>>> = {
    'the table itself': { 'table-uuid': 'another' },
    'its rows': { 'current-snapshot-id': 6n },
    'its columns': { 'current-schema-id': base['current-schema-id'] + 1 },
    'the ids of its columns': { 'last-column-id': base['last-column-id'] + 1 },
    'its partitions': { 'default-spec-id': base['default-spec-id'] + 1 },
    'the ids of its partition fields': { 'last-partition-id': base['last-partition-id'] + 1 },
    'its order': { 'default-sort-order-id': base['default-sort-order-id'] + 1 },
  };

  test.each(Object.entries(OTHERS))('%s', (_, theirs) => {
    expect(requirements.every((requirement) => meets(base, requirement))).toBe(true);
    expect(requirements.filter((requirement) => !meets({ ...base, ...theirs }, requirement)).length).toBe(1);
  });
});
