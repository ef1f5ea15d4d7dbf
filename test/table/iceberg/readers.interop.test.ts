import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PartitionField, SortField, TransformName } from '../../../src/model/table.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { openIcebergTable } from '../../../src/table/iceberg/open.ts';
import { python, sparkJar } from '../../toolchain/tools.ts';
import { everyType, ledgerOf, stagedOf } from './sample.ts';
import { connect, ROWS_SQL, writeFiles } from './tables.ts';

const run = promisify(execFile);

/** Partition fields from `day(created_ts)`-like triples. */
const by = (column: string, transform: TransformName, width?: number): PartitionField => ({
  column,
  transform,
  name: transform === 'identity' ? column : `${column}_${transform}`,
  ...(width === undefined ? {} : { width }),
});

const FILTERS = [
  "pk = 'p3'",
  'sk < 0',
  'sk = -60405',
  'amount > 100.50',
  "region = 'k=v'",
  'region IS NULL',
  "region = ''",
  "region >= 'zz'",
  "seen >= '2023-12-01T00:00:00+00:00'",
  'flag = true',
  'ratio >= 0',
  'ratio < -0.02',
];
// Every filter costs Spark most of a second.
const FEW = ["pk = 'p3'", 'amount > 100.50', 'flag = true', 'ratio < -0.02'];
const TIME_FILTERS = [
  "created_ts < '1970-01-01T00:00:00+00:00'",
  "created_ts >= '1970-01-20T00:00:00+00:00'",
  'created_ts IS NULL',
];

interface Case {
  readonly name: string;
  readonly partition: readonly PartitionField[];
  readonly sort?: readonly SortField[];
  readonly filters?: readonly string[];
  readonly empty?: true;
  readonly insert?: true | 'delete';
}

const CASES: readonly Case[] = [
  { name: 'plain', partition: [], filters: [...FILTERS, ...TIME_FILTERS], insert: true },
  {
    name: 'sorted',
    partition: [],
    sort: [
      { column: 'sk', descending: true, nullsFirst: false },
      { column: 'region', descending: false, nullsFirst: true },
    ],
  },
  { name: 'identity', partition: [by('region', 'identity')], filters: FILTERS, insert: true },
  {
    name: 'bucket',
    partition: [by('pk', 'bucket', 4), by('sk', 'bucket', 3), by('amount', 'bucket', 2)],
    filters: FILTERS,
    insert: true,
  },
  { name: 'binary-bucket', partition: [by('bin', 'bucket', 4)] },
  { name: 'day', partition: [by('created_ts', 'day')], filters: [...FILTERS, ...TIME_FILTERS], insert: 'delete' },
  { name: 'year-hour', partition: [by('created_ts', 'year'), by('seen', 'hour')], filters: TIME_FILTERS, insert: true },
  { name: 'month', partition: [by('created_ts', 'month')], filters: TIME_FILTERS },
  {
    name: 'truncate',
    partition: [by('region', 'truncate', 2), by('sk', 'truncate', 1000)],
    filters: FILTERS,
    insert: true,
  },
  { name: 'truncate-decimal', partition: [by('amount', 'truncate', 500)], filters: FEW },
  {
    name: 'identities',
    partition: [by('flag', 'identity'), by('big', 'identity'), by('ratio', 'identity')],
    filters: FEW,
  },
  { name: 'identity-times', partition: [by('seen', 'identity'), by('bin', 'identity')], filters: FEW },
  { name: 'odd-name', partition: [by('a b/ü.x', 'truncate', 4), by('amount', 'identity')], filters: FEW },
  { name: 'empty', partition: [], empty: true },
  { name: 'empty-partitioned', partition: [by('created_ts', 'day')], empty: true, insert: true },
];

describe.skipIf(python === undefined)('tables that other readers read', () => {
  let root = '';
  let report: { problems: string[]; checked: number; inserted: Record<string, number> };
  const open = (name: string): ReturnType<typeof openIcebergTable> =>
    openIcebergTable(localStorage(root), `wh/db/${name}`);

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'tailrace-iceberg-'));
    const connection = await connect();
    const tables: unknown[] = [];
    for (const { name, partition, sort = [], filters = [], empty, insert } of CASES) {
      const table = open(name);
      const files = empty
        ? []
        : await writeFiles(connection, table, { schema: everyType, rows: ROWS_SQL, partition, sort }, 'c-1');
      const outcome = await table.commit(stagedOf('c-1', { partition, sort, files }), undefined);
      expect(outcome.kind).toBe('committed');
      tables.push({
        name,
        location: table.location,
        metadata: join(table.location, 'metadata/v1.metadata.json'),
        files: files.map((file) => file.path),
        filters,
        insert: insert ?? false,
        nullAsEmpty: ['lines', 'prices'],
      });
    }
    report = await readAll(tables);
  }, 600_000);

  afterAll(() => rm(root, { recursive: true, force: true }));

  async function readAll(tables: readonly unknown[]): Promise<typeof report> {
    const jars = sparkJar === undefined ? null : join(dirname(sparkJar), '*');
    const request = join(root, 'request.json');
    await writeFile(request, JSON.stringify({ jars, warehouse: join(root, 'wh'), tables }));
    const { stdout } = await run(python ?? '', [join(import.meta.dirname, 'read.py'), request], {
      maxBuffer: 1e8,
      cwd: root,
    });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as typeof report;
  }

  test('faults 89, 90: PyIceberg, DuckDB and Spark read every layout, and no predicate prunes a row', () => {
    expect(report.problems.slice(0, 8)).toEqual([]);
    expect(report.checked).toBeGreaterThan(200);
  });

  test.skipIf(sparkJar === undefined)('what Spark appends is loaded and listed', async () => {
    for (const { name, insert, empty } of CASES) {
      if (insert !== true) continue;
      const table = open(name);
      const state = await table.load();
      const files = await table.dataFiles();
      expect([name, state?.rows], name).toEqual([name, empty ? 0 : 62]);
      expect(
        files.reduce((sum, file) => sum + file.rows, 0),
        name,
      ).toBe(state?.rows);
      expect(state?.schema, name).toEqual(everyType);
      expect(state?.ledger, name).toEqual(ledgerOf('c-1'));
      expect(state?.rows, name).toBe(report.inserted[name]);
    }
  });

  test.skipIf(sparkJar === undefined)(
    'position deletes of Spark are found with the files that they apply to',
    async () => {
      const table = open('day');
      const files = await table.dataFiles();
      const deleted = files.flatMap((file) => file.deletes ?? []);
      expect(deleted.length).toBeGreaterThan(3);
      const sum = (list: readonly { readonly rows: number }[]): number =>
        list.reduce((total, { rows }) => total + rows, 0);
      expect(sum(files) - sum(deleted)).toBe(report.inserted['day']);
      expect((await table.load())?.rows).toBe(report.inserted['day']);
    },
  );

  test.skipIf(sparkJar === undefined)(
    'after Spark, a replacing commit swaps all rows, with another type and another spec',
    async () => {
      const connection = await connect();
      const tables: unknown[] = [];
      for (const name of ['plain', 'identity', 'bucket', 'truncate', 'year-hour']) {
        const table = open(name);
        const base = await table.load();
        const schema = {
          ...everyType,
          columns: everyType.columns.map((column) =>
            column.name === 'sk' ? { ...column, id: 31, type: { kind: 'number-text' as const } } : column,
          ),
          lastFieldId: 31,
        };
        const partition = name === 'identity' ? [by('pk', 'bucket', 2)] : [by('region', 'identity')];
        const rows = `SELECT * REPLACE (sk::VARCHAR AS sk) FROM (${ROWS_SQL}) WHERE sk > 0`;
        const files = await writeFiles(connection, table, { schema, rows, partition, sort: [] }, 'c-2');
        const outcome = await table.commit(stagedOf('c-2', { operation: 'replace', schema, partition, files }), base);
        expect(outcome.kind).toBe('committed');
        expect((await table.load())?.schema).toEqual(schema);
        const versions = (await readdir(join(table.location, 'metadata'))).flatMap(
          (file) => /^v(\d+)\.metadata\.json$/.exec(file)?.[1] ?? [],
        );
        tables.push({
          name,
          location: table.location,
          metadata: join(table.location, `metadata/v${Math.max(...versions.map(Number))}.metadata.json`),
          files: files.map((file) => file.path),
          filters: ["region = 'k=v'", "pk = 'p3'"],
          insert: true,
          nullAsEmpty: ['lines', 'prices'],
        });
      }
      const again = await readAll(tables);
      expect(again.problems.slice(0, 8)).toEqual([]);
      expect((await open('plain').load())?.rows).toBe(again.inserted['plain']);
    },
  );
});
