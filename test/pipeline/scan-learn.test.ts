import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { inspectText } from '../../src/cli/print/inspect-text.ts';
import { styleFor } from '../../src/cli/print/style.ts';
import { diffSchema, inferSchema, inspect, showSchema } from '../../src/index.ts';
import type { DynamoInspection } from '../../src/model/scan-report.ts';
import { fakeSink } from '../cli/fake-world.ts';
import { freshFolder, quiet } from './harness.ts';
import { itemsOf, Shop } from './scan-harness.ts';

const SIZES = { ItemCount: 5_000, TableSizeBytes: 8_192_000 };
/** The last item has an attribute of its own. */
const MANY = [...itemsOf(2_000), { pk: { S: 'last' }, late: { BOOL: true } }];

describe('schema infer of a table itself', () => {
  test('learns from some items of all segments, with the key that DynamoDB tells, and says what it took', async () => {
    await using shop = await Shop.open({ items: MANY, description: SIZES, pageBytes: 500 });
    const tempDir = await freshFolder();
    const options = { ...shop.options({ segments: 40 }, { tempDir }), sample: 100 };
    const report = await inferSchema('dynamodb:orders', options, quiet());
    expect(report.key).toEqual(['pk']);
    expect(report.items).toBeGreaterThanOrEqual(100);
    expect(report.items).toBeLessThan(200);
    expect(report.columns.map(({ name }) => name)).toEqual(expect.arrayContaining(['pk', 'n', 'tags', 'text']));
    const [warning] = report.warnings;
    expect(warning?.code).toBe('sampled');
    expect(warning?.text).toMatch(
      new RegExp(`^${report.items} of about 5000 items were read, for \\d+ read units \\(as asked\\)`),
    );
    const segments = new Set(shop.server.calls.map(({ request }) => request['Segment']));
    expect(segments.size).toBeGreaterThan(5);
    expect(await readdir(tempDir)).toEqual([]);
  });

  test('learns from all of them with --whole', async () => {
    await using shop = await Shop.open({ items: MANY, description: SIZES, pageBytes: 5_000 });
    const report = await inferSchema('dynamodb:orders', { ...shop.options(), sample: 'whole' }, quiet());
    expect([report.items, report.warnings]).toEqual([2_001, []]);
    expect(report.columns.map(({ name }) => name)).toContain('late');
  });

  test('keeps to the pace', async () => {
    await using shop = await Shop.open({ items: MANY, description: SIZES });
    const rcu = { kind: 'units', units: 20 } as const;
    const started = performance.now();
    const report = await inferSchema('dynamodb:orders', { ...shop.options({ rcu }), sample: 1_000 }, quiet());
    const units = shop.server.spent.reduce((sum, each) => sum + each.units, 0);
    const seconds = (performance.now() - started) / 1000;
    expect(report.warnings[0]?.text).toContain('at most 20 a second');
    // A second's units may come at once.
    expect(units).toBeLessThan(20 * (seconds + 2));
  });

  test('of an empty table has its key alone; of one that is not there, or beyond the budget, is told', async () => {
    await using shop = await Shop.open({ items: [] });
    const report = await inferSchema('dynamodb:orders', shop.options(), quiet());
    expect([report.items, report.warnings]).toEqual([0, []]);
    await using large = await Shop.open({ items: MANY, description: SIZES });
    const tight = { ...large.options({}, { tempBudgetBytes: 20_000 }), sample: 'whole' } as const;
    await expect(inferSchema('dynamodb:orders', tight, quiet())).rejects.toMatchObject({ code: 'TEMP_BUDGET' });
    large.table.mishap = ({ operation }) =>
      operation === 'Scan' ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined;
    await expect(inferSchema('dynamodb:orders', large.options(), quiet())).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    });
    large.table.mishap = () => ({ kind: 'refuse', code: 'ResourceNotFoundException' });
    await expect(inferSchema('dynamodb:orders', large.options(), quiet())).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
  });

  test('schema show and diff read a table, too; of an export nothing is sampled', async () => {
    await using shop = await Shop.open({ description: SIZES });
    const shown = await showSchema('dynamodb:orders', shop.options(), quiet());
    expect(shown.columns.map(({ name }) => name)).toContain('tags');
    await shop.scan();
    const diff = await diffSchema(shop.target, 'dynamodb:orders', shop.options(), quiet());
    expect(diff.changes).toEqual([]);
    await expect(inferSchema('./export', { ...shop.options(), sample: 5 }, quiet())).rejects.toMatchObject({
      code: 'USAGE',
      place: '--sample, --whole',
    });
  });
});

test('inspect of a table itself tells what DynamoDB says, and what a scan would take; no item is read', async () => {
  const OnDemandThroughput = { MaxReadRequestUnits: 4_000, MaxWriteRequestUnits: -1 };
  await using shop = await Shop.open({ description: { ...SIZES, OnDemandThroughput } });
  const rcu = { kind: 'share', share: 0.5 } as const;
  const found = await inspect('dynamodb:orders', shop.options({ rcu }), quiet());
  expect(found).toEqual({
    kind: 'dynamodb',
    uri: 'dynamodb:orders',
    tableArn: 'arn:aws:dynamodb:us-east-1:123456789012:table/orders',
    tableId: 'table-1',
    tableName: 'orders',
    status: 'ACTIVE',
    key: [{ attribute: 'pk', type: 'S' }],
    items: 5_000,
    bytes: 8_192_000,
    billing: 'on-demand',
    reads: { maximum: 4_000 },
    writes: {},
    rate: { unitsPerSecond: 2_000, why: '50 % of 4000, its on-demand maximum' },
    expected: {
      readUnits: 1_000,
      seconds: 1,
      price: 0.000125,
      currency: 'USD',
      why: expect.stringMatching(/^on demand in us-east-1/),
    },
    warnings: [],
  });
  expect(shop.scans).toBe(0);
  const text = inspectText(found as DynamoInspection, styleFor(fakeSink(), {}));
  expect(text.replaceAll(/ +/g, ' ')).toMatch(/^dynamodb:orders: a DynamoDB table, active\n items 5,000, 8.19 MB/);
  expect(text).toContain('4,000 maximum (units a second)');
  expect(text).toContain('no number (units a second)');
  expect(text).toContain('1,000 read units, 1.0 s at that pace, < 0.01 USD (on demand in us-east-1');
});
