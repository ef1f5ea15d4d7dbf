import { describe, expect, test } from 'vitest';
import type { TableState } from '../../../src/model/table.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { Storage } from '../../../src/storage/port.ts';
import { snapshotIdOf } from '../../../src/table/iceberg/metadata.ts';
import { contents, dying, faulty } from './faulty.ts';
import {
  dataFiles,
  dataPath,
  deletesIn,
  entriesOf,
  foreign,
  loaded,
  manifestLines,
  merge,
  newestMetadata,
  newestSnapshot,
  tableWith,
} from './merging.ts';
import { everyType, fileOf, ledgerOf } from './sample.ts';

const REGION = [{ column: 'region', transform: 'identity', name: 'region' }] as const;

/** Files by name, with the positions that are deleted in each. */
async function shape(storage: Storage): Promise<Record<string, number>> {
  const files = await dataFiles(storage);
  return Object.fromEntries(
    files.map((file) => [
      /([^/]*)\.parquet$/.exec(file.path)?.[1] ?? '',
      (file.deletes ?? []).reduce((sum, { rows }) => sum + rows, 0),
    ]),
  );
}

describe('a merge', () => {
  test('adds files, deletes positions in old and new ones, and leaves untouched manifests as they are', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a', 'b']);
    const before = await manifestLines(storage);
    const files = [fileOf(dataPath(storage, 'c'), { rows: 4 })];
    const deletes = [deletesIn(storage, 'a', 'c-2-a', 3), deletesIn(storage, 'c', 'c-2-c', 1)];
    expect((await merge(storage, 'c-2', { files, deletes })).kind).toBe('committed');
    expect(await shape(storage)).toEqual({ a: 3, b: 0, c: 1 });
    expect((await loaded(storage)).rows).toBe(20);
    expect((await dataFiles(storage)).find((file) => file.path.endsWith('/a.parquet'))?.deletes).toEqual([deletes[0]]);
    const after = await manifestLines(storage);
    expect(after).toContainEqual(before[0]);
    expect(after.map((line) => [line.content, line.added_files_count]).sort()).toEqual([
      [0, 1],
      [0, 2],
      [1, 2],
    ]);
    expect(await newestSnapshot(storage)).toMatchObject({
      'sequence-number': 2n,
      summary: {
        operation: 'overwrite',
        'added-data-files': '1',
        'added-records': '4',
        'added-delete-files': '2',
        'added-position-delete-files': '2',
        'added-position-deletes': '4',
        'added-files-size': '1200',
        'total-data-files': '3',
        'total-records': '24',
        'total-delete-files': '2',
        'total-position-deletes': '4',
        'total-equality-deletes': '0',
        'total-files-size': '3200',
        'tailrace.live-records': '20',
      },
    });
  });

  test('names the data file of a delete in its field and by full bounds, however long its path is', async () => {
    const storage = memoryStorage();
    const name = `x${'y'.repeat(300)}`;
    await tableWith(storage, [name]);
    await merge(storage, 'c-2', { deletes: [deletesIn(storage, name, 'd', 2)] });
    const line = (await manifestLines(storage)).find((each) => each.content === 1) ?? expect.fail('no delete manifest');
    const [entry] = await entriesOf(storage, line);
    const path = dataPath(storage, name);
    expect(entry?.file).toMatchObject({
      content: 1,
      referenced_data_file: path,
      record_count: 2n,
      sort_order_id: null,
    });
    for (const bounds of [entry?.file.lower_bounds, entry?.file.upper_bounds])
      expect(bounds?.map(({ key, value }) => [key, value.toString()])).toEqual([[2147483546, path]]);
  });

  test('replaces a delete file; a removed data file takes its own along, and what stays keeps its numbers', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a', 'b', 'c']);
    await merge(storage, 'c-2', {
      deletes: ['a', 'b', 'c'].map((name) => deletesIn(storage, name, `c-2-${name}`, 2)),
    });
    await merge(storage, 'c-3', {
      removed: [dataPath(storage, 'b')],
      removedDeletes: [deletesIn(storage, 'a', 'c-2-a', 0).path],
      deletes: [deletesIn(storage, 'a', 'c-3-a', 5)],
    });
    expect(await shape(storage)).toEqual({ a: 5, c: 2 });
    expect((await loaded(storage)).rows).toBe(13);
    const lines = await manifestLines(storage);
    const entries = (await Promise.all(lines.map((line) => entriesOf(storage, line)))).flat();
    const shown = entries.map(({ status, sequenceNumber, fileSequenceNumber, snapshotId, file }) => [
      file.file_path.split('/').at(-1),
      status,
      sequenceNumber,
      fileSequenceNumber,
      snapshotId,
    ]);
    const [one, two, three] = ['c-1', 'c-2', 'c-3'].map(snapshotIdOf);
    expect(shown.sort()).toEqual([
      ['a.parquet', 'existing', 1n, 1n, one],
      ['b.parquet', 'deleted', 1n, 1n, three],
      ['c-2-a-deletes.parquet', 'deleted', 2n, 2n, three],
      ['c-2-b-deletes.parquet', 'deleted', 2n, 2n, three],
      ['c-2-c-deletes.parquet', 'existing', 2n, 2n, two],
      ['c-3-a-deletes.parquet', 'added', 3n, 3n, three],
      ['c.parquet', 'existing', 1n, 1n, one],
    ]);
    expect(lines.map((line) => [line.content, line.min_sequence_number]).sort()).toEqual([
      [0, 1n],
      [1, 2n],
    ]);
    expect((await newestSnapshot(storage)).summary).toMatchObject({
      operation: 'delete',
      'deleted-data-files': '1',
      'deleted-records': '10',
      'removed-delete-files': '2',
      'removed-position-delete-files': '2',
      'removed-position-deletes': '4',
      'removed-files-size': '1200',
      'total-data-files': '2',
      'total-records': '20',
      'total-delete-files': '2',
      'total-position-deletes': '7',
      'tailrace.live-records': '13',
    });
  });

  test('of additions alone is an append that reads no former manifest; of nothing, too', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a']);
    const counting = faulty(storage, {});
    await merge(counting, 'c-2', { files: [fileOf(dataPath(storage, 'b'))] });
    expect(counting.calls.filter((call) => /^get .*-m0\.avro/.test(call))).toEqual([]);
    expect((await newestSnapshot(storage)).summary).toMatchObject({ operation: 'append', 'total-records': '13' });
    await merge(storage, 'c-3', {});
    expect((await newestSnapshot(storage)).summary).toMatchObject({
      operation: 'append',
      'added-data-files': '0',
      'total-data-files': '2',
    });
    expect((await loaded(storage)).ledger?.commitId).toBe('c-3');
    expect((await manifestLines(storage)).length).toBe(2);
  });

  test('puts each delete into the partition and the spec of its data file', async () => {
    const storage = memoryStorage();
    const partitioned = (name: string, region: string | null) =>
      fileOf(dataPath(storage, name), { rows: 10, partition: [region] });
    await tableWith(storage, [], { partition: REGION, files: [partitioned('a', 'x'), partitioned('b', null)] });
    const bucket = [{ column: 'pk', transform: 'bucket', width: 4, name: 'pk_bucket' }] as const;
    await merge(storage, 'c-2', {
      partition: bucket,
      files: [fileOf(dataPath(storage, 'c'), { partition: [3] })],
      deletes: ['a', 'b', 'c'].map((name) => deletesIn(storage, name, `c-2-${name}`, 1)),
    });
    const lines = (await manifestLines(storage)).filter((line) => line.content === 1);
    const tuples = await Promise.all(
      lines.map(async (line) => [
        line.partition_spec_id,
        ...(await entriesOf(storage, line)).map((entry) => entry.tuple[0]),
      ]),
    );
    expect(tuples.sort()).toEqual([
      [0, 'x', null],
      [1, 3],
    ]);
    expect(await shape(storage)).toEqual({ a: 1, b: 1, c: 1 });
  });

  test('evolves the schema in the same commit, also with a new id under an old name of the partition column', async () => {
    const storage = memoryStorage();
    await tableWith(storage, [], {
      partition: REGION,
      files: [fileOf(dataPath(storage, 'a'), { partition: ['x'] })],
    });
    await merge(storage, 'c-2', { deletes: [deletesIn(storage, 'a', 'd', 1)] });
    const columns = everyType.columns.map((column) =>
      column.name === 'region' ? { ...column, id: 31, type: { kind: 'number-text' as const } } : column,
    );
    const schema = { ...everyType, columns, lastFieldId: 31 };
    await merge(storage, 'c-3', {
      schema,
      removed: [dataPath(storage, 'a')],
      files: [fileOf(dataPath(storage, 'b'), { rows: 2, partition: ['7'] })],
    });
    expect((await loaded(storage)).schema).toEqual(schema);
    expect(await shape(storage)).toEqual({ b: 0 });
    // Nothing names the column's former id any more.
    expect((await manifestLines(storage)).map((line) => line.partition_spec_id)).toEqual([1]);
    expect((await newestSnapshot(storage)).summary).toMatchObject({ 'total-delete-files': '0', 'total-records': '2' });
  });

  test('fault 12: a file that is there already, or that is not there, is refused', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a', 'b']);
    const again = fileOf(dataPath(storage, 'a'));
    for (const change of [
      { files: [again], removed: [dataPath(storage, 'b')] },
      { files: [fileOf('x'), fileOf('x')] },
      { removed: [dataPath(storage, 'z')] },
      { removedDeletes: [dataPath(storage, 'a')] },
      { deletes: [deletesIn(storage, 'z', 'd', 1)] },
      { removed: [dataPath(storage, 'a')], deletes: [deletesIn(storage, 'a', 'd', 1)] },
    ])
      await expect(merge(storage, 'c-2', change)).rejects.toMatchObject({ code: 'INTERNAL' });
    expect((await newestMetadata(storage))['last-sequence-number']).toBe(1n);
  });

  test('faults 11, 14: another commit since the base is a conflict; the same commit again is not', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a']);
    const base = await loaded(storage);
    const change = { deletes: [deletesIn(storage, 'a', 'd', 1)] };
    expect((await merge(storage, 'c-2', change, base)).kind).toBe('committed');
    expect((await merge(storage, 'c-2', change, base)).kind).toBe('committed');
    expect((await merge(storage, 'c-3', change, base)).kind).toBe('conflict');
    expect((await merge(storage, 'c-3', { ...change, operation: 'rewrite' }, base)).kind).toBe('conflict');
    expect((await newestMetadata(storage))['last-sequence-number']).toBe(2n);
  });
});

describe('beside another run, at its very put', () => {
  /** A storage where something happens right before the metadata is put. */
  const meanwhile = (storage: Storage, happening: () => Promise<unknown>): Storage =>
    faulty(storage, {
      putIf: async (key, body, condition) => {
        await happening();
        return storage.putIf(key, body, condition);
      },
    });
  const avro = async (storage: Storage): Promise<string[]> =>
    [...(await contents(storage, 't/metadata/')).keys()].filter((key) => key.endsWith('.avro')).sort();

  test('fault 28: the same load with files of its own, killed before its put, leaves what the other one is about to name', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a']);
    const base = await loaded(storage);
    const mine = { files: ['b', 'b2'].map((name) => fileOf(dataPath(storage, name), { rows: 2 })) };
    const other = { files: [fileOf(dataPath(storage, 'c'), { rows: 4 })] };
    const dies: Partial<Storage> = { putIf: () => Promise.reject(new Error('killed')) };
    const both = meanwhile(storage, () => merge(faulty(storage, dies), 'c-2', other, base).catch(() => undefined));
    expect((await merge(both, 'c-2', mine, base)).kind).toBe('committed');
    expect(await shape(storage)).toEqual({ a: 0, b: 0, b2: 0 });
    for (const { manifest_path, manifest_length } of await manifestLines(storage))
      expect(BigInt((await storage.get(storage.key(manifest_path))).length)).toBe(manifest_length);
  });

  test('faults 7 and 14: what a commit that lost had written goes at once', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a']);
    const base = await loaded(storage);
    const winner = () => merge(storage, 'c-2', { files: [fileOf(dataPath(storage, 'b'))] }, base);
    const lost = await merge(meanwhile(storage, winner), 'c-3', { files: [fileOf(dataPath(storage, 'c'))] }, base);
    expect(lost.kind).toBe('conflict');
    expect((await avro(storage)).filter((key) => key.includes('c-3'))).toEqual([]);
    expect(await shape(storage)).toEqual({ a: 0, b: 0 });
  });

  test('fault 7: while nobody knows what became of a commit, all that it had written stays', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a']);
    const before = await avro(storage);
    const silent: Partial<Storage> = { putIf: async () => ({ kind: 'unknown', cause: 'lost' }) };
    const change = { files: [fileOf(dataPath(storage, 'b'))] };
    expect((await merge(faulty(storage, silent), 'c-2', change)).kind).toBe('unknown');
    expect((await avro(storage)).length).toBe(before.length + 2);
  });
});

describe('a rewrite', () => {
  test('swaps files, keeps ledger, schema and position, and is not taken for a rollback', async () => {
    const storage = memoryStorage();
    await tableWith(storage, ['a', 'b']);
    await merge(storage, 'c-2', { deletes: [deletesIn(storage, 'a', 'd', 4)] });
    const before = await newestMetadata(storage);
    const outcome = await merge(storage, 'compact-1', {
      operation: 'rewrite',
      ledger: ledgerOf('not-this-one'),
      removed: ['a', 'b'].map((name) => dataPath(storage, name)),
      files: [fileOf(dataPath(storage, 'ab'), { rows: 16 })],
    });
    expect(outcome.kind).toBe('committed');
    const after = await newestMetadata(storage);
    expect(after.properties).toEqual(before.properties);
    expect(after.schemas).toEqual(before.schemas);
    const { summary } = await newestSnapshot(storage);
    expect(summary).toMatchObject({
      operation: 'replace',
      'added-records': '16',
      'deleted-records': '20',
      'removed-position-deletes': '4',
      'total-records': '16',
      'total-delete-files': '0',
    });
    expect(Object.keys(summary).filter((key) => key.startsWith('tailrace.'))).toEqual(['tailrace.commit-id']);
    const state = await loaded(storage);
    expect([state.rows, state.ledger?.commitId]).toEqual([16, 'c-2']);
    expect(await merge(storage, 'compact-1', { operation: 'rewrite' }, state)).toMatchObject({ kind: 'committed' });
  });
});

describe('a rollback is noticed', () => {
  const rollback = (storage: Storage, to: string, forget: readonly string[] = []) =>
    foreign(storage, (metadata) => ({
      ...metadata,
      'current-snapshot-id': snapshotIdOf(to),
      snapshots: metadata.snapshots?.filter((each) => !forget.map(snapshotIdOf).includes(each['snapshot-id'])) ?? [],
    }));
  const chain = async (): Promise<Storage> => {
    const storage = memoryStorage();
    await tableWith(storage, ['a']);
    await merge(storage, 'c-2', { files: [fileOf(dataPath(storage, 'b'))] });
    await merge(storage, 'r-3', { operation: 'rewrite' });
    await merge(storage, 'r-4', { operation: 'rewrite' });
    return storage;
  };

  test.each([
    ['to a snapshot from before the last merge', 'c-1', []],
    ['when the last merge has expired since', 'c-1', ['c-2']],
    ['when all that came after has expired, too', 'c-1', ['c-2', 'r-3', 'r-4']],
  ])('%s', async (_, to, forget) => {
    const storage = await chain();
    await rollback(storage, to, forget);
    await expect(loaded(storage)).rejects.toMatchObject({
      code: 'TARGET_BAD',
      hint: expect.stringContaining('napshot'),
    });
  });

  test('and an append on top of it, too', async () => {
    const storage = await chain();
    await rollback(storage, 'c-1', ['c-2']);
    await foreign(storage, (metadata) => ({
      ...metadata,
      'current-snapshot-id': 77n,
      'last-sequence-number': 5n,
      snapshots: [
        ...(metadata.snapshots ?? []),
        {
          ...(metadata.snapshots?.[0] ?? expect.fail()),
          'snapshot-id': 77n,
          'parent-snapshot-id': snapshotIdOf('c-1'),
          'sequence-number': 5n,
        },
      ],
    }));
    await expect(loaded(storage)).rejects.toMatchObject({ code: 'TARGET_BAD' });
  });

  test.each([
    ['back to a rewrite after the last merge', 'r-3', []],
    ['with the last merge expired', 'r-4', ['c-2']],
    ['with all but the newest expired', 'r-4', ['c-1', 'c-2', 'r-3']],
  ])('but what holds the last merge is none: %s', async (_, to, forget) => {
    const storage = await chain();
    await rollback(storage, to, forget);
    expect((await loaded(storage)).ledger?.commitId).toBe('c-2');
  });
});

test.each(['merge', 'rewrite'] as const)(
  'faults 8, 9, 22: a %s killed at any call, before or after its effect, and run again ends in the same table',
  async (operation) => {
    const prepare = async (): Promise<readonly [Storage, TableState]> => {
      const storage = memoryStorage('same');
      await tableWith(storage, ['a', 'b', 'c']);
      await merge(storage, 'c-2', { deletes: ['a', 'b'].map((name) => deletesIn(storage, name, `c-2-${name}`, 2)) });
      return [storage, await loaded(storage)];
    };
    const commit = (storage: Storage, base: TableState) =>
      merge(
        storage,
        'c-3',
        {
          operation,
          files: [fileOf(dataPath(storage, 'd'), { rows: 8 })],
          removed: [dataPath(storage, 'a')],
          removedDeletes: [deletesIn(storage, 'b', 'c-2-b', 0).path],
          deletes: [deletesIn(storage, 'b', 'c-3-b', 3)],
        },
        base,
      );
    const [storage, base] = await prepare();
    const counting = faulty(storage, {});
    await commit(counting, base);
    const calls = counting.calls.filter((call) => !/^(uri|key|list) /.test(call)).length;
    const whole = await committedFiles(storage);
    expect(calls).toBeGreaterThan(6);
    for (let n = 0; n < calls; n += 1) {
      for (const after of [false, true]) {
        const [again, former] = await prepare();
        await commit(dying(again, n, after), former).catch(() => undefined);
        expect([2n, 3n]).toContain((await newestMetadata(again))['last-sequence-number']);
        expect((await commit(again, former)).kind).toBe('committed');
        expect([n, after, await committedFiles(again)]).toEqual([n, after, whole]);
      }
    }
  },
);

/** Everything below metadata/ but the hint, which nothing depends on; a table's uuid is random. */
async function committedFiles(storage: Storage): Promise<Record<string, string>> {
  const all = [...(await contents(storage, 't/metadata/'))].filter(([key]) => !key.endsWith('hint.text'));
  return Object.fromEntries(all.map(([key, body]) => [key, body.replace(/"table-uuid":"[^"]*"/, '')]));
}
