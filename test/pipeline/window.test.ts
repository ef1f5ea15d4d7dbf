import { describe, expect, test } from 'vitest';
import { canonicalLine } from '../data/canonical.ts';
import { canonicalItems, optionsWith } from './harness.ts';
import { catLoaded, change, loadWindow, timesOf } from './window-load.ts';

/** Names that differ by case only are read as text. */
const TWINS = { x: { N: '1' }, X: { S: 'y' } };

describe.each([
  ['without partitions', optionsWith()],
  ['partitioned', optionsWith({ partition: [{ transform: 'bucket', width: 3, column: 'pk' }] })],
  ['with one column', optionsWith({ schema: { maxColumns: 1 } })],
  ['sorted', optionsWith({ sort: [{ column: 'pk', descending: true, nullsFirst: false }] })],
])('%s', (_name, options) => {
  test.each([
    ['DYNAMODB_JSON', {}],
    ['ION', {}],
    ['DYNAMODB_JSON', TWINS],
  ] as const)('fault 53: puts become rows, deletes their keys, from %s with %o', async (format, more) => {
    const changes = [
      change(1, 'a', { n: { N: '1' }, s: { S: '' }, ...more }),
      change(2, 'b', { n: { N: '2.50' }, t: { NULL: true } }, { n: { N: '7' } }),
      change(3, 'c', undefined, { n: { N: '1' } }),
      change(4, 'd'),
      ...Array.from({ length: 40 }, (_, i) => change(10 + i, `x${i}`, i % 3 === 0 ? undefined : { n: { N: `${i}` } })),
    ];
    const loaded = await loadWindow(changes, options, format === 'ION' ? { format_: 'ION' } : {});
    const puts = changes.filter((each) => each.new !== undefined);
    const gone = changes.filter((each) => each.new === undefined);
    expect(loaded).toMatchObject({ read: changes.length, rejected: 0 });
    expect(loaded.files.reduce((sum, file) => sum + file.rows, 0)).toBe(puts.length);
    expect(loaded.deletes.reduce((sum, file) => sum + file.rows, 0)).toBe(gone.length);
    expect((await catLoaded(loaded)).map(canonicalLine).sort()).toEqual(
      canonicalItems(puts.map((each) => each.new ?? {})),
    );
    const times = (all: typeof changes): Map<string, bigint> =>
      new Map(all.map((each) => [Object.values(each.keys['pk'] ?? {})[0] as string, each.at]));
    expect(await timesOf(loaded, loaded.files)).toEqual(times(puts));
    expect(await timesOf(loaded, loaded.deletes)).toEqual(times(gone));
    loaded.duck.close();
  });
});
