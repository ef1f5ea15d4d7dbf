/** A column that held nothing but NULL takes the type of its first value: design of types, the row of NULL. */
import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { DdbItem } from '../data/ion.ts';
import { FORMATS, type Format, type LoadOptions, World } from '../faults/load.ts';
import { applySteps, columnsOf, items, type Put, writeSteps } from './steps.ts';

const NULL = { NULL: true } as const;
const n = (text: string) => ({ N: text });
const window = (...more: DdbItem[]): Put[] => more.map((each, i) => ({ pk: { S: `w${i}` }, ...each }));
const same = (a: readonly string[], b: readonly string[]): void => expect(a).toEqual(b);

const NOTHING: DdbItem = {
  bare: NULL,
  list: { L: [] },
  nulls: { L: [NULL] },
  deep: { L: [{ M: { a: { S: '' }, x: NULL } }] },
  struct: { M: { a: { S: '' }, x: NULL } },
  alone: { M: { x: NULL } },
  text: NULL,
};

interface Case {
  readonly windows: readonly Put[][];
  /** Columns but for the key, with their ids, behind the last window; those of Parquet, where they are others. */
  readonly columns: readonly string[];
  readonly parquet?: readonly string[];
  readonly options?: LoadOptions;
  /** Rows with something in `_rescued`: the twenty of the full export, and these. */
  readonly rescued?: number | Readonly<Record<Format, number>>;
  readonly baseline?: DdbItem;
}

const VALUES: DdbItem = {
  bare: n('9.99'),
  list: { L: [n('1')] },
  nulls: { L: [n('1.5')] },
  deep: { L: [{ M: { a: { S: 'x' }, x: n('7') } }] },
  struct: { M: { a: { S: 'x' }, x: { BOOL: true } } },
  alone: { M: { x: { B: 'AA==' } } },
  text: { S: 'now' },
};

/** As they are before any value. */
const EMPTY = {
  alone: 'alone struct<x:string> #1',
  bare: 'bare string #3',
  deep: 'deep list<struct<a:string,x:string>> #4',
  list: 'list list<string> #8',
  nulls: 'nulls list<string> #10',
  struct: 'struct struct<a:string,x:string> #13',
  text: 'text string #16',
};
const but = (now: Partial<typeof EMPTY>): string[] => Object.values({ ...EMPTY, ...now });

const TYPED = but({
  alone: 'alone struct<x:binary> #1',
  bare: 'bare decimal(18,4) #20',
  deep: 'deep list<struct<a:string,x:long>> #4',
  list: 'list list<long> #8',
  nulls: 'nulls list<decimal(18,4)> #10',
  struct: 'struct struct<a:string,x:boolean> #13',
});
/** What takes no more than another column, since nothing but it tells NULL from empty. */
const BY_ID = but({
  bare: 'bare decimal(18,4) #19',
  deep: 'deep list<struct<a:string,x:long>> #4',
  struct: 'struct struct<a:string,x:boolean> #13',
});

const cases: Record<string, Case> = {
  'each takes the type of its first value, wherever it stands': { windows: [window(VALUES)], columns: TYPED },
  'a window without values changes nothing': {
    windows: [window({ bare: NULL, list: { L: [] } })],
    columns: but({}),
    rescued: 1,
  },
  'maps, lists and sets; of several types the most frequent, and the others are rescued': {
    windows: [
      window(
        { bare: { M: { a: n('1'), b: { L: [n('2')] } } }, list: { L: [{ L: [n('1')] }] }, text: { SS: ['a'] } },
        { bare: { M: { a: n('2') } }, list: { L: [{ L: [] }] }, text: { SS: ['b'] } },
        { bare: { S: 'odd' }, list: { L: [{ S: 'odd' }] }, text: n('1') },
      ),
    ],
    columns: but({
      bare: 'bare struct<a:long,b:list<long>> #22',
      list: 'list list<list<long>> #8',
      text: 'text list<string> #26',
    }),
    rescued: 1,
  },
  'the second window brings a first value, and the third a number that outgrows it and a text': {
    windows: [window({ bare: NULL }), window({ bare: n('1') }), window({ bare: n('1.5') }, { bare: { S: 'odd' } })],
    columns: but({ bare: 'bare decimal(18,4) #20' }),
    rescued: 1,
  },
  'with --on-drift rescue no file of an Iceberg table is written anew for it': {
    windows: [window(VALUES)],
    columns: BY_ID,
    parquet: but({
      bare: 'bare decimal(18,4) #20',
      deep: 'deep list<struct<a:string,x:long>> #4',
      struct: 'struct struct<a:string,x:boolean> #13',
    }),
    options: { onDrift: 'rescue' },
    rescued: 1,
  },
  'with --on-drift fail a first value is no reason to stop': {
    windows: [window(VALUES)],
    columns: BY_ID,
    parquet: TYPED,
    options: { onDrift: 'fail' },
    rescued: { iceberg: 1, parquet: 0 },
  },
  'nor is a table above --rewrite-limit': {
    windows: [window(VALUES)],
    columns: BY_ID,
    parquet: but({}),
    options: { rewriteLimitBytes: 1 },
    rescued: 1,
  },
  'a column that the table is partitioned or sorted by stays text': {
    windows: [window({ bare: n('1'), text: n('2') }, { bare: { S: 'b' } })],
    columns: but({}),
    options: {
      partition: [{ transform: 'identity', column: 'bare' }],
      sort: [{ column: 'text', descending: false, nullsFirst: true }],
    },
    rescued: 1,
  },
  'with --on-mixed split a column stays the only one; names stay as they are': {
    baseline: { Bare: NULL, bare: NULL, mixed: NULL },
    windows: [window({ Bare: n('1'), bare: { BOOL: true }, mixed: n('1') }, { mixed: { S: 'b' } }, { mixed: n('2') })],
    columns: ['Bare long #7', 'bare_9b828d53 boolean #8', 'mixed long #9'],
    options: { schema: { onMixed: 'split' } },
    rescued: 1,
  },
  'of mixed first values --on-mixed json keeps all': {
    baseline: { mixed: NULL },
    windows: [window({ mixed: n('1') }, { mixed: { S: 'b' } })],
    columns: ['mixed string (json) #5'],
    options: { schema: { onMixed: 'json' } },
  },
};

describe.each(FORMATS)('%s', (format) => {
  test.each(Object.entries(cases))('%s', { timeout: 60_000 }, async (_name, one) => {
    const { windows, columns, parquet = columns, options = {}, rescued = 0, baseline = NOTHING } = one;
    await using world = await World.open();
    const steps = await writeSteps(
      `${world.dir}/source`,
      items(20, () => baseline),
      windows,
    );
    const target = world.target(format);
    await applySteps(world, steps, target, options, same);
    const found = (await columnsOf(world, target)).filter((column) => !column.startsWith('pk '));
    expect(found).toEqual(format === 'parquet' ? parquet : columns);
    const more = typeof rescued === 'number' ? rescued : rescued[format];
    expect(await world.query(target, 'select count(_rescued) from t')).toEqual([[String(20 + more)]]);
  });
});

test.each(FORMATS)('%s: a full export without items says nothing of the key’s type', async (format) => {
  await using world = await World.open();
  const steps = await writeSteps(
    `${world.dir}/source`,
    [],
    [
      [
        { pk: n('1'), a: { S: 'x' } },
        { pk: n('2'), a: NULL },
      ],
      [{ pk: n('1') }],
    ],
  );
  const target = world.target(format);
  await applySteps(world, steps, target, {}, same);
  expect(await columnsOf(world, target)).toEqual(['pk long #5', 'a string #4']);
});

test.each(FORMATS)(
  '%s: a column that a schema file says to be NULL holds none, and takes a first value',
  async (format) => {
    await using world = await World.open();
    const steps = await writeSteps(
      `${world.dir}/source`,
      items(3, () => ({ a: NULL })),
      [window({ a: { S: 'x' } })],
    );
    const schemaFile = `${world.dir}/schema.yaml`;
    await writeFile(schemaFile, 'version: 1\nkey: [pk]\ncolumns: {pk: string, a: {type: string, tag: "NULL"}}\n');
    const target = world.target(format);
    await applySteps(world, steps, target, { schemaFile }, same);
    expect(await world.query(target, 'select count(a), count(_rescued) from t')).toEqual([['1', '3']]);
  },
);

test.each(FORMATS)('%s: a schema file of a table that was only NULL leaves the type open', async (format) => {
  await using world = await World.open();
  const steps = await writeSteps(
    `${world.dir}/source`,
    items(3, () => ({ a: NULL, l: { L: [] } })),
    [window({ a: n('1'), l: { L: [n('2')] } })],
  );
  const schemaFile = `${world.dir}/schema.yaml`;
  await writeFile(schemaFile, 'version: 1\nkey: [pk]\ncolumns: {pk: string, a: auto, l: list<auto>}\n');
  const target = world.target(format);
  await applySteps(world, steps, target, { schemaFile }, same);
  const columns = await columnsOf(world, target);
  expect(columns.map((column) => column.replace(/ #.*/, ''))).toEqual(['pk string', 'a long', 'l list<long>']);
});
