import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { inferSchema, inspect } from '../../src/index.ts';
import type { CannedTable } from '../servers/canned-pages.ts';
import { quiet } from './harness.ts';
import { Shop } from './scan-harness.ts';

type Mishap = NonNullable<CannedTable['mishap']>;

/** From the Scan with this number on, replies are `own`’s. */
function from(number: number, own: (outgoing: ServerResponse, body: Buffer) => void): Mishap {
  let scans = 0;
  return ({ operation }) => (operation === 'Scan' && scans++ >= number ? { kind: 'own', answer: own } : undefined);
}

function answer(outgoing: ServerResponse, body: Buffer, headers: Record<string, string> = {}): void {
  outgoing.writeHead(200, { 'content-length': body.length, ...headers });
  outgoing.end(body);
}

describe('a table that cannot be read', () => {
  test.each([
    ['CREATING', 'wait'],
    ['DELETING', 'deleted'],
    ['ARCHIVING', 'backup'],
    ['ARCHIVED', 'backup'],
    ['INACCESSIBLE_ENCRYPTION_CREDENTIALS', 'KMS'],
  ])('because it is %s is told as such, and is not asked for items', async (TableStatus, hint) => {
    await using shop = await Shop.open({ description: { TableStatus } });
    const unread = { code: 'SOURCE_NOT_FOUND', found: TableStatus, hint: expect.stringContaining(hint) };
    expect(await shop.scan()).toMatchObject({ outcome: 'failed', error: unread });
    await expect(inferSchema('dynamodb:orders', { ...shop.options(), sample: 10 }, quiet())).rejects.toMatchObject(
      unread,
    );
    expect(shop.scans).toBe(0);
    const seen = await inspect('dynamodb:orders', shop.options(), quiet());
    expect(seen).toMatchObject({ kind: 'dynamodb', status: TableStatus });
  });

  test('fault 72: because it is being deleted while it is read adds nothing more, and takes no row away', async () => {
    await using shop = await Shop.open();
    expect((await shop.scan({ runId: 'first' })).outcome).toBe('committed');
    const rows = await shop.rows();
    const table: { description?: CannedTable['description'] } = shop.table;
    // Its items go one by one, and what is left of it answers.
    shop.table.items = shop.table.items.slice(0, 57);
    shop.server.refresh();
    shop.table.mishap = ({ operation }) => {
      if (operation === 'Scan') table.description = { TableStatus: 'DELETING' };
      return undefined;
    };
    const report = await shop.scan({ runId: 'second' });
    expect(report).toMatchObject({ outcome: 'failed', applied: 0, error: { code: 'SOURCE_NOT_FOUND' } });
    expect(await shop.rows()).toEqual(rows);
  });

  test('though it is UPDATING is read', async () => {
    await using shop = await Shop.open({ description: { TableStatus: 'UPDATING' } });
    expect((await shop.scan()).outcome).toBe('committed');
  });
});

describe('a scan', () => {
  test('fault 70: ends with an error where a reply comes again and again, and goes on without it', async () => {
    await using shop = await Shop.open();
    const before = new Map<string, Buffer>();
    // Of each segment the page that came behind its fifth request is all that ever comes.
    shop.table.mishap = ({ operation, request, number }) => {
      if (operation !== 'Scan' || number < 6) return undefined;
      const segment = String(request['Segment']);
      return {
        kind: 'own',
        answer: (outgoing, body) => {
          const again = before.get(segment) ?? (body.includes('LastEvaluatedKey') ? body : undefined);
          if (again !== undefined) before.set(segment, again);
          answer(outgoing, again ?? body);
        },
      };
    };
    const report = await shop.scan();
    expect(report.error).toMatchObject({ code: 'DATA_CHECKSUM', message: expect.stringContaining('circle') });
    delete shop.table.mishap;
    expect(await shop.scan()).toMatchObject({ outcome: 'committed', scan: { complete: true } });
    expect(await shop.rows()).toEqual(shop.expected);
  });

  test('fault 29: goes by the clock of DynamoDB, and says how far ours is from it', async () => {
    await using shop = await Shop.open();
    const hour = 3_600_000;
    shop.table.mishap = () => ({
      kind: 'own',
      answer: (outgoing, body) => answer(outgoing, body, { date: new Date(Date.now() - hour).toUTCString() }),
    });
    const report = await shop.scan();
    expect(report.warnings).toContainEqual(
      expect.objectContaining({ code: 'clock-skew', text: expect.stringMatching(/360\d s ahead of DynamoDB/) }),
    );
    const { from: begun = '', to: ended = '' } = report.scan ?? {};
    const [earliest, latest] = [Date.now() - hour - 60_000, Date.now() - hour + 5_000];
    for (const time of [begun, ended, report.position?.watermark ?? '']) {
      expect(Date.parse(time)).toBeGreaterThan(earliest);
      expect(Date.parse(time)).toBeLessThan(latest);
    }
    delete shop.table.mishap;
    const right = await shop.scan({ runId: 'second' });
    expect(right.warnings.map(({ code }) => code)).not.toContain('clock-skew');
  });

  test('fault 35: takes every page whole where a proxy packs, splits, or cuts them in characters and numbers', async () => {
    await using shop = await Shop.open();
    let turn = 0;
    shop.table.mishap = from(0, (outgoing, body) => {
      turn += 1;
      const character = body.indexOf('“');
      const number = body.indexOf('"N":"') + 6;
      const at = [character + 1, character + 2, number, body.length - 1][turn % 8];
      outgoing.writeHead(200);
      outgoing.end(at === undefined ? body : body.subarray(0, at));
    });
    const report = await shop.scan();
    expect(report).toMatchObject({ outcome: 'committed', counts: { read: 60, written: 60, rejected: 0 } });
    expect(report.scan?.repeated).toBeGreaterThan(5);
    expect(await shop.rows()).toEqual(shop.expected);
  });
});
