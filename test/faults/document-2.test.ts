import { describe, expect, test } from 'vitest';
import { defaultOptions, query, sync } from '../../src/index.ts';
import type { DdbItem } from '../data/ion.ts';
import type { ManifestEntry } from '../data/make-export.ts';
import { canonical, contextOf, FORMATS, World } from './load.ts';

// The faults of the two Spark jobs that people run today (document 2), as far as they concern full loads.

async function rows(world: World, target: string, sql: string): Promise<unknown[][]> {
  const result = await query(target, sql, world.options(), contextOf());
  const all: unknown[][] = [];
  try {
    for await (const row of result.rows)
      all.push(row.map((cell) => (typeof cell === 'object' && cell !== null ? String(cell) : cell)));
  } finally {
    await result.close();
  }
  return all;
}

describe.each(FORMATS)('document 2, to %s', (format) => {
  test('one empty data file listed first does not end the run with nothing loaded', async () => {
    await using world = await World.open();
    const items = Array.from({ length: 20 }, (_, index): DdbItem => ({ pk: { S: `${index}` } }));
    const target = world.target(format);
    const report = await world.load(await world.export({ items, emptyFirst: true }), target);
    expect(report.counts.written).toBe(20);
    expect(await world.items(target)).toEqual(canonical(items));
  });

  test('one NULL value does not make a whole column NULL, wherever it stands', async () => {
    await using world = await World.open();
    for (const at of [0, 10, 19]) {
      const items = Array.from(
        { length: 20 },
        (_, index): DdbItem => ({ pk: { S: `${index}` }, n: index === at ? { NULL: true } : { N: `${index}` } }),
      );
      const target = world.target(format, `null-${at}`);
      await world.load(await world.export({ items }, `null-${at}`), target);
      expect(await rows(world, target, `SELECT count(n), sum(n) = ${190 - at} FROM t`)).toEqual([
        [expect.anything(), true],
      ]);
      expect(String((await rows(world, target, 'SELECT count(n) FROM t'))[0]?.[0])).toBe('19');
      expect(await world.items(target)).toEqual(canonical(items));
    }
  });

  test('mixed types do not stop it, and no value is lost', async () => {
    await using world = await World.open();
    const items = Array.from(
      { length: 30 },
      (_, index): DdbItem => ({
        pk: { S: `${index}` },
        v: index % 10 === 9 ? { S: 'n/a' } : index % 10 === 8 ? { M: { x: { N: '1' } } } : { N: `${index}` },
      }),
    );
    const target = world.target(format);
    await world.load(await world.export({ items }), target);
    expect(await world.items(target)).toEqual(canonical(items));
    expect(String((await rows(world, target, 'SELECT count(v) FROM t'))[0]?.[0])).toBe('24');
  });

  test('numbers do not become DOUBLE', async () => {
    await using world = await World.open();
    const items: DdbItem[] = [
      {
        pk: { S: 'a' },
        id: { N: '9007199254740993' },
        price: { N: '0.1' },
        wide: { N: '12345678901234567890123456789012345678' },
      },
      {
        pk: { S: 'b' },
        id: { N: '9007199254740995' },
        price: { N: '0.2' },
        wide: { N: '0.0000000000000000000000000000000000001' },
      },
    ];
    const target = world.target(format);
    const report = await world.load(await world.export({ items }), target);
    expect(report.schema.find((column) => column.name === 'id')?.type).toBe('long');
    expect(report.schema.map((column) => column.type).join(' ')).not.toMatch(/double|float/);
    expect(await rows(world, target, 'SELECT sum(price) = 0.3, max(id)::VARCHAR FROM t')).toEqual([
      [true, '9007199254740995'],
    ]);
    expect(await world.items(target)).toEqual(canonical(items));
  });

  test('names with -, ., a space, quotes or a reserved word do not break the SQL', async () => {
    await using world = await World.open();
    const names = [
      'order-id',
      'a.b',
      'two words',
      'select',
      'from',
      'table',
      'a"b',
      "a'b",
      'a`b',
      'group',
      '1st',
      'drop table t;--',
    ];
    const items = names.map(
      (name, index): DdbItem => ({ pk: { S: `${index}` }, [name]: { S: name }, m: { M: { [name]: { N: '1' } } } }),
    );
    const target = world.target(format);
    await world.load(await world.export({ items }), target);
    expect(await world.items(target)).toEqual(canonical(items));
  });

  test('checksums and counts are compared, of both manifests and of each file', async () => {
    await using world = await World.open();
    const items = Array.from({ length: 20 }, (_, index): DdbItem => ({ pk: { S: `${index}` } }));
    const miscount = (all: ManifestEntry[]): ManifestEntry[] =>
      all.map((entry, index) => (index === 1 ? { ...entry, itemCount: 11 } : entry));
    const counts = await world.export({ items, entries: miscount, summary: { itemCount: 21 } }, 'counts');
    expect((await world.sync(counts, world.target(format))).error?.code).toBe('COUNT_MISMATCH');
    const flipped = (all: ManifestEntry[]): ManifestEntry[] =>
      all.map((entry, index) => (index === 1 ? { ...entry, md5Checksum: 'AAAAAAAAAAAAAAAAAAAAAA==' } : entry));
    const sums = await world.export({ items, entries: flipped }, 'sums');
    expect((await world.sync(sums, world.target(format))).error?.code).toBe('DATA_CHECKSUM');
    expect((await world.table(world.target(format))).state).toBeUndefined();
  });

  test('nested values are typed columns, not raw DynamoDB JSON', async () => {
    await using world = await World.open();
    const items = Array.from(
      { length: 20 },
      (_, index): DdbItem => ({
        pk: { S: `${index}` },
        address: { M: { city: { S: 'Köln' }, zip: { N: `${index}` } } },
        lines: { L: [{ M: { qty: { N: '2' } } }, { M: { qty: { N: '3' } } }] },
      }),
    );
    const target = world.target(format);
    await world.load(await world.export({ items }), target);
    const [row] = await rows(
      world,
      target,
      "SELECT count(*) FILTER (address.city = 'Köln')::VARCHAR, sum(address.zip)::VARCHAR, sum(lines[2].qty)::VARCHAR FROM t",
    );
    expect(row).toEqual(['20', '190', '60']);
  });

  test('the schema is that of all the data: an attribute of the last item of the last file is a column', async () => {
    await using world = await World.open();
    const items = Array.from(
      { length: 8_000 },
      (_, index): DdbItem => ({
        pk: { S: `${index}` },
        n: { N: index === 7_999 ? '1.25' : `${index}` },
        ...(index === 7_999 ? { last: { M: { seen: { BOOL: true } } } } : {}),
      }),
    );
    const source = await world.export({ items, filesCount: 6 });
    for (const batchBytes of [1, 1e9]) {
      const target = world.target(format, `${batchBytes}`);
      const report = await world.load(source, target, { batchBytes });
      expect(report.schema.map((column) => column.name)).toContain('last');
      expect(await rows(world, target, 'SELECT last.seen, n::VARCHAR FROM t WHERE last IS NOT NULL')).toEqual([
        [true, expect.stringMatching(/^1\.250*$/)],
      ]);
      expect(await rows(world, target, 'SELECT count(*)::VARCHAR FROM t WHERE n IS NULL')).toEqual([['0']]);
    }
  });
});

test('document 2: a second load of the same export does not double the rows', async () => {
  await using world = await World.open();
  const source = await world.export({ items: [{ pk: { S: 'a' } }] });
  const target = world.target('iceberg');
  await world.load(source, target);
  expect(
    (await sync(source.exportDir, target, { ...defaultOptions(), tempDir: world.temp }, contextOf())).outcome,
  ).toBe('unchanged');
  expect(await world.items(target)).toHaveLength(1);
});
