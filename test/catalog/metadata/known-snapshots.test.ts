import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WIDE_KEYS } from '../../../src/catalog/metadata/json.ts';
import { parseWithSnapshots } from '../../../src/catalog/metadata/known-snapshots.ts';
import { parseWide, printWide } from '../../../src/catalog/metadata/wide-json.ts';

const filler = 'x'.repeat(3_000);
const hostile = fc.constantFrom('"snapshots":[', ']', '[', '\\', '\\"', '"', '},{', '@int64:5', 'é', '"metadata"');
const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(hostile).map((parts) => parts.join('')),
);
const snapshot = fc.record({
  'snapshot-id': fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  summary: fc.dictionary(texts, texts),
  'manifest-list': texts.map((text) => text + filler),
  lists: fc.array(fc.array(texts)),
});

/** One after another, as a process meets the states of its tables. */
const walk = fc.array(
  fc.record({
    step: fc.constantFrom('commit', 'commit', 'commit', 'expire', 'roll back', 'other'),
    snapshot,
    table: fc.integer({ min: 0, max: 1 }),
    reply: fc.boolean(),
    log: texts,
  }),
  { maxLength: 30 },
);

test('whatever was parsed before, metadata is what its text says', () => {
  fc.assert(
    fc.property(walk, (steps) => {
      const tables: unknown[][] = [[], []];
      for (const { step, snapshot: made, table, reply, log } of steps) {
        const list = tables[table] ?? [];
        if (step === 'expire') list.shift();
        else if (step === 'roll back') list.pop();
        else if (step === 'other' && list.length > 0) list[list.length - 1] = made;
        else list.push(made);
        const metadata = { properties: { note: log }, snapshots: list, 'snapshot-log': [{ 'snapshot-id': 5n, log }] };
        const text = printWide(reply ? { 'metadata-location': log, metadata } : metadata);
        expect(parseWithSnapshots(text, WIDE_KEYS)).toEqual(parseWide(text, WIDE_KEYS));
      }
    }),
    { numRuns: 200 },
  );
});

test('what was parsed before is the same object', () => {
  const snapshots = Array.from({ length: 20 }, (_, id) => ({ 'snapshot-id': BigInt(id), summary: { note: filler } }));
  const parsed = (count: number): readonly unknown[] =>
    (parseWithSnapshots(printWide({ snapshots: snapshots.slice(0, count) }), WIDE_KEYS) as { snapshots: unknown[] })
      .snapshots;
  const [ten, twenty] = [parsed(10), parsed(20)];
  expect(twenty.slice(0, 10).every((one, at) => one === ten[at])).toBe(true);
  expect(twenty).toEqual(snapshots);
});

test.each(['{"snapshots":[', '{"snapshots":[]', '{"snapshots":[{}]}x'])('%s… is no JSON, as ever', (text) => {
  expect(() => parseWithSnapshots(text + ' '.repeat(10_000), WIDE_KEYS)).toThrow(SyntaxError);
});
