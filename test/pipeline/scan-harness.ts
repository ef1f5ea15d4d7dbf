import { join } from 'node:path';
import { sync } from '../../src/index.ts';
import type { SyncOptions } from '../../src/model/options.ts';
import type { SyncReport } from '../../src/model/report.ts';
import type { DdbItem } from '../data/ion.ts';
import { type CannedServer, type CannedTable, startCannedPages } from '../servers/canned-pages.ts';
import { canonicalItems, catItems, freshFolder, optionsWith, quiet } from './harness.ts';

export type ScanChange = Partial<SyncOptions['scan']>;

/** Items whose texts hold what could be taken for the end of an item. */
export function itemsOf(count: number, from = 0): DdbItem[] {
  return Array.from({ length: count }, (_, i) => ({
    pk: { S: `k${from + i}` },
    n: { N: String(i) },
    tags: { SS: ['a', `b${i}`] },
    text: { S: `“${'é'.repeat(i % 40)}”\n\\"},{` },
  }));
}

/** A table that answers pages, and a target for its scans. */
export class Shop {
  readonly table: CannedTable & { items: readonly DdbItem[]; id?: string; mishap?: CannedTable['mishap'] };
  readonly server: CannedServer;
  readonly target: string;

  private constructor(table: Shop['table'], server: CannedServer, target: string) {
    this.table = table;
    this.server = server;
    this.target = target;
  }

  static async open(table: Partial<CannedTable> = {}, format = 'iceberg'): Promise<Shop> {
    process.env.AWS_ACCESS_KEY_ID = 'test';
    process.env.AWS_SECRET_ACCESS_KEY = 'test';
    const own = { key: ['pk'], items: itemsOf(60), pageBytes: 300, ...table };
    return new Shop(own, await startCannedPages(own), `${format}:${join(await freshFolder(), 't')}`);
  }

  options(more: ScanChange = {}, change: Partial<Omit<SyncOptions, 'schema'>> = {}): SyncOptions {
    const options = optionsWith({ sourceAws: { endpoint: this.server.endpoint, region: 'us-east-1' }, ...change });
    const scan = { ...options.scan, rcu: { kind: 'unlimited' as const }, segments: 4, ...more };
    return { ...options, schema: { ...options.schema, key: [] }, scan };
  }

  scan(
    more: ScanChange = {},
    change: Partial<Omit<SyncOptions, 'schema'>> = {},
    context = quiet(),
  ): Promise<SyncReport> {
    return sync('dynamodb:orders', this.target, this.options(more, change), context);
  }

  /** Items of the table that was made, as canonical texts. */
  rows(): Promise<string[]> {
    return catItems(this.target, this.options());
  }

  get expected(): string[] {
    return canonicalItems(this.table.items);
  }

  get scans(): number {
    return this.server.calls.filter(({ operation }) => operation === 'Scan').length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }
}
