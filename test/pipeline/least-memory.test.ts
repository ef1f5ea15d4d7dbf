import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flagLayer } from '../../src/config/layers.ts';
import { resolveOptions } from '../../src/config/resolve.ts';
import { normalFilter, parsePartition, parseSince, parseSort } from '../../src/index.ts';
import type { DdbItem } from '../data/ion.ts';
import { exportOf, load } from './harness.ts';

/** Long texts: the engine holds 2,048 rows at a time, and of each column. */
const ITEMS = Array.from(
  { length: 20_000 },
  (_, i): DdbItem => ({
    pk: { S: `customer-${i}` },
    at: { S: `2026-03-${String(1 + (i % 28)).padStart(2, '0')}T12:00:00Z` },
    n: { N: String(i * 1.25) },
    note: { S: `${i} `.repeat(200) },
    lines: { L: [{ M: { sku: { S: `sku-${i % 97}` }, quantity: { N: String(i % 9) } } }] },
  }),
);

test('the least memory that the options allow is enough for a load: plain, sorted, partitioned', async () => {
  const { exportDir, dir } = await exportOf([ITEMS.slice(0, 10_000), ITEMS.slice(10_000)]);
  for (const more of [{}, { sort: ['at, pk'] }, { partition: ['day(at)'] }]) {
    const flags = { memoryLimit: '128MB', key: ['pk'], ...more };
    const options = resolveOptions([flagLayer(flags)], { parsePartition, parseSort, normalFilter, parseSince });
    const target = `iceberg:${join(dir, Object.keys(more)[0] ?? 'plain')}`;
    const report = await load(exportDir, target, options);
    expect(report.counts).toMatchObject({ written: ITEMS.length, rejected: 0 });
  }
});
