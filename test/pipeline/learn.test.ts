import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inferSchema } from '../../src/index.ts';
import { exportOf, load, optionsWith, quiet } from './harness.ts';

const items = [
  { pk: { S: 'a' }, price: { N: '9.99' }, address: { M: { city: { S: 'Graz' }, zip: { N: '8010' } } }, x: { S: 'x' } },
  { pk: { S: 'b' }, price: { N: '10' }, address: { M: { city: { S: 'Wien' } } }, x: { N: '1' } },
  { pk: { S: 'c' }, price: { NULL: true as const }, secret: { S: 'hidden' }, x: { S: 'y' } },
];

describe('inferSchema', () => {
  test('gives counts by type, a reason and an example for each column and field', async () => {
    const { exportDir } = await exportOf([items]);
    const report = await inferSchema(exportDir, optionsWith(), quiet());
    const column = (attribute: string) => report.columns.find((each) => each.attribute === attribute);
    expect(report.items).toBe(3);
    expect(report.key).toEqual(['pk']);
    expect(column('price')).toMatchObject({ type: 'decimal(18,4)', counts: { N: 2, NULL: 1 }, example: '"9.99"' });
    expect(column('x')).toMatchObject({
      type: 'string',
      counts: { S: 2, N: 1 },
      reason: expect.stringContaining('1 N go to _rescued'),
    });
    expect(column('address')).toMatchObject({ type: 'struct<city:string,zip:long>', counts: { M: 2 } });
    expect(column('address.city')).toMatchObject({ type: 'string', counts: { S: 2 } });
    expect(column('address.zip')).toMatchObject({ type: 'long', counts: { N: 1 } });
    for (const { attribute, reason } of report.columns) {
      expect(reason).not.toBe('');
      const parent = attribute?.split('.').slice(0, -1).join('.') ?? '';
      if (parent !== '') expect(column(parent)).toBeDefined();
    }
  });

  test('names nested fields by their parent where attributes differ only by case, too', async () => {
    const { exportDir } = await exportOf([
      items.map((item) => ({ ...item, Price: { N: '1' }, Address: { M: { city: { N: '1' } } } })),
    ]);
    const report = await inferSchema(exportDir, optionsWith(), quiet());
    const paths = report.columns.map(({ attribute }) => attribute);
    expect(paths).toEqual(
      expect.arrayContaining(['Address', 'Address.city', 'address', 'address.city', 'Price', 'price']),
    );
    expect(report.columns.find(({ attribute }) => attribute === 'price')?.counts).toEqual({ N: 2, NULL: 1 });
  });

  test('counts all items, not a sample: a dictionary is one in infer and in sync', async () => {
    const many = Array.from({ length: 6_000 }, (_, i) => ({
      pk: { S: `${i}` },
      m: { M: { [`id${i % 30}`]: { N: '1' } } },
    }));
    const { exportDir, dir } = await exportOf([many]);
    const report = await inferSchema(exportDir, optionsWith(), quiet());
    expect(report.columns.find(({ attribute }) => attribute === 'm')).toMatchObject({
      type: 'map<string,long>',
      counts: { M: 6_000 },
    });
    const loaded = await load(exportDir, join(dir, 'table'), optionsWith());
    expect(loaded.schema.find(({ name }) => name === 'm')?.type).toBe('map<string,long>');
  });

  test('the most frequent attributes are columns, by all items', async () => {
    const many = Array.from({ length: 3_000 }, (_, i) => ({
      pk: { S: `${i}` },
      ...(i < 1_000 ? { early: { S: 'x' } } : { late: { S: 'x' } }),
    }));
    const { exportDir } = await exportOf([many]);
    const report = await inferSchema(exportDir, optionsWith({ schema: { maxColumns: 2 } }), quiet());
    expect(report.columns.map(({ attribute }) => attribute)).toEqual(['late', 'pk', undefined, undefined]);
    expect(report.warnings).toEqual([expect.objectContaining({ code: 'unmapped' })]);
  });
});

describe('an excluded attribute', () => {
  test('is nowhere: not in columns, not in rescues, not in rejects', async () => {
    const { exportDir, dir, dataPaths } = await exportOf([], {
      files: [
        [
          ...items.map((item) => `{"Item":${JSON.stringify(item)}}`),
          '{"Item":{"secret":{"S":"hidden"},"x":{"S":"no key"}}}',
        ],
      ],
    });
    expect(dataPaths).toHaveLength(1);
    const options = optionsWith({ schema: { exclude: ['secret'] }, rejects: join(dir, 'rejects') });
    const report = await load(exportDir, join(dir, 'table'), options);
    expect(report.counts).toMatchObject({ read: 4, written: 3, rejected: 1, rescued: 2 });
    expect(report.schema.map(({ name }) => name)).not.toContain('secret');
    const rejects = await readFile(join(report.rejects ?? '', 'batch-0', 'rejects.jsonl'), 'utf8');
    expect(rejects).toContain('no key');
    expect(rejects).not.toContain('hidden');
    const { cat } = await import('../../src/index.ts');
    for await (const line of cat(join(dir, 'table'), { ...options, as: 'ddb-json' }, quiet()))
      expect(line).not.toContain('hidden');
  });

  test('that is also mapped by a schema file, or a key, stays consistent', async () => {
    const { exportDir, dir } = await exportOf([items]);
    const report = await load(
      exportDir,
      join(dir, 'table'),
      optionsWith({ schema: { key: [], exclude: ['price', 'secret'] } }),
    );
    expect(report.schema.map(({ name }) => name)).toEqual(['address', 'pk', 'x', '_rescued', '_written_at']);
  });
});
