import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMetadata, printMetadata } from '../../../src/catalog/metadata/json.ts';
import type { TableMetadata } from '../../../src/catalog/metadata/wire.ts';
import type { StagedCommit, TableState } from '../../../src/model/table.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { PutOutcome, Storage } from '../../../src/storage/port.ts';
import { readManifestList } from '../../../src/table/iceberg/manifest-list.ts';
import { readManifest } from '../../../src/table/iceberg/manifest-read.ts';
import { snapshotIdOf } from '../../../src/table/iceberg/metadata.ts';
import { openIcebergTable } from '../../../src/table/iceberg/open.ts';
import { tupleFields } from '../../../src/table/iceberg/partition.ts';
import { contents, dying, faulty } from './faulty.ts';
import { everyType, fileOf, ledgerOf, stagedOf } from './sample.ts';

const REGION = [{ column: 'region', transform: 'identity', name: 'region' }] as const;

async function metadataOf(storage: Storage, version: number): Promise<TableMetadata> {
  const key = `t/metadata/v${version}.metadata.json`;
  return parseMetadata(Buffer.from(await storage.get(key)).toString('utf8'), key);
}

async function rewrite(
  storage: Storage,
  version: number,
  change: (metadata: TableMetadata) => TableMetadata,
  to = version,
): Promise<void> {
  await storage.put(
    `t/metadata/v${to}.metadata.json`,
    Buffer.from(printMetadata(change(await metadataOf(storage, version)))),
  );
}

async function loaded(storage: Storage): Promise<TableState> {
  const state = await openIcebergTable(storage, 't').load();
  if (state === undefined) throw new Error('no table');
  return state;
}

const create = (storage: Storage, commitId = 'c-1', change: Partial<StagedCommit> = {}) =>
  openIcebergTable(storage, 't').commit(
    stagedOf(commitId, { files: [fileOf(storage.uri(`t/data/${commitId}.parquet`))], ...change }),
    undefined,
  );
const replace = (storage: Storage, commitId: string, base: TableState, change: Partial<StagedCommit> = {}) =>
  openIcebergTable(storage, 't').commit(
    stagedOf(commitId, {
      operation: 'replace',
      files: [fileOf(storage.uri(`t/data/${commitId}.parquet`), { rows: 5 })],
      ...change,
    }),
    base,
  );

describe('creating', () => {
  test('gives version 1 with a snapshot, and the state that was staged', async () => {
    const storage = memoryStorage();
    const sort = [{ column: 'sk', descending: false, nullsFirst: true }];
    const files = [fileOf(storage.uri('t/data/f.parquet'), { partition: ['é'] })];
    expect(await create(storage, 'c-1', { partition: REGION, sort, files })).toEqual({
      kind: 'committed',
      snapshot: snapshotIdOf('c-1').toString(),
    });
    expect(await openIcebergTable(storage, 't').load()).toEqual({
      format: 'iceberg',
      location: storage.uri('t'),
      snapshot: snapshotIdOf('c-1').toString(),
      schema: everyType,
      partition: REGION,
      sort,
      ledger: ledgerOf('c-1'),
      rows: 3,
    });
    expect(await openIcebergTable(storage, 't').dataFiles()).toEqual(files);
    expect(Buffer.from(await storage.get('t/metadata/version-hint.text')).toString()).toBe('1');
    const metadata = await metadataOf(storage, 1);
    expect(metadata.snapshots?.[0]?.summary).toMatchObject({
      operation: 'append',
      'added-records': '3',
      'total-records': '3',
      'tailrace.commit-id': 'c-1',
      'tailrace.watermark': '2024-01-05T10:00:00Z',
      'tailrace.export-arn': ledgerOf('c-1').entries[0]?.exportArn,
    });
    expect(metadata).toMatchObject({
      'format-version': 2,
      'last-sequence-number': 1n,
      'last-column-id': 30,
      'default-sort-order-id': 1,
      refs: { main: { type: 'branch' } },
    });
    expect(Object.keys(metadata.properties ?? {})).toEqual(
      expect.arrayContaining(['schema.name-mapping.default', 'tailrace.ledger', 'tailrace.mapping']),
    );
  });

  test('fault 51: no files at all still make a snapshot that holds the ledger', async () => {
    const storage = memoryStorage();
    await create(storage, 'c-1', { files: [] });
    const state = await loaded(storage);
    expect([state.rows, state.ledger, state.snapshot]).toEqual([0, ledgerOf('c-1'), snapshotIdOf('c-1').toString()]);
    expect(await openIcebergTable(storage, 't').dataFiles()).toEqual([]);
  });

  test('where somebody was faster is a conflict', async () => {
    const storage = memoryStorage();
    await create(storage, 'other');
    expect(await create(storage, 'c-1')).toMatchObject({ kind: 'conflict' });
    expect((await loaded(storage)).ledger?.commitId).toBe('other');
  });

  test('a ledger that has outgrown its limit is refused before anything is written', async () => {
    const storage = memoryStorage();
    const [entry] = ledgerOf('c-1').entries;
    const entries = Array.from({ length: 100 }, () => entry ?? expect.fail('no entry'));
    await expect(create(storage, 'c-1', { ledger: { ...ledgerOf('c-1'), entries } })).rejects.toMatchObject({
      code: 'INTERNAL',
    });
    expect((await contents(storage, '')).size).toBe(0);
  });
});

describe('replacing', () => {
  test('swaps all files in one snapshot that marks the former ones deleted, under their own spec', async () => {
    const storage = memoryStorage();
    await create(storage, 'c-1', {
      partition: REGION,
      files: ['x', 'y'].map((name) => fileOf(storage.uri(`t/data/${name}`), { partition: [name] })),
    });
    expect((await replace(storage, 'c-2', await loaded(storage))).kind).toBe('committed');
    const state = await loaded(storage);
    expect([state.rows, state.partition, state.ledger?.commitId]).toEqual([5, [], 'c-2']);
    expect((await openIcebergTable(storage, 't').dataFiles()).map((file) => file.path)).toEqual([
      storage.uri('t/data/c-2.parquet'),
    ]);
    const metadata = await metadataOf(storage, 2);
    const snapshot = metadata.snapshots?.[1];
    expect(snapshot).toMatchObject({ 'parent-snapshot-id': snapshotIdOf('c-1'), 'sequence-number': 2n });
    expect(snapshot?.summary).toMatchObject({
      operation: 'overwrite',
      'deleted-data-files': '2',
      'deleted-records': '6',
      'total-records': '5',
    });
    const list = await readManifestList(await storage.get(storage.key(snapshot?.['manifest-list'] ?? '')), 'list');
    const entries = (
      await Promise.all(
        list.map(async (line) => {
          const spec =
            metadata['partition-specs'].find((each) => each['spec-id'] === line.partition_spec_id) ??
            expect.fail('no spec');
          return readManifest(
            await storage.get(storage.key(line.manifest_path)),
            line,
            tupleFields(spec, metadata.schemas),
          );
        }),
      )
    ).flat();
    expect(
      entries.map(({ status, tuple, sequenceNumber, snapshotId }) => ({ status, tuple, sequenceNumber, snapshotId })),
    ).toEqual([
      { status: 'added', tuple: [], sequenceNumber: 2n, snapshotId: snapshotIdOf('c-2') },
      { status: 'deleted', tuple: ['x'], sequenceNumber: 1n, snapshotId: snapshotIdOf('c-2') },
      { status: 'deleted', tuple: ['y'], sequenceNumber: 1n, snapshotId: snapshotIdOf('c-2') },
    ]);
    expect(metadata).toMatchObject({
      'current-schema-id': 0,
      'default-spec-id': 1,
      'partition-specs': [{ 'spec-id': 0 }, { 'spec-id': 1 }],
    });
    expect(metadata['metadata-log']).toEqual([
      { 'timestamp-ms': 1_704_448_800_000, 'metadata-file': storage.uri('t/metadata/v1.metadata.json') },
    ]);
  });

  test('with another schema adds it, never lowers the last column id, and keeps time going forward', async () => {
    const storage = memoryStorage();
    await create(storage);
    const schema = {
      ...everyType,
      columns: everyType.columns.filter((column) => column.name !== 'meta'),
      lastFieldId: 29,
    };
    await replace(storage, 'c-2', await loaded(storage), { schema, timestampMs: 5 });
    const metadata = await metadataOf(storage, 2);
    expect(metadata).toMatchObject({
      'current-schema-id': 1,
      'last-column-id': 30,
      'last-updated-ms': 1_704_448_800_001,
    });
    expect(metadata.schemas.map((each) => each['schema-id'])).toEqual([0, 1]);
    expect((await loaded(storage)).schema).toEqual({ ...schema, lastFieldId: 30 });
  });

  test("keeps what other writers put into the metadata, and drops a former mapping's parts", async () => {
    const storage = memoryStorage();
    await create(storage);
    await rewrite(storage, 1, (metadata) => ({
      ...metadata,
      'partition-statistics': [{ 'snapshot-id': 1n }],
      properties: {
        ...metadata.properties,
        owner: 'ops',
        'tailrace.mapping.0': 'old',
        'write.parquet.compression-codec': 'gzip',
      },
      refs: { ...metadata.refs, audit: { 'snapshot-id': snapshotIdOf('c-1'), type: 'tag' } },
    }));
    await replace(storage, 'c-2', await loaded(storage));
    const metadata = await metadataOf(storage, 2);
    expect(metadata).toMatchObject({
      'partition-statistics': [{ 'snapshot-id': 1n }],
      refs: { audit: { type: 'tag' } },
    });
    expect(metadata.properties).toMatchObject({ owner: 'ops', 'write.parquet.compression-codec': 'gzip' });
    expect(metadata.properties).not.toHaveProperty(['tailrace.mapping.0']);
  });
});

describe('races and lost replies', () => {
  test.each(['memory', 'local'])('handles on one base: one is committed, the others conflict (%s)', async (kind) => {
    const folder = await mkdtemp(join(tmpdir(), 'tailrace-race-'));
    try {
      const storage = kind === 'memory' ? memoryStorage() : localStorage(folder);
      await create(storage);
      const bases = await Promise.all(Array.from({ length: 5 }, () => loaded(storage)));
      const outcomes = await Promise.all(bases.map((base, n) => replace(storage, `c-${n + 2}`, base)));
      expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual([
        'committed',
        ...Array<string>(4).fill('conflict'),
      ]);
      const winner = outcomes.findIndex((outcome) => outcome.kind === 'committed');
      expect((await loaded(storage)).ledger?.commitId).toBe(`c-${winner + 2}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('fault 3: a put that met its own first try counts as committed', async () => {
    const storage = memoryStorage();
    const retried = faulty(storage, {
      putIf: async (key, body): Promise<PutOutcome> => {
        await storage.put(key, body);
        return { kind: 'exists' };
      },
    });
    expect(await create(retried)).toEqual({ kind: 'committed', snapshot: snapshotIdOf('c-1').toString() });
  });

  test('faults 1, 7: applied, but the reply lost: committed after reading back', async () => {
    const storage = memoryStorage();
    const lost = faulty(storage, {
      putIf: async (key, body): Promise<PutOutcome> => {
        await storage.put(key, body);
        return { kind: 'unknown', cause: new Error('reset') };
      },
    });
    expect((await create(lost)).kind).toBe('committed');
    expect(lost.calls.filter((call) => call.startsWith('delete'))).toEqual([]);
  });

  test('faults 2, 7: neither applied nor refused stays unknown, deletes nothing, and the retry commits once', async () => {
    const storage = memoryStorage();
    await create(storage);
    const base = await loaded(storage);
    let late: (() => Promise<unknown>) | undefined;
    const lost = faulty(storage, {
      putIf: async (key, body, condition): Promise<PutOutcome> => {
        late = () => storage.putIf(key, body, condition);
        return { kind: 'unknown', cause: new Error('timeout') };
      },
    });
    expect(await replace(lost, 'c-2', base)).toMatchObject({ kind: 'unknown' });
    expect(lost.calls.filter((call) => call.startsWith('delete'))).toEqual([]);
    expect((await loaded(storage)).ledger?.commitId).toBe('c-1');
    await late?.();
    expect((await loaded(storage)).ledger?.commitId).toBe('c-2');
    expect(await replace(storage, 'c-2', base)).toEqual({
      kind: 'committed',
      snapshot: snapshotIdOf('c-2').toString(),
    });
    expect(await storage.head('t/metadata/v3.metadata.json')).toBeUndefined();
    expect((await openIcebergTable(storage, 't').dataFiles()).length).toBe(1);
  });

  test('a table that cannot be read after a lost reply stays unknown', async () => {
    const storage = memoryStorage();
    let down = false;
    const lost = faulty(storage, {
      putIf: async (): Promise<PutOutcome> => {
        down = true;
        return { kind: 'unknown', cause: new Error('timeout') };
      },
      get: (key, options) => (down ? Promise.reject(new Error('down')) : storage.get(key, options)),
    });
    expect(await create(lost)).toMatchObject({ kind: 'unknown' });
  });

  test.each(['create', 'replace'])(
    'faults 8, 9, 22: %s killed at any call, before or after its effect, and run again ends in the same table',
    async (operation) => {
      const prepare = async (): Promise<readonly [Storage, TableState | undefined]> => {
        const storage = memoryStorage('same');
        if (operation === 'create') return [storage, undefined];
        await create(storage);
        return [storage, await loaded(storage)];
      };
      const commit = (storage: Storage, base: TableState | undefined) =>
        base === undefined ? create(storage, 'c-2') : replace(storage, 'c-2', base);
      const [storage, base] = await prepare();
      const counting = faulty(storage, {});
      await commit(counting, base);
      const calls = counting.calls.filter((call) => !/^(uri|key|list) /.test(call)).length;
      const whole = await committedFiles(storage);
      expect(calls).toBeGreaterThan(4);
      for (let n = 0; n < calls; n += 1) {
        for (const after of [false, true]) {
          const [again, former] = await prepare();
          await commit(dying(again, n, after), former).catch(() => undefined);
          expect((await commit(again, former)).kind).toBe('committed');
          expect([n, after, await committedFiles(again)]).toEqual([n, after, whole]);
        }
      }
    },
  );
});

/** Everything below metadata/ but the hint, which nothing depends on; a table's uuid is random. */
async function committedFiles(storage: Storage): Promise<Record<string, string>> {
  const all = [...(await contents(storage, 't/metadata/'))].filter(([key]) => !key.endsWith('hint.text'));
  return Object.fromEntries(all.map(([key, body]) => [key, body.replace(/"table-uuid":"[^"]*"/, '')]));
}

describe('other hands on the table', () => {
  test('fault 10: a commit is known by the property, the summary or the log, whatever expires', async () => {
    const forget: readonly ((metadata: TableMetadata) => TableMetadata)[] = [
      (metadata) => ({ ...metadata, snapshots: (metadata.snapshots ?? []).slice(-1), 'snapshot-log': [] }),
      ({ properties: _, ...metadata }) => ({ ...metadata, 'snapshot-log': [] }),
      ({ properties: _, ...metadata }) => ({
        ...metadata,
        snapshots: (metadata.snapshots ?? []).map((each) => ({ ...each, summary: { operation: 'append' } })),
      }),
    ];
    for (const change of forget) {
      const storage = memoryStorage();
      await create(storage);
      await rewrite(storage, 1, change, 2);
      expect((await create(storage)).kind).toBe('committed');
      expect(await storage.head('t/metadata/v3.metadata.json')).toBeUndefined();
    }
  });

  test('fault 19: a table that was dropped and created anew is a conflict, even with the same snapshot', async () => {
    const storage = memoryStorage();
    await create(storage);
    const base = await loaded(storage);
    await rewrite(storage, 1, (metadata) => ({ ...metadata, 'table-uuid': '00000000-0000-4000-8000-000000000000' }));
    expect(await replace(storage, 'c-2', base)).toMatchObject({
      kind: 'conflict',
      reason: expect.stringContaining('00000000-0000-4000-8000-000000000000'),
    });
    for (const key of (await contents(storage, '')).keys()) await storage.delete(key);
    expect(await replace(storage, 'c-2', base)).toMatchObject({
      kind: 'conflict',
      reason: expect.stringContaining('no longer there'),
    });
  });

  test('fault 14: a snapshot or a schema change of another writer is a conflict; a mere property is not', async () => {
    const foreign: readonly (readonly [string, (metadata: TableMetadata) => TableMetadata])[] = [
      [
        'conflict',
        (metadata) => ({
          ...metadata,
          'current-snapshot-id': 42n,
          snapshots: [
            ...(metadata.snapshots ?? []),
            { ...(metadata.snapshots?.[0] ?? expect.fail()), 'snapshot-id': 42n },
          ],
        }),
      ],
      ['conflict', (metadata) => ({ ...metadata, 'last-column-id': 99 })],
      ['committed', (metadata) => ({ ...metadata, properties: { ...metadata.properties, owner: 'ops' } })],
    ];
    for (const [kind, change] of foreign) {
      const storage = memoryStorage();
      await create(storage);
      const base = await loaded(storage);
      await rewrite(storage, 1, change, 2);
      expect((await replace(storage, 'c-2', base)).kind).toBe(kind);
    }
  });

  test('fault 21: the log of metadata files stays short over many commits', async () => {
    const storage = memoryStorage();
    await create(storage);
    const log = Array.from({ length: 100 }, (_, n) => ({ 'timestamp-ms': n, 'metadata-file': `old-${n}` }));
    await rewrite(storage, 1, (metadata) => ({ ...metadata, 'metadata-log': log }));
    await replace(storage, 'c-2', await loaded(storage));
    const kept = (await metadataOf(storage, 2))['metadata-log'] ?? [];
    expect(kept).toHaveLength(100);
    expect([kept[0]?.['metadata-file'], kept[99]?.['metadata-file']]).toEqual([
      'old-1',
      storage.uri('t/metadata/v1.metadata.json'),
    ]);
  });
});

test('snapshot ids are positive, below 2^63, and survive the JSON', async () => {
  fc.assert(
    fc.property(fc.string(), (commitId) => {
      const id = snapshotIdOf(commitId);
      expect(id > 0n && id < 2n ** 63n && id === snapshotIdOf(commitId)).toBe(true);
    }),
  );
  const storage = memoryStorage();
  await create(storage);
  const text = Buffer.from(await storage.get('t/metadata/v1.metadata.json')).toString();
  expect(text).toContain(`"current-snapshot-id":${snapshotIdOf('c-1')}`);
});
