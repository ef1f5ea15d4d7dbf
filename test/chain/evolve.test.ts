/** Columns that are changed on request between the windows of a chain, which goes on by the new ones. */
import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { ColumnChange } from '../../src/index.ts';
import type { PartitionRequest } from '../../src/model/options.ts';
import { writeChain } from '../data/chain-model.ts';
import type { DdbItem } from '../data/ion.ts';
import { canonical, FORMATS, folderOf, type LoadOptions, World } from '../faults/load.ts';
import { transformed } from '../table/iceberg/transforms.ts';
import { columnsOf, items, type Put, writeSteps } from './steps.ts';

/** What is done behind the full export, and behind each window. */
const SCRIPT: readonly (readonly ColumnChange[])[] = [
  [{ column: 'qty', type: 'decimal(20,2)' }],
  [{ column: 'price', type: 'string' }],
  [{ column: 'address', type: 'ddb-json' }],
  [{ column: 'address', type: 'auto' }],
  [{ column: 'qty', split: true }],
  [{ column: 'price', type: 'decimal(18,4)' }],
  [{ column: 'qty', type: 'json' }],
  [{ unrescue: true }],
];
const WINDOWS = SCRIPT.length - 1;

describe.each(FORMATS)('%s', (format) => {
  test.each<readonly [string, LoadOptions]>([
    ['the present state', {}],
    ['position deletes alone', { write: 'merge-on-read', upkeep: false }],
    ['soft deletes', { mode: 'soft' }],
    ['a history', { mode: 'history' }],
    ['partitions', { partition: [{ transform: 'bucket', width: 4, column: 'pk' }] }],
    ['a sort order', { sort: [{ column: 'name', descending: true, nullsFirst: false }] }],
    ['numbers are rescued', { onDrift: 'rescue' }],
  ])('%s', { timeout: 120_000 }, async (_name, options) => {
    await using world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, { seed: 21, keys: 40, windows: WINDOWS, writes: 30 });
    const target = world.target(format);
    for (const [step, one] of [chain.full, ...chain.windows].entries()) {
      await world.load(one?.exportDir ?? '', target, options);
      if (options.mode !== 'history')
        expect(await world.items(target)).toEqual(canonical([...(chain.states[step]?.values() ?? [])]));
      const before = (await world.lines(target)).map(sortedLine).sort();
      const { state } = await world.table(target);
      const report = await world.evolve(target, SCRIPT[step] ?? []);
      expect(report.error).toBeUndefined();
      const after = await world.table(target);
      expect((await world.lines(target)).map(sortedLine).sort()).toEqual(before);
      expect({ ...after.state?.ledger, commitId: '' }).toEqual({ ...state?.ledger, commitId: '' });
      expect(after.state).toMatchObject({ rows: state?.rows, partition: state?.partition, sort: state?.sort });
      expect(after.state?.options).toEqual(state?.options);
      // What the table holds is not offered again.
      expect(await world.sync(chain.dir, target, { ...options, dryRun: true })).toMatchObject({
        outcome: step === WINDOWS ? 'unchanged' : 'planned',
      });
    }
    const columns = (await columnsOf(world, target)).map((column) => column.replace(/ #\d+$/, ''));
    expect(columns).toContain('qty string (json)');
    expect(await world.leftovers()).toEqual([]);
  });

  const at = (day: number): string => `2026-03-0${day}T12:00:00Z`;
  const DAYS = [1, 2].map((day) => Math.floor(Date.parse(at(day)) / 86_400_000));
  test.each<readonly [string, PartitionRequest, readonly ColumnChange[], readonly unknown[]]>([
    [
      'the number itself',
      { transform: 'identity', column: 'n' },
      [{ column: 'n', type: 'decimal(20,2)' }],
      ['0.00', '1.00', '2.00', '3.00'],
    ],
    [
      'buckets of the number',
      { transform: 'bucket', width: 3, column: 'n' },
      [{ column: 'n', type: 'string' }],
      ['0', '1', '2', '3'].map((text) =>
        transformed({ column: 'n', name: 'n', transform: 'bucket', width: 3 }, 'string', text),
      ),
    ],
    [
      'parts of the number',
      { transform: 'truncate', width: 2, column: 'n' },
      [{ column: 'n', type: 'decimal(20,0)' }],
      [0, 2],
    ],
    ['the day of a text', { transform: 'day', column: 'at' }, [{ column: 'at', type: 'timestamp' }], DAYS],
    [
      'the day of a text that is a text again',
      { transform: 'day', column: 'at' },
      [
        { column: 'at', type: 'timestamp' },
        { column: 'at', type: 'string' },
      ],
      DAYS,
    ],
  ])('a table that is partitioned by %s', async (_name, partition, changes, partitions) => {
    await using world = await World.open();
    const { exports, states } = await writeSteps(
      `${world.dir}/source`,
      items(4, (i) => ({ n: { N: `${i}` }, at: { S: at((i % 2) + 1) } })),
      [[{ pk: { S: 'k1' } }, { pk: { S: 'k2' }, n: { N: '7' }, at: { S: at(3) } }, { pk: { S: 'x' }, n: { S: 'x' } }]],
    );
    const target = world.target(format);
    const sort = [{ column: partition.column, descending: false, nullsFirst: true }];
    await world.load(exports[0] ?? '', target, { partition: [partition], sort });
    for (const change of changes) expect(await world.evolve(target, [change])).toMatchObject({ outcome: 'committed' });
    const { files, state } = await world.table(target);
    expect(new Set(files.map((file) => String(file.partition)))).toEqual(new Set(partitions.map(String)));
    expect(state?.partition.map(({ transform }) => transform)).toEqual([partition.transform]);
    expect(await world.items(target)).toEqual(states[0]);
    await world.load(exports[1] ?? '', target);
    expect(await world.items(target)).toEqual(states[1]);
  });

  test('what a table is partitioned or sorted by is neither split nor given a type that will not do', async () => {
    await using world = await World.open();
    const { exports } = await writeSteps(
      `${world.dir}/source`,
      items(4, (i): DdbItem => ({ n: { N: `${i}` }, m: i === 3 ? { S: 'x' } : { N: '1' } })),
      [],
    );
    const target = world.target(format);
    const sort = [{ column: 'm', descending: false, nullsFirst: true }];
    await world.load(exports[0] ?? '', target, { partition: [{ transform: 'truncate', width: 2, column: 'n' }], sort });
    const before = await world.table(target);
    for (const change of [
      { column: 'm', split: true as const },
      { column: 'n', type: 'double' },
      { column: 'n', type: 'timestamp(epoch-s)' },
    ])
      expect(await world.evolve(target, [change], { allowRescue: true })).toMatchObject({ error: { code: 'USAGE' } });
    expect(await world.table(target)).toEqual(before);
  });

  test('a table of a schema file has columns of its own from then on', async () => {
    await using world = await World.open();
    const put = (key: string, n: string): Put => ({ pk: { S: key }, n: { N: n }, more: { S: key } });
    const { exports, states } = await writeSteps(
      `${world.dir}/source`,
      [put('a', '1'), put('b', '2.5')],
      [[put('c', '3.75')], [put('d', '4')]],
    );
    const [full = '', first = '', second = ''] = exports;
    const schemaFile = `${world.dir}/own.yaml`;
    await writeFile(schemaFile, 'version: 1\nkey: [pk]\ncolumns: {pk: string, n: long}\n');
    const target = world.target(format);
    await world.load(full, target, { schemaFile });
    const changes: ColumnChange[] = [
      { column: 'n', type: 'decimal(10,1)' },
      { column: 'more', type: 'string' },
    ];
    expect(await world.evolve(target, changes)).toMatchObject({ outcome: 'committed', values: { moved: 3 } });
    // The file would narrow the column again.
    expect(await world.sync(first, target, { schemaFile })).toMatchObject({
      error: { code: 'USAGE', message: expect.stringContaining('--schema') as unknown },
    });
    await world.load(first, target);
    expect(await world.items(target)).toEqual(states[1]);
    // As the file has it, a number that does not fit is rescued.
    expect(await world.query(target, 'select n, _rescued from t order by pk')).toEqual([
      ['1.0', 'null'],
      ['2.5', 'null'],
      ['null', '{"n":{"N":"3.75"}}'],
    ]);
    await world.load(second, target);
    expect(await world.items(target)).toEqual(states[2]);
    expect((await columnsOf(world, target)).map((column) => column.replace(/ #\d+$/, ''))).toEqual([
      'pk string',
      'more string',
      'n decimal(10,1)',
    ]);
  });

  test('another full export with --replace keeps the columns', async () => {
    await using world = await World.open();
    const { exports, states } = await writeSteps(
      `${world.dir}/source`,
      items(5, (i) => ({ n: { N: `${i}` } })),
      [],
    );
    const target = world.target(format);
    await world.load(exports[0] ?? '', target);
    await world.evolve(target, [{ column: 'n', type: 'decimal(18,2)' }]);
    await world.load(exports[0] ?? '', target, { replace: true, schema: { maxColumns: 50 } });
    expect(await columnsOf(world, target)).toContainEqual(expect.stringMatching(/^n decimal\(18,2\)/));
    expect(await world.items(target)).toEqual(states[0]);
  });
});

test('a decimal that grows in place leaves every file of an Iceberg table, and every position delete', async () => {
  await using world = await World.open();
  const { exports, states } = await writeSteps(
    `${world.dir}/source`,
    items(30, (i) => ({ n: { N: `${i}.5` } })),
    [[{ pk: { S: 'k3' } }, { pk: { S: 'k4' }, n: { N: '4' } }]],
  );
  const target = world.target('iceberg');
  for (const dir of exports) await world.load(dir, target, { write: 'merge-on-read', upkeep: false });
  const before = await world.table(target);
  expect(before.files.some(({ deletes }) => deletes !== undefined)).toBe(true);
  const report = await world.evolve(target, [{ column: 'n', type: 'decimal(38,4)' }]);
  expect(report).toMatchObject({ outcome: 'committed', files: { total: 2, rewritten: 0, bytes: 0 } });
  expect((await world.table(target)).files).toEqual(before.files);
  expect(await world.items(target)).toEqual(states[1]);
  expect(await world.query(target, 'select max(n), typeof(max(n)) from t')).toEqual([['29.5000', 'DECIMAL(38,4)']]);
  expect((await world.filesOf(target)).filter((path) => path.includes(`${folderOf(target)}/data/`))).toHaveLength(
    before.files.length + 1,
  );
});

function sortedLine(line: string): string {
  const sorted = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .sort()
            .map(([key, each]) => [key, sorted(each)]),
        )
      : Array.isArray(value)
        ? value.map(sorted)
        : value;
  return JSON.stringify(sorted(JSON.parse(line)));
}
