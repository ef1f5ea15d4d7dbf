import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPrices, scanCost } from '../../src/dynamodb/prices.ts';

const TABLE = {
  arn: 'arn:aws:dynamodb:eu-west-1:111111111111:table/t',
  bytes: 8_192_000_000,
  billing: 'on-demand',
} as const;
const PRICES = { date: '2026-01-31', currency: 'EUR', regions: { 'eu-west-1': { readMillion: 0.5 } } };

test('a scan takes a unit for 8 KiB, two when consistent, and its price is of its region and date', () => {
  expect(scanCost(TABLE, { consistent: false, unitsPerSecond: 500 }, PRICES)).toEqual({
    readUnits: 1_000_000,
    seconds: 2_000,
    price: 0.5,
    currency: 'EUR',
    why: 'on demand in eu-west-1: 0.5 EUR a million read units, as of 2026-01-31',
  });
  const consistent = scanCost(TABLE, { consistent: true, unitsPerSecond: Number.POSITIVE_INFINITY }, PRICES);
  expect([consistent.readUnits, consistent.seconds, consistent.price]).toEqual([2_000_000, undefined, 1]);
  expect(scanCost(TABLE, { consistent: false, unitsPerSecond: 500, units: 10 }, PRICES).price).toBe(5e-6);
});

test('provisioned units and regions without a price have none, and it is said why', () => {
  const options = { consistent: false, unitsPerSecond: 500 };
  const provisioned = scanCost({ ...TABLE, billing: 'provisioned' }, options, PRICES);
  expect([provisioned.price, provisioned.why]).toEqual([undefined, expect.stringContaining('by the hour')]);
  const elsewhere = scanCost({ ...TABLE, arn: TABLE.arn.replace('eu-west-1', 'constructor') }, options, PRICES);
  expect([elsewhere.price, elsewhere.why]).toEqual([undefined, expect.stringContaining('no price for constructor')]);
});

test('our own list has a date; a file takes its place, and a wrong one is refused', async () => {
  expect((await readPrices(undefined)).date).toMatch(/^\d{4}-\d\d-\d\d$/);
  const path = join(await mkdtemp(join(tmpdir(), 'tailrace-prices-')), 'prices.json');
  await writeFile(path, JSON.stringify(PRICES));
  expect(await readPrices(path)).toEqual(PRICES);
  for (const wrong of [
    '',
    '[]',
    '{"date":"today","currency":"USD","regions":{}}',
    '{"date":"2026-01-31","currency":"USD"}',
  ]) {
    await writeFile(path, wrong);
    await expect(readPrices(path)).rejects.toMatchObject({ code: 'CONFIG', place: path });
  }
});
