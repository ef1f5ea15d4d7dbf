import { expect, test } from 'vitest';
import { inspect } from '../../src/index.ts';
import { TailraceError } from '../../src/model/errors.ts';
import type { StreamPosition } from '../../src/model/stream-position.ts';
import type { LedgerEntry } from '../../src/model/table.ts';
import { openTarget } from '../../src/pipeline/ends/open.ts';
import { Reporter } from '../../src/pipeline/report/reporter.ts';
import { syncTable } from '../../src/pipeline/scan/scan.ts';
import type { PositionSource } from '../../src/source/port.ts';
import { FORMATS, quiet } from './harness.ts';
import { itemsOf, type ScanChange, Shop } from './scan-harness.ts';

/** A stream of which only its positions are known, and when they were asked for. */
class Stream implements PositionSource {
  readonly taken: { readonly calls: readonly string[]; readonly position: StreamPosition }[] = [];
  readonly #shop: Shop;

  constructor(shop: Shop) {
    this.#shop = shop;
  }

  async take({ arn }: { readonly arn: string }): Promise<StreamPosition> {
    const position = { stream: `${arn}/stream/1`, at: `place ${this.taken.length}` };
    this.taken.push({ calls: this.#shop.server.calls.map(({ operation }) => operation), position });
    return position;
  }
}

async function scan(shop: Shop, positions: PositionSource, more: ScanChange = {}): Promise<void> {
  const options = shop.options(more);
  const target = await openTarget(shop.target, options, 'write');
  try {
    const there = await target.table.load();
    const reporter = new Reporter('dynamodb:orders', shop.target);
    reporter.table(target.table);
    await syncTable({ kind: 'dynamodb', table: 'orders' }, target, there, options, quiet(), reporter, { positions });
  } finally {
    await target.close();
  }
}

async function lastEntry(shop: Shop): Promise<LedgerEntry | undefined> {
  const found = await inspect(shop.target, shop.options(), quiet());
  return found.kind === 'table' ? found.ledger?.entries.at(-1) : undefined;
}

test.each(FORMATS)(
  'fault 65: %s, a position is taken before the first Scan, and is in the commit of the first piece',
  async (format) => {
    await using shop = await Shop.open({}, format);
    const stream = new Stream(shop);
    let left = 10;
    shop.table.mishap = ({ operation }) =>
      operation === 'Scan' && left-- <= 0 ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined;
    await expect(scan(shop, stream, { commitEveryMs: 0 })).rejects.toBeInstanceOf(TailraceError);
    expect(stream.taken.map(({ calls }) => calls)).toEqual([['DescribeTable']]);
    const first = await lastEntry(shop);
    expect(first).toMatchObject({ kind: 'scan', rest: expect.anything(), stream: stream.taken[0]?.position });
    // What goes on is older than any later place of the stream.
    delete shop.table.mishap;
    await scan(shop, stream, { commitEveryMs: 0 });
    expect(stream.taken).toHaveLength(1);
    const entry = await lastEntry(shop);
    expect(entry).toMatchObject({ kind: 'scan', stream: stream.taken[0]?.position });
    expect(entry).not.toHaveProperty('rest');
    expect(await shop.rows()).toEqual(shop.expected);
    // Another scan is of another moment.
    shop.table.items = itemsOf(80);
    shop.server.refresh();
    await scan(shop, stream);
    expect(stream.taken).toHaveLength(2);
    expect(await lastEntry(shop)).toMatchObject({ stream: stream.taken[1]?.position });
  },
);

test('a position that cannot be had, or that no ledger holds, ends the run before anything is read', async () => {
  await using shop = await Shop.open();
  const gone = { take: () => Promise.reject(new TailraceError('SOURCE_NOT_FOUND', 'There is no stream.')) };
  await expect(scan(shop, gone)).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  const long = { take: async () => ({ stream: 'arn', at: 'x'.repeat(1_000) }) };
  await expect(scan(shop, long)).rejects.toMatchObject({ code: 'INTERNAL', place: 'arn' });
  expect(shop.scans).toBe(0);
});
