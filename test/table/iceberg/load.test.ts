import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { parseMetadata, printMetadata } from '../../../src/catalog/metadata/json.ts';
import type { TableMetadata } from '../../../src/catalog/metadata/wire.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { Storage } from '../../../src/storage/port.ts';
import { snapshotIdOf } from '../../../src/table/iceberg/metadata.ts';
import { openIcebergTable } from '../../../src/table/iceberg/open.ts';
import { manifestLines } from './merging.ts';
import { fileOf, stagedOf } from './sample.ts';

/** A table with the commits c-1 … c-n. */
async function tableOf(commits: number): Promise<Storage> {
  const storage = memoryStorage();
  const table = openIcebergTable(storage, 't');
  for (let n = 1; n <= commits; n += 1) {
    const files = [fileOf(storage.uri(`t/data/${n}.parquet`), { rows: n })];
    await table.commit(stagedOf(`c-${n}`, { operation: n === 1 ? 'create' : 'replace', files }), await table.load());
  }
  return storage;
}

async function change(storage: Storage, version: number, edit: (metadata: TableMetadata) => unknown): Promise<void> {
  const key = `t/metadata/v${version}.metadata.json`;
  const metadata = parseMetadata(Buffer.from(await storage.get(key)).toString('utf8'), key);
  await storage.put(key, Buffer.from(printMetadata(edit(metadata) as TableMetadata)));
}

const rows = async (storage: Storage): Promise<number | undefined> =>
  (await openIcebergTable(storage, 't').load())?.rows;
const refusal = (storage: Storage): Promise<unknown> =>
  openIcebergTable(storage, 't')
    .load()
    .then(
      () => undefined,
      (error: unknown) => error,
    );

describe('the newest version is found', () => {
  test.each(['3', '1', '9', '', 'x', '3\n', undefined])('with a hint of %j', async (hint) => {
    const storage = await tableOf(3);
    if (hint === undefined) await storage.delete('t/metadata/version-hint.text');
    else await storage.put('t/metadata/version-hint.text', Buffer.from(hint));
    expect(await rows(storage)).toBe(3);
  });

  test('when old versions are gone, and when metadata is compressed', async () => {
    const storage = await tableOf(11);
    for (let n = 1; n < 11; n += 1) await storage.delete(`t/metadata/v${n}.metadata.json`);
    const newest = await storage.get('t/metadata/v11.metadata.json');
    await storage.put('t/metadata/v11.gz.metadata.json', gzipSync(newest));
    await storage.delete('t/metadata/v11.metadata.json');
    expect(await rows(storage)).toBe(11);
    await storage.delete('t/metadata/version-hint.text');
    expect(await rows(storage)).toBe(11);
  });
});

describe('what is not a table of ours', () => {
  test('nothing, or what a killed run leaves, is no table', async () => {
    const storage = memoryStorage();
    expect(await openIcebergTable(storage, 't').load()).toBeUndefined();
    for (const key of ['data/c-1-0.parquet', 'metadata/c-1-v1-m0.avro', '_state/x', '.hidden'])
      await storage.put(`t/${key}`, Buffer.from('x'));
    expect(await openIcebergTable(storage, 't').load()).toBeUndefined();
    expect(await openIcebergTable(storage, 't').dataFiles()).toEqual([]);
  });

  test.each(['_delta_log/0.json', '_tailrace.json', 'part-0.parquet', 'metadata/00000-abc.metadata.json'])(
    '%s is refused',
    async (key) => {
      const storage = memoryStorage();
      await storage.put(`t/${key}`, Buffer.from('{}'));
      expect(await refusal(storage)).toMatchObject({ code: 'TARGET_BAD', hint: expect.any(String) });
    },
  );

  test('other format versions, foreign types, broken JSON and missing parts are refused', async () => {
    const edits: readonly ((metadata: TableMetadata) => unknown)[] = [
      (metadata) => ({ ...metadata, 'format-version': 1 }),
      (metadata) => ({ ...metadata, 'format-version': 3 }),
      () => ({}),
      () => [],
      (metadata) => ({ ...metadata, 'current-schema-id': 7 }),
      (metadata) => ({ ...metadata, 'default-spec-id': 7 }),
      (metadata) => ({
        ...metadata,
        schemas: [{ type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'u', required: false, type: 'uuid' }] }],
      }),
      (metadata) => ({ ...metadata, properties: { 'tailrace.ledger': '{"version":2}' } }),
    ];
    for (const edit of edits) {
      const storage = await tableOf(1);
      await change(storage, 1, edit);
      expect(await refusal(storage), String(edit)).toMatchObject({ code: 'TARGET_BAD' });
    }
    const storage = await tableOf(1);
    await storage.put('t/metadata/v1.metadata.json', Buffer.from('{"format-version": 2'));
    expect(await refusal(storage)).toMatchObject({
      code: 'TARGET_BAD',
      place: storage.uri('t/metadata/v1.metadata.json'),
    });
  });

  test('a manifest that is gone is named', async () => {
    const storage = await tableOf(1);
    const manifest = (await manifestLines(storage))[0]?.manifest_path ?? '';
    await storage.delete(storage.key(manifest));
    await expect(openIcebergTable(storage, 't').dataFiles()).rejects.toMatchObject({
      code: 'TARGET_BAD',
      place: manifest,
    });
  });
});

describe('what other writers did', () => {
  test('a table without our properties has no ledger and the default schema', async () => {
    const storage = await tableOf(1);
    await change(storage, 1, ({ properties: _, ...metadata }) => ({
      ...metadata,
      snapshots: metadata.snapshots?.map((each) => ({ ...each, summary: {} })),
    }));
    const state = await openIcebergTable(storage, 't').load();
    expect([state?.ledger, state?.rows, state?.schema.keys]).toEqual([undefined, 1, ['pk', 'sk']]);
  });

  test('a rollback to before the last load is refused, an append on top of it is not', async () => {
    const storage = await tableOf(2);
    const foreign = {
      'snapshot-id': 7n,
      'parent-snapshot-id': snapshotIdOf('c-2'),
      'sequence-number': 3n,
      'timestamp-ms': 1,
      summary: { 'total-records': '9' },
      'manifest-list': 'x',
    };
    await change(storage, 2, (metadata) => ({
      ...metadata,
      'current-snapshot-id': 7n,
      snapshots: [...(metadata.snapshots ?? []), foreign],
    }));
    expect(await rows(storage)).toBe(9);
    await change(storage, 2, (metadata) => ({ ...metadata, 'current-snapshot-id': snapshotIdOf('c-1') }));
    expect(await refusal(storage)).toMatchObject({
      code: 'TARGET_BAD',
      expected: expect.stringContaining(String(snapshotIdOf('c-2'))),
    });
  });
});
