import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nastyItems } from '../data/nasty.ts';
import { canonicalItems, catItems, exportOf, FORMATS, load, optionsWith } from '../pipeline/harness.ts';

test.each(FORMATS)(
  '%s: 10,000 items of every kind, with 30,000 attribute names, come back as they were',
  async (format) => {
    const items = nastyItems(7, 10_000, { distinctNames: 30_000 });
    const files = [0, 1, 2, 3].map((file) => items.slice(file * 2_500, (file + 1) * 2_500));
    const { exportDir, dir } = await exportOf(files);
    const target = `${format}:${join(dir, 'table')}`;
    const report = await load(exportDir, target, optionsWith());
    expect(report.counts).toMatchObject({ read: 10_000, written: 10_000, rejected: 0 });
    const [loaded, expected] = [await catItems(target, optionsWith()), canonicalItems(items)];
    const different = loaded.findIndex((text, i) => text !== expected[i]);
    expect([loaded[different]?.slice(0, 2_000), loaded.length]).toEqual([
      expected[different]?.slice(0, 2_000),
      expected.length,
    ]);
  },
  300_000,
);
