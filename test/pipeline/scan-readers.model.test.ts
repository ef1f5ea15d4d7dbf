import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { WrapStorage } from '../../src/pipeline/ends/open.ts';
import { inspect } from '../../src/pipeline/inspect.ts';
import { syncThrough } from '../../src/pipeline/sync.ts';
import { quiet } from './harness.ts';
import { itemsOf, Shop } from './scan-harness.ts';

// A scan of many pieces into a Parquet table: each is a state, but not each a folder with all files.

/** Counts files that are carried. */
function counting(counted: { copies: number }): WrapStorage {
  return (storage) =>
    new Proxy(storage, {
      get: (inner, name) => {
        const value: unknown = Reflect.get(inner, name, inner);
        if (name === 'copy') counted.copies += 1;
        return typeof value === 'function' ? value.bind(inner) : value;
      },
    });
}

/** What readers that list a folder find. */
async function filesIn(readPath: string | undefined): Promise<string[]> {
  const names = await readdir((readPath ?? '').replace(/^file:\/\//, ''), { recursive: true });
  return names.filter((name) => name.endsWith('.parquet'));
}

test('files are carried three times at most, however many pieces there are, and readers follow as the table grows', async () => {
  await using shop = await Shop.open({ items: itemsOf(480), pageBytes: 900 }, 'parquet');
  const counted = { copies: 0 };
  const run = (upkeep: boolean) => {
    const options = shop.options({ segments: 1, commitEveryMs: 0 }, { upkeep });
    return syncThrough(counting(counted), 'dynamodb:orders', shop.target, options, quiet());
  };
  let scans = 0;
  shop.table.mishap = ({ operation }) =>
    operation === 'Scan' && ++scans > 30 ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined;
  const cut = await run(false);
  expect(cut).toMatchObject({ outcome: 'failed', applied: 30 });
  // The run that stopped sends readers on, too.
  expect(await filesIn(cut.readPath)).toHaveLength(30);
  expect(counted.copies).toBeLessThan(3 * 30 + 30);
  delete shop.table.mishap;
  const whole = await run(false);
  expect(whole).toMatchObject({ outcome: 'committed', scan: { complete: true, resumed: true } });
  const { length } = await filesIn(whole.readPath);
  expect(length).toBeGreaterThan(45);
  expect(counted.copies).toBeLessThan(5 * length);
  expect(await shop.rows()).toEqual(shop.expected);
});

test('a run that was interrupted leaves readers half a table behind at most, says so, and the next one sends them on', async () => {
  await using shop = await Shop.open({ items: itemsOf(240), pageBytes: 900 }, 'parquet');
  const options = shop.options({ segments: 1, commitEveryMs: 0 });
  const abort = new AbortController();
  // Each piece's commit is preceded by a look at the table that is read.
  let looks = 0;
  shop.table.mishap = ({ operation }) => {
    if (operation === 'DescribeTable' && ++looks === 25) abort.abort(new Error('Ctrl-C'));
    return undefined;
  };
  const stopped = await shop.scan(options.scan, {}, { ...quiet(), signal: abort.signal });
  expect(stopped.error?.code).toBe('INTERRUPTED');
  const behind = await inspect(shop.target, options, quiet());
  if (behind.kind !== 'table') throw new Error('no table');
  expect(behind.warnings.map(({ code }) => code)).toEqual(['readers-behind']);
  expect((await filesIn(behind.readPath)).length * 1.6).toBeGreaterThan(behind.files.count - 2);
  expect((await shop.scan(options.scan)).outcome).toBe('committed');
  const now = await inspect(shop.target, options, quiet());
  if (now.kind !== 'table') throw new Error('no table');
  expect([now.warnings, await filesIn(now.readPath)]).toEqual([
    [],
    expect.objectContaining({ length: now.files.count }),
  ]);
  expect(await shop.rows()).toEqual(shop.expected);
});
