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

  test('fault 71: while items come, change and go, has each item that stayed once, in one of its states', async () => {
    const stable = await tables.make(
      'busy',
      ['id'],
      made(2_000, (i) => ({ id: { S: `k${i}` } })),
    );
    let done = false;
    const writer = async (): Promise<void> => {
      for (let turn = 0; !done; turn += 1) {
        await tables.put(
          'busy',
          stable
            .slice((turn * 20) % 1_000, ((turn * 20) % 1_000) + 20)
            .map((item) => ({ ...item, n: { N: `-${turn}` } })),
        );
        await tables.put('busy', [{ id: { S: `new${turn}` } }]);
        await tables.delete('busy', [{ id: { S: `new${turn - 3}` } }]);
      }
    };
    const writing = writer();
    const [target, report] = await scanned('busy', { commitEveryMs: 20 });
    done = true;
    await writing;
    const rows = await catItems(target, scanOptions());
    const keys = rows.map((row) => /"(k\d+)"/.exec(row)?.[1]).filter((key) => key !== undefined);
    expect(new Set(keys).size).toBe(2_000);
    expect(keys.length).toBe(2_000);
    expect(report.scan).toMatchObject({ complete: true, from: expect.any(String), to: expect.any(String) });
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
});

function existsDynalite(): boolean {
  try {
    return existsSync(createRequire(import.meta.url).resolve('dynalite/package.json'));
  } catch {
    return false;
  }
}
