/**
 * Items → export → sync → cat gives the same items, for random items, options and targets. TAILRACE_ROUND_TRIPS sets
 * the number of random loads (default 25); fast-check prints the seed and path of a failure.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SyncOptions } from '../../src/index.ts';
import { parsePartition } from '../../src/index.ts';
import { findTable } from '../../src/pipeline/ends/open.ts';
import { itemsArbitrary } from '../data/nasty.ts';
import { bothSchemas, canonicalItems, catItems, exportOf, FORMATS, load, optionsWith } from '../pipeline/harness.ts';

const RUNS = Number(process.env['TAILRACE_ROUND_TRIPS'] ?? 25);
/** The same loads every time where only a few run; with more of them, or TAILRACE_SEED, others. */
const SEED =
  process.env['TAILRACE_SEED'] !== undefined
    ? Number(process.env['TAILRACE_SEED'])
    : process.env['TAILRACE_ROUND_TRIPS'] === undefined
      ? 20_261_121
      : undefined;

const optionsArbitrary: fc.Arbitrary<SyncOptions> = fc
  .record({
    onMixed: fc.constantFrom('rescue', 'json', 'split'),
    numbers: fc.constantFrom('exact', 'exact', 'string'),
    timestamps: fc.constantFrom('off', 'auto'),
    maxColumns: fc.constantFrom(1, 3, 1000),
    maxDepth: fc.constantFrom(1, 2, 8),
    key: fc.constantFrom([], ['pk']),
    include: fc.constantFrom([], [], ['a', 'pk']),
    batchBytes: fc.constantFrom(1, 64 * 1024 * 1024),
    partition: fc.constantFrom('', 'pk', 'bucket(4, pk)', 'truncate(1, pk)'),
  })
  .map(({ batchBytes, partition, ...schema }) => {
    // An attribute that is no column cannot be partitioned by.
    const wanted =
      schema.maxColumns > 3 && (schema.include.length === 0 || schema.include.includes('pk')) ? partition : '';
    return optionsWith({ batchBytes, partition: wanted === '' ? [] : parsePartition(wanted), schema } as Parameters<
      typeof optionsWith
    >[0]);
  });

describe.each(FORMATS)('%s', (format) => {
  test(
    'items come back as they were, and infer says what sync does',
    async () => {
      const property = fc.asyncProperty(
        itemsArbitrary,
        optionsArbitrary,
        fc.integer({ min: 1, max: 3 }),
        async (items, options, filesCount) => {
          const size = Math.ceil(items.length / filesCount);
          const files = Array.from({ length: filesCount }, (_, file) => items.slice(file * size, (file + 1) * size));
          const written = await exportOf(files);
          try {
            const target = `${format}:${join(written.dir, 'table')}`;
            const report = await load(written.exportDir, target, options);
            expect(report.counts).toMatchObject({ read: items.length, written: items.length, rejected: 0 });
            expect(await catItems(target, options)).toEqual(canonicalItems(items));
            // Several batches choose the columns before all is known, where there are more attributes than columns.
            const attributes = [...new Set(items.flatMap((item) => Object.keys(item)))];
            if (attributes.length > options.schema.maxColumns && options.batchBytes === 1) return;
            const { inferred, loaded } = await bothSchemas(written.exportDir, target, options);
            expect(loaded).toEqual(inferred);
          } finally {
            await rm(written.dir, { recursive: true, force: true });
          }
        },
      );
      await fc.assert(property, {
        numRuns: RUNS,
        interruptAfterTimeLimit: 30_000 + RUNS * 8_000,
        ...(SEED === undefined ? {} : { seed: SEED }),
      });
    },
    60_000 + RUNS * 10_000,
  );
});

describe('what random loads have found', () => {
  test('an attribute called filename in a partitioned table', async () => {
    const { exportDir, dir } = await exportOf([[{ pk: { S: '0' }, filename: { S: '' } }]]);
    await load(exportDir, join(dir, 'table'), optionsWith({ partition: parsePartition('pk') }));
  });

  test('a text that begins with a byte order mark keeps it in statistics and partition values', async () => {
    const { exportDir, dir } = await exportOf([[{ pk: { S: '\ufeffabc' } }]]);
    const options = optionsWith({ partition: parsePartition('pk') });
    await load(exportDir, join(dir, 'table'), options);
    const { target } = (await findTable(join(dir, 'table'), options)) ?? {};
    const [file] = (await target?.table.dataFiles()) ?? [];
    expect(file?.partition).toEqual(['\ufeffabc']);
    expect(Object.values(file?.stats ?? {}).map(({ max }) => max)).toContain('\ufeffabc');
  });
});
