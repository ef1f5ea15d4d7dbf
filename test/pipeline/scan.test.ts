import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sync } from '../../src/index.ts';
import type { SyncOptions } from '../../src/model/options.ts';
import type { SyncReport } from '../../src/model/report.ts';
import type { DdbItem } from '../data/ion.ts';
import { type CannedServer, type CannedTable, startCannedPages } from '../servers/canned-pages.ts';
import { canonicalItems, catItems, FORMATS, freshFolder, load, optionsWith, quiet } from './harness.ts';

const items = (count: number, from = 0): DdbItem[] =>
  Array.from({ length: count }, (_, i) => ({
    pk: { S: `k${from + i}` },
    n: { N: String(i) },
    tags: { SS: ['a', `b${i}`] },
    text: { S: `“${'é'.repeat(i % 40)}”\n\\"},{` },
  }));

let server: CannedServer | undefined;

async function serve(table: Partial<CannedTable>): Promise<CannedServer> {
  server = await startCannedPages({ key: ['pk'], items: [], pageBytes: 2_000, ...table });
  return server;
}

function scanOptions(
  more: Partial<SyncOptions['scan']> = {},
  change: Partial<Omit<SyncOptions, 'schema'>> = {},
): SyncOptions {
  const options = optionsWith({ sourceAws: { endpoint: server?.endpoint ?? '', region: 'us-east-1' }, ...change });
  const scan = { ...options.scan, rcu: { kind: 'unlimited' as const }, segments: 4, ...more };
  return { ...options, schema: { ...options.schema, key: [] }, scan };
}

beforeEach(() => {
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
});
afterEach(() => server?.close());

describe.each(FORMATS)('a scan into %s', (format) => {
  const run = async (target: string, options: SyncOptions): Promise<SyncReport> =>
    sync('dynamodb:orders', `${format}:${target}`, options, quiet());

  test('makes the table, with the key that DynamoDB tells', async () => {
    const all = items(300);
    await serve({ items: all });
    const target = join(await freshFolder(), 't');
    const report = await load('dynamodb:orders', `${format}:${target}`, scanOptions({ runId: 'first' }));
    expect(report).toMatchObject({
      outcome: 'committed',
      key: ['pk'],
      counts: { read: 300, written: 300, rejected: 0 },
      scan: { runId: 'first', complete: true, resumed: false, segments: 4, segmentsDone: 4, throttled: 0 },
    });
    expect(report.scan?.readUnits).toBeGreaterThan(0);
    expect(await catItems(`${format}:${target}`, scanOptions())).toEqual(canonicalItems(all));
    const calls = server?.calls.length ?? 0;
    const again = await run(target, scanOptions({ runId: 'first' }));
    expect(again).toMatchObject({ outcome: 'unchanged', counts: { read: 0, written: 0 }, scan: { complete: true } });
    expect(server?.calls.length).toBe(calls + 1);
    expect(await run(target, scanOptions())).toMatchObject({ outcome: 'failed', error: { code: 'LEDGER_REFUSED' } });
  });

  test('of an empty table makes an empty one', async () => {
    await serve({ items: [] });
    const target = join(await freshFolder(), 't');
    const report = await load('dynamodb:orders', `${format}:${target}`, scanOptions());
    expect(report).toMatchObject({ outcome: 'committed', counts: { read: 0 }, scan: { complete: true } });
    expect(await catItems(`${format}:${target}`, scanOptions())).toEqual([]);
  });
});
