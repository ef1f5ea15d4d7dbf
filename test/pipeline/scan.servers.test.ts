import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sync } from '../../src/index.ts';
import type { SyncOptions } from '../../src/model/options.ts';
import type { DdbItem } from '../data/ion.ts';
import { sharedTables } from '../data/shared-items.ts';
import { JAVA, serverOrSkip } from '../servers/available.ts';
import { DYNAMODB_LOCAL, type DynamoServer, startDynalite, startDynamoDbLocal } from '../servers/dynamodb-local.ts';
import { Tables } from '../servers/dynamodb-tables.ts';
import { canonicalItems, catItems, freshFolder, optionsWith, quiet } from './harness.ts';

let server: DynamoServer;
let tables: Tables;

function scanOptions(more: Partial<SyncOptions['scan']> = {}): SyncOptions {
  const options = optionsWith({ sourceAws: { endpoint: server.endpoint, region: 'us-east-1' } });
  const scan = { ...options.scan, rcu: { kind: 'unlimited' as const }, segments: 3, ...more };
  return { ...options, schema: { ...options.schema, key: [] }, scan };
}

async function scanned(
  name: string,
  more: Partial<SyncOptions['scan']> = {},
  format = 'iceberg',
): Promise<readonly [string, SyncReportOf]> {
  const target = `${format}:${join(await freshFolder(), 't')}`;
  const report = await sync(`dynamodb:${name}`, target, scanOptions(more), quiet());
  expect(report.error).toBeUndefined();
  return [target, report];
}
type SyncReportOf = Awaited<ReturnType<typeof sync>>;

const made = (count: number, keyOf: (i: number) => DdbItem): DdbItem[] =>
  Array.from({ length: count }, (_, i) => ({
    ...keyOf(i),
    n: { N: `${i}.5` },
    list: { L: [{ M: { a: { NULL: true } } }] },
  }));

serverOrSkip('a scan of DynamoDB Local', [JAVA, DYNAMODB_LOCAL], () => {
  beforeAll(async () => {
    server = await startDynamoDbLocal();
    tables = new Tables(server.endpoint);
  });
  afterAll(async () => {
    await tables?.close();
    await server?.stop();
  });

  const shared = sharedTables().filter(({ items }) => items.length > 0);
  test.skipIf(shared.length === 0)(
    'of all real items kept beside the project: they come out of the lake unchanged',
    async () => {
      for (const [index, { name, key, items }] of shared.entries()) {
        const all = await tables.make(`shared-${index}`, key, items);
        const [target, report] = await scanned(`shared-${index}`, {}, index % 2 === 0 ? 'iceberg' : 'parquet');
        expect(report.counts, name).toMatchObject({ read: all.length, written: all.length, rejected: 0 });
        expect(report.key.length, name).toBe(key.length);
        expect(await catItems(target, scanOptions()), name).toEqual(canonicalItems(all));
      }
    },
  );
  if (shared.length === 0) test.skip('skipped: no shared data', () => undefined);

  test('with keys of N and B, items of 400 KB, and units as DynamoDB counts them', async () => {
    const items = made(300, (i) => ({
      id: { N: String(i % 7) },
      sort: { B: Buffer.from([i >> 8, i & 255]).toString('base64') },
    }));
    const large = [0, 1, 2].map(
      (i): DdbItem => ({
        id: { N: '100' },
        sort: { B: Buffer.from([200, i]).toString('base64') },
        text: { S: `${i}\n`.repeat(190_000) },
      }),
    );
    const all = await tables.make('keys', ['id', 'sort'], [...items, ...large]);
    const [target, report] = await scanned('keys');
    expect(await catItems(target, scanOptions())).toEqual(canonicalItems(all));
    const [, twice] = await scanned('keys', { consistent: true });
    expect(report.scan?.readUnits).toBeGreaterThan(100);
    expect(twice.scan?.readUnits ?? 0).toBeCloseTo(2 * (report.scan?.readUnits ?? 0), -1);
  });

  test('fault 71: while items come, change and go, holds of each one state that it was in, and each that stayed once', async () => {
    const stable = await tables.make(
      'busy',
      ['id'],
      made(2_000, (i) => ({ id: { S: `k${i}` } })),
    );
    // Every state that the table was given, before it was given.
    const states = new Set(canonicalItems(stable));
    const put = async (items: readonly DdbItem[]): Promise<void> => {
      for (const state of canonicalItems(items)) states.add(state);
      await tables.put('busy', items);
    };
    let done = false;
    let turns = 0;
    const writer = async (): Promise<void> => {
      for (; !done; turns += 1) {
        const first = (turns * 20) % 1_980;
        await put(
          stable.slice(first, first + 20).map((item) => ({
            ...item,
            n: { N: `-${turns}` },
            list: { L: [{ M: { a: { S: 'x'.repeat(turns % 3_000) } } }] },
          })),
        );
        await put([{ id: { S: `new${turns}` } }]);
        await tables.delete('busy', [{ id: { S: `new${turns - 3}` } }]);
      }
    };
    const writing = writer();
    const [target, report] = await scanned('busy', { commitEveryMs: 20, segments: 16 });
    const [seen, changed] = [turns, states.size - 2_000];
    done = true;
    await writing;
    expect(Math.min(seen, changed)).toBeGreaterThan(3);
    const rows = await catItems(target, scanOptions());
    expect(rows.filter((row) => !states.has(row))).toEqual([]);
    const keys = rows.map((row) => /"((?:k|new)\d+)"/.exec(row)?.[1] ?? '');
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.filter((key) => key.startsWith('k')).length).toBe(2_000);
    expect(report.scan).toMatchObject({ complete: true, from: expect.any(String), to: expect.any(String) });
    // What a mirror finds once all is quiet.
    const again = await sync('dynamodb:busy', target, scanOptions({ runId: 'again' }), quiet());
    expect(again.error).toBeUndefined();
    const quietly = await scanned('busy');
    expect(await catItems(target, scanOptions())).toEqual(await catItems(quietly[0], scanOptions()));
  });

  test('where one partition key holds half of the items', async () => {
    const hot = made(1_200, (i) => ({ pk: { S: i % 2 === 0 ? 'hot' : `k${i}` }, sk: { N: String(i) } }));
    const all = await tables.make('hot', ['pk', 'sk'], hot);
    const [target, report] = await scanned('hot', { segments: 24, commitEveryMs: 1 });
    expect(report.counts).toMatchObject({ read: 1_200, written: 1_200 });
    expect(report.scan?.largestSegment?.items).toBeGreaterThanOrEqual(600);
    expect(await catItems(target, scanOptions())).toEqual(canonicalItems(all));
  });

  test('faults 74, 77, 79, 80 to 84 and 86: of the nastiest items that DynamoDB takes', async () => {
    const deep = (levels: number): DdbItem[string] =>
      levels === 0 ? { S: 'down' } : levels % 2 === 0 ? { L: [deep(levels - 1)] } : { M: { m: deep(levels - 1) } };
    const many = (from: number, count: number): DdbItem[string] => ({
      M: Object.fromEntries(Array.from({ length: count }, (_, i) => [`name ${from + i}`, { N: String(i) }])),
    });
    const names = [
      '__proto__',
      'constructor',
      'Item',
      'Keys',
      'S',
      'M',
      'a.b',
      'a"b',
      "a'b",
      'a`b',
      'a/b',
      '😀',
      ' ',
      '\u0001',
    ];
    const ours = [
      '_rescued',
      '_deleted',
      '_written_at',
      '_operation',
      '_source',
      '_old_image',
      '_pos',
      '_file',
      '_change_type',
    ];
    const cased = ['Name', 'NAME', 'name', 'naMe', 'straße', 'STRASSE', 'ı', 'i', 'I', 'İ'];
    const all = [...names, ...ours, ...cased];
    // An assignment would not make an attribute of __proto__.
    const named = (i: number): DdbItem =>
      Object.fromEntries(all.slice(i % 7).map((name) => [name, { S: `${name} of ${i}` }]));
    const items = Array.from({ length: 40 }, (_, i): DdbItem => ({ ...named(i), pk: { S: `k${i}` } }));
    for (const [i, n] of ['9.9999999999999999999999999999999999999E+125', '-1E-130', '0', '-0', '1E+37'].entries())
      items[i] = { ...items[i], number: { N: n }, numbers: { NS: [n, '1'] } };
    items[5] = { pk: { S: 'k5' }, deep: deep(31) };
    items[6] = { pk: { S: 'k6' }, ['n'.repeat(2_000)]: { S: 'a long name' } };
    items[7] = { pk: { S: 'k7' }, many: many(0, 10_000) };
    items[8] = { pk: { S: 'k8' }, many: many(5_000, 10_000) };
    items[9] = { pk: { S: 'k9' }, sets: { BS: ['AA==', '/+8=', 'dGVzdA=='] }, ss: { SS: ['', 'a', '\u0000'] } };
    items[10] = { pk: { S: 'k10' }, b: { B: '' }, s: { S: '' }, l: { L: [] }, m: { M: {} }, x: { NULL: true } };
    const stored = await tables.make('nasty', ['pk'], items);
    for (const format of ['iceberg', 'parquet']) {
      const [target, report] = await scanned('nasty', {}, format);
      expect(report.counts).toMatchObject({ read: 40, written: 40, rejected: 0 });
      expect(await catItems(target, scanOptions())).toEqual(canonicalItems(stored));
    }
  });
});

serverOrSkip('a scan of dynalite', existsDynalite() ? [] : ['dynalite'], () => {
  beforeAll(async () => {
    server = await startDynalite();
    tables = new Tables(server.endpoint);
  });
  afterAll(async () => {
    await tables?.close();
    await server?.stop();
  });

  test('of several pages and segments', async () => {
    const all = await tables.make(
      'orders',
      ['id'],
      made(3_000, (i) => ({ id: { S: `k${i}` }, text: { S: 'x'.repeat(900) } })),
    );
    const [target, report] = await scanned('orders', { segments: 5 });
    expect(report.counts.written).toBe(3_000);
    expect(await catItems(target, scanOptions())).toEqual(canonicalItems(all));
  });

  test.each<[string, readonly string[], (i: number) => DdbItem]>([
    ['S', ['pk'], (i) => ({ pk: { S: `ключ "${i}"` } })],
    ['N', ['pk'], (i) => ({ pk: { N: i % 2 === 0 ? String(i) : `-${i}.25` } })],
    ['B', ['pk'], (i) => ({ pk: { B: Buffer.from([i, 255 - i, 0]).toString('base64') } })],
    ['S and N', ['pk', 'sk'], (i) => ({ pk: { S: i % 2 === 0 ? 'hot' : `k${i}` }, sk: { N: String(i) } })],
    ['N and B', ['pk', 'sk'], (i) => ({ pk: { N: String(i % 3) }, sk: { B: Buffer.from([i]).toString('base64') } })],
    ['B and S', ['pk', 'sk'], (i) => ({ pk: { B: i % 2 === 0 ? 'AAE=' : '/w==' }, sk: { S: `s${i}` } })],
  ])('with a key of %s, page after page, and again as a mirror', async (what, key, keyOf) => {
    const name = `keys.${what.replaceAll(' ', '-')}`;
    const items = made(90, keyOf).map((item) => ({ ...item, text: { S: 'x'.repeat(40_000) } }));
    const all = await tables.make(name, key, items);
    const [target, report] = await scanned(name, { segments: 2, commitEveryMs: 1 });
    expect(report).toMatchObject({ key, counts: { read: 90, written: 90, rejected: 0 } });
    expect(await catItems(target, scanOptions())).toEqual(canonicalItems(all));
    const again = await sync(`dynamodb:${name}`, target, scanOptions({ segments: 3, runId: 'again' }), quiet());
    expect(again).toMatchObject({ outcome: 'committed', counts: { read: 90, written: 0, unchanged: 90 } });
  });
});

function existsDynalite(): boolean {
  try {
    return existsSync(createRequire(import.meta.url).resolve('dynalite/package.json'));
  } catch {
    return false;
  }
}
