import { readdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sync } from '../../src/index.ts';
import { sweepOrphans } from '../../src/maintain/metadata.ts';
import { openTarget, type WrapStorage } from '../../src/pipeline/ends/open.ts';
import { syncThrough } from '../../src/pipeline/sync.ts';
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

describe.each(FORMATS)('%s: files of the interrupted run that are gone are written again', (format) => {
  const options = optionsWith({ batchBytes: 1 });
  const batches = [0, 300, 600].map((from) => file(from, (i) => ({ n: { N: `${i}` } })));
  const isData = (name: string): boolean => name.endsWith('.parquet');

  /** A load that was interrupted behind its first batch, days ago. */
  async function interrupted() {
    const { exportDir, dir } = await exportOf(batches);
    const folder = join(dir, 'table');
    const stop = new AbortController();
    const onProgress = (progress: { readonly itemsDone: number }): void => {
      if (progress.itemsDone >= 300) stop.abort();
    };
    const target = `${format}:${folder}`;
    await sync(exportDir, target, options, { ...quiet(), signal: stop.signal, onProgress });
    const names = async (): Promise<string[]> =>
      (await readdir(folder, { recursive: true })).map((name) => join(folder, name));
    const old = new Date(Date.now() - 100 * 3_600_000);
    for (const name of await names()) await utimes(name, old, old);
    return { exportDir, target, names, files: (await names()).filter(isData) };
  }

  /** Something happens once, before the first call of this kind whose key fits. */
  function rightBefore(call: 'put' | 'adopt', fits: RegExp, happening: () => Promise<unknown>): WrapStorage {
    let done = false;
    return (storage) =>
      new Proxy(storage, {
        get(inner, name) {
          const method: unknown = Reflect.get(inner, name);
          if (typeof method !== 'function') return method;
          if (name !== call) return method.bind(inner);
          return async (key: string, ...more: readonly unknown[]) => {
            if (!done && fits.test(key)) await happening();
            done ||= fits.test(key);
            return Reflect.apply(method, inner, [key, ...more]) as unknown;
          };
        },
      });
  }

  test.each(['before it goes on', 'while it goes on'])('%s', async (when) => {
    const { exportDir, target, files } = await interrupted();
    expect(files.length).toBeGreaterThan(0);
    const remove = () => Promise.all(files.map((file) => rm(file)));
    if (when === 'before it goes on') await remove();
    const wrap = rightBefore('put', /batch-2\.json$/, when === 'while it goes on' ? remove : async () => undefined);
    const report = await syncThrough(wrap, exportDir, target, options, quiet());
    expect(report).toMatchObject({ outcome: 'committed', counts: { read: 900, written: 900 }, files: { resumed: 0 } });
    expect(await catItems(target, options)).toEqual(canonicalItems(batches.flat()));
  });

  test('and a sweep of orphans beside the run that goes on leaves them alone, however old they are', async () => {
    const { exportDir, target, names, files } = await interrupted();
    const sweep = rightBefore('adopt', /./, async () => {
      const { table, storage } = await openTarget(target, options);
      await sweepOrphans(table, storage, Date.now() - 3_600_000, false);
    });
    const report = await syncThrough(sweep, exportDir, target, options, quiet());
    expect(report).toMatchObject({ outcome: 'committed', files: { resumed: files.length } });
    const now = await names();
    expect(files.filter((file) => !now.includes(file))).toEqual([]);
    expect(await catItems(target, options)).toEqual(canonicalItems(batches.flat()));
  });
});
