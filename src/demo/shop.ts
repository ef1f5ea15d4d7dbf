import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CUSTOMER_COUNT, customers, customersRandom } from './customers.ts';
import { type DataFileEntry, exportFolder, md5Base64, writeManifests } from './layout.ts';
import { ORDER_COUNT, orders } from './orders.ts';
import { Random } from './random.ts';
import type { ShopItem } from './values.ts';

const FILES = 4;

interface ShopTable {
  readonly name: string;
  readonly tableName: string;
  readonly tableId: string;
  readonly exportId: string;
}

const CUSTOMERS: ShopTable = {
  name: 'customers',
  tableName: 'ShopCustomers',
  tableId: '6d1f0a52-8c8e-4b0e-9a55-0d5f6f2f0001',
  exportId: '01767225600000-c0ffee01',
};

const ORDERS: ShopTable = {
  name: 'orders',
  tableName: 'ShopOrders',
  tableId: '6d1f0a52-8c8e-4b0e-9a55-0d5f6f2f0002',
  exportId: '01767225600000-c0ffee02',
};

export interface ShopExports {
  /** Folders above one full export each. */
  readonly exports: { readonly customers: string; readonly orders: string };
  readonly items: { readonly customers: number; readonly orders: number };
}

/** Writes full exports of an example shop's two tables below a folder, as DynamoDB would; always the same bytes. */
export async function writeShopExport(dir: string): Promise<ShopExports> {
  const customersDir = await writeTable(dir, CUSTOMERS, customers(customersRandom()));
  const ordersDir = await writeTable(dir, ORDERS, orders(new Random(12)));
  return {
    exports: { customers: customersDir, orders: ordersDir },
    items: { customers: CUSTOMER_COUNT, orders: ORDER_COUNT },
  };
}

/** One table's export. As in real ones, a partition without items is an empty file, and it may come first. */
async function writeTable(dir: string, table: ShopTable, items: Iterable<ShopItem>): Promise<string> {
  const root = join(dir, table.name);
  const folder = exportFolder(root, table.exportId);
  await mkdir(join(folder, 'data'), { recursive: true });
  const lines: string[][] = Array.from({ length: FILES }, () => []);
  let jsonBytes = 0;
  let index = 0;
  for (const item of items) {
    const line = `${JSON.stringify({ Item: item })}\n`;
    jsonBytes += Buffer.byteLength(line);
    lines[index % FILES]?.push(line);
    index += 1;
  }
  const files: DataFileEntry[] = [];
  for (const [number, some] of [[], ...lines].entries()) {
    const bytes = gzipSync(some.join(''));
    const name = `${table.name}-partition-${number}-000000000`.slice(0, 26);
    await writeFile(join(folder, 'data', `${name}.json.gz`), bytes);
    files.push({ name: `${name}.json.gz`, itemCount: some.length, md5Base64: md5Base64(bytes) });
  }
  const { tableName, tableId, exportId } = table;
  await writeManifests(
    folder,
    {
      tableName,
      tableId,
      exportId,
      exportTime: '2026-01-01T00:00:00.000Z',
      outputFormat: 'DYNAMODB_JSON',
      bucket: 'example-shop-exports',
      prefix: table.name,
      billedSizeBytes: jsonBytes,
    },
    files,
  );
  return root;
}
