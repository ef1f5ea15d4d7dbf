import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printMetadata } from '../../src/catalog/metadata/json.ts';
import type { CatalogTable, OpenTableOptions } from '../../src/catalog/port.ts';
import type { TableSchema } from '../../src/model/schema.ts';
import type { CommitOutcome, StagedCommit, TableState } from '../../src/model/table.ts';
import { snapshotIdOf } from '../../src/table/iceberg/metadata.ts';
import { icebergTable } from '../../src/table/iceberg/open.ts';
import { everyType, field, fileOf, ledgerOf, stagedOf, string } from '../table/iceberg/sample.ts';

/** A catalog under test, as two processes would see it. */
export interface CatalogUnderTest {
  /** A table by its name in a namespace that is there; each call is like another process: it remembers nothing. */
  open(table: string, options?: Partial<OpenTableOptions>): Promise<CatalogTable>;
  /** Forgets the table as its catalog does; its files may stay. */
  drop(table: string): Promise<void>;
  stop?(): Promise<void>;
}

export interface Known {
  /** The catalog keeps the current snapshot alone (Nessie). */
  readonly currentOnly?: boolean;
  /** Every write of this many writers at once; each that loses tries again. */
  readonly commitsPerWriter?: number;
}

const REGION = [{ column: 'region', transform: 'identity', name: 'region' }] as const;
const DAY = [{ column: 'created_ts', transform: 'day', name: 'created_ts_day' }] as const;
const SORT = [{ column: 'sk', descending: true, nullsFirst: false }] as const;

/** What every catalog does alike. */
export function catalogContract(name: string, make: () => Promise<CatalogUnderTest>, known: Known = {}): void {
  describe(`catalog contract: ${name}`, () => {
    let catalog: CatalogUnderTest;
    let tables = 0;
    const nextName = (): string => {
      tables += 1;
      return `t${tables}`;
    };
    const opened = async (table: string): Promise<CatalogTable> => catalog.open(table);
    const stateOf = async (table: string): Promise<TableState> =>
      (await icebergTable(await opened(table)).load()) ?? expect.fail('no table');
    const commit = async (
      table: string,
      commitId: string,
      base: TableState | undefined,
      change: Partial<StagedCommit> = {},
    ): Promise<CommitOutcome> => {
      const there = await opened(table);
      const path = there.storage.uri(`${there.folder}/data/${commitId}.parquet`);
      const operation = base === undefined ? 'create' : 'merge';
      return icebergTable(there).commit(stagedOf(commitId, { operation, files: [fileOf(path)], ...change }), base);
    };
    const created = async (change: Partial<StagedCommit> = {}): Promise<string> => {
      const table = nextName();
      expect(await commit(table, `${table}-1`, undefined, change)).toMatchObject({ kind: 'committed' });
      return table;
    };

    beforeAll(async () => {
      catalog = await make();
    });
    afterAll(async () => {
      await catalog.stop?.();
    });

    test('a table is not there until its first snapshot is, and then it is as it was staged', async () => {
      const table = nextName();
      expect(await icebergTable(await opened(table)).load()).toBeUndefined();
      expect(await icebergTable(await opened(table)).dataFiles()).toEqual([]);
      const change = { partition: REGION, sort: SORT, options: { depth: 3 } };
      const there = await opened(table);
      const files = [fileOf(there.storage.uri(`${there.folder}/data/f.parquet`), { partition: ['é'] })];
      const staged = stagedOf('c-1', { ...change, files });
      expect(await icebergTable(there).commit(staged, undefined)).toEqual({
        kind: 'committed',
        snapshot: String(snapshotIdOf('c-1')),
      });
      expect(await stateOf(table)).toEqual({
        format: 'iceberg',
        location: there.storage.uri(there.folder),
        snapshot: String(snapshotIdOf('c-1')),
        schema: everyType,
        ledger: ledgerOf('c-1'),
        rows: 3,
        ...change,
      });
      expect(await icebergTable(await opened(table)).dataFiles()).toEqual(files);
    });

    test('ids of nested columns stay those of the data files, in whatever order they were given', async () => {
      const [nested] = [{ kind: 'struct', fields: [field(2, 'a', 'S', string), field(3, 'b', 'S', string)] } as const];
      const element = { id: 4, tag: 'M', type: nested } as const;
      const schema: TableSchema = {
        columns: [
          field(1, 'lines', 'L', { kind: 'list', element }),
          field(9, 'pk', 'S', string),
          field(7, 'tail', 'S', string),
        ],
        derived: [],
        system: [],
        keys: ['pk'],
        lastFieldId: 9,
      };
      const partition = [{ column: 'pk', transform: 'bucket', width: 4, name: 'pk_bucket' }] as const;
      const table = nextName();
      expect(await commit(table, `${table}-1`, undefined, { schema, partition, files: [] })).toMatchObject({
        kind: 'committed',
      });
      expect(await stateOf(table)).toMatchObject({ schema, partition });
    });

    test('fault 14: a change on a state that is no longer the newest is a conflict, and changes nothing', async () => {
      const table = await created();
      const base = await stateOf(table);
      expect(await commit(table, 'second', base)).toMatchObject({ kind: 'committed' });
      expect(await commit(table, 'stale', base)).toMatchObject({ kind: 'conflict' });
      expect((await stateOf(table)).ledger?.commitId).toBe('second');
      expect((await icebergTable(await opened(table)).dataFiles()).length).toBe(2);
    });

    test('the catalog itself compares: the port refuses a commit on a stale state', async () => {
      const table = await created();
      const there = await opened(table);
      const stale = (await there.load()) ?? expect.fail('no table');
      expect(await commit(table, 'second', await stateOf(table))).toMatchObject({ kind: 'committed' });
      const before = printMetadata(((await there.load()) ?? expect.fail('no table')).metadata);
      const next = {
        ...stale.metadata,
        'last-updated-ms': stale.metadata['last-updated-ms'] + 1,
        properties: { ...stale.metadata.properties, stale: 'yes' },
      };
      expect(await there.commit(stale, next, () => false)).toMatchObject({ kind: 'conflict' });
      expect(printMetadata(((await there.load()) ?? expect.fail('no table')).metadata)).toBe(before);
    });

    test('a table that somebody else created first is a conflict', async () => {
      const table = await created();
      expect(await commit(table, 'late', undefined)).toMatchObject({ kind: 'conflict' });
      const there = await opened(table);
      const now = (await there.load()) ?? expect.fail('no table');
      expect(await there.commit(undefined, now.metadata, () => false)).toMatchObject({ kind: 'conflict' });
      expect((await stateOf(table)).ledger?.commitId).toBe(`${table}-1`);
    });

    test('faults 3, 9, 10: a commit that is made again finds itself, also when another one came after it', async () => {
      const table = await created();
      const base = await stateOf(table);
      expect(await commit(table, 'mine', base)).toMatchObject({ kind: 'committed' });
      expect(await commit(table, 'mine', base)).toMatchObject({ kind: 'committed' });
      expect((await icebergTable(await opened(table)).dataFiles()).length).toBe(2);
      if (known.currentOnly === true) return;
      expect(await commit(table, 'other', await stateOf(table))).toMatchObject({ kind: 'committed' });
      expect(await commit(table, 'mine', base)).toMatchObject({ kind: 'committed' });
      expect((await icebergTable(await opened(table)).dataFiles()).length).toBe(3);
    });

    test('fault 18: columns, partitions, order and properties change with the commit; ids stay as they were staged', async () => {
      const table = await created({ partition: REGION, sort: SORT, files: [] });
      const id = everyType.lastFieldId + 1;
      const schema: TableSchema = {
        ...everyType,
        columns: [...everyType.columns, field(id, 'later', 'S', string)],
        lastFieldId: id,
      };
      const base = await stateOf(table);
      const there = await opened(table);
      const files = [fileOf(there.storage.uri(`${there.folder}/data/g.parquet`), { partition: [19_000] })];
      const change = { schema, partition: DAY, sort: [], files, options: { depth: 9 } };
      expect(await commit(table, 'wider', base, change)).toMatchObject({ kind: 'committed' });
      expect(await stateOf(table)).toMatchObject({ schema, partition: DAY, sort: [], options: { depth: 9 } });
      expect(await commit(table, 'blind', base, { files: [] })).toMatchObject({ kind: 'conflict' });
      // Back to the first layout: specs, orders and schemas that are there are used again.
      expect(
        await commit(table, 'back', await stateOf(table), { schema, partition: REGION, sort: SORT, files: [] }),
      ).toMatchObject({ kind: 'committed' });
      const { metadata } = (await there.load()) ?? expect.fail('no table');
      expect(metadata['partition-specs'].length).toBe(2);
      expect(await stateOf(table)).toMatchObject({ schema, partition: REGION, sort: SORT });
    });

    test('faults 10, 21: snapshots that are forgotten stay forgotten, and the ledger stays', async () => {
      const table = await created();
      for (const commitId of ['x-2', 'x-3', 'x-4'])
        await commit(table, `${table}-${commitId}`, await stateOf(table), { timestampMs: Date.now() });
      const handle = icebergTable(await opened(table));
      const before = await stateOf(table);
      const options = { olderThanMs: Date.now() + 86_400_000, minKeep: 1, timestampMs: Date.now() };
      const expiry = await handle.upkeep?.expireSnapshots(options);
      expect(expiry).toMatchObject(
        known.currentOnly === true ? { outcome: 'nothing' } : { outcome: 'expired', snapshots: 3 },
      );
      expect(await stateOf(table)).toEqual(before);
      const { metadata } = (await (await opened(table)).load()) ?? expect.fail('no table');
      expect(metadata.snapshots?.length).toBe(1);
      expect((await handle.dataFiles()).length).toBe(4);
      expect(await commit(table, `${table}-x-5`, before)).toMatchObject({ kind: 'committed' });
    });

    test('fault 19: a table that was dropped and created anew is not the one that was loaded', async () => {
      const table = await created();
      const base = await stateOf(table);
      await catalog.drop(table);
      expect(await icebergTable(await opened(table)).load()).toBeUndefined();
      expect(await commit(table, 'orphan', base)).toMatchObject({ kind: 'conflict' });
      expect(await commit(table, `${table}-1`, undefined)).toMatchObject({ kind: 'committed' });
      expect(await commit(table, 'late', base)).toMatchObject({ kind: 'conflict' });
    });

    test('faults 11, 15: of many commits by two writers at once none is lost and none is there twice', async () => {
      const table = await created();
      const each = known.commitsPerWriter ?? 10;
      const writer = async (writerName: string): Promise<void> => {
        for (let n = 0; n < each; n += 1) {
          const commitId = `${table}-${writerName}-${n}`;
          for (let outcome: CommitOutcome | undefined; outcome?.kind !== 'committed'; ) {
            outcome = await commit(table, commitId, await stateOf(table), { timestampMs: Date.now() });
            if (outcome.kind === 'unknown') expect.fail(outcome.reason);
          }
        }
      };
      await Promise.all([writer('a'), writer('b')]);
      const files = (await icebergTable(await opened(table)).dataFiles()).map(({ path }) => path);
      expect(files.length).toBe(2 * each + 1);
      expect(new Set(files).size).toBe(files.length);
      expect((await stateOf(table)).rows).toBe(3 * files.length);
    });

    test('files of attempts on different states have different names', async () => {
      const table = await created();
      const there = await opened(table);
      const first = await there.load();
      await commit(table, 'second', await stateOf(table));
      const second = await there.load();
      expect(new Set([undefined, first, second].map((base) => there.attempt(base))).size).toBe(3);
    });
  });
}
