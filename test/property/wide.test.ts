/**
 * Tables of many attributes go a way of their own: items of which each has a few of 90 attributes come back as they
 * were, whatever of them fits its column.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePartition } from '../../src/index.ts';
import type { DdbItem, DdbValue } from '../data/ion.ts';
import { NASTY_STRINGS, valueArbitrary } from '../data/nasty.ts';
import { canonicalItems, catItems, exportOf, FORMATS, load, optionsWith } from '../pipeline/harness.ts';

const RUNS = Number(process.env['TAILRACE_ROUND_TRIPS'] ?? 8);
const NAMES = 90;

/** Names that read like SQL, like ours, or like JSON. */
const ODD_NAMES = [
  'filename',
  'item',
  'a"b',
  "it's",
  'a\\b',
  'x.y',
  'null',
  'columns',
  '"}\u0001{"',
  'é',
  '_rescued',
  't',
];

const texts = fc.constantFrom(...NASTY_STRINGS);
const wholes = fc.constantFrom('0', '-1', '42', '9223372036854775807', '-9223372036854775808', '1234567890123456789');
const numbers = fc.constantFrom(
  '1.5',
  '0.001',
  '-3',
  '9223372036854775808',
  `1${'0'.repeat(125)}`,
  '0.1234567890123456789',
);
const times = fc.constantFrom('2024-02-29T12:00:00.000Z', '2024-02-30T12:00:00.000Z', '2024-01-01', 'soon');

/** What an attribute mostly holds, by its number. */
const USUAL: readonly fc.Arbitrary<DdbValue>[] = [
  texts.map((S) => ({ S })),
  wholes.map((N) => ({ N })),
  numbers.map((N) => ({ N })),
  fc.boolean().map((BOOL) => ({ BOOL })),
  times.map((S) => ({ S })),
  fc.uniqueArray(texts, { minLength: 1, maxLength: 3 }).map((SS) => ({ SS })),
  fc.uniqueArray(wholes, { minLength: 1, maxLength: 3 }).map((NS) => ({ NS })),
  fc
    .array(
      texts.map((S) => ({ S })),
      { maxLength: 3 },
    )
    .map((L) => ({ L })),
  fc.tuple(texts, wholes, fc.boolean()).map(([S, N, both]) => ({ M: { code: { S }, ...(both ? { n: { N } } : {}) } })),
];

function attribute(name: number): fc.Arbitrary<[string, DdbValue]> {
  const usual = USUAL[name % USUAL.length] ?? valueArbitrary;
  const value =
    name % 10 === 3
      ? valueArbitrary
      : fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: valueArbitrary });
  return value.map((made) => [ODD_NAMES[name] ?? `attr ${name}`, made]);
}

const items: fc.Arbitrary<DdbItem[]> = fc
  .array(fc.array(fc.nat(NAMES - 1).chain(attribute), { minLength: 4, maxLength: 20 }), {
    minLength: 1,
    maxLength: 60,
  })
  .map((all) => all.map((some, index): DdbItem => ({ ...Object.fromEntries(some), pk: { S: `item ${index}` } })))
  // One item has them all, so that the table is wide.
  .chain((all) =>
    fc
      .tuple(...[...Array(NAMES).keys()].map(attribute))
      .map((every): DdbItem[] => [...all, { ...Object.fromEntries(every), pk: { S: 'all' } }]),
  );

describe.each(FORMATS)('%s', (format) => {
  test('items of wide tables come back as they were', async () => {
    const options = fc.record({
      onMixed: fc.constantFrom('rescue', 'json', 'split'),
      numbers: fc.constantFrom('exact', 'exact', 'string'),
      timestamps: fc.constantFrom('off', 'auto'),
      maxColumns: fc.constantFrom(20, 500),
      maxDepth: fc.constantFrom(1, 8),
      key: fc.constantFrom([], ['pk']),
      partition: fc.constantFrom('', '', 'bucket(4, pk)'),
    });
    const property = fc.asyncProperty(items, options, async (made, { partition, ...schema }) => {
      const wanted = partition === '' || schema.maxColumns < 500 ? [] : parsePartition(partition);
      const chosen = optionsWith({ batchBytes: 4_000, partition: wanted, schema } as Parameters<typeof optionsWith>[0]);
      const written = await exportOf([made.slice(0, 20), made.slice(20)]);
      try {
        const target = `${format}:${join(written.dir, 'table')}`;
        const report = await load(written.exportDir, target, chosen);
        expect(report.counts).toMatchObject({ read: made.length, written: made.length, rejected: 0 });
        expect(await catItems(target, chosen)).toEqual(canonicalItems(made));
      } finally {
        await rm(written.dir, { recursive: true, force: true });
      }
    });
    await fc.assert(property, { numRuns: RUNS, seed: 20_261_121, interruptAfterTimeLimit: 100_000 });
  }, 150_000);
});
