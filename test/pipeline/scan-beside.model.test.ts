import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeExport } from '../data/make-export.ts';
import { canonicalItems, FORMATS, freshFolder, load } from './harness.ts';
import { itemsOf, Shop } from './scan-harness.ts';

// What lies beside a table while a scan is not complete, and what is newer than it.

const folderOf = ({ target }: Shop): string => target.slice(target.indexOf(':') + 1);

/** Files that scans keep beside the table until they are complete, in order of their names. */
async function beside(shop: Shop): Promise<string[]> {
  const folder = join(folderOf(shop), '.tailrace');
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  return names.filter((name) => /scan-.*\/(seen|places)-/.test(name)).sort();
}

/** A mirror of a table that has lost three items, interrupted behind some commits. */
async function interrupted(shop: Shop): Promise<void> {
  await shop.scan();
  shop.table.items = itemsOf(60).slice(3);
  shop.server.refresh();
  let pages = 0;
  shop.table.mishap = ({ operation }) =>
    operation === 'Scan' && ++pages > 12 ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined;
  expect((await shop.scan({ commitEveryMs: 1 })).applied).toBeGreaterThan(0);
  shop.table.mishap = () => undefined;
}

describe.each(FORMATS)('%s', (format) => {
  test.each([
    ['the list of what was seen is gone', /seen-.*\.json$/, (path: string) => rm(path)],
    [
      'the list of what was seen was changed',
      /seen-.*\.json$/,
      async (path: string) => writeFile(path, (await readFile(path, 'utf8')).replace('"partitions"', '"partitionz"')),
    ],
    ['keys that were seen are gone', /seen-.*\.parquet$/, (path: string) => rm(path)],
  ])('fault 68: %s: nothing is deleted, and a new scan can begin', async (_, name, spoil) => {
    await using shop = await Shop.open({}, format);
    await interrupted(shop);
    const spoiled = (await beside(shop)).find((each) => name.test(each)) ?? expect.fail('nothing beside the table');
    await spoil(join(folderOf(shop), '.tailrace', spoiled));
    const report = await shop.scan();
    const error = {
      code: 'TARGET_BAD',
      place: expect.stringContaining('seen-'),
      hint: expect.stringContaining('--new-scan'),
    };
    expect(report).toMatchObject({ outcome: 'failed', error });
    expect(await shop.rows()).toEqual(canonicalItems(itemsOf(60)));
    expect(await shop.scan({ newScan: true })).toMatchObject({ outcome: 'committed', scan: { rowsRemoved: 3 } });
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('a table that holds something newer than the scan is changed in no way that goes by keys', async () => {
    await using shop = await Shop.open({}, format);
    const source = await freshFolder();
    const tableArn = 'arn:aws:dynamodb:us-east-1:123456789012:table/orders';
    const common = { tableId: 'table-1', summary: { tableArn }, exportTime: '2099-01-01T00:00:00Z' };
    await writeExport(source, { ...common, items: itemsOf(61) });
    const schema = { ...shop.options().schema, key: ['pk'] };
    await load(source, shop.target, { ...shop.options(), schema });
    const { state } = shop.options();
    for (const mode of ['mirror', 'upsert', 'overwrite'] as const) {
      const report = await shop.scan({}, { state: { ...state, mode, yes: true } });
      expect([mode, report.error?.code]).toEqual([mode, 'LEDGER_REFUSED']);
    }
    expect((await shop.rows()).length).toBe(61);
  });
});
