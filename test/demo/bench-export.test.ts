import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateExport } from '../../bench/full-export/generate.ts';
import { pairRatios, spread } from '../../bench/statistics.ts';
import { readExport } from './read-export.ts';

describe("the benchmark's export", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tailrace-generate-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const request = (cache: string, kind: { scale?: number; heterogeneous?: boolean; ion?: boolean } = {}) =>
    generateExport({ scale: 1, heterogeneous: false, ion: false, ...kind, items: 700, cacheDir: join(dir, cache) });

  test('has the layout, checksums and counts of a real one, and the truth is that of its lines', async () => {
    const made = await request('a');
    const { lines, manifest, summary } = await readExport(made.root);
    expect(manifest).toHaveLength(14);
    expect(summary.billedSizeBytes).toBe(lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0));
    interface Order {
      readonly total: { readonly N: string };
      readonly lines: { readonly L: readonly { readonly M: { readonly qty: { readonly N: string } } }[] };
      readonly note?: unknown;
    }
    const items = lines.map((line) => (JSON.parse(line) as { Item: Order }).Item);
    expect(made.truth).toEqual({
      items: items.length,
      totalCents: items.reduce((sum, item) => sum + Math.round(Number(item.total.N) * 100), 0),
      lines: items.reduce((sum, item) => sum + item.lines.L.length, 0),
      quantity: items.flatMap((item) => item.lines.L).reduce((sum, line) => sum + Number(line.M.qty.N), 0),
      notes: items.filter((item) => item.note !== undefined).length,
    });
  });

  test('is the same bytes on every run, and other bytes for other seeds', async () => {
    const one = await readExport((await request('a', { scale: 2 })).root);
    const two = await readExport((await request('b', { scale: 2 })).root);
    expect(two).toEqual(one);
    expect(new Set(one.lines).size).toBe(1400);
    expect(new Set(one.manifest.map((file) => file.dataFileS3Key)).size).toBe(28);
  });

  test('a larger scale links the files of the smaller', async () => {
    const small = await request('a');
    const large = await request('a', { scale: 2 });
    const [name = ''] = await readdir(join(small.folder, 'data'));
    expect((await stat(join(large.folder, 'data', name))).ino).toBe((await stat(join(small.folder, 'data', name))).ino);
  });

  test('has a heterogeneous and an Ion form', async () => {
    const odd = await readExport((await request('a', { heterogeneous: true })).root);
    const names = new Set(odd.lines.flatMap((line) => Object.keys((JSON.parse(line) as { Item: object }).Item)));
    expect(names.size).toBeGreaterThan(300);
    const ion = await readExport((await request('a', { ion: true })).root);
    expect(ion.summary.outputFormat).toBe('ION');
    expect(ion.lines.every((line) => line.startsWith('$ion_1_0 {Item:{'))).toBe(true);
  });
});

test('ratios are taken round by round', () => {
  expect(spread([3, 1, 2, 10])).toEqual({ min: 1, median: 2.5, max: 10 });
  expect(pairRatios([10, 40, 30], [5, 10, 10, 99])).toEqual({ min: 2, median: 3, max: 4 });
});
