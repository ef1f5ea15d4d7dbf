import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { evolveSchema, maintain, parsePartition, sync } from '../../src/index.ts';
import type { SyncOptions } from '../../src/model/options.ts';
import type { SyncReport } from '../../src/model/report.ts';
import type { DdbItem } from '../data/ion.ts';
import { writeExport } from '../data/make-export.ts';
import { writeWindow } from '../data/make-window.ts';
import { canonicalItems, FORMATS, freshFolder, load, quiet } from './harness.ts';
import { itemsOf, type ScanChange, Shop } from './scan-harness.ts';

// A scan into a table that is there: what becomes of its rows.

type State = Partial<SyncOptions['state']>;

const closes = ({ counts }: SyncReport): void => {
  const { read, written, deleted, unchanged, filtered, rejected } = counts;
  expect(written + deleted + unchanged + filtered + rejected).toBe(read);
};

/** A scan with some state options. */
async function scan(shop: Shop, state: State = {}, more: ScanChange = {}, change: object = {}): Promise<SyncReport> {
  const { state: standard } = shop.options();
  const report = await shop.scan(more, { ...change, state: { ...standard, ...state } });
  closes(report);
  return report;
}

function change(shop: Shop, items: readonly DdbItem[]): void {
  shop.table.items = items;
  shop.server.refresh();
}

const colored = (items: readonly DdbItem[], color: string): DdbItem[] =>
  items.map((item) => ({ ...item, color: { S: color } }));

describe.each(FORMATS)('%s', (format) => {
  test('mirror is the default: the table is what the source is, and equal rows are left', async () => {
    await using shop = await Shop.open({}, format);
    const all = itemsOf(60);
    await scan(shop);
    change(shop, [...all.slice(3, 50), ...colored(all.slice(50), 'red'), ...itemsOf(5, 100)]);
    const report = await scan(shop, {}, { commitEveryMs: 1 });
    expect(report.scan).toMatchObject({ writeMode: 'mirror', complete: true, rowsRemoved: 3 });
    expect(report.counts).toMatchObject({ read: 62, written: 15, unchanged: 47, deleted: 0 });
    expect(await shop.rows()).toEqual(shop.expected);
    const again = await scan(shop);
    expect(again.counts).toMatchObject({ read: 62, written: 0, unchanged: 62 });
    expect(again.scan?.rowsRemoved).toBe(0);
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('document 0: deletes are seen, and an empty table empties nothing without a word', async () => {
    await using shop = await Shop.open({}, format);
    const all = itemsOf(60);
    await scan(shop);
    change(shop, []);
    const refused = await scan(shop);
    expect(refused).toMatchObject({
      outcome: 'failed',
      error: { code: 'DELETES_REFUSED', found: '60 rows whose items are gone' },
    });
    expect(await shop.rows()).toEqual(canonicalItems(all));
    const meant = await scan(shop, { maxDelete: { rows: 60 } });
    expect(meant).toMatchObject({ outcome: 'committed', scan: { rowsRemoved: 60 } });
    expect(await shop.rows()).toEqual([]);
  });

  test('document 0: a finished run that is repeated with its name changes nothing, in any mode', async () => {
    await using shop = await Shop.open({}, format);
    await scan(shop);
    change(shop, itemsOf(70));
    await scan(shop, { mode: 'append' }, { runId: 'once' });
    const calls = shop.scans;
    for (const mode of ['append', 'mirror', 'upsert'] as const)
      expect(await scan(shop, { mode }, { runId: 'once' })).toMatchObject({ outcome: 'unchanged' });
    expect(shop.scans).toBe(calls);
    expect((await shop.rows()).length).toBe(130);
  });

  test('document 0: … nor after more scans than the ledger has entries for', async () => {
    await using shop = await Shop.open({}, format);
    await scan(shop, {}, { runId: 'first' });
    await scan(shop, { mode: 'append' }, { runId: 'once' });
    for (let n = 0; n < 6; n += 1) await scan(shop, { mode: 'upsert' });
    const [calls, rows] = [shop.scans, await shop.rows()];
    for (const runId of ['first', 'once'])
      expect(await scan(shop, { mode: 'append' }, { runId })).toMatchObject({ outcome: 'unchanged' });
    expect([shop.scans, await shop.rows()]).toEqual([calls, rows]);
  });

  test('fault 68: a mirror that was interrupted goes on, and deletes what none of its pieces saw', async () => {
    await using shop = await Shop.open({}, format);
    const all = itemsOf(60);
    await scan(shop);
    change(shop, [...all.slice(4), ...itemsOf(6, 100)]);
    let pages = 0;
    shop.table.mishap = ({ operation }) =>
      operation === 'Scan' && ++pages > 12 ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined;
    const cut = await scan(shop, {}, { commitEveryMs: 1, runId: 'cut' });
    expect(cut).toMatchObject({ outcome: 'failed', scan: { rowsRemoved: 0 } });
    expect(cut.applied).toBeGreaterThan(0);
    const other = await scan(shop, { mode: 'append' });
    expect(other.error?.code).toBe('LEDGER_REFUSED');
    shop.table.mishap = () => undefined;
    const report = await scan(shop, {}, { commitEveryMs: 1 });
    expect(report).toMatchObject({ outcome: 'committed', scan: { runId: 'cut', resumed: true, rowsRemoved: 4 } });
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('fault 68: what an interrupted mirror goes on from outlives a sweep of orphans, however old', async () => {
    await using shop = await Shop.open({}, format);
    await scan(shop);
    change(shop, itemsOf(60).slice(4));
    let pages = 0;
    shop.table.mishap = ({ operation }) =>
      operation === 'Scan' && ++pages > 12 ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined;
    expect((await scan(shop, {}, { commitEveryMs: 1 })).applied).toBeGreaterThan(0);
    const folder = shop.target.slice(shop.target.indexOf(':') + 1);
    const kept = await readdir(join(folder, '.tailrace'), { recursive: true });
    expect(kept.filter((name) => name.includes('seen-')).length).toBeGreaterThan(0);
    const longAgo = new Date(Date.now() - 30 * 86_400_000);
    for (const name of kept) await utimes(join(folder, '.tailrace', name), longAgo, longAgo);
    const swept = await maintain(shop.target, { ...shop.options(), sweepOrphansMs: 3_600_000 }, quiet());
    expect(swept.error).toBeUndefined();
    shop.table.mishap = () => undefined;
    const report = await scan(shop, {}, { commitEveryMs: 1 });
    expect(report).toMatchObject({ outcome: 'committed', scan: { resumed: true, rowsRemoved: 4 } });
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('a table of scans that each took a part is looked after, and its columns can be changed', async () => {
    await using shop = await Shop.open({}, format);
    await scan(shop);
    expect((await scan(shop, { mode: 'append' })).outcome).toBe('committed');
    const kept = await maintain(shop.target, { ...shop.options(), sweepOrphansMs: 3_600_000 }, quiet());
    expect(kept.error).toBeUndefined();
    const evolved = await evolveSchema(shop.target, [{ column: 'n', type: 'decimal(20,2)' }], shop.options(), quiet());
    expect(evolved.error).toBeUndefined();
    expect((await shop.rows()).length).toBe(120);
  });

  test('document 0: overwrite-partitions holds for the whole run; a moved row leaves its old partition', async () => {
    await using shop = await Shop.open({}, format);
    const all = itemsOf(60);
    change(shop, [
      ...colored(all.slice(0, 20), 'red'),
      ...colored(all.slice(20, 40), 'blue'),
      ...colored(all.slice(40), 'grey'),
    ]);
    await scan(shop, {}, {}, { partition: parsePartition('color') });
    change(shop, [...colored(all.slice(0, 10), 'red'), ...colored(all.slice(20, 25), 'red')]);
    const report = await scan(shop, { mode: 'overwrite-partitions' }, { commitEveryMs: 1 });
    expect(report.scan).toMatchObject({ complete: true, rowsRemoved: 10 });
    expect(await shop.rows()).toEqual(
      canonicalItems([...shop.table.items, ...colored(all.slice(25, 40), 'blue'), ...colored(all.slice(40), 'grey')]),
    );
  });

  test('upsert and overwrite', async () => {
    await using shop = await Shop.open({}, format);
    const all = itemsOf(60);
    await scan(shop);
    change(shop, [...colored(all.slice(0, 10), 'red'), ...itemsOf(3, 200)]);
    expect((await scan(shop, { mode: 'upsert' })).counts).toMatchObject({ written: 13, unchanged: 0 });
    expect(await shop.rows()).toEqual(canonicalItems([...all.slice(10), ...shop.table.items]));
    const asked = await scan(shop, { mode: 'overwrite' });
    expect([asked.error?.code, asked.error?.hint]).toEqual(['USAGE', expect.stringContaining('--yes')]);
    await scan(shop, { mode: 'overwrite', yes: true });
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('a mirror leaves one row of each key, whatever was appended before', async () => {
    await using shop = await Shop.open({}, format);
    await scan(shop);
    await scan(shop, { mode: 'append' });
    await scan(shop, { mode: 'append' });
    expect((await shop.rows()).length).toBe(180);
    await scan(shop);
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('a table made of exports is mirrored, and its chain goes on behind the scan; not behind part of one', async () => {
    await using shop = await Shop.open({}, format);
    const tableArn = 'arn:aws:dynamodb:us-east-1:123456789012:table/orders';
    const common = { tableId: 'table-1', summary: { tableArn } };
    const source = await freshFolder();
    const old = itemsOf(70, 0);
    await writeExport(source, { ...common, items: old, exportTime: '2026-03-01T12:00:00Z' });
    const schema = { ...shop.options().schema, key: ['pk'] };
    await load(source, shop.target, { ...shop.options(), schema });
    const report = await scan(shop, { maxDelete: { share: 0.5 } });
    expect(report).toMatchObject({ outcome: 'committed', scan: { writeMode: 'mirror', rowsRemoved: 10 } });
    expect(await shop.rows()).toEqual(shop.expected);
    const at = Date.parse(report.scan?.from ?? '');
    const window = (from: number, to: number) => ({
      ...common,
      from: new Date(at + from).toISOString().replace(/\.\d+/, ''),
      to: new Date(at + to).toISOString().replace(/\.\d+/, ''),
      changes: [{ at: BigInt(at + to - 60_000) * 1000n, keys: { pk: { S: 'k0' } } }],
    });
    await writeWindow(source, window(-600_000, 300_000));
    await load(source, shop.target, { ...shop.options(), schema });
    expect(await shop.rows()).toEqual(canonicalItems(itemsOf(60).slice(1)));
    vi.useFakeTimers({ toFake: ['Date'], now: at + 600_000 });
    try {
      await scan(shop, { mode: 'upsert' });
    } finally {
      vi.useRealTimers();
    }
    await writeWindow(source, window(300_000, 1_200_000));
    const refused = await sync(source, shop.target, { ...shop.options(), schema }, quiet());
    expect([refused.error?.code, refused.error?.message]).toEqual([
      'LEDGER_REFUSED',
      expect.stringContaining('no image'),
    ]);
  });

  test('a filter holds deletes back, and says so', async () => {
    await using shop = await Shop.open({}, format);
    const options = shop.options();
    const schema = { ...options.schema, filter: 'n > 10' };
    await scan(shop, {}, {}, { schema });
    change(shop, shop.table.items.slice(0, 58));
    const report = await scan(shop);
    expect(report.counts).toMatchObject({ read: 58, filtered: 11, unchanged: 47 });
    expect(report.warnings).toContainEqual({ code: 'rows-kept', text: expect.stringContaining('--filter') });
    expect((await shop.rows()).length).toBe(49);
  });

  test('a row whose item left the filter stays in a mirror, which says how it goes; overwrite leaves the filter’s rows', async () => {
    await using shop = await Shop.open({}, format);
    const schema = { ...shop.options().schema, filter: 'n > 10' };
    await scan(shop, {}, {}, { schema });
    const left = shop.table.items[59];
    change(shop, [...shop.table.items.slice(0, 58), { ...left, n: { N: '1' } }]);
    const mirrored = await scan(shop);
    const hint = expect.stringContaining('--write-mode overwrite --yes leaves the rows that the filter takes now');
    expect(mirrored.warnings).toContainEqual({ code: 'rows-kept', text: hint });
    expect((await shop.rows()).length).toBe(49);
    const replaced = await scan(shop, { mode: 'overwrite', yes: true });
    expect(replaced).toMatchObject({ counts: { filtered: 12, unchanged: 47, written: 0 }, scan: { rowsRemoved: 2 } });
    expect(await shop.rows()).toEqual(canonicalItems(shop.table.items.slice(11, 58)));
  });
});

test('fault 48: a table that was deleted and made again is refused in every mode', async () => {
  await using shop = await Shop.open();
  await scan(shop);
  shop.table.id = 'table-2';
  for (const mode of ['mirror', 'append', 'upsert', 'overwrite'] as const)
    expect((await scan(shop, { mode, yes: true })).error?.code).toBe('LEDGER_REFUSED');
  expect(await shop.rows()).toEqual(shop.expected);
});

test('overwrite-partitions needs partitions, and no --since', async () => {
  await using shop = await Shop.open();
  await scan(shop);
  const none = await scan(shop, { mode: 'overwrite-partitions' });
  expect([none.error?.code, none.error?.message]).toEqual(['USAGE', 'The table has no partitions.']);
});
