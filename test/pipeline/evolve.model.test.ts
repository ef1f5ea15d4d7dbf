/** Design of types, “Evolution”: `schema evolve` changes a column on request; no item changes. */
import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { ColumnChange } from '../../src/index.ts';
import { columnsOf, type Put, writeSteps } from '../chain/steps.ts';
import type { DdbItem } from '../data/ion.ts';
import { FORMATS, type LoadOptions, World } from '../faults/load.ts';

const N = (text: string) => ({ N: text });
const S = (text: string) => ({ S: text });
const L = (...elements: DdbItem[string][]) => ({ L: elements });
const M = (members: DdbItem) => ({ M: members });

interface Case {
  /** Attributes of each item besides its key. */
  readonly rows: readonly DdbItem[];
  readonly schema?: LoadOptions['schema'];
  /** The columns of a schema file. */
  readonly file?: string;
  readonly change: readonly ColumnChange[];
  readonly allowRescue?: true;
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Columns of the report: change and name. */
  readonly changes?: readonly string[];
  readonly values?: { readonly moved: number; readonly rescued: number; readonly left: number };
  /** A query, and its rows. */
  readonly sql?: readonly [sql: string, rows: readonly (readonly string[])[]];
}

const cases: Record<string, Case> = {
  'a long becomes a decimal': {
    rows: [{ n: N('9') }, { n: N('-10') }, {}],
    change: [{ column: 'n', type: 'decimal(20,2)' }],
    before: ['n long #1'],
    after: ['n decimal(20,2) #5'],
    changes: ['retyped n'],
    sql: ['select n from t order by n', [['-10.00'], ['9.00'], ['null']]],
  },
  'a decimal gains digits in place': {
    rows: [{ n: N('9.5') }],
    change: [{ column: 'n', type: 'decimal(38,4)' }],
    before: ['n decimal(18,4) #1'],
    after: ['n decimal(38,4) #1'],
    changes: ['grown n'],
  },
  'a decimal loses digits that nothing needs': {
    rows: [{ n: N('9.5') }, { n: N('-99.9') }],
    change: [{ column: 'n', type: 'decimal(3,1)' }],
    before: ['n decimal(18,4) #1'],
    after: ['n decimal(3,1) #5'],
    changes: ['retyped n'],
  },
  'numbers become text, and text numbers': {
    rows: [{ a: N('9'), b: N('1E-100') }, { a: N('1.50') }],
    change: [
      { column: 'a', type: 'string' },
      { column: 'b', type: 'double' },
    ],
    before: ['a decimal(18,4) #1', 'b string (number) #2'],
    after: ['a string (number) #6', 'b double #7'],
    sql: [
      'select a, b from t order by a',
      [
        ['1.5', 'null'],
        ['9', '1e-100'],
      ],
    ],
  },
  'exact text becomes a decimal, also the one that a load would take': {
    rows: [{ a: N('9'), b: N('1.5'), c: N('7') }, { a: N('1.25') }],
    schema: { numbers: 'string' },
    change: [
      { column: 'a', type: 'auto' },
      { column: 'b', type: 'decimal(10,1)' },
      { column: 'c', type: 'long' },
    ],
    before: ['a string (number) #1', 'b string (number) #2', 'c string (number) #3'],
    // The table's own --numbers says what a load would take.
    after: ['a string (number) #1', 'b decimal(10,1) #7', 'c long #8'],
  },
  'texts and numbers become times, by the format that they have or that is named': {
    rows: [
      { a: S('2026-03-01T12:00:00Z'), b: S('2026-03-01T12:00:00.250Z'), c: N('1767225600'), d: N('1767225600123') },
      { a: S('2026-03-02T12:00:00Z') },
    ],
    change: [
      { column: 'a', type: 'timestamp' },
      { column: 'b', type: 'timestamp(iso-ms)' },
      { column: 'c', type: 'timestamp' },
      { column: 'd', type: 'timestamp' },
    ],
    before: ['a string #1', 'b string #2', 'c long #3', 'd long #4'],
    after: ['a timestamptz #8', 'b timestamptz #9', 'c timestamptz #10', 'd timestamptz #11'],
    sql: [
      'select max(epoch_ms(a)), max(epoch_ms(b)), max(epoch_ms(c)), max(epoch_ms(d)) from t',
      [['1772452800000', '1772366400250', '1767225600000', '1767225600123']],
    ],
  },
  'times become what they were': {
    rows: [{ at: N('1767225600'), on: S('2026-03-01T12:00:00Z') }],
    schema: { timestamps: 'auto' },
    change: [
      { column: 'at', type: 'long' },
      { column: 'on', type: 'string' },
    ],
    before: ['at timestamptz #1', 'on timestamptz #2'],
    after: ['at long #6', 'on string #7'],
  },
  'numbers that were rescued get room, and what does not fit stays': {
    rows: [
      { n: N('1') },
      { n: S('x') },
      { n: { NULL: true } },
      { n: N('2.5'), more: S('é"\u0001\u2028/') },
      { n: N('123456789012345') },
    ],
    file: '{pk: string, n: {type: long}}',
    change: [{ column: 'n', type: 'decimal(18,2)' }],
    before: ['n long #2'],
    after: ['n decimal(18,2) #5'],
    values: { moved: 1, rescued: 0, left: 2 },
    sql: [
      'select n, _rescued from t order by all',
      [
        ['1.00', 'null'],
        ['2.50', '{"more":{"S":"é\\"\\u0001\u2028/"}}'],
        ['123456789012345.00', 'null'],
        ['null', '{"n":{"NULL":true}}'],
        ['null', '{"n":{"S":"x"}}'],
      ],
    ],
  },
  'an attribute that has no column gets one, as a load would make it': {
    rows: [{ n: N('1') }, { n: N('2.5') }, { n: S('x') }, { m: M({ a: S('x'), l: L(N('1'), N('2')) }) }],
    file: '{pk: string}',
    change: [
      { column: 'n', type: 'auto' },
      { column: 'm', type: 'auto' },
    ],
    before: [],
    after: ['m struct<a:string,l:list<long>> #8', 'n decimal(18,4) #4'],
    changes: ['added n', 'added m'],
    values: { moved: 3, rescued: 0, left: 1 },
    sql: ['select m.l from t where m is not null', [['1,2']]],
  },
  'a column for each type, named by its type': {
    rows: [
      { p: N('1') },
      { p: N('2.5') },
      { p: S('x') },
      { p: { NULL: true } },
      { p: L(S('a')) },
      { p: { BOOL: true } },
      { p: { BS: ['AA=='] } },
    ],
    change: [{ column: 'p', split: true }],
    before: ['p decimal(18,4) #1'],
    after: [
      'p_bool boolean #5',
      'p_bs list<binary> #7',
      'p_l list<string> #9',
      'p_n decimal(18,4) #1',
      'p_s string #10',
    ],
    changes: ['added p_bool', 'added p_bs', 'added p_l', 'renamed p_n', 'added p_s'],
    values: { moved: 4, rescued: 0, left: 1 },
    sql: [
      'select p_n, p_s, p_l, p_bool from t where _rescued is null and p_bs is null order by all',
      [
        ['1.0000', 'null', 'null', 'null'],
        ['2.5000', 'null', 'null', 'null'],
        ['null', 'x', 'null', 'null'],
        ['null', 'null', 'a', 'null'],
        ['null', 'null', 'null', 'true'],
      ],
    ],
  },
  'columns of types become one of text, and text columns of types': {
    rows: [
      { p: N('1'), q: N('1') },
      { p: S('x'), q: S('x') },
      { p: M({ a: { NULL: true } }), q: { SS: ['b'] } },
    ],
    schema: { onMixed: 'split' },
    change: [
      { column: 'p', type: 'json' },
      { column: 'q', type: 'ddb-json' },
    ],
    before: [
      'p_m struct<a:string> #2',
      'p_n long #3',
      'p_s string #4',
      'q_n long #7',
      'q_s string #8',
      'q_ss list<string> #9',
    ],
    after: ['p string (json) #12', 'q string (DynamoDB JSON) #13'],
    // NULL within a map, which a struct cannot tell from absent.
    values: { moved: 1, rescued: 0, left: 0 },
    sql: [
      'select p, q from t order by all',
      [
        ['"x"', '{"S":"x"}'],
        ['1', '{"N":"1"}'],
        ['{"a":null}', '{"SS":["b"]}'],
      ],
    ],
  },
  'JSON text is split again, and laid out': {
    rows: [{ p: N('1'), q: M({ a: N('1') }) }, { p: S('x') }, { p: M({ a: S('y') }), q: M({ b: S('z') }) }],
    file: '{pk: string, p: json, q: ddb-json}',
    change: [
      { column: 'p', split: true },
      { column: 'q', type: 'auto' },
    ],
    before: ['p string (json) #2', 'q string (DynamoDB JSON) #3'],
    after: ['p_m struct<a:string> #7', 'p_n long #8', 'p_s string #9', 'q struct<a:long,b:string> #12'],
    changes: ['added p_m', 'added p_n', 'added p_s', 'removed p', 'retyped q'],
  },
  'something within a column': {
    rows: [
      { s: M({ n: N('1'), deep: L(M({ n: N('5') })) }), l: L(N('1'), N('2')), d: { NS: ['1', '2'] } },
      { s: M({}), l: L() },
    ],
    change: [
      { column: 's.n', type: 'string' },
      { column: 's.deep[].n', type: 'decimal(10,2)' },
      { column: 'l[]', type: 'decimal(20,1)' },
      { column: 'd', type: 'list<decimal(5,0)>' },
    ],
    before: ['d list<long> #1', 'l list<long> #3', 's struct<deep:list<struct<n:long>>,n:long> #6'],
    after: [
      'd list<decimal(5,0)> #1',
      'l list<decimal(20,1)> #3',
      's struct<deep:list<struct<n:decimal(10,2)>>,n:string (number)> #6',
    ],
    sql: ['select s.n, s.deep[1].n, l, d from t where s.n is not null', [['1', '5.00', '1.0,2.0', '1,2']]],
  },
  'what does not fit goes to _rescued where that is allowed': {
    rows: [{ n: N('1') }, { n: N('2.5'), m: S('x') }, { n: N('3.25') }],
    change: [{ column: 'n', type: 'long' }],
    allowRescue: true,
    before: ['m string #1', 'n decimal(18,4) #2'],
    after: ['m string #1', 'n long #6'],
    values: { moved: 0, rescued: 2, left: 0 },
    sql: [
      'select n, m, _rescued from t order by all',
      [
        ['1', 'null', 'null'],
        ['null', 'x', '{"n":{"N":"2.5"}}'],
        ['null', 'null', '{"n":{"N":"3.25"}}'],
      ],
    ],
  },
  'names of any character': {
    rows: [
      { 'a/b~c.d "e"': N('1'), Ä: S('x') },
      { 'a/b~c.d "e"': S("it's"), Ä: N('5') },
    ],
    change: [
      { column: 'a/b~c.d "e"', type: 'auto' },
      { column: 'Ä', split: true },
    ],
    before: ['_ long #3', 'a_b_c_d__e_ long #1'],
    after: ['__n long #3', '__s string #6', 'a_b_c_d__e_ long #1'],
    values: { moved: 1, rescued: 0, left: 1 },
  },
};

const attrs = (columns: readonly string[]): string[] => columns.filter((column) => !column.startsWith('pk '));

async function loaded(
  world: World,
  target: string,
  { rows, schema, file }: Pick<Case, 'rows' | 'schema' | 'file'>,
): Promise<void> {
  const puts = rows.map((row, i): Put => ({ pk: S(`k${i}`), ...row }));
  const { exports } = await writeSteps(`${world.dir}/source`, puts, []);
  const schemaFile = `${world.dir}/own.yaml`;
  if (file !== undefined) await writeFile(schemaFile, `version: 1\nkey: [pk]\ncolumns: ${file}\n`);
  await world.load(exports[0] ?? '', target, {
    ...(schema === undefined ? {} : { schema }),
    ...(file === undefined ? {} : { schemaFile }),
  });
}

describe.each(FORMATS)('%s', (format) => {
  test.each(Object.entries(cases))('%s', async (_name, { change, allowRescue, ...expected }) => {
    await using world = await World.open();
    const target = world.target(format);
    await loaded(world, target, expected);
    const before = await world.items(target);
    expect(attrs(await columnsOf(world, target))).toEqual(expected.before);
    const given = allowRescue === undefined ? {} : { allowRescue };
    const planned = await world.evolve(target, change, { ...given, dryRun: true });
    expect(attrs(await columnsOf(world, target))).toEqual(expected.before);
    const report = await world.evolve(target, change, given);
    expect(report.error).toBeUndefined();
    expect(report).toMatchObject({
      outcome: 'committed',
      values: expected.values ?? { moved: 0, rescued: 0, left: 0 },
    });
    expect(planned).toMatchObject({ outcome: 'planned', columns: report.columns, values: report.values });
    expect({ ...report.files, written: undefined, bytesWritten: undefined }).toMatchObject(planned.files);
    expect(attrs(await columnsOf(world, target))).toEqual(expected.after);
    expect(await world.items(target)).toEqual(before);
    if (expected.changes !== undefined) {
      const told = report.columns.map((each) => `${each.change} ${(each.after ?? each.before)?.name}`);
      expect(told).toEqual(expected.changes);
    }
    if (expected.sql !== undefined) expect(await world.query(target, expected.sql[0])).toEqual(expected.sql[1]);
    const again = await world.evolve(target, change, given);
    expect(again).toMatchObject({ outcome: 'unchanged', files: { rewritten: 0 } });
    expect(await world.leftovers()).toEqual([]);
  });

  test('what fits comes out of _rescued, of one column or of all; only files with such a value are written anew', async () => {
    await using world = await World.open();
    const target = world.target(format);
    // A window rescues numbers, and a later one makes the column wider: what was rescued before stays there.
    const steps = await writeSteps(
      `${world.dir}/source`,
      Array.from({ length: 20 }, (_, i): Put => ({ pk: S(`k${i}`), n: N('1'), m: N('1') })),
      [
        [
          { pk: S('a'), n: N('1.5'), m: N('1.5') },
          { pk: S('b'), n: S('x') },
        ],
        [{ pk: S('c'), n: N('2.5'), m: N('2.5') }],
      ],
    );
    for (const [i, dir] of steps.exports.entries())
      await world.load(dir, target, { upkeep: false, onDrift: i === 1 ? 'rescue' : 'rewrite' });
    const rescued = 'select n, m, _rescued from t where _rescued is not null order by all';
    expect(await world.query(target, rescued)).toEqual([
      ['null', 'null', '{"m":{"N":"1.5"},"n":{"N":"1.5"}}'],
      ['null', 'null', '{"n":{"S":"x"}}'],
    ]);
    const { files } = await world.table(target);
    const one = await world.evolve(target, [{ column: 'm', unrescue: true }]);
    expect(one).toMatchObject({ outcome: 'committed', values: { moved: 1, left: 0 }, columns: [{ change: 'kept' }] });
    expect(await world.query(target, rescued)).toEqual([
      ['null', '1.5000', '{"n":{"N":"1.5"}}'],
      ['null', 'null', '{"n":{"S":"x"}}'],
    ]);
    const all = await world.evolve(target, [{ unrescue: true }]);
    expect(all).toMatchObject({ outcome: 'committed', values: { moved: 1, left: 1 } });
    expect(all.files).toMatchObject({ total: files.length, rewritten: 1 });
    expect(await world.query(target, 'select n, _rescued from t where n = 1.5')).toEqual([['1.5000', 'null']]);
    expect(await world.items(target)).toEqual(steps.states.at(-1));
    expect(await world.evolve(target, [{ unrescue: true }])).toMatchObject({ outcome: 'unchanged' });
  });

  test('a value that would not fit is refused with the count and an example, and nothing changes', async () => {
    await using world = await World.open();
    const target = world.target(format);
    await loaded(world, target, { rows: [{ n: N('1'), t: S('x') }, { n: N('2.5') }, { n: N('2.5') }] });
    const before = await world.table(target);
    const refused = async (column: string, type: string, error: object): Promise<void> => {
      for (const dryRun of [true, false]) {
        const report = await world.evolve(target, [{ column, type }], { dryRun });
        expect(report).toMatchObject({ outcome: 'failed', error });
        expect(report.error?.hint).toBeTruthy();
      }
    };
    await refused('n', 'long', {
      code: 'SCHEMA_DRIFT',
      message: '2 values of “n” would not fit the new type.',
      expected: 'long',
      found: 'e.g. {"N":"2.5"}',
      place: expect.stringMatching(/, e\.g\. pk k[12]$/) as unknown,
    });
    await refused('n', 'timestamp', { code: 'SCHEMA_DRIFT', message: 'No value of “n” is known to be a time.' });
    await refused('n', 'timestamp(epoch-s)', { code: 'SCHEMA_DRIFT', found: 'e.g. {"N":"2.5"}' });
    await refused('t', 'long', { code: 'SCHEMA_DRIFT', found: 'e.g. {"S":"x"}', message: /^One value/ });
    await refused('nn', 'long', { code: 'USAGE', hint: 'Did you mean n?' });
    await refused('n', 'number', { code: 'USAGE', place: '--type' });
    await refused('pk', 'binary', { code: 'USAGE', expected: 'as it is' });
    await refused('pk', 'timestamp(iso)', { code: 'USAGE' });
    expect(await world.evolve(target, [{ column: 'pk', split: true }])).toMatchObject({ error: { code: 'USAGE' } });
    expect(await world.table(target)).toEqual(before);
    const none = await world.evolve(world.target(format, 'none'), [{ column: 'n', type: 'long' }]);
    expect(none).toMatchObject({ outcome: 'failed', error: { code: 'TARGET_NOT_FOUND' } });
  });

  test('a key becomes wider, and never narrower', async () => {
    await using world = await World.open();
    const target = world.target(format);
    const { exports, states } = await writeSteps(
      `${world.dir}/source`,
      [{ pk: N('1') }, { pk: N('20') }],
      [[{ pk: N('1') }]],
    );
    await world.load(exports[0] ?? '', target);
    for (const type of ['decimal(20,2)', 'double', 'decimal(10,0)'])
      expect(await world.evolve(target, [{ column: 'pk', type }])).toMatchObject({ error: { code: 'USAGE' } });
    expect(await world.evolve(target, [{ column: 'pk', type: 'decimal(21,2)' }])).toMatchObject({
      outcome: 'committed',
    });
    expect(await world.items(target)).toEqual(states[0]);
    expect(await world.evolve(target, [{ column: 'pk', type: 'string' }])).toMatchObject({ outcome: 'committed' });
    expect(await columnsOf(world, target)).toEqual(['pk string (number) #5']);
    // The delete finds its row.
    await world.load(exports[1] ?? '', target);
    expect(await world.items(target)).toEqual(states[1]);
  });

  test('an excluded attribute, and a table that is not tailrace’s, are refused', async () => {
    await using world = await World.open();
    const target = world.target(format);
    await loaded(world, target, { rows: [{ n: N('1'), x: N('2') }], schema: { exclude: ['x'] } });
    expect(await world.evolve(target, [{ column: 'x', type: 'long' }])).toMatchObject({
      error: { code: 'USAGE', message: expect.stringContaining('excluded') as unknown },
    });
  });
});
