import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CUSTOMER_COUNT, NASTY_CUSTOMER } from '../../src/demo/customers.ts';
import { ORDER_COUNT } from '../../src/demo/orders.ts';
import { writeShopExport } from '../../src/demo/shop.ts';
import { findFullExport } from '../../src/source/export/discover.ts';
import { openFullExport } from '../../src/source/export/open.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import { type ReadExport, readExport } from './read-export.ts';

describe('the export of the example shop', () => {
  let dir: string;
  let customers: ReadExport;
  let orders: ReadExport;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tailrace-shop-'));
    const written = await writeShopExport(join(dir, 'one'));
    customers = await readExport(written.exports.customers);
    orders = await readExport(written.exports.orders);
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test('has the layout, checksums and counts of a real one, an empty file first', () => {
    expect(customers.lines).toHaveLength(CUSTOMER_COUNT);
    expect(orders.lines).toHaveLength(ORDER_COUNT);
    expect(customers.manifest[0]?.itemCount).toBe(0);
    expect(customers.summary).toMatchObject({
      version: '2020-06-30',
      outputFormat: 'DYNAMODB_JSON',
      s3Prefix: 'customers',
    });
    expect(customers.summary.tableId).not.toBe(orders.summary.tableId);
    expect(customers.summary).not.toHaveProperty('exportType');
  });

  test('holds all ten types and the values that break loaders', () => {
    const all = [...customers.lines, ...orders.lines].join('\n');
    for (const tag of ['S', 'N', 'B', 'BOOL', 'NULL', 'SS', 'NS', 'BS', 'L', 'M']) expect(all).toContain(`{"${tag}":`);
    const nasty = customers.lines.find((line) => line.includes(`"${NASTY_CUSTOMER}"`)) ?? '';
    expect(nasty).toContain('"N":"12345678901234567890.123456789012345678"');
    expect(nasty).toContain('"preferences":{"M":{}}');
    expect(nasty).toContain('"Nickname":{"S":"Nasty"},"nickname":{"S":"nasty"}');
    expect(nasty).toContain('"legal.entity"');
    expect(nasty).toContain('"name":{"S":""}');
  });

  test('keys are unique, as in a table', () => {
    const key = (line: string): string => {
      const { Item } = JSON.parse(line) as { Item: Record<string, { S?: string }> };
      return `${Item.customer_id?.S}/${Item.order_id?.S}`;
    };
    expect(new Set(customers.lines.map(key)).size).toBe(CUSTOMER_COUNT);
    expect(new Set(orders.lines.map(key)).size).toBe(ORDER_COUNT);
  });

  test('is an export for the source, too: checked against its checksums, without a warning', async () => {
    const storage = localStorage(join(dir, 'one'));
    const opened = await openFullExport(storage, await findFullExport(storage, 'customers/'));
    expect(opened).toMatchObject({
      tableName: 'ShopCustomers',
      itemCount: CUSTOMER_COUNT,
      trusted: false,
      warnings: [],
    });
    expect(opened.files).toHaveLength(5);
    await storage.close();
  });

  test('is the same bytes every time', async () => {
    const again = await writeShopExport(join(dir, 'two'));
    expect(await readExport(again.exports.customers)).toEqual(customers);
    expect(await readExport(again.exports.orders)).toEqual(orders);
  });
});
