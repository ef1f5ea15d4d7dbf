/** Design of types, “Evolution”: what a window does to the columns of a table that is there. */
import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { DdbItem } from '../data/ion.ts';
import { FORMATS, type LoadOptions, World } from '../faults/load.ts';
import { applySteps, columnsOf, items, type Put, writeSteps } from './steps.ts';

const n = (text: string): DdbItem => ({ n: { N: text } });
const same = (a: readonly string[], b: readonly string[]): void => expect(a).toEqual(b);
const window = (...more: DdbItem[]): Put[] => more.map((each, i) => ({ pk: { S: `w${i}` }, ...each }));

interface Case {
  readonly baseline: DdbItem;
  readonly windows: readonly Put[][];
  /** The columns but for the key, with their ids, behind the full export and behind each window. */
  readonly columns: readonly (readonly string[])[];
  readonly options?: LoadOptions;
  readonly rescued?: number;
}

const cases: Record<string, Case> = {
  'a new attribute is a new column': {
    baseline: n('1'),
    windows: [window({ ...n('2'), late: { S: 'x' } })],
    columns: [['n long #1'], ['late string #5', 'n long #1']],
  },
  'a struct gains a field, in lists and dictionaries, too': {
    baseline: { s: { M: { a: { S: '' } } }, l: { L: [{ M: { a: { S: '' } } }] } },
    windows: [window({ s: { M: { a: { S: '' }, b: { N: '1' } } }, l: { L: [{ M: { b: { N: '1' } } }, { M: {} }] } })],
    columns: [
      ['l list<struct<a:string>> #1', 's struct<a:string> #5'],
      ['l list<struct<a:string,b:long>> #1', 's struct<a:string,b:long> #5'],
    ],
  },
  'a long becomes a decimal, a larger scale, and text': {
    baseline: n('9'),
    windows: [window(n('9.99')), window(n('0.123456')), window(n('1E-120')), window(n('5'))],
    columns: [
      ['n long #1'],
      ['n decimal(18,4) #5'],
      ['n decimal(18,8) #6'],
      ['n string (number) #7'],
      ['n string (number) #7'],
    ],
  },
  'a decimal gains digits before the point in place, whatever --on-drift says': {
    baseline: { ...n('9.5'), l: { L: [{ N: '9.55555' }] }, s: { M: n('9.5') } },
    windows: [
      window({ ...n('1234567890123456'), l: { L: [{ N: '1234567890123456' }] }, s: { M: n('1234567890123456') } }),
      window(n('1234567890123456789012345678901234')),
    ],
    columns: [
      ['l list<decimal(18,8)> #1', 'n decimal(18,4) #3', 's struct<n:decimal(18,4)> #5'],
      ['l list<decimal(38,8)> #1', 'n decimal(38,4) #3', 's struct<n:decimal(38,4)> #5'],
      ['l list<decimal(38,8)> #1', 'n decimal(38,4) #3', 's struct<n:decimal(38,4)> #5'],
    ],
    options: { onDrift: 'fail' },
  },
  'numbers within lists, sets, structs and dictionaries': {
    baseline: {
      l: { L: [{ N: '1' }] },
      ns: { NS: ['1'] },
      s: { M: { n: { N: '1' }, deep: { L: [{ M: { n: { N: '1' } } }] } } },
    },
    windows: [
      window({
        l: { L: [{ N: '1.5' }] },
        ns: { NS: ['1.5', '2'] },
        s: { M: { n: { N: '1.5' }, deep: { L: [{ M: { n: { N: '12345678901234567890123' } } }] } } },
      }),
    ],
    columns: [
      ['l list<long> #1', 'ns list<long> #3', 's struct<deep:list<struct<n:long>>,n:long> #6'],
      [
        // Iceberg has no bounds of list elements: they keep room for any long.
        'l list<decimal(38,4)> #1',
        'ns list<decimal(38,4)> #3',
        's struct<deep:list<struct<n:decimal(38,4)>>,n:decimal(18,4)> #6',
      ],
    ],
  },
  'with --on-drift rescue numbers that outgrow their column stay in _rescued': {
    baseline: n('9'),
    windows: [window(n('9.99'), { ...n('1'), late: { S: '' } })],
    columns: [['n long #1'], ['late string #5', 'n long #1']],
    options: { onDrift: 'rescue' },
    rescued: 1,
  },
  'a value of another type is rescued': {
    baseline: n('9'),
    windows: [window({ n: { S: 'nine' } }, { n: { NULL: true } })],
    columns: [['n long #1'], ['n long #1']],
    rescued: 2,
  },
};

describe.each(FORMATS)('%s', (format) => {
  test.each(Object.entries(cases))(
    '%s',
    { timeout: 60_000 },
    async (_name, { baseline, windows, columns, options = {}, rescued = 0 }) => {
      await using world = await World.open();
      const steps = await writeSteps(
        `${world.dir}/source`,
        items(20, () => baseline),
        windows,
      );
      const target = world.target(format);
      let step = 0;
      await applySteps(world, steps, target, options, same, async () => {
        const found = (await columnsOf(world, target)).filter((column) => !column.startsWith('pk '));
        const wide = columns[step]?.map((column) =>
          format === 'parquet' ? column.replace(/list<decimal\(38,4\)> /, 'list<decimal(18,4)> ') : column,
        );
        if (wide !== undefined) expect(found).toEqual(wide);
        step += 1;
      });
      expect(await world.query(target, 'select count(_rescued) from t')).toEqual([[String(rescued)]]);
    },
  );

  test('a decimal that gains digits leaves the files of an Iceberg table as they are', async () => {
    await using world = await World.open();
    const steps = await writeSteps(
      `${world.dir}/source`,
      items(20, () => n('1.5')),
      [window(n('1234567890123456.5'))],
    );
    const [full = '', first = ''] = steps.exports;
    const target = world.target(format);
    await world.load(full, target);
    const before = await world.table(target);
    const report = await world.sync(first, target, { rewriteLimitBytes: 1 });
    if (format === 'parquet') {
      // Readers of a folder take the columns from any one file.
      expect(report).toMatchObject({ outcome: 'failed', error: { code: 'SCHEMA_DRIFT', expected: 'at most 1 bytes' } });
      return;
    }
    expect(report.outcome).toBe('committed');
    const after = await world.table(target);
    expect(after.files.map(({ path }) => path)).toEqual(expect.arrayContaining(before.files.map(({ path }) => path)));
    expect(await world.items(target)).toEqual(steps.states[1]);
  });

  test('a key that outgrows its column is rewritten, and changes find their rows across', async () => {
    await using world = await World.open();
    const keyed = (key: string, text: string): Put => ({ pk: { N: key }, v: { S: text } });
    const steps = await writeSteps(
      `${world.dir}/source`,
      [keyed('1', 'a'), keyed('2', 'b'), keyed('3', 'c')],
      [
        [keyed('1', 'new'), { pk: { N: '2' } }, keyed('1.5', 'x')],
        [keyed('1.5', 'y'), keyed('3', 'z'), keyed('0.000001', 'small')],
        [{ pk: { N: '1' } }, keyed('1E-100', 'tiny'), keyed('3', 'last')],
      ],
    );
    const target = world.target(format);
    await applySteps(world, steps, target, { onDrift: 'rescue' }, same);
    expect((await columnsOf(world, target))[0]).toMatch(/^pk string/);
    expect(await world.query(target, 'select count(*), count(_rescued) from t')).toEqual([['4', '0']]);
  });

  test('columns that must be rewritten beyond --rewrite-limit, and --on-drift fail, stop the run; nothing is committed', async () => {
    await using world = await World.open();
    const steps = await writeSteps(
      `${world.dir}/source`,
      items(20, () => ({ ...n('1'), s: { M: { in: { N: '1' } } } })),
      [window({ ...n('1.5'), s: { M: { in: { N: '1.5' } } } })],
    );
    const [full = '', first = ''] = steps.exports;
    const target = world.target(format);
    await world.load(full, target);
    const before = await world.table(target);
    const limited = await world.sync(first, target, { rewriteLimitBytes: 10 });
    expect(limited).toMatchObject({ outcome: 'failed', error: { code: 'SCHEMA_DRIFT', expected: 'at most 10 bytes' } });
    expect(limited.error?.found).toMatch(format === 'iceberg' ? /^\d+ bytes, for n, s$/ : /^\d+ bytes/);
    expect(limited.error?.hint).toMatch(
      format === 'iceberg' ? /--rewrite-limit.*--on-drift rescue/ : /--rewrite-limit/,
    );
    const failed = await world.sync(first, target, { onDrift: 'fail' });
    expect(failed).toMatchObject({ error: { code: 'SCHEMA_DRIFT', place: 'attribute n', expected: 'long' } });
    expect(await world.table(target)).toEqual(before);
    await world.load(first, target);
    expect(await world.items(target)).toEqual(steps.states[1]);
  });

  test.each([
    ['by the number itself', [{ transform: 'identity', column: 'n' }], ['9.99', '0.123456', '1E-120']],
    ['by buckets of the number', [{ transform: 'bucket', width: 4, column: 'n' }], ['9.99', '0.123456', '1E-120']],
    ['by parts of the number', [{ transform: 'truncate', width: 10, column: 'n' }], ['9.99', '0.123456', '1E-120']],
    ['by the day of an epoch', [{ transform: 'day', column: 'n' }], ['1767225601', '1767225600.5', '1E-120']],
  ] as const)('a table that is partitioned and sorted %s', { timeout: 60_000 }, async (_name, partition, numbers) => {
    await using world = await World.open();
    const steps = await writeSteps(
      `${world.dir}/source`,
      items(6, (i) => n(`${1_767_225_600 + i * 86_400}`)),
      numbers.map((text, i) => [
        { pk: { S: `w${i}` }, ...n(text) },
        { pk: { S: 'k0' }, ...n(`${i}`) },
        { pk: { S: `k${i + 1}` } },
      ]),
    );
    const target = world.target(format);
    const sort = [{ column: 'n', descending: true, nullsFirst: false }];
    await applySteps(world, steps, target, { partition, sort }, same);
    const { state } = await world.table(target);
    expect(state?.partition.map(({ transform }) => transform)).toEqual(partition.map(({ transform }) => transform));
  });

  test.each(['--exclude', '--schema'])(
    'a window with another %s is refused: columns are never dropped',
    async (flag) => {
      await using world = await World.open();
      const steps = await writeSteps(
        `${world.dir}/source`,
        items(3, () => n('1')),
        [window(n('2'))],
      );
      const [full = '', first = ''] = steps.exports;
      const target = world.target(format);
      await world.load(full, target);
      await writeFile(`${world.dir}/own.yaml`, 'version: 1\nkey: [pk]\ncolumns: {pk: string}\n');
      const given: LoadOptions =
        flag === '--schema' ? { schemaFile: `${world.dir}/own.yaml` } : { schema: { exclude: ['n'] } };
      const report = await world.sync(first, target, given);
      expect(report).toMatchObject({
        outcome: 'failed',
        error: { code: 'USAGE', message: expect.stringContaining(flag) },
      });
      expect(report.error?.hint).toContain('--replace');
      await world.load(first, target);
      expect(await world.items(target)).toEqual(steps.states[1]);
    },
  );
});

describe('values that only the table holds', () => {
  test.each([
    ['a long of many digits, and a fraction', ['12345678901234567', '-987654321098765432'], ['1.5']],
    ['digits before and behind the point', ['1.5', '123456789012345678901234.25'], ['0.0000000001']],
    [
      'spare digits that were used, and many before the point',
      ['1.25'],
      ['1.2345', '1234567890123456789012345678901234'],
    ],
    ['more than any decimal holds together', ['12345678901234567890123456789.5'], ['0.00000000000000000001']],
  ])('%s', async (_name, before, after) => {
    await using world = await World.open();
    const steps = await writeSteps(
      `${world.dir}/source`,
      items(before.length, (i) => ({
        ...n(before[i] ?? ''),
        l: { L: [{ N: before[i] ?? '' }] },
        s: { M: n(before[i] ?? '') },
      })),
      after.map((text) => window({ ...n(text), l: { L: [{ N: text }] }, s: { M: n(text) } })),
    );
    await applySteps(world, steps, world.target('iceberg'), {}, same);
  });
});
