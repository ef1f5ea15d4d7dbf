import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sync } from '../../src/index.ts';
import type { DdbItem } from '../data/ion.ts';
import { bothSchemas, canonicalItems, catItems, exportOf, FORMATS, optionsWith, quiet } from './harness.ts';

const file = (from: number, more: (i: number) => DdbItem): DdbItem[] =>
  Array.from({ length: 300 }, (_, i) => ({ pk: { S: `k${from + i}` }, ...more(i) }));

/** What a run that goes on must still know: numbers of the first batch, its types by count, and its maps' names. */
const BATCHES = [
  file(0, (i) => ({
    n: { N: `${i}.5` },
    mixed: i % 3 ? { S: 'x' } : { N: '1' },
    m: { M: { [`id${i % 40}`]: { N: '1' } } },
  })),
  file(300, (i) => ({ n: { N: `${i}` }, mixed: { N: '1' }, m: { M: { id1: { N: '1' } } } })),
  file(600, (i) => ({ n: { N: `${i}` }, mixed: { S: 'x' }, m: { M: { id2: { N: '1' } } }, late: { BOOL: true } })),
];

test.each(FORMATS.flatMap((format) => [300, 600].map((items) => ({ format, items }))))(
  '$format, interrupted after $items items: the run that goes on ends in the same table',
  async ({ format, items }) => {
    const { exportDir, dir } = await exportOf(BATCHES);
    const target = `${format}:${join(dir, 'table')}`;
    const options = optionsWith({ batchBytes: 1 });
    const stop = new AbortController();
    const onProgress = (progress: { readonly itemsDone: number }): void => {
      if (progress.itemsDone >= items) stop.abort();
    };
    const first = await sync(exportDir, target, options, { ...quiet(), signal: stop.signal, onProgress });
    expect(first).toMatchObject({ outcome: 'failed', error: { code: 'INTERRUPTED' } });
    const second = await sync(exportDir, target, options, quiet());
    expect(second).toMatchObject({ outcome: 'committed', counts: { read: 900, written: 900 } });
    const { inferred, loaded } = await bothSchemas(exportDir, target, options);
    expect(loaded).toEqual(inferred);
    expect(await catItems(target, options)).toEqual(canonicalItems(BATCHES.flat()));
  },
);
