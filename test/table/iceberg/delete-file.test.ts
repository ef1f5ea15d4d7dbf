import { describe, expect, test } from 'vitest';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { Storage } from '../../../src/storage/port.ts';
import type { SpecEntry } from '../../../src/table/iceberg/delete-file.ts';
import { addedDeleteEntry, deleteIndex, referencedFile } from '../../../src/table/iceberg/delete-file.ts';
import type { ManifestDataFile, ManifestEntry } from '../../../src/table/iceberg/manifest.ts';
import { CONTENT, writeManifests } from '../../../src/table/iceberg/manifest.ts';
import { writeManifestList } from '../../../src/table/iceberg/manifest-list.ts';
import { openIcebergTable } from '../../../src/table/iceberg/open.ts';
import type { Tuple } from '../../../src/table/iceberg/partition.ts';
import { faulty } from './faulty.ts';
import {
  dataFiles,
  dataPath,
  deletesIn,
  foreign,
  loaded,
  manifestLines,
  merge,
  newestMetadata,
  newestSnapshot,
  tableWith,
} from './merging.ts';
import { fileOf } from './sample.ts';

const FILE_PATH = 2147483546;

const base = addedDeleteEntry({ path: 'd', rows: 1, sizeBytes: 1 }, 'data/f', [], 1n);
const entry = (sequenceNumber: bigint, tuple: Tuple, file: Partial<ManifestDataFile>): ManifestEntry => ({
  ...base,
  sequenceNumber,
  tuple,
  file: { ...base.file, referenced_data_file: null, lower_bounds: null, upper_bounds: null, ...file },
});
const data = (specId: number, sequenceNumber: bigint, tuple: Tuple, path = 'data/f'): SpecEntry => ({
  specId,
  entry: entry(sequenceNumber, tuple, { content: CONTENT.data, file_path: path }),
});
const bounds = (lower: string, upper: string): Partial<ManifestDataFile> => ({
  lower_bounds: [{ key: FILE_PATH, value: Buffer.from(lower) }],
  upper_bounds: [{ key: FILE_PATH, value: Buffer.from(upper) }],
});

describe('a delete applies', () => {
  const cases: readonly (readonly [string, boolean, ManifestEntry, number, SpecEntry])[] = [
    ['to data of the same commit', true, entry(3n, ['x'], {}), 0, data(0, 3n, ['x'])],
    ['not to younger data', false, entry(3n, ['x'], {}), 0, data(0, 4n, ['x'])],
    ['not to another partition', false, entry(3n, ['x'], {}), 0, data(0, 1n, ['y'])],
    ['to the partition of nulls', true, entry(3n, [null], {}), 0, data(0, 1n, [null])],
    ['not to the text null', false, entry(3n, [null], {}), 0, data(0, 1n, ['null'])],
    ['by the value of binaries', true, entry(3n, [Buffer.from('a')], {}), 0, data(0, 1n, [new Uint8Array([97])])],
    ['not to another spec', false, entry(3n, ['x'], {}), 1, data(0, 1n, ['x'])],
    ['to the file that it names', true, entry(3n, ['x'], { referenced_data_file: 'data/f' }), 0, data(0, 1n, ['x'])],
    [
      'not to a file that it does not name',
      false,
      entry(3n, ['x'], { referenced_data_file: 'g' }),
      0,
      data(0, 1n, ['x']),
    ],
    ['by equal bounds', true, entry(3n, ['x'], bounds('data/f', 'data/f')), 0, data(0, 1n, ['x'])],
    ['not by equal bounds of another', false, entry(3n, ['x'], bounds('data/g', 'data/g')), 0, data(0, 1n, ['x'])],
    ['within bounds', true, entry(3n, ['x'], bounds('data/a', 'data/z')), 0, data(0, 1n, ['x'])],
    ['not outside of bounds', false, entry(3n, ['x'], bounds('data/g', 'data/z')), 0, data(0, 1n, ['x'])],
    ['by equality to older data', true, entry(3n, ['x'], { content: 2 }), 0, data(0, 2n, ['x'])],
    ['by equality not to data of its commit', false, entry(3n, ['x'], { content: 2 }), 0, data(0, 3n, ['x'])],
    ['by equality everywhere', true, entry(3n, [], { content: 2 }), 1, data(0, 2n, ['x'])],
    ['by position not everywhere', false, entry(3n, [], {}), 1, data(0, 2n, ['x'])],
  ];
  test.each(cases)('%s', (_, applies, deletes, specId, file) => {
    expect(deleteIndex([{ specId, entry: deletes }]).of(file)).toEqual(applies ? [deletes] : []);
  });

  test('names one file only where that is certain', () => {
    expect(referencedFile(entry(1n, [], bounds('a', 'b')).file)).toBeUndefined();
    expect(referencedFile(entry(1n, [], {}).file)).toBeUndefined();
    expect(referencedFile(base.file)).toBe('data/f');
  });
});

test('other spellings of a path are found, and said, because rows of delete files must name data so', async () => {
  const storage = memoryStorage();
  await tableWith(storage, ['a']);
  // A store that has two spellings, as s3a:// and s3:// are.
  const spelled = faulty(storage, { kind: 's3', key: (uri) => storage.key(uri.replace('s3://x/', storage.uri(''))) });
  const table = openIcebergTable(spelled, 't');
  const state = await table.load();
  expect(state).toBeDefined();
  const files = [fileOf('s3a://x/t/data/b.parquet', { rows: 4 })];
  await merge(spelled, 'c-2', { files });
  const [foreign] = (await table.dataFiles()).filter((file) => file.path.endsWith('b.parquet'));
  expect(foreign).toMatchObject({ path: 's3://x/t/data/b.parquet', spelling: 's3a://x/t/data/b.parquet' });
  await merge(spelled, 'c-3', {
    deletes: [{ path: storage.uri('t/data/d.parquet'), rows: 1, sizeBytes: 1, dataFile: 's3://x/t/data/b.parquet' }],
  });
  const [deleted] = (await table.dataFiles()).filter((file) => file.deletes !== undefined);
  expect(deleted?.deletes?.[0]).toMatchObject({ dataFile: 's3://x/t/data/b.parquet' });
  await merge(spelled, 'c-4', { removed: ['s3://x/t/data/b.parquet'] });
  expect((await table.dataFiles()).map((file) => file.path)).toEqual([dataPath(storage, 'a')]);
});

test('rows are those of the data without what is deleted, also when no summary says so', async () => {
  const storage = memoryStorage();
  await tableWith(storage, ['a', 'b']);
  await merge(storage, 'c-2', { deletes: [deletesIn(storage, 'a', 'd', 4)] });
  expect((await loaded(storage)).rows).toBe(16);
  await foreign(storage, (metadata) => ({
    ...metadata,
    snapshots:
      metadata.snapshots?.map(({ summary, ...rest }) => {
        const { 'tailrace.live-records': _, ...others } = summary;
        return { ...rest, summary: others };
      }) ?? [],
  }));
  expect((await loaded(storage)).rows).toBe(16);
  expect((await dataFiles(storage)).length).toBe(2);
});

describe('equality deletes', () => {
  /** Another writer's snapshot with a file of equality deletes, and maybe data after it. */
  async function withEqualityDeletes(storage: Storage): Promise<void> {
    const metadata = await newestMetadata(storage);
    const [schema, spec] = [metadata.schemas[0] ?? expect.fail(), metadata['partition-specs'][0] ?? expect.fail()];
    const snapshot = await newestSnapshot(storage);
    const file = { content: CONTENT.equalityDeletes, file_path: storage.uri('t/data/eq.parquet'), equality_ids: [1] };
    const manifests = await writeManifests(
      { schema, spec, tuple: [], content: 'deletes' },
      [{ ...entry(0n, [], file), status: 'added', sequenceNumber: null, fileSequenceNumber: null, snapshotId: 7n }],
      7n,
      2n,
      () => storage.uri('t/metadata/eq-m0.avro'),
    );
    for (const { bytes } of manifests) await storage.put('t/metadata/eq-m0.avro', bytes);
    const lines = [...(await manifestLines(storage)), ...manifests.map(({ line }) => line)];
    await storage.put('t/metadata/eq.avro', await writeManifestList(lines, 7n, snapshot['snapshot-id'], 2n));
    await foreign(storage, (former) => ({
      ...former,
      'last-sequence-number': 2n,
      'current-snapshot-id': 7n,
      snapshots: [
        ...(former.snapshots ?? []),
        {
          ...snapshot,
          'snapshot-id': 7n,
          'parent-snapshot-id': snapshot['snapshot-id'],
          'sequence-number': 2n,
          'manifest-list': storage.uri('t/metadata/eq.avro'),
          summary: { operation: 'overwrite' },
        },
      ],
    }));
  }

  test('are refused where they apply to a file, with the call that removes them', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a']);
    await withEqualityDeletes(storage);
    await expect(dataFiles(storage)).rejects.toMatchObject({
      code: 'TARGET_BAD',
      place: storage.uri('t/data/eq.parquet'),
      hint: expect.stringContaining('rewrite_data_files'),
    });
  });

  test('are let be where they apply to none, stay beside a merge, and leave with the last file that they could mean', async () => {
    const storage = memoryStorage();
    await tableWith(storage, []);
    await withEqualityDeletes(storage);
    expect(await dataFiles(storage)).toEqual([]);
    await merge(storage, 'c-2', { files: [fileOf(dataPath(storage, 'b'))] });
    expect((await dataFiles(storage)).length).toBe(1);
    expect((await newestSnapshot(storage)).summary).toMatchObject({
      'total-equality-deletes': '1',
      'total-delete-files': '1',
    });
    await merge(storage, 'c-3', { removed: [dataPath(storage, 'b')] });
    expect((await newestSnapshot(storage)).summary).toMatchObject({
      'removed-equality-delete-files': '1',
      'removed-equality-deletes': '1',
      'total-equality-deletes': '0',
      'total-delete-files': '0',
    });
  });
});
