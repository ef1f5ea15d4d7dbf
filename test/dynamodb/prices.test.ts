import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPrices, scanCost, unitCost } from '../../src/dynamodb/prices.ts';

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

test('each segment takes a call, so a small table takes half a unit for each, one when consistent', () => {
  const pace = { unitsPerSecond: 500, segments: 32 };
  const small = { ...TABLE, bytes: 100 };
  expect(scanCost(small, { ...pace, consistent: false }, PRICES).readUnits).toBe(16);
  expect(scanCost(small, { ...pace, consistent: true }, PRICES).readUnits).toBe(32);
  expect(scanCost(TABLE, { ...pace, consistent: false }, PRICES).readUnits).toBe(1_000_000);
});

test('provisioned units and regions without a price have none, and it is said why', () => {
  const options = { consistent: false, unitsPerSecond: 500 };
  const provisioned = scanCost({ ...TABLE, billing: 'provisioned' }, options, PRICES);
  expect([provisioned.price, provisioned.why]).toEqual([undefined, expect.stringContaining('by the hour')]);
  const elsewhere = scanCost({ ...TABLE, arn: TABLE.arn.replace('eu-west-1', 'constructor') }, options, PRICES);
  expect([elsewhere.price, elsewhere.why]).toEqual([
    undefined,
    expect.stringMatching(/^price unknown: .*none for read units in constructor/),
  ]);
});

test('write units have a price of their own; of a table that is not there yet, by the region of the calls', () => {
  const prices = { ...PRICES, regions: { 'eu-west-1': { writeMillion: 3 }, 'us-east-1': { readMillion: 1 } } };
  expect(unitCost(TABLE, 'write', 2_000_000, prices)).toEqual({
    price: 6,
    currency: 'EUR',
    why: 'on demand in eu-west-1: 3 EUR a million write units, as of 2026-01-31',
  });
  expect(unitCost(TABLE, 'read', 1, prices).why).toMatch(/^price unknown/);
  const planned = { arn: undefined, billing: 'on-demand', region: 'us-east-1' } as const;
  expect([unitCost(planned, 'read', 1e6, prices).price, unitCost(planned, 'write', 1, prices).price]).toEqual([
    1,
    undefined,
  ]);
  const nowhere = unitCost({ arn: undefined, billing: 'on-demand' }, 'write', 1, prices);
  expect(nowhere).toEqual({ why: expect.stringContaining('in an unknown region') });
});

test('our own list has sources, and prices for reading and writing of each region', async () => {
  const { sources, regions } = await readPrices(undefined);
  expect(sources?.length).toBeGreaterThan(0);
  for (const [region, { readMillion = 0, writeMillion = 0 }] of Object.entries(regions)) {
    expect(region).toMatch(/^[a-z]{2}-[a-z]+-\d$/);
    // A write unit costs five times as much, within a rounding; on demand is half of what it was until 2024.
    expect(writeMillion / readMillion).toBeGreaterThan(4.9);
    expect(writeMillion / readMillion).toBeLessThan(5.1);
    expect(readMillion).toBeLessThan(0.25);
  }
  expect(regions['us-east-1']).toEqual({ readMillion: 0.125, writeMillion: 0.625 });
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
    '{"date":"2026-01-31","currency":"USD","regions":{"eu-west-1":{"writeMillion":"dear"}}}',
  ]) {
    await writeFile(path, wrong);
    await expect(readPrices(path)).rejects.toMatchObject({ code: 'CONFIG', place: path });
  }
});
