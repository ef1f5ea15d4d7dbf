import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { DdbItem, DdbValue } from '../data/ion.ts';
import { NASTY_NAMES, NASTY_NUMBERS, NASTY_STRINGS } from '../data/nasty.ts';
import { canonical, FORMATS, type LoadOptions, visibleData, World } from './load.ts';

// Values and names that struck others: the item goes through the table and comes back as it was.

const keyed = (items: readonly DdbItem[]): DdbItem[] =>
  items.map((item, index) => ({ pk: { S: `${index}` }, ...item }));

/** Loads the items to one format, and holds what `cat` gives back against them. Gives the column names. */
async function roundTrip(
  world: World,
  format: 'iceberg' | 'parquet',
  items: readonly DdbItem[],
  options: LoadOptions = {},
): Promise<string[]> {
  const source = await world.export({ items, filesCount: 3, emptyFirst: true });
  const target = world.target(format);
  const report = await world.load(source, target, options);
  expect(report.counts).toMatchObject({ read: items.length, written: items.length, rejected: 0 });
  expect(await world.items(target)).toEqual(canonical(items));
  return report.schema.map((column) => column.name);
}

describe.each(FORMATS)('to %s', (format) => {
  test('fault 74: 38 digits, 1E-130 and 9.99E125 in plain decimal keep every digit, in columns, lists, sets and maps', async () => {
    await using world = await World.open();
    const items = NASTY_NUMBERS.map(
      (N, index): DdbItem => ({
        any: { N },
        list: { L: [{ N }, { N: '1' }] },
        map: { M: { n: { N } } },
        set: { NS: N === '1' ? ['1'] : [N, '1'] },
        ...(index % 2 === 0 ? { whole: { N: '9007199254740993' } } : { price: { N: '0.07' } }),
      }),
    );
    await roundTrip(world, format, keyed(items));
  });

  test('fault 74: each number alone in a table makes a column that holds it', async () => {
    await using world = await World.open();
    const item: DdbItem = Object.fromEntries(NASTY_NUMBERS.map((N, index) => [`n${index}`, { N }]));
    await roundTrip(world, format, keyed([item]));
  });

  test('fault 75: 1, 1.0, 1e0 and -0 are numbers by value, in sets, too', async () => {
    await using world = await World.open();
    const spelled = ['1', '1.0', '1e0', '100e-2', '-0', '0.0', '0e5', '1E+2', '12.50'];
    const items = spelled.map((N): DdbItem => ({ n: { N }, ns: { NS: [N] }, l: { L: [{ N }] } }));
    await roundTrip(world, format, keyed(items));
  });

  test('fault 77: empty texts, bytes, lists and maps, NULL and absent are five different things', async () => {
    await using world = await World.open();
    const values: DdbValue[] = [{ S: '' }, { B: '' }, { L: [] }, { M: {} }, { NULL: true }];
    const mixed = [...values, ...values].map((a): DdbItem => ({ a }));
    const typed = (full: DdbValue, empty: DdbValue, name: string): DdbItem[] =>
      [full, full, empty, { NULL: true }].map((value): DdbItem => ({ [name]: value }));
    const each = [
      ...typed({ S: 'x' }, { S: '' }, 's'),
      ...typed({ B: 'AA==' }, { B: '' }, 'b'),
      ...typed({ L: [{ S: 'x' }] }, { L: [] }, 'l'),
      ...typed({ M: { x: { S: 'x' } } }, { M: {} }, 'm'),
      { only: { M: {} } },
      { none: { L: [] } },
      {},
    ];
    await roundTrip(world, format, keyed([...mixed, ...each]));
  });

  test('fault 78: an attribute that changes its type keeps every value', async () => {
    await using world = await World.open();
    const values: DdbValue[] = [
      { S: 'x' },
      { N: '1' },
      { B: 'AA==' },
      { BOOL: false },
      { NULL: true },
      { SS: ['x'] },
      { NS: ['1'] },
      { BS: ['AA=='] },
      { L: [{ S: 'x' }, { N: '1' }] },
      { M: { a: { S: 'x' } } },
      { M: { a: { N: '1' } } },
    ];
    const items = keyed(
      Array.from({ length: 66 }, (_, index): DdbItem => ({ a: values[(index * 7) % 11] as DdbValue })),
    );
    await roundTrip(world, format, items, { batchBytes: 1 });
  });

  test('fault 78: a field within a map that has two types equally often settles on one of them', async () => {
    await using world = await World.open();
    const field = (index: number): DdbValue => (index % 2 === 0 ? { S: `${index % 4}` } : { N: `${index % 4}` });
    const items = keyed(Array.from({ length: 40 }, (_, index): DdbItem => ({ m: { M: { a: field(index) } } })));
    for (const batchBytes of [1, 1e6]) {
      const target = world.target(format, `${batchBytes}`);
      await world.load(await world.export({ items, emptyFirst: true }), target, { batchBytes });
      expect(await world.items(target)).toEqual(canonical(items));
    }
  });

  test('fault 80: names of 64 KB, of dots, quotes, slashes, emoji, control characters and digits', async () => {
    await using world = await World.open();
    const long = 'n'.repeat(65_535);
    const names = [...NASTY_NAMES.filter((name) => name !== 'pk'), long, `${'é'.repeat(32_767)}`, 'x'.repeat(65_535)];
    const items = names.map(
      (name, index): DdbItem => ({ [name]: { S: name.slice(0, 50) }, m: { M: { [name]: { N: `${index}` } } } }),
    );
    await roundTrip(world, format, [...keyed(items)]);
  });

  test('fault 81: names that differ only by case keep both values, always by the same rule', async () => {
    await using world = await World.open();
    const items = keyed([
      { price: { N: '1' }, Price: { N: '2' }, PRICE: { S: '3' }, m: { M: { a: { S: 'x' }, A: { S: 'y' } } } },
    ]);
    const digest = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 8);
    const columns = await roundTrip(world, format, items);
    expect(columns).toEqual(expect.arrayContaining(['PRICE', `Price_${digest('Price')}`, `price_${digest('price')}`]));
  });

  test('fault 82: __proto__, constructor and toString, Item and the type tags are names like any other', async () => {
    await using world = await World.open();
    const names = [
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      'Item',
      'Keys',
      'S',
      'N',
      'M',
      'L',
      'NULL',
      'BOOL',
    ];
    const whole: DdbItem = Object.fromEntries(names.map((name) => [name, { S: name }]));
    const nested: DdbItem = Object.fromEntries(
      names.map((name) => [name, { M: { [name]: { L: [{ M: { [name]: { S: name } } }] } } }]),
    );
    await roundTrip(world, format, keyed([whole, nested, { S: { S: 'x' } }, { Item: { M: { Item: { S: 'x' } } } }]));
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(Reflect.get({}, 'S')).toBeUndefined();
  });

  test('fault 83: attributes called like our columns or the engines’ are renamed, and come back under their names', async () => {
    await using world = await World.open();
    const names = [
      '_rescued',
      '_written_at',
      '_sequence',
      '_deleted',
      '_source',
      '_file',
      '_pos',
      '_change_type',
      '_partition',
      '_spec_id',
    ];
    const items = keyed([Object.fromEntries(names.map((name) => [name, { S: name }])), { _rescued: { N: '1' } }]);
    const columns = await roundTrip(world, format, items);
    expect(columns.filter((name) => name === '_rescued')).toHaveLength(1);
    expect(columns.filter((name) => name === '_written_at')).toHaveLength(1);
  });

  test('fault 84: 32 levels of maps and lists of lists', async () => {
    await using world = await World.open();
    const nest = (levels: number, wrap: (inner: DdbValue, level: number) => DdbValue): DdbValue => {
      let value: DdbValue = { S: 'bottom' };
      for (let level = 0; level < levels; level += 1) value = wrap(value, level);
      return value;
    };
    const maps = nest(32, (inner) => ({ M: { a: inner } }));
    const lists = nest(32, (inner) => ({ L: [inner] }));
    const both = nest(32, (inner, level) =>
      level % 2 === 0 ? { M: { [`k${level}`]: inner } } : { L: [inner, { N: '1' }] },
    );
    await roundTrip(world, format, keyed([{ maps }, { lists }, { both }, { maps: { M: { a: { S: 'short' } } } }]));
  });

  test('fault 85: items of 400 KB, of nothing but characters that are escaped', async () => {
    await using world = await World.open();
    const huge = (unit: string, bytes: number): string => unit.repeat(Math.floor(bytes / Buffer.byteLength(unit)));
    const items = ['\u0001', '"\\', '\u0000', '😀', 'x'].map((unit): DdbItem => ({ huge: { S: huge(unit, 399_000) } }));
    const lists: DdbItem[] = [
      { many: { L: Array.from({ length: 40_000 }, (_, index): DdbValue => ({ N: `${index}` })) } },
    ];
    await roundTrip(world, format, keyed([...items, ...lists]));
  });

  test('fault 86: bytes with zeros, of every padding, and the values that real exports hold', async () => {
    await using world = await World.open();
    const values = [
      '',
      'AA==',
      'AAA=',
      'AAAA',
      '0000',
      'test',
      '+/+/',
      Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('base64'),
    ];
    const items = values.map(
      (B): DdbItem => ({ b: { B }, bs: { BS: B === '' ? [''] : [B, ''] }, l: { L: [{ B }] }, m: { M: { b: { B } } } }),
    );
    await roundTrip(world, format, keyed(items));
  });

  test('fault 87: \\u0000, line separators and every other character that JSON can hold', async () => {
    await using world = await World.open();
    const every = Array.from({ length: 0x300 }, (_, code) => String.fromCharCode(code)).join('');
    await roundTrip(
      world,
      format,
      keyed(
        [...NASTY_STRINGS, every].map(
          (text): DdbItem => ({ s: { S: text }, ss: { SS: [text, `${text}!`] }, l: { L: [{ S: text }] } }),
        ),
      ),
    );
  });

  test('fault 89: nasty partition values come back, and each value has rows of its own files', async () => {
    await using world = await World.open();
    const regions = [...NASTY_STRINGS, '=', '/', 'a=b/c', '%2F', '..', '.', '__HIVE_DEFAULT_PARTITION__', ' '];
    const items = keyed([...regions.map((S): DdbItem => ({ region: { S } })), {}, { region: { NULL: true } }]);
    await roundTrip(world, format, items, { partition: [{ transform: 'identity', column: 'region' }] });
    const paths = await visibleData(world, world.target(format));
    expect(paths.length).toBeGreaterThan(20);
    for (const path of paths) expect(path.startsWith(world.dir)).toBe(true);
  });

  test('fault 90: an all-null column, lists of nulls, a single value, and many values that share their first bytes', async () => {
    await using world = await World.open();
    const items = Array.from(
      { length: 300 },
      (_, index): DdbItem => ({
        nothing: { NULL: true },
        nulls: { L: [{ NULL: true }, { NULL: true }] },
        map: { M: { x: { NULL: true } } },
        same: { S: 'same' },
        long: { S: `${'é'.repeat(40)}${index}` },
        edge: { S: `${'x'.repeat(15)}😀${index}` },
      }),
    );
    await roundTrip(world, format, keyed(items));
  });

  test('faults 51 and 90: no items at all make an empty table that holds the export', async () => {
    await using world = await World.open();
    for (const [name, options] of [
      ['none', { items: [], filesCount: 2 }],
      ['no files', { files: [] }],
    ] as const) {
      const source = await world.export(options, name);
      const target = world.target(format, name);
      expect((await world.load(source, target)).counts).toMatchObject({ read: 0, written: 0 });
      expect(await world.lines(target)).toEqual([]);
      expect((await world.table(target)).state?.ledger?.entries).toHaveLength(1);
      expect((await world.sync(source, target)).outcome).toBe('unchanged');
    }
  });
});

test('fault 79: 20,000 distinct attribute names: rare ones are rescued, and the table stays of a bounded width', async () => {
  await using world = await World.open();
  const items = keyed(
    Array.from(
      { length: 400 },
      (_, index): DdbItem =>
        Object.fromEntries(Array.from({ length: 50 }, (_, name) => [`attr_${index * 50 + name}`, { N: String(name) }])),
    ),
  );
  const columns = await roundTrip(world, 'iceberg', items, { schema: { maxColumns: 300 } });
  expect(columns.length).toBeLessThanOrEqual(310);
}, 120_000);

test('fault 54: extra fields, CRLF and a byte order mark in the manifests are fine; what is edited is refused or said', async () => {
  await using world = await World.open();
  const items = keyed([{ a: { S: 'x' } }, { a: { S: 'y' } }]);
  const more = await world.export(
    { items, summary: { newField: { deep: [1] } }, entries: (all) => all.map((entry) => ({ ...entry, more: 1 })) },
    'more',
  );
  await world.load(more, world.target('iceberg', 'more'));
  const edited = await world.export({ items }, 'edited');
  const path = `${edited.exportDir}/manifest-summary.json`;
  const { writeFile } = await import('node:fs/promises');
  await writeFile(path, `\ufeff${(await readFile(path, 'utf8')).replaceAll(',', ',\r\n')}`);
  const refused = await world.sync(edited, world.target('iceberg', 'edited'));
  expect(refused.error).toMatchObject({
    code: 'MANIFEST_CHECKSUM',
    message: expect.any(String),
    hint: expect.stringContaining('--trust-manifest'),
  });
  const trusted = await world.load(edited, world.target('iceberg', 'edited'), { trustManifest: true });
  expect(trusted.warnings.length).toBeGreaterThan(0);
  expect((await world.table(world.target('iceberg', 'edited'))).state?.ledger?.entries[0]?.trustedManifest).toBe(true);
  const unknown = await world.export({ items, summary: { version: '2099-01-01' } }, 'unknown');
  const report = await world.sync(unknown, world.target('iceberg', 'unknown'));
  expect(report.error?.code).toBe('MANIFEST_BAD');
});
