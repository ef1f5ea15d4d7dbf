import { describe, expect, test } from 'vitest';
import { inspectText } from '../../src/cli/print/inspect-text.ts';
import { maintainText } from '../../src/cli/print/maintain-text.ts';
import { readNext, shellWord } from '../../src/cli/print/read-next.ts';
import { syncReportText } from '../../src/cli/print/report-text.ts';
import { diffText, schemaText } from '../../src/cli/print/schema-text.ts';
import { styleFor } from '../../src/cli/print/style.ts';
import { formatClock, formatCount, formatDuration, shortCount } from '../../src/cli/print/units.ts';
import { committed } from './fake-world.ts';

const style = styleFor({ isTerminal: false }, {});

describe('the report of a run', () => {
  test('says what came of it, the counts, and where to look next', () => {
    expect(syncReportText(committed, style)).toBe(`\
Committed to ./lake/orders (snapshot 8012345678901234567) in 3.2 s
  rows      3,000 read = 2,998 written + 2 rejected; 14 with values in _rescued
  columns   2 columns (1 of attributes, 1 added); key pk
  work      4 files read, 12.3 MB, 3.85 MB/s; 1 file written, 8.10 MB; peak memory 312 MB
  holds     arn:aws:dynamodb:eu-west-1:1:table/orders, all changes before 2024-01-01T00:00:00Z (1 export)
  table     /lake/orders
rejected 2 items could not be loaded: they lie, whole and with their reasons, in /state/rejects
warning The key is not known. (KEY_UNKNOWN)

Read it next
  tailrace  tailrace query ./lake/orders "select * from t limit 10"
  DuckDB    load iceberg; select * from iceberg_scan('/lake/orders');
  PyIceberg StaticTable.from_metadata("/lake/orders").scan().to_arrow()
  Spark     spark.read.format("iceberg").load("/lake/orders")
`);
  });

  test('tells of rejected items once', () => {
    const told = { code: 'items-rejected', text: '2 items could not be loaded: see /state/rejects.' };
    const text = syncReportText({ ...committed, warnings: [told] }, style);
    expect(text.match(/could not be loaded/g)).toHaveLength(1);
    const failed = syncReportText({ ...committed, outcome: 'failed', warnings: [told] }, style);
    expect(failed.match(/could not be loaded/g)).toHaveLength(1);
  });

  test('of an unchanged table says so', () => {
    const counts = { ...committed.counts, read: 0, written: 0, rejected: 0 };
    const unchanged = { ...committed, outcome: 'unchanged' as const, counts };
    const text = syncReportText(unchanged, style);
    expect(text).toContain('Unchanged: ./lake/orders already holds this export');
    const late = { ...unchanged, warnings: [{ code: 'window-late', text: 'x' }] };
    expect(syncReportText(late, style)).not.toContain('already holds');
    expect(text).not.toContain('rows  ');
  });

  test('of a plan says what a run would read, and offers nothing to open', () => {
    const plan = { items: 3000, files: 4, bytes: 12_345_678, seen: 0 };
    const text = syncReportText(
      {
        ...committed,
        outcome: 'planned',
        schema: [],
        warnings: [],
        rejects: '',
        plan,
        counts: { ...committed.counts, rejected: 0 },
      },
      style,
    );
    expect(text).toContain(
      'Planned: nothing was written to ./lake/orders\n  to read   3,000 items in 4 files, 12.3 MB\n',
    );
    expect(text).not.toMatch(/rows|columns|Read it next/);
  });

  test('of a plan tells how many items its columns are guessed from, unless they are all', () => {
    const planned = (seen: number) => {
      const plan = { items: 3000, files: 4, bytes: 1, seen };
      return syncReportText({ ...committed, outcome: 'planned', plan }, style);
    };
    expect(planned(400)).toContain('columns   2 columns (1 of attributes, 1 added); key pk; a guess from 400 items\n');
    expect(planned(3000)).toContain('columns   2 columns (1 of attributes, 1 added); key pk\n');
  });

  test('of a failure never claims what is not known', () => {
    const failed = { ...committed, outcome: 'failed' as const, applied: 0 };
    expect(syncReportText({ ...failed, error: { code: 'DISK_FULL', message: 'x' } }, style)).toContain('is as it was');
    const midway = syncReportText({ ...failed, applied: 2, error: { code: 'DISK_FULL', message: 'x' } }, style);
    expect(midway).toContain('Stopped: 2 exports are in ./lake/orders');
    expect(midway).not.toContain('as it was');
    const unknown = syncReportText({ ...failed, error: { code: 'COMMIT_UNKNOWN', message: 'x' } }, style);
    expect(unknown).toContain('not known whether');
    expect(unknown).not.toContain('as it was');
  });

  test('an unknown key is said; the remedy is in the warning', () => {
    expect(syncReportText({ ...committed, key: [] }, style)).toContain('; key unknown\n');
  });
});

describe('how to read it next', () => {
  test('Parquet: the path of the generation that counts', () => {
    const lines = readNext({ target: "parquet:./lake/it's", format: 'parquet', readPath: "/lake/it's/g1" }).map(
      ([, line]) => line,
    );
    expect(lines).toEqual([
      `tailrace query 'parquet:./lake/it'\\''s' "select * from t limit 10"`,
      `select * from read_parquet('/lake/it''s/g1/**/*.parquet', hive_partitioning = true);`,
      `pyarrow.dataset.dataset("/lake/it's/g1", partitioning="hive")`,
      `spark.read.parquet("/lake/it's/g1")`,
    ]);
  });

  test.each([
    ['/t', '/t'],
    ['/t/metadata', '/t'],
    ['/t/metadata/v3.metadata.json', '/t'],
    ['s3://b/t/', 's3://b/t'],
  ])('Iceberg: %s opens at %s', (readPath, folder) => {
    expect(readNext({ target: 't', format: 'iceberg', readPath })[3]?.[1]).toBe(
      `spark.read.format("iceberg").load("${folder}")`,
    );
  });

  test('words are quoted only where they must be', () => {
    expect([shellWord('s3://b/k'), shellWord('a b'), shellWord('')]).toEqual(['s3://b/k', `'a b'`, `''`]);
  });
});

test('schema show gives reason, counts and an example, with data made harmless', () => {
  expect(
    schemaText(
      {
        end: './export',
        key: ['pk'],
        items: 3000,
        warnings: [{ code: 'KEY', text: 'careful' }],
        yaml: '',
        flat: '',
        hiveDdl: '',
        columns: [
          {
            name: 'pk',
            attribute: 'pk',
            tag: 'S',
            type: 'string',
            id: 1,
            reason: 'Always text.',
            counts: { S: 3000 },
            example: '{"S":"a\u001b[2J"}',
          },
          {
            name: 'price',
            attribute: 'price',
            tag: 'N',
            type: 'decimal(18,4)',
            id: 2,
            reason: 'Numbers with 2 places.',
            counts: { S: 1, N: 2999 },
          },
          { name: '_rescued', type: 'string', id: 3, reason: 'What fits no column.', counts: {} },
        ],
      },
      style,
    ),
  ).toBe(`\
./export: 3 columns (2 of attributes, 1 added) from 3,000 items, key pk

pk        string         from pk (S)
  Always text.
  seen 3,000 S; e.g. {"S":"a\\u001b[2J"}

price     decimal(18,4)  from price (N)
  Numbers with 2 places.
  seen 2,999 N, 1 S

_rescued  string         added by tailrace
  What fits no column.

warning careful (KEY)
`);
});

test('sync, schema show and inspect count columns alike: those of the table, in the same words', () => {
  const nested = [
    { name: 'pk', attribute: 'pk', tag: 'S', type: 'string', id: 1, reason: '', counts: {} },
    { name: 'lines', attribute: 'lines', tag: 'L', type: 'list<struct<sku:string>>', id: 2, reason: '', counts: {} },
    { name: 'sku', attribute: 'lines[].sku', tag: 'S', type: 'string', id: 3, reason: '', counts: {} },
    { name: 'a_b', attribute: '"a.b"', tag: 'S', type: 'string', id: 4, reason: '', counts: {} },
    { name: '_rescued', type: 'string', id: 5, reason: '', counts: {} },
  ];
  const words = '4 columns (3 of attributes, 1 added)';
  const columns = nested.filter(({ id }) => id !== 3);
  expect(syncReportText({ ...committed, schema: columns }, style)).toContain(words);
  const shown = { end: 'x', key: [], items: 1, warnings: [], yaml: '', flat: '', hiveDdl: '', columns: nested };
  expect(schemaText(shown, style)).toContain(words);
  expect(
    inspectText(
      {
        kind: 'table',
        format: 'iceberg',
        uri: '/t',
        readPath: '/t',
        rows: 0,
        files: { count: 0, bytes: 0 },
        key: [],
        schema: columns,
        partition: [],
        sort: [],
        options: {},
        warnings: [],
      },
      style,
    ),
  ).toContain(words);
});

test('schema diff', () => {
  expect(diffText({ a: 'x', b: 'y', changes: [] }, style)).toBe('x and y have the same schema.\n');
  expect(
    diffText(
      {
        a: 'x',
        b: 'y',
        changes: [
          { path: 'a', change: 'added', to: 'long' },
          { path: 'b.c', change: 'removed', from: 'string' },
          { path: 'd', change: 'type', from: 'long', to: 'string' },
        ],
      },
      style,
    ),
  ).toBe('3 differences from x to y\n+ a  long\n- b.c  string\n~ d  type: long → string\n');
});

test('inspect tells an export and a table', () => {
  expect(
    inspectText(
      {
        kind: 'export',
        uri: '/e',
        exportArn: 'arn:e',
        exportTime: '2024-01-01T00:00:00Z',
        tableArn: 'arn:t',
        tableId: 'id',
        tableName: 'orders',
        format: 'ION',
        items: 0,
        files: { count: 4, empty: 4, bytes: 80 },
        warnings: [],
      },
      style,
    ),
  ).toContain('4 (4 empty), 80 B, ION');
  const table = {
    kind: 'table',
    format: 'iceberg',
    uri: '/t',
    readPath: '/t',
    rows: 5,
    files: { count: 1, bytes: 10 },
    key: [],
    schema: [],
    partition: ['day(created_at)'],
    sort: [],
    options: {},
    warnings: [],
  } as const;
  expect(inspectText(table, style)).toContain('none: tailrace did not write this table');
  const options = { exclude: ['card', 'cvv'], numbers: 'double', schema: 'a1b2' };
  expect(inspectText({ ...table, options }, style)).toContain(
    '  options   exclude: card, cvv; numbers: double; a schema file\n',
  );
  expect(inspectText(table, style)).not.toContain('options');
  expect(
    inspectText(
      {
        ...table,
        snapshot: '7',
        ledger: {
          tableArn: 'arn:t',
          tableId: 'id',
          watermark: 'w',
          commitId: 'c',
          mode: 'mirror',
          stale: 2,
          entries: [
            {
              kind: 'full-export',
              exportArn: 'arn:e',
              exportTime: 'time',
              items: 5,
              rejected: 1,
              trustedManifest: true,
            },
          ],
        },
      },
      style,
    ),
  ).toMatch(
    /partition day\(created_at\)[\s\S]*ledger {4}arn:t \(id\), all changes before w\n {2}mode {6}mirror: the present state\n {2}stale {5}at most 2 rows: 2 changes of windows could not be loaded, .*\n {2}loads {5}time {2}full-export {2}5 items, 1 rejected, its manifest trusted/,
  );
});

test('units', () => {
  expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567']);
  expect([999, 1000, 12_345, 4_560_000, 7e9].map(shortCount)).toEqual(['999', '1.00k', '12.3k', '4.56M', '7.00G']);
  expect([3, 994, 995, 59_949, 60_000, 3_599_000, 4_800_000].map(formatDuration)).toEqual([
    '3 ms',
    '994 ms',
    '1.0 s',
    '59.9 s',
    '1 min 0 s',
    '59 min 59 s',
    '1 h 20 min',
  ]);
  expect([0, 1, 42_000, 725_000, 4_805_000].map(formatClock)).toEqual(['0:00', '0:01', '0:42', '12:05', '1:20:05']);
});

test('a plan of upkeep without anything to do says so', () => {
  const rewritten = { filesBefore: 0, bytesBefore: 0, left: 0 };
  const planned = {
    target: './lake',
    rewritten,
    manifestsJoined: false,
    retired: { files: 0, bytes: 0 },
    warnings: [],
  };
  const report = { ...planned, outcome: 'planned' as const, timings: { totalMs: 1 }, peakMemoryBytes: 1 };
  expect(maintainText(report, style)).toContain('a run would do this\n  nothing   it is in good shape\n');
  expect(maintainText({ ...report, manifestsJoined: true }, style)).not.toContain('nothing  ');
});
