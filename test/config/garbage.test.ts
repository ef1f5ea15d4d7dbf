import { describe, expect, test } from 'vitest';
import { flagLayer } from '../../src/config/layers.ts';
import { LOAD_OPTIONS } from '../../src/config/load-options.ts';
import type { OptionKind, OptionSpec } from '../../src/config/option-spec.ts';
import { flagOf } from '../../src/config/option-spec.ts';
import { OPTION_ENTRIES } from '../../src/config/options.ts';
import { resolveOptions } from '../../src/config/resolve.ts';
import { parseValue } from '../../src/config/values.ts';
import { defaultOptions, normalFilter, parsePartition, parseSince, parseSort } from '../../src/index.ts';
import { planLoad } from '../../src/load/prepare.ts';

// Garbage in an option that has a form is refused, wherever the option stands, and never taken for something like it.

const ANYWHERE = ['', ' ', 'soon', '-1', '+5', '0x10', '1e3', '1_000', '1,5', '１２', 'NaN', 'Infinity', 'null', '5 5'];
const NO_NUMBERS: readonly unknown[] = [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, null, [], {}, true];

/** By kind: what is no value of it, as text and as a value of a file; and one that is. */
const GARBAGE: Readonly<
  Partial<
    Record<OptionKind, { readonly bad: readonly string[]; readonly values: readonly unknown[]; readonly good: string }>
  >
> = {
  size: { bad: [...ANYWHERE, '1.5', '12M', '5 parsecs', '100%', '1GBB'], values: NO_NUMBERS, good: '2GB' },
  duration: { bad: [...ANYWHERE, '5', '5 days', '1w', '5ms', '1h30m', '10%'], values: [5, ...NO_NUMBERS], good: '36h' },
  count: { bad: [...ANYWHERE, '1.5', '5x', '10%', '99999999999999999999'], values: NO_NUMBERS, good: '8' },
  rate: {
    bad: [...ANYWHERE, '0', '0%', '101%', '5/s', '%', 'unlimited!'],
    values: [0, ...NO_NUMBERS.filter((each) => each !== 1.5)],
    good: '30%',
  },
  limit: { bad: [...ANYWHERE, '1.5', '101%', '%', '10 rows', '1000%'], values: NO_NUMBERS, good: '10%' },
  time: {
    bad: [
      ...ANYWHERE,
      '2026-03-01',
      '2026-03-01T12:00:00',
      '2026-02-30T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '1772366400',
      '2026-03-01T25:00:00Z',
      'March 1, 2026 12:00Z',
    ],
    values: [1772366400, ...NO_NUMBERS],
    good: '2026-03-01T12:00:00Z',
  },
  switch: { bad: ['', 'yes', 'no', 'TRUE', '2', 'on'], values: [0, 1, null, [], {}], good: 'true' },
  choice: { bad: ['', ' ', 'soon', 'AUTO ', '0'], values: [0, null, [], {}], good: '' },
  definitions: { bad: ['', 'soon', '=x'], values: [0, null, {}, true], good: '' },
};

const SPECS: (readonly [string, OptionSpec])[] = [...OPTION_ENTRIES, ...Object.entries(LOAD_OPTIONS)];
const formed = SPECS.filter(([, { kind }]) => GARBAGE[kind] !== undefined);

test('every kind of option with a form is among them', () => {
  expect([...new Set(formed.map(([, { kind }]) => kind))].sort()).toEqual(Object.keys(GARBAGE).sort());
  expect(formed.length).toBeGreaterThan(50);
});

test.each(formed)('%s', (_key, spec) => {
  const { bad, values, good } = GARBAGE[spec.kind] ?? { bad: [], values: [], good: '' };
  for (const raw of [...bad, ...values]) expect([raw, parseValue(spec, raw).ok]).toEqual([raw, false]);
  if (good !== '') expect(parseValue(spec, good).ok).toBe(true);
});

describe('as flags of a run', () => {
  const parsers = { parsePartition, parseSort, normalFilter, parseSince };
  const run = (flags: Record<string, unknown>) => resolveOptions([flagLayer(flags)], parsers);
  const since = (text: string) => ({ since: text, sinceAttribute: 'at' });

  test.each<readonly [string, Record<string, unknown>]>([
    ['fromTime', { fromTime: 'yesterday' }],
    ['memoryLimit', { memoryLimit: '12M' }],
    ['commitEvery', { commitEvery: '5' }],
    ['rcu', { rcu: '0%' }],
    ['maxDelete', { maxDelete: '200%' }],
    ['threads', { threads: '0' }],
    ['since', since('yesterday')],
    ['since', since('2026-02-30')],
    ['since', since('31-04-2026')],
    ['since', since('')],
    ['sinceOverlap', { ...since('last'), sinceOverlap: '10' }],
    ['partition', { partition: ['day(at, fortnight)'] }],
    ['partition', { partition: ['bucket(0, pk)'] }],
    ['sort', { sort: ['pk upwards'] }],
    ['filter', { filter: 'color is' }],
  ])('%s: %j', (key, flags) => {
    expect(() => run(flags)).toThrow(
      expect.objectContaining({ code: 'USAGE', place: expect.stringContaining(flagOf(key)) }),
    );
  });

  test('the capacity of a table that load makes is read, whether it makes one or not', () => {
    for (const provisioned of ['5', '0,5', '5,5,5', 'a,b', '5;5', ''])
      expect(() => planLoad({ ...defaultOptions(), provisioned } as never)).toThrow(
        expect.objectContaining({ place: '--provisioned' }),
      );
  });
});
