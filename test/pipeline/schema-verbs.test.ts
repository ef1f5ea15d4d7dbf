import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { diffSchema, inferSchema, parsePartition, showSchema, sync } from '../../src/index.ts';
import type { DdbItem } from '../data/ion.ts';
import { bothSchemas, canonicalItems, catItems, exportOf, FORMATS, load, optionsWith, quiet } from './harness.ts';

const ITEMS: DdbItem[] = [
  {
    pk: { S: 'a' },
    price: { N: '9.99' },
    tags: { SS: ['x'] },
    at: { S: '2026-03-01T12:00:00Z' },
    m: { M: { x: { N: '1' } } },
  },
  {
    pk: { S: 'b' },
    price: { S: 'free' },
    'a.b': { BOOL: true },
    at: { S: 'soon' },
    m: { M: {} },
    l: { L: [{ N: '1' }] },
  },
  { pk: { S: 'c' }, price: { N: '10' }, Price: { N: '1' }, mixed: { L: [{ N: '1' }, { S: 'x' }] } },
];

async function schemaFile(dir: string, name: string, text: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
}

describe.each(FORMATS)('%s', (format) => {
  test('the schema that infer writes, given back, makes the same table', async () => {
    const { exportDir, dir } = await exportOf([ITEMS]);
    const options = optionsWith({ partition: parsePartition('day(at)') });
    const { yaml } = await inferSchema(exportDir, options, quiet());
    const file = await schemaFile(dir, 'schema.yaml', yaml);
    const [plain, given] = [`${format}:${join(dir, 'plain')}`, `${format}:${join(dir, 'given')}`];
    const one = await load(exportDir, plain, options);
    const two = await load(exportDir, given, { ...options, schemaFile: file });
    const named = (schema: typeof one.schema) =>
      schema.map(({ name, attribute, tag, type }) => ({ name, attribute, tag, type }));
    expect(named(two.schema)).toEqual(named(one.schema));
    expect(two.counts).toEqual(one.counts);
    expect(await catItems(given, options)).toEqual(canonicalItems(ITEMS));
    expect((await diffSchema(plain, given, options, quiet())).changes).toEqual([]);
  });

  test('the flat form takes what it names, and the rest is rescued', async () => {
    const { exportDir, dir } = await exportOf([ITEMS]);
    const file = await schemaFile(dir, 'flat.json', JSON.stringify({ pk: 'S', price: 'N', tags: 'SS', m: 'M' }));
    const options = optionsWith({ schemaFile: file });
    const report = await load(exportDir, `${format}:${join(dir, 'table')}`, options);
    expect(report.schema.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      'pk: string',
      'm: struct<x:long>',
      'price: decimal(18,4)',
      'tags: list<string>',
      '_rescued: string',
      '_written_at: timestamptz',
    ]);
    expect(await catItems(`${format}:${join(dir, 'table')}`, options)).toEqual(canonicalItems(ITEMS));
  });

  test('our form: types that do not fit lose nothing', async () => {
    const { exportDir, dir } = await exportOf([ITEMS]);
    const yaml = 'version: 1\ncolumns:\n  pk: string\n  price: long\n  at: timestamp(iso)\n  m: map<long>\n  l: json\n';
    const options = optionsWith({ schemaFile: await schemaFile(dir, 'own.yaml', yaml) });
    const target = `${format}:${join(dir, 'table')}`;
    const report = await load(exportDir, target, options);
    expect(report.counts.rescued).toBe(3);
    expect(await catItems(target, options)).toEqual(canonicalItems(ITEMS));
    const { loaded } = await bothSchemas(exportDir, target, options);
    expect((loaded as { columns: object }).columns).toMatchObject({ price: 'long', m: 'map<long>' });
  });
});

test('schema infer and diff apply --schema as sync would', async () => {
  const { exportDir, dir } = await exportOf([ITEMS]);
  const yaml = 'version: 1\nkey: [pk]\ncolumns: {pk: string, price: auto, at: {type: timestamp, name: at_time}}\n';
  const options = optionsWith({ schemaFile: await schemaFile(dir, 'own.yaml', yaml), schema: { key: [] } });
  await load(exportDir, join(dir, 'table'), options);
  const { inferred, loaded } = await bothSchemas(exportDir, join(dir, 'table'), options);
  expect(inferred).toEqual(loaded);
  expect(inferred).toMatchObject({
    columns: { pk: 'string', price: 'decimal(18,4)', at: { type: 'timestamp(iso)', name: 'at_time' } },
  });
  const { warnings } = await inferSchema(exportDir, options, quiet());
  const stay = '6 attributes have no column and stay in _rescued: tags, m, "a.b", l, Price, mixed.';
  expect(warnings).toContainEqual({ code: 'unmapped', text: stay });
  expect((await diffSchema(exportDir, join(dir, 'table'), options, quiet())).changes).toEqual([]);
});

test('an attribute whose name holds a dot does not look nested: its path stands in quotes', async () => {
  const { exportDir, dir } = await exportOf([[{ pk: { S: 'a' }, 'a.b': { S: 'x' }, a: { M: { b: { S: 'y' } } } }]]);
  const sources = ['pk', 'a', '"a.b"'];
  const report = await load(exportDir, join(dir, 'table'), optionsWith());
  expect(report.schema.flatMap(({ attribute }) => attribute ?? [])).toEqual(sources);
  for (const end of [exportDir, join(dir, 'table')]) {
    const { columns } = await showSchema(end, optionsWith(), quiet());
    expect(columns.flatMap(({ attribute }) => attribute ?? []).sort()).toEqual([...sources, 'a.b'].sort());
  }
  const flat = await schemaFile(dir, 'flat.json', '{"pk": "S", "a": "M"}');
  const { changes } = await diffSchema(join(dir, 'table'), flat, optionsWith(), quiet());
  expect(changes.map(({ path }) => path)).toContain('"a.b"');
});

test('schema show of a table tells how many values each column holds and what was rescued', async () => {
  const { exportDir, dir } = await exportOf([ITEMS]);
  await load(exportDir, join(dir, 'table'), optionsWith());
  const shown = await showSchema(join(dir, 'table'), optionsWith(), quiet());
  const price = shown.columns.find(({ attribute }) => attribute === 'price');
  expect(shown.items).toBe(3);
  expect(price?.counts).toEqual({ N: 2, S: 1 });
  expect(price?.reason).toContain('1 S in _rescued');
});

test('a schema file without the key, or that is not there, is refused before anything is written', async () => {
  const { exportDir, dir } = await exportOf([ITEMS]);
  const file = await schemaFile(dir, 'flat.json', JSON.stringify({ price: 'N' }));
  const refused = await sync(exportDir, join(dir, 'table'), optionsWith({ schemaFile: file }), quiet());
  expect(refused).toMatchObject({ outcome: 'failed', error: { code: 'SCHEMA_FILE' } });
  const missing = await sync(
    exportDir,
    join(dir, 'table'),
    optionsWith({ schemaFile: join(dir, 'none.yaml') }),
    quiet(),
  );
  expect(missing).toMatchObject({ outcome: 'failed', error: { code: 'SCHEMA_FILE', hint: expect.any(String) } });
});
