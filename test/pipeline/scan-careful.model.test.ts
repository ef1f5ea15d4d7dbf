import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inspect, parsePartition, sync } from '../../src/index.ts';
import type { SyncOptions } from '../../src/model/options.ts';
import type { SyncReport } from '../../src/model/report.ts';
import type { DdbItem } from '../data/ion.ts';
import { writeWindow } from '../data/make-window.ts';
import { canonicalItems, FORMATS, freshFolder, quiet } from './harness.ts';
import { itemsOf, type ScanChange, Shop } from './scan-harness.ts';

// What a scan must not do to the rows of a table that is there, and the ways out where it stopped.

type State = Partial<SyncOptions['state']>;

function scan(shop: Shop, state: State = {}, more: ScanChange = {}, change: object = {}): Promise<SyncReport> {
  const { state: standard } = shop.options();
  return shop.scan(more, { ...change, state: { ...standard, ...state } });
}

function change(shop: Shop, items: readonly DdbItem[]): void {
  shop.table.items = items;
  shop.server.refresh();
}

/** The scan ends behind so many pages, as by a kill. */
async function cut(shop: Shop, pages: number, state: State, more: ScanChange = {}): Promise<SyncReport> {
  let seen = 0;
  shop.table.mishap = ({ operation }) =>
    operation === 'Scan' && ++seen > pages ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined;
  const report = await scan(shop, state, { commitEveryMs: 1, ...more });
  shop.table.mishap = () => undefined;
  expect([report.outcome, (report.applied ?? 0) > 0]).toEqual(['failed', true]);
  return report;
}

/** Files that scans keep beside the table until they are complete. */
async function beside(shop: Shop): Promise<string[]> {
  const folder = join(shop.target.slice(shop.target.indexOf(':') + 1), '.tailrace');
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  return names.filter((name) => /scan-.*\/(seen|places)-/.test(name));
}

const colored = (items: readonly DdbItem[], color: string): DdbItem[] =>
  items.map((item) => ({ ...item, color: { S: color } }));

describe.each(FORMATS)('%s', (format) => {
  test('document 0: a finished run that is repeated changes nothing, also where another was interrupted since', async () => {
    await using shop = await Shop.open({}, format);
    await scan(shop, {}, { runId: 'monday' });
    const tuesday = await cut(shop, 12, { mode: 'append' }, { runId: 'tuesday' });
    const [rows, calls] = [await shop.rows(), shop.scans];
    expect(await scan(shop, { mode: 'append' }, { runId: 'monday' })).toMatchObject({ outcome: 'unchanged' });
    expect([await shop.rows(), shop.scans]).toEqual([rows, calls]);
    const report = await scan(shop, {}, { runId: 'tuesday' });
    const whole = { resumed: true, writeMode: 'append', from: tuesday.scan?.from };
    expect(report).toMatchObject({ outcome: 'committed', scan: whole });
    const told = await inspect(shop.target, shop.options(), quiet());
    expect(told.kind === 'table' && told.ledger?.entries.at(-1)).toMatchObject({ items: 60, segments: 4 });
    expect((await shop.rows()).length).toBe(120);
  });

  test('an interrupted scan is given up by --new-scan alone, and leaves nothing behind', async () => {
    await using shop = await Shop.open({ segmentOf: (item, n) => Number(item['n']?.['N'] ?? 0) % n }, format);
    const all = itemsOf(60);
    await scan(shop);
    change(shop, all.slice(0, 30));
    // It saw a table that had lost its half, and is not let to its end; then the half is back.
    const lost = await scan(shop, {}, { commitEveryMs: 1, runId: 'lost' });
    expect(lost.error?.code).toBe('DELETES_REFUSED');
    expect(lost.error?.hint).toContain('--new-scan');
    change(shop, all);
    expect(lost.applied).toBeGreaterThan(0);
    const other = await scan(shop, { mode: 'upsert' });
    expect([other.error?.code, other.error?.hint]).toEqual(['LEDGER_REFUSED', expect.stringContaining('--new-scan')]);
    expect((await beside(shop)).length).toBeGreaterThan(0);
    const report = await scan(shop, {}, { newScan: true, runId: 'again' });
    expect(report).toMatchObject({ outcome: 'committed', scan: { resumed: false, rowsRemoved: 0, runId: 'again' } });
    expect(await shop.rows()).toEqual(canonicalItems(all));
    expect(await beside(shop)).toEqual([]);
    const told = await inspect(shop.target, shop.options(), quiet());
    if (told.kind !== 'table') throw new Error('no table');
    expect(told.ledger?.entries.map(({ exportArn }) => exportArn.split('/').at(-1))).not.toContain('lost');
    // Nothing is left to go on with.
    expect(await scan(shop, { mode: 'upsert' })).toMatchObject({ outcome: 'committed', scan: { resumed: false } });
  });

  test('a first scan that is given up is mirrored by the next one', async () => {
    await using shop = await Shop.open({}, format);
    await cut(shop, 12, {}, { runId: 'first' });
    change(shop, itemsOf(50, 5));
    const report = await scan(shop, { maxDelete: { share: 1 } }, { newScan: true, runId: 'first' });
    expect(report).toMatchObject({ outcome: 'committed', scan: { resumed: false, writeMode: 'mirror' } });
    expect(await shop.rows()).toEqual(shop.expected);
    expect(await beside(shop)).toEqual([]);
    expect(await scan(shop, {}, { newScan: true, runId: 'first' })).toMatchObject({ outcome: 'unchanged' });
  });

  test('rows of a table with sort keys go by both parts of their keys, also from the null partition', async () => {
    const item = (pk: string, sk: number, more: DdbItem = {}): DdbItem => ({
      pk: { S: pk },
      sk: { N: String(sk) },
      ...more,
    });
    const all = ['a', 'b', 'c'].flatMap((pk) => [1, 2, 3].map((sk) => item(pk, sk)));
    const red = colored([item('a', 7), item('b', 7)], 'red');
    await using shop = await Shop.open({ key: ['pk', 'sk'], items: [...all, ...red] }, format);
    await scan(shop, {}, {}, { partition: parsePartition('color') });
    change(shop, [...all.slice(1), ...red]);
    expect((await scan(shop, {}, { commitEveryMs: 1 })).scan?.rowsRemoved).toBe(1);
    expect(await shop.rows()).toEqual(shop.expected);
    change(shop, all.slice(2));
    const cleared = await scan(shop, { mode: 'overwrite-partitions' }, { commitEveryMs: 1 });
    expect(cleared.scan?.rowsRemoved).toBe(1);
    expect(await shop.rows()).toEqual(canonicalItems([...all.slice(2), ...red]));
  });

  test('an item that cannot be loaded holds deletes back, in whichever piece it came', async () => {
    const all = itemsOf(60);
    await using shop = await Shop.open({ segmentOf: (item, n) => (item['pk']?.['S'] === 'k0' ? 0 : n - 1) }, format);
    await scan(shop);
    change(shop, [{ ...all[0], n: { N: 'seven' } }, ...all.slice(3)]);
    // The first segment is done long before the last piece.
    await cut(shop, 8, {}, { runId: 'cut' });
    const report = await scan(shop, {}, { commitEveryMs: 1 });
    expect(report).toMatchObject({ outcome: 'committed', scan: { resumed: true, rowsRemoved: 0 } });
    const why = expect.stringContaining('1 items could not be loaded');
    expect(report.warnings).toContainEqual({ code: 'rows-kept', text: why });
    expect(await shop.rows()).toEqual(canonicalItems(all));
    change(shop, all.slice(3));
    expect((await scan(shop)).scan?.rowsRemoved).toBe(3);
  });

  test('overwrite-partitions clears what any piece of the run lies in, also those before it was interrupted', async () => {
    const all = itemsOf(40);
    const colors = ['red', 'blue', 'pink', 'grey'];
    const each = (from: number): DdbItem[] =>
      colors.flatMap((color, i) => colored(all.slice(i * 10 + from, i * 10 + 10), color));
    const segmentOf = (item: DdbItem, n: number): number =>
      Math.floor((colors.indexOf(String(item['color']?.['S'])) * n) / colors.length);
    await using shop = await Shop.open({ items: each(0), segmentOf }, format);
    await scan(shop, {}, {}, { partition: parsePartition('color') });
    // Of each color two are gone, and of grey all.
    const now = each(2).filter(({ color }) => color?.['S'] !== 'grey');
    change(shop, now);
    await cut(shop, 5, { mode: 'overwrite-partitions' });
    const report = await scan(shop, {}, { commitEveryMs: 1 });
    expect(report.scan).toMatchObject({ resumed: true, complete: true, rowsRemoved: 6 });
    expect(await beside(shop)).toEqual([]);
    expect(await shop.rows()).toEqual(canonicalItems([...now, ...colored(all.slice(30), 'grey')]));
  });

  test('--max-delete is a share of the rows that were there before the run, whatever it brought until then', async () => {
    await using shop = await Shop.open({ items: itemsOf(20), pageBytes: 4_000 }, format);
    await scan(shop);
    // All rows would go, and they are a tenth of those that the pieces have made of the table by then.
    change(shop, itemsOf(240, 1000));
    const report = await scan(shop, {}, { commitEveryMs: 1 });
    expect(report.applied).toBeGreaterThan(1);
    expect(report.error).toMatchObject({
      code: 'DELETES_REFUSED',
      message: 'The run would delete 20 of the 20 rows that the table had.',
      expected: 'at most 10 % of 20 rows',
      found: '20 rows whose items are gone',
    });
    expect((await shop.rows()).length).toBeGreaterThan(200);
    const meant = await scan(shop, { maxDelete: { rows: 20 } });
    expect(meant).toMatchObject({ outcome: 'committed', scan: { resumed: true, rowsRemoved: 20 } });
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test.each([
    [29, 0.29, 'committed'],
    [30, 0.29, 'failed'],
    [0, 0, 'committed'],
    [1, 0, 'failed'],
    [100, 1, 'committed'],
    [7, 0.07, 'committed'],
  ])('of 100 rows %i may go by a share of %f: %s', async (gone, share, outcome) => {
    await using shop = await Shop.open({ items: itemsOf(100), pageBytes: 20_000 }, format);
    await scan(shop);
    change(shop, itemsOf(100).slice(gone));
    expect((await scan(shop, { maxDelete: { share } })).outcome).toBe(outcome);
    expect((await shop.rows()).length).toBe(outcome === 'failed' ? 100 : 100 - gone);
  });

  test('overwrite with a filter that nothing meets empties no table without a word', async () => {
    await using shop = await Shop.open({}, format);
    const schema = { ...shop.options().schema, filter: 'n >= 0' };
    await scan(shop, {}, {}, { schema });
    change(
      shop,
      shop.table.items.map((item) => ({ ...item, n: { N: '-1' } })),
    );
    const report = await scan(shop, { mode: 'overwrite', yes: true }, { commitEveryMs: 1 });
    expect(report.error).toMatchObject({ code: 'DELETES_REFUSED', found: '60 rows whose items are gone' });
    expect((await shop.rows()).length).toBe(60);
    const meant = await scan(shop, { mode: 'overwrite', yes: true, maxDelete: { share: 1 } });
    expect(meant).toMatchObject({ outcome: 'committed', scan: { rowsRemoved: 60 } });
  });
});

test('a table of which a scan left rows, or took a part, is no image of its source, and no window comes behind it', async () => {
  await using shop = await Shop.open();
  change(shop, colored(itemsOf(20), 'red'));
  const since = { attribute: 'at', format: 'auto', overlapMs: 0, missing: 'keep', start: '0' } as const;
  const partition = parsePartition('color');
  const last = async (): Promise<readonly unknown[]> => {
    const told = await inspect(shop.target, shop.options(), quiet());
    const entry = told.kind === 'table' ? told.ledger?.entries.at(-1) : undefined;
    const window = await sync(await oneWindow(), shop.target, shop.options(), quiet());
    return [
      entry?.kind === 'scan' && entry.partial === true,
      window.error?.message.startsWith('The table is no image') === true,
    ];
  };
  expect((await scan(shop, { since }, {}, { partition })).outcome).toBe('committed');
  expect(await last()).toEqual([true, true]);
  for (const [mode, partial] of [
    ['mirror', false],
    ['append', true],
    ['overwrite', false],
    ['upsert', true],
    ['mirror', false],
    ['overwrite-partitions', true],
  ] as const) {
    expect((await scan(shop, { mode, yes: true }, { commitEveryMs: 1 })).outcome).toBe('committed');
    expect([mode, ...(await last())]).toEqual([mode, partial, partial]);
  }
});

/** A folder with the window of an incremental export from before any scan. */
async function oneWindow(): Promise<string> {
  const source = await freshFolder();
  const tableArn = 'arn:aws:dynamodb:us-east-1:123456789012:table/orders';
  const times = { from: '2020-03-01T12:00:00Z', to: '2020-03-01T12:30:00Z' };
  await writeWindow(source, { tableId: 'table-1', summary: { tableArn }, ...times, changes: [] });
  return source;
}

test('overwrite with --since last would leave the newest items alone, and is refused', async () => {
  await using shop = await Shop.open();
  await scan(shop);
  const since = { attribute: 'at', format: 'auto', overlapMs: 0, missing: 'keep' } as const;
  const refused = await scan(shop, { mode: 'overwrite', yes: true, since: { ...since, start: 'last' } });
  expect(refused.error).toMatchObject({ code: 'USAGE', hint: expect.stringContaining('upsert') });
  const fixed = await scan(shop, { mode: 'overwrite', yes: true, since: { ...since, start: '0' } });
  expect(fixed.outcome).toBe('committed');
});

test('what only an export can do is refused, before anything is asked or made', async () => {
  await using shop = await Shop.open();
  for (const option of ['adopt', 'replace'] as const) {
    const report = await scan(shop, {}, {}, { [option]: true });
    expect(report.error).toMatchObject({ code: 'USAGE', place: `--${option}`, hint: expect.any(String) });
  }
  expect(shop.server.calls).toEqual([]);
  await expect(shop.rows()).rejects.toMatchObject({ code: 'TARGET_NOT_FOUND' });
});

test('rows that went by position are gone for the next scan, too', async () => {
  await using shop = await Shop.open();
  const all = itemsOf(60);
  const byPosition = { write: 'merge-on-read' };
  await scan(shop);
  change(shop, all.slice(3));
  expect((await scan(shop, {}, {}, byPosition)).scan?.rowsRemoved).toBe(3);
  const again = await scan(shop, { maxDelete: { rows: 0 } }, {}, byPosition);
  expect(again).toMatchObject({ outcome: 'committed', scan: { rowsRemoved: 0 } });
  change(shop, all.slice(4));
  expect((await scan(shop, { maxDelete: { rows: 1 } }, {}, byPosition)).scan?.rowsRemoved).toBe(1);
  expect(await shop.rows()).toEqual(shop.expected);
});

test('another table is refused in every mode, even if its id were the same', async () => {
  await using shop = await Shop.open();
  await scan(shop);
  const description = { TableArn: 'arn:aws:dynamodb:us-east-1:123456789012:table/invoices' };
  Object.assign(shop.table, { description });
  for (const mode of ['mirror', 'append', 'upsert', 'overwrite'] as const)
    expect((await scan(shop, { mode, yes: true })).error).toMatchObject({
      code: 'LEDGER_REFUSED',
      message: 'The target holds another DynamoDB table.',
    });
  expect(await shop.rows()).toEqual(shop.expected);
});

test('a table of history is left as it is by a second scan, in every mode', async () => {
  await using shop = await Shop.open();
  expect((await scan(shop, {}, {}, { mode: 'history' })).outcome).toBe('committed');
  for (const mode of ['mirror', 'append', 'upsert', 'overwrite'] as const)
    expect((await scan(shop, { mode, yes: true })).error).toMatchObject({
      code: 'LEDGER_REFUSED',
      found: '--mode history',
    });
  expect((await shop.rows()).length).toBe(60);
});

test('options that a table cannot take are refused by a plan, too', async () => {
  await using shop = await Shop.open();
  await scan(shop, {}, { runId: 'first' });
  const { schema } = shop.options();
  const calls = shop.scans;
  for (const dryRun of [true, false]) {
    const filtered = await scan(shop, {}, {}, { schema: { ...schema, filter: 'n > 1' }, dryRun });
    expect(filtered.error).toMatchObject({ code: 'USAGE', place: expect.stringContaining('--filter') });
    const less = await scan(shop, {}, {}, { schema: { ...schema, exclude: ['text'] }, given: ['exclude'], dryRun });
    expect(less.error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('--exclude') });
  }
  expect(shop.scans).toBe(calls);
});

test('overwrite-partitions stops with its first piece where files lie in partitions of another spec', async () => {
  await using shop = await Shop.open();
  const all = itemsOf(60);
  change(shop, [...colored(all.slice(0, 30), 'red'), ...colored(all.slice(30), 'blue')]);
  await scan(shop, {}, {}, { partition: parsePartition('color') });
  await repartition(shop.target.slice('iceberg:'.length));
  change(shop, colored(all.slice(0, 20), 'red'));
  const refused = await scan(shop, { mode: 'overwrite-partitions' }, { commitEveryMs: 1 });
  expect(refused.error).toMatchObject({ code: 'USAGE', hint: expect.stringContaining('mirror or upsert') });
  expect([refused.applied, (await shop.rows()).length]).toEqual([0, 60]);
  // The other ways match rows by their keys, wherever they lie.
  const mirrored = await scan(shop, { maxDelete: { share: 1 } }, { commitEveryMs: 1 });
  expect(mirrored).toMatchObject({ outcome: 'committed', scan: { rowsRemoved: 40 } });
  expect(await shop.rows()).toEqual(shop.expected);
});

/** Gives an Iceberg table another partition spec, as another engine does: files that are there keep theirs. */
async function repartition(folder: string): Promise<void> {
  const metadata = join(folder, 'metadata');
  const newest = (await readdir(metadata))
    .flatMap((name) => /^v(\d+)\.metadata\.json$/.exec(name)?.[1] ?? [])
    .reduce((most, each) => Math.max(most, Number(each)), 0);
  // As text: its ids are larger than a double.
  const text = await readFile(join(metadata, `v${newest}.metadata.json`), 'utf8');
  const id = /"id":(\d+),"name":"pk"/.exec(text)?.[1] ?? expect.fail('no key');
  const field = `{"source-id":${id},"field-id":1001,"name":"pk_bucket","transform":"bucket[4]"}`;
  const next = text
    .replace('"partition-specs":[', `"partition-specs":[{"spec-id":1,"fields":[${field}]},`)
    .replace('"default-spec-id":0', '"default-spec-id":1')
    .replace('"last-partition-id":1000', '"last-partition-id":1001');
  expect(JSON.parse(next)).toMatchObject({ 'default-spec-id': 1, 'last-partition-id': 1001 });
  await writeFile(join(metadata, `v${newest + 1}.metadata.json`), next);
  await writeFile(join(metadata, 'version-hint.text'), String(newest + 1));
}
