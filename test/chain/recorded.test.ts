/** What a table has recorded stays as it is; what windows bring besides finds a place where nothing is lost. */
import { expect, test } from 'vitest';
import type { DdbItem } from '../data/ion.ts';
import { type LoadOptions, World } from '../faults/load.ts';
import { applySteps, columnsOf, items, type Put, writeSteps } from './steps.ts';

const same = (a: readonly string[], b: readonly string[]): void => expect(a).toEqual(b);
const address = (m: DdbItem): DdbItem => ({ address: { M: m } });
const city = { city: { S: 'Rome' } };
const many = (count: number, value: (i: number) => DdbItem[string]): DdbItem =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, value(i)]));
const deep = (levels: number): DdbItem[string] =>
  levels === 0 ? { S: 'x' } : levels % 2 === 0 ? { L: [deep(levels - 1)] } : { M: { in: deep(levels - 1) } };

const nested = (fields: number): DdbItem => many(4, () => ({ M: many(fields, () => ({ S: '' })) }));

interface Case {
  readonly baseline: readonly Put[];
  readonly windows: readonly (readonly Put[])[];
  readonly options?: LoadOptions;
  /** Names of columns behind the chain, with what they begin with. */
  readonly columns?: readonly RegExp[];
  /** Items whose values are all in columns. */
  readonly whole?: number;
}

const cases: Record<string, Case> = {
  'names that differ only by case in a struct': {
    baseline: items(4, () => address(city)),
    windows: [
      [
        { pk: { S: 'k0' }, ...address({ City: { S: 'Rome' } }) },
        { pk: { S: 'k1' }, ...address({ ...city, City: { S: 'Bonn' } }) },
        { pk: { S: 'k2' }, ...address({ city: { S: 'Oslo' } }) },
        { pk: { S: 'k3' }, ...address({ ...city, 'zip\u0000': { N: '1' }, '': { S: '' } }) },
        { pk: { S: 'n1' }, ...address({ ...city, Zip: { N: '1' } }) },
        { pk: { S: 'n2' }, ...address({ ...city, zip: { N: '1' } }) },
      ],
      [{ pk: { S: 'k0' }, ...address({ ...city, __proto__x: { S: '' } }) }],
    ],
    columns: [/^pk /, /^address struct<city:string,__proto__x:string>/],
    whole: 2,
  },
  'names in a list of structs that differ only by case': {
    baseline: items(2, () => ({ list: { L: [{ M: city }] } })),
    windows: [
      [
        { pk: { S: 'k0' }, list: { L: [{ M: { CITY: { S: 'x' } } }, { M: city }] } },
        ...items(1, () => ({ list: { L: [{ M: city }] } }), 1),
      ],
    ],
    columns: [/^pk /, /^list list<struct<city:string>>/],
    whole: 1,
  },
  'names of a struct that turn out to be data': {
    baseline: items(4, () => address(city)),
    windows: [items(60, (i) => address({ ...city, ...(i < 50 ? { [`2026-${i}`]: { N: '1' } } : {}) }))],
    columns: [/^pk /, /^address struct<city:string>/],
    whole: 10,
  },
  'a struct with more than a thousand new names': {
    baseline: items(2, () => address(city)),
    windows: [items(3, (i) => address({ ...city, ...many(i === 0 ? 1_200 : 0, () => ({ S: '' })) }))],
    columns: [/^pk /, /^address struct<city:string>/],
    whole: 2,
  },
  'content that is too deep, or has too many positions': {
    baseline: items(2, () => ({ ...address(city), list: { L: [{ S: 'x' }] } })),
    windows: [
      [{ pk: { S: 'k0' }, ...address({ ...city, more: deep(20) }), list: { L: [deep(20)] } }],
      [
        {
          pk: { S: 'k1' },
          ...address({ ...city, wide: { M: many(150, (i) => (i % 2 ? { S: '' } : { L: [{ N: '1' }] })) } }),
        },
      ],
      items(2, (i) => ({ ...address({ ...city, more: deep(i + 1) }), list: { L: [{ S: 'x' }, { N: '1' }] } })),
    ],
  },
  'many nested attributes that grow together': {
    baseline: items(2, () => nested(30)),
    windows: [items(2, () => nested(190))],
    // Three of the four may grow.
    whole: 0,
  },
  'values of every type in recorded scalars, lists, maps and structs': {
    baseline: items(3, (i) => ({
      s: { S: 'x' },
      n: { N: '1' },
      b: { B: 'AA==' },
      t: { BOOL: true },
      l: { L: [{ N: '1' }] },
      m: { M: city },
      set: { SS: ['a'] },
      ns: { NS: ['1'] },
      d: { M: Object.fromEntries(Array.from({ length: 40 }, (_, j) => [`${i}-${j}`, { N: '1' }])) },
    })),
    windows: [
      [
        { S: '' },
        { N: '-1.5' },
        { B: '' },
        { BOOL: false },
        { NULL: true },
        { L: [] },
        { M: {} },
        { SS: ['x'] },
        { NS: ['1.5'] },
        { BS: ['AA=='] },
        { L: [{ M: { s: { S: '' } } }, { NULL: true }] },
        { M: { City: { S: '' }, a: { M: {} } } },
      ].map((value, i) => ({
        pk: { S: `w${i}` },
        s: value,
        n: value,
        b: value,
        t: value,
        l: value,
        m: value,
        set: value,
        ns: value,
        d: value,
        fresh: value,
      })),
    ],
  },
  'columns of plain JSON and of DynamoDB JSON': {
    baseline: items(3, (i) => ({
      j: { L: [{ N: '1' }, { S: 'x' }] },
      e: { M: {} },
      x: { L: [{ N: '1' }, { B: 'AA==' }] },
      k: i === 0 ? { S: 'x' } : { L: [{ S: 'y' }, { N: '1' }] },
    })),
    windows: [
      [
        { pk: { S: 'k0' }, j: { L: [{ BS: ['AA=='] }] }, e: { M: city }, x: { M: city }, k: { N: '1' } },
        {
          pk: { S: 'k1' },
          j: { M: { a: { N: '1' } } },
          e: { S: '' },
          x: { N: '1' },
          k: { L: [{ S: '' }, { NULL: true }] },
        },
      ],
      [{ pk: { S: 'k1' }, j: { L: [] }, e: { M: { City: { S: '' }, city: { N: '1' } } }, x: { L: [] }, k: { S: '' } }],
    ],
  },
  'columns that were split by type': {
    baseline: items(4, (i) => ({ price: i % 2 ? { S: 'much' } : { N: '1' } })),
    windows: [
      [
        { pk: { S: 'k0' }, price: { M: city } },
        { pk: { S: 'k1' }, price: { N: '1.5' } },
        { pk: { S: 'k2' }, price: { S: '' } },
        { pk: { S: 'k3' }, price: { NULL: true } },
      ],
    ],
    options: { schema: { onMixed: 'split' } },
    columns: [/^pk /, /^price_n decimal/, /^price_s string/],
  },
  'columns of times': {
    baseline: items(3, () => ({ at: { S: '2026-01-01T00:00:00.000Z' }, seen_at: { N: '1767225600' } })),
    windows: [
      [
        { pk: { S: 'k0' }, at: { S: 'yesterday' }, seen_at: { N: '1.5' } },
        { pk: { S: 'k1' }, at: { S: '2026-01-01T00:00:00Z' }, seen_at: { N: '1767225600123' } },
        { pk: { S: 'k2' }, at: { N: '1' }, seen_at: { S: '' } },
      ],
    ],
    options: { schema: { timestamps: 'auto' } },
    columns: [/^pk /, /^at timestamp/, /^seen_at timestamp/],
  },
  'top-level names that differ only by case, and more than two thousand': {
    baseline: items(3, () => ({ name: { S: 'x' }, ...address(city), list: { L: [{ M: city }] } })),
    windows: [
      [
        {
          pk: { S: 'k0' },
          Name: { S: 'y' },
          name: { S: 'z' },
          Address: { M: city },
          ...address({ ...city, City: { S: '' } }),
          PK: { N: '1' },
        },
        { pk: { S: 'k1' }, ...address({ ...city, zip: { N: '1' } }), list: { L: [{ M: { CITY: { S: '' } } }] } },
      ],
      items(2, (i) => ({ ...many(i === 0 ? 2_500 : 3, (j) => ({ N: `${j}` })), ...address(city) })),
      items(3, (i) => ({ name: { S: `${i}` }, ...address({ city: { N: '1' } }), list: { S: 'x' } })),
    ],
  },
  'names that JavaScript objects have': {
    baseline: items(2, () => JSON.parse('{"__proto__":{"S":"x"},"constructor":{"M":{"__proto__":{"N":"1"}}}}')),
    windows: [
      items(2, () =>
        JSON.parse(
          '{"__proto__":{"N":"1"},"hasOwnProperty":{"S":""},"constructor":{"M":{"__proto__":{"N":"1.5"},"toString":{"S":""}}}}',
        ),
      ),
      items(2, () => JSON.parse('{"constructor":{"M":{"__PROTO__":{"N":"1.5"}}}}')),
    ],
  },
};

test.each(Object.entries(cases))(
  '%s',
  { timeout: 120_000 },
  async (_name, { baseline, windows, options = {}, columns, whole }) => {
    await using world = await World.open();
    const steps = await writeSteps(`${world.dir}/source`, baseline, windows);
    const target = world.target('iceberg');
    await applySteps(world, steps, target, options, same);
    const found = await columnsOf(world, target);
    if (columns !== undefined) {
      expect(found.length).toBe(columns.length);
      for (const [i, pattern] of columns.entries()) expect(found[i]).toMatch(pattern);
    }
    if (whole !== undefined)
      expect(await world.query(target, 'select count(*) filter (_rescued is null) from t')).toEqual([[String(whole)]]);
  },
);

test('fault 79: at the most columns new attributes are rescued, and a warning says so once a run', async () => {
  await using world = await World.open();
  const wide = (count: number) => items(2, () => many(count, () => ({ N: '1' })));
  const steps = await writeSteps(`${world.dir}/source`, wide(3), [wide(5), wide(6)]);
  const target = world.target('iceberg');
  const options = { schema: { maxColumns: 4 } };
  const report = await world.load(steps.dir, target, options);
  expect(await world.items(target)).toEqual(steps.states.at(-1));
  expect(await columnsOf(world, target)).toHaveLength(4);
  const told =
    '2 attributes have no column and stay in _rescued, because the table has 4 columns (--max-columns): f3, f4.';
  expect(report.warnings).toEqual([{ code: 'unmapped', text: told }]);
});
